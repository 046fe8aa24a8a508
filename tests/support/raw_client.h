#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace slipway::test {

// One answer as it stood on the wire.
struct RawAnswer {
    int status = 0;    // 0: the connection ended before an answer did
    std::string head;  // status line and headers
    std::string body;

    // Value of the first header of that name, compared as it is written.
    [[nodiscard]] std::string header(std::string_view name) const;
};

// A blocking TCP client on loopback that sends exactly what it is told, for tests of servers.
// Nothing in it waits longer than `patience`.
class RawClient {
public:
    explicit RawClient(
        std::uint16_t port,
        int receive_buffer = 0,
        std::chrono::milliseconds patience = std::chrono::seconds(20)
    );
    ~RawClient();
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    // Sends all of it; false when the peer took no more.
    bool send(std::string_view bytes);
    // Ends the sending side only.
    void half_close();

    // Reads one answer, with a body as long as its Content-Length says; none after `to_head`.
    RawAnswer read_answer(bool to_head = false);
    // Up to `limit` bytes that have come, waiting for the first; empty at the end.
    std::string read_some(std::size_t limit = 65536);
    // Everything up to the end of the connection.
    std::string read_to_end();
    // Whether the peer has ended the connection, by an orderly end or a reset, before `patience`.
    bool is_closed_by_peer() { return read_some(1).empty() && !timed_out_; }
    [[nodiscard]] bool was_reset() const { return reset_; }
    [[nodiscard]] int socket() const { return socket_; }

private:
    int socket_ = -1;
    std::chrono::milliseconds patience_;
    std::string buffer_;
    bool timed_out_ = false;
    bool reset_ = false;
};

}  // namespace slipway::test
