#include "service/image_service.h"

#include "base/log.h"

#include <algorithm>
#include <map>

namespace slipway::service {

namespace {

// Deleted bytes stay this long: a clone that reads them pins them in the catalogue, a download of
// ours in memory; this covers downloads by other servers on the same catalogue.
constexpr std::chrono::seconds kDeleteGrace{10};

bool has_data(const Image& image) {
    return image.status == ImageStatus::active || image.status == ImageStatus::deactivated;
}

// A queued image may have a location of a client's whose data were refused.
bool may_have_locations(const Image& image) {
    return has_data(image) || image.status == ImageStatus::queued ||
           image.status == ImageStatus::importing;
}

}  // namespace

awaitable<Result<AuthorizedImage>> find_visible(
    store::Catalog& catalog, const Caller& caller, const ImageId& id
) {
    auto found = co_await catalog.find_image(id);
    if (!found) {
        if (found.error().code == Errc::not_found) co_return image_not_found(id);
        co_return found.error();
    }
    AuthorizedImage result{std::move(*found), false};
    const Identity& identity = caller.identity;
    if (membership_decides(identity, result.image)) {
        const auto member = co_await catalog.find_member(id, *identity.project);
        if (!member && member.error().code != Errc::not_found) co_return member.error();
        result.shared_with_caller = member.has_value();
    }
    if (!is_visible(identity, result.image, result.shared_with_caller))
        co_return image_not_found(id);
    co_return result;
}

awaitable<Result<AuthorizedImage>> find_authorized(
    store::Catalog& catalog,
    const Policy& policy,
    const Caller& caller,
    const ImageId& id,
    Action action
) {
    SLIPWAY_CO_TRY(auto found, co_await find_visible(catalog, caller, id));
    const Target target{&found.image, found.shared_with_caller, {}, {}};
    SLIPWAY_CO_CHECK(policy.authorize(action, caller.identity, target));
    co_return found;
}

RecordRules ImageService::record_rules() const {
    return {with_.backends, with_.policy, with_.visibility, with_.sites, with_.protections};
}

awaitable<Result<ImageRecord>> ImageService::record(const Caller& caller, const Image& image) {
    std::vector<Location> live;
    if (may_have_locations(image)) {
        SLIPWAY_CO_TRY(live, co_await with_.catalog.live_locations(image.id));
    }
    co_return record_of(image, std::move(live), caller, record_rules());
}

awaitable<Result<ImageRecord>> ImageService::create(const Caller& caller, Image image) {
    SLIPWAY_CO_CHECK(with_.policy.authorize(
        Action::add_image, caller.identity, {nullptr, false, {}, image.owner}
    ));
    // Who may not give it this visibility knows of the image nevertheless: there is none yet.
    const auto may = [&](Action action) {
        return with_.policy.allows(action, caller.identity, {&image, false, {}, {}});
    };
    if (image.visibility == Visibility::public_ && !may(Action::publicize_image))
        co_return refused(Action::publicize_image);
    if (image.visibility == Visibility::community && !may(Action::communitize_image))
        co_return refused(Action::communitize_image);
    if (with_.protections != nullptr)
        for (const auto& [name, value] : image.properties)
            SLIPWAY_CO_CHECK(
                with_.protections->authorize(PropertyAction::create, name, caller.identity)
            );
    if (with_.limits_of && image.owner)
        SLIPWAY_CO_CHECK(co_await with_.limits_of(*image.owner, caller.call));
    SLIPWAY_CO_TRY(const Image created, co_await with_.catalog.create_image(std::move(image)));
    log::info(caller.call, "image.create.done", {{"image", created.id.str()}});
    co_return co_await record(caller, created);
}

awaitable<Result<ImageRecord>> ImageService::show(const Caller& caller, const ImageId& id) {
    SLIPWAY_CO_TRY(
        const auto found,
        co_await find_authorized(with_.catalog, with_.policy, caller, id, Action::get_image)
    );
    co_return co_await record(caller, found.image);
}

awaitable<Result<ImageListPage>> ImageService::list(const Caller& caller, ImageQuery query) {
    SLIPWAY_CO_CHECK(with_.policy.authorize(
        Action::get_images, caller.identity, {nullptr, false, {}, caller.identity.project}
    ));
    set_list_scope(query.scope, caller.identity);
    const std::size_t limit = query.limit;
    ImageListPage page;
    if (limit == 0) co_return page;
    SLIPWAY_CO_TRY(auto images, co_await with_.catalog.list_images(std::move(query)));
    const bool is_full = images.size() == limit;
    std::erase_if(images, [&](const Image& image) {
        // What is listed of others' shared images is shared with the caller.
        const bool shared = membership_decides(caller.identity, image);
        const Target target{&image, shared, {}, {}};
        return !with_.policy.allows(Action::get_image, caller.identity, target);
    });
    std::vector<ImageId> ids;
    for (const Image& image : images)
        if (may_have_locations(image)) ids.push_back(image.id);
    SLIPWAY_CO_TRY(auto live, co_await with_.catalog.live_locations(std::move(ids)));
    std::map<ImageId, std::vector<Location>> by_image;
    for (Location& location : live) by_image[location.image_id].push_back(std::move(location));
    for (const Image& image : images)
        page.images.push_back(
            record_of(image, std::move(by_image[image.id]), caller, record_rules())
        );
    page.more = is_full && !images.empty();
    co_return page;
}

awaitable<Result<Image>> ImageService::change_image(
    const Caller& caller,
    const ImageId& id,
    std::function<Result<void>(Image&)> change,
    std::vector<store::LocationEdit> locations
) {
    SLIPWAY_CO_TRY(
        const auto found,
        co_await find_authorized(with_.catalog, with_.policy, caller, id, Action::modify_image)
    );
    // Asked again inside the transaction: the image may have got another owner since.
    auto checked_change = [&](Image& image) -> Result<void> {
        const Target target{&image, found.shared_with_caller, {}, {}};
        SLIPWAY_CHECK(with_.policy.authorize(Action::modify_image, caller.identity, target));
        return change(image);
    };
    co_return co_await with_.catalog.update_image(id, checked_change, std::move(locations));
}

awaitable<Result<ImageRecord>> ImageService::update(
    const Caller& caller,
    const ImageId& id,
    ImagePatch patch,
    std::vector<store::LocationEdit> locations
) {
    auto change = [&](Image& image) {
        return apply_patch(
            image, patch, {with_.schema, with_.policy, caller.identity, with_.protections}
        );
    };
    // Who changes locations alone need not be allowed to change the rest.
    if (patch.operations.empty() && !locations.empty()) {
        SLIPWAY_CO_TRY(
            const Image updated,
            co_await with_.catalog.update_image(id, change, std::move(locations))
        );
        co_return co_await record(caller, updated);
    }
    SLIPWAY_CO_TRY(
        const Image updated, co_await change_image(caller, id, change, std::move(locations))
    );
    co_return co_await record(caller, updated);
}

awaitable<Result<Image>> ImageService::preview(
    const Caller& caller, const ImageId& id, const ImagePatch& patch
) {
    SLIPWAY_CO_TRY(
        auto found,
        co_await find_authorized(with_.catalog, with_.policy, caller, id, Action::modify_image)
    );
    SLIPWAY_CO_CHECK(apply_patch(
        found.image, patch, {with_.schema, with_.policy, caller.identity, with_.protections}
    ));
    co_return std::move(found.image);
}

awaitable<Result<void>> ImageService::remove(const Caller& caller, const ImageId& id) {
    SLIPWAY_CO_TRY(
        const auto found,
        co_await find_authorized(with_.catalog, with_.policy, caller, id, Action::delete_image)
    );
    if (found.image.is_protected)
        co_return Error(
            Errc::forbidden, "Image " + id.str() + " is protected and cannot be deleted."
        );
    SLIPWAY_CO_CHECK(
        co_await with_.catalog.delete_image(id, std::max(kDeleteGrace, with_.keep_deleted))
    );
    with_.on_deleted(id);
    log::info(caller.call, "image.delete.done", {{"image", id.str()}});
    co_await remove_key(caller, found.image);
    co_return Result<void>();
}

awaitable<void> ImageService::remove_key(const Caller& caller, const Image& image) {
    const std::string key(image.property("cinder_encryption_key_id"));
    if (with_.keys == nullptr || key.empty() ||
        image.property("cinder_encryption_key_deletion_policy") != "on_image_deletion")
        co_return;
    const auto removed = co_await with_.keys->remove(key, caller.identity.token, caller.call);
    if (!removed)
        log::warning(
            caller.call,
            "image.key.not_deleted",
            {{"image", image.id.str()}, {"error", removed.error().message}}
        );
}

awaitable<Result<void>> ImageService::change_activity(
    const Caller& caller, const ImageId& id, ImageEvent event
) {
    const Action action = event == ImageEvent::deactivate ? Action::deactivate : Action::reactivate;
    SLIPWAY_CO_CHECK(co_await find_authorized(with_.catalog, with_.policy, caller, id, action));
    const auto changed = co_await with_.catalog.advance(id, event);
    if (changed) co_return Result<void>();
    if (changed.error().code == Errc::conflict)
        co_return Error(Errc::forbidden, changed.error().message);
    co_return changed.error();
}

awaitable<Result<void>> ImageService::add_tag(
    const Caller& caller, const ImageId& id, std::string tag
) {
    auto change = [&](Image& image) -> Result<void> {
        const auto place = std::lower_bound(image.tags.begin(), image.tags.end(), tag);
        if (place == image.tags.end() || *place != tag) image.tags.insert(place, tag);
        return {};
    };
    SLIPWAY_CO_CHECK(co_await change_image(caller, id, change));
    co_return Result<void>();
}

awaitable<Result<void>> ImageService::remove_tag(
    const Caller& caller, const ImageId& id, std::string tag
) {
    auto change = [&](Image& image) -> Result<void> {
        if (std::erase(image.tags, tag) == 0)
            return Error(Errc::not_found, "The image has no tag '" + tag + "'.");
        return {};
    };
    SLIPWAY_CO_CHECK(co_await change_image(caller, id, change));
    co_return Result<void>();
}

awaitable<Result<std::vector<ShownLocation>>> ImageService::locations(
    const Caller& caller, const ImageId& id
) {
    SLIPWAY_CO_TRY(
        const auto found,
        co_await find_authorized(
            with_.catalog, with_.policy, caller, id, Action::fetch_image_location
        )
    );
    const bool hides =
        sees_service_face(caller.identity) && !with_.visibility.full_answer_to_services;
    if (hides || !may_have_locations(found.image)) co_return std::vector<ShownLocation>();
    SLIPWAY_CO_TRY(auto live, co_await with_.catalog.live_locations(id));
    RecordRules everything = record_rules();
    everything.visibility = {true, true, true};
    const auto shown = record_of(found.image, std::move(live), caller, everything);
    co_return shown.locations.value_or(std::vector<ShownLocation>());
}

awaitable<Result<std::vector<TransferRecord>>> ImageService::transfers(
    const Caller& caller, const ImageId& id, std::size_t limit
) {
    SLIPWAY_CO_CHECK(
        co_await find_authorized(with_.catalog, with_.policy, caller, id, Action::slipway_transfers)
    );
    co_return co_await with_.catalog.list_transfers(id, limit);
}

}  // namespace slipway::service
