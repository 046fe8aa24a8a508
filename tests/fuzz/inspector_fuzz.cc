#include "format/inspector.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

namespace {

using slipway::format::Inspection;
using slipway::format::Inspector;

Inspection inspect(std::span<const std::byte> bytes, std::size_t chunk) {
    Inspector inspector;
    for (std::size_t at = 0; at < bytes.size(); at += chunk)
        inspector.see(bytes.subspan(at, std::min(chunk, bytes.size() - at)));
    return inspector.finish();
}

bool agree(const Inspection& a, const Inspection& b) {
    return a.format == b.format && a.vmdk_kind == b.vmdk_kind && a.virtual_size == b.virtual_size &&
           a.safety.has_value() == b.safety.has_value() && a.ova.has_value() == b.ova.has_value();
}

}  // namespace

// The first byte says how the rest is cut; the verdict must not depend on it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto bytes = std::as_bytes(std::span(data, size)).subspan(1);
    const std::size_t chunk = 1 + std::size_t{data[0]} * 7;
    if (!agree(inspect(bytes, chunk), inspect(bytes, size))) std::abort();
    return 0;
}
