#pragma once

#include "vsphere/datastore_path.h"
#include "vsphere/file_requests.h"
#include "vsphere/task.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace slipway::vsphere {

// A file that a machine can not do without.
struct NeededFile {
    std::string name;                  // "[datastore] dir/file", as the server wrote it
    ManagedObjectReference datastore;  // empty when the server did not say
};

// Who needs which files.
struct FileUser {
    std::string name;
    std::vector<NeededFile> files;
    // Nobody knows at present: the machine is being made, or its host is away.
    bool is_unknown = false;
};

// The disks of every machine and template that the account may see, each with all its parents, and
// the images in their drives.
awaitable<Result<std::vector<FileUser>>> machine_files(VimClient& client, const Call& call);

// The first class disks registered on a datastore; none on a server that has no such disks.
awaitable<Result<std::vector<FileUser>>> registered_disks(
    VimClient& client, ManagedObjectReference datastore, const Call& call
);

// A machine in a folder, by its name; absent when there is none.
awaitable<Result<std::optional<ManagedObjectReference>>> find_machine(
    VimClient& client, ManagedObjectReference folder, std::string name, const Call& call
);

struct AttachedDisk {
    DatastorePath file;
    std::uint64_t capacity_bytes = 0;
    std::uint64_t key = 0;  // with the next two, what names the device in the machine
    std::uint64_t controller_key = 0;
    std::uint64_t unit_number = 0;
};

// The disks of one machine. Errors: not_found.
awaitable<Result<std::vector<AttachedDisk>>> attached_disks(
    VimClient& client, ManagedObjectReference machine, const Call& call
);

// Takes a disk out of a machine that is off; its files stay.
awaitable<Result<void>> detach_disk(
    VimClient& client, ManagedObjectReference machine, AttachedDisk disk, const Call& call
);

// Deletes a machine with its folder and the disks that it has. One that is gone is fine.
awaitable<Result<void>> destroy_machine(
    VimClient& client, ManagedObjectReference machine, const Call& call
);

}  // namespace slipway::vsphere
