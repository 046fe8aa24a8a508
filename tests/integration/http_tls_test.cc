#include "base/handle.h"
#include "tests/integration/http_server_fixture.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdio>
#include <filesystem>

namespace slipway::http {
namespace {

using namespace std::chrono_literals;
using test::RawClient;

using Key = std::unique_ptr<EVP_PKEY, FreeWith<&EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeWith<&X509_free>>;
using File = std::unique_ptr<std::FILE, FreeWith<&std::fclose>>;
using SslContext = std::unique_ptr<SSL_CTX, FreeWith<&SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, FreeWith<&SSL_free>>;

// A self-signed certificate and its key in a folder of its own.
class TemporaryCertificate {
public:
    TemporaryCertificate() {
        std::string name = (std::filesystem::temp_directory_path() / "slipway-tls-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
        folder_ = name;
        const Key key(EVP_EC_gen("P-256"));
        const Certificate certificate(X509_new());
        ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
        X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
        X509_set_pubkey(certificate.get(), key.get());
        X509_NAME* const subject = X509_get_subject_name(certificate.get());
        const std::string host = "localhost";
        X509_NAME_add_entry_by_txt(
            subject,
            "CN",
            MBSTRING_ASC,
            reinterpret_cast<const unsigned char*>(host.data()),
            -1,
            -1,
            0
        );
        X509_set_issuer_name(certificate.get(), subject);
        X509_sign(certificate.get(), key.get(), EVP_sha256());
        const File certificate_file(std::fopen(files().certificate_file.c_str(), "w"));
        PEM_write_X509(certificate_file.get(), certificate.get());
        const File key_file(std::fopen(files().key_file.c_str(), "w"));
        PEM_write_PrivateKey(key_file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    }
    ~TemporaryCertificate() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    TemporaryCertificate(const TemporaryCertificate&) = delete;
    TemporaryCertificate& operator=(const TemporaryCertificate&) = delete;

    [[nodiscard]] TlsFiles files() const {
        return {(folder_ / "certificate.pem").string(), (folder_ / "key.pem").string()};
    }

private:
    std::filesystem::path folder_;
};

// A TLS client over a raw connection. Verification is not what is tested here.
class TlsClient {
public:
    TlsClient(std::uint16_t port, int lowest, int highest)
        : client_(port), context_(SSL_CTX_new(TLS_client_method())) {
        // The client is made willing, so that a refusal is the server's.
        SSL_CTX_set_cipher_list(context_.get(), "ALL:@SECLEVEL=0");
        SSL_CTX_set_min_proto_version(context_.get(), lowest);
        SSL_CTX_set_max_proto_version(context_.get(), highest);
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_fd(ssl_.get(), client_.socket());
        connected = SSL_connect(ssl_.get()) == 1;
    }

    bool send(std::string_view bytes) {
        return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) ==
               static_cast<int>(bytes.size());
    }
    std::string read(std::size_t size) {
        std::string bytes(size, '\0');
        std::size_t filled = 0;
        while (filled < size) {
            const int got =
                SSL_read(ssl_.get(), bytes.data() + filled, static_cast<int>(size - filled));
            if (got <= 0) break;
            filled += static_cast<std::size_t>(got);
        }
        bytes.resize(filled);
        return bytes;
    }
    // Reads an answer with Content-Length; returns its body.
    std::string read_body() {
        std::string head;
        while (!head.ends_with("\r\n\r\n")) {
            const auto byte = read(1);
            if (byte.empty()) return "no answer";
            head += byte;
        }
        const auto length = head.find("Content-Length: ");
        return read(std::stoul(head.substr(length + 16)));
    }
    // Whether the server ended the TLS connection in order.
    bool is_ended() {
        return read(1).empty() && (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
    }
    bool renegotiate() {
        return SSL_renegotiate(ssl_.get()) == 1 && SSL_do_handshake(ssl_.get()) == 1;
    }
    [[nodiscard]] std::string version() const { return SSL_get_version(ssl_.get()); }

    bool connected = false;

private:
    RawClient client_;
    SslContext context_;
    Ssl ssl_;
};

class HttpTlsTest : public HttpServerTest {
protected:
    TemporaryCertificate certificate;
};

TEST_F(HttpTlsTest, SpeaksTls12And13) {
    start(certificate.files());
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsClient client(port, version, version);
        ASSERT_TRUE(client.connected);
        for (int i = 0; i < 2; ++i) {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            EXPECT_EQ(client.read_body(), "ok") << client.version();
        }
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        EXPECT_EQ(client.read_body(), "ok");
        EXPECT_TRUE(client.is_ended());
    }
}

TEST_F(HttpTlsTest, RefusesOlderVersions) {
    start(certificate.files());
    for (const int version : {TLS1_VERSION, TLS1_1_VERSION})
        EXPECT_FALSE(TlsClient(port, version, version).connected) << version;
    EXPECT_TRUE(TlsClient(port, TLS1_1_VERSION, TLS1_2_VERSION).connected);
}

TEST_F(HttpTlsTest, RefusesRenegotiation) {
    start(certificate.files());
    TlsClient client(port, TLS1_2_VERSION, TLS1_2_VERSION);
    ASSERT_TRUE(client.connected);
    EXPECT_FALSE(client.renegotiate());
}

TEST_F(HttpTlsTest, MovesLargeBodiesBothWays) {
    start(certificate.files());
    TlsClient client(port, TLS1_2_VERSION, TLS1_3_VERSION);
    ASSERT_TRUE(client.connected);
    const auto body = pattern(5U << 20U);
    client.send(
        "PUT /sum?piece=65536 HTTP/1.1\r\nHost: a\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n"
    );
    client.send(body);
    EXPECT_EQ(client.read_body(), std::to_string(body.size()));
    client.send("GET /stream?size=5242880 HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(client.read_body() == body);
}

TEST_F(HttpTlsTest, EndsAHandshakeThatTakesTooLong) {
    limits.handshake_timeout = 200ms;
    start(certificate.files());
    RawClient silent(port);
    EXPECT_TRUE(silent.is_closed_by_peer());
    RawClient noise(port);
    noise.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(noise.read_to_end().find("HTTP/1.1"), std::string::npos);
    EXPECT_EQ(requests, 0);
}

TEST_F(HttpTlsTest, SaysWhichFileCannotBeUsed) {
    asio::io_context context;
    Server other(context.get_executor(), {}, [](Request&) -> awaitable<Response> {
        co_return no_content();
    });
    ListenerOptions options;
    options.tls = certificate.files();
    options.tls.key_file = "/nonexistent/key.pem";
    const auto missing = other.listen(options);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Errc::invalid_argument);
    EXPECT_NE(missing.error().message.find("/nonexistent/key.pem"), std::string::npos);
    const TemporaryCertificate another;
    options.tls.key_file = another.files().key_file;
    EXPECT_FALSE(other.listen(options));
}

}  // namespace
}  // namespace slipway::http
