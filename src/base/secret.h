#pragma once

#include <openssl/crypto.h>

#include <string>
#include <utility>

namespace slipway {

// A password, cookie, token or ticket. It can not be streamed, logged or formatted; reveal() is for
// the one line that puts it on the wire. Its memory is wiped when it goes.
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    Secret(const Secret&) = default;
    Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }
    Secret& operator=(const Secret& other) {
        if (this != &other) {
            wipe();
            value_ = other.value_;
        }
        return *this;
    }
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            wipe();
            value_ = std::move(other.value_);
            other.wipe();
        }
        return *this;
    }
    ~Secret() { wipe(); }

    [[nodiscard]] const std::string& reveal() const { return value_; }
    [[nodiscard]] bool empty() const { return value_.empty(); }

    friend bool operator==(const Secret&, const Secret&) = default;

private:
    void wipe() noexcept {
        OPENSSL_cleanse(value_.data(), value_.size());
        value_.clear();
    }

    std::string value_;
};

template <class Stream>
Stream& operator<<(Stream&, const Secret&) = delete;

}  // namespace slipway
