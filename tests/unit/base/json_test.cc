#include "base/json.h"

#include <gtest/gtest.h>

#include <string>

namespace slipway::json {
namespace {

TEST(Json, ReadsWhatItWrites) {
    Writer writer;
    writer.begin_object().member("name", "a\"b").key("sizes").begin_array().integer(1).null();
    writer.end_array().end_object();
    const auto document = Document::parse(writer.text()).value();
    EXPECT_EQ(document.root().find("name")->string(), "a\"b");
    EXPECT_EQ(document.root().find("sizes")->elements().size(), 2U);
}

TEST(Json, RefusesWhatItsLibraryWouldTake) {
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    for (const std::string& text :
         {std::string(R"({"a": 1, "a": 2})"),
          deep,
          std::string("{\"a\": \"\xff\"}"),
          std::string(R"("\ud800")"),
          std::string("1e400"),
          std::string("[1,]"),
          std::string("nonsense"),
          std::string(""),
          std::string("1\0 2", 4)})
        EXPECT_FALSE(Document::parse(text)) << text.substr(0, 40);
}

TEST(Json, CountsValues) {
    std::string many = "[0";
    for (int i = 0; i < 20'000; ++i) many += ",0";
    EXPECT_EQ(Document::parse(many + "]").error().code, Errc::invalid_argument);
}

TEST(Json, AFractionIsNoInteger) {
    EXPECT_FALSE(Document::parse("5.0").value().root().is_integer());
    EXPECT_TRUE(Document::parse("5").value().root().is_integer());
}

}  // namespace
}  // namespace slipway::json
