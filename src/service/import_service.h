#pragma once

#include "base/stream.h"
#include "model/caller.h"
#include "model/image.h"
#include "service/activation.h"
#include "service/copy_service.h"
#include "service/image_data_service.h"
#include "service/image_service.h"
#include "service/import_input.h"
#include "service/import_plugins.h"
#include "service/task_runner.h"
#include "store/backend_set.h"
#include "store/catalog.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace slipway::service {

using TaskQuery = store::Catalog::ApiTaskQuery;

// Image data from elsewhere, as they come.
struct FetchedData {
    std::unique_ptr<ByteSource> body;
    std::optional<std::uint64_t> size_bytes;
    // What becomes of the record besides, when the import succeeds. May be empty.
    std::function<void(Image&)> change;
};

// One way to get image data from elsewhere.
class ImportFetcher {
public:
    virtual ~ImportFetcher() = default;
    // Before an import is accepted. `task` is not in the catalogue yet. Errors: invalid_argument.
    virtual awaitable<Result<void>> check(
        const Caller& caller, const ImportRequest& request, TaskRecord& task
    ) = 0;
    // The task that was checked has ended, or has not come to be.
    virtual void forget(const TaskId& /*task*/) {}
    // Errors: those whose sentence may be shown to the user.
    virtual awaitable<Result<FetchedData>> fetch(
        const TaskRecord& task, const ImportRequest& request, const Call& call
    ) = 0;
};

// Imports: what was staged, or is fetched, becomes the data of an image, in as many stores as were
// asked for; and images that have their data are copied into more stores. The work is a task, and
// the image is locked by it while it is under way.
class ImportService {
public:
    struct Dependencies {
        store::Catalog& catalog;
        store::BackendSet& backends;
        const Policy& policy;
        TaskRunner& runner;
        ImageDataService& data;
        CopyService& copies;
        Activation& activation;
        ImageService& images;
        format::FormatPolicy formats;
        std::function<void()> on_garbage;
        std::map<ImportMethod, ImportFetcher*> fetchers = {};  // which outlive it
        ImportPlugins* plugins = nullptr;                      // which outlives it; null: none
    };

    explicit ImportService(Dependencies dependencies) : with_(std::move(dependencies)) {}

    // The task; absent when there is nothing to do. Errors: not_found, forbidden, conflict (the
    // image is not as it must be, is being imported, has no formats; an unknown store),
    // invalid_argument.
    awaitable<Result<std::optional<TaskRecord>>> start(
        const Caller& caller, const ImageId& id, ImportRequest request
    );

    // A new image, and the task that fills it from `uri`; when that fails the image goes. `input`
    // is what the Image API shows as the task's input. Errors: forbidden, invalid_argument,
    // conflict.
    awaitable<Result<TaskRecord>> start_new(
        const Caller& caller, Image image, std::string uri, std::string input
    );

    // Runs a task of kind import.
    awaitable<Result<Account>> run(
        const TaskRecord& task, store::CloneProgress& progress, const Call& call
    );

    // Of one image, newest first: the imports that the caller may see.
    awaitable<Result<std::vector<TaskRecord>>> tasks_of_image(
        const Caller& caller, const ImageId& id
    );
    // Of all images, for those who may see tasks at all. Errors: forbidden, invalid_argument,
    // not_found.
    [[nodiscard]] Result<void> check_tasks_access(const Caller& caller) const;
    awaitable<Result<std::vector<TaskRecord>>> tasks(const Caller& caller, TaskQuery query);
    awaitable<Result<TaskRecord>> task(const Caller& caller, const TaskId& id);

private:
    class Run;

    // Makes the task and takes the lock.
    awaitable<Result<TaskRecord>> begin(
        const Caller& caller,
        const Image& image,
        const ImportInput& input,
        std::string api_type,
        std::string shown_input
    );
    Result<std::vector<BackendId>> targets_of(const ImportRequest& request) const;
    awaitable<Result<std::vector<BackendId>>> targets_to_copy_to(
        const ImageId& id, const ImportRequest& request, std::vector<BackendId> targets
    );

    Dependencies with_;
};

}  // namespace slipway::service
