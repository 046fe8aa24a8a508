#pragma once

#include <string>
#include <vector>

// Certificates made on the spot, for tests of who is believed.
namespace slipway::test {

struct Identity {
    std::string certificate_pem;  // the leaf alone
    std::string key_pem;
};

struct CertificateSpec {
    std::string common_name = "test";
    std::vector<std::string>
        alternative_names;  // as OpenSSL writes them: DNS:localhost, IP:127.0.0.1
    int days_from = -1;     // validity, in days from now
    int days_until = 30;
    bool is_authority = false;
};

// Signed by `issuer`, or by itself without one.
Identity make_certificate(const CertificateSpec& spec, const Identity* issuer = nullptr);

// Of the certificate in PEM form: lower-case hex. `algorithm` is sha256 or sha1.
std::string thumbprint(const std::string& certificate_pem, const std::string& algorithm);

// A file in the test's temporary directory, removed when this is destroyed.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& content);
    ~TemporaryFile();
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

}  // namespace slipway::test
