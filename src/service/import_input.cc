#include "service/import_input.h"

#include <algorithm>
#include <array>

namespace slipway::service {

namespace {

constexpr std::array<std::pair<ImportMethod, std::string_view>, 4> kMethods{{
    {ImportMethod::glance_direct, "glance-direct"},
    {ImportMethod::web_download, "web-download"},
    {ImportMethod::copy_image, "copy-image"},
    {ImportMethod::glance_download, "glance-download"},
}};

Result<bool> read_flag(const json::Value& root, std::string_view name, bool by_default) {
    const auto value = root.find(name);
    if (!value || value->is_null()) return by_default;
    if (value->is_bool()) return value->boolean();
    return Error(Errc::invalid_argument, std::string(name) + " must be true or false.");
}

Result<std::optional<std::vector<BackendId>>> read_stores(const json::Value& root) {
    const auto named = root.find("stores");
    if (!named || named->is_null()) return std::optional<std::vector<BackendId>>();
    const Error wrong(Errc::invalid_argument, "stores must be an array of names of stores.");
    if (!named->is_array()) return wrong;
    std::vector<BackendId> stores;
    for (const json::Value& name : named->elements()) {
        if (!name.is_string()) return wrong;
        BackendId store{std::string(name.string())};
        if (std::ranges::find(stores, store) != stores.end())
            return Error(
                Errc::invalid_argument, "stores names " + store.str() + " twice; name it once."
            );
        stores.push_back(std::move(store));
    }
    if (stores.empty())
        return Error(
            Errc::invalid_argument, "stores is empty; name some, or leave it out for the default."
        );
    return std::optional(std::move(stores));
}

Result<ImportRequest> read_request(const json::Value& root) {
    const auto method = root.is_object() ? root.find("method") : std::nullopt;
    if (!method || !method->is_object())
        return Error(Errc::invalid_argument, "The body must be a JSON object with a method.");
    SLIPWAY_TRY(const std::string name, method->required_string("name"));
    const auto known = parse_import_method(name);
    if (!known)
        return Error(
            Errc::invalid_argument, "Unknown import method name '" + name.substr(0, 64) + "'."
        );
    ImportRequest request;
    request.method = *known;
    SLIPWAY_TRY(const auto uri, method->optional_string("uri"));
    SLIPWAY_TRY(const auto region, method->optional_string("glance_region"));
    SLIPWAY_TRY(const auto remote_image, method->optional_string("glance_image_id"));
    SLIPWAY_TRY(const auto interface, method->optional_string("glance_service_interface"));
    request.uri = uri.value_or("");
    request.region = region.value_or("");
    request.remote_image = remote_image.value_or("");
    request.service_interface = interface.value_or("");
    SLIPWAY_TRY(request.stores, read_stores(root));
    SLIPWAY_TRY(request.all_stores, read_flag(root, "all_stores", false));
    SLIPWAY_TRY(request.must_succeed, read_flag(root, "all_stores_must_succeed", true));
    return request;
}

void write_stores(json::Writer& writer, const std::vector<BackendId>& stores) {
    writer.begin_array();
    for (const BackendId& store : stores) writer.string(store.str());
    writer.end_array();
}

void write_request(json::Writer& writer, const ImportRequest& request) {
    writer.begin_object().key("method").begin_object();
    writer.member("name", to_string(request.method));
    if (!request.uri.empty()) writer.member("uri", request.uri);
    if (!request.region.empty()) writer.member("glance_region", request.region);
    if (!request.remote_image.empty()) writer.member("glance_image_id", request.remote_image);
    if (!request.service_interface.empty())
        writer.member("glance_service_interface", request.service_interface);
    writer.end_object();
    if (request.stores) {
        writer.key("stores");
        write_stores(writer, *request.stores);
    }
    writer.member("all_stores", request.all_stores);
    writer.member("all_stores_must_succeed", request.must_succeed).end_object();
}

}  // namespace

std::string_view to_string(ImportMethod method) {
    return std::ranges::find(kMethods, method, &std::pair<ImportMethod, std::string_view>::first)
        ->second;
}

std::optional<ImportMethod> parse_import_method(std::string_view word) {
    for (const auto& [method, name] : kMethods)
        if (name == word) return method;
    return std::nullopt;
}

Result<ImportRequest> read_import_request(
    std::string_view body, const json::Limits& limits, const std::vector<ImportMethod>& enabled
) {
    SLIPWAY_TRY(const json::Document document, json::Document::parse(body, limits));
    SLIPWAY_TRY(ImportRequest request, read_request(document.root()));
    if (std::ranges::find(enabled, request.method) == enabled.end())
        return Error(
            Errc::invalid_argument,
            "The import method " + std::string(to_string(request.method)) +
                " is not enabled at this site."
        );
    return request;
}

std::string import_input_json(const ImageId& image, const ImportInput& input) {
    json::Writer writer;
    writer.begin_object().member("image_id", image.str()).key("import_req");
    write_request(writer, input.request);
    writer.key("backend");
    write_stores(writer, input.targets);
    writer.end_object();
    return writer.text();
}

Result<ImportInput> read_import_input(const std::string& text) {
    SLIPWAY_TRY(const json::Document document, json::Document::parse(text));
    const auto request = document.root().find("import_req");
    const auto targets = document.root().find("backend");
    if (!request || !targets || !targets->is_array())
        return Error(Errc::corrupt, "the input of the import's task can not be read");
    ImportInput input;
    SLIPWAY_TRY(input.request, read_request(*request));
    for (const json::Value& store : targets->elements())
        input.targets.emplace_back(std::string(store.string()));
    return input;
}

}  // namespace slipway::service
