#include "base/async.h"

#include "base/log.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <exception>
#include <list>
#include <utility>

namespace slipway {

using asio::use_awaitable;

namespace {

// The pool's threads for coroutines. Unlike the pool's own executor it can not be told that work is
// outstanding: a coroutine that waits for the event loop would keep a pool from being joined whose
// loop has been stopped.
//
// It never runs a function in the caller, yet says that it may: a strand over it then runs at once
// what is dispatched to it from within. Asio relies on that when it cancels a coroutine by a bare
// pointer.
class PoolExecutor {
public:
    explicit PoolExecutor(asio::thread_pool& pool) : pool_(&pool) {}

    template <class Function>
    void execute(Function&& function) const {
        asio::require(pool_->get_executor(), asio::execution::blocking.never)
            .execute(std::forward<Function>(function));
    }
    [[nodiscard]] asio::execution_context& query(asio::execution::context_t) const noexcept {
        return *pool_;
    }
    [[nodiscard]] asio::execution::blocking_t query(asio::execution::blocking_t) const noexcept {
        return blocking_;
    }
    [[nodiscard]] PoolExecutor require(asio::execution::blocking_t::never_t blocking) const {
        return PoolExecutor(pool_, blocking);
    }
    [[nodiscard]] PoolExecutor require(asio::execution::blocking_t::possibly_t blocking) const {
        return PoolExecutor(pool_, blocking);
    }
    friend bool operator==(const PoolExecutor&, const PoolExecutor&) noexcept = default;

private:
    PoolExecutor(asio::thread_pool* pool, asio::execution::blocking_t blocking)
        : pool_(pool), blocking_(blocking) {}

    asio::thread_pool* pool_;
    asio::execution::blocking_t blocking_ = asio::execution::blocking.possibly;
};

}  // namespace

struct BlockingPool::Impl {
    explicit Impl(std::size_t threads) : pool(threads) {}
    asio::thread_pool pool;
};

BlockingPool::BlockingPool(std::size_t threads) : impl_(std::make_unique<Impl>(threads)) {}

BlockingPool::~BlockingPool() {
    join();
}

asio::any_io_executor BlockingPool::strand() {
    return asio::make_strand(asio::any_io_executor(PoolExecutor(impl_->pool)));
}

void BlockingPool::join() {
    impl_->pool.join();
}

awaitable<void> BlockingPool::run(std::function<void()> job) {
    auto start = [this](auto handler, std::function<void()> work) {
        auto executor = asio::prefer(
            asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked
        );
        asio::post(
            impl_->pool,
            [handler = std::move(handler), executor, work = std::move(work)]() mutable {
                std::exception_ptr thrown;
                try {
                    work();
                } catch (...) {
                    thrown = std::current_exception();
                }
                work = nullptr;
                asio::post(executor, [handler = std::move(handler), thrown]() mutable {
                    std::move(handler)(thrown);
                });
            }
        );
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr)>(
        start, use_awaitable, std::move(job)
    );
}

// Asio's co_spawn passes a cancellation on by a bare pointer into the caller's slot, and posts it
// when the executors differ: an operation that ends in that moment has freed what it points to. So
// the signal is ours, and each that may still use it has a share.
awaitable<void> run_on(asio::any_io_executor executor, awaitable<void> operation) {
    auto start = [executor](auto handler, awaitable<void> work) {
        auto signal = std::make_shared<asio::cancellation_signal>();
        if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected())
            slot.assign([executor, signal](asio::cancellation_type type) {
                asio::post(executor, [signal, type] { signal->emit(type); });
            });
        auto caller = asio::prefer(
            asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked
        );
        auto ended = [executor, signal, caller, handler = std::move(handler)](
                         std::exception_ptr thrown
                     ) mutable {
            // The coroutine has its last step still to make, and its state lies in the signal.
            asio::post(executor, [signal = std::move(signal)] {});
            asio::post(caller, [handler = std::move(handler), thrown]() mutable {
                std::move(handler)(thrown);
            });
        };
        asio::co_spawn(
            executor,
            std::move(work),
            asio::bind_cancellation_slot(signal->slot(), std::move(ended))
        );
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr)>(
        start, use_awaitable, std::move(operation)
    );
}

awaitable<bool> run_until(Deadline deadline, awaitable<void> operation) {
    if (deadline == kNoDeadline) {
        co_await std::move(operation);
        co_return true;
    }
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, deadline);
    auto group = asio::experimental::make_parallel_group(
        asio::co_spawn(executor, std::move(operation), asio::deferred),
        timer.async_wait(asio::deferred)
    );
    auto [order, thrown, timer_error] =
        co_await group.async_wait(asio::experimental::wait_for_one(), use_awaitable);
    const bool timed_out = order[0] == 1;
    if (thrown && !timed_out) std::rethrow_exception(thrown);
    co_return !timed_out;
}

void run_to_end(asio::io_context& io) {
    while (!io.stopped()) {
        std::string what = "unknown";
        try {
            io.run();
            continue;
        } catch (const std::exception& error) {
            what = error.what();
        } catch (...) {
        }
        log::error({}, "loop.threw", {{"error", what}});
    }
}

awaitable<void> give_way() {
    co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
}

awaitable<void> sleep_for(std::chrono::steady_clock::duration duration) {
    asio::steady_timer timer(co_await asio::this_coro::executor, duration);
    co_await timer.async_wait(use_awaitable);
}

struct Semaphore::Waiter {
    explicit Waiter(const asio::any_io_executor& executor) : timer(executor) {}
    asio::steady_timer timer;
    bool granted = false;  // guarded by Semaphore::mutex_
};

awaitable<Result<Semaphore::Permit>> Semaphore::acquire(Deadline deadline) {
    std::shared_ptr<Waiter> waiter;
    {
        const std::lock_guard lock(mutex_);
        if (free_ > 0 && waiting_.empty()) {
            --free_;
            co_return Permit(*this);
        }
    }
    waiter = std::make_shared<Waiter>(co_await asio::this_coro::executor);
    waiter->timer.expires_at(deadline);
    {
        const std::lock_guard lock(mutex_);
        if (free_ > 0 && waiting_.empty()) {
            --free_;
            co_return Permit(*this);
        }
        waiting_.push_back(waiter);
    }
    // Leaves the queue, or gives back a permit that was granted while we were being cancelled.
    struct Leave {
        Semaphore* semaphore;
        std::shared_ptr<Waiter> waiter;
        bool keep = false;
        ~Leave() {
            if (keep) return;
            std::unique_lock lock(semaphore->mutex_);
            if (waiter->granted) {
                lock.unlock();
                semaphore->release();
            } else {
                std::erase(semaphore->waiting_, waiter);
            }
        }
    } leave{this, waiter};

    co_await waiter->timer.async_wait(asio::as_tuple(use_awaitable));
    {
        const std::lock_guard lock(mutex_);
        leave.keep = waiter->granted;
    }
    if (!leave.keep) co_return Error(Errc::timeout, "no free slot in time; try again later");
    co_return Permit(*this);
}

void Semaphore::release() {
    std::shared_ptr<Waiter> next;
    {
        const std::lock_guard lock(mutex_);
        if (waiting_.empty()) {
            ++free_;
            return;
        }
        next = waiting_.front();
        waiting_.pop_front();
        next->granted = true;
    }
    asio::post(next->timer.get_executor(), [next] { next->timer.cancel(); });
}

struct Wakeup::Impl {
    std::mutex mutex;
    bool notified = false;                    // guarded by mutex
    std::optional<asio::steady_timer> timer;  // guarded by mutex
};

Wakeup::Wakeup() : impl_(std::make_shared<Impl>()) {}
Wakeup::~Wakeup() = default;

void Wakeup::notify() {
    const std::lock_guard lock(impl_->mutex);
    impl_->notified = true;
    if (impl_->timer) impl_->timer->cancel();
}

awaitable<void> Wakeup::wait(std::chrono::steady_clock::duration at_most) {
    auto impl = impl_;
    // Whether there is something to wait for is asked, and the wait begun, under one lock.
    auto start = [&impl, at_most](auto handler) {
        const std::lock_guard lock(impl->mutex);
        impl->timer.emplace(
            asio::get_associated_executor(handler),
            impl->notified ? std::chrono::steady_clock::duration::zero() : at_most
        );
        impl->timer->async_wait(std::move(handler));
    };
    auto token = asio::as_tuple(use_awaitable);
    co_await asio::async_initiate<decltype(token), void(boost::system::error_code)>(start, token);
    const std::lock_guard lock(impl->mutex);
    impl->timer.reset();
    impl->notified = false;
}

struct TaskGroup::Impl {
    struct Task {
        std::string name;
        asio::any_io_executor executor;
        asio::cancellation_signal signal;
    };

    explicit Impl(asio::any_io_executor ex) : executor(std::move(ex)) {}

    asio::any_io_executor executor;
    mutable std::mutex mutex;
    std::list<std::shared_ptr<Task>> tasks;  // guarded by mutex
    Wakeup ended;
};

TaskGroup::TaskGroup(asio::any_io_executor executor)
    : impl_(std::make_shared<Impl>(std::move(executor))) {}
TaskGroup::~TaskGroup() = default;

void TaskGroup::spawn(std::string name, std::function<awaitable<void>()> body) {
    spawn_on(asio::make_strand(impl_->executor), std::move(name), std::move(body));
}

void TaskGroup::spawn_on(
    asio::any_io_executor executor, std::string name, std::function<awaitable<void>()> body
) {
    auto task = std::make_shared<Impl::Task>();
    task->name = std::move(name);
    task->executor = executor;
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->tasks.push_back(task);
    }
    auto finished = [impl = impl_, task](std::exception_ptr thrown) {
        if (thrown) {
            try {
                std::rethrow_exception(thrown);
            } catch (const boost::system::system_error& error) {
                if (error.code() != asio::error::operation_aborted)
                    log::error({}, "task.failed", {{"task", task->name}, {"error", error.what()}});
            } catch (const std::exception& error) {
                log::error({}, "task.failed", {{"task", task->name}, {"error", error.what()}});
            } catch (...) {
                log::error({}, "task.failed", {{"task", task->name}, {"error", "unknown"}});
            }
        }
        {
            const std::lock_guard lock(impl->mutex);
            impl->tasks.remove(task);
        }
        impl->ended.notify();
    };
    // `body` lives in the wrapper's frame, so that what it captured lives as long as what it runs.
    auto wrapper = [](std::function<awaitable<void>()> run) -> awaitable<void> { co_await run(); };
    asio::dispatch(executor, [executor, task, wrapper, finished, body = std::move(body)]() mutable {
        asio::co_spawn(
            executor,
            wrapper(std::move(body)),
            asio::bind_cancellation_slot(task->signal.slot(), std::move(finished))
        );
    });
}

std::size_t TaskGroup::size() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->tasks.size();
}

void TaskGroup::cancel(asio::cancellation_type type) {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& task : impl_->tasks)
        asio::post(task->executor, [task, type] { task->signal.emit(type); });
}

awaitable<bool> TaskGroup::wait(Deadline deadline) {
    while (size() > 0) {
        const auto left = deadline - std::chrono::steady_clock::now();
        if (left <= std::chrono::steady_clock::duration::zero()) co_return false;
        co_await impl_->ended.wait(
            std::min<std::chrono::steady_clock::duration>(left, std::chrono::seconds(1))
        );
    }
    co_return true;
}

}  // namespace slipway
