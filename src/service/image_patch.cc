#include "service/image_patch.h"

#include "service/policy.h"

#include <algorithm>

namespace slipway::service {

namespace {

std::optional<std::string> text_of(const AttributeValue& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    return std::nullopt;
}

Result<void> check_format_change(const Image& image) {
    if (image.status == ImageStatus::queued || image.status == ImageStatus::importing) return {};
    return Error(
        Errc::forbidden,
        "Attributes container_format and disk_format can only be changed while the image has no "
        "data."
    );
}

Result<void> check_visibility(const Image& image, Visibility wanted, const Identity& identity) {
    if (wanted == Visibility::public_)
        return authorize(Action::publicize_image, identity, {&image, false, {}, {}});
    if (wanted == Visibility::community)
        return authorize(Action::communitize_image, identity, {&image, false, {}, {}});
    return {};
}

// A service that writes back what its face shows it means no change of the user's record.
bool only_repeats_the_face(
    const Image& image, const PatchOperation& operation, const Identity& identity
) {
    if (!identity.is_service || !image.boot_form || operation.verb == PatchVerb::remove)
        return false;
    const auto text = text_of(operation.value);
    if (operation.name == "disk_format") return text == "vmdk";
    if (operation.name == "container_format") return text == "bare";
    if (operation.name == "vmware_disktype") return text == image.boot_form->disk_type;
    return false;
}

Result<void> apply(
    Image& image,
    const PatchOperation& operation,
    PatchDialect dialect,
    const ImageSchema& schema,
    const Identity& identity
) {
    if (only_repeats_the_face(image, operation, identity)) return {};
    const bool base = schema.is_base(operation.name);
    if (operation.verb == PatchVerb::remove) {
        if (base)
            return Error(
                Errc::forbidden, "Attribute '" + operation.name + "' is not allowed to be removed."
            );
        if (image.properties.erase(operation.name) == 0)
            return Error(Errc::conflict, "Property " + operation.name + " does not exist.");
        return {};
    }
    if (base) {
        if (operation.verb == PatchVerb::add && dialect == PatchDialect::v2_0)
            return Error(Errc::conflict, "Property " + operation.name + " already present.");
        if (operation.name == "owner" && !identity.is_admin)
            return Error(Errc::forbidden, "Owner can't be updated by non admin.");
        if (operation.name == "visibility") {
            SLIPWAY_TRY(
                const Visibility wanted, parse_visibility(text_of(operation.value).value_or(""))
            );
            SLIPWAY_CHECK(check_visibility(image, wanted, identity));
        }
    } else {
        const bool present = image.properties.contains(operation.name);
        if (operation.verb == PatchVerb::replace && !present)
            return Error(Errc::conflict, "Property " + operation.name + " does not exist.");
        if (operation.verb == PatchVerb::add && present && dialect == PatchDialect::v2_0)
            return Error(Errc::conflict, "Property " + operation.name + " already present.");
    }
    return set_attribute(image, operation.name, operation.value);
}

}  // namespace

Result<void> set_attribute(Image& image, const std::string& name, const AttributeValue& value) {
    if (name == "name") {
        image.name = text_of(value);
    } else if (name == "owner") {
        image.owner = text_of(value);
    } else if (name == "visibility") {
        SLIPWAY_TRY(image.visibility, parse_visibility(text_of(value).value_or("")));
    } else if (name == "disk_format" || name == "container_format") {
        auto& field = name == "disk_format" ? image.disk_format : image.container_format;
        if (field != text_of(value)) SLIPWAY_CHECK(check_format_change(image));
        field = text_of(value);
    } else if (name == "min_disk") {
        image.min_disk_gib = std::get<std::int64_t>(value);
    } else if (name == "min_ram") {
        image.min_ram_mib = std::get<std::int64_t>(value);
    } else if (name == "protected") {
        image.is_protected = std::get<bool>(value);
    } else if (name == "os_hidden") {
        image.hidden = std::get<bool>(value);
    } else if (name == "tags") {
        image.tags = std::get<std::vector<std::string>>(value);
        std::sort(image.tags.begin(), image.tags.end());
        image.tags.erase(std::unique(image.tags.begin(), image.tags.end()), image.tags.end());
    } else {
        image.properties[name] = text_of(value);
    }
    return {};
}

Result<void> apply_patch(
    Image& image, const ImagePatch& patch, const ImageSchema& schema, const Identity& identity
) {
    for (const PatchOperation& operation : patch.operations)
        SLIPWAY_CHECK(apply(image, operation, patch.dialect, schema, identity));
    return {};
}

}  // namespace slipway::service
