#include "service/metadef_json.h"

#include "tests/support/results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::test {
namespace {

using namespace service;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

json::Document parsed(std::string_view text) {
    return json::Document::parse(text).value();
}

Result<MetadefNamespace> read_space(
    std::string_view text, ReadOnlyMembers read_only = ReadOnlyMembers::refused
) {
    const auto document = parsed(text);
    return read_metadef_namespace(document.root(), read_only);
}

Result<MetadefProperty> read_property(std::string_view text) {
    const auto document = parsed(text);
    return read_metadef_property(document.root());
}

// What is kept of a property with these members besides the mandatory ones.
std::string kept(const std::string& members) {
    const auto property =
        read_property(R"({"name": "p", "title": "T", "type": "string", )" + members + "}");
    if (!property) return property.error().message;
    const std::string begin = R"({"title":"T","type":"string",)";
    EXPECT_TRUE(property->definition.starts_with(begin)) << property->definition;
    return property->definition.substr(
        begin.size(), property->definition.size() - begin.size() - 1
    );
}

TEST(MetadefNamespaceBody, NeedsANameAndNoMore) {
    const auto space = read_space(R"({"namespace": "OS::Compute::Quota"})").value();
    EXPECT_EQ(space.name, "OS::Compute::Quota");
    EXPECT_EQ(space.visibility, Visibility::private_);
    EXPECT_FALSE(space.is_protected);
    EXPECT_EQ(space.display_name, std::nullopt);
    EXPECT_EQ(space.owner, std::nullopt);
    EXPECT_THAT(space.properties, IsEmpty());
}

TEST(MetadefNamespaceBody, HoldsEverything) {
    const auto space = read_space(R"({
        "namespace": "n", "display_name": "N", "description": null, "visibility": "public",
        "protected": true, "owner": "p",
        "resource_type_associations": [{"name": "OS::Glance::Image", "prefix": "hw_"}],
        "properties": {"a": {"title": "A", "type": "integer", "default": 8}},
        "objects": [{"name": "o", "description": "O", "required": ["x"], "self": "/x",
                     "properties": {"x": {"title": "X", "type": "string"}}}],
        "tags": [{"name": "t", "created_at": "2026-08-01T12:00:00Z"}]})")
                           .value();
    EXPECT_EQ(space.display_name, "N");
    EXPECT_EQ(space.description, std::nullopt);
    EXPECT_EQ(space.visibility, Visibility::public_);
    EXPECT_TRUE(space.is_protected);
    EXPECT_EQ(space.owner, "p");
    ASSERT_EQ(space.associations.size(), 1U);
    EXPECT_EQ(space.associations[0].prefix, "hw_");
    EXPECT_EQ(space.associations[0].properties_target, std::nullopt);
    ASSERT_EQ(space.properties.size(), 1U);
    EXPECT_EQ(space.properties[0].definition, R"({"title":"A","type":"integer","default":"8"})");
    ASSERT_EQ(space.objects.size(), 1U);
    EXPECT_THAT(space.objects[0].required, ElementsAre("x"));
    EXPECT_EQ(space.objects[0].properties[0].definition, R"({"title":"X","type":"string"})");
    ASSERT_EQ(space.tags.size(), 1U);
    EXPECT_EQ(space.tags[0].name, "t");
}

TEST(MetadefNamespaceBody, IsRefusedWhenItIsWrong) {
    for (const char* wrong :
         {"[]",
          "7",
          "null",
          "{}",
          R"({"namespace": null})",
          R"({"namespace": 7})",
          R"({"namespace": ""})",
          R"({"namespace": "a/b"})",
          R"({"namespace": ".."})",
          R"({"namespace": "a\u0001"})",
          R"({"namespace": "n", "visibility": "shared"})",
          R"({"namespace": "n", "protected": "yes"})",
          R"({"namespace": "n", "display_name": 7})",
          R"({"namespace": "n", "description": "a\u0000b"})",
          R"({"namespace": "n", "color": "red"})",
          R"({"namespace": "n", "tags": {}})",
          R"({"namespace": "n", "tags": ["t"]})",
          R"({"namespace": "n", "tags": [{"name": "t", "color": "red"}]})",
          R"({"namespace": "n", "objects": [{"description": "no name"}]})",
          R"({"namespace": "n", "objects": [{"name": "o", "required": ["a", "a"]}]})",
          R"({"namespace": "n", "objects": [{"name": "o", "required": [7]}]})",
          R"({"namespace": "n", "properties": []})",
          R"({"namespace": "n", "properties": {"p": 7}})",
          R"({"namespace": "n", "properties": {"p": {"title": "T"}}})",
          R"({"namespace": "n", "properties": {"p": {"type": "string"}}})",
          R"({"namespace": "n", "resource_type_associations": [{"prefix": "p"}]})"})
        EXPECT_ERROR(Errc::invalid_argument, read_space(wrong)) << wrong;
}

TEST(MetadefNamespaceBody, CountsCharacters) {
    const std::string name(80, 'n');
    EXPECT_OK(read_space(R"({"namespace": ")" + name + R"("})"));
    EXPECT_ERROR(Errc::invalid_argument, read_space(R"({"namespace": ")" + name + R"(n"})"));
    std::string umlauts;
    for (int i = 0; i < 80; ++i) umlauts += "ü";
    EXPECT_OK(read_space(R"({"namespace": ")" + umlauts + R"("})"));
    const std::string text(500, 'd');
    EXPECT_OK(read_space(R"({"namespace": "n", "description": ")" + text + R"("})"));
    EXPECT_ERROR(
        Errc::invalid_argument,
        read_space(R"({"namespace": "n", "description": ")" + text + R"(d"})")
    );
}

TEST(MetadefNamespaceBody, MustNotSayWhatTheServerMakes) {
    for (const std::string key : {"self", "schema", "created_at", "updated_at"}) {
        const std::string body = R"({"namespace": "n", ")" + key + R"(": "x"})";
        EXPECT_ERROR(Errc::forbidden, read_space(body)) << key;
        EXPECT_OK(read_space(body, ReadOnlyMembers::dropped));
    }
}

TEST(MetadefPropertyBody, KeepsItsMembersInOneOrder) {
    EXPECT_EQ(
        read_property(
            R"({"type": "string", "enum": ["a"], "name": "p", "title": "T", "default": "a"})"
        )
            .value()
            .definition,
        R"({"title":"T","type":"string","default":"a","enum":["a"]})"
    );
    EXPECT_EQ(kept(R"("operators": ["<in>"])"), R"("operators":["<in>"])");
    EXPECT_EQ(kept(R"("readonly": true, "pattern": "^a$")"), R"("readonly":true,"pattern":"^a$")");
    EXPECT_EQ(kept(R"("minimum": 1, "maximum": 2.5)"), R"("minimum":1,"maximum":2.5)");
    EXPECT_EQ(kept(R"("minLength": 0, "maxLength": 9)"), R"("minLength":0,"maxLength":9)");
    EXPECT_EQ(
        kept(R"("items": {"type": "string", "enum": ["a", 1]}, "uniqueItems": false)"),
        R"("items":{"type":"string","enum":["a","1"]},"uniqueItems":false)"
    );
    EXPECT_EQ(
        kept(R"("minItems": 1, "maxItems": 2, "additionalItems": true, "required": ["a"])"),
        R"("required":["a"],"minItems":1,"maxItems":2,"additionalItems":true)"
    );
}

TEST(MetadefPropertyBody, GivesDefaultsAndChoicesAsText) {
    EXPECT_EQ(kept(R"("default": 3606)"), R"("default":"3606")");
    EXPECT_EQ(kept(R"("default": 1.5)"), R"("default":"1.5")");
    EXPECT_EQ(kept(R"("default": true)"), R"("default":"true")");
    EXPECT_EQ(kept(R"("default": ["a"])"), R"("default":"[\"a\"]")");
    EXPECT_EQ(kept(R"("default": null, "enum": ["a", 2, false])"), R"("enum":["a","2","false"])");
}

TEST(MetadefPropertyBody, IsRefusedWithTheMemberThatIsWrong) {
    EXPECT_THAT(kept(R"("minimum": "1")"), HasSubstr("\"minimum\" must be a number"));
    EXPECT_THAT(kept(R"("maxLength": -1)"), HasSubstr("\"maxLength\" must be a whole number"));
    EXPECT_THAT(kept(R"("maxItems": 1.5)"), HasSubstr("\"maxItems\" must be a whole number"));
    EXPECT_THAT(kept(R"("readonly": "true")"), HasSubstr("\"readonly\" must be true or false"));
    EXPECT_THAT(kept(R"("enum": [["a"]])"), HasSubstr("\"enum\" must be an array of strings"));
    EXPECT_THAT(
        kept(R"("operators": [1])"), HasSubstr("\"operators\" must be an array of strings")
    );
    EXPECT_THAT(
        kept(R"("items": {"enum": ["a"]})"), HasSubstr("\"items\" needs the member \"type\"")
    );
    EXPECT_THAT(kept(R"("items": {"type": "word"})"), HasSubstr("\"type\" must be one of"));
    EXPECT_THAT(kept(R"("color": "red")"), HasSubstr("no member \"color\""));
    EXPECT_ERROR(
        Errc::invalid_argument, read_property(R"({"name": "p", "title": "T", "type": "word"})")
    );
    EXPECT_ERROR(Errc::invalid_argument, read_property(R"({"title": "T", "type": "string"})"));
    EXPECT_ERROR(
        Errc::forbidden,
        read_property(R"({"name": "p", "title": "T", "type": "string", "created_at": "x"})")
    );
}

TEST(MetadefTagBody, IsANameOrAListOfNames) {
    const auto one = parsed(R"({"name": "t"})");
    EXPECT_EQ(read_metadef_tag(one.root()).value(), "t");
    const auto many = parsed(R"({"tags": [{"name": "a"}, {"name": "b"}]})");
    EXPECT_THAT(read_metadef_tags(many.root()).value(), ElementsAre("a", "b"));
    for (const char* wrong :
         {"{}", "[]", R"({"tags": null})", R"({"tags": [{}]})", R"({"tag": []})"}) {
        const auto document = parsed(wrong);
        EXPECT_ERROR(Errc::invalid_argument, read_metadef_tags(document.root())) << wrong;
    }
}

TEST(MetadefView, LeavesOutWhatIsUnset) {
    MetadefNamespace space;
    space.name = "a b";
    json::Writer writer;
    write_metadef_namespace(writer, space, MetadefDetail::whole);
    EXPECT_EQ(
        writer.text(),
        R"({"namespace":"a b","visibility":"private","protected":false,)"
        R"("created_at":"1970-01-01T00:00:00Z","updated_at":"1970-01-01T00:00:00Z",)"
        R"("self":"/v2/metadefs/namespaces/a%20b","schema":"/v2/schemas/metadefs/namespace"})"
    );
}

TEST(MetadefView, ReadsBackAsWhatItWasWrittenFrom) {
    const std::string text =
        R"({"namespace":"OS::N","display_name":"N","visibility":"public","protected":true,)"
        R"("owner":"admin","resource_type_associations":[{"name":"OS::Nova::Flavor","prefix":"hw:"}],)"
        R"("properties":{"a":{"title":"A","type":"string"}},)"
        R"("objects":[{"name":"o","required":[],"properties":{"x":{"title":"X","type":"boolean"}}}],)"
        R"("tags":[{"name":"t"}]})";
    json::Writer writer;
    write_metadef_namespace(writer, read_space(text).value(), MetadefDetail::file);
    EXPECT_EQ(writer.text(), text);
}

TEST(MetadefView, ShowsAPropertyWithItsName) {
    json::Writer writer;
    write_metadef_property(writer, {"p", R"({"title":"T","type":"string"})"});
    EXPECT_EQ(writer.text(), R"({"name":"p","title":"T","type":"string"})");
}

TEST(MetadefPath, KeepsWhatMayStandInAPath) {
    EXPECT_EQ(metadef_path("OS::Compute::Quota"), "/v2/metadefs/namespaces/OS::Compute::Quota");
    EXPECT_EQ(metadef_path("a?b#ü"), "/v2/metadefs/namespaces/a%3Fb%23%C3%BC");
}

}  // namespace
}  // namespace slipway::test
