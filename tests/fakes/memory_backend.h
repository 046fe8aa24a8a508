#pragma once

#include "store/backend.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace slipway::test {

struct MemoryBackendOptions {
    BackendId id = BackendId("memory");
    bool is_default = true;
    int weight = 0;
    bool publishes_locations = false;
    BootFormMode boot_form = BootFormMode::sparse;
    std::uint64_t capacity_bytes = 1ULL << 40U;
    bool keeps_disks_as_objects = false;
};

// A backend whose datastore is a map. It behaves as the real ones do, and passes the same contract.
// Its only datastore is "memory"; clones go to a tree of their own. Safe across threads.
class MemoryBackend : public store::Backend {
public:
    explicit MemoryBackend(MemoryBackendOptions options = {});
    ~MemoryBackend() override;

    [[nodiscard]] const BackendInfo& info() const override { return info_; }
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
    // Keeps the stream as the data file.
    awaitable<Result<Account>> import_disk(
        const Location& location,
        ByteSource& stream_optimized,
        std::uint64_t capacity_bytes,
        std::vector<store::SideFile> side_files,
        const Call& call
    ) override;

    // What a test may look at.
    [[nodiscard]] std::vector<std::string> directories() const;
    // A file of an object's directory; absent when it is not there.
    [[nodiscard]] std::optional<std::string> file(
        const std::string& directory, const std::string& name
    ) const;
    // The bytes at a clone's path; absent when nothing is there.
    [[nodiscard]] std::optional<std::vector<std::byte>> clone_at(const std::string& path) const;
    // What the cache holds; absent when nobody has ever seeded it.
    [[nodiscard]] std::optional<store::SeedState> seed_at(
        const std::string& base_folder, const std::string& name
    ) const;
    // The location that its disk was copied from; empty when there is none.
    [[nodiscard]] LocationId seed_source(const std::string& base_folder, const std::string& name)
        const;
    // As when Nova's ageing has removed it.
    void forget_seed(const std::string& base_folder, const std::string& name);
    // Changes what is stored behind the backend's back.
    void overwrite(const std::string& directory, const std::string& name, const std::string& text);

private:
    struct State;
    class Writer;
    class Reader;

    [[nodiscard]] Result<void> check_target(const store::CloneRequest& request) const;

    BackendInfo info_;
    std::uint64_t capacity_bytes_;
    bool keeps_disks_as_objects_;
    std::shared_ptr<State> state_;  // also of writers and readers, which may outlive the backend
};

}  // namespace slipway::test
