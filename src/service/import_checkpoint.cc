#include "service/import_checkpoint.h"

#include "base/json.h"
#include "base/text.h"

namespace slipway::service {

namespace {

// Absent when there is none yet, and for other keys.
std::optional<json::Document> checkpoint_with(std::string_view key, const std::string& checkpoint) {
    if (checkpoint.empty()) return std::nullopt;
    auto document = json::Document::parse(checkpoint);
    if (!document || !document->root().is_object() || !document->root().find(key))
        return std::nullopt;
    return std::move(*document);
}

}  // namespace

std::string keep_certificate(const std::string& certificate) {
    json::Writer writer;
    writer.begin_object().member("certificate", percent_encoded(certificate)).end_object();
    return writer.text();
}

std::optional<std::string> kept_certificate(const std::string& checkpoint) {
    const auto document = checkpoint_with("certificate", checkpoint);
    if (!document) return std::nullopt;
    const auto encoded = document->root().required_string("certificate");
    if (!encoded) return std::nullopt;
    return percent_decoded(*encoded);
}

std::string last_words(const std::optional<Error>& error) {
    json::Writer writer;
    writer.begin_object().key("over").boolean(true);
    if (error) writer.member("code", to_string(error->code)).member("message", error->message);
    writer.end_object();
    return writer.text();
}

std::optional<Result<Account>> said_before(const std::string& checkpoint) {
    const auto document = checkpoint_with("over", checkpoint);
    if (!document) return std::nullopt;
    const auto message = document->root().optional_string("message");
    const auto code = document->root().optional_string("code");
    if (!message || !code || !*message) return Result<Account>(Account{0, 0, 0, "none"});
    const bool cancelled = *code == to_string(Errc::cancelled);
    return Result<Account>(Error(cancelled ? Errc::cancelled : Errc::unavailable, **message));
}

}  // namespace slipway::service
