#include "http/range.h"

#include "tests/support/fake_request.h"

#include <gtest/gtest.h>

#include <vector>

namespace slipway::http {
namespace {

struct Row {
    const char* range;
    const char* legacy;
    int status;
    const char* content_range;
};

TEST(Range, AnswersEveryRowOfTheTableForTenBytes) {
    const std::vector<Row> rows = {
        {"", "", 200, ""},
        {"bytes=0-4", "", 206, "bytes 0-4/10"},
        {"bytes=5-", "", 206, "bytes 5-9/10"},
        {"bytes=-3", "", 206, "bytes 7-9/10"},
        {"bytes=-30", "", 206, "bytes 0-9/10"},
        {"bytes=0-100", "", 206, "bytes 0-9/10"},
        {"bytes=9-9", "", 206, "bytes 9-9/10"},
        {"Bytes=0-4", "", 206, "bytes 0-4/10"},
        {"bytes= 0-4 ", "", 206, "bytes 0-4/10"},
        {"bytes=-0", "", 416, "bytes */10"},
        {"bytes=10-", "", 416, "bytes */10"},
        {"bytes=10-12", "", 416, "bytes */10"},
        {"bytes=4-2", "", 416, "bytes */10"},
        {"bytes=a-b", "", 416, "bytes */10"},
        {"bytes=", "", 416, "bytes */10"},
        {"bytes=-", "", 416, "bytes */10"},
        {"bytes=5", "", 416, "bytes */10"},
        {"bytes=--5", "", 416, "bytes */10"},
        {"bytes=+1-2", "", 416, "bytes */10"},
        {"bytes", "", 416, "bytes */10"},
        {"bytes=0-18446744073709551616", "", 206, "bytes 0-9/10"},
        {"bytes=-99999999999999999999999", "", 206, "bytes 0-9/10"},
        {"bytes=18446744073709551616-", "", 416, "bytes */10"},
        {"items=0-1", "", 200, ""},
        {"bytes=0-1,3-4", "", 400, ""},
        {"bytes=0-1,", "", 400, ""},
        {"", "bytes 0-4/10", 206, "bytes 0-4/10"},
        {"", "bytes 0-4/*", 206, "bytes 0-4/10"},
        {"bytes=5-", "bytes 0-4/10", 206, "bytes 5-9/10"},
        {"", "bytes 5-12/*", 416, "bytes */10"},
        {"", "bytes 10-11/*", 416, "bytes */10"},
        {"", "bytes */10", 416, "bytes */10"},
        {"", "bytes 5-12/20", 416, "bytes */10"},
        {"", "bytes 4-2/10", 416, "bytes */10"},
        {"", "bytes 0-4/4", 416, "bytes */10"},
        {"", "bytes 0-4", 416, "bytes */10"},
        {"", "bytes 0-4/x", 416, "bytes */10"},
        {"", "nonsense", 416, "bytes */10"},
    };
    for (const auto& row : rows) {
        const auto outcome = decide_range(row.range, row.legacy, 10);
        EXPECT_EQ(outcome.status, row.status) << row.range << '|' << row.legacy;
        EXPECT_EQ(outcome.content_range, row.content_range) << row.range << '|' << row.legacy;
    }
}

TEST(Range, GivesTheBytesToSend) {
    const auto part = decide_range("bytes=2-5", "", 10);
    EXPECT_EQ(part.first, 2U);
    EXPECT_EQ(part.length, 4U);
    const auto whole = decide_range("", "", 10);
    EXPECT_EQ(whole.first, 0U);
    EXPECT_EQ(whole.length, 10U);
}

TEST(Range, FindsNothingInAnEmptyImage) {
    for (const char* range : {"bytes=0-", "bytes=-1", "bytes=0-0"})
        EXPECT_EQ(decide_range(range, "", 0).status, 416) << range;
    EXPECT_EQ(decide_range("", "", 0).status, 200);
}

TEST(Range, IsReadFromARequest) {
    test::FakeRequest request("GET", "/");
    request.with("range", "bytes=1-1");
    EXPECT_EQ(decide_range(request, 10).content_range, "bytes 1-1/10");
}

TEST(Range, SurvivesAThousandRanges) {
    std::string range = "bytes=0-0";
    for (int i = 0; i < 1000; ++i) range += ",0-0";
    EXPECT_EQ(decide_range(range, "", 10).status, 400);
}

}  // namespace
}  // namespace slipway::http
