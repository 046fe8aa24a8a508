#include "service/store_trial.h"

#include "format/sparse_wrapping_source.h"
#include "service/manifest.h"
#include "service/taps.h"
#include "store/trial_source.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>

namespace slipway::service {

namespace {

constexpr std::uint64_t kSeed = 1;
constexpr std::uint64_t kPartBytes = 1U << 20U;
constexpr const char* kDigest = "sha256";
// The time that removing everything has, whatever ended the trial.
constexpr std::chrono::minutes kClearLimit{5};

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Error interrupted() {
    return Error(Errc::cancelled, "the test was interrupted");
}

// Ends a transfer when the trial is stopped.
class InterruptTap final : public Tap {
public:
    explicit InterruptTap(const std::function<bool()>& stopped) : stopped_(stopped) {}

    Result<void> see(std::span<const std::byte>) override {
        if (stopped_()) return interrupted();
        return {};
    }

private:
    const std::function<bool()>& stopped_;
};

std::string name_of(const store::TrialTarget& target) {
    return target.datacenter.empty() ? target.datastore
                                     : target.datacenter + '/' + target.datastore;
}

// The store says that this can not be asked of it.
bool is_no_failure(const Error& error) {
    return error.code == Errc::unsupported || error.code == Errc::invalid_argument;
}

}  // namespace

awaitable<bool> StoreTrial::step(std::string name, std::string where, Work work) {
    if (with_.stopped()) {
        if (!failure_) failure_ = interrupted();
        co_return false;
    }
    TrialStep done{std::move(name), std::move(where), {}, {}, {}};
    const auto start = std::chrono::steady_clock::now();
    auto account = co_await work();
    left_out_ = !account && is_no_failure(account.error());
    if (account) {
        done.account = std::move(*account);
    } else if (left_out_) {
        done.skipped = account.error().message;
    } else {
        done.error = account.error();
        if (!failure_) failure_ = done.error;
    }
    done.account.seconds = seconds_since(start);
    with_.on_step(done);
    co_return account.has_value();
}

void StoreTrial::skip(std::string name, std::string where, std::string why) {
    with_.on_step({std::move(name), std::move(where), {}, std::move(why), {}});
}

store::CloneProgress StoreTrial::progress() const {
    return {
        [](int) {},
        [](std::string) -> awaitable<Result<void>> { co_return Result<void>(); },
        with_.stopped};
}

awaitable<void> StoreTrial::run(const Call& call) {
    const auto prepare = [&]() -> awaitable<Result<Account>> {
        SLIPWAY_CO_CHECK(co_await with_.ground.prepare(call));
        co_return Account{};
    };
    std::exception_ptr thrown;
    try {
        if (co_await step("prepare", "", prepare)) co_await try_all(call);
    } catch (...) {
        thrown = std::current_exception();
    }

    TrialStep last{"clean up", "", {}, {}, {}};
    const auto start = std::chrono::steady_clock::now();
    const auto cleared = co_await with_.ground.clear(call.within(kClearLimit));
    last.account.seconds = seconds_since(start);
    if (!cleared) last.error = cleared.error();
    if (!cleared && !failure_) failure_ = cleared.error();
    with_.on_step(last);
    if (thrown) std::rethrow_exception(thrown);
}

awaitable<void> StoreTrial::try_all(const Call& call) {
    const auto datastores = co_await with_.backend.datastores(call);
    if (!datastores) {
        const auto failing = [&]() -> awaitable<Result<Account>> { co_return datastores.error(); };
        co_await step("datastores", "", failing);
        co_return;
    }
    for (const DatastoreStatus& datastore : *datastores) {
        if (datastore.accessible)
            co_await try_datastore(datastore.name, call);
        else
            skip("write", datastore.name, "the datastore can not be used at present");
    }
    if (disks_.empty()) co_return;
    const store::TrialDisk& disk = disks_.front();
    co_await try_copies(disk, call);
    co_await try_clones(disk, call);
    co_await try_seeds(disk, call);
    if (!with_.stopped())
        co_await with_.ground.observe(disk, with_.on_observation, with_.stopped, call);
    std::vector<Location> all = copies_;
    for (const store::TrialDisk& written : disks_) all.push_back(written.location);
    for (const Location& location : all) {
        const auto remove = [&]() -> awaitable<Result<Account>> {
            SLIPWAY_CO_CHECK(co_await with_.backend.remove(location, call));
            const auto left = co_await with_.backend.stat(location, call);
            if (left) co_return Error(Errc::corrupt, "the file is still there");
            if (left.error().code != Errc::not_found) co_return left.error();
            co_return Account{};
        };
        co_await step("delete", location.datastore, remove);
    }
}

awaitable<void> StoreTrial::try_datastore(const std::string& datastore, const Call& call) {
    store::TrialDisk disk;
    const auto writing = [&] { return write(datastore, disk, call); };
    if (!co_await step("write", datastore, writing)) co_return;
    const auto reading = [&] { return read(disk, call); };
    co_await step("read", datastore, reading);
    const auto reading_a_part = [&] { return read_part(disk, call); };
    co_await step("read a part", datastore, reading_a_part);
    disks_.push_back(std::move(disk));
}

// As an upload of a raw disk goes.
awaitable<Result<Account>> StoreTrial::write(
    const std::string& datastore, store::TrialDisk& disk, const Call& call
) {
    Image image;
    image.id = ImageId(new_uuid());
    disk.size_bytes = with_.size_bytes;
    std::optional<format::SparseLayout> layout;
    if (with_.backend.info().publishes_locations) {
        SLIPWAY_CO_TRY(
            layout,
            format::SparseLayout::create(
                with_.size_bytes, format::AdapterType::lsilogic, format::DiskIdentity::random()
            )
        );
    }
    const std::uint64_t bytes = layout ? layout->file_bytes() : with_.size_bytes;
    const store::PlaceRequest wish{image.id, bytes, {datastore}, {}};
    SLIPWAY_CO_TRY(const auto place, co_await with_.backend.place(wish, call));
    Location& location = disk.location;
    location.image_id = image.id;
    location.backend = with_.backend.info().id;
    location.datastore = place.datastore;
    location.datastore_ref = place.datastore_ref;
    location.directory = place.directory;
    location.data_file = image.id.str() + (layout ? ".vmdk" : ".img");
    location.form = layout ? StoredForm::sparse : StoredForm::original;
    location.stored_bytes = bytes;
    if (layout) {
        location.data_offset = layout->prefix_bytes();
        disk.capacity_bytes = layout->capacity_bytes();
    }

    store::TrialSource data(with_.size_bytes, kSeed);
    std::unique_ptr<ByteSource> wrapped;
    if (layout) wrapped = std::make_unique<format::SparseWrappingSource>(*layout, data);
    SLIPWAY_CO_TRY(HashTap data_hash, HashTap::create(kDigest));
    SLIPWAY_CO_TRY(HashTap file_hash, HashTap::create(kDigest));
    WindowTap window(location.data_offset, disk.size_bytes, {&data_hash});
    InterruptTap interrupt(with_.stopped);
    SLIPWAY_CO_TRY(auto writer, co_await with_.backend.open_writer(location, bytes, call));
    ByteSource& source = wrapped ? *wrapped : data;
    SLIPWAY_CO_TRY(
        const std::uint64_t sent,
        co_await pump(source, *writer, {&interrupt, &window, &file_hash}, with_.pool)
    );
    disk.data_sha256 = data_hash.finish().os_hash_value;
    disk.file_sha256 = file_hash.finish().os_hash_value;
    image.size_bytes = disk.size_bytes;
    SLIPWAY_CO_CHECK(co_await writer->commit(sent, {manifest_of(image, location)}));
    Account account{sent, 0, 0, "stream"};
    if (!writer->route().empty()) account.path += " by " + std::string(writer->route());
    co_return account;
}

awaitable<Result<Account>> StoreTrial::read(const store::TrialDisk& disk, const Call& call) {
    const Location& location = disk.location;
    SLIPWAY_CO_TRY(
        auto reader, co_await with_.backend.open_reader(location, {0, location.stored_bytes}, call)
    );
    SLIPWAY_CO_TRY(HashTap hash, HashTap::create(kDigest));
    std::vector<std::byte> buffer(kChunkBytes);
    std::uint64_t bytes = 0;
    while (true) {
        if (with_.stopped()) co_return interrupted();
        SLIPWAY_CO_TRY(const std::size_t got, co_await reader->read_some(buffer));
        if (got == 0) break;
        bytes += got;
        auto see = [&] { return hash.see(std::span(buffer).first(got)); };
        SLIPWAY_CO_CHECK(co_await offload(with_.pool, see));
    }
    if (hash.finish().os_hash_value != disk.file_sha256)
        co_return Error(Errc::corrupt, "the store gives other bytes than were written");
    co_return Account{bytes, 0, 0, "stream"};
}

// A range that begins and ends in the middle of things.
awaitable<Result<Account>> StoreTrial::read_part(const store::TrialDisk& disk, const Call& call) {
    const std::uint64_t first = disk.size_bytes / 3;
    const std::uint64_t length = std::min(kPartBytes + 1, disk.size_bytes - first);
    const ByteRange part{disk.location.data_offset + first, length};
    SLIPWAY_CO_TRY(auto reader, co_await with_.backend.open_reader(disk.location, part, call));
    SLIPWAY_CO_TRY(const std::string got, co_await store::sha256_of(*reader));
    store::TrialSource expected(length, kSeed, first);
    SLIPWAY_CO_TRY(const std::string wanted, co_await store::sha256_of(expected));
    if (got != wanted)
        co_return Error(Errc::corrupt, "the store gives another part than was asked for");
    co_return Account{length, 0, 0, "stream"};
}

awaitable<void> StoreTrial::try_copies(const store::TrialDisk& disk, const Call& call) {
    if (disks_.size() < 2) {
        skip("copy", disk.location.datastore, "the store has one datastore");
        co_return;
    }
    for (const store::TrialDisk& other : disks_) {
        const std::string& datastore = other.location.datastore;
        if (datastore == disk.location.datastore) continue;
        const auto copy = [&]() -> awaitable<Result<Account>> {
            const store::PlaceRequest wish{
                disk.location.image_id, disk.location.stored_bytes, {datastore}, {}};
            SLIPWAY_CO_TRY(const auto place, co_await with_.backend.place(wish, call));
            Location target = disk.location;
            target.datastore = place.datastore;
            target.datastore_ref = place.datastore_ref;
            target.directory = place.directory;
            copies_.push_back(target);
            Image image;
            image.id = target.image_id;
            image.size_bytes = disk.size_bytes;
            auto watch = progress();
            const store::CopyRequest request{disk.location, target, TaskId(new_uuid())};
            co_return co_await with_.backend.copy(
                request, manifest_of(image, target), {}, watch, call
            );
        };
        if (!co_await step("copy", disk.location.datastore + " to " + datastore, copy)) continue;
        store::TrialDisk copied = disk;
        copied.location = copies_.back();
        const auto reading = [&] { return read(copied, call); };
        co_await step("read the copy", datastore, reading);
    }
}

awaitable<void> StoreTrial::try_clones(const store::TrialDisk& disk, const Call& call) {
    const auto& targets = with_.ground.targets();
    if (targets.empty()) skip("clone", "", "the store makes no clones: it has no clone_root");
    std::optional<bool> within;
    std::optional<bool> across;
    std::string path;
    int number = 0;
    for (const store::TrialTarget& target : targets) {
        const store::CloneRequest request{
            disk.location,
            with_.ground.clone_target(target, "clone" + std::to_string(++number)),
            TaskId(new_uuid())};
        const std::string where = disk.location.datastore + " to " + name_of(target);
        const auto clone = [&]() -> awaitable<Result<Account>> {
            SLIPWAY_CO_CHECK(co_await with_.backend.check_clone(request, call));
            auto watch = progress();
            SLIPWAY_CO_TRY(auto account, co_await with_.backend.clone(request, {}, watch, call));
            path = account.path;
            co_return account;
        };
        bool whole = co_await step("clone", where, clone);
        if (left_out_) continue;
        if (whole) {
            const auto compare = [&]() -> awaitable<Result<Account>> {
                SLIPWAY_CO_CHECK(co_await with_.ground.check_clone(request.target, disk, call));
                co_return Account{disk.size_bytes, 0, 0, "stream"};
            };
            whole = co_await step("read the clone", name_of(target), compare);
        }
        std::optional<bool>& seen =
            name_of(target) == disk.location.datastore || target.datacenter.empty() ? within
                                                                                    : across;
        seen = seen.value_or(true) && whole;
    }
    const bool is_local = with_.backend.info().type == "file";
    if (is_local && within) {
        const bool shares = path == "reflink";
        with_.on_observation(
            {"reflink",
             shares ? store::Verdict::ok : store::Verdict::differs,
             "clones are made by " + (path.empty() ? std::string("nothing") : path)}
        );
        co_return;
    }
    if (is_local) co_return;
    observe("sparse_source", within, "CopyVirtualDisk makes a whole disk of our sparse file");
    observe("copy_across", across, "CopyVirtualDisk works from one datastore to another");
}

void StoreTrial::observe(std::string name, std::optional<bool> is_so, std::string seen) {
    store::Observation told{std::move(name), store::Verdict::ok, std::move(seen)};
    if (!is_so) {
        told.verdict = store::Verdict::untried;
        told.seen = "no clone could be tried for it; name a datastore with --target";
    } else if (!*is_so) {
        told.verdict = store::Verdict::differs;
        told.seen = "it did not: see the step above";
    }
    with_.on_observation(told);
}

awaitable<void> StoreTrial::try_seeds(const store::TrialDisk& disk, const Call& call) {
    if (with_.ground.cache_folder().empty()) co_return;
    for (const store::TrialTarget& target : with_.ground.targets()) {
        store::SeedRequest request;
        request.source = disk.location;
        request.datacenter = target.datacenter;
        request.datastore = target.datastore;
        request.base_folder = with_.ground.cache_folder();
        request.name = disk.location.image_id.str();
        request.capacity_bytes = disk.capacity_bytes;
        request.task = TaskId(new_uuid());
        const auto seed = [&]() -> awaitable<Result<Account>> {
            auto watch = progress();
            SLIPWAY_CO_TRY(auto account, co_await with_.backend.seed(request, {}, watch, call));
            SLIPWAY_CO_TRY(const auto state, co_await with_.backend.keep_seed(request, call));
            if (!state.base)
                co_return Error(Errc::corrupt, "the seed is not where Nova's cache looks for it");
            co_return account;
        };
        co_await step("seed", name_of(target), seed);
    }
}

}  // namespace slipway::service
