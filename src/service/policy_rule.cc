#include "service/policy_rule.h"

#include "base/text.h"

#include <algorithm>
#include <set>

namespace slipway::service {

namespace {

using Kind = RuleCheck::Kind;

// Deep enough for every rule that a person writes.
constexpr int kDepth = 100;

Error wrong(std::string what) {
    return {Errc::invalid_argument, std::move(what)};
}

struct Token {
    enum class Kind { open, close, word_and, word_or, word_not, check };
    Kind kind = Kind::check;
    std::string text;
};

bool is_quoted(std::string_view text) {
    return text.size() >= 2 && text.front() == text.back() &&
           (text.front() == '\'' || text.front() == '"');
}

// Parentheses count at the ends of a word only: %(owner)s has some of its own.
Result<void> add_tokens(std::string_view word, std::vector<Token>& tokens) {
    while (!word.empty() && word.front() == '(') {
        tokens.push_back({Token::Kind::open, "("});
        word.remove_prefix(1);
    }
    if (is_quoted(word))
        return wrong(
            "has the text " + std::string(word) +
            " alone; compare it with something, as in 'public':%(visibility)s"
        );
    std::size_t closing = 0;
    while (!word.empty() && word.back() == ')') {
        ++closing;
        word.remove_suffix(1);
    }
    const std::string lowered = lower_case(word);
    if (lowered == "and") {
        tokens.push_back({Token::Kind::word_and, lowered});
    } else if (lowered == "or") {
        tokens.push_back({Token::Kind::word_or, lowered});
    } else if (lowered == "not") {
        tokens.push_back({Token::Kind::word_not, lowered});
    } else if (!word.empty()) {
        tokens.push_back({Token::Kind::check, std::string(word)});
    }
    tokens.insert(tokens.end(), closing, {Token::Kind::close, ")"});
    return {};
}

Result<std::vector<Token>> tokens_of(std::string_view text) {
    std::vector<Token> tokens;
    while (true) {
        text = trimmed(text, kWhitespace);
        if (text.empty()) return tokens;
        const std::size_t end = std::min(text.find_first_of(kWhitespace), text.size());
        SLIPWAY_CHECK(add_tokens(text.substr(0, end), tokens));
        text.remove_prefix(end);
    }
}

Result<RulePattern> parse_pattern(std::string_view text) {
    RulePattern pattern;
    std::string literal;
    while (!text.empty()) {
        if (text.front() != '%') {
            literal += text.front();
            text.remove_prefix(1);
        } else if (text.starts_with("%%")) {
            literal += '%';
            text.remove_prefix(2);
        } else {
            const std::size_t end = text.find(")s");
            if (!text.starts_with("%(") || end == std::string_view::npos)
                return wrong(
                    "has \"" + std::string(text) +
                    "\"; an attribute is written %(name)s, and %% "
                    "is a percent sign"
                );
            if (!literal.empty()) pattern.parts.push_back({false, std::move(literal)});
            literal.clear();
            pattern.parts.push_back({true, std::string(text.substr(2, end - 2))});
            text.remove_prefix(end + 2);
        }
    }
    if (!literal.empty()) pattern.parts.push_back({false, std::move(literal)});
    return pattern;
}

bool is_name(std::string_view text) {
    if (text.empty() || !(is_alpha(text.front()) || text.front() == '_')) return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return is_alpha(c) || is_digit(c) || c == '_' || c == '.' || c == '-';
    });
}

bool is_number(std::string_view text) {
    return !text.empty() && (text == "0" || text.front() != '0') &&
           std::all_of(text.begin(), text.end(), is_digit);
}

// The text of a left side that means itself; absent: it names something of the caller.
std::optional<std::string> literal_of(std::string_view left) {
    if (is_quoted(left) && left.find('\\') == std::string_view::npos)
        return std::string(left.substr(1, left.size() - 2));
    if (left == "True" || left == "False" || left == "None" || is_number(left))
        return std::string(left);
    return std::nullopt;
}

Result<RuleCheck> parse_check(std::string_view text) {
    RuleCheck check;
    if (text == "!" || text == "@") {
        check.kind = text == "!" ? Kind::never : Kind::always;
        return check;
    }
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos)
        return wrong(
            "has \"" + std::string(text) +
            "\", which is no check; write role:NAME, rule:NAME or NAME:%(attribute)s"
        );
    const std::string_view left = text.substr(0, colon);
    const std::string_view right = text.substr(colon + 1);
    if (left == "http" || left == "https")
        return wrong("asks another server (" + std::string(left) + ":), which is not supported");
    if (left == "rule") {
        check.kind = Kind::rule;
        check.name = right;
        return check;
    }
    SLIPWAY_TRY(check.pattern, parse_pattern(right));
    if (left == "role") {
        check.kind = Kind::role;
    } else if (auto literal = literal_of(left)) {
        check.kind = Kind::literal;
        check.name = std::move(*literal);
    } else if (is_name(left)) {
        check.kind = Kind::credential;
        check.name = left;
    } else {
        return wrong(
            "compares \"" + std::string(left) +
            "\" with something; the left side is a name, 'a text', a number, True, False or None"
        );
    }
    return check;
}

class Parser {
public:
    explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

    Result<RuleCheck> parse() {
        SLIPWAY_TRY(auto check, either(0));
        if (at_ < tokens_.size())
            return wrong("goes on at \"" + tokens_[at_].text + "\" where it should end");
        return check;
    }

private:
    [[nodiscard]] bool next_is(Token::Kind kind) const {
        return at_ < tokens_.size() && tokens_[at_].kind == kind;
    }

    Result<RuleCheck> chain(
        Kind kind, Token::Kind word, Result<RuleCheck> (Parser::*operand)(int), int depth
    ) {
        SLIPWAY_TRY(auto first, (this->*operand)(depth));
        if (!next_is(word)) return first;
        RuleCheck whole;
        whole.kind = kind;
        whole.parts.push_back(std::move(first));
        while (next_is(word)) {
            ++at_;
            SLIPWAY_TRY(whole.parts.emplace_back(), (this->*operand)(depth));
        }
        return whole;
    }

    Result<RuleCheck> either(int depth) {
        return chain(Kind::any_of, Token::Kind::word_or, &Parser::both, depth);
    }
    Result<RuleCheck> both(int depth) {
        return chain(Kind::all_of, Token::Kind::word_and, &Parser::single, depth);
    }

    Result<RuleCheck> single(int depth) {
        if (depth >= kDepth)
            return wrong("is nested too deeply; give its parts names of their own");
        if (at_ >= tokens_.size()) return wrong("ends where a check should follow");
        const Token& token = tokens_[at_++];
        if (token.kind == Token::Kind::check) return parse_check(token.text);
        if (token.kind == Token::Kind::word_not) {
            RuleCheck negation;
            negation.kind = Kind::none_of;
            SLIPWAY_TRY(negation.parts.emplace_back(), single(depth + 1));
            return negation;
        }
        if (token.kind != Token::Kind::open)
            return wrong("has \"" + token.text + "\" where a check should stand");
        SLIPWAY_TRY(auto inner, either(depth + 1));
        if (!next_is(Token::Kind::close)) return wrong("lacks a closing parenthesis");
        ++at_;
        return inner;
    }

    std::vector<Token> tokens_;
    std::size_t at_ = 0;
};

bool holds(const RuleSet& rules, const RuleCheck& check, const RuleFacts& facts) {
    const auto part_holds = [&](const RuleCheck& part) { return holds(rules, part, facts); };
    switch (check.kind) {
        case Kind::always:
            return true;
        case Kind::never:
            return false;
        case Kind::all_of:
            return std::ranges::all_of(check.parts, part_holds);
        case Kind::any_of:
            return std::ranges::any_of(check.parts, part_holds);
        case Kind::none_of:
            return std::ranges::none_of(check.parts, part_holds);
        case Kind::rule:
            return passes(rules, check.name, facts);
        default:
            break;
    }
    const auto wanted = check.pattern.filled(facts);
    if (!wanted) return false;
    if (check.kind == Kind::role) return facts.has_role(lower_case(*wanted));
    if (check.kind == Kind::literal) return check.name == *wanted;
    const auto known = facts.credentials(check.name);
    return std::ranges::find(known, *wanted) != known.end();
}

void collect_references(const RuleCheck& check, std::vector<std::string>& names) {
    if (check.kind == Kind::rule) names.push_back(check.name);
    for (const RuleCheck& part : check.parts) collect_references(part, names);
}

const std::string& resolved(const RuleSet& rules, const std::string& name) {
    static const std::string default_rule(kDefaultRule);
    return rules.contains(name) ? name : default_rule;
}

// Walks from `at` towards `goal`; `path` is the way there.
bool leads_to(
    const RuleSet& rules,
    const std::string& at,
    const std::string& goal,
    std::set<std::string>& seen,
    std::vector<std::string>& path
) {
    path.push_back(at);
    const auto rule = rules.find(at);
    if (rule != rules.end()) {
        for (const std::string& written : references_of(rule->second)) {
            const std::string& next = resolved(rules, written);
            if (next == goal) {
                path.push_back(goal);
                return true;
            }
            if (seen.insert(next).second && leads_to(rules, next, goal, seen, path)) return true;
        }
    }
    path.pop_back();
    return false;
}

}  // namespace

std::optional<std::string> RulePattern::filled(const RuleFacts& facts) const {
    std::string text;
    for (const Part& part : parts) {
        if (!part.is_attribute) {
            text += part.text;
            continue;
        }
        const auto value = facts.attribute(part.text);
        if (!value) return std::nullopt;
        text += *value;
    }
    return text;
}

Result<RuleCheck> parse_rule(std::string_view text) {
    if (text.empty()) {
        RuleCheck everybody;
        everybody.kind = Kind::always;
        return everybody;
    }
    SLIPWAY_TRY(auto tokens, tokens_of(text));
    return Parser(std::move(tokens)).parse();
}

bool passes(const RuleSet& rules, std::string_view name, const RuleFacts& facts) {
    auto rule = rules.find(name);
    if (rule == rules.end()) rule = rules.find(kDefaultRule);
    return rule != rules.end() && holds(rules, rule->second, facts);
}

std::vector<std::string> references_of(const RuleCheck& rule) {
    std::vector<std::string> names;
    collect_references(rule, names);
    return names;
}

std::vector<std::string> circle_from(const RuleSet& rules, const std::string& name) {
    std::set<std::string> seen;
    std::vector<std::string> path;
    leads_to(rules, name, name, seen, path);
    return path;
}

}  // namespace slipway::service
