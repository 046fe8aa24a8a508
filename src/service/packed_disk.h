#pragma once

#include "base/async.h"
#include "base/stream.h"
#include "format/descriptor.h"
#include "format/disk_reader.h"
#include "format/random_source.h"

#include <memory>
#include <string>

namespace slipway::service {

// The disk in a stored file, as a file that hosts take: its used grains alone, in a hosted sparse
// file, or compressed in a stream-optimised one. Reading tables, unpacking and packing are done on
// the blocking pool; `source` is read from there.
//
// Lifetime: `source` and the pool must outlive it.
class PackedDisk final : public ByteSource {
public:
    enum class Form { sparse, stream };
    // What `source` holds, as in format::open_disk.
    struct Content {
        std::string disk_format;
        std::string container_format;
    };

    // Errors: those of open_disk and of the writers.
    static awaitable<Result<std::unique_ptr<PackedDisk>>> open(
        format::RandomSource& source,
        Content content,
        Form form,
        format::AdapterType adapter,
        BlockingPool& pool
    );

    // Fills `into` as far as there are bytes, since every call costs a change of threads.
    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override;
    // Unknown for a stream.
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override;
    [[nodiscard]] std::uint64_t capacity_bytes() const { return capacity_bytes_; }

private:
    PackedDisk() = default;
    awaitable<Result<void>> open_here(
        format::RandomSource& source, Content content, Form form, format::AdapterType adapter
    );

    asio::any_io_executor executor_;
    std::unique_ptr<format::DiskReader> disk_;
    std::unique_ptr<ByteSource> file_;
    std::uint64_t capacity_bytes_ = 0;
};

}  // namespace slipway::service
