#pragma once

#include "base/result.h"
#include "format/inspector.h"
#include "format/window.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace slipway::format {

// Walks the tar of an OVA as it passes: first the OVF, then its files, regular and with plain names
// only; every .vmdk must be a stream-optimised disk that would be accepted on its own. What the OVF
// says, and the digests of the manifest, are not looked at.
// Source: DMTF DSP0243 2.1, 5; POSIX, pax, "ustar Interchange Format".
class OvaReader {
public:
    explicit OvaReader(const InspectionLimits& limits);
    ~OvaReader();

    void see(std::uint64_t offset, std::span<const std::byte> chunk);
    // Errors: unsupported.
    [[nodiscard]] Result<void> finish() const;

private:
    enum class State { header, data, end };

    Result<void> advance(std::uint64_t offset, std::span<const std::byte> chunk);
    Result<void> read_header();
    Result<void> check_name(const std::string& name) const;
    Result<void> begin_member(const std::string& name, std::uint64_t size);
    Result<void> end_member();
    void show_disk(std::uint64_t offset, std::span<const std::byte> chunk);
    void expect_header(std::uint64_t at);

    InspectionLimits limits_;
    Result<void> result_;
    State state_ = State::header;
    Window header_;
    std::vector<std::string> names_;
    std::uint64_t data_first_ = 0;
    std::uint64_t data_end_ = 0;
    std::unique_ptr<Detector> disk_;  // of the member that passes, where it is a .vmdk
    int zero_blocks_ = 0;
};

}  // namespace slipway::format
