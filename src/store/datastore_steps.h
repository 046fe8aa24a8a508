#pragma once

#include "base/async.h"
#include "base/error.h"
#include "base/log.h"
#include "store/backend.h"
#include "store/datastore_places.h"
#include "vsphere/client.h"

#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

// What clones, copies, seeds and imports on datastores have in common.
namespace slipway::store {

// How often vCenter is asked while it does not answer.
inline constexpr vsphere::RetryPolicy kOutagePolicy{
    .attempts = std::numeric_limits<int>::max(),
    .base_delay = std::chrono::seconds(1),
    .max_delay = std::chrono::seconds(30),
};
// A copy that was cancelled, or whose end we missed, may hold its file for a while longer.
inline constexpr vsphere::RetryPolicy kRemovalPolicy{
    .attempts = std::numeric_limits<int>::max(),
    .base_delay = std::chrono::milliseconds(250),
    .max_delay = std::chrono::seconds(15),
};
// The time that cleaning up has of its own, since what ended the work may have been its deadline.
inline constexpr std::chrono::minutes kCleanUpLimit{10};

inline Call for_cleaning_up(Call call) {
    call.deadline = after(kCleanUpLimit);
    return call;
}

// "vm/disk.vmdk" → "vm", and "" for a file at the root.
std::string folder_of(std::string_view path);
// "vm/disk.vmdk" → "disk.vmdk"
std::string name_of(std::string_view path);
// "vm/disk.vmdk" → "vm/disk-flat.vmdk"
std::string extent_of(std::string_view path);

// A file in use may be free later; to our callers that is not a conflict about a name.
Error as_seen_by_callers(Error error);
// Trying the same again may help: a file is in use, a host is not reachable.
bool may_pass(const Error& error);
// vCenter could not be asked, which says nothing about what it does meanwhile.
bool is_outage(const Error& error);

// Errors: unsupported for a file that a datastore which keeps disks as objects does not take for
// one.
Result<void> check_opens_as_disk(const Location& source, const vsphere::DatastoreInfo& datastore);

// Removes the disks in and below a folder, each as a disk: on vSAN and vVol, where a folder that is
// deleted leaks their objects.
awaitable<Result<void>> remove_disks(
    vsphere::VimClient& client, Place place, std::string folder, const Call& call
);

// Removes a folder with all that is in it, trying again until the deadline while somebody uses a
// file of it. An absent one is fine.
awaitable<Result<void>> remove_folder(
    vsphere::VimClient& client, Place place, std::string folder, const Call& call
);

// Plans the work of a task by `make_plan`, a named callable that returns awaitable<Result<Plan>>.
// Once vCenter has `begun` it, only its own word ends it: without a plan there would be nobody to
// wait for it, or to clean up after it. So then `make_plan` is called until vCenter answers.
template <class MakePlan>
std::invoke_result_t<MakePlan&> plan_work(
    MakePlan& make_plan, bool begun, const CloneProgress& progress, const Call& call
) {
    for (int failures = 1;; ++failures) {
        auto plan = co_await make_plan();
        if (plan || !begun || !is_outage(plan.error()) || progress.is_lost()) co_return plan;
        const auto delay = vsphere::next_delay(
            kOutagePolicy,
            failures,
            vsphere::random_jitter(),
            call.deadline,
            std::chrono::steady_clock::now()
        );
        if (!delay) co_return plan;
        if (failures == 1)
            log::warning(call, "datastore.resume.waits", {{"error", plan.error().message}});
        co_await sleep_for(*delay);
    }
}

}  // namespace slipway::store
