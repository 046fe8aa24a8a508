#pragma once

#include "base/async.h"
#include "store/backend.h"
#include "store/datastore_clone.h"
#include "store/datastore_copy.h"
#include "store/datastore_places.h"
#include "store/datastore_seed.h"
#include "store/datastore_turns.h"
#include "store/speed_meter.h"
#include "vsphere/client.h"
#include "vsphere/datastore_files.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace slipway::store {

struct DatastoreChoice {
    std::string datacenter;  // inventory path
    std::string datastore;   // name in it
    int weight = 0;          // higher ones are filled first
};

struct DatastoreBackendOptions {
    BackendId id;
    std::string description;
    int weight = 0;
    bool is_default = false;
    BootFormMode boot_form = BootFormMode::sparse;
    std::size_t copies = 1;                   // datastores of the store that hold every image
    std::vector<DatastoreChoice> datastores;  // at least one
    // Folder of the objects on every datastore: segments of [A-Za-z0-9._-].
    std::string store_dir = "openstack_glance";
    // The vCenter's name in published URLs.
    std::string published_host;
    // Where clones may go, as "<datacenter>/<datastore>/<path>" with '*' and '?'; empty: anywhere.
    std::vector<std::string> clone_targets;
    // Copies at a time, see DatastoreTurns.
    TurnLimits turns;
    // How long a client who waits for an answer may wait for vCenter's.
    std::chrono::milliseconds answer_limit{std::chrono::seconds(30)};
    vsphere::DatastoreFilesOptions files;
    // Uses datastores of types that are not known to work: for tests on simulators only.
    bool any_datastore_type = false;
};

// Objects on the datastores of a vCenter (or of one ESXi host):
//
//   [datastore] <store dir>/<image id>.<attempt>/<data file>    by streaming PUT, its size checked
//                                                <side files>   in their order, each checked
//
// Location::datastore is "<datacenter path>/<datastore name>", Location::datastore_ref finds the
// datastore after it was renamed. Clones are made by vCenter alone, see DatastoreClone.
//
// Lifetime: `client` must outlive the backend, and its keep_alive() should be running: a PUT alone
// does not keep the session. close() before the backend is destroyed, while the event loop runs;
// readers and writers are gone by then. A writer is used from the strand that opened it; all else
// is safe across strands.
class DatastoreBackend final : public Backend {
public:
    // Errors: invalid_argument for options that do not fit together. Talks to nobody.
    static Result<std::unique_ptr<DatastoreBackend>> create(
        asio::any_io_executor executor, DatastoreBackendOptions options, vsphere::VimClient& client
    );
    ~DatastoreBackend() override;

    // Ends the uploads that run, and waits until they have let go.
    awaitable<void> close();

    [[nodiscard]] const BackendInfo& info() const override { return info_; }
    awaitable<Result<Placement>> place(const PlaceRequest& request, const Call& call) override;
    // Errors: conflict when the directory is there and not empty.
    awaitable<Result<std::unique_ptr<ObjectWriter>>> open_writer(
        const Location& location, std::optional<std::uint64_t> stored_bytes, const Call& call
    ) override;
    awaitable<Result<std::unique_ptr<ByteSource>>> open_reader(
        const Location& location, ByteRange range, const Call& call
    ) override;
    awaitable<Result<std::uint64_t>> stat(const Location& location, const Call& call) override;
    // Errors: unavailable with reason FileLocked while somebody reads a file of it: try later.
    awaitable<Result<void>> remove(const Location& location, const Call& call) override;
    awaitable<Result<std::vector<Placement>>> list(const Call& call) override;
    [[nodiscard]] std::string location_url(const Location& location) const override;
    // Files below the store directory of a configured datastore, by this server's name.
    [[nodiscard]] Result<std::optional<Location>> foreign_location(const std::string& url
    ) const override;
    // Files named as a Glance with the VMware driver names them are owned.
    [[nodiscard]] Result<std::optional<Location>> adopted_location(
        const ImageId& image, const std::string& url
    ) const override;
    // disk_type: on a vCenter empty or "thick"; on an ESXi host also thin, preallocated and
    // eagerZeroedThick.
    awaitable<Result<void>> check_clone(const CloneRequest& request, const Call& call) override;
    awaitable<Result<Account>> clone(
        const CloneRequest& request,
        const std::string& checkpoint,
        CloneProgress& progress,
        const Call& call
    ) override;
    awaitable<Result<std::vector<DatastoreStatus>>> datastores(const Call& call) override;

    // One for all stores of a vCenter, as the configuration names it.
    [[nodiscard]] std::string copy_domain() const override;
    // Errors: unsupported between a vSAN or vVol datastore and another one, for a disk: there it is
    // an object, here a file.
    awaitable<Result<Account>> copy(
        const CopyRequest& request,
        SideFile manifest,
        const std::string& checkpoint,
        CloneProgress& progress,
        const Call& call
    ) override;
    // vSAN among them: there seed() takes imported and flat disks only.
    awaitable<Result<std::vector<std::string>>> seed_datastores(
        const std::string& datacenter, const std::string& name_regex, const Call& call
    ) override;
    // Errors: invalid_argument for names and sizes that can not be; unsupported for what is no disk
    // that the datastore can copy.
    awaitable<Result<Account>> seed(
        const SeedRequest& request,
        const std::string& checkpoint,
        CloneProgress& progress,
        const Call& call
    ) override;
    awaitable<Result<SeedState>> keep_seed(const SeedRequest& request, const Call& call) override;
    awaitable<Result<void>> remove_seed(const SeedRequest& request, const Call& call) override;
    awaitable<Result<bool>> keeps_disks_as_objects(const Location& location, const Call& call)
        override;
    awaitable<Result<Account>> import_disk(
        const Location& location,
        ByteSource& stream_optimized,
        std::uint64_t capacity_bytes,
        std::vector<SideFile> side_files,
        const Call& call
    ) override;

private:
    DatastoreBackend(
        asio::any_io_executor executor, DatastoreBackendOptions options, vsphere::VimClient& client
    );

    // The location of a URL that names one of this store's datastores by this server's name.
    [[nodiscard]] Result<std::optional<Location>> named_location(const std::string& url) const;
    awaitable<Result<void>> remove_owned(const Location& location, const Call& call);
    // Whether the object of the location may be read by us.
    [[nodiscard]] Result<void> check_readable(const Location& location) const;
    [[nodiscard]] bool is_usable(const vsphere::DatastoreInfo& datastore) const;
    awaitable<Result<Place>> look_at(const DatastoreChoice& choice, bool refresh, const Call& call);
    awaitable<Result<vsphere::FileTarget>> data_file(const Location& location, const Call& call);
    awaitable<Result<void>> make_object_directory(
        Place place, const std::string& directory, const Call& call
    );
    [[nodiscard]] Result<void> check_clone_names(const CloneRequest& request) const;
    awaitable<Result<DatastoreClone::Plan>> plan_clone(
        const CloneRequest& request, const Call& call
    );
    // The turn of a task's copy, which stands aside while it has to wait. Errors: as
    // DatastoreTurns::acquire.
    awaitable<Result<DatastoreTurns::Turn>> turn_of(
        const vsphere::DatastoreInfo& source,
        const vsphere::DatastoreInfo& target,
        const CloneProgress& progress,
        const Call& call
    );
    awaitable<Result<SeedPlace>> seed_place(const SeedRequest& request, const Call& call);
    awaitable<Result<DatastoreSeed::Plan>> plan_seed(const SeedRequest& request, const Call& call);
    awaitable<Result<DatastoreCopy::Plan>> plan_copy(const CopyRequest& request, const Call& call);
    awaitable<Result<void>> write_side_files(
        const Place& place,
        const std::string& directory,
        std::vector<SideFile> side_files,
        const Call& call
    );

    DatastoreBackendOptions options_;
    BackendInfo info_;
    vsphere::VimClient& client_;
    vsphere::DatastoreFiles files_;
    DatastorePlaces places_;
    DatastoreTurns turns_;
    std::shared_ptr<SpeedMeter> speeds_ = std::make_shared<SpeedMeter>();  // and what was opened
    TaskGroup transfers_;
};

}  // namespace slipway::store
