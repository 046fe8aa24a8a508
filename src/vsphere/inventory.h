#pragma once

#include "base/call.h"
#include "vsphere/client.h"

#include <string>
#include <string_view>
#include <vector>

namespace slipway::vsphere {

struct Datacenter {
    ManagedObjectReference ref;
    // Inventory path from below the root, "DC0" or "Folder/DC0": the dcPath of /folder. Names in it
    // are as vCenter stores them (%2f for a slash).
    std::string path;
};

// One host's view of a datastore.
struct HostMount {
    ManagedObjectReference host;
    std::string access_mode;  // readWrite or readOnly
    bool mounted = true;
    bool accessible = false;

    [[nodiscard]] bool usable() const {
        return mounted && accessible && access_mode == "readWrite";
    }
};

struct DatastoreInfo {
    ManagedObjectReference ref;
    std::string name;
    std::string type;  // VMFS, NFS, NFS41, vsan, VVOL, …
    std::string url;   // ds:///vmfs/volumes/<id>/
    bool accessible = false;
    std::string maintenance_mode;  // normal, enteringMaintenance, inMaintenance; may be empty
    std::uint64_t capacity_bytes = 0;
    std::uint64_t free_bytes = 0;
    std::vector<HostMount> hosts;
    ManagedObjectReference browser;
    bool directory_hierarchy_supported = true;
    bool top_level_directory_create_supported = true;
    std::optional<std::uint64_t> max_file_bytes;

    [[nodiscard]] bool in_maintenance() const {
        return !maintenance_mode.empty() && maintenance_mode != "normal";
    }
    // Directories at the root are namespace objects (vSAN, vVol).
    [[nodiscard]] bool has_namespaces() const { return type == "vsan" || type == "VVOL"; }
};

struct HostInfo {
    ManagedObjectReference ref;
    std::string name;
    std::string connection_state;  // connected, disconnected, notResponding
    bool in_maintenance = false;
    // Where to reach it: an address of a management interface, else its name.
    std::string address;

    [[nodiscard]] bool usable() const { return connection_state == "connected" && !in_maintenance; }
};

// A name as it is stored and used in inventory paths: '/', '\' and '%' as %2f, %5c, %25.
std::string encode_inventory_name(std::string_view name);

// By inventory path, with or without a leading slash; segments as vCenter stores them.
// Errors: not_found when there is none, or the account may not see it.
awaitable<Result<Datacenter>> find_datacenter(
    VimClient& client, std::string path, const Call& call
);

// The datacenter in which an entity (datastore, host, folder) lies.
// Errors: not_found when it lies in none, or does not exist any more.
awaitable<Result<Datacenter>> datacenter_of(
    VimClient& client, ManagedObjectReference entity, const Call& call
);

// All datastores of a datacenter.
awaitable<Result<std::vector<DatastoreInfo>>> datastores_of(
    VimClient& client, ManagedObjectReference datacenter, const Call& call
);

// By its display name. Errors: not_found.
awaitable<Result<DatastoreInfo>> find_datastore(
    VimClient& client, ManagedObjectReference datacenter, std::string name, const Call& call
);

// By its reference, which survives renaming. Errors: not_found.
awaitable<Result<DatastoreInfo>> read_datastore(
    VimClient& client, ManagedObjectReference datastore, const Call& call
);

// Makes the server look at capacity and free space again.
awaitable<Result<void>> refresh_datastore(
    VimClient& client, ManagedObjectReference datastore, const Call& call
);

awaitable<Result<std::vector<HostInfo>>> read_hosts(
    VimClient& client, std::vector<ManagedObjectReference> hosts, const Call& call
);

// What a virtual machine on a datastore is made with.
struct MachinePlace {
    ManagedObjectReference resource_pool;
    ManagedObjectReference folder;  // the datacenter's folder of machines
    ManagedObjectReference host;    // one that can write to the datastore
};

// Any of the hosts that can. Errors: unavailable when there is none.
awaitable<Result<MachinePlace>> find_machine_place(
    VimClient& client, Datacenter datacenter, DatastoreInfo datastore, const Call& call
);

}  // namespace slipway::vsphere
