#include "store/metadef_rows.h"

#include "base/json.h"
#include "store/catalog_rows.h"

#include <array>
#include <limits>
#include <map>

namespace slipway::store {

namespace {

constexpr std::string_view kMetadefColumns =
    "id, name, display_name, description, visibility, owner, protected, created_at, updated_at";
constexpr std::string_view kAssociationColumns =
    "resource_type, prefix, properties_target, created_at, updated_at";
constexpr std::string_view kObjectColumns =
    "name, description, required, properties, created_at, updated_at";

// What was checked when it was stored.
constexpr json::Limits kStoredJson{
    std::numeric_limits<std::size_t>::max(), 64, std::numeric_limits<std::size_t>::max()};

Error name_in_use(const Error& error, std::string_view what, const std::string& name) {
    if (error.reason != "unique") return error;
    return Error(
        Errc::conflict, "There is a " + std::string(what) + " of the name " + name + " already."
    );
}

Result<MetadefRow> read_metadef(const DbRow& row) {
    RowReader read(row);
    MetadefRow found;
    found.id = read.text();
    found.value.name = read.text();
    found.value.display_name = read.optional_text();
    found.value.description = read.optional_text();
    SLIPWAY_TRY(found.value.visibility, parse_visibility(read.text()));
    found.value.owner = read.optional_text();
    found.value.is_protected = read.flag();
    found.value.created_at = read.time();
    found.value.updated_at = read.time();
    return found;
}

MetadefAssociation read_association(RowReader& read) {
    MetadefAssociation association;
    association.resource_type = read.text();
    association.prefix = read.optional_text();
    association.properties_target = read.optional_text();
    association.created_at = read.time();
    association.updated_at = read.time();
    return association;
}

std::string names_json(const std::vector<std::string>& names) {
    json::Writer writer;
    writer.begin_array();
    for (const std::string& name : names) writer.string(name);
    writer.end_array();
    return writer.text();
}

std::string properties_json(const std::vector<MetadefProperty>& properties) {
    json::Writer writer;
    writer.begin_object();
    for (const MetadefProperty& property : properties)
        writer.key(property.name).raw(property.definition);
    writer.end_object();
    return writer.text();
}

Result<MetadefObject> read_object(const DbRow& row) {
    RowReader read(row);
    MetadefObject object;
    object.name = read.text();
    object.description = read.optional_text();
    const auto required = json::Document::parse(read.text(), kStoredJson);
    const auto properties = json::Document::parse(read.text(), kStoredJson);
    if (!required || !properties || !required->root().is_array() || !properties->root().is_object())
        return Error(Errc::corrupt, "the catalogue holds a broken object; was it edited by hand?");
    for (const json::Value& name : required->root().elements())
        object.required.emplace_back(name.string());
    for (const auto& [name, definition] : properties->root().members()) {
        json::Writer text;
        text.value(definition);
        object.properties.push_back({std::string(name), text.text()});
    }
    object.created_at = read.time();
    object.updated_at = read.time();
    return object;
}

std::string_view sort_column(MetadefSortKey key) {
    switch (key) {
        case MetadefSortKey::name:
            return "name";
        case MetadefSortKey::display_name:
            return "sort_display_name";
        case MetadefSortKey::visibility:
            return "visibility";
        case MetadefSortKey::owner:
            return "sort_owner";
        case MetadefSortKey::is_protected:
            return "protected";
        case MetadefSortKey::created_at:
            return "created_at";
        case MetadefSortKey::updated_at:
            return "updated_at";
    }
    return "created_at";
}

// The columns of the whole order: names break ties.
std::string order_columns(MetadefSortKey key) {
    const std::string column(sort_column(key));
    return column == "name" ? column : column + ", name";
}

// "sort_owner desc, name desc"
std::string order_by(MetadefSortKey key, SortDirection direction) {
    const std::string way = direction == SortDirection::descending ? " desc" : "";
    const std::string column(sort_column(key));
    return column == "name" ? column + way : column + way + ", name" + way;
}

// Behind the row of the marker, as one comparison of rows, so that an index answers it.
void add_after(Statement& statement, const std::string& columns, SortDirection way, DbRow after) {
    statement.sql += " and (" + columns + ")" +
                     (way == SortDirection::descending ? " < (" : " > (") +
                     placeholders(after.size()) + ")";
    statement.values.insert(statement.values.end(), after.begin(), after.end());
}

void add_scope(Statement& statement, const MetadefQuery& query) {
    if (query.all) return;
    statement.sql +=
        query.project ? " and (visibility = 'public' or owner = ?)" : " and visibility = 'public'";
    if (query.project) statement.values.emplace_back(*query.project);
}

Result<DbRow> marker_row(Db& db, const MetadefQuery& query) {
    Statement statement{
        "select " + order_columns(query.sort_key) + " from metadef_namespaces where name = ?",
        {*query.marker}};
    add_scope(statement, query);
    SLIPWAY_TRY(auto rows, db.query(statement.sql, statement.values));
    if (rows.empty())
        return Error(
            Errc::not_found,
            "Invalid marker: there is no namespace " + *query.marker + " that you can see."
        );
    return std::move(rows.front());
}

Result<void> add_associations(Db& db, std::vector<MetadefRow>& rows) {
    if (rows.empty()) return {};
    std::map<std::string, MetadefNamespace*> by_id;
    DbValues ids;
    for (MetadefRow& row : rows) {
        by_id[row.id] = &row.value;
        ids.emplace_back(row.id);
    }
    SLIPWAY_TRY(
        const auto found,
        db.query(
            "select namespace_id, " + std::string(kAssociationColumns) +
                " from metadef_associations where namespace_id in (" + placeholders(ids.size()) +
                ") order by namespace_id, resource_type",
            ids
        )
    );
    for (const DbRow& row : found) {
        RowReader read(row);
        const std::string id = read.text();
        by_id.at(id)->associations.push_back(read_association(read));
    }
    return {};
}

}  // namespace

Result<MetadefRow> metadef_row(Db& db, const std::string& name) {
    SLIPWAY_TRY(
        const auto rows,
        db.query(
            "select " + std::string(kMetadefColumns) + " from metadef_namespaces where name = ?",
            {name}
        )
    );
    if (rows.empty())
        return Error(Errc::not_found, "There is no metadata definition namespace " + name + ".");
    return read_metadef(rows.front());
}

Result<MetadefRow> unprotected_metadef_row(Db& db, const std::string& name) {
    SLIPWAY_TRY(auto row, metadef_row(db, name));
    if (row.value.is_protected)
        return Error(
            Errc::forbidden,
            "Namespace " + name + " is protected: nothing can be deleted from it; set protected " +
                "to false before."
        );
    return row;
}

Result<void> load_metadef_contents(Db& db, MetadefRow& row) {
    SLIPWAY_TRY(row.value.associations, load_associations(db, row.id));
    SLIPWAY_TRY(row.value.properties, load_properties(db, row.id));
    SLIPWAY_TRY(row.value.objects, load_objects(db, row.id));
    const MetadefTagQuery all{MetadefSortKey::name, SortDirection::ascending, {}, {}};
    SLIPWAY_TRY(row.value.tags, load_tags(db, row.id, all));
    return {};
}

Statement metadef_page_statement(const MetadefQuery& query, const std::optional<DbRow>& after) {
    Statement statement{
        "select " + std::string(kMetadefColumns) + " from metadef_namespaces where 1 = 1", {}};
    add_scope(statement, query);
    if (query.visibility) {
        statement.sql += " and visibility = ?";
        statement.values.emplace_back(to_string(*query.visibility));
    }
    if (!query.resource_types.empty()) {
        statement.sql +=
            " and exists (select 1 from metadef_associations a where a.namespace_id = "
            "metadef_namespaces.id and a.resource_type in (" +
            placeholders(query.resource_types.size()) + "))";
        for (const std::string& type : query.resource_types) statement.values.emplace_back(type);
    }
    if (after) add_after(statement, order_columns(query.sort_key), query.direction, *after);
    statement.sql += " order by " + order_by(query.sort_key, query.direction) + " limit ?";
    statement.values.emplace_back(std::uint64_t{query.limit});
    return statement;
}

Statement metadef_tags_statement(
    const std::string& namespace_id, const MetadefTagQuery& query, const std::optional<DbRow>& after
) {
    Statement statement{
        "select name, created_at, updated_at from metadef_tags where namespace_id = ?",
        {namespace_id}};
    if (after) add_after(statement, order_columns(query.sort_key), query.direction, *after);
    statement.sql += " order by " + order_by(query.sort_key, query.direction);
    if (query.limit) {
        statement.sql += " limit ?";
        statement.values.emplace_back(std::uint64_t{*query.limit});
    }
    return statement;
}

Result<std::vector<MetadefNamespace>> list_metadefs(Db& db, const MetadefQuery& query) {
    std::optional<DbRow> after;
    if (query.marker) {
        SLIPWAY_TRY(after, marker_row(db, query));
    }
    const Statement statement = metadef_page_statement(query, after);
    SLIPWAY_TRY(const auto found, db.query(statement.sql, statement.values));
    std::vector<MetadefRow> rows;
    for (const DbRow& row : found) {
        SLIPWAY_TRY(rows.emplace_back(), read_metadef(row));
    }
    SLIPWAY_CHECK(add_associations(db, rows));
    std::vector<MetadefNamespace> page;
    for (MetadefRow& row : rows) page.push_back(std::move(row.value));
    return page;
}

Result<std::vector<MetadefAssociation>> load_associations(Db& db, const std::string& namespace_id) {
    SLIPWAY_TRY(
        const auto rows,
        db.query(
            "select " + std::string(kAssociationColumns) +
                " from metadef_associations where namespace_id = ? order by resource_type",
            {namespace_id}
        )
    );
    std::vector<MetadefAssociation> associations;
    for (const DbRow& row : rows) {
        RowReader read(row);
        associations.push_back(read_association(read));
    }
    return associations;
}

Result<std::vector<MetadefProperty>> load_properties(Db& db, const std::string& namespace_id) {
    SLIPWAY_TRY(
        const auto rows,
        db.query(
            "select name, definition from metadef_properties where namespace_id = ? order by name",
            {namespace_id}
        )
    );
    std::vector<MetadefProperty> properties;
    for (const DbRow& row : rows) properties.push_back({row.at(0).text(), row.at(1).text()});
    return properties;
}

Result<std::vector<MetadefObject>> load_objects(Db& db, const std::string& namespace_id) {
    SLIPWAY_TRY(
        const auto rows,
        db.query(
            "select " + std::string(kObjectColumns) +
                " from metadef_objects where namespace_id = ? order by name",
            {namespace_id}
        )
    );
    std::vector<MetadefObject> objects;
    for (const DbRow& row : rows) {
        SLIPWAY_TRY(objects.emplace_back(), read_object(row));
    }
    return objects;
}

Result<std::vector<MetadefTag>> load_tags(
    Db& db, const std::string& namespace_id, const MetadefTagQuery& query
) {
    std::optional<DbRow> after;
    if (query.marker) {
        SLIPWAY_TRY(
            auto rows,
            db.query(
                "select " + order_columns(query.sort_key) +
                    " from metadef_tags where namespace_id = ? and name = ?",
                {namespace_id, *query.marker}
            )
        );
        if (rows.empty())
            return Error(Errc::not_found, "Invalid marker: there is no tag " + *query.marker + ".");
        after = std::move(rows.front());
    }
    const Statement statement = metadef_tags_statement(namespace_id, query, after);
    SLIPWAY_TRY(const auto rows, db.query(statement.sql, statement.values));
    std::vector<MetadefTag> tags;
    for (const DbRow& row : rows) {
        RowReader read(row);
        MetadefTag& tag = tags.emplace_back();
        tag.name = read.text();
        tag.created_at = read.time();
        tag.updated_at = read.time();
    }
    return tags;
}

Result<void> insert_metadef(Db& db, const std::string& id, const MetadefNamespace& added) {
    const auto inserted = db.execute(
        "insert into metadef_namespaces (" + std::string(kMetadefColumns) + ") values (" +
            placeholders(9) + ")",
        {id,
         added.name,
         added.display_name,
         added.description,
         to_string(added.visibility),
         added.owner,
         added.is_protected,
         added.created_at,
         added.updated_at}
    );
    if (!inserted) return name_in_use(inserted.error(), "namespace", added.name);
    return {};
}

Result<void> update_metadef(Db& db, const std::string& id, const MetadefNamespace& changed) {
    const auto updated = db.execute(
        "update metadef_namespaces set name = ?, display_name = ?, description = ?, "
        "visibility = ?, owner = ?, protected = ?, updated_at = ? where id = ?",
        {changed.name,
         changed.display_name,
         changed.description,
         to_string(changed.visibility),
         changed.owner,
         changed.is_protected,
         changed.updated_at,
         id}
    );
    if (!updated) return name_in_use(updated.error(), "namespace", changed.name);
    return {};
}

Result<void> delete_metadef(Db& db, const std::string& id) {
    for (const char* table :
         {"metadef_associations", "metadef_properties", "metadef_objects", "metadef_tags"})
        SLIPWAY_CHECK(
            db.execute("delete from " + std::string(table) + " where namespace_id = ?", {id})
        );
    SLIPWAY_CHECK(db.execute("delete from metadef_namespaces where id = ?", {id}));
    return {};
}

Result<bool> insert_row(Db& db, const std::string& namespace_id, const MetadefAssociation& added) {
    SLIPWAY_CHECK(db.execute(
        "insert into metadef_resource_types (name, created_at, updated_at) values (?, ?, ?) "
        "on conflict (name) do nothing",
        {added.resource_type, added.created_at, added.updated_at}
    ));
    SLIPWAY_TRY(
        const auto inserted,
        db.execute(
            "insert into metadef_associations (namespace_id, " + std::string(kAssociationColumns) +
                ") values (" + placeholders(6) +
                ") on conflict (namespace_id, resource_type) do nothing",
            {namespace_id,
             added.resource_type,
             added.prefix,
             added.properties_target,
             added.created_at,
             added.updated_at}
        )
    );
    return inserted > 0;
}

Result<bool> insert_row(Db& db, const std::string& namespace_id, const MetadefProperty& added) {
    SLIPWAY_TRY(
        const auto inserted,
        db.execute(
            "insert into metadef_properties (namespace_id, name, definition) values (?, ?, ?) "
            "on conflict (namespace_id, name) do nothing",
            {namespace_id, added.name, added.definition}
        )
    );
    return inserted > 0;
}

Result<bool> insert_row(Db& db, const std::string& namespace_id, const MetadefObject& added) {
    SLIPWAY_TRY(
        const auto inserted,
        db.execute(
            "insert into metadef_objects (namespace_id, " + std::string(kObjectColumns) +
                ") values (" + placeholders(7) + ") on conflict (namespace_id, name) do nothing",
            {namespace_id,
             added.name,
             added.description,
             names_json(added.required),
             properties_json(added.properties),
             added.created_at,
             added.updated_at}
        )
    );
    return inserted > 0;
}

Result<bool> insert_row(Db& db, const std::string& namespace_id, const MetadefTag& added) {
    SLIPWAY_TRY(
        const auto inserted,
        db.execute(
            "insert into metadef_tags (namespace_id, name, created_at, updated_at) "
            "values (?, ?, ?, ?) on conflict (namespace_id, name) do nothing",
            {namespace_id, added.name, added.created_at, added.updated_at}
        )
    );
    return inserted > 0;
}

Result<bool> update_row(
    Db& db,
    const std::string& namespace_id,
    const std::string& name,
    const MetadefAssociation& changed
) {
    SLIPWAY_TRY(
        const auto updated,
        db.execute(
            "update metadef_associations set prefix = ?, properties_target = ?, updated_at = ? "
            "where namespace_id = ? and resource_type = ?",
            {changed.prefix, changed.properties_target, changed.updated_at, namespace_id, name}
        )
    );
    return updated > 0;
}

Result<bool> update_row(
    Db& db, const std::string& namespace_id, const std::string& name, const MetadefProperty& changed
) {
    const auto updated = db.execute(
        "update metadef_properties set name = ?, definition = ? "
        "where namespace_id = ? and name = ?",
        {changed.name, changed.definition, namespace_id, name}
    );
    if (!updated) return name_in_use(updated.error(), "property", changed.name);
    return *updated > 0;
}

Result<bool> update_row(
    Db& db, const std::string& namespace_id, const std::string& name, const MetadefObject& changed
) {
    const auto updated = db.execute(
        "update metadef_objects set name = ?, description = ?, required = ?, properties = ?, "
        "updated_at = ? where namespace_id = ? and name = ?",
        {changed.name,
         changed.description,
         names_json(changed.required),
         properties_json(changed.properties),
         changed.updated_at,
         namespace_id,
         name}
    );
    if (!updated) return name_in_use(updated.error(), "object", changed.name);
    return *updated > 0;
}

Result<bool> update_row(
    Db& db, const std::string& namespace_id, const std::string& name, const MetadefTag& changed
) {
    const auto updated = db.execute(
        "update metadef_tags set name = ?, updated_at = ? where namespace_id = ? and name = ?",
        {changed.name, changed.updated_at, namespace_id, name}
    );
    if (!updated) return name_in_use(updated.error(), "tag", changed.name);
    return *updated > 0;
}

Result<void> insert_known_resource_types(Db& db, Time now) {
    for (const char* name :
         {"OS::Cinder::Volume",
          "OS::Glance::Image",
          "OS::Nova::Aggregate",
          "OS::Nova::Flavor",
          "OS::Nova::Server",
          "OS::Trove::Instance"})
        SLIPWAY_CHECK(db.execute(
            "insert into metadef_resource_types (name, created_at, updated_at) values (?, ?, ?) "
            "on conflict (name) do nothing",
            {name, now, now}
        ));
    return {};
}

}  // namespace slipway::store
