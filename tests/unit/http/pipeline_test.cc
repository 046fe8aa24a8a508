// Where requests end, in streams of them: a second reader must count the same requests and find
// the same bodies, or one could be smuggled past it.
#include "tests/support/request_streams.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

namespace slipway::http {
namespace {

using test::read_by_beast;
using test::read_by_slipway;
using test::SeenStream;
using test::StreamEnd;

TEST(Pipeline, IsReadAlikeHoweverThePiecesBreak) {
    for (const auto& stream : test::request_streams()) {
        const SeenStream whole = read_by_slipway(stream.bytes, stream.bytes.size());
        for (std::size_t piece = 1; piece < stream.bytes.size(); ++piece) {
            const SeenStream cut = read_by_slipway(stream.bytes, piece);
            EXPECT_EQ(cut.requests, whole.requests) << stream.what << " in pieces of " << piece;
            EXPECT_EQ(cut.end, whole.end) << stream.what << " in pieces of " << piece;
        }
    }
}

TEST(Pipeline, IsReadByAnotherParserAsByUs) {
    for (const auto& stream : test::request_streams()) {
        const SeenStream ours = read_by_slipway(stream.bytes, stream.bytes.size());
        const SeenStream theirs = read_by_beast(stream.bytes);
        if (ours.end != StreamEnd::refused) {
            EXPECT_EQ(theirs.requests, ours.requests) << stream.what;
            EXPECT_EQ(theirs.end, ours.end) << stream.what;
            continue;
        }
        // Refused by us: they agree up to there, and may go on where we do not.
        ASSERT_GE(theirs.requests.size(), ours.requests.size()) << stream.what;
        EXPECT_TRUE(std::ranges::equal(
            ours.requests, std::span(theirs.requests).first(ours.requests.size())
        )) << stream.what;
    }
}

TEST(Pipeline, NeverHoldsARequestThatStandsInABody) {
    for (const auto& stream : test::request_streams())
        for (const auto& request : read_by_slipway(stream.bytes, 1).requests)
            EXPECT_NE(request.target, "/hidden") << stream.what;
}

}  // namespace
}  // namespace slipway::http
