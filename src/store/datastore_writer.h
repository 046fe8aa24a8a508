#pragma once

#include "base/async.h"
#include "store/backend.h"
#include "vsphere/datastore_files.h"

#include <memory>
#include <optional>

namespace slipway::store {

// Writes one object by streaming PUTs. write() hands each chunk to the running PUT and returns when
// all of it is on its way, so a slow datastore slows the writer down; no chunk is held longer.
// To be used from the strand it was made on. Destroyed uncommitted it breaks the connection; a part
// of the file may stay behind.
class DatastoreWriter final : public ObjectWriter {
public:
    // Starts the PUT of `file` in `transfers`, on the caller's executor. `size` is announced when
    // it is known. `files` must outlive the tasks of `transfers`.
    static awaitable<std::unique_ptr<ObjectWriter>> start(
        vsphere::DatastoreFiles& files,
        TaskGroup& transfers,
        vsphere::FileTarget file,
        std::optional<std::uint64_t> size,
        Call call
    );
    ~DatastoreWriter() override;

    // Errors: those of the PUT, as soon as it has failed; corrupt for more bytes than announced.
    awaitable<Result<void>> write(std::span<const std::byte> bytes) override;
    awaitable<Result<void>> commit(std::uint64_t stored_bytes, std::vector<SideFile> side_files)
        override;
    [[nodiscard]] std::string_view route() const override { return route_; }

private:
    class Handover;

    DatastoreWriter(
        vsphere::DatastoreFiles& files,
        vsphere::FileTarget file,
        std::shared_ptr<Handover> handover,
        Call call
    );
    awaitable<Result<void>> write_side_file(const SideFile& side_file);

    vsphere::DatastoreFiles& files_;
    vsphere::FileTarget file_;
    std::shared_ptr<Handover> handover_;  // shared with the task that runs the PUT
    Call call_;
    std::uint64_t written_ = 0;
    std::string_view route_;
};

}  // namespace slipway::store
