#pragma once

#include "tests/contract/datastore_fixture.h"

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace slipway::test {

// Objects in a store on the simulated vCenter, for what is made of them there.
class DatastoreObjects : public DatastoreTest {
protected:
    DatastoreObjects();

    // Runs `operation` as a process does that ends with the second checkpoint, when vCenter is at
    // work on its first task. False when the operation was over before.
    bool end_at_the_second_checkpoint(awaitable<Result<Account>> operation);

    // A stored object with these bytes in a file <image id><suffix>.
    Location stored(
        const std::vector<std::byte>& bytes,
        const std::string& suffix,
        const std::vector<store::SideFile>& side_files = {}
    );
    // A hosted sparse file that holds disk_.
    Location stored_disk();
    // disk_ as a bare extent with a descriptor beside it.
    Location stored_flat_disk();

    // A fault of the simulated vCenter, for one call of `method`.
    void fault_once(const std::string& kind, const std::string& method, const std::string& rest);

    [[nodiscard]] std::filesystem::path on(const std::string& datastore, const std::string& path)
        const;
    static std::vector<std::byte> bytes_of(const std::filesystem::path& file);
    // Names in a folder; empty when there is none.
    static std::set<std::string> names_in(const std::filesystem::path& folder);

    std::vector<std::byte> disk_ = std::vector<std::byte>(1U << 20U);
    std::vector<std::string> checkpoints_;
    std::vector<int> percents_;
    bool cancelled_ = false;
    store::CloneProgress progress_;
};

}  // namespace slipway::test
