#include "tests/fakes/scripted_server.h"

#include "base/handle.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace slipway::test {
namespace {

using Bio = std::unique_ptr<BIO, FreeWith<&BIO_free_all>>;
using Certificate = std::unique_ptr<X509, FreeWith<&X509_free>>;
using Context = std::unique_ptr<SSL_CTX, FreeWith<&SSL_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeWith<&EVP_PKEY_free>>;
using Session = std::unique_ptr<SSL, FreeWith<&SSL_free>>;

Session server_session(const Identity& identity) {
    const Context context(SSL_CTX_new(TLS_server_method()));
    const auto bio_over = [](const std::string& text) {
        return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    };
    const Certificate leaf(
        PEM_read_bio_X509(bio_over(identity.certificate_pem).get(), nullptr, nullptr, nullptr)
    );
    const Key key(
        PEM_read_bio_PrivateKey(bio_over(identity.key_pem).get(), nullptr, nullptr, nullptr)
    );
    SSL_CTX_use_certificate(context.get(), leaf.get());
    SSL_CTX_use_PrivateKey(context.get(), key.get());
    return Session(SSL_new(context.get()));
}

sockaddr* as_sockaddr(sockaddr_in& address) {
    return static_cast<sockaddr*>(static_cast<void*>(&address));
}

}  // namespace

std::string Peer::read_head() {
    for (;;) {
        const auto end = pending_.find("\r\n\r\n");
        if (end != std::string::npos) {
            std::string head = pending_.substr(0, end + 4);
            pending_.erase(0, end + 4);
            return head;
        }
        const auto more = receive(4096);
        if (more.empty()) throw PeerGone();
        pending_ += more;
    }
}

std::string Peer::read_some(std::size_t at_most) {
    if (pending_.empty()) return receive(at_most);
    std::string taken = pending_.substr(0, at_most);
    pending_.erase(0, taken.size());
    return taken;
}

std::string Peer::read_exactly(std::size_t bytes) {
    std::string taken;
    while (taken.size() < bytes) {
        const auto more = read_some(bytes - taken.size());
        if (more.empty()) throw PeerGone();
        taken += more;
    }
    return taken;
}

class ScriptedServer::Link final : public Peer {
public:
    Link(int socket, std::atomic<std::uint64_t>& received) : socket_(socket), received_(received) {}
    ~Link() override { ::close(socket_); }

    bool accept_tls(const Identity& identity) {
        session_ = server_session(identity);
        SSL_set_fd(session_.get(), socket_);
        const bool accepted = SSL_accept(session_.get()) == 1;
        ERR_clear_error();
        return accepted;
    }

    std::string receive(std::size_t at_most) override {
        std::string bytes(at_most, '\0');
        const int size = static_cast<int>(at_most);
        const auto got = session_ ? SSL_read(session_.get(), bytes.data(), size)
                                  : ::recv(socket_, bytes.data(), at_most, 0);
        ERR_clear_error();
        if (got <= 0) return {};
        received_ += static_cast<std::uint64_t>(got);
        bytes.resize(static_cast<std::size_t>(got));
        return bytes;
    }

    void write(std::string_view bytes) override {
        while (!bytes.empty()) {
            const int size = static_cast<int>(bytes.size());
            const auto put = session_ ? SSL_write(session_.get(), bytes.data(), size)
                                      : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            ERR_clear_error();
            if (put <= 0) throw PeerGone();
            bytes.remove_prefix(static_cast<std::size_t>(put));
        }
    }

    void stall() override {
        pollfd gone{.fd = socket_, .events = POLLRDHUP, .revents = 0};
        ::poll(&gone, 1, -1);
    }

    void reset() override {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        polite_ = false;
    }

    void cut() override { polite_ = false; }

    void end() {
        if (session_ && polite_) SSL_shutdown(session_.get());
        ERR_clear_error();
        session_.reset();
    }

    // Wakes whatever waits on it.
    void interrupt() { ::shutdown(socket_, SHUT_RDWR); }

private:
    int socket_;
    std::atomic<std::uint64_t>& received_;
    Session session_;
    bool polite_ = true;
};

ScriptedServer::ScriptedServer(std::vector<Script> scripts, std::optional<Identity> tls)
    : scripts_(std::move(scripts)), tls_(std::move(tls)) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (::bind(listener_, as_sockaddr(address), size) != 0 || ::listen(listener_, 16) != 0)
        throw std::runtime_error("no loopback listener");
    ::getsockname(listener_, as_sockaddr(address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
}

ScriptedServer::~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    {
        const std::lock_guard lock(mutex_);
        for (const auto& link : links_) link->interrupt();
    }
    for (auto& thread : threads_) thread.join();
}

std::string ScriptedServer::url(std::string_view target, std::string_view host) const {
    return (tls_ ? "https://" : "http://") + std::string(host) + ':' + std::to_string(port_) +
           std::string(target);
}

void ScriptedServer::accept_all() {
    for (;;) {
        const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0) return;
        // Without this a small answer may still wait in the kernel when the script closes.
        const int on = 1;
        ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        const auto index = static_cast<std::size_t>(accepted_++);
        const auto& script = scripts_[std::min(index, scripts_.size() - 1)];
        const auto link = std::make_shared<Link>(socket, received_);
        {
            const std::lock_guard lock(mutex_);
            links_.push_back(link);
        }
        threads_.emplace_back([this, link, &script] { serve(*link, script); });
    }
}

void ScriptedServer::serve(Link& link, const Script& script) {
    try {
        if (!tls_ || link.accept_tls(*tls_)) script(link);
    } catch (const Peer::PeerGone&) {
        // The client left first; some scripts mean it to.
    }
    link.end();
    const std::lock_guard lock(mutex_);
    links_.remove_if([&](const auto& other) { return other.get() == &link; });
}

}  // namespace slipway::test
