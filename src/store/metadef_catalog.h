#pragma once

#include "base/awaitable.h"
#include "base/result.h"
#include "model/metadef.h"

#include <string>
#include <vector>

namespace slipway::store {

// What becomes of a namespace that is loaded and there already.
enum class MetadefMerge {
    skip,        // it stays as it is
    add,         // what it lacks is added, the rest stays
    prefer_new,  // what it lacks is added, the rest is changed to what is loaded
    replace,     // it goes, with all it holds
};

enum class MetadefOutcome { added, skipped, merged, replaced };

// The part of the catalogue that keeps metadata definitions. As in Catalog, every method is one
// transaction on the catalogue's thread, with the errors named there besides these:
//   not_found  the namespace, or what is asked for in it, is not there
//   conflict   a name is in use
//   forbidden  something is removed from a protected namespace
class MetadefCatalog {
public:
    virtual ~MetadefCatalog() = default;

    // Namespaces.
    // With all it holds; stamped with the clock's time. Resource types that are unknown are added.
    virtual awaitable<Result<MetadefNamespace>> create_namespace(MetadefNamespace added) = 0;
    // Without what it holds.
    virtual awaitable<Result<MetadefNamespace>> find_namespace(const std::string& name) = 0;
    // With all it holds.
    virtual awaitable<Result<MetadefNamespace>> load_namespace(const std::string& name) = 0;
    // A page, with associations. Errors: not_found when the marker is not within the scope.
    virtual awaitable<Result<std::vector<MetadefNamespace>>> list_namespaces(MetadefQuery query
    ) = 0;
    // Name, display name, description, visibility, protected and owner become those of `changed`.
    virtual awaitable<Result<MetadefNamespace>> replace_namespace(
        const std::string& name, MetadefNamespace changed
    ) = 0;
    // With all it holds.
    virtual awaitable<Result<void>> delete_namespace(const std::string& name) = 0;

    // Resource types.
    virtual awaitable<Result<std::vector<MetadefResourceType>>> list_resource_types() = 0;
    virtual awaitable<Result<std::vector<MetadefAssociation>>> list_associations(
        const std::string& of
    ) = 0;
    // A resource type that is unknown is added.
    virtual awaitable<Result<MetadefAssociation>> associate(
        const std::string& of, MetadefAssociation added
    ) = 0;
    virtual awaitable<Result<void>> dissociate(
        const std::string& of, const std::string& resource_type
    ) = 0;

    // Properties, by name.
    virtual awaitable<Result<std::vector<MetadefProperty>>> list_properties(const std::string& of
    ) = 0;
    virtual awaitable<Result<MetadefProperty>> find_property(
        const std::string& of, const std::string& name
    ) = 0;
    virtual awaitable<Result<MetadefProperty>> add_property(
        const std::string& to, MetadefProperty added
    ) = 0;
    // Also renames it.
    virtual awaitable<Result<MetadefProperty>> replace_property(
        const std::string& of, const std::string& name, MetadefProperty changed
    ) = 0;
    virtual awaitable<Result<void>> remove_property(
        const std::string& of, const std::string& name
    ) = 0;
    virtual awaitable<Result<void>> remove_properties(const std::string& of) = 0;

    // Objects, by name.
    virtual awaitable<Result<std::vector<MetadefObject>>> list_objects(const std::string& of) = 0;
    virtual awaitable<Result<MetadefObject>> find_object(
        const std::string& of, const std::string& name
    ) = 0;
    virtual awaitable<Result<MetadefObject>> add_object(
        const std::string& to, MetadefObject added
    ) = 0;
    // Also renames it.
    virtual awaitable<Result<MetadefObject>> replace_object(
        const std::string& of, const std::string& name, MetadefObject changed
    ) = 0;
    virtual awaitable<Result<void>> remove_object(
        const std::string& of, const std::string& name
    ) = 0;
    virtual awaitable<Result<void>> remove_objects(const std::string& of) = 0;

    // Tags.
    // Errors: not_found when there is no such marker.
    virtual awaitable<Result<std::vector<MetadefTag>>> list_tags(
        const std::string& of, MetadefTagQuery query
    ) = 0;
    virtual awaitable<Result<MetadefTag>> find_tag(
        const std::string& of, const std::string& name
    ) = 0;
    virtual awaitable<Result<MetadefTag>> add_tag(
        const std::string& to, const std::string& name
    ) = 0;
    // All of them or none; `append`: besides those that are there, else in their place.
    virtual awaitable<Result<void>> add_tags(
        const std::string& to, std::vector<std::string> names, bool append
    ) = 0;
    virtual awaitable<Result<MetadefTag>> rename_tag(
        const std::string& of, const std::string& name, const std::string& changed
    ) = 0;
    virtual awaitable<Result<void>> remove_tag(const std::string& of, const std::string& name) = 0;
    virtual awaitable<Result<void>> remove_tags(const std::string& of) = 0;

    // All of them at once, protected ones too; for the operator.
    // What became of each, in order.
    virtual awaitable<Result<std::vector<MetadefOutcome>>> load(
        std::vector<MetadefNamespace> namespaces, MetadefMerge merge
    ) = 0;
    // Every namespace with all it holds, by name.
    virtual awaitable<Result<std::vector<MetadefNamespace>>> load_all() = 0;
    // Removes every namespace, and the resource types that a new catalogue does not have; how many
    // namespaces there were.
    virtual awaitable<Result<std::uint64_t>> unload() = 0;
};

}  // namespace slipway::store
