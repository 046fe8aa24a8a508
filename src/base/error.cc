#include "base/error.h"

#include <stdexcept>

namespace slipway {

std::string_view to_string(Errc code) {
    switch (code) {
        case Errc::internal:
            return "internal";
        case Errc::invalid_argument:
            return "invalid_argument";
        case Errc::unauthenticated:
            return "unauthenticated";
        case Errc::forbidden:
            return "forbidden";
        case Errc::not_found:
            return "not_found";
        case Errc::conflict:
            return "conflict";
        case Errc::gone:
            return "gone";
        case Errc::too_large:
            return "too_large";
        case Errc::no_space:
            return "no_space";
        case Errc::unsupported:
            return "unsupported";
        case Errc::unavailable:
            return "unavailable";
        case Errc::timeout:
            return "timeout";
        case Errc::cancelled:
            return "cancelled";
        case Errc::corrupt:
            return "corrupt";
    }
    return "internal";
}

Error Error::while_doing(std::string_view what) const {
    return Error(code, std::string(what) + ": " + message, reason);
}

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
    throw std::logic_error(
        "value of a failed Result taken in " + std::string(where.function_name()) + ": " +
        error.message
    );
}

}  // namespace slipway
