#pragma once

#include "tests/support/vcenter.h"
#include "vsphere/client.h"
#include "vsphere/datastore_files.h"
#include "vsphere/file_manager.h"
#include "vsphere/inventory.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace slipway::vsphere::test {

using slipway::test::Vcenter;

// Over one simulated vCenter for all tests of the program, which name their files differently.
class VSphere : public ::testing::Test {
protected:
    static Vcenter& vcenter() { return Vcenter::shared(); }
    static VimClientOptions client_options();

    // Runs `body` with a logged-out client, and closes it.
    static void with_client(std::function<awaitable<void>(VimClient&)> body);

    // The datastore of DC0, with what is needed to name files in it.
    static awaitable<Result<FileTarget>> file(
        VimClient& client, std::string datastore, std::string path
    );

    static inline const Call call{.request_id = "req-integration", .deadline = kNoDeadline};
};

}  // namespace slipway::vsphere::test
