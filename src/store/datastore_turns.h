#pragma once

#include "base/async.h"
#include "base/result.h"
#include "vsphere/inventory.h"

#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace slipway::store {

struct TurnLimits {
    std::size_t per_datastore = 8;  // as source or as target
    std::size_t per_host = 4;
};

// How many copies vCenter is given at a time. A copy counts at its source and at its target, and at
// one host that mounts both: vCenter chooses the host, we book the one that has most turns left. If
// no host mounts both, the bytes travel between two hosts and the copy counts at one of each side.
//
// All that a copy needs is taken at once or not at all, so copies never wait for each other in a
// circle; who came first is asked first. Safe across strands.
class DatastoreTurns {
public:
    explicit DatastoreTurns(TurnLimits limits) : limits_(limits) {}

    // Gives the turns back when destroyed.
    class Turn {
    public:
        Turn(DatastoreTurns& turns, std::vector<std::string> taken)
            : turns_(&turns), taken_(std::move(taken)) {}
        Turn(Turn&& other) noexcept
            : turns_(std::exchange(other.turns_, nullptr)), taken_(std::move(other.taken_)) {}
        Turn& operator=(Turn&& other) noexcept {
            std::swap(turns_, other.turns_);
            std::swap(taken_, other.taken_);
            return *this;
        }
        ~Turn() {
            if (turns_) turns_->give_back(taken_);
        }

    private:
        DatastoreTurns* turns_;
        std::vector<std::string> taken_;
    };

    // The turn of a copy from `source` to `target` that may begin at once.
    std::optional<Turn> try_acquire(
        const vsphere::DatastoreInfo& source, const vsphere::DatastoreInfo& target
    );
    // Waits until a copy from `source` to `target` may begin. `gives_up` is asked once a second.
    // Errors: timeout at the deadline; cancelled when gives_up() says so.
    awaitable<Result<Turn>> acquire(
        const vsphere::DatastoreInfo& source,
        const vsphere::DatastoreInfo& target,
        Deadline deadline,
        std::function<bool()> gives_up
    );

private:
    // What one copy takes: every datastore, and one host of each group.
    struct Need {
        std::vector<std::string> datastores;
        std::vector<std::vector<std::string>> hosts;
    };
    struct Waiter {
        Need need;
        Wakeup& wakeup;
        std::vector<std::string> taken;  // not empty once it is this one's turn
    };

    static Need need_of(const vsphere::DatastoreInfo& source, const vsphere::DatastoreInfo& target);
    // These need the mutex. The names of what was taken; nothing when there is no room.
    std::vector<std::string> take(const Need& need);
    void release(const std::vector<std::string>& taken);
    void give_back(const std::vector<std::string>& taken);

    TurnLimits limits_;
    std::mutex mutex_;
    // Guarded by mutex_.
    std::map<std::string, std::size_t> used_;  // by datastore and by host
    std::list<Waiter*> waiting_;               // in the order in which they came
};

}  // namespace slipway::store
