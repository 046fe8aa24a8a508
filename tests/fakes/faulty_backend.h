#pragma once

#include "store/backend.h"

#include <atomic>
#include <memory>

namespace slipway::test {

enum class FailureMoment {
    before,  // the call does nothing
    after,   // the call does its work, and its answer is lost
};

// Fails the n-th of all calls that wait, counted from 0: those of the backend, of its writers
// (write, commit) and of its readers (read_some). All others go to `inner`.
//
//   for (int n = 0;; ++n) { FaultyBackend backend(inner, n); if (operation(backend)) break;
//   check(); }
//
// Lifetime: `inner` must outlive it; writers and readers may outlive it.
class FaultyBackend : public store::Backend {
public:
    FaultyBackend(store::Backend& inner, int n, FailureMoment moment = FailureMoment::before);

    // True when the n-th call has come.
    [[nodiscard]] bool has_failed() const;

    [[nodiscard]] const BackendInfo& info() const override { return inner_.info(); }
    awaitable<Result<store::Placement>> place(const store::PlaceRequest& request, const Call& call)
        override;
    awaitable<Result<std::unique_ptr<store::ObjectWriter>>> open_writer(
        const Location& location, std::optional<std::uint64_t> stored_bytes, const Call& call
    ) override;
    awaitable<Result<std::unique_ptr<ByteSource>>> open_reader(
        const Location& location, ByteRange range, const Call& call
    ) override;
    awaitable<Result<std::uint64_t>> stat(const Location& location, const Call& call) override;
    awaitable<Result<void>> remove(const Location& location, const Call& call) override;
    awaitable<Result<std::vector<store::Placement>>> list(const Call& call) override;
    [[nodiscard]] std::string location_url(const Location& location) const override;
    awaitable<Result<void>> check_clone(const store::CloneRequest& request, const Call& call)
        override;
    awaitable<Result<Account>> clone(
        const store::CloneRequest& request,
        const std::string& checkpoint,
        store::CloneProgress& progress,
        const Call& call
    ) override;
    awaitable<Result<std::vector<DatastoreStatus>>> datastores(const Call& call) override;
    awaitable<Result<std::vector<std::string>>> seed_datastores(
        const std::string& datacenter, const std::string& name_regex, const Call& call
    ) override;
    awaitable<Result<Account>> seed(
        const store::SeedRequest& request,
        const std::string& checkpoint,
        store::CloneProgress& progress,
        const Call& call
    ) override;
    awaitable<Result<store::SeedState>> keep_seed(
        const store::SeedRequest& request, const Call& call
    ) override;
    awaitable<Result<void>> remove_seed(const store::SeedRequest& request, const Call& call)
        override;
    awaitable<Result<bool>> keeps_disks_as_objects(const Location& location, const Call& call)
        override;
    awaitable<Result<Account>> import_disk(
        const Location& location,
        ByteSource& stream_optimized,
        std::uint64_t capacity_bytes,
        std::vector<store::SideFile> side_files,
        const Call& call
    ) override;

private:
    struct Countdown;
    class Writer;
    class Reader;

    store::Backend& inner_;
    std::shared_ptr<Countdown> countdown_;  // also of writers and readers
};

}  // namespace slipway::test
