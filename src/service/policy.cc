#include "service/policy.h"

#include <string_view>

namespace slipway::service {

namespace {

bool owns(const Identity& identity, const Image& image) {
    return identity.project && image.owner && *identity.project == *image.owner;
}

// "VIS" of the policy table: the role, on an image that is the caller's, shared with it, or open.
bool sees(const Identity& identity, const Target& target, std::string_view role) {
    return identity.has_role(role) &&
           is_visible(identity, *target.image, target.shared_with_caller);
}

bool owner_member(const Identity& identity, const Target& target) {
    return identity.has_role("member") && owns(identity, *target.image);
}

std::string_view describe(Action action) {
    switch (action) {
        case Action::add_image:
            return "create an image for that owner";
        case Action::get_image:
        case Action::get_images:
            return "see images";
        case Action::modify_image:
            return "change this image";
        case Action::delete_image:
            return "delete this image";
        case Action::publicize_image:
            return "make images public";
        case Action::communitize_image:
            return "make this image a community image";
        case Action::upload_image:
            return "upload data to this image";
        case Action::download_image:
            return "download this image";
        case Action::get_image_location:
        case Action::fetch_image_location:
            return "see where this image is stored";
        case Action::add_member:
        case Action::delete_member:
            return "change whom this image is shared with";
        case Action::get_member:
        case Action::get_members:
            return "see whom this image is shared with";
        case Action::modify_member:
            return "accept or reject this image for that project";
        case Action::deactivate:
        case Action::reactivate:
            return "activate or deactivate this image";
        case Action::stores_info_detail:
        case Action::slipway_stores:
            return "see the details of the stores";
        case Action::slipway_clone:
            return "clone images";
        case Action::slipway_transfers:
            return "see the transfers of this image";
    }
    return "do this";
}

}  // namespace

bool is_visible(const Identity& identity, const Image& image, bool shared_with_caller) {
    if (identity.is_admin || owns(identity, image)) return true;
    switch (image.visibility) {
        case Visibility::public_:
        case Visibility::community:
            return true;
        case Visibility::shared:
            return shared_with_caller;
        case Visibility::private_:
            return false;
    }
    return false;
}

bool may(Action action, const Identity& identity, const Target& target) {
    if (action == Action::modify_member && target.member && target.member == identity.project &&
        identity.has_role("member"))
        return true;
    if (identity.is_admin) return true;
    switch (action) {
        case Action::add_image:
            return identity.has_role("member") && identity.project &&
                   target.owner == identity.project;
        case Action::get_images:
            return identity.has_role("reader");
        case Action::get_image:
            return sees(identity, target, "reader");
        case Action::download_image:
            return sees(identity, target, "member");
        case Action::modify_image:
        case Action::delete_image:
        case Action::communitize_image:
        case Action::upload_image:
        case Action::add_member:
        case Action::delete_member:
        case Action::deactivate:
        case Action::reactivate:
            return owner_member(identity, target);
        case Action::get_image_location:
            return identity.has_role("reader") && owns(identity, *target.image);
        case Action::get_member:
        case Action::get_members:
            return identity.has_role("reader") &&
                   (owns(identity, *target.image) || target.shared_with_caller);
        case Action::modify_member:
            return false;
        case Action::publicize_image:
            return false;
        case Action::fetch_image_location:
        case Action::stores_info_detail:
        case Action::slipway_clone:
            return identity.is_service || identity.has_role("service");
        case Action::slipway_stores:
            return false;
        case Action::slipway_transfers:
            return owns(identity, *target.image);
    }
    return false;
}

Result<void> authorize(Action action, const Identity& identity, const Target& target) {
    if (target.image != nullptr && !may(Action::get_image, identity, target))
        return image_not_found(target.image->id);
    if (may(action, identity, target)) return {};
    return Error(
        Errc::forbidden, "You are not authorized to " + std::string(describe(action)) + "."
    );
}

Error image_not_found(const ImageId& id) {
    return Error(Errc::not_found, "No image found with ID " + id.str());
}

}  // namespace slipway::service
