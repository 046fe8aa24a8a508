#include "app/config_reader.h"

#include "app/config_values.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>

namespace slipway::app {

namespace {

constexpr int kReferenceDepth = 8;

std::string option_label(const std::string& group, std::string_view name) {
    return "[" + group + "] " + std::string(name);
}

bool names_option(
    const std::string& former,
    const std::string& group,
    const OptionSpec& spec,
    const IniValue& value
) {
    const std::size_t dot = former.find('.');
    if (dot == std::string::npos) return value.group == group && value.name == former;
    // Only a section of the table's own can have had another name; a store's section is the
    // operator's.
    return spec.group == group && value.group == former.substr(0, dot) &&
           value.name == former.substr(dot + 1);
}

}  // namespace

std::string Finding::str() const {
    return origin.source.empty() ? what : origin.str() + ": " + what;
}

ConfigReader::ConfigReader(
    std::vector<IniValue> values, std::map<std::string, std::string> environment
)
    : values_(std::move(values)), environment_(std::move(environment)) {
    for (const OptionGroup& group : OptionTable::get().groups()) {
        const bool is_section = !group.name.starts_with("store") && group.name != "seed" &&
                                group.name != "site" && group.name != "account" &&
                                group.name != "cors.NAME";
        if (is_section) sections_.push_back({group.name, {group.name}});
    }
}

Section ConfigReader::section(const std::string& group) {
    return {*this, group};
}

Section ConfigReader::section(const std::string& group, std::vector<std::string> kinds) {
    const auto same = [&group](const auto& known) { return known.first == group; };
    const auto known = std::find_if(sections_.begin(), sections_.end(), same);
    if (known == sections_.end()) {
        sections_.emplace_back(group, std::move(kinds));
    } else {
        known->second.insert(known->second.end(), kinds.begin(), kinds.end());
    }
    return {*this, group};
}

std::vector<std::string> ConfigReader::groups(std::string_view prefix) const {
    std::vector<std::string> found;
    for (const IniValue& value : values_)
        if (value.group.starts_with(prefix) &&
            std::find(found.begin(), found.end(), value.group) == found.end())
            found.push_back(value.group);
    return found;
}

void ConfigReader::add(Severity severity, Origin origin, std::string what) {
    Finding finding{severity, std::move(origin), std::move(what)};
    if (std::find(findings_.begin(), findings_.end(), finding) == findings_.end())
        findings_.push_back(std::move(finding));
}

std::string ConfigReader::environment(const std::string& variable) const {
    const auto found = environment_.find(variable);
    return found == environment_.end() ? "" : found->second;
}

const OptionSpec* ConfigReader::spec_of(const std::string& group, std::string_view name) const {
    for (const auto& [known, kinds] : sections_) {
        if (known != group) continue;
        for (const std::string& kind : kinds) {
            if (const OptionSpec* spec = OptionTable::get().find(kind, name)) return spec;
        }
    }
    return nullptr;
}

ConfigReader::Resolved ConfigReader::written(const std::string& group, const OptionSpec& spec) {
    const std::string variable = environment_name(group, spec.name);
    if (const auto found = environment_.find(variable); found != environment_.end())
        return {{{found->second, {"environment " + variable, 0}}}, false};
    Resolved result;
    for (const IniValue& value : values_) {
        if (value.group != group || value.name != spec.name) continue;
        result.values.push_back({value.text, value.origin});
    }
    for (const std::string& former : spec.deprecated) {
        if (!result.values.empty()) break;
        for (const IniValue& value : values_) {
            if (!names_option(former, group, spec, value)) continue;
            result.values.push_back({value.text, value.origin});
            add(Severity::warning,
                value.origin,
                option_label(value.group, value.name) + " is an old name; write " +
                    option_label(group, spec.name));
        }
    }
    if (spec.type != OptionType::multi && result.values.size() > 1)
        result.values.erase(result.values.begin(), result.values.end() - 1);
    result.is_default = result.values.empty();
    return result;
}

ConfigReader::Resolved ConfigReader::resolve(const std::string& group, const OptionSpec& spec) {
    Resolved result;
    const Resolved found = written(group, spec);
    for (const Written& value : found.values) {
        auto text = replaced(group, spec, value.text, 0);
        if (text) {
            if (!spec.secret) *text = std::string(trimmed(*text));
            result.values.push_back({std::move(*text), value.origin});
            result.is_default = false;
        } else {
            add(Severity::mistake,
                value.origin,
                option_label(group, spec.name) + ": " + text.error().message);
        }
    }
    if (result.values.empty() && spec.default_text)
        result.values.push_back({*spec.default_text, {"default", 0}});
    return result;
}

Result<std::string> ConfigReader::replaced(
    const std::string& group, const OptionSpec& spec, const std::string& text, int depth
) {
    if (depth >= kReferenceDepth)
        return Error(
            Errc::invalid_argument, "its references go round in a circle; write the value itself"
        );
    const ReferenceLookup look_up = [&](std::string_view reference) {
        return referenced(group, spec, reference, depth + 1);
    };
    return substitute(text, look_up);
}

Result<std::optional<std::string>> ConfigReader::referenced(
    const std::string& group, const OptionSpec& from, std::string_view reference, int depth
) {
    const std::size_t dot = reference.find('.');
    const bool elsewhere = dot != std::string_view::npos;
    const std::string in = elsewhere ? normalised_group(reference.substr(0, dot)) : group;
    const std::string_view name = elsewhere ? reference.substr(dot + 1) : reference;
    for (const std::string& candidate : {in, std::string("DEFAULT")}) {
        const OptionSpec* spec = spec_of(candidate, name);
        if (spec == nullptr || (elsewhere && candidate != in)) continue;
        if (spec->secret && !from.secret) {
            return Error(
                Errc::invalid_argument,
                "it refers to a secret option, which would show it; write the value itself"
            );
        }
        const Resolved value = written(candidate, *spec);
        if (value.values.empty())
            return std::optional<std::string>(spec->default_text.value_or(""));
        SLIPWAY_TRY(auto text, replaced(candidate, *spec, value.values.back().text, depth));
        return std::optional<std::string>(std::move(text));
    }
    return std::optional<std::string>();
}

std::string ConfigReader::name_now(const std::string& group, std::string_view name) const {
    const IniValue value{group, std::string(name), {}, {}};
    for (const auto& [known, kinds] : sections_) {
        for (const std::string& kind : kinds) {
            for (const OptionSpec* spec : OptionTable::get().of_group(kind)) {
                const auto fits = [&, section = known](const std::string& former) {
                    return names_option(former, section, *spec, value);
                };
                if (std::any_of(spec->deprecated.begin(), spec->deprecated.end(), fits))
                    return option_label(known, spec->name);
            }
        }
    }
    return {};
}

std::vector<WrittenOption> ConfigReader::written_options() const {
    std::vector<WrittenOption> options;
    for (const IniValue& value : values_)
        options.push_back(
            {value.origin,
             value.group,
             value.name,
             spec_of(value.group, value.name),
             name_now(value.group, value.name)}
        );
    return options;
}

void ConfigReader::report_unknown_option(
    const std::string& group, const std::string& name, const Origin& origin
) {
    if (const OptionSpec* spec = spec_of(group, name)) {
        if (!spec->ignored.empty())
            add(Severity::warning,
                origin,
                option_label(group, name) + " has no effect: " + spec->ignored);
        return;
    }
    if (!name_now(group, name).empty()) return;
    std::vector<std::string> known;
    for (const auto& [section, kinds] : sections_) {
        if (section != group) continue;
        for (const std::string& kind : kinds) {
            for (const OptionSpec* spec : OptionTable::get().of_group(kind))
                known.push_back(spec->name);
        }
    }
    const std::string near = nearest(name, known);
    add(Severity::warning,
        origin,
        option_label(group, name) + " is not an option of this version and is ignored" +
            (near.empty() ? "" : "; did you mean " + near + "?"));
}

void ConfigReader::report_unknown_group(const std::string& group) {
    // What Glance stages there goes straight to the stores here.
    if (group.starts_with("os_glance_")) return;
    const auto ours = [&group](const IniValue& value) { return value.group == group; };
    const auto first = std::find_if(values_.begin(), values_.end(), ours);
    const bool is_store = std::any_of(values_.begin(), values_.end(), [&](const IniValue& value) {
        return ours(value) && (OptionTable::get().find("store:file", value.name) != nullptr ||
                               OptionTable::get().find("store:vmware", value.name) != nullptr);
    });
    std::vector<std::string> known;
    for (const auto& section : sections_) known.push_back(section.first);
    const std::string near = nearest(group, known);
    std::string hint;
    if (is_store) {
        hint = "; if it is a store, name it in [DEFAULT] enabled_backends";
    } else if (!near.empty()) {
        hint = "; did you mean [" + near + "]?";
    }
    add(Severity::warning,
        first->origin,
        "section [" + group + "] is not used by this version; its options are ignored" + hint);
}

void ConfigReader::report_unknown() {
    std::set<std::string> seen;
    for (const IniValue& value : values_) {
        const auto same = [&value](const auto& known) { return known.first == value.group; };
        if (std::any_of(sections_.begin(), sections_.end(), same)) {
            report_unknown_option(value.group, value.name, value.origin);
        } else if (seen.insert(value.group).second && name_now(value.group, value.name).empty()) {
            report_unknown_group(value.group);
        }
    }
    for (const auto& [group, kinds] : sections_) {
        const std::string prefix = environment_name(group, "");
        for (const auto& [variable, text] : environment_) {
            if (!variable.starts_with(prefix)) continue;
            std::string name = variable.substr(prefix.size());
            std::transform(name.begin(), name.end(), name.begin(), [](char c) {
                return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
            });
            report_unknown_option(group, name, {"environment " + variable, 0});
        }
    }
}

std::vector<ShownSetting> ConfigReader::settings() {
    std::vector<ShownSetting> shown;
    for (const auto& [group, kinds] : std::vector(sections_)) {
        for (const std::string& kind : kinds) {
            for (const OptionSpec* spec : OptionTable::get().of_group(kind)) {
                if (!spec->ignored.empty()) continue;
                const Resolved resolved = resolve(group, *spec);
                ShownSetting setting{group, spec->name, {}, {"default", 0}, resolved.is_default};
                for (const Written& value : resolved.values) {
                    setting.texts.push_back(masked(*spec, value.text));
                    setting.origin = value.origin;
                }
                shown.push_back(std::move(setting));
            }
        }
    }
    return shown;
}

std::vector<std::string> ConfigReader::files_with_secrets() {
    std::set<std::string> files;
    for (const auto& [group, kinds] : std::vector(sections_)) {
        for (const std::string& kind : kinds) {
            for (const OptionSpec* spec : OptionTable::get().of_group(kind)) {
                for (const Written& value : written(group, *spec).values) {
                    const bool is_secret = masked(*spec, value.text) != value.text;
                    if (is_secret && value.origin.line != 0) files.insert(value.origin.source);
                }
            }
        }
    }
    return {files.begin(), files.end()};
}

const OptionSpec& Section::spec(std::string_view name) const {
    const OptionSpec* spec = reader_.spec_of(group_, name);
    if (spec == nullptr)
        throw std::logic_error("the option table lacks " + option_label(group_, name));
    return *spec;
}

bool Section::is_set(std::string_view name) {
    return !reader_.written(group_, spec(name)).is_default;
}

Origin Section::origin(std::string_view name) {
    const auto written = reader_.written(group_, spec(name));
    return written.is_default ? Origin{} : written.values.back().origin;
}

void Section::mistake(std::string_view name, const Written& value, const std::string& what) {
    reader_.add(Severity::mistake, value.origin, option_label(group_, name) + " " + what);
}

void Section::add(Severity severity, std::string_view name, const std::string& what) {
    reader_.add(severity, origin(name), option_label(group_, name) + " " + what);
}

std::vector<Written> Section::multi(std::string_view name) {
    const OptionSpec& option = spec(name);
    std::vector<Written> values = reader_.resolve(group_, option).values;
    const auto wrong = [&](const Written& value) {
        const auto checked = check_value(option, value.text);
        if (!checked) mistake(name, value, checked.error().message);
        return !checked;
    };
    values.erase(std::remove_if(values.begin(), values.end(), wrong), values.end());
    return values;
}

std::string Section::text(std::string_view name) {
    const std::vector<Written> values = multi(name);
    return values.empty() ? spec(name).default_text.value_or("") : values.back().text;
}

std::vector<std::string> Section::list(std::string_view name) {
    return parse_list(text(name));
}

bool Section::flag(std::string_view name) {
    const auto value = parse_boolean(text(name));
    return value && *value;
}

std::int64_t Section::number(std::string_view name) {
    const auto value = parse_number(spec(name), text(name));
    return value ? *value : 0;
}

std::vector<std::pair<std::string, std::string>> Section::dict(std::string_view name) {
    auto entries = parse_dict(text(name));
    return entries ? std::move(*entries) : std::vector<std::pair<std::string, std::string>>();
}

Secret Section::secret(std::string_view name) {
    return Secret(text(name));
}

Secret Section::secret_or_file(const std::string& name) {
    const std::string file_option = name + "_file";
    std::string path = text(file_option);
    if (path.empty()) return secret(name);
    if (is_set(name)) {
        mistake(file_option, "is set beside " + name + "; remove one of them");
        return {};
    }
    if (path.find('/') == std::string::npos) {
        const std::string directory = reader_.environment("CREDENTIALS_DIRECTORY");
        if (directory.empty()) {
            mistake(
                file_option,
                "has no '/' and so names a file in $CREDENTIALS_DIRECTORY, which is not set; "
                "write a whole path, or start the server with LoadCredential"
            );
            return {};
        }
        path = directory + "/" + path;
    }
    std::ifstream file(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    if (!file) {
        mistake(
            file_option, "names a file that can not be read; check the path and its permissions"
        );
    } else if (text.empty() || text.find('\n') != std::string::npos) {
        mistake(
            file_option,
            "names a file that does not hold one line; write the password and nothing else"
        );
    }
    return Secret(std::move(text));
}

}  // namespace slipway::app
