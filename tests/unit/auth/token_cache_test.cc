#include "auth/token_cache.h"

#include <gtest/gtest.h>

namespace slipway::auth {
namespace {

using namespace std::chrono_literals;

Identity of(const std::string& user) {
    Identity identity;
    identity.user = user;
    return identity;
}

class TokenCacheTest : public testing::Test {
protected:
    std::optional<std::string> user_at(const std::string& key, TokenCache::Moment when) {
        const auto identity = cache.find_good(key, when);
        return identity ? identity->user : std::nullopt;
    }

    const TokenCache::Moment start{};
    TokenCache cache{3};
};

TEST_F(TokenCacheTest, RemembersUntilTheMomentSaid) {
    cache.put_good("a", of("alice"), start + 10s);
    EXPECT_EQ(user_at("a", start + 9s), "alice");
    EXPECT_EQ(user_at("b", start), std::nullopt);
    EXPECT_EQ(user_at("a", start + 10s), std::nullopt);
    EXPECT_EQ(cache.size(), 0U);
    cache.put_bad("c", start + 5s);
    EXPECT_TRUE(cache.is_bad("c", start + 4s));
    EXPECT_FALSE(cache.is_bad("c", start + 5s));
}

TEST_F(TokenCacheTest, TakesTheLatestWord) {
    cache.put_good("a", of("alice"), start + 10s);
    cache.put_good("a", of("bob"), start + 20s);
    EXPECT_EQ(user_at("a", start + 15s), "bob");
    EXPECT_EQ(cache.size(), 1U);
}

TEST_F(TokenCacheTest, DropsWhatWasNotUsedForLongest) {
    for (const char* key : {"a", "b", "c"}) cache.put_good(key, of(key), start + 10s);
    EXPECT_EQ(user_at("a", start), "a");
    cache.put_good("d", of("d"), start + 10s);
    EXPECT_EQ(user_at("b", start), std::nullopt);
    for (const char* key : {"a", "c", "d"}) EXPECT_EQ(user_at(key, start), key);
}

TEST_F(TokenCacheTest, StaysSmallAndKeepsTheGoodWhateverBadTokensCome) {
    cache.put_good("a", of("alice"), start + 10s);
    for (int i = 0; i < 100'000; ++i) cache.put_bad(std::to_string(i), start + 10s);
    EXPECT_EQ(cache.size(), 4U);
    EXPECT_EQ(user_at("a", start), "alice");
}

}  // namespace
}  // namespace slipway::auth
