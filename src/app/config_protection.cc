#include "app/config.h"
#include "app/config_sources.h"
#include "app/config_values.h"
#include "base/text.h"

#include <fstream>

namespace slipway::app {

namespace {

using service::PropertyAction;
using service::PropertyRule;

std::optional<PropertyAction> action_of(std::string_view word) {
    if (word == "create") return PropertyAction::create;
    if (word == "read") return PropertyAction::read;
    if (word == "update") return PropertyAction::update;
    if (word == "delete") return PropertyAction::remove;
    return std::nullopt;
}

// Reads sections in their order: names of options are cased and normalised, these are not.
//
//   [^x_billing.*]
//   create = admin
//   read = admin,member
//   update = admin
//   delete = !
class ProtectionFile {
public:
    ProtectionFile(ConfigReader& reader, std::string file, bool names_policies)
        : reader_(reader), file_(std::move(file)), names_policies_(names_policies) {}

    ProtectionConfig read() {
        std::ifstream in(file_);
        if (!in) mistake("can not be read; check the path and its permissions");
        for (std::string line; std::getline(in, line);) {
            ++line_;
            const std::string_view text = slipway::trimmed(line, kWhitespace);
            if (text.empty() || text.front() == '#' || text.front() == ';') continue;
            if (text.front() == '[' && text.back() == ']') {
                begin(std::string(text.substr(1, text.size() - 2)));
            } else {
                assign(text);
            }
        }
        end();
        return {std::move(rules_), names_policies_, std::move(policies_)};
    }

private:
    void begin(const std::string& expression) {
        end();
        auto pattern = Pattern::compile(expression);
        has_section_ = true;
        if (!pattern) return mistake(pattern.error().message);
        rules_.push_back({std::move(*pattern), {}});
    }

    void end() {
        if (rules_.empty() || !has_section_) return;
        if (rules_.back().who.size() < 4)
            mistake("says in a section not all of create, read, update and delete; write each");
        has_section_ = false;
    }

    void assign(std::string_view text) {
        const auto split = text.find_first_of("=:");
        const auto action = action_of(slipway::trimmed(text.substr(0, split)));
        if (rules_.empty() || split == std::string_view::npos || !action)
            return mistake(
                "holds a line that is no section, and none of create, read, update, delete"
            );
        auto words = parse_list(text.substr(split + 1));
        const bool both = std::find(words.begin(), words.end(), "@") != words.end() &&
                          std::find(words.begin(), words.end(), "!") != words.end();
        if (words.empty() || both || (names_policies_ && words.size() != 1))
            return mistake(
                names_policies_ ? "needs exactly one policy here"
                                : "needs roles here, or \"@\" for everyone, or \"!\" for nobody"
            );
        if (names_policies_ && words.front() != "@" && words.front() != "!")
            policies_.push_back({words.front(), {file_, line_}});
        rules_.back().who[*action] = std::move(words);
    }

    void mistake(const std::string& what) {
        reader_.add(Severity::mistake, Origin{file_, line_}, "property protection " + what);
    }

    ConfigReader& reader_;
    std::string file_;
    bool names_policies_;
    std::size_t line_ = 0;
    bool has_section_ = false;
    std::vector<PropertyRule> rules_;
    std::vector<Written> policies_;
};

}  // namespace

ProtectionConfig read_protection(ConfigReader& reader, const ConfigSources& sources) {
    Section defaults = reader.section("DEFAULT");
    const bool by_policy = defaults.text("property_protection_rule_format") == "policies";
    const std::string name = defaults.text("property_protection_file");
    if (name.empty()) return {};
    const std::string found =
        find_beside_configuration(sources, name, std::filesystem::file_type::regular);
    return ProtectionFile(reader, found.empty() ? name : found, by_policy).read();
}

}  // namespace slipway::app
