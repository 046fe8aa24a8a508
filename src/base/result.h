#pragma once

#include "base/error.h"

#include <boost/system/result.hpp>

#include <utility>

namespace slipway {

// A value, or an Error. A default-constructed Result is a success.
template <class T>
class [[nodiscard]] Result : public boost::system::result<T, Error> {
public:
    using boost::system::result<T, Error>::result;
};

}  // namespace slipway

#define SLIPWAY_CONCAT_(a, b) a##b
#define SLIPWAY_CONCAT(a, b) SLIPWAY_CONCAT_(a, b)

#define SLIPWAY_TRY_(temporary, declaration, return_, ...) \
    auto temporary = (__VA_ARGS__);                        \
    if (!temporary) [[unlikely]]                           \
        return_ std::move(temporary).error();              \
    declaration = std::move(temporary).value()

#define SLIPWAY_CHECK_(temporary, return_, ...)                  \
    if (auto temporary = (__VA_ARGS__); !temporary) [[unlikely]] \
    return_ std::move(temporary).error()

// SLIPWAY_TRY(auto image, find(id));  declares `image`, or returns the error of find(id).
#define SLIPWAY_TRY(declaration, ...) \
    SLIPWAY_TRY_(SLIPWAY_CONCAT(slipway_try_, __LINE__), declaration, return, __VA_ARGS__)
// SLIPWAY_CHECK(store(id));  returns the error of store(id), if it has one.
#define SLIPWAY_CHECK(...) \
    SLIPWAY_CHECK_(SLIPWAY_CONCAT(slipway_check_, __LINE__), return, __VA_ARGS__)
// The same two inside a coroutine.
#define SLIPWAY_CO_TRY(declaration, ...) \
    SLIPWAY_TRY_(SLIPWAY_CONCAT(slipway_try_, __LINE__), declaration, co_return, __VA_ARGS__)
#define SLIPWAY_CO_CHECK(...) \
    SLIPWAY_CHECK_(SLIPWAY_CONCAT(slipway_check_, __LINE__), co_return, __VA_ARGS__)
