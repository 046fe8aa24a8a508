#include "tests/contract/catalog_contract.h"

#include <algorithm>

namespace slipway::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr auto kUp = SortDirection::ascending;
constexpr auto kDown = SortDirection::descending;

ImageQuery by(std::vector<Sort> sort) {
    ImageQuery query = everything();
    query.sort = std::move(sort);
    return query;
}

ImageQuery seen_by(const std::string& project) {
    ImageQuery query;
    query.scope.project = project;
    query.limit = 1000;
    query.sort = {{SortKey::name, kUp}};
    return query;
}

class CatalogList : public CatalogContract {
protected:
    // Numbers of the images that a walk in pages of `limit` meets, in order.
    std::vector<int> walk(ImageQuery query, std::size_t limit) {
        std::vector<int> numbers;
        query.limit = limit;
        for (;;) {
            const auto page = run(catalog_->list_images(query)).value();
            for (const Image& image : page) numbers.push_back(std::stoi(image.id.str().substr(24)));
            if (page.size() < limit || numbers.size() > 100) return numbers;
            query.marker = page.back().id;
        }
    }
    void expect_walk(const ImageQuery& query, const std::vector<int>& expected) {
        for (const std::size_t limit : {1U, 2U, 3U, 5U, 100U})
            EXPECT_EQ(walk(query, limit), expected) << "in pages of " << limit;
    }
    void add(
        int number,
        std::optional<std::string> name,
        Visibility visibility = Visibility::shared,
        const std::string& owner = "p"
    ) {
        Image image;
        image.id = image_id(number);
        image.name = std::move(name);
        image.visibility = visibility;
        image.owner = owner;
        create(image);
    }
    // Six images; equal times and equal names among them.
    void add_ties() {
        add(1, "b");
        add(2, "a");
        add(3, std::nullopt);
        clock_.advance(1us);
        add(4, "a");
        add(5, "");
        add(6, "B");
    }
};

TEST_P(CatalogList, PagesOverEqualValuesInEveryDirection) {
    add_ties();
    expect_walk(by({}), {6, 5, 4, 3, 2, 1});
    expect_walk(by({{SortKey::created_at, kUp}}), {1, 2, 3, 4, 5, 6});
    expect_walk(by({{SortKey::created_at, kUp}, {SortKey::id, kDown}}), {3, 2, 1, 6, 5, 4});
    expect_walk(by({{SortKey::created_at, kDown}, {SortKey::id, kUp}}), {4, 5, 6, 1, 2, 3});
    expect_walk(by({{SortKey::id, kUp}}), {1, 2, 3, 4, 5, 6});
    expect_walk(by({{SortKey::id, kDown}, {SortKey::name, kUp}}), {6, 5, 4, 3, 2, 1});
    // By bytes: null and "" first, then capitals.
    expect_walk(by({{SortKey::name, kUp}}), {3, 5, 6, 2, 4, 1});
    expect_walk(by({{SortKey::name, kDown}}), {1, 4, 2, 6, 5, 3});
    expect_walk(by({{SortKey::name, kUp}, {SortKey::created_at, kDown}}), {5, 3, 6, 4, 2, 1});
    expect_walk(by({{SortKey::status, kUp}, {SortKey::name, kDown}}), {1, 2, 4, 6, 3, 5});
    expect_walk(by({{SortKey::size, kDown}}), {6, 5, 4, 3, 2, 1});
    expect_walk(by({{SortKey::disk_format, kUp}}), {1, 2, 3, 4, 5, 6});
    expect_walk(by({{SortKey::container_format, kDown}}), {6, 5, 4, 3, 2, 1});
    expect_walk(by({{SortKey::updated_at, kUp}, {SortKey::updated_at, kDown}}), {1, 2, 3, 4, 5, 6});
}

TEST_P(CatalogList, SortsNullSizesAsZero) {
    for (const int number : {1, 2, 3, 4}) {
        Image image;
        image.id = image_id(number);
        if (number == 2) image.size_bytes = 10;
        if (number == 3) image.size_bytes = 9;
        if (number == 4) image.size_bytes = 0;
        create(image);
    }
    expect_walk(by({{SortKey::size, kUp}}), {1, 4, 3, 2});
    expect_walk(by({{SortKey::size, kDown}}), {2, 3, 4, 1});
}

TEST_P(CatalogList, TakesAMarkerThatDoesNotMatchTheFilters) {
    add_ties();
    ImageQuery query = by({{SortKey::id, kUp}});
    query.texts = {{"name", {"a"}}};
    query.marker = image_id(3);
    EXPECT_THAT(names(query), ElementsAre("a"));
}

TEST_P(CatalogList, RefusesAMarkerThatIsNotThereOrNotToBeSeen) {
    add(1, "private", Visibility::private_);
    add(2, "shared");
    add(3, "deleted");
    EXPECT_OK(run(catalog_->delete_image(image_id(3), 0s)));
    EXPECT_OK(run(catalog_->add_member(image_id(2), "q")));
    ImageQuery query = seen_by("q");
    for (const int number : {1, 3, 404}) {
        query.marker = image_id(number);
        EXPECT_ERROR(Errc::invalid_argument, run(catalog_->list_images(query)));
    }
    query.marker = image_id(2);
    EXPECT_OK(run(catalog_->list_images(query)));
    query = everything();
    query.marker = image_id(3);
    EXPECT_ERROR(Errc::invalid_argument, run(catalog_->list_images(query)));
}

TEST_P(CatalogList, ShowsEachCallerItsImages) {
    add(1, "public", Visibility::public_);
    add(2, "private", Visibility::private_);
    add(3, "community", Visibility::community);
    add(4, "accepted");
    add(5, "pending");
    add(6, "unshared");
    add(7, "once shared", Visibility::private_);
    add(8, "mine", Visibility::private_, "q");
    add(9, "my community", Visibility::community, "q");
    for (const int number : {4, 5, 7}) EXPECT_OK(run(catalog_->add_member(image_id(number), "q")));
    for (const int number : {4, 7})
        EXPECT_OK(run(catalog_->set_member_status(image_id(number), "q", "accepted")));

    ImageQuery q = seen_by("q");
    EXPECT_THAT(names(q), ElementsAre("accepted", "mine", "my community", "public"));
    q.visibility = "all";
    EXPECT_THAT(names(q), ElementsAre("accepted", "community", "mine", "my community", "public"));
    q.visibility = "community";
    EXPECT_THAT(names(q), ElementsAre("community", "my community"));
    q.visibility = "shared";
    EXPECT_THAT(names(q), ElementsAre("accepted"));
    q.scope.member_status = "pending";
    EXPECT_THAT(names(q), ElementsAre("pending"));
    q.scope.member_status = "all";
    EXPECT_THAT(names(q), ElementsAre("accepted", "pending"));
    q.visibility = "";
    EXPECT_THAT(names(q), IsEmpty());
    q = seen_by("q");
    q.texts = {{"owner", {"p"}}};
    EXPECT_THAT(names(q), ElementsAre("accepted", "public"));

    ImageQuery admin = everything();
    EXPECT_THAT(
        names(admin),
        UnorderedElementsAre(
            "public", "private", "accepted", "pending", "unshared", "once shared", "mine"
        )
    );
    admin.scope.project = "q";
    EXPECT_EQ(names(admin).size(), 8U) << "the community image of the admin's own project";
    admin.visibility = "all";
    EXPECT_EQ(names(admin).size(), 9U);
    admin.visibility = "private";
    EXPECT_THAT(names(admin), UnorderedElementsAre("private", "once shared", "mine"));

    ImageQuery nobody;
    EXPECT_THAT(names(nobody), ElementsAre("public"));
    nobody.visibility = "all";
    EXPECT_THAT(names(nobody), ElementsAre("public"));
}

TEST_P(CatalogList, FiltersByEveryColumn) {
    Image image;
    image.id = image_id(1);
    image.name = "one, \"two\"";
    image.owner = "p";
    image.disk_format = "vmdk";
    image.container_format = "bare";
    image.size_bytes = 100;
    image.min_disk_gib = 5;
    image.min_ram_mib = 6;
    image.virtual_size_bytes = 200;
    image.checksum = "c";
    image.os_hash_algo = "sha512";
    image.os_hash_value = "h";
    image.tags = {"x", "y"};
    image.properties = {{"os", "linux"}, {"size", "big"}, {"none", std::nullopt}};
    create(image);
    Image other;
    other.id = image_id(2);
    other.tags = {"y"};
    other.properties = {{"os", "bsd"}};
    create(other);

    const auto count = [&](auto edit) {
        ImageQuery query = everything();
        edit(query);
        return run(catalog_->list_images(query)).value().size();
    };
    const std::vector<std::pair<std::string, std::string>> texts{
        {"name", "one, \"two\""},
        {"id", image_id(1).str()},
        {"disk_format", "vmdk"},
        {"container_format", "bare"},
        {"owner", "p"},
        {"checksum", "c"},
        {"os_hash_algo", "sha512"},
        {"os_hash_value", "h"},
    };
    for (const auto& [column, value] : texts) {
        EXPECT_EQ(count([&](ImageQuery& q) { q.texts = {{column, {"no", value}}}; }), 1U) << column;
        EXPECT_EQ(count([&](ImageQuery& q) { q.texts = {{column, {"no"}}}; }), 0U) << column;
        EXPECT_EQ(count([&](ImageQuery& q) { q.texts = {{column, {}}}; }), 0U) << column;
    }
    EXPECT_EQ(count([](ImageQuery& q) { q.texts = {{"status", {"queued"}}}; }), 2U);
    EXPECT_EQ(count([](ImageQuery& q) { q.texts = {{"status", {"active", "deleted"}}}; }), 0U);
    const auto number = [&](std::string column, Comparison comparison, std::int64_t value) {
        return count([&](ImageQuery& q) { q.numbers = {{column, comparison, value}}; });
    };
    EXPECT_EQ(number("size", Comparison::greater_or_equal, 100), 1U);
    EXPECT_EQ(number("size", Comparison::greater, 100), 0U);
    EXPECT_EQ(number("size", Comparison::less, 101), 1U);
    EXPECT_EQ(number("size", Comparison::less_or_equal, 99), 0U);
    EXPECT_EQ(number("virtual_size", Comparison::equal, 200), 1U);
    EXPECT_EQ(number("min_disk", Comparison::not_equal, 5), 1U);
    EXPECT_EQ(number("min_ram", Comparison::equal, 0), 1U);
    EXPECT_EQ(count([](ImageQuery& q) { q.tags = {"y"}; }), 2U);
    EXPECT_EQ(count([](ImageQuery& q) { q.tags = {"y", "x"}; }), 1U);
    EXPECT_EQ(count([](ImageQuery& q) { q.tags = {"y", "z"}; }), 0U);
    EXPECT_EQ(count([](ImageQuery& q) { q.properties = {{"os", "linux"}}; }), 1U);
    EXPECT_EQ(count([](ImageQuery& q) { q.properties = {{"os", "linux"}, {"size", "big"}}; }), 1U);
    EXPECT_EQ(count([](ImageQuery& q) { q.properties = {{"os", "linux"}, {"os", "bsd"}}; }), 0U);
    EXPECT_EQ(count([](ImageQuery& q) { q.properties = {{"is_public", "true"}}; }), 0U);
    EXPECT_EQ(count([](ImageQuery& q) { q.limit = 0; }), 0U);
    EXPECT_EQ(count([](ImageQuery& q) { q.is_protected = false; }), 2U);
    EXPECT_EQ(count([](ImageQuery& q) { q.is_protected = true; }), 0U);
    EXPECT_EQ(count([](ImageQuery& q) { q.hidden = true; }), 0U);

    const auto refuse = [&](auto edit) {
        ImageQuery query = everything();
        edit(query);
        EXPECT_ERROR(Errc::invalid_argument, run(catalog_->list_images(query)));
    };
    refuse([](ImageQuery& q) { q.texts = {{"1 = 1 or name", {"x"}}}; });
    refuse([](ImageQuery& q) { q.numbers = {{"name", Comparison::equal, 1}}; });
    refuse([](ImageQuery& q) { q.times = {{"deleted_at", Comparison::equal, Time()}}; });
}

TEST_P(CatalogList, ComparesTimesInWholeSeconds) {
    clock_.advance(500ms);
    add(1, "x");  // shown as 12:00:00
    const Time shown = parse_iso8601("2026-08-01T12:00:00Z").value();
    const auto found = [&](Comparison comparison, Time value) {
        ImageQuery query = everything();
        query.times = {{"created_at", comparison, value}};
        return !names(query).empty();
    };
    EXPECT_TRUE(found(Comparison::equal, shown));
    EXPECT_FALSE(found(Comparison::not_equal, shown));
    EXPECT_FALSE(found(Comparison::greater, shown));
    EXPECT_TRUE(found(Comparison::greater_or_equal, shown));
    EXPECT_FALSE(found(Comparison::less, shown));
    EXPECT_TRUE(found(Comparison::less_or_equal, shown));
    EXPECT_TRUE(found(Comparison::greater, shown - 1s));
    EXPECT_TRUE(found(Comparison::less, shown + 1s));
    EXPECT_TRUE(found(Comparison::not_equal, shown + 1s));
    EXPECT_FALSE(found(Comparison::equal, shown + 500ms)) << "no image is shown with a fraction";
    EXPECT_TRUE(found(Comparison::less, shown + 500ms));
    EXPECT_FALSE(found(Comparison::greater_or_equal, shown + 500ms));
}

TEST_P(CatalogList, NeverShowsDeletedOrKilledImages) {
    add(1, "killed");
    add(2, "deleted");
    add(3, "there");
    EXPECT_OK(run(catalog_->delete_image(image_id(2), 0s)));
    open_db()->execute("update images set status = 'killed' where id = ?", {image_id(1)}).value();
    if (on_sqlite()) restart();
    EXPECT_THAT(names(everything()), ElementsAre("there"));
    ImageQuery query = everything();
    query.texts = {{"status", {"killed", "deleted", "queued"}}};
    EXPECT_THAT(names(query), ElementsAre("there"));
}

TEST_P(CatalogList, BringsTagsPropertiesAndBootFormsOfAPage) {
    for (const int number : {1, 2, 3}) {
        Image image;
        image.id = image_id(number);
        image.tags = {"z", "t" + std::to_string(number)};
        image.properties = {{"n", std::to_string(number)}, {"null", std::nullopt}};
        if (number == 2) image.boot_form = BootForm{"sparse", 1, 2, "c", "h"};
        create(image);
    }
    const auto images = run(catalog_->list_images(by({{SortKey::id, kUp}}))).value();
    ASSERT_EQ(images.size(), 3U);
    for (const int number : {1, 2, 3}) {
        const Image& image = images.at(static_cast<std::size_t>(number - 1));
        EXPECT_THAT(image.tags, ElementsAre("t" + std::to_string(number), "z"));
        EXPECT_EQ(image.properties.at("n"), std::to_string(number));
        EXPECT_EQ(image.properties.at("null"), std::nullopt);
        EXPECT_EQ(image.boot_form.has_value(), number == 2);
    }
}

INSTANTIATE_TEST_SUITE_P(
    ,
    CatalogList,
    testing::Values(store::Engine::sqlite, store::Engine::postgresql),
    [](const testing::TestParamInfo<store::Engine>& info) {
        return info.param == store::Engine::sqlite ? "Sqlite" : "Postgresql";
    }
);

}  // namespace
}  // namespace slipway::test
