#include "service/image_patch.h"

#include "service/image_record.h"

#include <algorithm>

namespace slipway::service {

namespace {

const std::string kDiskType = "vmware_disktype";

std::optional<std::string> text_of(const AttributeValue& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    return std::nullopt;
}

Result<void> check_format_change(const Image& image) {
    if (image.status == ImageStatus::queued || image.status == ImageStatus::uploading ||
        image.status == ImageStatus::importing)
        return {};
    return Error(
        Errc::forbidden,
        "Attributes container_format and disk_format can only be changed while the image has no "
        "data."
    );
}

Result<void> check_visibility(const Image& image, Visibility wanted, const PatchRules& rules) {
    if (wanted == Visibility::public_)
        return rules.policy.authorize(
            Action::publicize_image, rules.identity, {&image, false, {}, {}}
        );
    if (wanted == Visibility::community)
        return rules.policy.authorize(
            Action::communitize_image, rules.identity, {&image, false, {}, {}}
        );
    return {};
}

// A service that writes back what its face shows it means no change of the user's record.
bool only_repeats_the_face(
    const Image& image, const PatchOperation& operation, const Identity& identity
) {
    if (!sees_service_face(identity) || !image.boot_form || operation.verb == PatchVerb::remove)
        return false;
    const Image face = face_of(image, identity);
    const auto text = text_of(operation.value);
    if (operation.name == "disk_format") return text == face.disk_format;
    if (operation.name == "container_format") return text == face.container_format;
    if (operation.name == kDiskType) return text == face.property(kDiskType);
    const auto* const number = std::get_if<std::int64_t>(&operation.value);
    return operation.name == "min_disk" && number != nullptr && *number == face.min_disk_gib;
}

// Cinder replaces the disk type that it was shown, and removes properties that it did not set: what
// only the face has is there for them.
bool is_shown_by_the_face(const Image& image, const std::string& name, const Identity& identity) {
    return name == kDiskType && sees_service_face(identity) && image.boot_form.has_value();
}

// A property that the caller may not read is not there for it.
bool is_there(const Image& image, const std::string& name, const PatchRules& rules) {
    if (is_shown_by_the_face(image, name, rules.identity)) return true;
    return image.properties.contains(name) &&
           (rules.protections == nullptr ||
            rules.protections->allows(PropertyAction::read, name, rules.identity));
}

Result<void> check_protection(
    PropertyAction action, const std::string& name, const PatchRules& rules
) {
    if (rules.protections == nullptr) return {};
    return rules.protections->authorize(action, name, rules.identity);
}

Result<void> apply(
    Image& image, const PatchOperation& operation, PatchDialect dialect, const PatchRules& rules
) {
    const Identity& identity = rules.identity;
    if (only_repeats_the_face(image, operation, identity)) return {};
    const bool base = rules.schema.is_base(operation.name);
    if (operation.verb == PatchVerb::remove) {
        if (base)
            return Error(
                Errc::forbidden, "Attribute '" + operation.name + "' is not allowed to be removed."
            );
        if (!is_there(image, operation.name, rules))
            return Error(Errc::conflict, "Property " + operation.name + " does not exist.");
        SLIPWAY_CHECK(check_protection(PropertyAction::remove, operation.name, rules));
        image.properties.erase(operation.name);
        return {};
    }
    if (base) {
        if (operation.verb == PatchVerb::add && dialect == PatchDialect::v2_0)
            return Error(Errc::conflict, "Property " + operation.name + " already present.");
        if (operation.name == "owner")
            SLIPWAY_CHECK(rules.policy.authorize(
                Action::slipway_change_owner, identity, {&image, false, {}, {}}
            ));
        if (operation.name == "visibility") {
            SLIPWAY_TRY(
                const Visibility wanted, parse_visibility(text_of(operation.value).value_or(""))
            );
            SLIPWAY_CHECK(check_visibility(image, wanted, rules));
        }
    } else {
        const bool present = is_there(image, operation.name, rules);
        if (operation.verb == PatchVerb::replace && !present)
            return Error(Errc::conflict, "Property " + operation.name + " does not exist.");
        if (operation.verb == PatchVerb::add && present && dialect == PatchDialect::v2_0)
            return Error(Errc::conflict, "Property " + operation.name + " already present.");
        const bool replaces = image.properties.contains(operation.name);
        SLIPWAY_CHECK(check_protection(
            replaces ? PropertyAction::update : PropertyAction::create, operation.name, rules
        ));
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
        SLIPWAY_CHECK(check_format_change(image));
        (name == "disk_format" ? image.disk_format : image.container_format) = text_of(value);
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

Result<void> apply_patch(Image& image, const ImagePatch& patch, const PatchRules& rules) {
    for (const PatchOperation& operation : patch.operations)
        SLIPWAY_CHECK(apply(image, operation, patch.dialect, rules));
    return {};
}

}  // namespace slipway::service
