#pragma once

#include "base/digest.h"
#include "format/vmdk_header.h"
#include "format/window.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace slipway::format {

// Grain entries are holes, zero grains where the header allows them, or grains behind the metadata.
// Follows the greatest end of a grain.
class GrainEntries {
public:
    explicit GrainEntries(const SparseHeader& header) : header_(header) {}

    // The entries of table `index`. Grains lie below sector `limit`. Errors: unsupported.
    Result<void> check(std::span<const std::byte> table, std::uint64_t index, std::uint64_t limit);
    // The file must reach as far.
    [[nodiscard]] std::uint64_t end_sector() const { return end_sector_; }

private:
    SparseHeader header_;
    std::uint64_t end_sector_ = 0;
};

// One grain directory before the grains, with its tables behind it in ascending order. Holds the
// directory and one table.
class GrainDirectory {
public:
    GrainDirectory(const SparseHeader& header, std::uint64_t first_sector);

    // Errors: unsupported.
    Result<void> see(std::uint64_t offset, std::span<const std::byte> chunk);
    [[nodiscard]] bool is_complete() const { return directory_.is_complete() && !table_; }

    // Needs is_complete().
    [[nodiscard]] std::uint64_t first_sector() const { return first_sector_; }
    [[nodiscard]] std::uint64_t end_sector() const { return end_sector_; }
    [[nodiscard]] std::uint64_t grains_end_sector() const { return entries_.end_sector(); }
    // Equal for two copies that map the same grains.
    [[nodiscard]] const std::string& digest() const { return digest_hex_; }

private:
    Result<void> read_directory();
    Result<void> read_table();
    void next_table();

    SparseHeader header_;
    std::uint64_t first_sector_;
    std::uint64_t end_sector_;
    Window directory_;
    std::vector<std::uint32_t> tables_;
    bool is_read_ = false;
    std::size_t index_ = 0;
    std::optional<Window> table_;
    GrainEntries entries_;
    Digest digest_;
    std::string digest_hex_;
};

}  // namespace slipway::format
