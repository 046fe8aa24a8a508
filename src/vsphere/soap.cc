#include "vsphere/soap.h"

#include <algorithm>
#include <charconv>

namespace slipway::vsphere {
namespace {

// The newest API version whose answers we have read up on.
constexpr std::string_view kNewestKnownVersion = "8.0.3.0";

using Version = std::vector<unsigned>;

// "8.0.2.0" as numbers; absent for names such as "2.5u2".
std::optional<Version> parse_version(std::string_view text) {
    if (text.empty() || text.size() > 32) return std::nullopt;
    Version parts;
    while (true) {
        unsigned part = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), part);
        if (error != std::errc()) return std::nullopt;
        parts.push_back(part);
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        if (text.empty()) return parts;
        if (text.front() != '.') return std::nullopt;
        text.remove_prefix(1);
    }
}

Error not_soap(int http_status) {
    if (http_status == 401) {
        return to_error(Fault{.name = "NotAuthenticated", .text = "HTTP status 401"});
    }
    if (http_status != 200) {
        return Error(
            Errc::unavailable,
            "vSphere answered with HTTP status " + std::to_string(http_status) +
                "; try again later",
            std::string(kHttpStatus) + std::to_string(http_status)
        );
    }
    return Error(
        Errc::unavailable,
        "something between here and vSphere answered in its place; try again later",
        std::string(kNotSoap)
    );
}

Error fault_of(const xml::Element& soap_fault) {
    const auto detail = soap_fault.child("", "detail");
    const auto details = detail ? detail->children() : std::vector<xml::Element>();
    const auto text = soap_fault.child("", "faultstring");
    Fault fault;
    if (!details.empty()) fault = read_fault(details.front());
    if (text) fault.text = text->text();
    return to_error(fault);
}

}  // namespace

Result<xml::Element> SoapReply::required_returnval() const {
    if (auto value = returnval()) return *value;
    return Error(Errc::corrupt, "vSphere sent an answer without a value");
}

std::string envelope(std::string_view request_id, std::string_view body) {
    std::string id;
    for (const char c : request_id.substr(0, 100)) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
        id += plain ? c : '_';
    }
    std::string out =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\""
        " xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\""
        " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">"
        "<e:Header><operationID>slipway-";
    out.append(id).append("</operationID></e:Header><e:Body>").append(body);
    out += "</e:Body></e:Envelope>";
    return out;
}

Result<SoapReply> parse_reply(
    std::string_view method, int http_status, std::string_view body, const xml::Limits& limits
) {
    auto parsed = xml::Document::parse(body, limits);
    if (!parsed) {
        if (parsed.error().reason == kXmlLimit) return parsed.error();
        return not_soap(http_status);
    }
    auto document = std::make_shared<const xml::Document>(std::move(*parsed));
    const auto root = document->root();
    if (!root.is(xml::kSoapEnvelope, "Envelope")) return not_soap(http_status);
    const auto soap_body = root.child("Body");
    const auto children = soap_body ? soap_body->children() : std::vector<xml::Element>();
    if (children.empty()) return not_soap(http_status);

    const auto first = children.front();
    if (first.is(xml::kSoapEnvelope, "Fault")) return fault_of(first);
    if (http_status != 200) return not_soap(http_status);
    if (!first.is(xml::kVim25, std::string(method) + "Response"))
        return Error(Errc::corrupt, "vSphere sent the answer to another call");
    return SoapReply(std::move(document), first);
}

Result<std::string> choose_api_version(std::string_view service_versions_xml) {
    SLIPWAY_TRY(const auto document, xml::Document::parse(service_versions_xml));
    std::vector<std::string> offered;
    for (const auto& space : document.root().children("namespace")) {
        if (space.child_text("name") != xml::kVim25) continue;
        offered.push_back(space.child_text("version"));
        if (const auto prior = space.child("priorVersions"))
            for (const auto& version : prior->children("version"))
                offered.push_back(version.text());
    }
    const auto newest = *parse_version(kNewestKnownVersion);
    std::optional<Version> best;
    std::string chosen;
    for (const auto& text : offered) {
        const auto version = parse_version(text);
        if (!version || *version > newest || (best && *version <= *best)) continue;
        best = version;
        chosen = text;
    }
    if (!best) return Error(Errc::corrupt, "the server names no API version that is known here");
    return chosen;
}

}  // namespace slipway::vsphere
