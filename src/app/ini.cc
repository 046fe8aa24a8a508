#include "app/ini.h"

#include "base/text.h"

#include <algorithm>
#include <cctype>

namespace slipway::app {

namespace {

bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::string_view unquoted(std::string_view value) {
    const bool quoted = value.size() >= 2 && value.front() == value.back() &&
                        (value.front() == '"' || value.front() == '\'');
    return quoted ? value.substr(1, value.size() - 2) : value;
}

// Reads line by line; the assignment under way is kept until something ends it.
class Parser {
public:
    Parser(const std::string& file, std::vector<Mistake>& mistakes)
        : file_(file), mistakes_(mistakes) {}

    void line(std::string_view line) {
        ++number_;
        line = line.substr(0, line.find_last_not_of(kWhitespace) + 1);
        if (line.empty()) {
            flush();
        } else if (line.front() == ' ' || line.front() == '\t') {
            continuation(trimmed(line));
        } else {
            flush();
            skipping_ = false;
            if (line.front() == '[') {
                section(line);
            } else if (line.front() != '#' && line.front() != ';') {
                assignment(line);
            }
        }
    }

    std::vector<IniValue> finish() {
        flush();
        return std::move(values_);
    }

private:
    void flush() {
        if (open_) values_.push_back(std::move(*open_));
        open_.reset();
    }

    void mistake(std::string what) { mistakes_.push_back({{file_, number_}, std::move(what)}); }

    void continuation(std::string_view rest) {
        if (open_) {
            open_->text.append("\n").append(rest);
        } else if (!skipping_) {
            mistake(
                "a line that begins with a blank continues the value above it, and there is none; "
                "remove the blanks at its start"
            );
        }
    }

    void section(std::string_view line) {
        if (line.back() != ']') {
            mistake("the section has no closing bracket; write [name]");
        } else if (line.size() == 2) {
            mistake("the section has no name; write [name]");
        } else {
            group_ = normalised_group(line.substr(1, line.size() - 2));
        }
    }

    void assignment(std::string_view line) {
        const std::size_t split = line.find_first_of("=:");
        if (split == std::string_view::npos) {
            refuse("this is no section, comment or assignment; write option = value");
            return;
        }
        const std::string_view name = trimmed(line.substr(0, split));
        if (name.empty()) {
            refuse("the assignment has no option name; write option = value");
        } else if (!group_) {
            refuse("the assignment stands before the first section; put [DEFAULT] above it");
        } else {
            open_ = IniValue{
                *group_,
                normalised_option(name),
                std::string(unquoted(trimmed(line.substr(split + 1)))),
                {file_, number_}};
        }
    }

    // The continuation lines of a wrong assignment are no mistakes of their own.
    void refuse(std::string what) {
        mistake(std::move(what));
        skipping_ = true;
    }

    const std::string& file_;
    std::vector<Mistake>& mistakes_;
    std::vector<IniValue> values_;
    std::optional<std::string> group_;
    std::optional<IniValue> open_;
    bool skipping_ = false;
    std::size_t number_ = 0;
};

std::string in_capitals(std::string_view name) {
    std::string result;
    for (const char c : name) {
        result += is_word(c) ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : '_';
    }
    return result;
}

// The length of a reference's name at the start of `text`: dots only between words.
std::size_t reference_length(std::string_view text) {
    if (text.empty() || !is_word(text.front()) ||
        std::isdigit(static_cast<unsigned char>(text.front())))
        return 0;
    std::size_t length = 0;
    while (length < text.size() &&
           (is_word(text[length]) ||
            (text[length] == '.' && length + 1 < text.size() && is_word(text[length + 1])))) {
        ++length;
    }
    return length;
}

}  // namespace

std::string Origin::str() const {
    return line == 0 ? source : source + ":" + std::to_string(line);
}

std::string_view trimmed(std::string_view text) {
    return slipway::trimmed(text, kWhitespace);
}

std::string normalised_option(std::string_view name) {
    std::string result(name);
    std::replace(result.begin(), result.end(), '-', '_');
    return result;
}

std::string normalised_group(std::string_view name) {
    return name == "DEFAULT" ? std::string(name) : lower_case(name);
}

std::vector<IniValue> parse_ini(
    std::string_view text, const std::string& file, std::vector<Mistake>& mistakes
) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    Parser parser(file, mistakes);
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        parser.line(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return parser.finish();
}

std::string environment_name(std::string_view group, std::string_view option) {
    return "OS_" + in_capitals(group) + "__" + in_capitals(option);
}

Result<std::string> substitute(std::string_view text, const ReferenceLookup& look_up) {
    std::string result;
    while (!text.empty()) {
        const std::size_t mark = text.find('$');
        if (mark == std::string_view::npos) break;
        const bool escaped = mark > 0 && text[mark - 1] == '\\';
        result += text.substr(0, escaped ? mark - 1 : mark);
        text.remove_prefix(mark + 1);
        const bool braced = !escaped && text.starts_with('{');
        const std::size_t length = escaped ? 0 : reference_length(text.substr(braced ? 1 : 0));
        const bool closed = !braced || (length + 1 < text.size() && text[length + 1] == '}');
        if (length == 0 || !closed) {
            result += '$';
            if (!escaped && text.starts_with('$')) text.remove_prefix(1);
            continue;
        }
        SLIPWAY_TRY(const auto value, look_up(text.substr(braced ? 1 : 0, length)));
        if (!value) {
            return Error(
                Errc::invalid_argument,
                "a '$' is followed by a name that is no option; write $$ for a dollar"
            );
        }
        result += *value;
        text.remove_prefix(length + (braced ? 2 : 0));
    }
    return result.append(text);
}

}  // namespace slipway::app
