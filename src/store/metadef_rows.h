#pragma once

#include "base/result.h"
#include "model/metadef.h"
#include "store/catalog_list.h"
#include "store/db.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Rows of metadata definitions. All but the statements run inside a transaction.
namespace slipway::store {

struct MetadefRow {
    std::string id;
    MetadefNamespace value;  // without what it holds
};

// Errors: not_found.
Result<MetadefRow> metadef_row(Db& db, const std::string& name);
// The same, of one that something is removed from. Errors: not_found, forbidden when protected.
Result<MetadefRow> unprotected_metadef_row(Db& db, const std::string& name);
// Adds to the namespace all it holds.
Result<void> load_metadef_contents(Db& db, MetadefRow& row);

// One page of namespaces, by kMetadefColumns. `after`: what the sort key and the name are in the
// row of the marker. Pure, so that its plan can be looked at.
Statement metadef_page_statement(const MetadefQuery& query, const std::optional<DbRow>& after);
Statement metadef_tags_statement(
    const std::string& namespace_id, const MetadefTagQuery& query, const std::optional<DbRow>& after
);
// One page, with associations; two statements, and one more with a marker. Errors: not_found for a
// marker that is not within the scope.
Result<std::vector<MetadefNamespace>> list_metadefs(Db& db, const MetadefQuery& query);

Result<std::vector<MetadefAssociation>> load_associations(Db& db, const std::string& namespace_id);
Result<std::vector<MetadefProperty>> load_properties(Db& db, const std::string& namespace_id);
Result<std::vector<MetadefObject>> load_objects(Db& db, const std::string& namespace_id);
Result<std::vector<MetadefTag>> load_tags(
    Db& db, const std::string& namespace_id, const MetadefTagQuery& query
);

// Without what it holds. Errors: conflict.
Result<void> insert_metadef(Db& db, const std::string& id, const MetadefNamespace& added);
// All but the time of creation. Errors: conflict.
Result<void> update_metadef(Db& db, const std::string& id, const MetadefNamespace& changed);
// With all it holds.
Result<void> delete_metadef(Db& db, const std::string& id);

// The two of each: false when there is one of that name already, or none of that name yet. An
// update may rename. Errors: conflict when the new name is in use.
Result<bool> insert_row(Db& db, const std::string& namespace_id, const MetadefAssociation& added);
Result<bool> insert_row(Db& db, const std::string& namespace_id, const MetadefProperty& added);
Result<bool> insert_row(Db& db, const std::string& namespace_id, const MetadefObject& added);
Result<bool> insert_row(Db& db, const std::string& namespace_id, const MetadefTag& added);
Result<bool> update_row(
    Db& db,
    const std::string& namespace_id,
    const std::string& name,
    const MetadefAssociation& changed
);
Result<bool> update_row(
    Db& db, const std::string& namespace_id, const std::string& name, const MetadefProperty& changed
);
Result<bool> update_row(
    Db& db, const std::string& namespace_id, const std::string& name, const MetadefObject& changed
);
Result<bool> update_row(
    Db& db, const std::string& namespace_id, const std::string& name, const MetadefTag& changed
);
// The resource types that every catalogue has.
Result<void> insert_known_resource_types(Db& db, Time now);

}  // namespace slipway::store
