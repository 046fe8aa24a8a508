#pragma once

#include "vsphere/client.h"

#include <optional>
#include <string>

namespace slipway::vsphere {

// Top-level directories of vSAN and vVol datastores, which are objects with a UUID and a display
// name.

// Makes one and returns its stable path, "/vmfs/volumes/<datastore>/<uuid>".
// Errors: conflict when the name is taken; reason kOutcomeUnknown when the answer was lost;
// unsupported when the datastore knows no namespaces.
awaitable<Result<std::string>> create_namespace_directory(
    VimClient& client,
    ManagedObjectReference datastore,
    std::string display_name,
    std::optional<std::uint64_t> size_mib,
    const Call& call
);

// Deletes one, which must be empty, by its stable path. Errors: not_found.
awaitable<Result<void>> delete_namespace_directory(
    VimClient& client, ManagedObjectReference datacenter, std::string stable_path, const Call& call
);

// "ds:///vmfs/volumes/<datastore>/<name>/…" to the same with the UUID in place of the name.
awaitable<Result<std::string>> namespace_uuid_path(
    VimClient& client,
    ManagedObjectReference datacenter,
    std::string namespace_url,
    const Call& call
);

}  // namespace slipway::vsphere
