#pragma once

#include "base/async.h"
#include "model/location.h"
#include "store/datastore_layout.h"
#include "vsphere/file_manager.h"
#include "vsphere/inventory.h"

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace slipway::store {

// A datastore, and the datacenter through which its files are named.
struct Place {
    vsphere::Datacenter datacenter;
    vsphere::DatastoreInfo datastore;

    [[nodiscard]] DatastoreKey key() const { return {datacenter.path, datastore.name}; }
    // Errors: invalid_argument for a path that can not be written as "[datastore] path".
    [[nodiscard]] Result<vsphere::FileRef> file(std::string_view path) const;
};

// Finds datastores, and remembers them for a few seconds. Safe across strands.
class DatastorePlaces {
public:
    explicit DatastorePlaces(vsphere::VimClient& client) : client_(client) {}

    // As the server sees it now. Errors: not_found.
    awaitable<Result<Place>> find(
        const std::string& datacenter, const std::string& datastore, const Call& call
    );
    // As it was a few seconds ago, which is good enough to reach files.
    awaitable<Result<Place>> find_recent(
        const std::string& datacenter, const std::string& datastore, const Call& call
    );
    // The datastore of a stored object: by its reference, which survives renaming, else by name.
    // Errors: unavailable when it is gone; an absent datastore says nothing about the object.
    awaitable<Result<Place>> of(const Location& location, const Call& call);

    // What Location::datastore_ref holds: "<server's instance>/<reference>".
    awaitable<Result<std::string>> reference_text(const Place& place, const Call& call);
    // The names under which the datastore of `location` was last seen, else those it was stored
    // with.
    [[nodiscard]] std::string current_key(const Location& location) const;

private:
    struct Seen {
        Place place;
        std::chrono::steady_clock::time_point when;
    };

    awaitable<Result<Place>> by_reference(const std::string& text, const Call& call);
    [[nodiscard]] std::optional<Place> recent(const std::string& key) const;
    void remember(const std::string& key, const Place& place);

    vsphere::VimClient& client_;
    mutable std::mutex mutex_;
    std::map<std::string, Seen> seen_;  // guarded by mutex_; by reference text, and by key
};

// Makes `folder` (a path below the root; empty is fine) and its parents on `place`; on vSAN and
// vVol the topmost one is a namespace of its own.
awaitable<Result<void>> make_folders(
    vsphere::VimClient& client, Place place, std::string folder, const Call& call
);

// Which of `names` lie in `folder`. A folder that is missing holds nothing.
awaitable<Result<std::vector<std::string>>> names_present(
    vsphere::VimClient& client,
    Place place,
    std::string folder,
    std::vector<std::string> names,
    const Call& call
);

}  // namespace slipway::store
