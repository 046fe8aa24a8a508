#pragma once

#include "base/result.h"
#include "model/caller.h"
#include "model/image.h"

#include <optional>
#include <string>

namespace slipway::service {

// What can be asked for, named as Glance's policies are; ours begin with slipway_.
enum class Action {
    add_image,
    get_image,
    get_images,
    modify_image,
    delete_image,
    publicize_image,
    communitize_image,
    upload_image,
    download_image,
    get_image_location,
    fetch_image_location,
    add_member,
    get_member,
    get_members,
    modify_member,
    delete_member,
    deactivate,
    reactivate,
    stores_info_detail,
    slipway_clone,
    slipway_stores,
    slipway_transfers,
};

// What an action is done to. Absent parts are not looked at.
struct Target {
    const Image* image = nullptr;
    bool shared_with_caller = false;    // the caller's project is a member, in whatever status
    std::optional<std::string> member;  // of member actions: the project meant
    std::optional<std::string> owner;   // of add_image: the owner asked for
};

// The rules, one each: who may do `action` to `target`. The one place that decides it.
bool may(Action action, const Identity& identity, const Target& target);

// The same as an answer: forbidden, or not_found where the caller may not even know of the image.
Result<void> authorize(Action action, const Identity& identity, const Target& target);

// Whether the catalogue shows the image to the caller at all, before any rule.
bool is_visible(const Identity& identity, const Image& image, bool shared_with_caller);

// The error for an image that is missing, or not for this caller's eyes.
Error image_not_found(const ImageId& id);

}  // namespace slipway::service
