#include "format/disk_reader.h"
#include "tests/fakes/memory_source.h"
#include "tests/support/run.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

namespace {

namespace format = slipway::format;
using slipway::awaitable;

constexpr std::array<std::string_view, 6> kFormats = {"raw", "vmdk", "qcow2", "vhd", "vhdx", "vdi"};

awaitable<void> read(format::RandomSource& source, std::string_view disk_format, bool is_ova) {
    constexpr std::uint64_t kMostGrains = 16;
    const auto disk = co_await format::open_disk(source, disk_format, is_ova ? "ova" : "bare");
    if (!disk) co_return;
    const auto used = co_await (*disk)->used_grains();
    if (!used) co_return;
    std::array<std::byte, format::kDiskGrainBytes> grain{};
    std::uint64_t next = 0;
    for (std::uint64_t i = 0; i < kMostGrains && next < used->grains(); ++i) {
        const auto outcome = co_await (*disk)->read_grain(next, grain);
        const bool is_zero =
            std::all_of(grain.begin(), grain.end(), [](std::byte b) { return b == std::byte{0}; });
        // What the map leaves out reads as zeros.
        if (outcome && !used->is_used(next) && !is_zero) std::abort();
        next = i % 2 == 0 ? next + 1 : used->next_used(next + 1);
    }
}

}  // namespace

// The first byte says what the rest was declared to be.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    slipway::test::MemorySource source(std::as_bytes(std::span(data, size)).subspan(1));
    const std::size_t which = data[0] % (kFormats.size() + 1);
    const bool is_ova = which == kFormats.size();
    slipway::test::run(read(source, is_ova ? "vmdk" : kFormats[which], is_ova));
    return 0;
}
