#pragma once

#include "base/secret.h"
#include "vsphere/fault.h"
#include "vsphere/xml.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::vsphere {

inline constexpr std::size_t kReplyLimitBytes = 8U << 20U;
inline constexpr std::size_t kPropertyReplyLimitBytes = 64U << 20U;

// One method call.
struct SoapRequest {
    std::string method;  // "Login", "CopyDatastoreFile_Task": the body's element without "Response"
    std::string body;    // that element, in urn:vim25
    // Doing it twice does no harm, so it may be sent again when the answer was lost.
    bool idempotent = true;
    std::size_t reply_limit_bytes = kReplyLimitBytes;
    // How long the server may think beyond the usual limit of a call (WaitForUpdatesEx).
    std::chrono::seconds patience{0};
    // Means something only in this session (a view, a filter, a token). When that session is over,
    // the answer is `unavailable` with reason "SessionReplaced", and the holder builds anew.
    std::optional<std::uint64_t> generation;
    // Filled in by the session; empty: sent without a cookie.
    Secret cookie;
};

// The answer's body element, kept together with its document.
class SoapReply {
public:
    SoapReply(std::shared_ptr<const xml::Document> document, xml::Element response)
        : document_(std::move(document)), response_(response) {}

    // <XxxResponse>
    [[nodiscard]] const xml::Element& response() const { return response_; }
    // Its <returnval>, the first one; absent for a null result.
    [[nodiscard]] std::optional<xml::Element> returnval() const {
        return response_.child("returnval");
    }
    // Errors: corrupt when there is none.
    [[nodiscard]] Result<xml::Element> required_returnval() const;
    [[nodiscard]] const std::shared_ptr<const xml::Document>& document() const { return document_; }

    // The session cookie that came with it, if any, and the session that it was asked in.
    Secret cookie;
    std::uint64_t generation = 0;

private:
    std::shared_ptr<const xml::Document> document_;
    xml::Element response_;
};

// A whole SOAP message around `body`; the operation id shows up in the server's logs.
//
//   <?xml version="1.0" encoding="UTF-8"?>
//   <e:Envelope xmlns:e="…/soap/envelope/"
//   …><e:Header><operationID>slipway-7f3a</operationID></e:Header> <e:Body>…</e:Body></e:Envelope>
std::string envelope(std::string_view request_id, std::string_view body);

// Reads the answer to `method`.
// Errors: the fault's own (fault.h); unavailable with reason "HttpStatus<code>" or "NotSoap" for
// bodies that are no SOAP (a proxy, an overloaded server: worth a retry); corrupt for SOAP that is
// not an answer to `method`, or beyond the limits.
Result<SoapReply> parse_reply(
    std::string_view method, int http_status, std::string_view body, const xml::Limits& limits = {}
);

// "8.0.2.0" out of /sdk/vimServiceVersions.xml: the newest version that the server and we know.
// Errors: corrupt when the text names none.
Result<std::string> choose_api_version(std::string_view service_versions_xml);

}  // namespace slipway::vsphere
