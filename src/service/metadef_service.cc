#include "service/metadef_service.h"

#include "service/metadef_scope.h"

#include <algorithm>

namespace slipway::service {

namespace {

NamespaceTarget target_of(const MetadefNamespace& space) {
    return {space.name, space.owner, std::string(to_string(space.visibility))};
}

// What the caller's own project may do, where no namespace is meant.
Target own_project(const Caller& caller) {
    Target target;
    target.owner = caller.identity.project;
    return target;
}

std::string prefix_of(
    const std::vector<MetadefAssociation>& associations, const std::string& type
) {
    for (const MetadefAssociation& association : associations)
        if (association.resource_type == type) return association.prefix.value_or("");
    return "";
}

void add_prefix(MetadefNamespace& space, const std::string& prefix) {
    for (MetadefProperty& property : space.properties) property.name.insert(0, prefix);
    for (MetadefObject& object : space.objects) {
        for (MetadefProperty& property : object.properties) property.name.insert(0, prefix);
        for (std::string& name : object.required) name.insert(0, prefix);
    }
}

}  // namespace

awaitable<Result<void>> MetadefService::check(
    const Caller& caller, const std::string& name, std::vector<Action> actions
) {
    SLIPWAY_CO_CHECK(policy_.check_scope(caller.identity));
    const auto space = co_await catalog_.find_namespace(name);
    if (!space && space.error().code == Errc::not_found) co_return namespace_not_found(name);
    if (!space) co_return space.error();
    const NamespaceTarget about = target_of(*space);
    Target target;
    target.metadef_namespace = &about;
    for (const Action action : actions)
        SLIPWAY_CO_CHECK(policy_.authorize(action, caller.identity, target));
    co_return Result<void>();
}

awaitable<Result<MetadefPage>> MetadefService::list(const Caller& caller, MetadefQuery query) {
    const Target target = own_project(caller);
    SLIPWAY_CO_CHECK(policy_.authorize(Action::get_metadef_namespaces, caller.identity, target));
    SLIPWAY_CO_CHECK(policy_.authorize(Action::list_metadef_resource_types, caller.identity, target)
    );
    set_list_scope(query, caller.identity);
    MetadefPage page;
    const std::size_t limit = query.limit;
    if (limit == 0) co_return page;
    SLIPWAY_CO_TRY(page.namespaces, co_await catalog_.list_namespaces(std::move(query)));
    const bool is_full = page.namespaces.size() == limit;
    std::erase_if(page.namespaces, [&](const MetadefNamespace& space) {
        const NamespaceTarget about = target_of(space);
        return !policy_.allows(
            Action::get_metadef_namespace, caller.identity, {nullptr, false, {}, {}, &about}
        );
    });
    page.more = is_full && !page.namespaces.empty();
    co_return page;
}

awaitable<Result<MetadefNamespace>> MetadefService::create(
    const Caller& caller, MetadefNamespace added
) {
    if (!added.owner) added.owner = caller.identity.project;
    std::vector<Action> actions{Action::add_metadef_namespace};
    if (!added.associations.empty())
        actions.push_back(Action::add_metadef_resource_type_association);
    if (!added.objects.empty()) actions.push_back(Action::add_metadef_object);
    if (!added.properties.empty()) actions.push_back(Action::add_metadef_property);
    if (!added.tags.empty()) actions.push_back(Action::add_metadef_tag);
    const Target target = own_project(caller);
    for (const Action action : actions)
        SLIPWAY_CO_CHECK(policy_.authorize(action, caller.identity, target));
    co_return co_await catalog_.create_namespace(std::move(added));
}

awaitable<Result<MetadefNamespace>> MetadefService::show(
    const Caller& caller, const std::string& name, const std::string& resource_type
) {
    SLIPWAY_CO_CHECK(co_await check(
        caller,
        name,
        {Action::get_metadef_namespace,
         Action::list_metadef_resource_types,
         Action::get_metadef_objects,
         Action::get_metadef_properties,
         Action::get_metadef_tags}
    ));
    SLIPWAY_CO_TRY(MetadefNamespace space, co_await catalog_.load_namespace(name));
    add_prefix(space, prefix_of(space.associations, resource_type));
    co_return space;
}

awaitable<Result<MetadefNamespace>> MetadefService::replace(
    const Caller& caller, const std::string& name, MetadefNamespace changed
) {
    SLIPWAY_CO_CHECK(co_await check(caller, name, {Action::modify_metadef_namespace}));
    if (!changed.owner) changed.owner = caller.identity.project;
    co_return co_await catalog_.replace_namespace(name, std::move(changed));
}

awaitable<Result<void>> MetadefService::remove(const Caller& caller, const std::string& name) {
    SLIPWAY_CO_CHECK(co_await check(caller, name, {Action::delete_metadef_namespace}));
    co_return co_await catalog_.delete_namespace(name);
}

awaitable<Result<std::vector<MetadefResourceType>>> MetadefService::resource_types(
    const Caller& caller
) {
    SLIPWAY_CO_CHECK(
        policy_.authorize(Action::list_metadef_resource_types, caller.identity, own_project(caller))
    );
    co_return co_await catalog_.list_resource_types();
}

awaitable<Result<std::vector<MetadefAssociation>>> MetadefService::associations(
    const Caller& caller, const std::string& of
) {
    SLIPWAY_CO_CHECK(co_await check(
        caller, of, {Action::list_metadef_resource_types, Action::get_metadef_resource_type}
    ));
    co_return co_await catalog_.list_associations(of);
}

awaitable<Result<MetadefAssociation>> MetadefService::associate(
    const Caller& caller, const std::string& of, MetadefAssociation added
) {
    SLIPWAY_CO_CHECK(co_await check(caller, of, {Action::add_metadef_resource_type_association}));
    co_return co_await catalog_.associate(of, std::move(added));
}

awaitable<Result<void>> MetadefService::dissociate(
    const Caller& caller, const std::string& of, const std::string& resource_type
) {
    SLIPWAY_CO_CHECK(co_await check(caller, of, {Action::remove_metadef_resource_type_association})
    );
    co_return co_await catalog_.dissociate(of, resource_type);
}

awaitable<Result<std::vector<MetadefProperty>>> MetadefService::properties(
    const Caller& caller, const std::string& of
) {
    SLIPWAY_CO_CHECK(co_await check(caller, of, {Action::get_metadef_properties}));
    co_return co_await catalog_.list_properties(of);
}

awaitable<Result<MetadefProperty>> MetadefService::property(
    const Caller& caller,
    const std::string& of,
    const std::string& name,
    const std::string& resource_type
) {
    SLIPWAY_CO_CHECK(co_await check(caller, of, {Action::get_metadef_property}));
    if (resource_type.empty()) co_return co_await catalog_.find_property(of, name);
    SLIPWAY_CO_CHECK(co_await check(caller, of, {Action::get_metadef_resource_type}));
    SLIPWAY_CO_TRY(const auto associations, co_await catalog_.list_associations(of));
    const std::string prefix = prefix_of(associations, resource_type);
    if (prefix.empty() || !name.starts_with(prefix))
        co_return Error(
            Errc::not_found,
            "There is no property " + name + " of " + resource_type + " in namespace " + of + "."
        );
    co_return co_await catalog_.find_property(of, name.substr(prefix.size()));
}

awaitable<Result<MetadefProperty>> MetadefService::add_property(
    const Caller& caller, const std::string& to, MetadefProperty added
) {
    SLIPWAY_CO_CHECK(co_await check(caller, to, {Action::add_metadef_property}));
    co_return co_await catalog_.add_property(to, std::move(added));
}

awaitable<Result<MetadefProperty>> MetadefService::replace_property(
    const Caller& caller, const std::string& of, const std::string& name, MetadefProperty changed
) {
    SLIPWAY_CO_CHECK(co_await check(caller, of, {Action::modify_metadef_property}));
    co_return co_await catalog_.replace_property(of, name, std::move(changed));
}

awaitable<Result<void>> MetadefService::remove_property(
    const Caller& caller, const std::string& of, const std::string& name
) {
    SLIPWAY_CO_CHECK(co_await check(caller, of, {Action::remove_metadef_property}));
    co_return co_await catalog_.remove_property(of, name);
}

awaitable<Result<void>> MetadefService::remove_properties(
    const Caller& caller, const std::string& of
) {
    SLIPWAY_CO_CHECK(co_await check(caller, of, {Action::delete_metadef_namespace}));
    co_return co_await catalog_.remove_properties(of);
}

awaitable<Result<std::vector<MetadefObject>>> MetadefService::objects(
    const Caller& caller, const std::string& of
) {
    SLIPWAY_CO_CHECK(
        co_await check(caller, of, {Action::get_metadef_objects, Action::get_metadef_object})
    );
    co_return co_await catalog_.list_objects(of);
}

awaitable<Result<MetadefObject>> MetadefService::object(
    const Caller& caller, const std::string& of, const std::string& name
) {
    SLIPWAY_CO_CHECK(co_await check(caller, of, {Action::get_metadef_object}));
    co_return co_await catalog_.find_object(of, name);
}

awaitable<Result<MetadefObject>> MetadefService::add_object(
    const Caller& caller, const std::string& to, MetadefObject added
) {
    SLIPWAY_CO_CHECK(co_await check(caller, to, {Action::add_metadef_object}));
    co_return co_await catalog_.add_object(to, std::move(added));
}

awaitable<Result<MetadefObject>> MetadefService::replace_object(
    const Caller& caller, const std::string& of, const std::string& name, MetadefObject changed
) {
    SLIPWAY_CO_CHECK(co_await check(caller, of, {Action::modify_metadef_object}));
    co_return co_await catalog_.replace_object(of, name, std::move(changed));
}

awaitable<Result<void>> MetadefService::remove_object(
    const Caller& caller, const std::string& of, const std::string& name
) {
    SLIPWAY_CO_CHECK(co_await check(caller, of, {Action::delete_metadef_object}));
    co_return co_await catalog_.remove_object(of, name);
}

awaitable<Result<void>> MetadefService::remove_objects(
    const Caller& caller, const std::string& of
) {
    SLIPWAY_CO_CHECK(co_await check(caller, of, {Action::delete_metadef_namespace}));
    co_return co_await catalog_.remove_objects(of);
}

awaitable<Result<std::vector<MetadefTag>>> MetadefService::tags(
    const Caller& caller, const std::string& of, MetadefTagQuery query
) {
    SLIPWAY_CO_CHECK(co_await check(caller, of, {Action::get_metadef_tags}));
    co_return co_await catalog_.list_tags(of, std::move(query));
}

awaitable<Result<MetadefTag>> MetadefService::tag(
    const Caller& caller, const std::string& of, const std::string& name
) {
    SLIPWAY_CO_CHECK(co_await check(caller, of, {Action::get_metadef_tag}));
    co_return co_await catalog_.find_tag(of, name);
}

awaitable<Result<MetadefTag>> MetadefService::add_tag(
    const Caller& caller, const std::string& to, const std::string& name
) {
    SLIPWAY_CO_CHECK(co_await check(caller, to, {Action::add_metadef_tag}));
    co_return co_await catalog_.add_tag(to, name);
}

awaitable<Result<void>> MetadefService::add_tags(
    const Caller& caller, const std::string& to, std::vector<std::string> names, bool append
) {
    SLIPWAY_CO_CHECK(co_await check(caller, to, {Action::add_metadef_tags}));
    co_return co_await catalog_.add_tags(to, std::move(names), append);
}

awaitable<Result<MetadefTag>> MetadefService::rename_tag(
    const Caller& caller, const std::string& of, const std::string& name, const std::string& changed
) {
    SLIPWAY_CO_CHECK(co_await check(caller, of, {Action::modify_metadef_tag}));
    co_return co_await catalog_.rename_tag(of, name, changed);
}

awaitable<Result<void>> MetadefService::remove_tag(
    const Caller& caller, const std::string& of, const std::string& name
) {
    SLIPWAY_CO_CHECK(co_await check(caller, of, {Action::delete_metadef_tag}));
    co_return co_await catalog_.remove_tag(of, name);
}

awaitable<Result<void>> MetadefService::remove_tags(const Caller& caller, const std::string& of) {
    SLIPWAY_CO_CHECK(
        co_await check(caller, of, {Action::delete_metadef_namespace, Action::delete_metadef_tags})
    );
    co_return co_await catalog_.remove_tags(of);
}

}  // namespace slipway::service
