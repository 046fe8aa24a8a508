#include "http/received_request.h"

#include "base/text.h"
#include "http/query.h"

namespace slipway::http {

ReceivedRequest::ReceivedRequest(const Head& head, ByteSource& body, Origin origin)
    : head_(head), body_(body), origin_(origin) {
    if (auto query = parse_query(head.query)) query_ = std::move(*query);
}

const HeaderField* ReceivedRequest::find(std::string_view name) const {
    for (const auto& field : head_.fields)
        if (equals_ignoring_case(field.name, name)) return &field;
    return nullptr;
}

std::string_view ReceivedRequest::header(std::string_view name) const {
    const auto* field = find(name);
    return field != nullptr ? std::string_view(field->value) : std::string_view();
}

bool ReceivedRequest::has_header(std::string_view name) const {
    return find(name) != nullptr;
}

bool ReceivedRequest::has_body() const {
    return head_.framing == BodyFraming::chunked || head_.content_length.value_or(0) > 0;
}

}  // namespace slipway::http
