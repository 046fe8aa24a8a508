#include "tests/support/request_streams.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

// The first byte says how the rest is cut into pieces; where requests end must not depend on it. As
// far as another parser takes the stream, it finds the same requests, and never one more.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace slipway::test;
    if (size < 2) return 0;
    const std::string bytes(data + 1, data + size);
    const SeenStream whole = read_by_slipway(bytes, bytes.size());
    const SeenStream cut = read_by_slipway(bytes, 1 + std::size_t{data[0]});
    if (cut.requests != whole.requests || cut.end != whole.end) std::abort();

    const SeenStream theirs = read_by_beast(bytes);
    const std::size_t common = std::min(theirs.requests.size(), whole.requests.size());
    if (!std::equal(
            whole.requests.begin(),
            whole.requests.begin() + static_cast<std::ptrdiff_t>(common),
            theirs.requests.begin()
        ))
        std::abort();
    if (whole.end == StreamEnd::waits && theirs.requests.size() > common) std::abort();
    return 0;
}
