#include "format/descriptor.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

// What is accepted names one extent, and no path.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    const auto parsed = slipway::format::parse_embedded_descriptor(text);
    if (parsed && text.find("SPARSE") == std::string::npos) std::abort();
    return 0;
}
