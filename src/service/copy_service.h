#pragma once

#include "base/async.h"
#include "model/caller.h"
#include "service/policy.h"
#include "service/task_runner.h"
#include "service/transfers.h"
#include "store/backend_set.h"
#include "store/catalog.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace slipway::service {

// Whether two locations hold the same of an image: its upload in one form, or a disk made from it.
bool is_same_part(const Location& left, const Location& right);

// Copies of images on other datastores and in other stores. Inside one vCenter the storage makes
// them; between stores that have nothing in common the bytes pass through us.
class CopyService {
public:
    struct Dependencies {
        store::Catalog& catalog;
        store::BackendSet& backends;
        const Policy& policy;
        TaskRunner& runner;
        BlockingPool& pool;
        std::string server;
        std::function<void()> on_garbage;
        // The copy is there.
        std::function<awaitable<void>(const Image&, const Location&, const Call&)> on_copied;
    };

    explicit CopyService(Dependencies dependencies) : with_(std::move(dependencies)) {}

    // A task for every object on a datastore: a copy elsewhere in the same store, after which it
    // goes from here. `datastore` as in Location::datastore. Errors: forbidden, invalid_argument.
    awaitable<Result<std::vector<TaskRecord>>> evacuate(
        const Caller& caller, const BackendId& store, const std::string& datastore
    );
    // A live location of an image, and what its store says of the file now.
    struct Copy {
        Location location;
        std::string state;         // live, missing, damaged (another size), unknown
        std::optional<Time> seen;  // when the store said so; absent for unknown
    };
    struct Copies {
        Image image;
        std::vector<Copy> copies;
    };
    awaitable<Result<Copies>> list(const Caller& caller, const ImageId& id);
    // Removes every copy in a store. Errors: forbidden, not_found, conflict for the last one.
    awaitable<Result<void>> remove_from_store(
        const Caller& caller, const ImageId& id, const BackendId& store
    );
    // Puts copies on as many datastores of its store as policy wants.
    awaitable<void> copy_by_policy(const ImageId& id, const Call& call);

    // A copy of `source` in a store, complete on its datastore; its location is still `adding`.
    // After an error nothing is left but garbage that the catalogue knows.
    struct Made {
        Location location;
        Account account;
    };
    awaitable<Result<Made>> make(
        const Image& image,
        const Location& source,
        const BackendId& store,
        const TaskId& task,
        store::CloneProgress& progress,
        const Call& call
    );

    // A copy that make() has made is live now.
    awaitable<void> settled(const Image& image, const Location& copy, const Call& call);

    // Runs a task of kind copy or evacuate.
    awaitable<Result<Account>> run_task(
        const TaskRecord& task, store::CloneProgress& progress, const Call& call
    );

private:
    struct Input {
        BackendId store;
        std::string avoid;  // a datastore; empty: none
    };
    static std::string input_json(const Input& input);
    static Result<Input> read_input(const std::string& text);

    awaitable<Copy> look_at(Location location, const Call& call);
    awaitable<Result<TaskRecord>> create_task(
        TaskKind kind, const Location& source, const Input& input, const Call& call
    );
    // The task that wants a copy. Where it makes this one only, a restart finds what was begun.
    struct Errand {
        TaskId task;
        bool only_this = false;
        std::string checkpoint;
    };
    awaitable<Result<Made>> make(
        const Image& image,
        const Location& source,
        const Input& input,
        const Errand& errand,
        store::CloneProgress& progress,
        const Call& call
    );
    awaitable<void> drop(const LocationId& id, const Call& call);
    // Whether the storage makes a copy of `source` in `store` by itself.
    [[nodiscard]] Result<bool> is_by_storage(const Location& source, const BackendId& store) const;
    awaitable<Result<Location>> begin(
        const Image& image,
        const Location& source,
        const Input& input,
        const Errand& errand,
        const Call& call
    );
    awaitable<Result<Account>> transfer(
        const Image& image,
        const Location& source,
        const Location& target,
        const Errand& errand,
        store::CloneProgress& progress,
        const Call& call
    );
    awaitable<Result<Account>> stream(
        const Image& image,
        const Location& source,
        const Location& target,
        store::CloneProgress& progress,
        const Call& call
    );

    Dependencies with_;
};

}  // namespace slipway::service
