#include "store/datastore_copy.h"

#include "base/json.h"
#include "base/log.h"
#include "store/datastore_clone.h"
#include "store/datastore_steps.h"
#include "vsphere/virtual_disk.h"

namespace slipway::store {
namespace {

Error bad_checkpoint() {
    return Error(Errc::corrupt, "the checkpoint of the copy is damaged; start the copy again");
}

}  // namespace

DatastoreCopy::DatastoreCopy(
    vsphere::VimClient& client,
    vsphere::DatastoreFiles& files,
    Plan plan,
    CloneProgress& progress,
    const Call& call
)
    : client_(client), files_(files), plan_(std::move(plan)), progress_(progress), call_(call) {}

awaitable<Result<Account>> DatastoreCopy::run(SideFile manifest, const std::string& checkpoint) {
    const auto started = std::chrono::steady_clock::now();
    if (!checkpoint.empty()) {
        SLIPWAY_CO_TRY(state_, Checkpoint::parse(checkpoint));
    }
    const auto made = co_await make(std::move(manifest));
    if (!made) {
        // Files that are there already are not ours to remove, nor those of another server.
        if (!save_failed_ && !progress_.is_lost() && made.error().code != Errc::conflict) {
            const Call own = for_cleaning_up(call_);
            const auto removed =
                co_await remove_folder(client_, plan_.target, plan_.target_directory, own);
            if (!removed)
                log::warning(
                    call_,
                    "copy.remains.left",
                    {{"datastore", plan_.target.datastore.name},
                     {"path", plan_.target_directory},
                     {"error", removed.error().message}}
                );
        }
        co_return as_seen_by_callers(made.error());
    }
    progress_.report(100);
    Account account;
    account.bytes_copied = plan_.stored_bytes;
    account.path = plan_.is_object ? "copy_disk" : "copy_file";
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
    account.seconds = taken.count();
    co_return account;
}

awaitable<Result<void>> DatastoreCopy::make(SideFile manifest) {
    for (std::size_t index = state_.file; index < plan_.files.size(); ++index)
        SLIPWAY_CO_CHECK(co_await copy_file(index));
    SLIPWAY_CO_CHECK(co_await check_size());
    co_return co_await write_manifest(std::move(manifest));
}

awaitable<Result<void>> DatastoreCopy::copy_file(std::size_t index) {
    const Plan::File& file = plan_.files[index];
    DatastoreClone::Plan plan;
    plan.source = plan_.source;
    plan.source_path = plan_.source_directory + '/' + file.name;
    plan.target = plan_.target;
    plan.target_path = plan_.target_directory + '/' + file.copy;
    plan.task = plan_.task;
    plan.is_iso = !plan_.is_object;  // that is: copied as a file
    plan.bytes = index == 0 ? plan_.stored_bytes : 0;

    const std::string checkpoint = index == state_.file ? state_.clone : std::string();
    state_.file = index;
    CloneProgress part = progress_;
    // The data file takes nearly all of the time.
    part.report = [&](int percent) { progress_.report(index == 0 ? percent * 95 / 100 : 96); };
    part.save = [this](std::string clone) -> awaitable<Result<void>> {
        state_.clone = std::move(clone);
        return save();
    };
    DatastoreClone one(client_, std::move(plan), part, call_);
    SLIPWAY_CO_CHECK(co_await one.run(checkpoint));
    co_return Result<void>();
}

// A copy that was cut short, or a source that is not what the catalogue says.
awaitable<Result<void>> DatastoreCopy::check_size() {
    SLIPWAY_CO_TRY(const auto data_file, target_file(plan_.files.front().copy));
    if (plan_.is_object) {
        vsphere::FileRef disk{data_file.path, data_file.datacenter.ref};
        SLIPWAY_CO_CHECK(co_await vsphere::query_disk_uuid(client_, std::move(disk), call_));
        co_return Result<void>();
    }
    SLIPWAY_CO_TRY(const std::uint64_t arrived, co_await files_.size(data_file, call_));
    if (arrived == plan_.stored_bytes) co_return Result<void>();
    co_return Error(
        Errc::corrupt, "the copy on the target datastore has another size than the image's file"
    );
}

awaitable<Result<void>> DatastoreCopy::write_manifest(SideFile manifest) {
    SLIPWAY_CO_TRY(const auto file, target_file(manifest.name));
    SLIPWAY_CO_CHECK(co_await files_.put_text(file, manifest.text, call_));
    SLIPWAY_CO_TRY(const std::uint64_t arrived, co_await files_.size(file, call_));
    if (arrived == manifest.text.size()) co_return Result<void>();
    co_return Error(Errc::corrupt, "the datastore did not keep a file of the copy; try again");
}

awaitable<Result<void>> DatastoreCopy::save() {
    auto saved = co_await progress_.save(state_.text());
    save_failed_ = save_failed_ || (!saved && saved.error().code != Errc::cancelled);
    co_return saved;
}

Result<vsphere::FileTarget> DatastoreCopy::target_file(std::string_view name) const {
    SLIPWAY_TRY(
        auto path,
        vsphere::DatastorePath::make(
            plan_.target.datastore.name, plan_.target_directory + '/' + std::string(name)
        )
    );
    return vsphere::FileTarget{plan_.target.datacenter, plan_.target.datastore, std::move(path)};
}

std::string DatastoreCopy::Checkpoint::text() const {
    json::Writer out;
    out.begin_object()
        .member("file", static_cast<std::int64_t>(file))
        .member("clone", std::string_view(clone))
        .end_object();
    return out.text();
}

Result<DatastoreCopy::Checkpoint> DatastoreCopy::Checkpoint::parse(const std::string& text) {
    const auto document = json::Document::parse(text);
    if (!document || !document->root().is_object()) return bad_checkpoint();
    const auto file = document->root().find("file");
    const auto clone = document->root().find("clone");
    if (!file || !file->is_integer() || file->integer() < 0 || file->integer() > 100 || !clone ||
        !clone->is_string())
        return bad_checkpoint();
    Checkpoint checkpoint;
    checkpoint.file = static_cast<std::size_t>(file->integer());
    checkpoint.clone = clone->string();
    return checkpoint;
}

}  // namespace slipway::store
