#pragma once

#include "base/stream.h"
#include "base/text.h"
#include "http/framing.h"
#include "http/query.h"
#include "http/request.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace slipway::test {

// A request without a connection: FakeRequest request("GET", "/v2/images?limit=2"); its fields are
// public and may be set before it is used.
class FakeRequest final : public http::Request {
public:
    FakeRequest(std::string method, std::string_view target) : method_(std::move(method)) {
        const auto question = std::min(target.find('?'), target.size());
        path_ = target.substr(0, question);
        if (question < target.size()) raw_query_ = target.substr(question + 1);
        if (auto query = http::parse_query(raw_query_)) query_ = std::move(*query);
    }

    FakeRequest& with(std::string name, std::string value) {
        headers.emplace_back(std::move(name), std::move(value));
        return *this;
    }
    // A body of known length.
    FakeRequest& with_body(std::string text) {
        length = text.size();
        source = TextSource(std::move(text));
        return *this;
    }
    // A body of unknown length.
    FakeRequest& with_chunked_body(std::string text) {
        chunked = true;
        source = TextSource(std::move(text));
        return *this;
    }

    [[nodiscard]] std::string_view method() const override { return method_; }
    [[nodiscard]] std::string_view raw_path() const override { return path_; }
    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& query() const override {
        return query_;
    }
    [[nodiscard]] std::string_view raw_query() const override { return raw_query_; }
    [[nodiscard]] std::string_view header(std::string_view name) const override {
        for (const auto& [key, value] : headers)
            if (equals_ignoring_case(key, name)) return value;
        return {};
    }
    [[nodiscard]] bool has_header(std::string_view name) const override {
        return std::ranges::any_of(headers, [&](const auto& header) {
            return equals_ignoring_case(header.first, name);
        });
    }
    [[nodiscard]] std::optional<std::uint64_t> content_length() const override { return length; }
    [[nodiscard]] bool has_body() const override { return chunked || length.value_or(0) > 0; }
    ByteSource& body() override { return source; }
    [[nodiscard]] http::Listener listener() const override { return door; }
    [[nodiscard]] std::string_view peer() const override { return "192.0.2.1"; }
    [[nodiscard]] bool is_tls() const override { return tls; }

    std::vector<std::pair<std::string, std::string>> headers;
    std::optional<std::uint64_t> length;
    bool chunked = false;
    TextSource source{""};
    http::Listener door = http::Listener::users;
    bool tls = false;

private:
    std::string method_;
    std::string path_;
    std::string raw_query_;
    std::vector<std::pair<std::string, std::string>> query_;
};

}  // namespace slipway::test
