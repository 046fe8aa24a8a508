#include "net/tls.h"

#include "tests/unit/net/net_fixture.h"

#include <gtest/gtest.h>

namespace slipway::net {
namespace {

using test::CertificateSpec;
using test::Identity;
using test::make_certificate;
using test::TemporaryFile;
using test::thumbprint;

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST(ParseThumbprint, TakesColonsAndCapitals) {
    EXPECT_EQ(parse_thumbprint("AB:cd:0F", 3).value(), "abcd0f");
    EXPECT_FALSE(parse_thumbprint("abcd", 3));
    EXPECT_FALSE(parse_thumbprint("abcdxy", 3));
    EXPECT_FALSE(parse_thumbprint("", 20));
}

const Identity& authority() {
    static const Identity identity =
        make_certificate({.common_name = "test authority", .is_authority = true});
    return identity;
}

// Connects to a server that shows `identity`, as `host`. A refusal must come before a byte is sent.
Result<Answer> connect(const Identity& identity, const TlsTrust& trust, const std::string& host) {
    ScriptedServer server({answering(kOk)}, identity);
    auto result = fetch_once(request_to(server.url("/", host)), trust);
    if (!result) {
        EXPECT_EQ(server.bytes_received(), 0U);
        EXPECT_EQ(result.error().code, Errc::unavailable);
    }
    return result;
}

class TlsChain : public testing::Test {
protected:
    Result<Answer> connect_with(CertificateSpec spec, const std::string& host = "localhost") {
        const TlsTrust trust{.ca_file = ca_.path()};
        return connect(make_certificate(spec, &authority()), trust, host);
    }

    TemporaryFile ca_{authority().certificate_pem};
};

TEST_F(TlsChain, AcceptsTheRightName) {
    EXPECT_EQ(connect_with({.alternative_names = {"DNS:localhost"}})->body, "ok");
}

TEST_F(TlsChain, AcceptsAnAddressInTheCertificate) {
    EXPECT_TRUE(connect_with({.alternative_names = {"IP:127.0.0.1"}}, "127.0.0.1"));
}

TEST_F(TlsChain, RefusesAnAddressWrittenAsAName) {
    EXPECT_FALSE(connect_with({.alternative_names = {"DNS:127.0.0.1"}}, "127.0.0.1"));
}

TEST_F(TlsChain, RefusesAnotherName) {
    const auto result = connect_with({.alternative_names = {"DNS:other.example.org"}});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reason, "TlsVerification");
}

TEST_F(TlsChain, RefusesANameInTheSubjectOnly) {
    EXPECT_FALSE(connect_with({.common_name = "localhost"}));
}

TEST_F(TlsChain, RefusesAnExpiredCertificate) {
    EXPECT_FALSE(
        connect_with({.alternative_names = {"DNS:localhost"}, .days_from = -9, .days_until = -1})
    );
}

TEST_F(TlsChain, RefusesACertificateThatIsNotValidYet) {
    EXPECT_FALSE(connect_with({.alternative_names = {"DNS:localhost"}, .days_from = 2}));
}

TEST(Tls, RefusesASelfSignedCertificate) {
    const auto self_signed = make_certificate({.alternative_names = {"DNS:localhost"}});
    const TemporaryFile ca(authority().certificate_pem);
    EXPECT_FALSE(connect(self_signed, {.ca_file = ca.path()}, "localhost"));
    EXPECT_FALSE(connect(self_signed, {}, "localhost"));
}

TEST(Tls, RefusesAnUnknownAuthority) {
    const auto other = make_certificate({.common_name = "other authority", .is_authority = true});
    const TemporaryFile ca(other.certificate_pem);
    const auto leaf = make_certificate({.alternative_names = {"DNS:localhost"}}, &authority());
    EXPECT_FALSE(connect(leaf, {.ca_file = ca.path()}, "localhost"));
}

TEST(Tls, AcceptsAPinnedLeafWhateverItsChainAndName) {
    const auto leaf = make_certificate({.days_from = -9, .days_until = -1});
    const auto sha256 = thumbprint(leaf.certificate_pem, "sha256");
    const auto sha1 = thumbprint(leaf.certificate_pem, "sha1");
    EXPECT_TRUE(connect(leaf, {.sha256_thumbprints = {sha256}}, "127.0.0.1"));
    EXPECT_TRUE(connect(leaf, {.sha1_thumbprints = {sha1}}, "127.0.0.1"));
    EXPECT_TRUE(connect(leaf, {.sha256_thumbprints = {std::string(64, 'a'), sha256}}, "127.0.0.1"));
}

TEST(Tls, RefusesALeafWithAnotherThumbprint) {
    const auto leaf = make_certificate({.alternative_names = {"DNS:localhost"}}, &authority());
    const TemporaryFile ca(authority().certificate_pem);
    const TlsTrust trust{.ca_file = ca.path(), .sha256_thumbprints = {std::string(64, 'a')}};
    const auto result = connect(leaf, trust, "localhost");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reason, "TlsThumbprint");
    EXPECT_FALSE(connect(leaf, {.sha256_thumbprints = {""}}, "localhost"));
    EXPECT_FALSE(
        connect(leaf, {.sha1_thumbprints = {std::string(40, '0')}, .insecure = true}, "localhost")
    );
}

TEST(Tls, BelievesAnyoneOnlyWhenAskedTo) {
    const auto leaf = make_certificate({.days_from = -9, .days_until = -1});
    EXPECT_TRUE(connect(leaf, {.insecure = true}, "localhost"));
}

TEST(Tls, SaysThatTheCaFileIsUnusable) {
    const TemporaryFile empty("");
    const auto leaf = make_certificate({});
    ScriptedServer server({answering(kOk)}, leaf);
    for (const std::string& file : {empty.path(), std::string("/nonexistent.pem")}) {
        const auto result = fetch_once(request_to(server.url("/")), {.ca_file = file});
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, Errc::invalid_argument);
    }
}

TEST(Tls, FailsWhenTheServerDoesNotSpeakIt) {
    ScriptedServer server({[](Peer& peer) {
        peer.read_some(1);
        peer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    }});
    auto request = request_to(server.url("/"));
    request.url.scheme = "https";
    const auto result = fetch_once(request, {.insecure = true});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::unavailable);
}

}  // namespace
}  // namespace slipway::net
