#include "store/catalog_metadefs.h"

namespace slipway::store {

namespace {

Error not_there(std::string_view what, const std::string& of, const std::string& name) {
    return Error(
        Errc::not_found,
        "There is no " + std::string(what) + " " + name + " in namespace " + of + "."
    );
}

Error there_already(std::string_view what, const std::string& of, const std::string& name) {
    return Error(
        Errc::conflict,
        "There is a " + std::string(what) + " " + name + " in namespace " + of + " already."
    );
}

// The one of `rows` that is called so.
template <class Row>
Result<Row> named(
    Result<std::vector<Row>> rows,
    std::string_view what,
    const std::string& of,
    const std::string& name
) {
    if (!rows) return rows.error();
    for (Row& row : *rows)
        if (row.name == name) return std::move(row);
    return not_there(what, of, name);
}

}  // namespace

Result<void> SqlMetadefCatalog::remove_row(
    const ContentTable& table, const std::string& of, const std::string& name
) {
    SLIPWAY_TRY(const auto row, unprotected_metadef_row(db_, of));
    SLIPWAY_TRY(
        const auto removed,
        db_.execute(
            "delete from " + std::string(table.name) + " where namespace_id = ? and " +
                std::string(table.key) + " = ?",
            {row.id, name}
        )
    );
    if (removed == 0) return not_there(table.what, of, name);
    return {};
}

Result<void> SqlMetadefCatalog::remove_rows(const ContentTable& table, const std::string& of) {
    SLIPWAY_TRY(const auto row, unprotected_metadef_row(db_, of));
    SLIPWAY_CHECK(
        db_.execute("delete from " + std::string(table.name) + " where namespace_id = ?", {row.id})
    );
    return {};
}

awaitable<Result<std::vector<MetadefProperty>>> SqlMetadefCatalog::list_properties(
    const std::string& of
) {
    auto work = [&]() -> Result<std::vector<MetadefProperty>> {
        SLIPWAY_TRY(const auto row, metadef_row(db_, of));
        return load_properties(db_, row.id);
    };
    co_return co_await read(work);
}

awaitable<Result<MetadefProperty>> SqlMetadefCatalog::find_property(
    const std::string& of, const std::string& name
) {
    auto work = [&]() -> Result<MetadefProperty> {
        SLIPWAY_TRY(const auto row, metadef_row(db_, of));
        return named(load_properties(db_, row.id), "property", of, name);
    };
    co_return co_await read(work);
}

awaitable<Result<MetadefProperty>> SqlMetadefCatalog::add_property(
    const std::string& to, MetadefProperty added
) {
    auto work = [&]() -> Result<MetadefProperty> {
        SLIPWAY_TRY(const auto row, metadef_row(db_, to));
        SLIPWAY_TRY(const bool inserted, insert_row(db_, row.id, added));
        if (!inserted) return there_already("property", to, added.name);
        return added;
    };
    co_return co_await write(work);
}

awaitable<Result<MetadefProperty>> SqlMetadefCatalog::replace_property(
    const std::string& of, const std::string& name, MetadefProperty changed
) {
    auto work = [&]() -> Result<MetadefProperty> {
        SLIPWAY_TRY(const auto row, metadef_row(db_, of));
        SLIPWAY_TRY(const bool updated, update_row(db_, row.id, name, changed));
        if (!updated) return not_there("property", of, name);
        return changed;
    };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlMetadefCatalog::remove_property(
    const std::string& of, const std::string& name
) {
    auto work = [&] { return remove_row(kPropertyTable, of, name); };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlMetadefCatalog::remove_properties(const std::string& of) {
    auto work = [&] { return remove_rows(kPropertyTable, of); };
    co_return co_await write(work);
}

Result<MetadefObject> SqlMetadefCatalog::object_in(const MetadefRow& row, const std::string& name) {
    return named(load_objects(db_, row.id), "object", row.value.name, name);
}

awaitable<Result<std::vector<MetadefObject>>> SqlMetadefCatalog::list_objects(const std::string& of
) {
    auto work = [&]() -> Result<std::vector<MetadefObject>> {
        SLIPWAY_TRY(const auto row, metadef_row(db_, of));
        return load_objects(db_, row.id);
    };
    co_return co_await read(work);
}

awaitable<Result<MetadefObject>> SqlMetadefCatalog::find_object(
    const std::string& of, const std::string& name
) {
    auto work = [&]() -> Result<MetadefObject> {
        SLIPWAY_TRY(const auto row, metadef_row(db_, of));
        return object_in(row, name);
    };
    co_return co_await read(work);
}

awaitable<Result<MetadefObject>> SqlMetadefCatalog::add_object(
    const std::string& to, MetadefObject added
) {
    auto work = [&]() -> Result<MetadefObject> {
        SLIPWAY_TRY(const auto row, metadef_row(db_, to));
        added.created_at = added.updated_at = clock_.now();
        SLIPWAY_TRY(const bool inserted, insert_row(db_, row.id, added));
        if (!inserted) return there_already("object", to, added.name);
        return added;
    };
    co_return co_await write(work);
}

awaitable<Result<MetadefObject>> SqlMetadefCatalog::replace_object(
    const std::string& of, const std::string& name, MetadefObject changed
) {
    auto work = [&]() -> Result<MetadefObject> {
        SLIPWAY_TRY(const auto row, metadef_row(db_, of));
        changed.updated_at = clock_.now();
        SLIPWAY_TRY(const bool updated, update_row(db_, row.id, name, changed));
        if (!updated) return not_there("object", of, name);
        return object_in(row, changed.name);
    };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlMetadefCatalog::remove_object(
    const std::string& of, const std::string& name
) {
    auto work = [&] { return remove_row(kObjectTable, of, name); };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlMetadefCatalog::remove_objects(const std::string& of) {
    auto work = [&] { return remove_rows(kObjectTable, of); };
    co_return co_await write(work);
}

Result<MetadefTag> SqlMetadefCatalog::tag_in(const MetadefRow& row, const std::string& name) {
    return named(load_tags(db_, row.id, {}), "tag", row.value.name, name);
}

awaitable<Result<std::vector<MetadefTag>>> SqlMetadefCatalog::list_tags(
    const std::string& of, MetadefTagQuery query
) {
    auto work = [&]() -> Result<std::vector<MetadefTag>> {
        SLIPWAY_TRY(const auto row, metadef_row(db_, of));
        return load_tags(db_, row.id, query);
    };
    co_return co_await read(work);
}

awaitable<Result<MetadefTag>> SqlMetadefCatalog::find_tag(
    const std::string& of, const std::string& name
) {
    auto work = [&]() -> Result<MetadefTag> {
        SLIPWAY_TRY(const auto row, metadef_row(db_, of));
        return tag_in(row, name);
    };
    co_return co_await read(work);
}

awaitable<Result<MetadefTag>> SqlMetadefCatalog::add_tag(
    const std::string& to, const std::string& name
) {
    auto work = [&]() -> Result<MetadefTag> {
        SLIPWAY_TRY(const auto row, metadef_row(db_, to));
        const MetadefTag tag{name, clock_.now(), clock_.now()};
        SLIPWAY_TRY(const bool inserted, insert_row(db_, row.id, tag));
        if (!inserted) return there_already("tag", to, name);
        return tag;
    };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlMetadefCatalog::add_tags(
    const std::string& to, std::vector<std::string> names, bool append
) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(const auto row, metadef_row(db_, to));
        if (!append)
            SLIPWAY_CHECK(db_.execute("delete from metadef_tags where namespace_id = ?", {row.id}));
        for (const std::string& name : names) {
            const MetadefTag tag{name, clock_.now(), clock_.now()};
            SLIPWAY_TRY(const bool inserted, insert_row(db_, row.id, tag));
            if (!inserted) return there_already("tag", to, name);
        }
        return {};
    };
    co_return co_await write(work);
}

awaitable<Result<MetadefTag>> SqlMetadefCatalog::rename_tag(
    const std::string& of, const std::string& name, const std::string& changed
) {
    auto work = [&]() -> Result<MetadefTag> {
        SLIPWAY_TRY(const auto row, metadef_row(db_, of));
        const MetadefTag tag{changed, {}, clock_.now()};
        SLIPWAY_TRY(const bool updated, update_row(db_, row.id, name, tag));
        if (!updated) return not_there("tag", of, name);
        return tag_in(row, changed);
    };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlMetadefCatalog::remove_tag(
    const std::string& of, const std::string& name
) {
    auto work = [&] { return remove_row(kTagTable, of, name); };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlMetadefCatalog::remove_tags(const std::string& of) {
    auto work = [&] { return remove_rows(kTagTable, of); };
    co_return co_await write(work);
}

}  // namespace slipway::store
