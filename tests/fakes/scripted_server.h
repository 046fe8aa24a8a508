#pragma once

#include "tests/fakes/certificates.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace slipway::test {

// The server's end of one connection, as a script sees it. Blocking; every call ends when the
// server is destroyed. A failed call throws PeerGone, which ends the script quietly.
class Peer {
public:
    struct PeerGone {};

    virtual ~Peer() = default;

    // What the client sends, up to and including the empty line.
    std::string read_head();
    // Exactly `bytes` bytes.
    std::string read_exactly(std::size_t bytes);
    // At least one byte; empty at the end.
    std::string read_some(std::size_t at_most);
    virtual void write(std::string_view bytes) = 0;
    // Neither reads nor writes until the client goes away or the server is destroyed.
    virtual void stall() = 0;
    // Closes with a TCP reset.
    virtual void reset() = 0;
    // Ends TCP without TLS's own goodbye; a plain connection just closes.
    virtual void cut() = 0;

protected:
    virtual std::string receive(std::size_t at_most) = 0;

private:
    std::string pending_;  // received with a head that was read, and not asked for yet
};

// A server on loopback that does to each connection what a script says: for bytes that no decent
// server sends. A script that returns closes its connection decently.
class ScriptedServer {
public:
    using Script = std::function<void(Peer&)>;

    // The n-th connection runs the n-th script; the last one serves all that follow.
    explicit ScriptedServer(std::vector<Script> scripts, std::optional<Identity> tls = {});
    ~ScriptedServer();
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string url(std::string_view target, std::string_view host = "127.0.0.1")
        const;
    [[nodiscard]] int connections() const { return accepted_; }
    // Bytes that clients sent, after TLS: what a server that nobody should believe got to see.
    [[nodiscard]] std::uint64_t bytes_received() const { return received_; }

private:
    class Link;

    void accept_all();
    void serve(Link& link, const Script& script);

    std::vector<Script> scripts_;
    std::optional<Identity> tls_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<int> accepted_ = 0;
    std::atomic<std::uint64_t> received_ = 0;
    std::mutex mutex_;
    std::list<std::shared_ptr<Link>>
        links_;                       // guarded by mutex_; shared with the thread that serves it
    std::list<std::thread> threads_;  // touched by the accepting thread, then the destructor
    std::thread acceptor_;
};

}  // namespace slipway::test
