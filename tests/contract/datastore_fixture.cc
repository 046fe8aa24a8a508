#include "tests/contract/datastore_fixture.h"

#include <boost/asio/co_spawn.hpp>

#include <fstream>
#include <iterator>

namespace slipway::test {
namespace {

constexpr const char* kCloneDatastore = "work";

}  // namespace

DatastoreFixture::DatastoreFixture(Setup setup)
    : setup_(std::move(setup)),
      vcenter_(&Vcenter::shared()),
      unique_(random_hex(8)),
      store_dir_("store-" + unique_) {
    vcenter_->reset();
    start();
}

DatastoreFixture::~DatastoreFixture() {
    vcenter_->reset();
    stop();
}

void DatastoreFixture::start() {
    vsphere::VimClientOptions options;
    options.server = net::parse_url(vcenter_->url()).value();
    options.username = "user";
    options.password = Secret("pass");
    options.trust.ca_file = vcenter_->ca_file();
    options.call_timeout = std::chrono::seconds(10);
    options.retry = {
        .attempts = 4,
        .base_delay = std::chrono::milliseconds(10),
        .max_delay = std::chrono::milliseconds(50),
    };
    options.update_wait = std::chrono::seconds(2);
    client_ = std::make_unique<vsphere::VimClient>(loop_.get_executor(), std::move(options));

    store::DatastoreBackendOptions store;
    store.id = BackendId("vmware");
    store.datastores = {{"DC0", setup_.datastore, 0}};
    for (const auto& choice : setup_.more) store.datastores.push_back(choice);
    store.turns = setup_.turns;
    store.answer_limit = setup_.answer_limit;
    store.store_dir = store_dir_;
    store.published_host = "vc.example.org";
    store.clone_targets = setup_.clone_targets;
    store.files.direct_to_host = setup_.direct_to_host;
    store.files.esx_port = vcenter_->esx_port();
    backend_ =
        store::DatastoreBackend::create(loop_.get_executor(), std::move(store), *client_).value();
}

void DatastoreFixture::stop() {
    if (!backend_) return;
    auto close = [this]() -> awaitable<void> {
        co_await backend_->close();
        const Call call;
        co_await client_->close(call);
    };
    run(close());
    backend_.reset();
    client_.reset();
}

void DatastoreFixture::restart() {
    stop();
    start();
}

void DatastoreFixture::run(awaitable<void> body) {
    std::exception_ptr thrown;
    bool over = false;
    asio::co_spawn(loop_, std::move(body), [&](std::exception_ptr error) {
        thrown = error;
        over = true;
    });
    loop_.restart();
    while (!over) loop_.run_one();
    if (thrown) std::rethrow_exception(thrown);
}

CloneTarget DatastoreFixture::clone_target(const std::string& path) {
    return {"DC0", kCloneDatastore, "clones-" + unique_ + '/' + path, ""};
}

std::filesystem::path DatastoreFixture::stored_file(const Location& location) const {
    return vcenter_->datastore("DC0", setup_.datastore).directory / location.directory /
           location.data_file;
}

std::filesystem::path DatastoreFixture::target_file(const std::string& path) const {
    return vcenter_->datastore("DC0", kCloneDatastore).directory / path;
}

std::optional<std::vector<std::byte>> DatastoreFixture::cloned_disk(
    const CloneTarget& target, const Location& /*source*/
) {
    std::string path = target.path;
    const bool is_disk = path.ends_with(".vmdk");
    if (is_disk) path.replace(path.size() - 5, 5, "-flat.vmdk");
    if (is_disk && !std::filesystem::exists(target_file(target.path))) return std::nullopt;
    std::ifstream file(target_file(path), std::ios::binary);
    if (!file) return std::nullopt;
    std::vector<std::byte> bytes;
    for (std::istreambuf_iterator<char> at(file), end; at != end; ++at)
        bytes.push_back(static_cast<std::byte>(*at));
    return bytes;
}

}  // namespace slipway::test
