#pragma once

#include <boost/assert/source_location.hpp>

#include <string>
#include <string_view>

namespace slipway {

// What the caller can do about it (fix the request, retry later, give up); never where it happened.
enum class Errc {
    internal,
    invalid_argument,
    unauthenticated,
    forbidden,
    not_found,
    conflict,
    gone,
    too_large,
    no_space,
    unsupported,
    unavailable,
    timeout,
    cancelled,
    corrupt,
};

std::string_view to_string(Errc code);

// A code and one sentence that may be shown to the user. Secrets and host names stay out of it.
struct Error {
    Errc code = Errc::internal;
    std::string message;
    // The foreign word for it, where one exists and a caller decides on it: a vSphere fault's name
    // ("FileLocked"), an errno's name. Empty otherwise.
    std::string reason;

    Error() = default;
    Error(Errc error_code, std::string error_message, std::string error_reason = {})
        : code(error_code), message(std::move(error_message)), reason(std::move(error_reason)) {}

    // The same error, its message preceded by what was being done.
    [[nodiscard]] Error while_doing(std::string_view what) const;

    friend bool operator==(const Error&, const Error&) = default;
};

// Found by boost::system::result when value() is called on an error: a broken invariant of ours.
[[noreturn]] void throw_exception_from_error(
    const Error& error, const boost::source_location& where
);

}  // namespace slipway
