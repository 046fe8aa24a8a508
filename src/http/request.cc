#include "http/request.h"

#include <array>

namespace slipway::http {

awaitable<Result<std::string>> Request::read_text(std::size_t limit) {
    const auto too_large = [limit] {
        return Error(
            Errc::too_large,
            "The request's body may have at most " + std::to_string(limit) + " bytes."
        );
    };
    const auto announced = content_length();
    if (announced && *announced > limit) co_return too_large();
    std::string text;
    if (announced) text.reserve(static_cast<std::size_t>(*announced));
    std::array<std::byte, 4096> piece;
    while (true) {
        SLIPWAY_CO_TRY(const std::size_t got, co_await body().read_some(piece));
        if (got == 0) co_return text;
        if (got > limit - text.size()) co_return too_large();
        text.append(reinterpret_cast<const char*>(piece.data()), got);
    }
}

}  // namespace slipway::http
