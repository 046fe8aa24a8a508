#pragma once

#include "service/activation.h"
#include "service/boot_form_maker.h"
#include "service/collector.h"
#include "service/copy_service.h"
#include "service/image_data_service.h"
#include "service/image_service.h"
#include "service/import_service.h"
#include "service/object_service.h"
#include "service/task_runner.h"
#include "store/catalog.h"
#include "tests/fakes/faulty_backend.h"
#include "tests/fakes/memory_backend.h"
#include "tests/fakes/temporary_folder.h"
#include "tests/support/manual_clock.h"
#include "tests/support/results.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::test {

struct ServicesOptions {
    MemoryBackendOptions store;
    std::vector<MemoryBackendOptions> more_stores;  // then clients see their names
    service::DataRules rules;
    bool wait_for_boot_form = true;
    int failing_call = std::numeric_limits<int>::max();  // of the store's calls, from 0
    FailureMoment moment = FailureMoment::before;
    std::map<service::ImportMethod, service::ImportFetcher*> fetchers = {};
    service::ImportPluginOptions plugins = {};
};

// Somebody with the roles reader and member in `project`.
Caller member_of(const std::string& project);

// The services of images over a catalogue in a temporary SQLite file and one store in memory.
//
//   Services services;
//   const ImageId id = services.create_image("raw");
//   EXPECT_OK(services.upload(id, "hello"));
class Services {
public:
    explicit Services(const ServicesOptions& options = {});

    // Runs `operation`, and what it started in the background, to the end.
    template <class T>
    T await(awaitable<T> operation) {
        std::optional<T> result;
        auto body = [](awaitable<T> inner, std::optional<T>& out) -> awaitable<void> {
            out.emplace(co_await std::move(inner));
        };
        run(body(std::move(operation), result));
        return std::move(*result);
    }

    // A queued image of project "owner".
    ImageId create_image(
        const std::string& disk_format, const std::string& container_format = "bare"
    );
    ImageId create_image(Image image);
    // By the owner; the length is announced unless `announced` says otherwise.
    Result<void> upload(const ImageId& id, std::string body);
    Result<void> upload(
        const ImageId& id, ByteSource& body, std::optional<std::uint64_t> announced
    );
    Result<std::string> download(
        const Caller& caller, const ImageId& id, std::optional<ByteRange> range = std::nullopt
    );
    Image image(const ImageId& id);
    std::vector<TaskRecord> tasks();
    // Stages the data, by the owner.
    Result<void> stage(const ImageId& id, std::string body);
    // Accepts the import of an image, by `caller`.
    Result<std::optional<TaskRecord>> import(
        const ImageId& id, service::ImportRequest request, const Caller& caller = member_of("owner")
    );
    // Runs the next import that waits, and ends its task.
    Result<Account> run_import();
    // Runs a task as the runner does, and ends it.
    Result<Account> run_task(
        TaskRecord task,
        const std::function<
            awaitable<Result<Account>>(const TaskRecord&, store::CloneProgress&, const Call&)>&
            handler
    );
    std::vector<Location> live_locations(const ImageId& id);

    ManualClock clock;
    TemporaryFolder folder;
    asio::io_context context;
    MemoryBackend memory;
    std::vector<std::unique_ptr<MemoryBackend>> more;
    std::unique_ptr<store::Catalog> catalog;
    store::BackendSet backends;
    service::Policy policy;
    ImageSchema schema;
    service::Transfers transfers;
    BlockingPool pool;
    TaskGroup group;
    int garbage_notices = 0;
    service::ImageService images;
    service::TaskRunner runner;
    std::vector<Location> imported;
    service::DiskImporter importer;
    service::BootFormMaker boot_forms;
    std::vector<ImageId> activated;
    // What is done to an image between its last byte and the status active; by default nothing.
    std::function<
        awaitable<void>(const Image&, const Location&, const std::function<bool()>&, const Call&)>
        before_active;
    service::Activation activation;
    service::ImageDataService data;
    service::ObjectService objects;
    service::CopyService copies;
    service::ImportPlugins plugins;
    service::ImportService imports;
    service::Collector collector;

private:
    void run(awaitable<void> body);
};

// A text in pieces, as a client sends it; `before_read` is told how much has been read.
class PiecewiseSource final : public ByteSource {
public:
    using Hook = std::function<awaitable<Result<void>>(std::size_t read_bytes)>;

    explicit PiecewiseSource(std::string text, Hook before_read = {})
        : text_(std::move(text)), before_read_(std::move(before_read)) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override;

private:
    std::string text_;
    Hook before_read_;
    std::size_t read_ = 0;
};

// As member_of(), known as a service.
Caller service_of(const std::string& project);
Caller administrator();

// `bytes` bytes that look like no disk format: byte i is (i * 7 + i / 251) % 251.
std::string pattern(std::size_t bytes);
std::string md5_of(std::string_view bytes);

}  // namespace slipway::test
