#include "store/migrations.h"

#include "base/digest.h"
#include "base/stream.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace slipway::store {
namespace {

std::unique_ptr<Db> empty_db() {
    return Db::open(DbTarget{Engine::sqlite, ":memory:", {}}).value();
}

std::int64_t version(Db& db) {
    return db.query("select version from schema_version").value().at(0).at(0).integer();
}

const std::vector<Migration> kTwo{
    {1, "0001_one", "create table one (x ordered_text); -- a comment; with a semicolon\n"},
    {2, "0002_two", "create table two (x bigint);\ninsert into two values (7);\n"},
};

// Of the files of schema/catalog that a release has shipped, as `sha256sum` prints it: they never
// change, since databases have them behind them. The next line comes with the next release.
const std::vector<std::pair<std::string, std::string>> kReleased{
    {"0001_catalog", "b21704552156bc83a0fc9f208a1f2f4e9c00a55cc2750fb9b48eacfc205a511a"},
};

TEST(Migrations, AreNumberedFromOneWithoutGaps) {
    int expected = 0;
    for (const Migration& migration : catalog_migrations()) {
        EXPECT_EQ(migration.version, ++expected);
        const std::string number = std::to_string(10000 + expected).substr(1);
        EXPECT_TRUE(migration.name.starts_with(number + "_")) << migration.name;
    }
    EXPECT_GE(expected, 1);
}

TEST(Migrations, NeverChangeOnceTheyAreReleased) {
    const auto migrations = catalog_migrations();
    ASSERT_GE(migrations.size(), kReleased.size());
    for (std::size_t i = 0; i < kReleased.size(); ++i) {
        Digest digest = Digest::create("sha256").value();
        digest.update(as_bytes_of(migrations[i].sql));
        EXPECT_EQ(migrations[i].name, kReleased[i].first);
        EXPECT_EQ(digest.finish_hex(), kReleased[i].second) << migrations[i].name;
    }
}

TEST(Migrations, TellAVersionWithoutChangingAnything) {
    const auto db = empty_db();
    EXPECT_EQ(schema_version(*db).value(), 0);
    EXPECT_TRUE(db->query("select 1 from sqlite_master").value().empty());
    ASSERT_TRUE(migrate(*db, kTwo));
    EXPECT_EQ(schema_version(*db).value(), 2);
}

TEST(Migrations, ApplyOnceInOrder) {
    const auto db = empty_db();
    ASSERT_TRUE(migrate(*db, std::span(kTwo).first(1)));
    EXPECT_EQ(version(*db), 1);
    ASSERT_TRUE(migrate(*db, kTwo));
    ASSERT_TRUE(migrate(*db, kTwo));
    EXPECT_EQ(version(*db), 2);
    EXPECT_EQ(db->query("select x from two").value().size(), 1U);
}

TEST(Migrations, BringTheCatalogueFromNothingTwice) {
    const auto db = empty_db();
    ASSERT_TRUE(migrate(*db, catalog_migrations()));
    const auto schema = [&] {
        std::string text;
        for (const DbRow& row :
             db->query("select name, sql from sqlite_master order by name").value())
            text += row.at(0).text() + " " + row.at(1).text() + "\n";
        return text;
    };
    const std::string once = schema();
    ASSERT_TRUE(migrate(*db, catalog_migrations()));
    EXPECT_EQ(schema(), once);
}

TEST(Migrations, LeaveNothingOfOneThatFails) {
    const auto db = empty_db();
    std::vector<Migration> broken = kTwo;
    broken[1].sql = "create table two (x bigint); insert into nowhere values (1);";
    const auto failed = migrate(*db, broken);
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().message.find("0002_two"), std::string::npos);
    EXPECT_EQ(version(*db), 1);
    EXPECT_TRUE(migrate(*db, kTwo)) << "the table of the failed one is not there";
}

TEST(Migrations, RefuseASchemaThatIsNewer) {
    const auto db = empty_db();
    ASSERT_TRUE(migrate(*db, kTwo));
    const auto refused = migrate(*db, std::span(kTwo).first(1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::unsupported);
    EXPECT_EQ(
        refused.error().message,
        "the catalogue has schema version 2, but this slipway knows no more than 1: start the "
        "newer "
        "slipway that made it, or restore a backup from before the upgrade"
    );
}

}  // namespace
}  // namespace slipway::store
