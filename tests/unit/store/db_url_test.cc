#include "store/db_url.h"

#include <gtest/gtest.h>

namespace slipway::store {
namespace {

DbTarget parse(std::string_view url, const std::string& password = {}) {
    return parse_database_url(url, password).value();
}

TEST(DatabaseUrl, NamesASqliteFile) {
    EXPECT_EQ(parse("sqlite:///relative/c.db").path, "relative/c.db");
    EXPECT_EQ(parse("sqlite:////var/lib/c d%20.db").path, "/var/lib/c d%20.db");
    EXPECT_EQ(parse("sqlite+pysqlite:////c.db?timeout=5").path, "/c.db");
    EXPECT_EQ(parse("sqlite://").path, ":memory:");
    EXPECT_EQ(parse("sqlite:///:memory:").path, ":memory:");
}

TEST(DatabaseUrl, BecomesAConnectionStringOfPostgresql) {
    EXPECT_EQ(
        parse("postgresql+psycopg2://slip:p%40s%27s%5C@db.example:5433/cat%20alog").conninfo,
        R"(user='slip' password='p@s\'s\\' dbname='cat alog' host='db.example' port='5433')"
    );
    EXPECT_EQ(parse("postgres://db/c").conninfo, "dbname='c' host='db'");
    EXPECT_EQ(parse("postgresql://[::1]:5432/c").conninfo, "dbname='c' host='::1' port='5432'");
    EXPECT_EQ(parse("postgresql://a:1,b:2/c").conninfo, "dbname='c' host='a,b' port='1,2'");
}

TEST(DatabaseUrl, TakesHostAndSecurityFromTheQuery) {
    EXPECT_EQ(
        parse("postgresql://u@/c?host=/run/postgresql&port=5433").conninfo,
        "user='u' dbname='c' host='/run/postgresql' port='5433'"
    );
    EXPECT_EQ(
        parse("postgresql://u@%2Frun%2Fpg/c?sslmode=verify-full").conninfo,
        "user='u' dbname='c' sslmode='verify-full' host='/run/pg'"
    );
    EXPECT_EQ(
        parse("postgresql://u@/c?host=a:1&host=b:2").conninfo,
        "user='u' dbname='c' host='a,b' port='1,2'"
    );
}

TEST(DatabaseUrl, PrefersThePasswordThatIsKeptApart) {
    EXPECT_EQ(
        parse("postgresql://u:old@h/c", "n%41").conninfo,
        "user='u' password='n%41' dbname='c' host='h'"
    );
    EXPECT_EQ(
        parse("postgresql://u:a%3Ab:c@h/c").conninfo,
        "user='u' password='a:b:c' dbname='c' host='h'"
    );
    EXPECT_EQ(
        parse("postgresql://u:a@b@h/c").conninfo, "user='u' password='a@b' dbname='c' host='h'"
    );
}

MariaDbTarget mariadb(std::string_view url) {
    return std::get<MariaDbTarget>(parse_foreign_database_url(url).value());
}

TEST(ForeignDatabaseUrl, NamesAMariaDb) {
    const auto target =
        mariadb("mysql+pymysql://gl%40nce:p%40s%2Fs@db.example:3307/gl?charset=utf8");
    EXPECT_EQ(target.user, "gl@nce");
    EXPECT_EQ(target.password.reveal(), "p@s/s");
    EXPECT_EQ(target.host, "db.example");
    EXPECT_EQ(target.port, 3307U);
    EXPECT_EQ(target.database, "gl");
    EXPECT_FALSE(target.encrypted);
    EXPECT_EQ(mariadb("mysql://u@h/d").port, 3306U);
    EXPECT_EQ(mariadb("mysql://u@/d?unix_socket=/run/s").socket, "/run/s");
}

TEST(ForeignDatabaseUrl, ChecksACertificateUnlessItSaysNotTo) {
    const auto checked = mariadb("mysql://u@h/d?ssl_ca=/ca.pem");
    EXPECT_TRUE(checked.encrypted && checked.verified);
    EXPECT_EQ(checked.ca_file, "/ca.pem");
    EXPECT_TRUE(mariadb("mysql://u@h/d?ssl_verify_cert=true").encrypted);
    const auto trusting = mariadb("mysql://u@h/d?ssl=true&ssl_verify_cert=false");
    EXPECT_TRUE(trusting.encrypted && !trusting.verified);
}

TEST(ForeignDatabaseUrl, RefusesWithoutShowingIt) {
    for (const std::string_view url :
         {"mysql://u:secret@h",
          "mysql://u:secret%@h/d",
          "mysql://u:secret@h:port/d",
          "mysql://u:secret@h/d?ssl_check_hostname=false",
          "mysql://u:secret@h/d?ssl_verify_cert=maybe",
          "oracle://u:secret@h/d"}) {
        const auto refused = parse_foreign_database_url(url);
        ASSERT_FALSE(refused) << url;
        EXPECT_EQ(refused.error().code, Errc::invalid_argument);
        EXPECT_EQ(refused.error().message.find("secret"), std::string::npos);
    }
}

TEST(ForeignDatabaseUrl, NamesTheOtherEnginesToo) {
    EXPECT_EQ(
        std::get<DbTarget>(parse_foreign_database_url("sqlite:////g.db").value()).path, "/g.db"
    );
    EXPECT_EQ(
        std::get<DbTarget>(parse_foreign_database_url("postgresql://u@h/g").value()).engine,
        Engine::postgresql
    );
}

TEST(DatabaseUrl, NamesBothWaysOutOfMysql) {
    const auto refused = parse_database_url("mysql+pymysql://glance:secret@db/glance", {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::invalid_argument);
    EXPECT_NE(refused.error().message.find("--config-file"), std::string::npos);
    EXPECT_NE(refused.error().message.find("import-glance"), std::string::npos);
    EXPECT_EQ(refused.error().message.find("secret"), std::string::npos);
}

TEST(DatabaseUrl, RefusesWhatItDoesNotKnowWithoutShowingIt) {
    for (const std::string_view url :
         {"",
          "catalog.db",
          "oracle://u:secret@h/d",
          "sqlite://host/secret.db",
          "sqlite:///a\"b",
          "postgresql://u:secret%@h/d",
          "postgresql://u:secret%zz@h/d",
          "postgresql://u:secret@h:port/d",
          "postgresql://u:secret@h",
          "postgresql://u:secret@h/",
          "postgresql://u:secret@h/d?secret=1",
          "postgresql://u:secret%00@h/d"}) {
        const auto refused = parse_database_url(url, {});
        ASSERT_FALSE(refused) << url;
        EXPECT_EQ(refused.error().code, Errc::invalid_argument) << url;
        if (url.find("?secret") == std::string_view::npos)
            EXPECT_EQ(refused.error().message.find("secret"), std::string::npos) << url;
    }
}

}  // namespace
}  // namespace slipway::store
