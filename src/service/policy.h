#pragma once

#include "base/result.h"
#include "model/caller.h"
#include "model/image.h"
#include "model/image_query.h"
#include "model/task_record.h"
#include "service/policy_rule.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::service {

// What can be asked for: one policy each, named as Glance names it; slipway_clone and its like are
// ours, and written slipway:clone in a policy file.
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
    download_from_store,
    get_image_location,
    set_image_location,
    delete_image_location,
    add_image_location,
    fetch_image_location,
    add_member,
    get_member,
    get_members,
    modify_member,
    delete_member,
    deactivate,
    reactivate,
    copy_image,
    get_task,
    get_tasks,
    add_task,
    modify_task,
    tasks_api_access,
    manage_image_cache,
    cache_image,
    cache_list,
    cache_delete,
    cache_clean,
    cache_prune,
    list_cached_nodes,
    stores_info_detail,
    get_metadef_namespace,
    get_metadef_namespaces,
    add_metadef_namespace,
    modify_metadef_namespace,
    delete_metadef_namespace,
    get_metadef_object,
    get_metadef_objects,
    add_metadef_object,
    modify_metadef_object,
    delete_metadef_object,
    list_metadef_resource_types,
    get_metadef_resource_type,
    add_metadef_resource_type_association,
    remove_metadef_resource_type_association,
    get_metadef_property,
    get_metadef_properties,
    add_metadef_property,
    modify_metadef_property,
    remove_metadef_property,
    get_metadef_tag,
    get_metadef_tags,
    add_metadef_tag,
    add_metadef_tags,
    modify_metadef_tag,
    delete_metadef_tag,
    delete_metadef_tags,
    slipway_download_deactivated,
    slipway_change_owner,
    slipway_clone,
    slipway_seed,
    slipway_copies,
    slipway_evacuate,
    slipway_object,
    slipway_stores,
    slipway_transfers,
};

// As in a policy file.
std::string_view to_string(Action action);

// A namespace of metadata definitions, as far as rules look at it.
struct NamespaceTarget {
    std::string name;
    std::optional<std::string> owner;
    std::string visibility;  // public, private
};

// What an action is done to. Absent parts are not looked at.
struct Target {
    const Image* image = nullptr;
    bool shared_with_caller = false;    // the caller's project is a member, in whatever status
    std::optional<std::string> member;  // of member actions: the project meant
    std::optional<std::string> owner;   // where there is no image: the project meant
    const NamespaceTarget* metadef_namespace = nullptr;
};

// A rule of a policy file, and where it stands.
struct PolicyOverride {
    std::string name;
    std::string text;
    std::size_t line = 0;
    std::string file{};
};

struct PolicyOptions {
    bool new_defaults = true;   // else what Glance allowed before them is allowed, too
    bool enforce_scope = true;  // tokens of the system or of a domain are refused
    std::vector<std::string> named_elsewhere{};  // rules that are used though no policy names them
};

// What is to be said about a policy file.
struct PolicyFinding {
    bool is_mistake = true;  // else a warning
    std::string file;
    std::size_t line = 0;
    std::string what;
};

// Who may do what: one rule for each policy. The one place that decides it.
class Policy {
public:
    // The defaults alone.
    Policy();
    // The defaults with `overrides` in their places; later ones win. With a mistake among the
    // findings it is not to be used.
    Policy(
        const PolicyOptions& options,
        const std::vector<PolicyOverride>& overrides,
        std::vector<PolicyFinding>& findings
    );

    // Whether the rule of `action` lets the caller pass.
    [[nodiscard]] bool allows(Action action, const Identity& identity, const Target& target) const;

    // The same as an answer: forbidden; or not_found where the caller may not even know of the
    // image or the namespace: the catalogue does not show it, or its get_ rule refuses, too.
    [[nodiscard]] Result<void> authorize(
        Action action, const Identity& identity, const Target& target
    ) const;

    // The same of a rule that is named in another file: whether it lets the caller pass.
    [[nodiscard]] bool allows(const std::string& rule, const Identity& identity) const;
    [[nodiscard]] bool has_rule(const std::string& rule) const { return rules_.contains(rule); }

    // Whether the caller's roles make an administrator of it: the rule context_is_admin.
    [[nodiscard]] bool is_administrator(const Identity& identity) const;

    // Whether policies can let the caller pass at all. Errors: forbidden for tokens of the system
    // and of domains.
    [[nodiscard]] Result<void> check_scope(const Identity& identity) const;

private:
    void add_defaults();
    void check_references(
        const std::vector<PolicyOverride>& overrides, std::vector<PolicyFinding>& findings
    ) const;

    PolicyOptions options_;
    RuleSet rules_;
};

// Whether the catalogue shows the image to the caller at all, before any rule.
bool is_visible(const Identity& identity, const Image& image, bool shared_with_caller);

// Whether the answer of is_visible() depends on a membership, so that it has to be looked up.
bool membership_decides(const Identity& identity, const Image& image);

// The scope of the caller's lists of images; the rest of `scope` is what was asked for. The
// catalogue repeats is_visible() in SQL over this scope.
void set_list_scope(ListScope& scope, const Identity& identity);

// Whether the caller sees whom else a shared image is shared with, besides its own project.
bool sees_all_members(const Identity& identity, const Image& image);

// Whose tasks the caller sees: those of this project; absent: everybody's.
std::optional<std::string> owner_of_visible_tasks(const Identity& identity);
bool sees_task(const Identity& identity, const TaskRecord& task);
// What a task was asked to do names datastores and files: for administrators and services.
bool sees_task_input(const Identity& identity);
// Whoever may change the images of the project, and administrators.
bool may_cancel_task(const Identity& identity, const TaskRecord& task);

bool holds_any_role(const Identity& identity, const std::vector<std::string>& roles);

// Whether the caller is shown images as services are: the boot form, where there is one.
bool sees_service_face(const Identity& identity);

// Whether the caller may name a file of a datastore as the data of an image: services.
bool may_name_datastores(const Identity& identity);

// Whether the caller is shown where the image lies, by store or by URL: of a deactivated one only
// administrators are.
bool sees_stores(const Identity& identity, const Image& image);

// Who sees where the bytes lie: services, and users by these two, as in Glance.
struct LocationVisibility {
    bool services = true;
    bool show_multiple_locations = false;
    bool show_image_direct_url = false;
    bool full_answer_to_services = false;  // of GET …/locations
};

// What a record of the image tells the caller about where the bytes lie.
struct LocationView {
    bool locations = false;
    bool direct_url = false;
};
LocationView location_view(
    const Policy& policy,
    const Identity& identity,
    const Image& image,
    const LocationVisibility& visibility
);

// The errors for an image and a namespace that are missing, or not for this caller's eyes.
Error image_not_found(const ImageId& id);
Error namespace_not_found(const std::string& name);

// The error for a caller who may know of the target, but not do this to it.
Error refused(Action action);

}  // namespace slipway::service
