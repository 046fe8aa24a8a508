#include "tests/support/raw_client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

namespace slipway::test {

std::string RawAnswer::header(std::string_view name) const {
    const auto line = head.find("\r\n" + std::string(name) + ": ");
    if (line == std::string::npos) return {};
    const auto begin = line + 2 + name.size() + 2;
    return head.substr(begin, head.find("\r\n", begin) - begin);
}

RawClient::RawClient(std::uint16_t port, int receive_buffer, std::chrono::milliseconds patience)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), patience_(patience) {
    if (receive_buffer > 0)
        setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        close(socket_);
        throw std::runtime_error("cannot connect to the server under test");
    }
}

RawClient::~RawClient() {
    close(socket_);
}

bool RawClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        pollfd ready{socket_, POLLOUT, 0};
        if (poll(&ready, 1, static_cast<int>(patience_.count())) != 1) return false;
        const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN) return false;
        bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
    }
    return true;
}

void RawClient::half_close() {
    shutdown(socket_, SHUT_WR);
}

std::string RawClient::read_some(std::size_t limit) {
    if (!buffer_.empty()) {
        std::string piece = buffer_.substr(0, limit);
        buffer_.erase(0, piece.size());
        return piece;
    }
    pollfd ready{socket_, POLLIN, 0};
    if (poll(&ready, 1, static_cast<int>(patience_.count())) != 1) {
        timed_out_ = true;
        return {};
    }
    std::string piece(limit, '\0');
    const auto got = recv(socket_, piece.data(), piece.size(), 0);
    if (got < 0) reset_ = true;
    piece.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return piece;
}

std::string RawClient::read_to_end() {
    std::string all;
    for (std::string piece = read_some(); !piece.empty(); piece = read_some()) all += piece;
    return all;
}

RawAnswer RawClient::read_answer(bool to_head) {
    RawAnswer answer;
    std::string bytes;
    auto end = std::string::npos;
    while (end == std::string::npos) {
        const auto piece = read_some();
        if (piece.empty()) return answer;
        bytes += piece;
        end = bytes.find("\r\n\r\n");
    }
    answer.head = bytes.substr(0, end + 2);
    bytes.erase(0, end + 4);
    const auto length = answer.header("Content-Length");
    const std::size_t wanted = to_head || length.empty() ? 0 : std::stoul(length);
    while (bytes.size() < wanted) {
        const auto piece = read_some();
        if (piece.empty()) return answer;
        bytes += piece;
    }
    answer.body = bytes.substr(0, wanted);
    buffer_ = bytes.substr(wanted) + buffer_;
    answer.status = std::stoi(answer.head.substr(answer.head.find(' ') + 1, 3));
    return answer;
}

}  // namespace slipway::test
