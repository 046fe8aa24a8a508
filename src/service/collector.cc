#include "service/collector.h"

#include "base/log.h"

#include <mutex>
#include <set>

namespace slipway::service {

namespace {

constexpr std::size_t kBatch = 32;
constexpr std::chrono::seconds kPause{5};
constexpr std::chrono::seconds kRetryAfter{30};
constexpr std::chrono::seconds kRemoveLimit{300};
constexpr std::chrono::hours kForgetEvery{1};
constexpr std::chrono::hours kHistory{24 * 30};  // of what is over: transfers and tasks

}  // namespace

// The backends that have a round.
struct Collector::InWork {
    std::mutex mutex;
    std::set<BackendId> backends;  // guarded by mutex
};

Collector::Collector(
    store::Catalog& catalog, store::BackendSet& backends, Transfers& transfers, TaskGroup& group
)
    : catalog_(catalog),
      backends_(backends),
      transfers_(transfers),
      group_(group),
      in_work_(std::make_shared<InWork>()) {}

awaitable<void> Collector::run() {
    Deadline forget_at = after(std::chrono::seconds(0));
    while (true) {
        if (std::chrono::steady_clock::now() >= forget_at) {
            forget_at = after(kForgetEvery);
            const auto forgotten = co_await catalog_.forget_history(kHistory);
            if (!forgotten)
                log::warning({}, "history.forget.failed", {{"error", forgotten.error().message}});
        }
        const auto backends = co_await catalog_.backends_with_garbage();
        if (!backends)
            log::warning({}, "garbage.collect.failed", {{"error", backends.error().message}});
        else
            for (const BackendId& backend : *backends) start_round(backend);
        co_await wakeup_.wait(kPause);
    }
}

void Collector::start_round(const BackendId& backend) {
    {
        const std::lock_guard lock(in_work_->mutex);
        if (!in_work_->backends.insert(backend).second) return;
    }
    group_.spawn("collector of " + backend.str(), [this, backend] { return round(backend); });
}

awaitable<void> Collector::round(BackendId backend) {
    const auto leave = [in_work = in_work_](const BackendId* done) {
        const std::lock_guard lock(in_work->mutex);
        in_work->backends.erase(*done);
    };
    const std::unique_ptr<const BackendId, decltype(leave)> at_the_end(&backend, leave);
    while (true) {
        const auto collected = co_await collect_batch(backend);
        if (!collected)
            log::warning({}, "garbage.collect.failed", {{"error", collected.error().message}});
        if (!collected || *collected == 0) co_return;
    }
}

awaitable<Result<std::size_t>> Collector::collect_once() {
    SLIPWAY_CO_TRY(const auto backends, co_await catalog_.backends_with_garbage());
    std::size_t gone = 0;
    for (const BackendId& backend : backends) {
        SLIPWAY_CO_TRY(const std::size_t collected, co_await collect_batch(backend));
        gone += collected;
    }
    co_return gone;
}

awaitable<Result<std::size_t>> Collector::collect_batch(const BackendId& backend) {
    SLIPWAY_CO_TRY(const auto garbage, co_await catalog_.collectable_garbage(backend, kBatch));
    std::size_t gone = 0;
    for (const Location& location : garbage) {
        SLIPWAY_CO_TRY(const bool collected, co_await collect(location));
        if (collected) ++gone;
    }
    co_return gone;
}

awaitable<Result<bool>> Collector::collect(const Location& location) {
    if (transfers_.is_pinned(location.id)) {
        SLIPWAY_CO_CHECK(co_await catalog_.postpone_garbage(location.id, kRetryAfter));
        co_return false;
    }
    const Call call{"gc-" + location.id.str(), after(kRemoveLimit)};
    const auto backend = backends_.find(location.backend);
    Result<void> removed;
    if (location.is_foreign() && !location.is_owned)
        ;  // never ours to remove: the row alone goes
    else if (backend)
        removed = co_await (*backend)->remove(location, call);
    else
        removed = backend.error();
    if (removed) {
        SLIPWAY_CO_CHECK(co_await catalog_.forget_location(location.id));
        log::info(
            call,
            "garbage.collect.done",
            {{"image", location.image_id.str()}, {"directory", location.directory}}
        );
        co_return true;
    }
    log::warning(
        call,
        "garbage.collect.postponed",
        {{"image", location.image_id.str()},
         {"directory", location.directory},
         {"error", removed.error().message}}
    );
    SLIPWAY_CO_CHECK(co_await catalog_.postpone_garbage(location.id, kRetryAfter));
    co_return false;
}

}  // namespace slipway::service
