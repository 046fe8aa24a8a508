#pragma once

#include "http/inbound.h"
#include "http/request.h"
#include "http/response.h"

#include <cstdint>
#include <string>

namespace slipway::http {

// How an answer is to be sent, beyond what it says itself.
struct SendOptions {
    bool head = false;  // headers only
    bool http_1_0 = false;
    bool keep_alive = true;
};

// The writing direction of a connection. Memory: the text, or two chunks of the stream, of which
// one is written while the next is read.
class Outbound {
public:
    Outbound(Transport& transport, const ServerLimits& limits)
        : transport_(transport), limits_(limits) {}

    // Checks the headers and reads the first chunk of a stream, while a failure can still be
    // answered.
    awaitable<Result<void>> prepare(Response& response, const SendOptions& options);
    // Sends all of it; counts what was written of the body in `transfer`.
    // Errors: those of the link and of the stream; corrupt when the stream is shorter or longer
    // than announced. After one, the connection must be aborted.
    awaitable<Result<void>> send(
        Response& response, const SendOptions& options, Transfer& transfer
    );

private:
    awaitable<Result<void>> write_all(std::span<const std::byte> bytes);
    awaitable<Result<void>> send_stream(Response& response, Transfer& transfer);

    Transport& transport_;
    const ServerLimits& limits_;
    std::vector<std::byte> current_;  // chunk to be written next
};

}  // namespace slipway::http
