#include "base/pattern.h"

#include <re2/re2.h>

namespace slipway {

struct Pattern::Impl {
    explicit Impl(const std::string& expression) : compiled(expression, options()) {}

    static RE2::Options options() {
        RE2::Options chosen(RE2::Quiet);
        chosen.set_max_mem(8 << 20);
        return chosen;
    }

    RE2 compiled;
};

Result<Pattern> Pattern::compile(const std::string& expression) {
    auto impl = std::make_shared<const Impl>(expression);
    if (!impl->compiled.ok())
        return Error(
            Errc::invalid_argument,
            "\"" + expression + "\" is no regular expression: " + impl->compiled.error()
        );
    return Pattern(std::move(impl));
}

bool Pattern::is_in(std::string_view text) const {
    return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), impl_->compiled);
}

const std::string& Pattern::str() const {
    return impl_->compiled.pattern();
}

}  // namespace slipway
