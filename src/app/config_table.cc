#include "app/config_table.h"

#include "base/json.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace slipway::app {

// The text of schema/options.json; its source file is made by CMake.
extern const std::string_view kOptionsJson;

namespace {

constexpr std::array<std::pair<std::string_view, OptionType>, 10> kTypes{{
    {"string", OptionType::string},
    {"path", OptionType::path},
    {"url", OptionType::url},
    {"boolean", OptionType::boolean},
    {"integer", OptionType::integer},
    {"seconds", OptionType::seconds},
    {"size", OptionType::size},
    {"list", OptionType::list},
    {"dict", OptionType::dict},
    {"multi", OptionType::multi},
}};

[[noreturn]] void broken(const std::string& what) {
    throw std::logic_error("schema/options.json: " + what);
}

std::string text_of(const json::Value& object, std::string_view key) {
    auto text = object.optional_string(key);
    if (!text) broken(text.error().message);
    return std::move(*text).value_or("");
}

std::vector<std::string> texts_of(const json::Value& object, std::string_view key) {
    std::vector<std::string> texts;
    const auto array = object.find(key);
    if (!array) return texts;
    for (const json::Value& element : array->elements()) texts.emplace_back(element.string());
    return texts;
}

std::optional<std::int64_t> number_of(const json::Value& object, std::string_view key) {
    const auto number = object.find(key);
    if (!number) return std::nullopt;
    return number->integer();
}

OptionType type_of(const std::string& word) {
    for (const auto& [name, type] : kTypes) {
        if (name == word) return type;
    }
    broken("there is no type " + word);
}

OptionSpec option_of(const json::Value& object) {
    OptionSpec spec;
    spec.group = text_of(object, "group");
    spec.name = text_of(object, "name");
    spec.type = type_of(text_of(object, "type"));
    if (object.find("default")) spec.default_text = text_of(object, "default");
    spec.min = number_of(object, "min");
    spec.max = number_of(object, "max");
    spec.choices = texts_of(object, "choices");
    const auto secret = object.find("secret");
    spec.secret = secret && secret->boolean();
    spec.deprecated = texts_of(object, "deprecated");
    spec.ignored = text_of(object, "ignored");
    spec.help = text_of(object, "help");
    return spec;
}

}  // namespace

std::string_view to_string(OptionType type) {
    for (const auto& [name, known] : kTypes) {
        if (known == type) return name;
    }
    return "string";
}

OptionTable::OptionTable(std::string_view json) {
    const auto document = json::Document::parse(json);
    if (!document) broken(document.error().message);
    const json::Value root = document->root();
    for (const json::Value& object : root.find("groups")->elements())
        groups_.push_back({text_of(object, "name"), text_of(object, "help")});
    for (const json::Value& object : root.find("options")->elements()) {
        OptionSpec spec = option_of(object);
        if (!has_group(spec.group)) broken("option " + spec.name + " is in no known group");
        if (find(spec.group, spec.name) != nullptr) broken("option " + spec.name + " stands twice");
        options_.push_back(std::move(spec));
    }
}

const OptionTable& OptionTable::get() {
    static const OptionTable table(kOptionsJson);
    return table;
}

std::vector<const OptionSpec*> OptionTable::of_group(std::string_view group) const {
    std::vector<const OptionSpec*> found;
    for (const OptionSpec& spec : options_) {
        if (spec.group == group) found.push_back(&spec);
    }
    return found;
}

const OptionSpec* OptionTable::find(std::string_view group, std::string_view name) const {
    const auto same = [&](const OptionSpec& spec) {
        return spec.group == group && spec.name == name;
    };
    const auto spec = std::find_if(options_.begin(), options_.end(), same);
    return spec == options_.end() ? nullptr : &*spec;
}

bool OptionTable::has_group(std::string_view group) const {
    return std::any_of(groups_.begin(), groups_.end(), [&](const OptionGroup& known) {
        return known.name == group;
    });
}

}  // namespace slipway::app
