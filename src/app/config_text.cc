#include "app/config_text.h"

#include "app/config_table.h"
#include "base/json.h"

namespace slipway::app {

namespace {

constexpr std::size_t kTextWidth = 98;

// `text` in lines that begin with `prefix`, broken at blanks.
std::string wrapped(std::string_view text, const std::string& prefix) {
    std::string result;
    std::string line;
    const auto end_line = [&] {
        if (!line.empty()) result.append(prefix).append(line).append("\n");
        line.clear();
    };
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        const std::string_view word = text.substr(0, end);
        if (!line.empty() && prefix.size() + line.size() + 1 + word.size() > kTextWidth) end_line();
        line.append(line.empty() ? "" : " ").append(word);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    end_line();
    return result;
}

bool is_store_kind(const std::string& group) {
    return group.starts_with("store");
}

// Sections whose names are the operator's stand there as comments.
std::string sample_heading(const std::string& group) {
    if (is_store_kind(group)) return "#[STORE]";
    if (group == "account") return "#[ACCOUNT]";
    if (group == "cors.NAME") return "#[cors.NAME]";
    const bool is_named = group == "seed" || group == "site";
    return is_named ? "#[" + group + ":NAME]" : "[" + group + "]";
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text.append(text.empty() ? "" : ", ").append(word);
    return text;
}

// "integer, from 0 to 65535", "string, one of sha256, sha512"
std::string kind_of(const OptionSpec& spec) {
    std::string text(to_string(spec.type));
    if (spec.min && spec.max) {
        text += ", from " + std::to_string(*spec.min) + " to " + std::to_string(*spec.max);
    } else if (spec.min) {
        text += ", at least " + std::to_string(*spec.min);
    }
    if (!spec.choices.empty()) {
        text += (spec.type == OptionType::list ? ", of " : ", one of ") + joined(spec.choices);
    }
    if (spec.type == OptionType::multi) text += ", may be repeated";
    return text;
}

// With a blank before it, where there is one.
std::string assigned(const std::string& text) {
    return text.empty() ? "" : " " + text;
}

std::string sample_option(const OptionSpec& spec) {
    return wrapped(spec.help + " (" + kind_of(spec) + ")", "# ") + "#" + spec.name + " =" +
           assigned(spec.default_text.value_or("")) + "\n\n";
}

std::string section_title(const std::string& group) {
    if (group == "store") return "Every store";
    if (group == "store:file") return "Stores of type file";
    if (group == "store:vmware") return "Stores of type vmware";
    if (group == "account") return "Accounts at Keystone";
    return "[" + group + "]";
}

std::string code(const std::string& text) {
    return "`" + text + "`";
}

std::string reference_option(const OptionSpec& spec) {
    std::string text = "- **" + code(spec.name) + "** (" + kind_of(spec);
    if (spec.default_text && !spec.default_text->empty())
        text += ", default " + code(*spec.default_text);
    text += ").";
    if (!spec.ignored.empty()) {
        text += " Known from Glance, has no effect: " + spec.ignored + ".";
    } else {
        text += " " + spec.help;
    }
    if (spec.secret) text += " Shown masked.";
    for (const std::string& former : spec.deprecated) text += " Formerly " + code(former) + ".";
    return text + "\n";
}

std::string_view word_for(Severity severity) {
    switch (severity) {
        case Severity::warning:
            return "warning";
        case Severity::unsafe:
            return "unsafe";
        case Severity::mistake:
            return "mistake";
    }
    return "mistake";
}

// A value as a file would have to hold it to mean the same.
std::string as_written(const std::string& text) {
    std::string result;
    for (const char c : text) result.append(c == '$' ? "$$" : std::string(1, c));
    return result;
}

}  // namespace

std::string sample_text() {
    std::string text = wrapped(
        "Every option of slipway with its default, commented out. Made by: slipway config sample",
        "# "
    );
    for (const OptionGroup& group : OptionTable::get().groups()) {
        text += "\n" + wrapped(group.help, "## ");
        text += sample_heading(group.name) + "\n\n";
        for (const OptionSpec* spec : OptionTable::get().of_group(group.name)) {
            if (spec->ignored.empty()) text += sample_option(*spec);
        }
    }
    text.pop_back();
    return text;
}

std::string reference_text() {
    std::string text =
        "# Configuration\n\n"
        "<!-- Made from schema/options.json; do not edit. -->\n\n"
        "slipway reads INI files as OpenStack services do: `--config-file` (several; later wins), "
        "then the\n"
        "`*.conf` files of each `--config-dir` in the order of their names, then environment "
        "variables\n"
        "`OS_<GROUP>__<OPTION>` in capitals. Without either option it reads the first "
        "`slipway.conf` of\n"
        "`~/.slipway`, `~`, `/etc/slipway` and `/etc`, and the `slipway.conf.d` folder there.\n\n"
        "- `name = value` or `name: value`; `-` and `_` are the same in names; one pair of quotes "
        "round a\n"
        "  value is removed.\n"
        "- A comment is a whole line that begins with `#` or `;`. A line that begins with a blank "
        "continues\n"
        "  the value above it.\n"
        "- `$option` and `${group.option}` stand for the value of another option; `$$` is a "
        "dollar.\n"
        "- A boolean is true, false, 1, 0, yes, no, on or off. Anything else stops the start.\n\n"
        "`slipway config check` reports every mistake with its file and line; `slipway config "
        "show` prints\n"
        "what is in force and where it comes from. Options of Glance that are not listed here are "
        "ignored\n"
        "with a warning. A change takes effect when the server is started again.\n";
    for (const OptionGroup& group : OptionTable::get().groups()) {
        text += "\n## " + section_title(group.name) + "\n\n" + group.help + "\n\n";
        for (const OptionSpec* spec : OptionTable::get().of_group(group.name))
            text += reference_option(*spec);
    }
    return text;
}

std::string settings_text(const std::vector<ShownSetting>& settings, bool all) {
    std::string text;
    std::string group;
    for (const ShownSetting& setting : settings) {
        if (setting.is_default && !all) continue;
        if (setting.group != group || text.empty()) {
            text += (text.empty() ? "[" : "\n[") + setting.group + "]\n";
            group = setting.group;
        }
        text += "# " + setting.origin.str() + "\n";
        if (setting.texts.empty()) text += "#" + setting.name + " =\n";
        for (const std::string& value : setting.texts)
            text += setting.name + " =" + assigned(as_written(value)) + "\n";
    }
    return text;
}

std::string settings_json(const std::vector<ShownSetting>& settings, bool all) {
    std::string text;
    for (const ShownSetting& setting : settings) {
        if (setting.is_default && !all) continue;
        json::Writer writer;
        writer.begin_object().member("group", setting.group).member("name", setting.name);
        writer.key("values").begin_array();
        for (const std::string& value : setting.texts) writer.string(value);
        writer.end_array().member("origin", setting.origin.str()).end_object();
        text += writer.text() + "\n";
    }
    return text;
}

std::string findings_text(const std::vector<Finding>& findings) {
    std::string text;
    for (const Finding& finding : findings) {
        text.append(word_for(finding.severity)).append(": ").append(finding.str()).append("\n");
    }
    return text;
}

std::string findings_json(const std::vector<Finding>& findings) {
    std::string text;
    for (const Finding& finding : findings) {
        json::Writer writer;
        writer.begin_object()
            .member("severity", word_for(finding.severity))
            .member("source", finding.origin.source)
            .member("line", static_cast<std::int64_t>(finding.origin.line))
            .member("what", finding.what)
            .end_object();
        text += writer.text() + "\n";
    }
    return text;
}

}  // namespace slipway::app
