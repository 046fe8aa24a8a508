#include "app/config.h"
#include "app/config_reader.h"

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace slipway::app {

namespace {

namespace fs = std::filesystem;

std::size_t line_of(const YAML::Mark& mark) {
    return mark.is_null() ? 0 : static_cast<std::size_t>(mark.line) + 1;
}

// May be absent, also where an installer names it.
constexpr std::string_view kUsualName = "policy.yaml";

// An old way to write a rule: alternatives, each a list of checks that all must hold.
std::string text_of_lists(const YAML::Node& alternatives) {
    std::string text;
    for (const YAML::Node& alternative : alternatives) {
        std::string all;
        if (alternative.IsScalar()) all = alternative.Scalar();
        for (const YAML::Node& check : alternative)
            all += (all.empty() ? "" : " and ") + check.as<std::string>();
        if (!all.empty()) text += (text.empty() ? "(" : " or (") + all + ")";
    }
    if (alternatives.size() == 0) return "@";
    return text.empty() ? "!" : text;
}

std::vector<service::PolicyOverride> rules_in(
    ConfigReader& reader, const std::string& path, const std::string& text
) {
    std::vector<service::PolicyOverride> rules;
    const auto mistake = [&](std::size_t line, const std::string& what) {
        reader.add(Severity::mistake, {path, line}, what);
    };
    try {
        const YAML::Node whole = YAML::Load(text);
        if (whole.IsNull()) return rules;
        if (!whole.IsMap()) {
            mistake(line_of(whole.Mark()), "is no list of policies; write NAME: \"RULE\" lines");
            return rules;
        }
        for (const auto& entry : whole) {
            service::PolicyOverride rule{
                entry.first.as<std::string>(), {}, line_of(entry.first.Mark())};
            if (entry.second.IsScalar()) {
                rule.text = entry.second.Scalar();
            } else if (entry.second.IsSequence()) {
                rule.text = text_of_lists(entry.second);
            } else if (!entry.second.IsNull()) {
                mistake(rule.line, rule.name + " is no text; write a rule in quotes");
                continue;
            }
            rules.push_back(std::move(rule));
        }
    } catch (const YAML::Exception& error) {
        mistake(line_of(error.mark), "is no YAML or JSON: " + error.msg);
    }
    return rules;
}

// The file beside the configuration; empty when there is none.
std::string find_policy_file(const std::string& name, const ConfigSources& sources) {
    std::vector<fs::path> candidates;
    if (fs::path(name).is_absolute()) {
        candidates.emplace_back(name);
    } else {
        for (const std::string& file : sources.files)
            candidates.push_back(fs::path(file).parent_path() / name);
        for (const std::string& directory : sources.directories)
            candidates.push_back(fs::path(directory) / name);
    }
    std::error_code ignored;
    for (const fs::path& candidate : candidates)
        if (fs::is_regular_file(candidate, ignored)) return candidate.string();
    return "";
}

}  // namespace

service::Policy read_policy(ConfigReader& reader, const ConfigSources& sources) {
    Section section = reader.section("oslo_policy");
    const service::PolicyOptions options{
        section.flag("enforce_new_defaults"), section.flag("enforce_scope")};
    const std::string name = section.text("policy_file");
    const std::string path = find_policy_file(name, sources);
    std::vector<service::PolicyOverride> rules;
    if (!path.empty()) {
        const std::ifstream file(path, std::ios::binary);
        std::ostringstream text;
        text << file.rdbuf();
        if (file.good())
            rules = rules_in(reader, path, text.str());
        else
            reader.add(Severity::mistake, {path, 0}, "can not be read");
    } else if (name != kUsualName) {
        section.mistake(
            "policy_file",
            "names \"" + name +
                "\", which is not there; a relative path is looked for beside the "
                "configuration"
        );
    }
    std::vector<service::PolicyFinding> findings;
    service::Policy policy(options, rules, findings);
    for (const service::PolicyFinding& finding : findings)
        reader.add(
            finding.is_mistake ? Severity::mistake : Severity::warning,
            {path, finding.line},
            finding.what
        );
    return policy;
}

}  // namespace slipway::app
