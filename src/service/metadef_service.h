#pragma once

#include "base/awaitable.h"
#include "model/caller.h"
#include "model/metadef.h"
#include "service/policy.h"
#include "store/metadef_catalog.h"

#include <string>
#include <vector>

namespace slipway::service {

struct MetadefPage {
    std::vector<MetadefNamespace> namespaces;
    bool more = false;  // there may be another page
};

// Metadata definitions: namespaces, and what they hold.
//
// Errors of all, besides those that are named: not_found for a namespace that is missing or not for
// the caller's eyes, and for what is not in it; forbidden, also for what is removed from a
// protected namespace; conflict for a name in use.
class MetadefService {
public:
    MetadefService(store::MetadefCatalog& catalog, const Policy& policy)
        : catalog_(catalog), policy_(policy) {}

    // Errors: not_found for a marker that the caller does not see.
    awaitable<Result<MetadefPage>> list(const Caller& caller, MetadefQuery query);
    // With all it holds, or not at all.
    awaitable<Result<MetadefNamespace>> create(const Caller& caller, MetadefNamespace added);
    // With all it holds. `resource_type`: names of properties as they are on such resources, where
    // there is an association that says so.
    awaitable<Result<MetadefNamespace>> show(
        const Caller& caller, const std::string& name, const std::string& resource_type
    );
    // What `changed` leaves unset becomes unset; the owner becomes the caller's project.
    awaitable<Result<MetadefNamespace>> replace(
        const Caller& caller, const std::string& name, MetadefNamespace changed
    );
    awaitable<Result<void>> remove(const Caller& caller, const std::string& name);

    awaitable<Result<std::vector<MetadefResourceType>>> resource_types(const Caller& caller);
    awaitable<Result<std::vector<MetadefAssociation>>> associations(
        const Caller& caller, const std::string& of
    );
    awaitable<Result<MetadefAssociation>> associate(
        const Caller& caller, const std::string& of, MetadefAssociation added
    );
    awaitable<Result<void>> dissociate(
        const Caller& caller, const std::string& of, const std::string& resource_type
    );

    awaitable<Result<std::vector<MetadefProperty>>> properties(
        const Caller& caller, const std::string& of
    );
    // `resource_type`, unless it is empty: `name` is the property's name on such resources.
    awaitable<Result<MetadefProperty>> property(
        const Caller& caller,
        const std::string& of,
        const std::string& name,
        const std::string& resource_type
    );
    awaitable<Result<MetadefProperty>> add_property(
        const Caller& caller, const std::string& to, MetadefProperty added
    );
    awaitable<Result<MetadefProperty>> replace_property(
        const Caller& caller,
        const std::string& of,
        const std::string& name,
        MetadefProperty changed
    );
    awaitable<Result<void>> remove_property(
        const Caller& caller, const std::string& of, const std::string& name
    );
    awaitable<Result<void>> remove_properties(const Caller& caller, const std::string& of);

    awaitable<Result<std::vector<MetadefObject>>> objects(
        const Caller& caller, const std::string& of
    );
    awaitable<Result<MetadefObject>> object(
        const Caller& caller, const std::string& of, const std::string& name
    );
    awaitable<Result<MetadefObject>> add_object(
        const Caller& caller, const std::string& to, MetadefObject added
    );
    awaitable<Result<MetadefObject>> replace_object(
        const Caller& caller, const std::string& of, const std::string& name, MetadefObject changed
    );
    awaitable<Result<void>> remove_object(
        const Caller& caller, const std::string& of, const std::string& name
    );
    awaitable<Result<void>> remove_objects(const Caller& caller, const std::string& of);

    awaitable<Result<std::vector<MetadefTag>>> tags(
        const Caller& caller, const std::string& of, MetadefTagQuery query
    );
    awaitable<Result<MetadefTag>> tag(
        const Caller& caller, const std::string& of, const std::string& name
    );
    awaitable<Result<MetadefTag>> add_tag(
        const Caller& caller, const std::string& to, const std::string& name
    );
    // `append`: besides those that are there, else in their place.
    awaitable<Result<void>> add_tags(
        const Caller& caller, const std::string& to, std::vector<std::string> names, bool append
    );
    awaitable<Result<MetadefTag>> rename_tag(
        const Caller& caller,
        const std::string& of,
        const std::string& name,
        const std::string& changed
    );
    awaitable<Result<void>> remove_tag(
        const Caller& caller, const std::string& of, const std::string& name
    );
    awaitable<Result<void>> remove_tags(const Caller& caller, const std::string& of);

private:
    // That the caller may do `actions` to the namespace, and see it.
    awaitable<Result<void>> check(
        const Caller& caller, const std::string& name, std::vector<Action> actions
    );

    store::MetadefCatalog& catalog_;
    const Policy& policy_;
};

}  // namespace slipway::service
