#include "app/ini.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::app {

bool operator==(const IniValue& a, const IniValue& b) {
    return a.group == b.group && a.name == b.name && a.text == b.text && a.origin == b.origin;
}

std::ostream& operator<<(std::ostream& out, const IniValue& value) {
    return out << "[" << value.group << "] " << value.name << " = {" << value.text << "} at "
               << value.origin.str();
}

std::ostream& operator<<(std::ostream& out, const Mistake& mistake) {
    return out << mistake.origin.str() << ": " << mistake.what;
}

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<IniValue> parsed(std::string_view text) {
    std::vector<Mistake> mistakes;
    auto values = parse_ini(text, "f", mistakes);
    EXPECT_THAT(mistakes, IsEmpty());
    return values;
}

std::vector<Mistake> mistakes_of(std::string_view text) {
    std::vector<Mistake> mistakes;
    parse_ini(text, "f", mistakes);
    return mistakes;
}

// The only value of a file with `line` in it.
std::string value_of(std::string_view line) {
    const auto values = parsed("[g]\n" + std::string(line));
    EXPECT_THAT(values, SizeIs(1));
    return values.empty() ? "" : values.front().text;
}

IniValue value(std::string group, std::string name, std::string text, std::size_t line) {
    return {std::move(group), std::move(name), std::move(text), {"f", line}};
}

TEST(Ini, KeepsSectionNameValueAndLine) {
    EXPECT_THAT(
        parsed("[DEFAULT]\n\nbind_port = 9292\n[Glance_Store]\na: b\n"),
        ElementsAre(value("DEFAULT", "bind_port", "9292", 3), value("glance_store", "a", "b", 5))
    );
}

TEST(Ini, SplitsAtTheFirstEqualSignOrColon) {
    EXPECT_EQ(value_of("a = b = c"), "b = c");
    EXPECT_EQ(value_of("a : b = c"), "b = c");
    EXPECT_EQ(value_of("a = ds1:vmware, ds2:file"), "ds1:vmware, ds2:file");
    EXPECT_EQ(value_of("a=b"), "b");
    EXPECT_EQ(value_of("a ="), "");
}

TEST(Ini, RemovesOnePairOfEqualQuotes) {
    EXPECT_EQ(value_of("a = \"vmware\""), "vmware");
    EXPECT_EQ(value_of("a = 'vm ware'"), "vm ware");
    EXPECT_EQ(value_of("a = \"\"x\"\""), "\"x\"");
    EXPECT_EQ(value_of("a = \"vmware'"), "\"vmware'");
    EXPECT_EQ(value_of("a = \" x \""), " x ");
    EXPECT_EQ(value_of("a = \""), "\"");
}

TEST(Ini, TakesOnlyWholeLinesAsComments) {
    EXPECT_THAT(parsed("[g]\n# a = 1\n; b = 2\n#\n"), IsEmpty());
    EXPECT_EQ(value_of("a = b ; c"), "b ; c");
    EXPECT_EQ(value_of("a = b # c"), "b # c");
}

TEST(Ini, JoinsContinuationLinesUntilAnEmptyOne) {
    EXPECT_EQ(value_of("a = b\n  c\n\td\n"), "b\nc\nd");
    EXPECT_EQ(value_of("a =\n  b"), "\nb");
    EXPECT_EQ(value_of("a = b\n  # no comment here"), "b\n# no comment here");
    EXPECT_THAT(
        mistakes_of("[g]\na = b\n\n  c\n"),
        ElementsAre(testing::Field(&Mistake::origin, (Origin{"f", 4})))
    );
}

TEST(Ini, KeepsRepeatsInTheirOrder) {
    EXPECT_THAT(
        parsed("[g]\nds = a\nds = b\nds = a\n"),
        ElementsAre(value("g", "ds", "a", 2), value("g", "ds", "b", 3), value("g", "ds", "a", 4))
    );
}

TEST(Ini, TreatsDashAndUnderscoreInNamesAlike) {
    EXPECT_THAT(parsed("[g]\nbind-host = x-y\n"), ElementsAre(value("g", "bind_host", "x-y", 2)));
}

TEST(Ini, ReadsFilesOfOtherSystems) {
    EXPECT_THAT(
        parsed("\xEF\xBB\xBF[g]\r\na = b\r\nlast = c"),
        ElementsAre(value("g", "a", "b", 2), value("g", "last", "c", 3))
    );
    EXPECT_THAT(parsed(""), IsEmpty());
}

TEST(Ini, TakesVeryLongLines) {
    const std::string text(100'000, 'x');
    EXPECT_EQ(value_of("a = " + text), text);
}

TEST(Ini, ReportsEveryMistakeWithItsLine) {
    const auto mistakes = mistakes_of(
        "before = 1\n"
        "[open\n"
        "[]\n"
        "[g]\n"
        "no assignment\n"
        "  its continuation\n"
        "= 5\n"
        "good = 1\n"
    );
    ASSERT_THAT(mistakes, SizeIs(5));
    EXPECT_EQ(mistakes[0].origin.str(), "f:1");
    EXPECT_THAT(mistakes[0].what, HasSubstr("put [DEFAULT] above it"));
    EXPECT_EQ(mistakes[1].origin.str(), "f:2");
    EXPECT_THAT(mistakes[1].what, HasSubstr("no closing bracket"));
    EXPECT_EQ(mistakes[2].origin.str(), "f:3");
    EXPECT_THAT(mistakes[2].what, HasSubstr("no name"));
    EXPECT_EQ(mistakes[3].origin.str(), "f:5");
    EXPECT_THAT(mistakes[3].what, HasSubstr("write option = value"));
    EXPECT_EQ(mistakes[4].origin.str(), "f:7");
    EXPECT_THAT(mistakes[4].what, HasSubstr("no option name"));
}

TEST(Ini, NamesTheEnvironmentVariableOfAnOption) {
    EXPECT_EQ(environment_name("DEFAULT", "bind_port"), "OS_DEFAULT__BIND_PORT");
    EXPECT_EQ(
        environment_name("ds-1", "vmware_server_password"), "OS_DS_1__VMWARE_SERVER_PASSWORD"
    );
}

Result<std::string> replaced(std::string_view text) {
    return substitute(text, [](std::string_view reference) -> Result<std::optional<std::string>> {
        if (reference == "home") return std::optional<std::string>("/srv");
        if (reference == "store.dir") return std::optional<std::string>("images");
        return std::optional<std::string>();
    });
}

TEST(IniReferences, AreReplaced) {
    EXPECT_EQ(*replaced("$home/x"), "/srv/x");
    EXPECT_EQ(*replaced("${home}x"), "/srvx");
    EXPECT_EQ(*replaced("${store.dir}"), "images");
    EXPECT_EQ(*replaced("$store.dir."), "images.");
    EXPECT_EQ(*replaced("$home$home"), "/srv/srv");
}

TEST(IniReferences, AreNotSeenInAnEscapedOrLoneDollar) {
    EXPECT_EQ(*replaced("pa$$word"), "pa$word");
    EXPECT_EQ(*replaced("pa\\$word"), "pa$word");
    EXPECT_EQ(*replaced("$${home}"), "${home}");
    EXPECT_EQ(*replaced("a$"), "a$");
    EXPECT_EQ(*replaced("$5 ${ ${home"), "$5 ${ ${home");
}

TEST(IniReferences, ToNothingAreRefusedWithoutShowingTheText) {
    const auto result = replaced("secret$word");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::invalid_argument);
    EXPECT_THAT(result.error().message, HasSubstr("write $$ for a dollar"));
    EXPECT_THAT(result.error().message, testing::Not(HasSubstr("word")));
}

}  // namespace
}  // namespace slipway::app
