// Metadata definitions in the catalogue.
#include "store/metadef_catalog.h"
#include "store/metadef_rows.h"
#include "tests/contract/catalog_contract.h"

namespace slipway::test {
namespace {

using namespace std::chrono_literals;
using store::Db;
using store::DbRow;
using store::MetadefMerge;
using store::MetadefOutcome;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string kText = R"({"title":"T","type":"string"})";
const std::string kNumber = R"({"title":"N","type":"integer"})";

MetadefObject object_of(const std::string& name, std::vector<MetadefProperty> properties) {
    MetadefObject object;
    object.name = name;
    object.properties = std::move(properties);
    return object;
}

// A namespace with one of everything.
MetadefNamespace full(const std::string& name) {
    MetadefNamespace space;
    space.name = name;
    space.display_name = "Full";
    space.description = "All of it";
    space.visibility = Visibility::public_;
    space.owner = "p";
    space.associations = {{"OS::Glance::Image", "hw_", "image", {}, {}}};
    space.properties = {{"a", kText}, {"b", kNumber}};
    space.objects = {object_of("o", {{"z", kText}, {"y", kNumber}})};
    space.objects.front().description = "One";
    space.objects.front().required = {"z"};
    space.tags = {{"t", {}, {}}};
    return space;
}

template <class Row>
std::vector<std::string> names_of(const std::vector<Row>& rows) {
    std::vector<std::string> names;
    for (const Row& row : rows) names.push_back(row.name);
    return names;
}

class CatalogMetadefs : public CatalogContract {
protected:
    store::MetadefCatalog& metadefs() { return catalog_->metadefs(); }

    MetadefNamespace add(MetadefNamespace space) {
        clock_.advance(1s);
        return run(metadefs().create_namespace(std::move(space))).value();
    }
    MetadefNamespace add(
        const std::string& name,
        Visibility visibility = Visibility::public_,
        const std::string& owner = "p"
    ) {
        MetadefNamespace space;
        space.name = name;
        space.visibility = visibility;
        space.owner = owner;
        return add(space);
    }
    std::vector<std::string> listed(const MetadefQuery& query) {
        return names_of(run(metadefs().list_namespaces(query)).value());
    }
    std::vector<std::string> tags(const MetadefTagQuery& query = {}) {
        return names_of(run(metadefs().list_tags("n", query)).value());
    }
    std::vector<std::string> types() {
        return names_of(run(metadefs().list_resource_types()).value());
    }
    Result<std::vector<MetadefOutcome>> load(MetadefNamespace space, MetadefMerge merge) {
        clock_.advance(1s);
        return run(metadefs().load({std::move(space)}, merge));
    }
};

INSTANTIATE_TEST_SUITE_P(
    ,
    CatalogMetadefs,
    testing::Values(store::Engine::sqlite, store::Engine::postgresql),
    [](const testing::TestParamInfo<store::Engine>& info) {
        return info.param == store::Engine::sqlite ? "Sqlite" : "Postgresql";
    }
);

TEST_P(CatalogMetadefs, HasTheResourceTypesThatGlancesFilesName) {
    const std::vector<std::string> known{
        "OS::Cinder::Volume",
        "OS::Glance::Image",
        "OS::Nova::Aggregate",
        "OS::Nova::Flavor",
        "OS::Nova::Server",
        "OS::Trove::Instance"};
    EXPECT_EQ(types(), known);
    restart();
    EXPECT_EQ(types(), known);
}

TEST_P(CatalogMetadefs, KeepsANamespaceWithAllItHolds) {
    const auto created = add(full("n"));
    const auto found = run(metadefs().load_namespace("n")).value();
    EXPECT_EQ(found.display_name, "Full");
    EXPECT_EQ(found.description, "All of it");
    EXPECT_EQ(found.visibility, Visibility::public_);
    EXPECT_EQ(found.owner, "p");
    EXPECT_FALSE(found.is_protected);
    EXPECT_EQ(found.created_at, clock_.now());
    EXPECT_EQ(found.updated_at, clock_.now());
    ASSERT_EQ(found.associations.size(), 1U);
    EXPECT_EQ(found.associations[0].resource_type, "OS::Glance::Image");
    EXPECT_EQ(found.associations[0].prefix, "hw_");
    EXPECT_EQ(found.associations[0].properties_target, "image");
    EXPECT_EQ(found.properties, full("n").properties);
    ASSERT_EQ(found.objects.size(), 1U);
    EXPECT_EQ(found.objects[0].description, "One");
    EXPECT_EQ(found.objects[0].required, full("n").objects[0].required);
    EXPECT_EQ(found.objects[0].properties, full("n").objects[0].properties);
    EXPECT_EQ(found.objects[0].created_at, clock_.now());
    EXPECT_THAT(names_of(found.tags), ElementsAre("t"));
    EXPECT_EQ(created.properties, found.properties);
    EXPECT_THAT(run(metadefs().find_namespace("n")).value().properties, IsEmpty());
}

TEST_P(CatalogMetadefs, KeepsNothingOfANamespaceThatCanNotBeMadeWhole) {
    for (int part = 0; part < 4; ++part) {
        MetadefNamespace twice = full("n");
        if (part == 0) twice.associations.push_back(twice.associations[0]);
        if (part == 1) twice.properties.push_back(twice.properties[0]);
        if (part == 2) twice.objects.push_back(twice.objects[0]);
        if (part == 3) twice.tags.push_back(twice.tags[0]);
        EXPECT_ERROR(Errc::conflict, run(metadefs().create_namespace(twice)));
        EXPECT_ERROR(Errc::not_found, run(metadefs().load_namespace("n")));
    }
    EXPECT_OK(run(metadefs().create_namespace(full("n"))));
}

TEST_P(CatalogMetadefs, ReplacesAndRenamesANamespaceAndKeepsWhatItHolds) {
    const auto created = add(full("n"));
    add("taken");
    MetadefNamespace changed;
    changed.name = "m";
    changed.owner = "q";
    changed.is_protected = true;
    clock_.advance(1s);
    const auto replaced = run(metadefs().replace_namespace("n", changed)).value();
    EXPECT_EQ(replaced.name, "m");
    EXPECT_EQ(replaced.display_name, std::nullopt);
    EXPECT_EQ(replaced.visibility, Visibility::private_);
    EXPECT_EQ(replaced.owner, "q");
    EXPECT_TRUE(replaced.is_protected);
    EXPECT_EQ(replaced.created_at, created.created_at);
    EXPECT_EQ(replaced.updated_at, clock_.now());
    EXPECT_ERROR(Errc::not_found, run(metadefs().find_namespace("n")));
    EXPECT_EQ(run(metadefs().load_namespace("m")).value().properties, created.properties);
    changed.name = "taken";
    EXPECT_ERROR(Errc::conflict, run(metadefs().replace_namespace("m", changed)));
    EXPECT_ERROR(Errc::not_found, run(metadefs().replace_namespace("n", changed)));
}

TEST_P(CatalogMetadefs, DeletesNothingFromAProtectedNamespace) {
    MetadefNamespace space = full("n");
    space.is_protected = true;
    add(space);
    EXPECT_ERROR(Errc::forbidden, run(metadefs().delete_namespace("n")));
    EXPECT_ERROR(Errc::forbidden, run(metadefs().dissociate("n", "OS::Glance::Image")));
    EXPECT_ERROR(Errc::forbidden, run(metadefs().remove_property("n", "a")));
    EXPECT_ERROR(Errc::forbidden, run(metadefs().remove_properties("n")));
    EXPECT_ERROR(Errc::forbidden, run(metadefs().remove_object("n", "o")));
    EXPECT_ERROR(Errc::forbidden, run(metadefs().remove_objects("n")));
    EXPECT_ERROR(Errc::forbidden, run(metadefs().remove_tag("n", "t")));
    EXPECT_ERROR(Errc::forbidden, run(metadefs().remove_tags("n")));
    const auto found = run(metadefs().load_namespace("n")).value();
    EXPECT_EQ(found.properties.size(), 2U);
    EXPECT_EQ(found.objects.size() + found.tags.size() + found.associations.size(), 3U);
    space.is_protected = false;
    EXPECT_OK(run(metadefs().replace_namespace("n", space)));
    EXPECT_OK(run(metadefs().delete_namespace("n")));
    EXPECT_ERROR(Errc::not_found, run(metadefs().delete_namespace("n")));
    EXPECT_OK(run(metadefs().create_namespace(space)));
}

TEST_P(CatalogMetadefs, AddsResourceTypesThatItDoesNotKnow) {
    add("n");
    EXPECT_OK(run(metadefs().associate("n", {"OS::New::Thing", {}, {}, {}, {}})));
    EXPECT_ERROR(
        Errc::conflict, run(metadefs().associate("n", {"OS::New::Thing", "p", {}, {}, {}}))
    );
    EXPECT_EQ(types().size(), 7U);
    EXPECT_EQ(run(metadefs().list_associations("n")).value().size(), 1U);
    EXPECT_OK(run(metadefs().dissociate("n", "OS::New::Thing")));
    EXPECT_ERROR(Errc::not_found, run(metadefs().dissociate("n", "OS::New::Thing")));
    EXPECT_THAT(run(metadefs().list_associations("n")).value(), IsEmpty());
    EXPECT_EQ(types().size(), 7U);
    EXPECT_ERROR(Errc::not_found, run(metadefs().associate("m", {"X", {}, {}, {}, {}})));
}

TEST_P(CatalogMetadefs, AddsChangesAndRemovesProperties) {
    add("n");
    EXPECT_OK(run(metadefs().add_property("n", {"b", kText})));
    EXPECT_OK(run(metadefs().add_property("n", {"a", kText})));
    EXPECT_ERROR(Errc::conflict, run(metadefs().add_property("n", {"a", kNumber})));
    EXPECT_EQ(
        run(metadefs().replace_property("n", "b", {"c", kNumber})).value().definition, kNumber
    );
    EXPECT_ERROR(Errc::conflict, run(metadefs().replace_property("n", "c", {"a", kNumber})));
    EXPECT_ERROR(Errc::not_found, run(metadefs().replace_property("n", "b", {"d", kNumber})));
    EXPECT_EQ(run(metadefs().find_property("n", "a")).value().definition, kText);
    EXPECT_ERROR(Errc::not_found, run(metadefs().find_property("n", "b")));
    EXPECT_THAT(names_of(run(metadefs().list_properties("n")).value()), ElementsAre("a", "c"));
    EXPECT_OK(run(metadefs().remove_property("n", "a")));
    EXPECT_ERROR(Errc::not_found, run(metadefs().remove_property("n", "a")));
    EXPECT_OK(run(metadefs().remove_properties("n")));
    EXPECT_THAT(run(metadefs().list_properties("n")).value(), IsEmpty());
    EXPECT_ERROR(Errc::not_found, run(metadefs().list_properties("m")));
}

TEST_P(CatalogMetadefs, AddsChangesAndRemovesObjects) {
    add("n");
    const auto added = run(metadefs().add_object("n", object_of("o", {{"a", kText}}))).value();
    EXPECT_EQ(added.created_at, clock_.now());
    EXPECT_ERROR(Errc::conflict, run(metadefs().add_object("n", object_of("o", {}))));
    EXPECT_OK(run(metadefs().add_object("n", object_of("p", {}))));
    clock_.advance(1s);
    const auto changed =
        run(metadefs().replace_object("n", "o", object_of("q", {{"b", kNumber}}))).value();
    EXPECT_EQ(changed.name, "q");
    EXPECT_EQ(changed.created_at, added.created_at);
    EXPECT_EQ(changed.updated_at, clock_.now());
    EXPECT_THAT(names_of(changed.properties), ElementsAre("b"));
    EXPECT_ERROR(Errc::conflict, run(metadefs().replace_object("n", "q", object_of("p", {}))));
    EXPECT_ERROR(Errc::not_found, run(metadefs().replace_object("n", "o", object_of("x", {}))));
    EXPECT_ERROR(Errc::not_found, run(metadefs().find_object("n", "o")));
    EXPECT_THAT(names_of(run(metadefs().list_objects("n")).value()), ElementsAre("p", "q"));
    EXPECT_OK(run(metadefs().remove_object("n", "p")));
    EXPECT_ERROR(Errc::not_found, run(metadefs().remove_object("n", "p")));
    EXPECT_OK(run(metadefs().remove_objects("n")));
    EXPECT_THAT(run(metadefs().list_objects("n")).value(), IsEmpty());
}

TEST_P(CatalogMetadefs, AddsReplacesAndRenamesTags) {
    add("n");
    EXPECT_OK(run(metadefs().add_tags("n", {"a", "b"}, false)));
    EXPECT_OK(run(metadefs().add_tags("n", {"c"}, true)));
    EXPECT_THAT(tags(), testing::UnorderedElementsAre("a", "b", "c"));
    EXPECT_ERROR(Errc::conflict, run(metadefs().add_tags("n", {"d", "c"}, true)));
    EXPECT_ERROR(Errc::conflict, run(metadefs().add_tags("n", {"d", "d"}, false)));
    EXPECT_EQ(tags().size(), 3U);
    EXPECT_OK(run(metadefs().add_tags("n", {"d"}, false)));
    EXPECT_THAT(tags(), ElementsAre("d"));
    EXPECT_ERROR(Errc::conflict, run(metadefs().add_tag("n", "d")));
    EXPECT_OK(run(metadefs().add_tag("n", "e")));
    EXPECT_EQ(run(metadefs().rename_tag("n", "e", "f")).value().name, "f");
    EXPECT_ERROR(Errc::conflict, run(metadefs().rename_tag("n", "f", "d")));
    EXPECT_ERROR(Errc::not_found, run(metadefs().rename_tag("n", "e", "g")));
    EXPECT_OK(run(metadefs().remove_tag("n", "f")));
    EXPECT_ERROR(Errc::not_found, run(metadefs().find_tag("n", "f")));
    EXPECT_OK(run(metadefs().remove_tags("n")));
    EXPECT_THAT(tags(), IsEmpty());
}

TEST_P(CatalogMetadefs, PagesTags) {
    add("n");
    for (const char* name : {"b", "a", "c"}) {
        clock_.advance(1s);
        EXPECT_OK(run(metadefs().add_tag("n", name)));
    }
    const auto page = [&](MetadefSortKey key, SortDirection way, std::optional<std::string> after) {
        return tags({key, way, std::move(after), 2});
    };
    EXPECT_THAT(tags(), ElementsAre("c", "a", "b"));
    EXPECT_THAT(
        page(MetadefSortKey::created_at, SortDirection::descending, {}), ElementsAre("c", "a")
    );
    EXPECT_THAT(page(MetadefSortKey::created_at, SortDirection::descending, "a"), ElementsAre("b"));
    EXPECT_THAT(page(MetadefSortKey::name, SortDirection::ascending, {}), ElementsAre("a", "b"));
    EXPECT_THAT(page(MetadefSortKey::name, SortDirection::ascending, "b"), ElementsAre("c"));
    EXPECT_THAT(tags({MetadefSortKey::name, SortDirection::ascending, {}, 0}), IsEmpty());
    EXPECT_ERROR(
        Errc::not_found,
        run(metadefs().list_tags("n", {MetadefSortKey::name, SortDirection::ascending, "x", {}}))
    );
}

TEST_P(CatalogMetadefs, ListsWhatTheScopeShowsNewestFirst) {
    add("b", Visibility::private_, "p");
    add("a", Visibility::public_, "q");
    add("c", Visibility::private_, "q");
    MetadefQuery query;
    EXPECT_THAT(listed(query), ElementsAre("a"));
    query.project = "p";
    EXPECT_THAT(listed(query), ElementsAre("a", "b"));
    query.all = true;
    EXPECT_THAT(listed(query), ElementsAre("c", "a", "b"));
    query.visibility = Visibility::private_;
    EXPECT_THAT(listed(query), ElementsAre("c", "b"));
    MetadefQuery hidden;
    hidden.marker = "c";
    EXPECT_ERROR(Errc::not_found, run(metadefs().list_namespaces(hidden)));
    hidden.marker = "x";
    EXPECT_ERROR(Errc::not_found, run(metadefs().list_namespaces(hidden)));
}

TEST_P(CatalogMetadefs, WalksInPagesByEverySortKey) {
    for (const char* name : {"b", "d", "a", "c"}) {
        MetadefNamespace space;
        space.name = name;
        if (space.name == "a") space.display_name = "z";
        if (space.name == "d") space.owner = "p";
        space.is_protected = space.name == "c";
        space.visibility = space.name == "b" ? Visibility::public_ : Visibility::private_;
        add(space);
    }
    const auto walk = [&](MetadefSortKey key, SortDirection way) {
        std::string names;
        for (const std::size_t limit : {1U, 3U}) {
            MetadefQuery query;
            query.all = true;
            query.sort_key = key;
            query.direction = way;
            query.limit = limit;
            std::string met;
            for (;;) {
                const auto page = listed(query);
                for (const std::string& name : page) met += name;
                if (page.size() < limit || met.size() > 10) break;
                query.marker = page.back();
            }
            EXPECT_TRUE(names.empty() || names == met) << "in pages of " << limit;
            names = met;
        }
        return names;
    };
    constexpr auto kUp = SortDirection::ascending;
    constexpr auto kDown = SortDirection::descending;
    EXPECT_EQ(walk(MetadefSortKey::name, kUp), "abcd");
    EXPECT_EQ(walk(MetadefSortKey::name, kDown), "dcba");
    EXPECT_EQ(walk(MetadefSortKey::created_at, kUp), "bdac");
    EXPECT_EQ(walk(MetadefSortKey::updated_at, kDown), "cadb");
    EXPECT_EQ(walk(MetadefSortKey::display_name, kUp), "bcda");
    EXPECT_EQ(walk(MetadefSortKey::owner, kDown), "dcba");
    EXPECT_EQ(walk(MetadefSortKey::is_protected, kUp), "abdc");
    EXPECT_EQ(walk(MetadefSortKey::visibility, kDown), "bdca");
}

TEST_P(CatalogMetadefs, FindsTheNamespacesOfResourceTypes) {
    add(full("image"));
    MetadefNamespace other = full("other");
    other.associations = {{"A", {}, {}, {}, {}}, {"B", {}, {}, {}, {}}};
    add(other);
    MetadefQuery query;
    query.resource_types = {"A", "B"};
    const auto page = run(metadefs().list_namespaces(query)).value();
    ASSERT_THAT(names_of(page), ElementsAre("other"));
    EXPECT_EQ(page[0].associations.size(), 2U);
    EXPECT_THAT(page[0].properties, IsEmpty());
    query.resource_types = {"B", "OS::Glance::Image"};
    EXPECT_THAT(listed(query), ElementsAre("other", "image"));
    query.resource_types = {"C"};
    EXPECT_THAT(listed(query), IsEmpty());
}

TEST_P(CatalogMetadefs, LoadsOverWhatIsThereAsAsked) {
    MetadefNamespace loaded = full("n");
    EXPECT_THAT(load(loaded, MetadefMerge::skip).value(), ElementsAre(MetadefOutcome::added));
    loaded.display_name = "New";
    loaded.properties = {{"a", kNumber}, {"c", kText}};
    loaded.tags = {{"u", {}, {}}};
    loaded.associations[0].prefix = "new_";

    EXPECT_THAT(load(loaded, MetadefMerge::skip).value(), ElementsAre(MetadefOutcome::skipped));
    EXPECT_EQ(run(metadefs().load_namespace("n")).value().properties, full("n").properties);

    EXPECT_THAT(load(loaded, MetadefMerge::add).value(), ElementsAre(MetadefOutcome::merged));
    auto found = run(metadefs().load_namespace("n")).value();
    EXPECT_EQ(found.display_name, "Full");
    EXPECT_EQ(found.associations[0].prefix, "hw_");
    EXPECT_THAT(names_of(found.properties), ElementsAre("a", "b", "c"));
    EXPECT_EQ(found.properties[0].definition, kText);
    EXPECT_THAT(names_of(found.tags), ElementsAre("t", "u"));

    EXPECT_THAT(
        load(loaded, MetadefMerge::prefer_new).value(), ElementsAre(MetadefOutcome::merged)
    );
    found = run(metadefs().load_namespace("n")).value();
    EXPECT_EQ(found.display_name, "New");
    EXPECT_EQ(found.associations[0].prefix, "new_");
    EXPECT_EQ(found.properties[0].definition, kNumber);
    EXPECT_THAT(names_of(found.properties), ElementsAre("a", "b", "c"));

    loaded.is_protected = true;
    EXPECT_OK(load(loaded, MetadefMerge::prefer_new));
    EXPECT_THAT(load(loaded, MetadefMerge::replace).value(), ElementsAre(MetadefOutcome::replaced));
    found = run(metadefs().load_namespace("n")).value();
    EXPECT_THAT(names_of(found.properties), ElementsAre("a", "c"));
    EXPECT_THAT(names_of(found.tags), ElementsAre("u"));
}

TEST_P(CatalogMetadefs, LoadsAllOrNothing) {
    MetadefNamespace broken = full("m");
    broken.tags.push_back(broken.tags[0]);
    EXPECT_ERROR(Errc::conflict, run(metadefs().load({full("n"), broken}, MetadefMerge::skip)));
    EXPECT_THAT(run(metadefs().load_all()).value(), IsEmpty());
}

TEST_P(CatalogMetadefs, UnloadsAllButTheKnownResourceTypes) {
    MetadefNamespace space = full("n");
    space.is_protected = true;
    space.associations.push_back({"OS::New::Thing", {}, {}, {}, {}});
    add(space);
    add("m");
    EXPECT_THAT(names_of(run(metadefs().load_all()).value()), ElementsAre("m", "n"));
    EXPECT_EQ(run(metadefs().unload()).value(), 2U);
    EXPECT_EQ(run(metadefs().unload()).value(), 0U);
    EXPECT_THAT(run(metadefs().load_all()).value(), IsEmpty());
    EXPECT_EQ(types().size(), 6U);
}

struct KeyName {
    MetadefSortKey key;
    const char* index;
    const char* columns;
};

std::string plan_of(Db& db, const store::Statement& statement) {
    const bool sqlite = db.engine() == store::Engine::sqlite;
    std::string plan;
    for (const DbRow& row :
         db.query((sqlite ? "explain query plan " : "explain ") + statement.sql, statement.values)
             .value())
        plan += row.back().text() + "\n";
    return plan;
}

void fill(Db& db) {
    db.write([&] {
          return db.execute(
              "insert into metadef_namespaces (id, name, display_name, visibility, owner, "
              "protected, created_at, updated_at) "
              "with recursive numbers (i) as "
              "(select 1 union all select i + 1 from numbers where i < 20000) "
              "select cast(i as text), 'n' || cast(i * 7919 % 20011 as text), "
              "'d' || cast(i % 1000 as text), case i % 2 when 0 then 'public' else 'private' end, "
              "'p' || cast(i % 100 as text), i % 2, i, i * 31 % 20011 from numbers"
          );
      }).value();
    if (db.engine() == store::Engine::postgresql) db.execute("analyze").value();
}

TEST_P(CatalogMetadefs, WalksAnIndexForEverySortKeyScopeAndDirection) {
    const std::vector<KeyName> keys{
        {MetadefSortKey::name, "metadef_namespaces_by_name", "name"},
        {MetadefSortKey::display_name,
         "metadef_namespaces_by_display_name",
         "sort_display_name, name"},
        {MetadefSortKey::visibility, "metadef_namespaces_by_visibility", "visibility, name"},
        {MetadefSortKey::owner, "metadef_namespaces_by_owner", "sort_owner, name"},
        {MetadefSortKey::is_protected, "metadef_namespaces_by_protected", "protected, name"},
        {MetadefSortKey::created_at, "metadef_namespaces_by_created_at", "created_at, name"},
        {MetadefSortKey::updated_at, "metadef_namespaces_by_updated_at", "updated_at, name"},
    };
    const auto db = open_db();
    fill(*db);
    for (const KeyName& key : keys)
        for (const auto way : {SortDirection::ascending, SortDirection::descending})
            for (const bool admin : {true, false})
                for (const bool after : {false, true}) {
                    MetadefQuery query;
                    query.all = admin;
                    query.project = "p7";
                    query.sort_key = key.key;
                    query.direction = way;
                    std::optional<DbRow> marker;
                    if (after)
                        marker = db->query(
                                       "select " + std::string(key.columns) +
                                       " from metadef_namespaces where id = '10001'"
                        )
                                     .value()
                                     .at(0);
                    const auto plan = plan_of(*db, store::metadef_page_statement(query, marker));
                    SCOPED_TRACE(plan);
                    EXPECT_THAT(plan, HasSubstr(key.index));
                    EXPECT_THAT(plan, Not(HasSubstr("Seq Scan")));
                    EXPECT_THAT(plan, Not(HasSubstr("Sort Key")));
                    EXPECT_THAT(plan, Not(HasSubstr("TEMP B-TREE")));
                    if (after && on_sqlite())
                        EXPECT_THAT(plan, HasSubstr("SEARCH metadef_namespaces"));
                    if (after && !on_sqlite()) EXPECT_THAT(plan, HasSubstr("Index Cond: ("));
                }
}

TEST_P(CatalogMetadefs, ListsInANumberOfStatementsThatDoesNotGrow) {
    for (int i = 0; i < 9; ++i) add(full("n" + std::to_string(i)));
    const auto db = open_db();
    const auto statements = [&](std::size_t limit, bool marker) {
        MetadefQuery query;
        query.limit = limit;
        if (marker) query.marker = "n8";
        const auto before = db->statements();
        const auto page = db->read([&] { return store::list_metadefs(*db, query); }).value();
        EXPECT_EQ(page.size(), limit);
        for (const auto& space : page) EXPECT_EQ(space.associations.size(), 1U);
        return db->statements() - before;
    };
    EXPECT_EQ(statements(1, false), 2U);
    EXPECT_EQ(statements(8, false), 2U);
    EXPECT_EQ(statements(8, true), 3U);
}

}  // namespace
}  // namespace slipway::test
