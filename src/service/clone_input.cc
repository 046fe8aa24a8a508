#include "service/clone_input.h"

namespace slipway::service {

std::string clone_input_json(const CloneTarget& target) {
    json::Writer writer;
    writer.begin_object()
        .member("datacenter", target.datacenter)
        .member("datastore", target.datastore);
    writer.member("path", target.path);
    if (!target.disk_type.empty()) writer.member("disk_type", target.disk_type);
    writer.end_object();
    return writer.text();
}

Result<CloneTarget> read_clone_input(std::string_view text, const json::Limits& limits) {
    SLIPWAY_TRY(const json::Document document, json::Document::parse(text, limits));
    const json::Value root = document.root();
    if (!root.is_object())
        return Error(
            Errc::invalid_argument,
            "The body must be a JSON object with datacenter, datastore and path."
        );
    for (const auto& [name, value] : root.members())
        if (name != "datacenter" && name != "datastore" && name != "path" && name != "disk_type")
            return Error(
                Errc::invalid_argument,
                "Unknown member \"" + std::string(name.substr(0, 64)) +
                    "\"; a clone takes datacenter, datastore, path and disk_type."
            );
    CloneTarget target;
    SLIPWAY_TRY(const auto datacenter, root.optional_string("datacenter"));
    target.datacenter = datacenter.value_or("");
    SLIPWAY_TRY(target.datastore, root.required_string("datastore"));
    SLIPWAY_TRY(target.path, root.required_string("path"));
    SLIPWAY_TRY(const auto disk_type, root.optional_string("disk_type"));
    target.disk_type = disk_type.value_or("");
    return target;
}

}  // namespace slipway::service
