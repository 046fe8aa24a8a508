#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::app {

// How the text of an option is read.
enum class OptionType {
    string,
    path,     // of a file or folder
    url,      // may hold a password, which is masked when shown
    boolean,  // true, false, 1, 0, yes, no, on, off; nothing else
    integer,
    seconds,
    size,   // bytes; B, KB, MB, GB, TB may follow (1024)
    list,   // by comma; brackets round it are fine
    dict,   // key:value, by comma
    multi,  // every repetition counts, in order
};

std::string_view to_string(OptionType type);

// One option, as schema/options.json declares it.
struct OptionSpec {
    std::string group;
    std::string name;
    OptionType type = OptionType::string;
    std::optional<std::string> default_text;  // as it would be written in a file
    std::optional<std::int64_t> min;
    std::optional<std::int64_t> max;
    std::vector<std::string> choices;
    bool secret = false;
    // Older names: "name" in the same group, or "group.name".
    std::vector<std::string> deprecated;
    // Set when the option is known from Glance and has no effect here: why.
    std::string ignored;
    std::string help;
};

struct OptionGroup {
    // A section, or "store" (options of every store), "store:file", "store:vmware".
    std::string name;
    std::string help;
};

// Every option once: what is checked, shown, documented and defaulted comes from here.
class OptionTable {
public:
    // The table of schema/options.json, which is compiled in.
    static const OptionTable& get();

    [[nodiscard]] const std::vector<OptionGroup>& groups() const { return groups_; }
    [[nodiscard]] const std::vector<OptionSpec>& options() const { return options_; }
    // Options of one group, in the order of the file.
    [[nodiscard]] std::vector<const OptionSpec*> of_group(std::string_view group) const;
    // Null when there is none.
    [[nodiscard]] const OptionSpec* find(std::string_view group, std::string_view name) const;
    [[nodiscard]] bool has_group(std::string_view group) const;

private:
    explicit OptionTable(std::string_view json);

    std::vector<OptionGroup> groups_;
    std::vector<OptionSpec> options_;
};

}  // namespace slipway::app
