#include "store/datastore_turns.h"

#include <algorithm>
#include <iterator>

namespace slipway::store {
namespace {

constexpr std::chrono::seconds kLookEvery{1};

// The hosts that could read or write the datastore.
std::vector<std::string> hosts_of(const vsphere::DatastoreInfo& datastore) {
    std::vector<std::string> hosts;
    for (const auto& mount : datastore.hosts)
        if (mount.mounted && mount.accessible) hosts.push_back(mount.host.value);
    std::ranges::sort(hosts);
    return hosts;
}

}  // namespace

DatastoreTurns::Need DatastoreTurns::need_of(
    const vsphere::DatastoreInfo& source, const vsphere::DatastoreInfo& target
) {
    Need need;
    need.datastores.push_back(source.ref.value);
    if (target.ref != source.ref) need.datastores.push_back(target.ref.value);
    const auto readers = hosts_of(source);
    const auto writers = hosts_of(target);
    std::vector<std::string> both;
    std::ranges::set_intersection(readers, writers, std::back_inserter(both));
    if (!both.empty()) {
        need.hosts.push_back(std::move(both));
        return need;
    }
    // A datastore whose hosts are not known is not held up by them.
    for (const auto& side : {readers, writers})
        if (!side.empty()) need.hosts.push_back(side);
    return need;
}

std::vector<std::string> DatastoreTurns::take(const Need& need) {
    std::vector<std::string> taken;
    for (const auto& datastore : need.datastores) {
        if (used_[datastore] >= limits_.per_datastore) return {};
        taken.push_back(datastore);
    }
    for (const auto& group : need.hosts) {
        const auto idlest =
            std::ranges::min_element(group, {}, [this](const auto& host) { return used_[host]; });
        if (used_[*idlest] >= limits_.per_host) return {};
        taken.push_back(*idlest);
    }
    for (const auto& name : taken) ++used_[name];
    return taken;
}

void DatastoreTurns::release(const std::vector<std::string>& taken) {
    for (const auto& name : taken) --used_[name];
    for (auto at = waiting_.begin(); at != waiting_.end();) {
        Waiter& waiter = **at;
        waiter.taken = take(waiter.need);
        if (waiter.taken.empty()) {
            ++at;
            continue;
        }
        at = waiting_.erase(at);
        waiter.wakeup.notify();
    }
}

void DatastoreTurns::give_back(const std::vector<std::string>& taken) {
    const std::lock_guard lock(mutex_);
    release(taken);
}

std::optional<DatastoreTurns::Turn> DatastoreTurns::try_acquire(
    const vsphere::DatastoreInfo& source, const vsphere::DatastoreInfo& target
) {
    const Need need = need_of(source, target);
    const std::lock_guard lock(mutex_);
    auto taken = take(need);
    if (taken.empty()) return std::nullopt;
    return Turn(*this, std::move(taken));
}

awaitable<Result<DatastoreTurns::Turn>> DatastoreTurns::acquire(
    const vsphere::DatastoreInfo& source,
    const vsphere::DatastoreInfo& target,
    Deadline deadline,
    std::function<bool()> gives_up
) {
    Wakeup wakeup;
    Waiter waiter{need_of(source, target), wakeup, {}};
    {
        const std::lock_guard lock(mutex_);
        waiter.taken = take(waiter.need);
        if (!waiter.taken.empty()) co_return Turn(*this, std::move(waiter.taken));
        waiting_.push_back(&waiter);
    }
    // However the wait ends: nobody gives a turn to one who has left, and none is lost with it.
    struct Leave {
        DatastoreTurns& turns;
        Waiter& waiter;
        ~Leave() {
            const std::lock_guard lock(turns.mutex_);
            turns.waiting_.remove(&waiter);
            if (!waiter.taken.empty()) turns.release(std::exchange(waiter.taken, {}));
        }
    } const leave{*this, waiter};
    while (true) {
        {
            const std::lock_guard lock(mutex_);
            if (!waiter.taken.empty()) co_return Turn(*this, std::exchange(waiter.taken, {}));
        }
        if (gives_up()) co_return Error(Errc::cancelled, "the copy was cancelled before it began");
        const auto left = deadline - std::chrono::steady_clock::now();
        if (left <= left.zero())
            co_return Error(
                Errc::timeout, "other copies kept the datastores busy until the deadline"
            );
        co_await wakeup.wait(std::min<std::chrono::steady_clock::duration>(left, kLookEvery));
    }
}

}  // namespace slipway::store
