// How lists are answered: by walking an index, and in a number of statements that does not grow.
#include "store/catalog_list.h"
#include "tests/contract/catalog_contract.h"

namespace slipway::test {
namespace {

using store::Db;
using store::DbRow;
using testing::HasSubstr;
using testing::Not;

struct KeyName {
    SortKey key;
    const char* index;
    DbRow marker;
};

const std::string kSomeId = "00000000-0000-4000-8000-000000000001";

std::vector<KeyName> keys() {
    return {
        {SortKey::name, "images_by_name", {"n", 1, kSomeId}},
        {SortKey::status, "images_by_status", {"active", 1, kSomeId}},
        {SortKey::container_format, "images_by_container_format", {"bare", 1, kSomeId}},
        {SortKey::disk_format, "images_by_disk_format", {"vmdk", 1, kSomeId}},
        {SortKey::size, "images_by_size", {5, 1, kSomeId}},
        {SortKey::id, "", {kSomeId}},
        {SortKey::created_at, "images_by_created_at", {1, kSomeId}},
        {SortKey::updated_at, "images_by_updated_at", {2, 1, kSomeId}},
    };
}

std::string plan_of(Db& db, const ImageQuery& query, const std::optional<DbRow>& after) {
    const auto statement = store::page_statement(query, after).value();
    const bool sqlite = db.engine() == store::Engine::sqlite;
    std::string plan;
    for (const DbRow& row :
         db.query((sqlite ? "explain query plan " : "explain ") + statement.sql, statement.values)
             .value())
        plan += row.back().text() + "\n";
    return plan;
}

void expect_index_walk(const std::string& plan, const KeyName& key, bool sqlite, bool after) {
    SCOPED_TRACE(plan);
    if (!sqlite) {
        EXPECT_THAT(plan, Not(HasSubstr("Seq Scan on images")));
        EXPECT_THAT(plan, Not(HasSubstr("Sort Key")));
        EXPECT_THAT(plan, HasSubstr(key.index[0] ? key.index : "images_pkey"));
        if (after)
            EXPECT_THAT(
                plan, HasSubstr(key.marker.size() == 3 ? "Index Cond: (ROW(" : "Index Cond: (")
            );
        return;
    }
    EXPECT_THAT(plan, Not(HasSubstr("TEMP B-TREE")));
    EXPECT_THAT(plan, HasSubstr(key.index[0] ? key.index : "sqlite_autoindex_images_1"));
    // A page behind a marker starts in the index where the marker is, also among equal values.
    if (after && key.marker.size() == 3) EXPECT_THAT(plan, HasSubstr("created_at,id)"));
    if (after) EXPECT_THAT(plan, HasSubstr("SEARCH images"));
}

TEST_P(CatalogContract, WalksAnIndexForEverySortKeyScopeAndDirection) {
    const auto db = open_db();
    if (!on_sqlite())
        for (const char* const method : {"seqscan", "sort", "incremental_sort", "bitmapscan"})
            db->execute("set enable_" + std::string(method) + " = off").value();
    for (const KeyName& key : keys())
        for (const auto direction : {SortDirection::ascending, SortDirection::descending})
            for (const bool admin : {true, false})
                for (const bool after : {false, true}) {
                    ImageQuery query;
                    query.scope.all = admin;
                    query.scope.project = "p";
                    query.sort = {{key.key, direction}};
                    const auto marker = after ? std::optional(key.marker) : std::nullopt;
                    expect_index_walk(plan_of(*db, query, marker), key, on_sqlite(), after);
                }
}

TEST_P(CatalogContract, ListsInANumberOfStatementsThatDoesNotGrow) {
    for (int i = 0; i < 30; ++i) {
        Image image;
        image.id = image_id(i);
        image.tags = {"a", "b"};
        image.properties = {{"k", std::to_string(i)}};
        create(image);
    }
    const auto db = open_db();
    const auto statements = [&](std::size_t limit, bool marker) {
        ImageQuery query = everything();
        query.limit = limit;
        if (marker) query.marker = image_id(29);
        const auto before = db->statements();
        const auto images = db->read([&] { return store::list_images(*db, query); }).value();
        EXPECT_EQ(images.size(), limit);
        for (const Image& image : images)
            EXPECT_EQ(image.tags.size() + image.properties.size(), 3U);
        return db->statements() - before;
    };
    EXPECT_EQ(statements(1, false), 3U);
    EXPECT_EQ(statements(29, false), 3U);
    EXPECT_EQ(statements(1, true), 4U);
    EXPECT_EQ(statements(29, true), 4U);
}

}  // namespace
}  // namespace slipway::test
