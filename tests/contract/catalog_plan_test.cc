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
    const char* columns;  // of the whole order
};

// Of the image in the middle.
const std::string kSomeId = "00000000-0000-4000-8000-000000010001";

const std::vector<KeyName>& keys() {
    static const std::vector<KeyName> kKeys{
        {SortKey::name, "images_by_name", "sort_name, created_at, id"},
        {SortKey::status, "images_by_status", "status, created_at, id"},
        {SortKey::container_format,
         "images_by_container_format",
         "sort_container_format, created_at, id"},
        {SortKey::disk_format, "images_by_disk_format", "sort_disk_format, created_at, id"},
        {SortKey::size, "images_by_size", "sort_size, created_at, id"},
        {SortKey::id, "", "id"},
        {SortKey::created_at, "images_by_created_at", "created_at, id"},
        {SortKey::updated_at, "images_by_updated_at", "updated_at, created_at, id"},
    };
    return kKeys;
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
    const std::string columns = key.columns;
    const bool of_rows = columns.find(',') != std::string::npos;
    if (!sqlite) {
        EXPECT_THAT(plan, Not(HasSubstr("Seq Scan on images")));
        EXPECT_THAT(plan, Not(HasSubstr("Sort Key")));
        EXPECT_THAT(plan, HasSubstr(key.index[0] ? key.index : "images_pkey"));
        if (after) EXPECT_THAT(plan, HasSubstr(of_rows ? "Index Cond: (ROW(" : "Index Cond: ("));
        return;
    }
    EXPECT_THAT(plan, Not(HasSubstr("TEMP B-TREE")));
    EXPECT_THAT(plan, HasSubstr(key.index[0] ? key.index : "sqlite_autoindex_images_1"));
    // A page behind a marker starts in the index where the marker is, also among equal values.
    if (after && of_rows) EXPECT_THAT(plan, HasSubstr("created_at,id)"));
    if (after) EXPECT_THAT(plan, HasSubstr("SEARCH images"));
}

// As many images as a large cloud has, of a hundred projects, some of them deleted. PostgreSQL
// gathers by itself what its planner has to know about them; SQLite plans without.
void fill(Db& db) {
    constexpr int kImages = 20'000;
    db.write([&] {
          return db.execute(
              "insert into images (id, name, status, visibility, owner, size, disk_format, "
              "container_format, min_disk, min_ram, protected, hidden, created_at, updated_at, "
              "deleted_at) "
              "with recursive numbers (i) as "
              "(select 1 union all select i + 1 from numbers where i < ?) "
              "select '00000000-0000-4000-8000-' || substr(cast(1000000000000 + i as text), 2), "
              "'image ' || cast(i * 7919 % 20011 as text), "
              "case when i % 50 = 0 then 'deleted' when i % 20 = 0 then 'queued' else 'active' "
              "end, "
              "case i % 10 when 0 then 'public' when 1 then 'community' when 2 then 'private' "
              "else 'shared' end, "
              "'p' || cast(i % 100 as text), i * 104729 % 1000003, "
              "case i % 3 when 0 then 'raw' when 1 then 'qcow2' else 'vmdk' end, "
              "case i % 7 when 0 then 'ova' else 'bare' end, 0, 0, 0, 0, i, i * 31 % 20011, "
              "case when i % 50 = 0 then i end from numbers",
              {kImages}
          );
      }).value();
    if (db.engine() == store::Engine::postgresql) db.execute("analyze").value();
}

// What the columns of the order hold in the row in the middle.
DbRow marker_of(Db& db, const KeyName& key) {
    const std::string columns = key.columns;
    return db.query("select " + columns + " from images where id = ?", {kSomeId}).value().at(0);
}

ImageQuery page_of(bool admin, std::vector<Sort> sort) {
    ImageQuery query;
    query.scope.all = admin;
    query.scope.project = "p7";
    query.sort = std::move(sort);
    return query;
}

TEST_P(CatalogContract, WalksAnIndexForEverySortKeyScopeAndDirection) {
    const auto db = open_db();
    fill(*db);
    for (const KeyName& key : keys())
        for (const auto direction : {SortDirection::ascending, SortDirection::descending})
            for (const bool admin : {true, false})
                for (const bool after : {false, true}) {
                    const auto marker = after ? std::optional(marker_of(*db, key)) : std::nullopt;
                    const auto query = page_of(admin, {{key.key, direction}});
                    expect_index_walk(plan_of(*db, query, marker), key, on_sqlite(), after);
                }
}

TEST_P(CatalogContract, FindsTheImagesOfAnOwnerByTheirIndex) {
    const auto db = open_db();
    fill(*db);
    for (const KeyName& key : keys())
        for (const bool admin : {true, false}) {
            ImageQuery query = page_of(admin, {{key.key, SortDirection::ascending}});
            query.texts = {{"owner", {"p7"}}};
            const std::string plan = plan_of(*db, query, std::nullopt);
            SCOPED_TRACE(plan);
            EXPECT_THAT(plan, Not(HasSubstr("Seq Scan on images")));
            // The order of ids needs no sorting, so that walk may be thought as good.
            if (key.key != SortKey::id) EXPECT_THAT(plan, HasSubstr("images_by_owner"));
        }
}

// Several keys are sorted by hand, but only within what the index of the first key does not tell
// apart.
TEST_P(CatalogContract, SortsBySeveralKeysBehindTheIndexOfTheFirst) {
    const auto db = open_db();
    fill(*db);
    const std::vector<Sort> sort{
        {SortKey::name, SortDirection::ascending}, {SortKey::size, SortDirection::descending}};
    for (const bool admin : {true, false}) {
        const std::string plan = plan_of(*db, page_of(admin, sort), std::nullopt);
        SCOPED_TRACE(plan);
        EXPECT_THAT(plan, HasSubstr("images_by_name"));
        EXPECT_THAT(plan, Not(HasSubstr("Seq Scan on images")));
        EXPECT_THAT(plan, Not(HasSubstr("TEMP B-TREE FOR ORDER BY")));
        if (!on_sqlite()) EXPECT_THAT(plan, HasSubstr("Presorted Key: "));
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
