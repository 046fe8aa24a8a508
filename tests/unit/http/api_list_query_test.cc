#include "http/api/list_query.h"

#include "http/query.h"
#include "tests/support/results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::http::api {
namespace {

using test::fails_with;
using test::succeeds;
using testing::ElementsAre;

Result<ImageQuery> read(std::string_view query) {
    return read_list_query(parse_query(query).value(), ListLimits{});
}

TEST(ListQuery, HasTheDefaults) {
    const auto query = read("");
    ASSERT_OK(query);
    EXPECT_EQ(query->limit, 25U);
    EXPECT_FALSE(query->marker);
    EXPECT_FALSE(query->visibility);
    EXPECT_FALSE(query->hidden);
    EXPECT_EQ(query->scope.member_status, "accepted");
    ASSERT_EQ(query->sort.size(), 1U);
    EXPECT_EQ(query->sort[0].key, SortKey::created_at);
    EXPECT_EQ(query->sort[0].direction, SortDirection::descending);
}

TEST(ListQuery, CapsTheLimit) {
    EXPECT_EQ(read("limit=0")->limit, 0U);
    EXPECT_EQ(read("limit=7")->limit, 7U);
    EXPECT_EQ(read("limit=1000")->limit, 1000U);
    EXPECT_EQ(read("limit=1001")->limit, 1000U);
    EXPECT_EQ(read("limit=9223372036854775808")->limit, 1000U);
    EXPECT_EQ(read("limit=18446744073709551616")->limit, 1000U);
    EXPECT_EQ(read("limit=" + std::string(400, '9'))->limit, 1000U);
}

TEST(ListQuery, SortsByEitherWayOfAsking) {
    for (const char* text :
         {"sort=name:asc,%20size", "sort_key=name&sort_key=size&sort_dir=asc&sort_dir=desc"}) {
        const auto query = read(text);
        ASSERT_OK(query) << text;
        ASSERT_EQ(query->sort.size(), 2U);
        EXPECT_EQ(query->sort[0].key, SortKey::name);
        EXPECT_EQ(query->sort[0].direction, SortDirection::ascending);
        EXPECT_EQ(query->sort[1].key, SortKey::size);
        EXPECT_EQ(query->sort[1].direction, SortDirection::descending);
    }
    const auto one = read("sort_key=id&sort_key=status&sort_dir=asc");
    ASSERT_OK(one);
    EXPECT_EQ(one->sort[1].direction, SortDirection::ascending);
    EXPECT_EQ(read("sort_dir=asc")->sort[0].key, SortKey::created_at);
}

TEST(ListQuery, ReadsTextFilters) {
    EXPECT_THAT(read("name=a")->texts.at(0).any_of, ElementsAre("a"));
    EXPECT_THAT(read("name=eq:a:b")->texts.at(0).any_of, ElementsAre("a:b"));
    EXPECT_FALSE(read("name=a:b"));
    EXPECT_THAT(
        read("status=in:active,queued")->texts.at(0).any_of, ElementsAre("active", "queued")
    );
    EXPECT_THAT(
        read("name=in:a,%22b,c%22,%22d%5C%22e%22")->texts.at(0).any_of,
        ElementsAre("a", "b,c", "d\"e")
    );
    EXPECT_EQ(read("owner=in:a")->texts.at(0).any_of.at(0), "in:a");
}

TEST(ListQuery, ReadsNumbersAndTimes) {
    const auto numbers = read("size_min=1&size_max=2&min_ram_min=3&min_disk=4")->numbers;
    ASSERT_EQ(numbers.size(), 4U);
    EXPECT_EQ(numbers[0].column, "size");
    EXPECT_EQ(numbers[0].comparison, Comparison::greater_or_equal);
    EXPECT_EQ(numbers[1].comparison, Comparison::less_or_equal);
    EXPECT_EQ(numbers[2].column, "min_ram");
    EXPECT_EQ(numbers[3].comparison, Comparison::equal);
    EXPECT_EQ(numbers[3].value, 4);

    const auto time = parse_iso8601("2026-08-01T12:00:00Z").value();
    const std::pair<const char*, Comparison> words[] = {
        {"", Comparison::equal},
        {"eq:", Comparison::equal},
        {"neq:", Comparison::not_equal},
        {"lt:", Comparison::less},
        {"lte:", Comparison::less_or_equal},
        {"gt:", Comparison::greater},
        {"gte:", Comparison::greater_or_equal}};
    for (const auto& [word, comparison] : words) {
        const auto query = read("created_at=" + std::string(word) + "2026-08-01T12:00:00Z");
        ASSERT_OK(query) << word;
        EXPECT_EQ(query->times.at(0).comparison, comparison);
        EXPECT_EQ(query->times.at(0).value, time);
    }
}

TEST(ListQuery, ReadsTheOtherParameters) {
    const auto query = read(
        "visibility=community&os_hidden=TRUE&protected=false&member_status=all&tag=a&tag=b"
        "&marker=11111111-2222-4333-8444-555555555555&deleted=true&is_public=1&foo_min=x"
    );
    ASSERT_OK(query);
    EXPECT_EQ(query->visibility, "community");
    EXPECT_TRUE(query->hidden);
    EXPECT_EQ(query->is_protected, false);
    EXPECT_EQ(query->scope.member_status, "all");
    EXPECT_THAT(query->tags, ElementsAre("a", "b"));
    EXPECT_EQ(query->marker, ImageId("11111111-2222-4333-8444-555555555555"));
    EXPECT_THAT(
        query->properties,
        ElementsAre(testing::Pair("is_public", "1"), testing::Pair("foo_min", "x"))
    );
    EXPECT_EQ(read("visibility=")->visibility, "");
}

TEST(ListQuery, RefusesWhatItCanNotRead) {
    for (const char* query :
         {"limit=-1",
          "limit=-99999999999999999999",
          "limit=99999999999999999999x",
          "limit=x",
          "limit=",
          "limit=1.5",
          "marker=x",
          "sort=",
          "sort=color",
          "sort=name:up",
          "sort=name,",
          "sort=name&sort_key=size",
          "sort=name&sort_dir=asc",
          "sort_key=color",
          "sort_key=",
          "sort_dir=up",
          "sort_key=name&sort_dir=asc&sort_dir=asc",
          "member_status=x",
          "visibility=x",
          "os_hidden=1",
          "protected=True",
          "protected=",
          "name=neq:a",
          "name=foo:L1",
          "id=like:a",
          "status=gt:a",
          "name=in:a%22b%22",
          "name=in:%22a",
          "name=in:%22a%22b",
          "created_at=x",
          "created_at=in:2026-08-01T12:00:00Z",
          "created_at=gt:",
          "updated_at=",
          "size_min=x",
          "size=x",
          "min_ram_max=",
          "changes-since=2026-08-01T12:00:00Z"})
        EXPECT_ERROR(Errc::invalid_argument, read(query)) << query;
}

TEST(ListQuery, TakesSixtyFourFiltersOfAllKindsAndNoMore) {
    for (const char* filter :
         {"tag=t", "color=red", "name=n", "size_min=1", "created_at=2026-08-01T12:00:00Z"}) {
        std::string query = "name=n";
        for (int i = 1; i < 64; ++i) query += "&" + std::string(filter);
        EXPECT_OK(read(query)) << filter;
        EXPECT_ERROR(Errc::invalid_argument, read(query + "&owner=o")) << filter;
        EXPECT_OK(read(query + "&limit=1&sort=name&visibility=public")) << filter;
    }
}

TEST(ListQuery, TakesAThousandItemsOfOneFilterAndNoMore) {
    EXPECT_EQ(read("id=in:" + std::string(999, ','))->texts.at(0).any_of.size(), 1000U);
    EXPECT_ERROR(Errc::invalid_argument, read("id=in:" + std::string(1000, ',')));
}

TEST(ListLink, KeepsRepeatsAndPutsTheMarkerLast) {
    EXPECT_EQ(list_link("/v2/images", {}, ""), "/v2/images");
    const QueryItems items{
        {"marker", "old"}, {"tag", "a b"}, {"tag", "c"}, {"sort", "name:asc,id"}};
    EXPECT_EQ(
        list_link("/v2/images", items, "new"),
        "/v2/images?tag=a+b&tag=c&sort=name%3Aasc%2Cid&marker=new"
    );
    EXPECT_EQ(list_link("/v2/images", items, ""), "/v2/images?tag=a+b&tag=c&sort=name%3Aasc%2Cid");
}

}  // namespace
}  // namespace slipway::http::api
