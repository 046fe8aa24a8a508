#include "store/db.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace slipway::store {
namespace {

class SqliteFile : public testing::Test {
protected:
    SqliteFile() {
        std::string name = (std::filesystem::temp_directory_path() / "slipway-db-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("can not make a temporary folder");
        folder_ = name;
        target_.path = folder_ + "/with  blanks = and.db";
    }
    ~SqliteFile() override { std::filesystem::remove_all(folder_); }

    std::string folder_;
    DbTarget target_;
};

std::string pragma(Db& db, const std::string& name) {
    return db.query("pragma " + name).value().at(0).at(0).text();
}

TEST_F(SqliteFile, IsOpenedHardenedAndDurable) {
    const auto db = Db::open(target_).value();
    EXPECT_EQ(pragma(*db, "journal_mode"), "wal");
    EXPECT_EQ(pragma(*db, "synchronous"), "2");
    EXPECT_EQ(pragma(*db, "foreign_keys"), "1");
    EXPECT_EQ(pragma(*db, "busy_timeout"), "5000");
    EXPECT_EQ(pragma(*db, "trusted_schema"), "0");
    EXPECT_EQ(pragma(*db, "cell_size_check"), "1");
    EXPECT_TRUE(std::filesystem::exists(target_.path));
    db->execute("create table t (x bigint)").value();
    EXPECT_FALSE(db->execute("delete from sqlite_master")) << "defensive";
}

TEST_F(SqliteFile, BelongsToOneAtATime) {
    auto first = Db::open(target_).value();
    const auto second = Db::open(target_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::conflict);
    EXPECT_NE(second.error().message.find("another slipway server"), std::string::npos);
    first.reset();
    EXPECT_TRUE(Db::open(target_));
}

TEST_F(SqliteFile, SaysWhenItsFolderIsMissing) {
    target_.path = folder_ + "/missing/c.db";
    const auto opened = Db::open(target_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::unavailable);
}

TEST_F(SqliteFile, IsCorruptWhenItIsNoDatabase) {
    std::ofstream(target_.path) << std::string(4096, 'x');
    const auto opened = Db::open(target_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::corrupt);
}

TEST_F(SqliteFile, HasNoSpaceWhenItMayNotGrow) {
    const auto db = Db::open(target_).value();
    db->execute("create table t (x text)").value();
    db->query("pragma max_page_count = 4").value();
    const auto full = db->write([&]() -> Result<void> {
        for (int i = 0; i < 20; ++i)
            if (auto done = db->execute("insert into t values (?)", {std::string(4000, 'x')});
                !done)
                return done.error();
        return {};
    });
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, Errc::unavailable);
    EXPECT_TRUE(db->query("select x from t").value().empty()) << "rolled back";
    EXPECT_TRUE(db->write([&] { return db->execute("insert into t values ('y')"); }));
}

class MemoryDb : public testing::Test {
protected:
    MemoryDb() : db_(Db::open(DbTarget{Engine::sqlite, ":memory:", {}}).value()) {
        db_->execute("create table t (id bigint primary key, x text check (length(x) < 9))")
            .value();
    }
    std::string all() {
        std::string text;
        for (const DbRow& row : db_->query("select id, x from t order by id").value())
            text += row.at(0).text() + row.at(1).text() + " ";
        return text;
    }

    std::unique_ptr<Db> db_;
};

TEST_F(MemoryDb, GivesBackEveryKindOfValue) {
    db_->execute("create table v (n text, i bigint, d double precision, s text)").value();
    db_->execute(
           "insert into v values (?, ?, ?, ?)",
           {std::nullopt, std::int64_t{-1} << 62, 0.1, "it's ? :x \xE2\x82\xAC"}
    )
        .value();
    const auto rows = db_->query("select n, i, d, s, count(*), '?' from v").value();
    EXPECT_TRUE(rows.at(0).at(0).is_null());
    EXPECT_EQ(rows.at(0).at(1).integer(), std::int64_t{-1} << 62);
    EXPECT_EQ(rows.at(0).at(2).real(), 0.1);
    EXPECT_EQ(rows.at(0).at(3).text(), "it's ? :x \xE2\x82\xAC");
    EXPECT_EQ(rows.at(0).at(4).integer(), 1) << "a number without a declared type";
    EXPECT_EQ(rows.at(0).at(5).text(), "?");
}

TEST_F(MemoryDb, RollsBackWhatFailsOrThrows) {
    const auto failed = db_->write([&]() -> Result<void> {
        db_->execute("insert into t values (1, 'a')").value();
        return Error(Errc::forbidden, "no");
    });
    EXPECT_EQ(failed.error().code, Errc::forbidden);
    EXPECT_THROW(
        (void)db_->write([&]() -> Result<void> {
            db_->execute("insert into t values (2, 'b')").value();
            throw std::runtime_error("broken");
        }),
        std::runtime_error
    );
    EXPECT_EQ(all(), "");
    EXPECT_TRUE(db_->write([&] { return db_->execute("insert into t values (3, 'c')"); }));
    EXPECT_EQ(all(), "3c ");
}

TEST_F(MemoryDb, RollsBackWhenAnErrorOfAStatementIsIgnored) {
    const auto result = db_->write([&]() -> Result<void> {
        db_->execute("insert into t values (1, 'a')").value();
        (void)db_->execute("insert into t values (1, 'b')");
        return {};
    });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::conflict);
    EXPECT_EQ(result.error().reason, "unique");
    EXPECT_EQ(all(), "");
}

TEST_F(MemoryDb, TranslatesTheEnginesErrors) {
    const auto code = [&](const std::string& sql) { return db_->execute(sql).error().code; };
    db_->execute("create table r (t bigint not null references t (id))").value();
    EXPECT_EQ(code("insert into r values (5)"), Errc::not_found);
    EXPECT_EQ(code("insert into r values (null)"), Errc::invalid_argument);
    EXPECT_EQ(code("insert into t values (1, 'much too long')"), Errc::invalid_argument);
    EXPECT_EQ(code("selekt"), Errc::internal);
    EXPECT_EQ(
        db_->execute("insert into t values (1, ?)", {std::string("a\0b", 3)}).error().code,
        Errc::invalid_argument
    );
}

TEST_F(MemoryDb, CountsTheRowsAStatementChanged) {
    EXPECT_EQ(db_->execute("insert into t values (1, 'a'), (2, 'b')").value(), 2U);
    EXPECT_EQ(db_->execute("update t set x = 'c' where id = ?", {7}).value(), 0U);
    EXPECT_EQ(db_->execute("insert into t values (1, 'a') on conflict do nothing").value(), 0U);
    EXPECT_EQ(db_->execute("delete from t").value(), 2U);
}

}  // namespace
}  // namespace slipway::store
