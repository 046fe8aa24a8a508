#pragma once

#include "vsphere/client.h"
#include "vsphere/datastore_files.h"
#include "vsphere/file_manager.h"
#include "vsphere/inventory.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace slipway::vsphere::test {

// A simulated vCenter in a process of its own, with its own folder. Ends with the object.
class SimulatedVCenter {
public:
    // The program's path is in SLIPWAY_VCENTER; null when it was not built.
    static std::unique_ptr<SimulatedVCenter> start();
    ~SimulatedVCenter();
    SimulatedVCenter(const SimulatedVCenter&) = delete;
    SimulatedVCenter& operator=(const SimulatedVCenter&) = delete;

    [[nodiscard]] VimClientOptions client_options() const;
    [[nodiscard]] std::uint16_t esx_port() const { return esx_port_; }
    // What a request to the control port, such as POST /sessions/expire, is answered with.
    awaitable<Result<std::string>> control(
        std::string method, std::string target, std::string body
    );

private:
    SimulatedVCenter() = default;
    bool launch(const std::string& program);

    pid_t pid_ = -1;
    int stdin_ = -1;
    std::filesystem::path folder_;
    net::Url server_;
    net::Url control_;
    std::string ca_file_;
    std::uint16_t esx_port_ = 0;
};

// One vCenter for all tests of a suite, which name their files differently.
class VSphere : public ::testing::Test {
protected:
    static void SetUpTestSuite() { vcenter = SimulatedVCenter::start(); }
    static void TearDownTestSuite() { vcenter.reset(); }
    void SetUp() override {
        if (!vcenter)
            FAIL() << "the simulated vCenter is not at $SLIPWAY_VCENTER; ./dev test builds it";
    }

    // Runs `body` with a logged-out client, and closes it.
    static void with_client(std::function<awaitable<void>(VimClient&)> body);

    // The datastore of DC0, with what is needed to name files in it.
    static awaitable<Result<FileTarget>> file(
        VimClient& client, std::string datastore, std::string path
    );
    static awaitable<void> control(std::string target, std::string body);

    static inline std::unique_ptr<SimulatedVCenter> vcenter;
    static inline const Call call{.request_id = "req-integration", .deadline = kNoDeadline};
};

}  // namespace slipway::vsphere::test
