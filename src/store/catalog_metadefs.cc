#include "store/catalog_metadefs.h"

#include "base/ids.h"

namespace slipway::store {

namespace {

void stamp(MetadefNamespace& space, Time now) {
    space.created_at = space.updated_at = now;
    for (auto& association : space.associations)
        association.created_at = association.updated_at = now;
    for (auto& object : space.objects) object.created_at = object.updated_at = now;
    for (auto& tag : space.tags) tag.created_at = tag.updated_at = now;
}

Error twice(std::string_view what, const std::string& name) {
    return Error(
        Errc::conflict, "There is a " + std::string(what) + " of the name " + name + " already."
    );
}

template <class Row>
Result<void> insert_rows(
    Db& db, const std::string& id, const std::vector<Row>& rows, std::string_view what
) {
    for (const Row& row : rows) {
        SLIPWAY_TRY(const bool inserted, insert_row(db, id, row));
        if (!inserted) return twice(what, row.name);
    }
    return {};
}

Result<MetadefRow> whole_row(Db& db, const std::string& name) {
    SLIPWAY_TRY(auto row, metadef_row(db, name));
    SLIPWAY_CHECK(load_metadef_contents(db, row));
    return row;
}

Error already_associated(const std::string& of, const std::string& resource_type) {
    return Error(
        Errc::conflict,
        "Namespace " + of + " is associated with resource type " + resource_type + " already."
    );
}

}  // namespace

Result<void> SqlMetadefCatalog::insert_whole(MetadefNamespace added) {
    stamp(added, clock_.now());
    const std::string id = new_uuid();
    SLIPWAY_CHECK(insert_metadef(db_, id, added));
    for (const MetadefAssociation& association : added.associations) {
        SLIPWAY_TRY(const bool inserted, insert_row(db_, id, association));
        if (!inserted) return already_associated(added.name, association.resource_type);
    }
    SLIPWAY_CHECK(insert_rows(db_, id, added.properties, "property"));
    SLIPWAY_CHECK(insert_rows(db_, id, added.objects, "object"));
    return insert_rows(db_, id, added.tags, "tag");
}

awaitable<Result<MetadefNamespace>> SqlMetadefCatalog::create_namespace(MetadefNamespace added) {
    auto work = [&]() -> Result<MetadefNamespace> {
        SLIPWAY_CHECK(insert_whole(added));
        SLIPWAY_TRY(auto row, whole_row(db_, added.name));
        return std::move(row.value);
    };
    co_return co_await write(work);
}

awaitable<Result<MetadefNamespace>> SqlMetadefCatalog::find_namespace(const std::string& name) {
    auto work = [&]() -> Result<MetadefNamespace> {
        SLIPWAY_TRY(auto row, metadef_row(db_, name));
        return std::move(row.value);
    };
    co_return co_await read(work);
}

awaitable<Result<MetadefNamespace>> SqlMetadefCatalog::load_namespace(const std::string& name) {
    auto work = [&]() -> Result<MetadefNamespace> {
        SLIPWAY_TRY(auto row, whole_row(db_, name));
        return std::move(row.value);
    };
    co_return co_await read(work);
}

awaitable<Result<std::vector<MetadefNamespace>>> SqlMetadefCatalog::list_namespaces(
    MetadefQuery query
) {
    auto work = [&] { return list_metadefs(db_, query); };
    co_return co_await read(work);
}

awaitable<Result<MetadefNamespace>> SqlMetadefCatalog::replace_namespace(
    const std::string& name, MetadefNamespace changed
) {
    auto work = [&]() -> Result<MetadefNamespace> {
        SLIPWAY_TRY(const auto row, metadef_row(db_, name));
        changed.updated_at = clock_.now();
        SLIPWAY_CHECK(update_metadef(db_, row.id, changed));
        SLIPWAY_TRY(auto found, metadef_row(db_, changed.name));
        return std::move(found.value);
    };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlMetadefCatalog::delete_namespace(const std::string& name) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(const auto row, unprotected_metadef_row(db_, name));
        return delete_metadef(db_, row.id);
    };
    co_return co_await write(work);
}

awaitable<Result<std::vector<MetadefResourceType>>> SqlMetadefCatalog::list_resource_types() {
    auto work = [&]() -> Result<std::vector<MetadefResourceType>> {
        SLIPWAY_TRY(
            const auto rows,
            db_.query(
                "select name, created_at, updated_at from metadef_resource_types order by name"
            )
        );
        std::vector<MetadefResourceType> types;
        for (const DbRow& row : rows) {
            RowReader read(row);
            MetadefResourceType& type = types.emplace_back();
            type.name = read.text();
            type.created_at = read.time();
            type.updated_at = read.time();
        }
        return types;
    };
    co_return co_await read(work);
}

awaitable<Result<std::vector<MetadefAssociation>>> SqlMetadefCatalog::list_associations(
    const std::string& of
) {
    auto work = [&]() -> Result<std::vector<MetadefAssociation>> {
        SLIPWAY_TRY(const auto row, metadef_row(db_, of));
        return load_associations(db_, row.id);
    };
    co_return co_await read(work);
}

awaitable<Result<MetadefAssociation>> SqlMetadefCatalog::associate(
    const std::string& of, MetadefAssociation added
) {
    auto work = [&]() -> Result<MetadefAssociation> {
        SLIPWAY_TRY(const auto row, metadef_row(db_, of));
        added.created_at = added.updated_at = clock_.now();
        SLIPWAY_TRY(const bool inserted, insert_row(db_, row.id, added));
        if (!inserted) return already_associated(of, added.resource_type);
        return added;
    };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlMetadefCatalog::dissociate(
    const std::string& of, const std::string& resource_type
) {
    auto work = [&] { return remove_row(kAssociationTable, of, resource_type); };
    co_return co_await write(work);
}

Result<void> SqlMetadefCatalog::merge_contents(
    const std::string& id, const MetadefNamespace& loaded, bool prefer_new
) {
    const auto merge = [&](const auto& row, const std::string& name) -> Result<void> {
        SLIPWAY_TRY(const bool inserted, insert_row(db_, id, row));
        if (!inserted && prefer_new) SLIPWAY_CHECK(update_row(db_, id, name, row));
        return {};
    };
    for (const auto& association : loaded.associations)
        SLIPWAY_CHECK(merge(association, association.resource_type));
    for (const auto& property : loaded.properties) SLIPWAY_CHECK(merge(property, property.name));
    for (const auto& object : loaded.objects) SLIPWAY_CHECK(merge(object, object.name));
    for (const auto& tag : loaded.tags) SLIPWAY_CHECK(merge(tag, tag.name));
    return {};
}

Result<MetadefOutcome> SqlMetadefCatalog::load_one(MetadefNamespace loaded, MetadefMerge merge) {
    stamp(loaded, clock_.now());
    const auto row = metadef_row(db_, loaded.name);
    if (!row && row.error().code != Errc::not_found) return row.error();
    if (!row) {
        SLIPWAY_CHECK(insert_whole(std::move(loaded)));
        return MetadefOutcome::added;
    }
    if (merge == MetadefMerge::skip) return MetadefOutcome::skipped;
    if (merge == MetadefMerge::replace) {
        SLIPWAY_CHECK(delete_metadef(db_, row->id));
        SLIPWAY_CHECK(insert_whole(std::move(loaded)));
        return MetadefOutcome::replaced;
    }
    const bool prefer_new = merge == MetadefMerge::prefer_new;
    if (prefer_new) SLIPWAY_CHECK(update_metadef(db_, row->id, loaded));
    SLIPWAY_CHECK(merge_contents(row->id, loaded, prefer_new));
    return MetadefOutcome::merged;
}

awaitable<Result<std::vector<MetadefOutcome>>> SqlMetadefCatalog::load(
    std::vector<MetadefNamespace> namespaces, MetadefMerge merge
) {
    auto work = [&]() -> Result<std::vector<MetadefOutcome>> {
        std::vector<MetadefOutcome> outcomes;
        for (const MetadefNamespace& loaded : namespaces) {
            SLIPWAY_TRY(outcomes.emplace_back(), load_one(loaded, merge));
        }
        return outcomes;
    };
    co_return co_await write(work);
}

awaitable<Result<std::vector<MetadefNamespace>>> SqlMetadefCatalog::load_all() {
    auto work = [&]() -> Result<std::vector<MetadefNamespace>> {
        SLIPWAY_TRY(
            const auto names, db_.query("select name from metadef_namespaces order by name")
        );
        std::vector<MetadefNamespace> all;
        for (const DbRow& name : names) {
            SLIPWAY_TRY(auto row, whole_row(db_, name.at(0).text()));
            all.push_back(std::move(row.value));
        }
        return all;
    };
    co_return co_await read(work);
}

awaitable<Result<std::uint64_t>> SqlMetadefCatalog::unload() {
    auto work = [&]() -> Result<std::uint64_t> {
        for (const char* table :
             {"metadef_associations",
              "metadef_properties",
              "metadef_objects",
              "metadef_tags",
              "metadef_resource_types"})
            SLIPWAY_CHECK(db_.execute("delete from " + std::string(table)));
        SLIPWAY_TRY(const auto removed, db_.execute("delete from metadef_namespaces"));
        SLIPWAY_CHECK(insert_known_resource_types(db_, clock_.now()));
        return removed;
    };
    co_return co_await write(work);
}

}  // namespace slipway::store
