#include "app/config.h"
#include "app/config_reader.h"
#include "app/config_sources.h"

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
constexpr std::string_view kUsualDirectory = "policy.d";

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
                entry.first.as<std::string>(), {}, line_of(entry.first.Mark()), path};
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

// Adds what is in the file to `rules`.
void read_rules(
    ConfigReader& reader, const std::string& path, std::vector<service::PolicyOverride>& rules
) {
    const std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file.good()) return reader.add(Severity::mistake, {path, 0}, "can not be read");
    for (service::PolicyOverride& rule : rules_in(reader, path, text.str()))
        rules.push_back(std::move(rule));
}

void read_folder(
    ConfigReader& reader, const std::string& directory, std::vector<service::PolicyOverride>& rules
) {
    std::error_code failure;
    for (const std::string& file : files_in(directory, failure)) read_rules(reader, file, rules);
    if (failure)
        reader.add(
            Severity::mistake, {directory, 0}, "can not be read (" + failure.message() + ")"
        );
}

}  // namespace

service::Policy read_policy(
    ConfigReader& reader, const ConfigSources& sources, const std::vector<Written>& named_elsewhere
) {
    Section section = reader.section("oslo_policy");
    service::PolicyOptions options{
        section.flag("enforce_new_defaults"), section.flag("enforce_scope")};
    for (const Written& named : named_elsewhere) options.named_elsewhere.push_back(named.text);
    const std::string name = section.text("policy_file");
    const std::string path = find_beside_configuration(sources, name, fs::file_type::regular);
    std::vector<service::PolicyOverride> rules;
    if (!path.empty()) {
        read_rules(reader, path, rules);
    } else if (name != kUsualName) {
        section.mistake(
            "policy_file",
            "names \"" + name +
                "\", which is not there; a relative path is looked for beside the "
                "configuration"
        );
    }
    for (const Written& dir : section.multi("policy_dirs")) {
        const std::string found =
            find_beside_configuration(sources, dir.text, fs::file_type::directory);
        if (found.empty() && dir.text != kUsualDirectory)
            reader.add(
                Severity::warning,
                dir.origin,
                "[oslo_policy] policy_dirs names \"" + dir.text + "\", which is no folder there"
            );
        if (!found.empty()) read_folder(reader, found, rules);
    }
    std::vector<service::PolicyFinding> findings;
    service::Policy policy(options, rules, findings);
    for (const service::PolicyFinding& finding : findings)
        reader.add(
            finding.is_mistake ? Severity::mistake : Severity::warning,
            {finding.file, finding.line},
            finding.what
        );
    for (const Written& named : named_elsewhere)
        if (!policy.has_rule(named.text))
            reader.add(
                Severity::unsafe,
                named.origin,
                "names the policy \"" + named.text +
                    "\", which there is not; the rule default is taken instead, and that lets "
                    "everybody pass unless it is written anew"
            );
    return policy;
}

}  // namespace slipway::app
