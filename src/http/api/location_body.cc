#include "http/api/location_body.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace slipway::http::api {

namespace {

using service::LocationOperation;
using service::LocationRequest;
using service::LocationValue;
using service::PatchVerb;

constexpr std::size_t kLongestUrl = 255;

Error malformed(std::string_view what) {
    return Error(Errc::invalid_argument, "A location " + std::string(what) + ".");
}

// The text of `key`; absent when it is missing. Null is refused.
Result<std::optional<std::string>> text_of(
    const json::Value& object, std::string_view key, std::size_t longest
) {
    const auto value = object.find(key);
    if (!value) return std::optional<std::string>();
    if (!value->is_string() || characters(value->string()) > longest)
        return malformed(
            "has a \"" + std::string(key) + "\" that is no text of at most " +
            std::to_string(longest) + " characters"
        );
    return std::optional(std::string(value->string()));
}

bool is_plain(const json::Value& value) {
    if (value.is_string()) return true;
    if (value.is_array()) return std::ranges::all_of(value.elements(), is_plain);
    return value.is_object() &&
           std::ranges::all_of(value.members(), [](const auto& m) { return is_plain(m.second); });
}

// Without "store", which is ours to say.
Result<std::string> read_metadata(const json::Value& object) {
    const auto metadata = object.find("metadata");
    if (!metadata || !metadata->is_object()) return malformed("needs an object \"metadata\"");
    if (!is_plain(*metadata))
        return malformed("has metadata that are not texts, objects and arrays");
    json::Writer writer;
    writer.begin_object();
    for (const auto& [name, value] : metadata->members())
        if (name != "store") writer.key(name).value(value);
    writer.end_object();
    return writer.text();
}

Result<store::ImageDigests> read_validation(const json::Value& object) {
    store::ImageDigests digests;
    const auto data = object.find("validation_data");
    if (!data) return digests;
    if (!data->is_object()) return malformed("has validation_data that are no object");
    constexpr std::array<std::string_view, 3> kKnown{"checksum", "os_hash_algo", "os_hash_value"};
    for (const auto& [name, value] : data->members())
        if (std::ranges::find(kKnown, name) == kKnown.end())
            return malformed("has validation_data with an unknown member");
    SLIPWAY_TRY(digests.checksum, text_of(*data, "checksum", 32));
    SLIPWAY_TRY(digests.os_hash_algo, text_of(*data, "os_hash_algo", 64));
    SLIPWAY_TRY(digests.os_hash_value, text_of(*data, "os_hash_value", 128));
    if (!digests.os_hash_algo || !digests.os_hash_value)
        return malformed("has validation_data without os_hash_algo or os_hash_value");
    return digests;
}

Result<LocationValue> read_value(const json::Value& value) {
    if (!value.is_object()) return malformed("must be an object");
    LocationValue location;
    SLIPWAY_TRY(auto url, text_of(value, "url", kLongestUrl));
    if (!url || url->empty()) return malformed("needs a \"url\"");
    location.url = std::move(*url);
    SLIPWAY_TRY(location.metadata, read_metadata(value));
    SLIPWAY_TRY(location.validation, read_validation(value));
    return location;
}

// Values of one request must not contradict each other.
Result<void> check_agreement(const std::vector<LocationValue>& values) {
    const auto differ = [](const auto& a, const auto& b) { return a && b && *a != *b; };
    for (const LocationValue& one : values)
        for (const LocationValue& other : values)
            if (differ(one.validation.checksum, other.validation.checksum) ||
                differ(one.validation.os_hash_algo, other.validation.os_hash_algo) ||
                differ(one.validation.os_hash_value, other.validation.os_hash_value))
                return Error(
                    Errc::conflict, "The validation data of the locations contradict each other."
                );
    return {};
}

// "-" is absent: behind the last one, or the last one.
Result<std::optional<std::size_t>> read_position(std::string_view text) {
    if (text == "-") return std::optional<std::size_t>();
    std::size_t position = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), position);
    if (failed != std::errc() || end != text.data() + text.size() || text.empty())
        return Error(
            Errc::invalid_argument, "A position in locations is a whole number, or \"-\"."
        );
    return std::optional(position);
}

}  // namespace

Result<LocationRequest> read_location_request(std::string_view body, const json::Limits& limits) {
    SLIPWAY_TRY(const auto document, json::Document::parse(body, limits));
    const json::Value root = document.root();
    if (!root.is_object()) return malformed("must be an object with a \"url\"");
    LocationRequest request;
    SLIPWAY_TRY(auto url, text_of(root, "url", kLongestUrl));
    if (!url || url->empty()) return malformed("needs a \"url\"");
    request.url = std::move(*url);
    const auto data = root.find("validation_data");
    if (!data) return request;
    if (!data->is_object()) return malformed("has validation_data that are no object");
    for (const auto& [name, value] : data->members())
        if (name != "os_hash_algo" && name != "os_hash_value")
            return malformed("has validation_data with an unknown member");
    SLIPWAY_TRY(request.os_hash_algo, text_of(*data, "os_hash_algo", 64));
    SLIPWAY_TRY(request.os_hash_value, text_of(*data, "os_hash_value", 128));
    if (request.os_hash_algo.has_value() != request.os_hash_value.has_value())
        return malformed("needs both os_hash_algo and os_hash_value, or neither");
    constexpr std::array<std::string_view, 4> kKnown{"sha1", "sha256", "sha512", "md5"};
    if (request.os_hash_algo && std::ranges::find(kKnown, *request.os_hash_algo) == kKnown.end())
        return malformed("needs an os_hash_algo that is one of sha1, sha256, sha512, md5");
    return request;
}

Result<LocationOperation> read_location_operation(
    PatchVerb verb, std::string_view pointer, const std::optional<json::Value>& value
) {
    LocationOperation operation;
    operation.verb = verb;
    operation.whole_list = pointer == "/locations";
    const Error unsupported(
        Errc::invalid_argument,
        "Locations can be replaced as a list, and added and removed one by one: /locations/- or "
        "/locations/<position>."
    );
    if (operation.whole_list != (verb == PatchVerb::replace)) return unsupported;
    if (!operation.whole_list) {
        constexpr std::string_view kPrefix = "/locations/";
        SLIPWAY_TRY(operation.index, read_position(trimmed(pointer.substr(kPrefix.size()), " ")));
    }
    if (verb == PatchVerb::remove) return operation;
    if (!value) return malformed("needs a \"value\"");
    if (!operation.whole_list) {
        SLIPWAY_TRY(auto location, read_value(*value));
        operation.values.push_back(std::move(location));
        return operation;
    }
    if (!value->is_array()) return malformed("list must be an array");
    for (const json::Value& element : value->elements()) {
        SLIPWAY_TRY(auto location, read_value(element));
        operation.values.push_back(std::move(location));
    }
    SLIPWAY_CHECK(check_agreement(operation.values));
    return operation;
}

}  // namespace slipway::http::api
