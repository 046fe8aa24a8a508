#pragma once

#include "http/framing.h"
#include "http/request.h"

namespace slipway::http {

// A request as a connection read it. Borrows its head and body.
class ReceivedRequest final : public Request {
public:
    struct Origin {
        Listener listener = Listener::users;
        std::string_view peer;
        bool tls = false;
    };

    ReceivedRequest(const Head& head, ByteSource& body, Origin origin);

    [[nodiscard]] std::string_view method() const override { return head_.method; }
    [[nodiscard]] std::string_view raw_path() const override { return head_.path; }
    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& query() const override {
        return query_;
    }
    [[nodiscard]] std::string_view raw_query() const override { return head_.query; }
    [[nodiscard]] std::string_view header(std::string_view name) const override;
    [[nodiscard]] bool has_header(std::string_view name) const override;
    [[nodiscard]] std::optional<std::uint64_t> content_length() const override {
        return head_.content_length;
    }
    [[nodiscard]] bool has_body() const override;
    ByteSource& body() override { return body_; }
    [[nodiscard]] Listener listener() const override { return origin_.listener; }
    [[nodiscard]] std::string_view peer() const override { return origin_.peer; }
    [[nodiscard]] bool is_tls() const override { return origin_.tls; }

private:
    [[nodiscard]] const HeaderField* find(std::string_view name) const;

    const Head& head_;
    ByteSource& body_;
    Origin origin_;
    std::vector<std::pair<std::string, std::string>> query_;
};

}  // namespace slipway::http
