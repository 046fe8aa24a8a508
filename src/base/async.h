#pragma once

#include "base/awaitable.h"
#include "base/call.h"
#include "base/result.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace slipway {

// Threads for work that blocks: files, digests, name lookups. Joined by join() or the destructor.
class BlockingPool {
public:
    explicit BlockingPool(std::size_t threads);
    ~BlockingPool();
    BlockingPool(const BlockingPool&) = delete;
    BlockingPool& operator=(const BlockingPool&) = delete;

    // Runs `job` on a thread of the pool; resumes on the caller's executor when it is over, never
    // before, also when the caller is cancelled meanwhile. An exception of `job` is thrown here.
    awaitable<void> run(std::function<void()> job);
    // For coroutines that compute: their steps run on threads of the pool, one at a time. One that
    // waits for something else is no work of the pool, so join() does not wait for it.
    [[nodiscard]] asio::any_io_executor strand();

    void join();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Runs `work` on `pool` and returns its result. `work` must be a named callable: it stays in the
// caller's frame, so it may capture by reference.
template <class Work>
awaitable<std::invoke_result_t<Work&>> offload(BlockingPool& pool, Work& work) {
    std::optional<std::invoke_result_t<Work&>> result;
    co_await pool.run([&] { result.emplace(work()); });
    co_return std::move(*result);
}

// Runs the steps of `operation` on `executor`, which must not run two handlers at once, and goes on
// where the caller runs. A cancellation of the caller reaches the operation there. Exceptions of
// the operation are thrown here.
awaitable<void> run_on(asio::any_io_executor executor, awaitable<void> operation);

template <class T>
awaitable<Result<T>> run_on(asio::any_io_executor executor, awaitable<Result<T>> operation) {
    std::optional<Result<T>> result;
    auto body = [](awaitable<Result<T>> inner, std::optional<Result<T>>& out) -> awaitable<void> {
        out.emplace(co_await std::move(inner));
    };
    co_await run_on(std::move(executor), body(std::move(operation), result));
    co_return std::move(*result);
}

// Runs `operation` to its end, or cancels it at `deadline` and waits for it to unwind.
// Returns false if the deadline came first. Exceptions of the operation are thrown here.
awaitable<bool> run_until(Deadline deadline, awaitable<void> operation);

// Runs `operation`; Errc::timeout if it is not over by `deadline`.
template <class T>
awaitable<Result<T>> with_deadline(Deadline deadline, awaitable<Result<T>> operation) {
    std::optional<Result<T>> result;
    auto body = [](awaitable<Result<T>> inner, std::optional<Result<T>>& out) -> awaitable<void> {
        out.emplace(co_await std::move(inner));
    };
    const bool in_time = co_await run_until(deadline, body(std::move(operation), result));
    // An operation that was cancelled at the deadline may say so by a value.
    const bool was_cut = !in_time && result && !*result && result->error().code == Errc::cancelled;
    if (result && !was_cut) co_return std::move(*result);
    if (in_time) co_return Error(Errc::cancelled, "the operation was cancelled");
    co_return Error(Errc::timeout, "the operation did not finish in time");
}

// Runs the event loop until it is stopped or has no more work. What a handler throws ends that
// handler only: it is logged, and the loop goes on. Each thread of a loop calls this.
void run_to_end(asio::io_context& io);

// Lets others on this executor go on.
awaitable<void> give_way();
awaitable<void> sleep_for(std::chrono::steady_clock::duration duration);

// A counted permit with a first-come queue of waiting coroutines. Safe across strands.
class Semaphore {
public:
    // Gives the permit back when destroyed.
    class Permit {
    public:
        Permit() = default;
        explicit Permit(Semaphore& semaphore) : semaphore_(&semaphore) {}
        Permit(Permit&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
        Permit& operator=(Permit&& other) noexcept {
            std::swap(semaphore_, other.semaphore_);
            return *this;
        }
        ~Permit() {
            if (semaphore_) semaphore_->release();
        }

    private:
        Semaphore* semaphore_ = nullptr;
    };

    explicit Semaphore(std::size_t permits) : free_(permits) {}

    // Errors: timeout when `deadline` comes first.
    awaitable<Result<Permit>> acquire(Deadline deadline = kNoDeadline);

private:
    struct Waiter;
    void release();

    std::mutex mutex_;
    std::size_t free_;
    std::deque<std::shared_ptr<Waiter>> waiting_;
};

// Wakes one sleeping loop: one waits at a time. notify() may be called from any thread and is
// remembered until waited for.
class Wakeup {
public:
    Wakeup();
    ~Wakeup();
    Wakeup(const Wakeup&) = delete;
    Wakeup& operator=(const Wakeup&) = delete;

    void notify();
    // Returns when notify() was called since the last return, or after `at_most`.
    awaitable<void> wait(std::chrono::steady_clock::duration at_most);

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

// Owns background coroutines: names them, logs how they ended, ends them at shutdown.
class TaskGroup {
public:
    explicit TaskGroup(asio::any_io_executor executor);
    ~TaskGroup();
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    // Starts `body` on a strand of its own.
    void spawn(std::string name, std::function<awaitable<void>()> body);
    // The same on `executor`, which must not run two handlers at once.
    void spawn_on(
        asio::any_io_executor executor, std::string name, std::function<awaitable<void>()> body
    );

    std::size_t size() const;
    // Asks every running task to end: `total` lets it finish what cannot be undone, `terminal` does
    // not.
    void cancel(asio::cancellation_type type);
    // Waits until every task has ended; false if `deadline` came first.
    awaitable<bool> wait(Deadline deadline);

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace slipway
