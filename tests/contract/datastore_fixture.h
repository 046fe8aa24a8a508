#pragma once

#include "store/datastore_backend.h"
#include "tests/contract/backend_contract.h"
#include "tests/support/vcenter.h"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>

namespace slipway::test {

// A DatastoreBackend over the simulated vCenter, on an event loop that lives as long as it does.
class DatastoreFixture : public BackendFixture {
public:
    struct Setup {
        std::string datastore = "images";
        bool direct_to_host = true;
        std::vector<std::string> clone_targets = {};
        std::vector<store::DatastoreChoice> more = {};  // beside `datastore`, whose weight is 0
        store::TurnLimits turns = {};
        std::chrono::milliseconds answer_limit{std::chrono::seconds(30)};
    };

    explicit DatastoreFixture(Setup setup);
    ~DatastoreFixture() override;

    store::Backend& backend() override { return *backend_; }
    void run(awaitable<void> body) override;
    CloneTarget clone_target(const std::string& path) override;
    std::optional<std::vector<std::byte>> cloned_disk(
        const CloneTarget& target, const Location& source
    ) override;

    // Ends the process as far as the backend goes, and begins another one.
    void restart();
    // Throws the backend and its client away.
    void stop();

    [[nodiscard]] const Vcenter& vcenter() const { return *vcenter_; }
    [[nodiscard]] const std::string& store_dir() const { return store_dir_; }
    // Files on the datastores, as the simulator keeps them.
    [[nodiscard]] std::filesystem::path stored_file(const Location& location) const;
    [[nodiscard]] std::filesystem::path target_file(const std::string& path) const;

private:
    void start();

    Setup setup_;
    Vcenter* vcenter_;
    std::string unique_;
    std::string store_dir_;
    asio::io_context loop_;
    std::unique_ptr<vsphere::VimClient> client_;
    std::unique_ptr<store::DatastoreBackend> backend_;
};

// What tests of this backend alone have in common.
class DatastoreTest : public testing::Test {
protected:
    void SetUp() override { use({}); }
    void use(DatastoreFixture::Setup setup) {
        fixture_.reset();
        fixture_ = std::make_unique<DatastoreFixture>(std::move(setup));
    }

    store::Backend& backend() { return fixture_->backend(); }
    const Vcenter& vcenter() { return fixture_->vcenter(); }
    template <class T>
    T await(awaitable<T> operation) {
        return fixture_->await(std::move(operation));
    }

    const Call call_{"test"};
    std::unique_ptr<DatastoreFixture> fixture_;
};

}  // namespace slipway::test
