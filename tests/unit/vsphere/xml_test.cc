#include "vsphere/xml.h"

#include <gtest/gtest.h>

namespace slipway::vsphere::xml {
namespace {

std::string refusal(std::string_view text, const Limits& limits = {}) {
    const auto document = Document::parse(text, limits);
    return document ? "" : std::string(to_string(document.error().code));
}

TEST(XmlDocument, FindsChildrenByNamespaceAndLocalName) {
    const auto document = Document::parse(
        R"(<a xmlns="urn:vim25" xmlns:o="urn:other"><o:b>no</o:b><b>yes</b><b>too</b></a>)"
    );
    ASSERT_TRUE(document);
    const auto root = document->root();
    EXPECT_TRUE(root.is("urn:vim25", "a"));
    EXPECT_EQ(root.child_text("b"), "yes");
    EXPECT_EQ(root.children("b").size(), 2U);
    EXPECT_EQ(root.child("urn:other", "b")->text(), "no");
    EXPECT_FALSE(root.child("c"));
}

TEST(XmlDocument, ResolvesTheTypeByNamespaceWhateverThePrefix) {
    const auto document = Document::parse(
        R"(<a xmlns="urn:vim25" xmlns:XMLSchema-instance="http://www.w3.org/2001/XMLSchema-instance")"
        R"( xmlns:ns1="urn:vim25" XMLSchema-instance:type="ns1:FileNotFound" type="Task"/>)"
    );
    ASSERT_TRUE(document);
    EXPECT_EQ(document->root().type(), (QName{"urn:vim25", "FileNotFound"}));
    EXPECT_EQ(document->root().attribute("type"), "Task");
}

TEST(XmlDocument, ResolvesATypeWithoutPrefixByTheDefaultNamespace) {
    const auto document = Document::parse(
        R"(<a xmlns="urn:vim25" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="T"/>)"
    );
    ASSERT_TRUE(document);
    EXPECT_EQ(document->root().type(), (QName{"urn:vim25", "T"}));
}

TEST(XmlDocument, LeavesTheNamespaceOfAnUndeclaredPrefixEmpty) {
    const auto document = Document::parse(
        R"(<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="x:T"/>)"
    );
    ASSERT_TRUE(document);
    EXPECT_EQ(document->root().type(), (QName{"", "T"}));
}

TEST(XmlDocument, ReadsEscapedTextAndCdata) {
    const auto document = Document::parse("<a>x&lt;y<![CDATA[&z]]><!-- no --></a>");
    ASSERT_TRUE(document);
    EXPECT_EQ(document->root().text(), "x<y&z");
}

TEST(XmlDocument, RefusesADoctype) {
    EXPECT_EQ(refusal("<!DOCTYPE a><a/>"), "corrupt");
    EXPECT_EQ(refusal(R"(<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>)"), "corrupt");
}

TEST(XmlDocument, RefusesAFileEntity) {
    EXPECT_EQ(
        refusal(R"(<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><a>&f;</a>)"), "corrupt"
    );
}

TEST(XmlDocument, RefusesExponentialEntities) {
    EXPECT_EQ(
        refusal(R"(<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;"><!ENTITY d "&c;&c;">]>)"
                R"(<a>&d;&d;</a>)"),
        "corrupt"
    );
}

TEST(XmlDocument, RefusesQuadraticEntities) {
    std::string text = "<!DOCTYPE a [<!ENTITY b \"" + std::string(100'000, 'b') + "\">]><a>";
    for (int i = 0; i < 20'000; ++i) text += "&b;";
    EXPECT_EQ(refusal(text + "</a>"), "corrupt");
}

TEST(XmlDocument, RefusesAnEntityThatNobodyDeclared) {
    EXPECT_EQ(refusal("<a>&nobody;</a>"), "corrupt");
}

TEST(XmlDocument, RefusesDeepNesting) {
    std::string deep;
    for (int i = 0; i < 65; ++i) deep += "<a>";
    for (int i = 0; i < 65; ++i) deep += "</a>";
    EXPECT_EQ(refusal(deep), "corrupt");
    EXPECT_EQ(refusal(deep.substr(3, deep.size() - 7)), "");
}

TEST(XmlDocument, RefusesTooManyElements) {
    std::string many = "<a>";
    for (int i = 0; i < 1000; ++i) many += "<b/>";
    many += "</a>";
    EXPECT_EQ(refusal(many, Limits{.nodes = 1000}), "corrupt");
    EXPECT_EQ(refusal(many, Limits{.nodes = 1001}), "");
}

TEST(XmlDocument, RefusesElevenMegabytesOfText) {
    const Limits roomy{.bytes = 64U << 20U};
    EXPECT_EQ(refusal("<a>" + std::string(11U << 20U, 'x') + "</a>", roomy), "corrupt");
    EXPECT_EQ(refusal("<a>" + std::string(9U << 20U, 'x') + "</a>"), "corrupt");
}

TEST(XmlDocument, RefusesWhatIsNotXml) {
    for (const auto* text :
         {"", " ", "hello", "<a>", "<a></b>", "<a/><b/>", "<a b=1/>", "<x:a/>\x01", "<a>\xff</a>"})
        EXPECT_EQ(refusal(text), "corrupt") << text;
}

TEST(XmlNumbers, RefuseWhatIsOutOfRange) {
    EXPECT_EQ(parse_unsigned("9223372036854775807").value(), 9223372036854775807U);
    for (const auto* text :
         {"", "-1", "9223372036854775808", "18446744073709551616", "1.0", "1 ", "x"})
        EXPECT_FALSE(parse_unsigned(text)) << text;
}

TEST(XmlWriter, WritesElementsInOrderAndEscapes) {
    Writer out;
    out.open_method("M")
        .reference("_this", "T", "a/b[1]<&\"")
        .open("spec", "Spec")
        .text("name", "x & y < z")
        .boolean("force", false)
        .number("size", 12);
    EXPECT_EQ(
        out.finish().value(),
        R"(<M xmlns="urn:vim25"><_this type="T">a/b[1]&lt;&amp;&quot;</_this>)"
        R"(<spec xsi:type="Spec"><name>x &amp; y &lt; z</name><force>false</force>)"
        R"(<size>12</size></spec></M>)"
    );
}

TEST(XmlWriter, RefusesTextThatXmlCanNotHold) {
    for (const std::string& text :
         {std::string("a\x01"), std::string("a\0b", 3), std::string("\xff")}) {
        Writer out;
        out.open_method("M").text("name", text);
        EXPECT_FALSE(out.finish());
    }
}

}  // namespace
}  // namespace slipway::vsphere::xml
