#pragma once

#include "base/result.h"

#include <memory>
#include <string>
#include <string_view>

namespace slipway {

// A regular expression that an operator wrote, for texts of clients: its time is linear in the
// text's length, whatever it says. RE2 stays in pattern.cc. Cheap to copy.
class Pattern {
public:
    // Errors: invalid_argument, with what is wrong: also back references and look-around, which RE2
    // has not.
    static Result<Pattern> compile(const std::string& expression);

    // Whether a part of `text` matches.
    [[nodiscard]] bool is_in(std::string_view text) const;
    // As it was written.
    [[nodiscard]] const std::string& str() const;

private:
    struct Impl;
    explicit Pattern(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
    std::shared_ptr<const Impl> impl_;  // shared by the copies; immutable
};

}  // namespace slipway
