#pragma once

#include "base/awaitable.h"

#include <exception>
#include <optional>
#include <utility>

namespace slipway::test {

// Runs `body` to its end on an event loop of its own, on this thread. Exceptions come through.
void run(awaitable<void> body);

// Runs `operation` and returns its result.
template <class T>
T run(awaitable<T> operation) {
    std::optional<T> result;
    auto body = [](awaitable<T> inner, std::optional<T>& out) -> awaitable<void> {
        out.emplace(co_await std::move(inner));
    };
    run(body(std::move(operation), result));
    return std::move(*result);
}

}  // namespace slipway::test
