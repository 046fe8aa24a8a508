#include "vsphere/task.h"

#include "base/log.h"
#include "vsphere/methods.h"
#include "vsphere/property_collector.h"
#include "vsphere/task_updates.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace slipway::vsphere {
namespace {

constexpr std::chrono::seconds kLookEvery{1};
// Failures in a row, each with its own retries, after which the waiters are told.
constexpr int kFailuresInARow = 4;
constexpr std::chrono::seconds kPauseAfterFailure{1};

// Everybody who waits for one task, and what is known of it.
struct Watched {
    explicit Watched(ManagedObjectReference ref) : task(std::move(ref)) {}

    ManagedObjectReference task;
    TaskState state;
    ManagedObjectReference filter;  // in the collector of `generation`
    std::uint64_t generation = 0;
    std::optional<Error> failure;  // not of the task, but of our watching it
    std::vector<Wakeup*> waiters;

    [[nodiscard]] bool is_over() const { return state.finished || failure; }
};

// The private property collector of one session.
struct Collector {
    ManagedObjectReference ref;
    std::uint64_t generation = 0;
    std::string version;  // opaque; empty: report everything
};

bool collector_is_gone(const Error& error) {
    return error.reason == "InvalidCollectorVersion" || error.reason == "ManagedObjectNotFound" ||
           error.reason == kSessionReplaced;
}

// A filter that is refused for good: no reason to fail those who wait for other tasks.
bool concerns_the_task(const Error& error) {
    return retry_class(error) == RetryClass::permanent && error.code != Errc::unavailable;
}

// What waiters are told when the server can not be asked any more.
Error as_seen_by_waiters(const Error& error) {
    if (retry_class(error) != RetryClass::retry) return error;
    return Error(Errc::unavailable, error.message, std::string(kTaskUnseen));
}

Error no_task() {
    return Error(Errc::invalid_argument, "this is not a reference to a vSphere task");
}

}  // namespace

struct TaskWatcher::Impl : std::enable_shared_from_this<Impl> {
    Impl(asio::any_io_executor executor, VimClient& vim)
        : client(vim), group(std::move(executor)) {}

    std::shared_ptr<Watched> join(const ManagedObjectReference& task, Wakeup& waiter);
    void leave(const std::shared_ptr<Watched>& watched, Wakeup& waiter);
    void retire(const std::shared_ptr<Watched>& watched);
    void start_loop();

    awaitable<void> run();
    awaitable<Result<void>> turn();
    awaitable<Result<void>> ensure_collector();
    awaitable<Result<void>> install_filters();
    awaitable<Result<void>> install_filter(std::shared_ptr<Watched> watched);
    awaitable<void> remove_filters();
    awaitable<Result<void>> wait_for_updates();

    void apply(const SoapReply& reply);
    void forget_collector();
    void fail_all(const Error& error);
    bool end_if_idle();

    VimClient& client;
    TaskGroup group;
    Semaphore filter_turn{1};
    std::mutex mutex;
    // Guarded by mutex.
    std::map<ManagedObjectReference, std::shared_ptr<Watched>> watched;
    std::vector<ManagedObjectReference> dead_filters;  // of the present collector
    std::optional<Collector> collector;
    bool running = false;
    bool stopped = false;

    const Call loop_call{.request_id = "task-watcher"};
};

// Members called with waiters and the loop on different strands: each holds the mutex for a few
// lines.

std::shared_ptr<Watched> TaskWatcher::Impl::join(
    const ManagedObjectReference& task, Wakeup& waiter
) {
    const std::lock_guard lock(mutex);
    auto& entry = watched[task];
    if (!entry) entry = std::make_shared<Watched>(task);
    entry->waiters.push_back(&waiter);
    return entry;
}

void TaskWatcher::Impl::leave(const std::shared_ptr<Watched>& entry, Wakeup& waiter) {
    const std::lock_guard lock(mutex);
    std::erase(entry->waiters, &waiter);
    if (entry->waiters.empty()) retire(entry);
}

// Watches a task no longer: it is over, or nobody asks. Needs the mutex.
void TaskWatcher::Impl::retire(const std::shared_ptr<Watched>& entry) {
    for (auto* waiter : entry->waiters) waiter->notify();
    const auto at = watched.find(entry->task);
    if (at != watched.end() && at->second == entry) watched.erase(at);
    if (collector && !entry->filter.empty() && entry->generation == collector->generation)
        dead_filters.push_back(entry->filter);
    entry->filter = {};
}

void TaskWatcher::Impl::start_loop() {
    {
        const std::lock_guard lock(mutex);
        if (running || stopped) return;
        running = true;
    }
    group.spawn("vsphere.task_watcher", [self = shared_from_this()] { return self->run(); });
}

// True when nobody waits any more; the loop is then over.
bool TaskWatcher::Impl::end_if_idle() {
    const std::lock_guard lock(mutex);
    const bool idle = watched.empty() && dead_filters.empty();
    if (idle || stopped) running = false;
    return !running;
}

awaitable<void> TaskWatcher::Impl::run() {
    struct Running {
        Impl& impl;
        ~Running() {
            const std::lock_guard lock(impl.mutex);
            impl.running = false;
        }
    } const running_until_the_end{*this};
    int failures = 0;
    while (!end_if_idle()) {
        const auto outcome = co_await turn();
        if (outcome) {
            failures = 0;
            continue;
        }
        const auto& error = outcome.error();
        if (error.reason == "RequestCanceled") continue;
        const bool gone = collector_is_gone(error);
        if (gone) forget_collector();
        const bool hopeless = !gone && retry_class(error) != RetryClass::retry;
        if (++failures >= kFailuresInARow || hopeless) {
            fail_all(error);
            failures = 0;
            continue;
        }
        // The first rebuild is at once; a server that loses every collector is not hammered.
        if (!gone || failures > 1) co_await sleep_for(kPauseAfterFailure);
    }
}

awaitable<Result<void>> TaskWatcher::Impl::turn() {
    {
        const std::lock_guard lock(mutex);
        // Filters of a session that is over are gone with it.
        if (collector && collector->generation != client.generation()) dead_filters.clear();
        if (watched.empty() && dead_filters.empty()) co_return Result<void>();
    }
    SLIPWAY_CO_CHECK(co_await ensure_collector());
    co_await remove_filters();
    SLIPWAY_CO_CHECK(co_await install_filters());
    {
        const std::lock_guard lock(mutex);
        if (watched.empty() || !collector) co_return Result<void>();
    }
    co_return co_await wait_for_updates();
}

awaitable<Result<void>> TaskWatcher::Impl::ensure_collector() {
    {
        const std::lock_guard lock(mutex);
        if (collector && collector->generation == client.generation()) co_return Result<void>();
    }
    forget_collector();
    SLIPWAY_CO_TRY(const auto content, co_await client.service_content(loop_call));
    const auto request = methods::bare("CreatePropertyCollector", content->property_collector);
    SLIPWAY_CO_TRY(const auto reply, co_await client.call(request, loop_call));
    SLIPWAY_CO_TRY(const auto value, reply.required_returnval());
    SLIPWAY_CO_TRY(auto ref, read_reference(value));
    const std::lock_guard lock(mutex);
    collector = Collector{.ref = std::move(ref), .generation = reply.generation, .version = {}};
    co_return Result<void>();
}

void TaskWatcher::Impl::forget_collector() {
    const std::lock_guard lock(mutex);
    collector.reset();
    dead_filters.clear();
    for (auto& [task, entry] : watched) entry->filter = {};
}

// Gives every task that has none a filter in the collector there is. Called by the loop, and by a
// waiter who comes while the loop is blocked in WaitForUpdatesEx: the server then reports the task
// there.
awaitable<Result<void>> TaskWatcher::Impl::install_filters() {
    SLIPWAY_CO_TRY(const auto turn, co_await filter_turn.acquire());
    std::vector<std::shared_ptr<Watched>> without;
    {
        const std::lock_guard lock(mutex);
        if (!collector) co_return Result<void>();
        for (const auto& [task, entry] : watched)
            if (entry->filter.empty() && !entry->is_over()) without.push_back(entry);
    }
    for (const auto& entry : without) SLIPWAY_CO_CHECK(co_await install_filter(entry));
    co_return Result<void>();
}

awaitable<Result<void>> TaskWatcher::Impl::install_filter(std::shared_ptr<Watched> entry) {
    SoapRequest request;
    ManagedObjectReference asked;
    {
        const std::lock_guard lock(mutex);
        if (!collector) co_return Result<void>();
        asked = collector->ref;
        request = create_task_filter(asked, entry->task);
        request.generation = collector->generation;
    }
    const auto reply = co_await client.call(request, loop_call);
    if (!reply) {
        if (concerns_the_task(reply.error())) {
            const std::lock_guard lock(mutex);
            entry->failure = reply.error();
            retire(entry);
            co_return Result<void>();
        }
        if (reply.error().reason != "ManagedObjectNotFound") co_return reply.error();
        // The task or the collector? The collector if the task can be read.
        const auto task = co_await retrieve_one(client, entry->task, {"info.state"}, loop_call);
        if (task) co_return reply.error();
        if (task.error().reason != "ManagedObjectNotFound") co_return task.error();
        const std::lock_guard lock(mutex);
        entry->state.vanish();
        retire(entry);
        co_return Result<void>();
    }
    SLIPWAY_CO_TRY(const auto value, reply->required_returnval());
    SLIPWAY_CO_TRY(auto filter, read_reference(value));
    const std::lock_guard lock(mutex);
    // Another collector, be it of the same session, does not know the filter.
    if (!collector || collector->ref != asked || collector->generation != reply->generation)
        co_return Result<void>();
    if (entry->waiters.empty()) {
        dead_filters.push_back(std::move(filter));
    } else {
        entry->filter = std::move(filter);
        entry->generation = reply->generation;
    }
    co_return Result<void>();
}

awaitable<void> TaskWatcher::Impl::remove_filters() {
    std::vector<ManagedObjectReference> dead;
    std::uint64_t generation = 0;
    {
        const std::lock_guard lock(mutex);
        dead.swap(dead_filters);
        if (!collector) co_return;
        generation = collector->generation;
    }
    for (const auto& filter : dead) {
        auto request = methods::bare("DestroyPropertyFilter", filter);
        request.generation = generation;
        // A filter that can not be destroyed goes with its session.
        const auto destroyed = co_await client.call(request, loop_call);
        static_cast<void>(destroyed);
    }
}

awaitable<Result<void>> TaskWatcher::Impl::wait_for_updates() {
    SoapRequest request;
    ManagedObjectReference asked;
    {
        const std::lock_guard lock(mutex);
        if (!collector) co_return Result<void>();
        asked = collector->ref;
        request = wait_for_updates_request(asked, collector->version, client.options().update_wait);
        request.generation = collector->generation;
    }
    SLIPWAY_CO_TRY(const auto reply, co_await client.call(request, loop_call));
    // No value: nothing changed in time.
    const auto value = reply.returnval();
    if (!value) co_return Result<void>();
    const std::lock_guard lock(mutex);
    if (collector && collector->ref == asked && collector->generation == reply.generation)
        collector->version = value->child_text("version");
    apply(reply);
    co_return Result<void>();
}

// Needs the mutex.
void TaskWatcher::Impl::apply(const SoapReply& reply) {
    for (const auto& update : read_task_updates(reply)) {
        const auto at = watched.find(update.task);
        if (at == watched.end()) continue;
        const auto entry = at->second;
        entry->state.apply(update);
        if (entry->is_over()) retire(entry);
        for (auto* waiter : entry->waiters) waiter->notify();
    }
}

void TaskWatcher::Impl::fail_all(const Error& error) {
    const std::lock_guard lock(mutex);
    for (auto& [task, entry] : watched) {
        if (!entry->is_over()) entry->failure = as_seen_by_waiters(error);
        for (auto* waiter : entry->waiters) waiter->notify();
    }
    // A later waiter for the same task starts afresh.
    watched.clear();
    collector.reset();
    dead_filters.clear();
}

namespace {

Result<TaskResult> outcome_of(const Watched& entry, const Call& call) {
    if (entry.failure) return *entry.failure;
    if (entry.state.fault) {
        const auto& fault = *entry.state.fault;
        const auto inner = fault.texts.empty() ? std::string() : fault.texts.front();
        // A file that is missing is what many ask about; who minds it says so.
        const auto say = fault.name == "FileNotFound" ? &log::debug : &log::info;
        say(call,
            "vsphere.task.failed",
            {{"task", entry.task.value},
             {"fault", fault.name},
             {"text", fault.text},
             {"cause", inner}});
        return to_error(fault);
    }
    if (entry.state.vanished) {
        return Error(
            Errc::not_found,
            "vSphere does not know the task any more; look at the datastore for its outcome",
            std::string(kTaskVanished)
        );
    }
    return TaskResult{
        .task = entry.task, .result = entry.state.result, .document = entry.state.document};
}

}  // namespace

TaskWatcher::TaskWatcher(asio::any_io_executor executor, VimClient& client)
    : impl_(std::make_shared<Impl>(std::move(executor), client)) {}

TaskWatcher::~TaskWatcher() = default;

awaitable<Result<TaskResult>> TaskWatcher::wait(
    ManagedObjectReference task, const Call& call, TaskCallbacks callbacks
) {
    if (!is_well_formed(task)) co_return no_task();
    const auto impl = impl_;
    Wakeup wakeup;
    const auto entry = impl->join(task, wakeup);
    struct Leave {
        Impl& impl;
        const std::shared_ptr<Watched>& entry;
        Wakeup& wakeup;
        ~Leave() { impl.leave(entry, wakeup); }
    } const leave{*impl, entry, wakeup};
    impl->start_loop();
    // The loop may be blocked for long. Its failures are the loop's own to handle.
    const auto installed = co_await with_deadline(call.deadline, impl->install_filters());
    static_cast<void>(installed);

    int reported_percent = -1;
    bool cancel_sent = false;
    while (true) {
        int percent = -1;
        {
            const std::lock_guard lock(impl->mutex);
            if (entry->is_over()) co_return outcome_of(*entry, call);
            if (impl->stopped)
                co_return Error(
                    Errc::unavailable,
                    "slipway is shutting down; the task goes on",
                    std::string(kTaskUnseen)
                );
            percent = entry->state.percent;
        }
        const bool cancelled = callbacks.cancelled && callbacks.cancelled();
        if (callbacks.lost && callbacks.lost())
            co_return Error(Errc::conflict, "the task is waited for elsewhere; it goes on");
        if (percent > reported_percent && callbacks.progress) callbacks.progress(percent);
        reported_percent = std::max(percent, reported_percent);
        if (cancelled && !cancel_sent) {
            cancel_sent = true;
            SLIPWAY_CO_CHECK(co_await cancel_task(impl->client, task, call));
        }
        const auto left = call.deadline - std::chrono::steady_clock::now();
        if (left <= left.zero()) {
            co_return Error(
                Errc::timeout, "the task is not over yet; it goes on in vSphere, ask again later"
            );
        }
        co_await wakeup.wait(std::min<std::chrono::steady_clock::duration>(left, kLookEvery));
    }
}

awaitable<void> TaskWatcher::stop() {
    const auto impl = impl_;
    {
        const std::lock_guard lock(impl->mutex);
        impl->stopped = true;
        for (auto& [task, entry] : impl->watched)
            for (auto* waiter : entry->waiters) waiter->notify();
    }
    impl->group.cancel(asio::cancellation_type::terminal);
    co_await impl->group.wait(after(std::chrono::seconds(5)));
}

awaitable<Result<TaskResult>> wait_for_task(
    VimClient& client, ManagedObjectReference task, const Call& call, TaskCallbacks callbacks
) {
    return client.tasks().wait(std::move(task), call, std::move(callbacks));
}

awaitable<Result<void>> cancel_task(
    VimClient& client, ManagedObjectReference task, const Call& call
) {
    if (!is_well_formed(task)) co_return no_task();
    const auto request = methods::bare("CancelTask", task);
    const auto reply = co_await client.call(request, call);
    if (reply) co_return Result<void>();
    const auto& reason = reply.error().reason;
    // It can not be cancelled, or is over: who waits for it learns which.
    if (reason == "NotSupported" || reason == "InvalidState" || reason == "ManagedObjectNotFound")
        co_return Result<void>();
    co_return reply.error();
}

}  // namespace slipway::vsphere
