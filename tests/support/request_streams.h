#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

// Streams of pipelined requests, and two readers that must agree about where each request ends.
namespace slipway::test {

struct SeenRequest {
    std::string method;
    std::string target;
    std::string body;

    friend bool operator==(const SeenRequest&, const SeenRequest&) = default;
};
std::ostream& operator<<(std::ostream& out, const SeenRequest& request);

enum class StreamEnd {
    waits,    // for more, or for another request
    refused,  // what follows the last request is none
    closed,   // the last request asked for the end of the connection
};

struct SeenStream {
    std::vector<SeenRequest> requests;  // the whole ones
    StreamEnd end = StreamEnd::waits;
};

// Largest body that both readers take.
inline constexpr std::size_t kStreamBodyBytes = 1U << 20U;

// As src/http reads `bytes` that arrive in pieces of `piece` bytes.
SeenStream read_by_slipway(std::string_view bytes, std::size_t piece);
// As Beast's parser reads them: another implementation, by other people.
SeenStream read_by_beast(std::string_view bytes);

// Streams with a request, or the beginning of one, behind a request whose end can be argued about.
// Targets are "/" and "/text".
struct RequestStream {
    std::string what;
    std::string bytes;
};
std::vector<RequestStream> request_streams();

}  // namespace slipway::test
