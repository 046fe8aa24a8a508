#include "service/member_service.h"

#include "service/image_service.h"

namespace slipway::service {

namespace {

Result<void> check_shared(const Image& image) {
    if (image.visibility == Visibility::shared) return {};
    return Error(Errc::forbidden, "Only shared images have members.");
}

Error no_member(const ImageId& id, const std::string& project) {
    return Error(Errc::not_found, project + " is not a member of image " + id.str() + ".");
}

// An image that the caller may see, and then do `action` to.
awaitable<Result<AuthorizedImage>> find_seen(
    store::Catalog& catalog,
    const Policy& policy,
    const Caller& caller,
    const ImageId& id,
    Action action
) {
    SLIPWAY_CO_TRY(
        auto found, co_await find_authorized(catalog, policy, caller, id, Action::get_image)
    );
    const Target target{&found.image, found.shared_with_caller, {}, {}};
    SLIPWAY_CO_CHECK(policy.authorize(action, caller.identity, target));
    co_return found;
}

}  // namespace

awaitable<Result<std::vector<Member>>> MemberService::list(
    const Caller& caller, const ImageId& id
) {
    SLIPWAY_CO_TRY(
        const auto found, co_await find_seen(catalog_, policy_, caller, id, Action::get_members)
    );
    SLIPWAY_CO_CHECK(check_shared(found.image));
    SLIPWAY_CO_TRY(auto members, co_await catalog_.list_members(id));
    if (!sees_all_members(caller.identity, found.image))
        std::erase_if(members, [&](const Member& m) {
            return m.project != caller.identity.project;
        });
    co_return members;
}

awaitable<Result<Member>> MemberService::show(
    const Caller& caller, const ImageId& id, const std::string& project
) {
    SLIPWAY_CO_TRY(
        const auto found, co_await find_authorized(catalog_, policy_, caller, id, Action::get_image)
    );
    const Target target{&found.image, found.shared_with_caller, project, {}};
    if (!check_shared(found.image) || !policy_.allows(Action::get_member, caller.identity, target))
        co_return no_member(id, project);
    if (!sees_all_members(caller.identity, found.image) && caller.identity.project != project)
        co_return no_member(id, project);
    co_return co_await catalog_.find_member(id, project);
}

awaitable<Result<Member>> MemberService::add(
    const Caller& caller, const ImageId& id, const std::string& project
) {
    SLIPWAY_CO_TRY(
        const auto found, co_await find_seen(catalog_, policy_, caller, id, Action::add_member)
    );
    SLIPWAY_CO_CHECK(check_shared(found.image));
    co_return co_await catalog_.add_member(id, project);
}

awaitable<Result<Member>> MemberService::set_status(
    const Caller& caller, const ImageId& id, const std::string& project, const std::string& status
) {
    SLIPWAY_CO_TRY(
        const auto found, co_await find_seen(catalog_, policy_, caller, id, Action::get_member)
    );
    SLIPWAY_CO_CHECK(check_shared(found.image));
    if (!sees_all_members(caller.identity, found.image) && caller.identity.project != project)
        co_return no_member(id, project);
    const Target target{&found.image, found.shared_with_caller, project, {}};
    SLIPWAY_CO_CHECK(policy_.authorize(Action::modify_member, caller.identity, target));
    co_return co_await catalog_.set_member_status(id, project, status);
}

awaitable<Result<void>> MemberService::remove(
    const Caller& caller, const ImageId& id, const std::string& project
) {
    SLIPWAY_CO_TRY(
        const auto found, co_await find_seen(catalog_, policy_, caller, id, Action::delete_member)
    );
    SLIPWAY_CO_CHECK(check_shared(found.image));
    co_return co_await catalog_.remove_member(id, project);
}

}  // namespace slipway::service
