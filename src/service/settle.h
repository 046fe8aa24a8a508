#pragma once

#include "base/async.h"
#include "base/call.h"
#include "base/ids.h"
#include "base/result.h"
#include "store/catalog.h"

#include <boost/asio/this_coro.hpp>

#include <exception>
#include <functional>
#include <utility>

namespace slipway::service {

// Whether trying again could help: the catalogue was away, or its disk is full, and it is not that
// the state of things forbids it.
bool may_pass(const Error& error);

// Logs an exception, and tells of it no more than that there was one.
Error error_of(const Call& call, const std::exception_ptr& thrown);

// How `work` ends; what it throws is an error too, so that whatever it has begun can be given up.
// But at our own end nothing can be waited for any more, and the exception goes on: what a process
// leaves behind is given up, or gone on with, when its lease has ended.
template <class T>
awaitable<Result<T>> caught(const Call& call, awaitable<Result<T>> work) {
    std::exception_ptr thrown;
    try {
        co_return co_await std::move(work);
    } catch (...) {
        thrown = std::current_exception();
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) std::rethrow_exception(thrown);
    co_return error_of(call, thrown);
}

// Does in the catalogue what must not be left undone because it was away for a moment: again and
// again, until it is done, until it can not be done any more, or until `lost`. Returns how the last
// attempt ended.
awaitable<Result<void>> settle(
    const Call& call, std::function<awaitable<Result<void>>()> step, std::function<bool()> lost = {}
);

// Gives a location up that was being added.
awaitable<void> drop_surely(store::Catalog& catalog, LocationId id, const Call& call);

}  // namespace slipway::service
