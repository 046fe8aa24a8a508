#pragma once

#include "app/config_table.h"
#include "app/ini.h"
#include "base/secret.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::app {

enum class Severity {
    warning,  // worth a look
    unsafe,   // a warning at start, a mistake for `config check`
    mistake,  // the server does not start
};

struct Finding {
    Severity severity = Severity::mistake;
    Origin origin;
    std::string what;  // never holds a secret

    // path:12: what
    [[nodiscard]] std::string str() const;
    friend bool operator==(const Finding&, const Finding&) = default;
};

// An option as it is in force, for people to read.
struct ShownSetting {
    std::string group;
    std::string name;
    std::vector<std::string> texts;  // secrets are masked; several only for a multi-valued option
    Origin origin;
    bool is_default = true;
};

// What somebody wrote, and what it means here.
struct WrittenOption {
    Origin origin;
    std::string group;
    std::string name;
    const OptionSpec* spec = nullptr;  // null: no option of ours
    std::string written_now;           // "[group] name", where this is an old name of it
};

// A text and where it stands.
struct Written {
    std::string text;
    Origin origin;
};

class Section;

// The values of all sources behind the option table. Everything that is wrong is collected, once
// each.
class ConfigReader {
public:
    // `values` in the order in which they were read; later ones win, and `environment` wins over
    // them.
    ConfigReader(std::vector<IniValue> values, std::map<std::string, std::string> environment);

    // A section whose name is its kind in the table.
    Section section(const std::string& group);
    // A section that takes the options of `kinds`, groups of the table.
    Section section(const std::string& group, std::vector<std::string> kinds);

    // Names of the sections that are written and begin with `prefix`, in their order.
    [[nodiscard]] std::vector<std::string> groups(std::string_view prefix) const;

    void add(Severity severity, Origin origin, std::string what);
    // Warns about what is written but means nothing here; called when every section has been asked
    // for.
    void report_unknown();

    [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }
    [[nodiscard]] std::vector<ShownSetting> settings();
    // Every assignment of the files in its order; called when every section has been asked for.
    [[nodiscard]] std::vector<WrittenOption> written_options() const;
    [[nodiscard]] std::string environment(const std::string& variable) const;
    // Files that a secret was read from.
    [[nodiscard]] std::vector<std::string> files_with_secrets();

private:
    friend class Section;

    // What is written for an option, references replaced.
    struct Resolved {
        std::vector<Written> values;  // one, or more for a multi-valued option; empty: not set
        bool is_default = true;
    };

    Resolved resolve(const std::string& group, const OptionSpec& spec);
    Resolved written(const std::string& group, const OptionSpec& spec);
    Result<std::string> replaced(
        const std::string& group, const OptionSpec& spec, const std::string& text, int depth
    );
    Result<std::optional<std::string>> referenced(
        const std::string& group, const OptionSpec& from, std::string_view reference, int depth
    );
    [[nodiscard]] const OptionSpec* spec_of(const std::string& group, std::string_view name) const;
    // "[group] name" of the option that this is an old name of; empty when it is none.
    [[nodiscard]] std::string name_now(const std::string& group, std::string_view name) const;
    void report_unknown_option(
        const std::string& group, const std::string& name, const Origin& origin
    );
    void report_unknown_group(const std::string& group);

    std::vector<IniValue> values_;
    std::map<std::string, std::string> environment_;
    // Sections that have a meaning, in the order they were asked for, and their kinds.
    std::vector<std::pair<std::string, std::vector<std::string>>> sections_;
    std::vector<Finding> findings_;
};

// Typed access to the options of one section. A value that is wrong is reported to the reader, and
// the default is returned instead. Naming an option that the table lacks is a broken invariant.
class Section {
public:
    Section(ConfigReader& reader, std::string group) : reader_(reader), group_(std::move(group)) {}

    [[nodiscard]] const std::string& group() const { return group_; }
    [[nodiscard]] bool is_set(std::string_view name);
    // Where the option is written; empty when it is not.
    [[nodiscard]] Origin origin(std::string_view name);

    std::string text(std::string_view name);  // empty when there is neither value nor default
    bool flag(std::string_view name);
    std::int64_t number(std::string_view name);  // integer, seconds, size
    std::chrono::seconds seconds(std::string_view name) {
        return std::chrono::seconds(number(name));
    }
    template <class T>
    T number_as(std::string_view name) {
        return static_cast<T>(number(name));
    }
    std::vector<std::string> list(std::string_view name);
    std::vector<Written> multi(std::string_view name);
    std::vector<std::pair<std::string, std::string>> dict(std::string_view name);
    Secret secret(std::string_view name);
    // The secret in the option `name`, or in the file that `name`_file names.
    Secret secret_or_file(const std::string& name);

    // `what` goes on after "[group] name ".
    void mistake(std::string_view name, const std::string& what) {
        add(Severity::mistake, name, what);
    }
    void warning(std::string_view name, const std::string& what) {
        add(Severity::warning, name, what);
    }
    void add(Severity severity, std::string_view name, const std::string& what);
    // The same about one value of a multi-valued option.
    void mistake(std::string_view name, const Written& value, const std::string& what);

private:
    const OptionSpec& spec(std::string_view name) const;

    ConfigReader& reader_;
    std::string group_;
};

}  // namespace slipway::app
