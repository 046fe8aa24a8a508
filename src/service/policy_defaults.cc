#include "service/policy_defaults.h"

#include <array>

namespace slipway::service {

namespace {

using enum Action;

constexpr std::string_view kAdmin = "rule:context_is_admin";
constexpr std::string_view kEverybody = "@";
constexpr std::string_view kOwn = "project_id:%(owner)s";
// Of an image that the catalogue shows: the caller's, shared with it, or open.
constexpr std::string_view kShown =
    "(project_id:%(owner)s or project_id:%(member_id)s or 'public':%(visibility)s or "
    "'community':%(visibility)s or 'shared':%(visibility)s)";

std::string admin_or(std::string_view role, std::string_view condition) {
    return std::string(kAdmin) + " or (role:" + std::string(role) + " and " +
           std::string(condition) + ")";
}

PolicyDefault base(std::string_view name, std::string_view rule) {
    return {std::nullopt, name, std::string(rule), {}, false, false, {}};
}

PolicyDefault plain(Action action, std::string_view name, std::string rule, std::string_view deed) {
    return {action, name, std::move(rule), {}, false, false, deed};
}

// Once for everybody who can see the image.
PolicyDefault opened(
    Action action, std::string_view name, std::string rule, std::string_view deed
) {
    PolicyDefault policy = plain(action, name, std::move(rule), deed);
    policy.legacy = kEverybody;
    return policy;
}

// Once for everybody, too, but then only owners were let through.
PolicyDefault owned(Action action, std::string_view name, std::string_view deed) {
    PolicyDefault policy = opened(action, name, admin_or("member", kOwn), deed);
    policy.legacy_owner_only = true;
    return policy;
}

void add_image_policies(std::vector<PolicyDefault>& all) {
    const std::string shown_to_member = admin_or("member", kShown);
    const std::string admin(kAdmin);
    all.insert(
        all.end(),
        {owned(add_image, "add_image", "create an image for that owner"),
         opened(get_image, "get_image", admin_or("reader", kShown), "see images"),
         opened(get_images, "get_images", admin_or("reader", kOwn), "see images"),
         owned(modify_image, "modify_image", "change this image"),
         owned(delete_image, "delete_image", "delete this image"),
         plain(publicize_image, "publicize_image", admin, "make images public"),
         opened(
             communitize_image,
             "communitize_image",
             admin_or("member", kOwn),
             "make this image a community image"
         ),
         owned(upload_image, "upload_image", "upload data to this image"),
         opened(download_image, "download_image", shown_to_member, "download this image"),
         plain(
             download_from_store,
             "download_from_store",
             shown_to_member,
             "download this image from that store"
         )}
    );
}

void add_location_policies(std::vector<PolicyDefault>& all) {
    constexpr std::string_view kSee = "see where this image is stored";
    constexpr std::string_view kChange = "change where this image is stored";
    PolicyDefault removal =
        opened(delete_image_location, "delete_image_location", std::string(kAdmin), kChange);
    removal.legacy_owner_only = true;
    all.insert(
        all.end(),
        {opened(get_image_location, "get_image_location", admin_or("reader", kOwn), kSee),
         opened(set_image_location, "set_image_location", admin_or("member", kOwn), kChange),
         removal,
         plain(
             add_image_location,
             "add_image_location",
             "rule:service_api or (role:member and project_id:%(owner)s)",
             kChange
         ),
         plain(fetch_image_location, "fetch_image_location", "rule:service_api", kSee)}
    );
}

void add_member_policies(std::vector<PolicyDefault>& all) {
    constexpr std::string_view kSee = "see whom this image is shared with";
    constexpr std::string_view kChange = "change whom this image is shared with";
    const std::string reader =
        admin_or("reader", "(project_id:%(owner)s or project_id:%(member_id)s)");
    PolicyDefault answer = opened(
        modify_member,
        "modify_member",
        admin_or("member", "project_id:%(member_id)s"),
        "accept or reject this image for that project"
    );
    answer.legacy_not_owner = true;
    all.insert(
        all.end(),
        {owned(add_member, "add_member", kChange),
         opened(get_member, "get_member", reader, kSee),
         opened(get_members, "get_members", reader, kSee),
         answer,
         owned(delete_member, "delete_member", kChange)}
    );
}

void add_task_and_cache_policies(std::vector<PolicyDefault>& all) {
    constexpr std::string_view kTasks = "use tasks";
    constexpr std::string_view kCache = "manage the image cache";
    const std::string admin(kAdmin);
    const std::string everybody = "rule:default";
    const auto cache = [&](Action action, std::string_view name) {
        PolicyDefault policy = plain(action, name, admin, kCache);
        policy.legacy = "rule:manage_image_cache";
        return policy;
    };
    all.insert(
        all.end(),
        {owned(deactivate, "deactivate", "deactivate this image"),
         owned(reactivate, "reactivate", "activate this image"),
         plain(copy_image, "copy_image", admin, "copy this image"),
         plain(get_task, "get_task", everybody, kTasks),
         plain(get_tasks, "get_tasks", everybody, kTasks),
         plain(add_task, "add_task", everybody, kTasks),
         plain(modify_task, "modify_task", everybody, kTasks),
         plain(tasks_api_access, "tasks_api_access", admin, kTasks),
         plain(manage_image_cache, "manage_image_cache", admin, kCache),
         cache(cache_image, "cache_image"),
         cache(cache_list, "cache_list"),
         cache(cache_delete, "cache_delete"),
         plain(cache_clean, "cache_clean", admin, kCache),
         plain(cache_prune, "cache_prune", admin, kCache),
         plain(list_cached_nodes, "list_cached_nodes", admin, kCache)}
    );
    PolicyDefault details = plain(
        stores_info_detail,
        "stores_info_detail",
        "rule:context_is_admin or rule:service_api",
        "see the details of the stores"
    );
    all.push_back(details);
}

void add_metadef_policies(std::vector<PolicyDefault>& all) {
    constexpr std::string_view kSee = "see metadata definitions";
    constexpr std::string_view kChange = "change metadata definitions";
    const std::string shown =
        admin_or("reader", "(project_id:%(owner)s or 'public':%(visibility)s)");
    const auto read = [&](Action action, std::string_view name) {
        return opened(action, name, shown, kSee);
    };
    const auto write = [&](Action action, std::string_view name) {
        return plain(action, name, "rule:metadef_admin", kChange);
    };
    all.insert(
        all.end(),
        {read(get_metadef_namespace, "get_metadef_namespace"),
         opened(
             get_metadef_namespaces,
             "get_metadef_namespaces",
             "rule:context_is_admin or role:reader",
             kSee
         ),
         write(add_metadef_namespace, "add_metadef_namespace"),
         write(modify_metadef_namespace, "modify_metadef_namespace"),
         write(delete_metadef_namespace, "delete_metadef_namespace"),
         read(get_metadef_object, "get_metadef_object"),
         read(get_metadef_objects, "get_metadef_objects"),
         write(add_metadef_object, "add_metadef_object"),
         write(modify_metadef_object, "modify_metadef_object"),
         write(delete_metadef_object, "delete_metadef_object"),
         read(list_metadef_resource_types, "list_metadef_resource_types"),
         read(get_metadef_resource_type, "get_metadef_resource_type"),
         write(add_metadef_resource_type_association, "add_metadef_resource_type_association"),
         write(
             remove_metadef_resource_type_association, "remove_metadef_resource_type_association"
         ),
         read(get_metadef_property, "get_metadef_property"),
         read(get_metadef_properties, "get_metadef_properties"),
         write(add_metadef_property, "add_metadef_property"),
         write(modify_metadef_property, "modify_metadef_property"),
         write(remove_metadef_property, "remove_metadef_property"),
         read(get_metadef_tag, "get_metadef_tag"),
         read(get_metadef_tags, "get_metadef_tags"),
         write(add_metadef_tag, "add_metadef_tag"),
         write(add_metadef_tags, "add_metadef_tags"),
         write(modify_metadef_tag, "modify_metadef_tag"),
         write(delete_metadef_tag, "delete_metadef_tag"),
         write(delete_metadef_tags, "delete_metadef_tags")}
    );
}

void add_own_policies(std::vector<PolicyDefault>& all) {
    const std::string admin(kAdmin);
    const std::string service = "rule:service_api";
    all.insert(
        all.end(),
        {plain(
             slipway_download_deactivated,
             "slipway:download_deactivated",
             admin,
             "download this image while it is deactivated"
         ),
         plain(
             slipway_change_owner, "slipway:change_owner", admin, "give this image to another owner"
         ),
         plain(slipway_clone, "slipway:clone", service, "clone images"),
         plain(slipway_seed, "slipway:seed", service, "keep images in caches"),
         plain(slipway_copies, "slipway:copies", service, "see the copies of this image"),
         plain(slipway_evacuate, "slipway:evacuate", admin, "empty a datastore"),
         plain(slipway_object, "slipway:object", service, "keep objects in the stores"),
         plain(slipway_stores, "slipway:stores", admin, "see the details of the stores"),
         plain(
             slipway_transfers,
             "slipway:transfers",
             "rule:context_is_admin or project_id:%(owner)s",
             "see the transfers of this image"
         )}
    );
}

std::vector<PolicyDefault> all_defaults() {
    std::vector<PolicyDefault> all{
        base(kDefaultRule, kEverybody),
        base("context_is_admin", "role:admin"),
        // A request with a service's token, or by the listener for services, is one of a service.
        base("service_api", "role:service or role:admin or is_service:True"),
        base("metadef_default", kEverybody),
        base("metadef_admin", kAdmin)};
    add_image_policies(all);
    add_location_policies(all);
    add_member_policies(all);
    add_task_and_cache_policies(all);
    add_metadef_policies(all);
    add_own_policies(all);
    return all;
}

}  // namespace

const std::vector<PolicyDefault>& policy_defaults() {
    static const std::vector<PolicyDefault> all = all_defaults();
    return all;
}

const PolicyDefault& default_of(Action action) {
    // The table is in the order of the enumeration; a test holds it to that.
    const auto& all = policy_defaults();
    static const std::size_t first = [&all] {
        std::size_t i = 0;
        while (!all[i].action) ++i;
        return i;
    }();
    return all.at(first + static_cast<std::size_t>(action));
}

std::string_view to_string(Action action) {
    return default_of(action).name;
}

}  // namespace slipway::service
