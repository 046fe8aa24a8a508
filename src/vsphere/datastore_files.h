#pragma once

#include "base/async.h"
#include "base/stream.h"
#include "vsphere/datastore_path.h"
#include "vsphere/inventory.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::vsphere {

// A file to transfer. `datastore.name` is the datastore's part of `path`.
struct FileTarget {
    Datacenter datacenter;
    DatastoreInfo datastore;
    DatastorePath path;
};

struct FileRange {
    std::uint64_t first = 0;
    std::uint64_t length = 0;
};

// Which way a transfer went, for metrics.
enum class TransferRoute { host, vcenter };

struct DatastoreFilesOptions {
    // Straight to an ESXi host by ticket where one can be reached; else through vCenter.
    bool direct_to_host = true;
    std::uint16_t esx_port = 443;
    std::size_t transfers_per_host = 4;
    std::size_t transfers_per_vcenter = 8;
    // How long a host is left alone that did not answer, broke off or refused a ticket.
    std::chrono::seconds unreachable_for{300};
};

// "/folder/<path>?dcPath=<dc>&dsName=<ds>": each segment percent-encoded, a blank as %20.
std::string folder_target(std::string_view dc_path, const DatastorePath& path);

// Bytes of datastore files over HTTP. `client` must outlive it, and it every source that it
// returned. Safe across strands.
//
// Errors of all: unavailable (link, overload, host gone), timeout, forbidden, not_found, or what
// vCenter says when it is asked why a transfer was refused (no_space, FileLocked, …).
class DatastoreFiles {
public:
    DatastoreFiles(VimClient& client, DatastoreFilesOptions options);
    ~DatastoreFiles();

    // Writes the whole of `body` as the file's content; an existing file is replaced, the folder
    // must exist. Only size() tells whether all of it arrived: always ask. A failed put may leave a
    // part of the file behind. Tries another route or session as long as no byte of `body` was
    // read.
    awaitable<Result<TransferRoute>> put(
        const FileTarget& file, ByteSource& body, const Call& call
    );
    // The same for a small text, which can always be sent again.
    awaitable<Result<TransferRoute>> put_text(
        const FileTarget& file, std::string_view text, const Call& call
    );

    // The file's bytes, or a part of them. The source reports `corrupt` when the server gives less
    // than it announced. Its size_bytes() is the number of bytes that will come.
    awaitable<Result<std::unique_ptr<ByteSource>>> get(
        const FileTarget& file, std::optional<FileRange> range, const Call& call
    );

    // Length of the file.
    awaitable<Result<std::uint64_t>> size(const FileTarget& file, const Call& call);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::vsphere
