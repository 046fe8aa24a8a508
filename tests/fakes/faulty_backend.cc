#include "tests/fakes/faulty_backend.h"

#include <utility>

namespace slipway::test {

struct FaultyBackend::Countdown {
    Countdown(int n, FailureMoment failure) : left(n), moment(failure) {}

    // Runs `operation`, or fails it when its turn has come.
    template <class T>
    static awaitable<Result<T>> count(
        std::shared_ptr<Countdown> self, awaitable<Result<T>> operation
    ) {
        const bool fails = self->left.fetch_sub(1) == 0;
        if (fails && self->moment == FailureMoment::before) co_return failure();
        auto result = co_await std::move(operation);
        if (fails) co_return failure();
        co_return result;
    }

    static Error failure() { return {Errc::unavailable, "the store does not answer"}; }

    std::atomic<int> left;
    FailureMoment moment;
};

class FaultyBackend::Writer : public store::ObjectWriter {
public:
    Writer(std::unique_ptr<store::ObjectWriter> inner, std::shared_ptr<Countdown> countdown)
        : inner_(std::move(inner)), countdown_(std::move(countdown)) {}

    awaitable<Result<void>> write(std::span<const std::byte> bytes) override {
        return Countdown::count(countdown_, inner_->write(bytes));
    }
    awaitable<Result<void>> commit(
        std::uint64_t stored_bytes, std::vector<store::SideFile> side_files
    ) override {
        return Countdown::count(countdown_, inner_->commit(stored_bytes, std::move(side_files)));
    }

private:
    std::unique_ptr<store::ObjectWriter> inner_;
    std::shared_ptr<Countdown> countdown_;
};

class FaultyBackend::Reader : public ByteSource {
public:
    Reader(std::unique_ptr<ByteSource> inner, std::shared_ptr<Countdown> countdown)
        : inner_(std::move(inner)), countdown_(std::move(countdown)) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        return Countdown::count(countdown_, inner_->read_some(into));
    }
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override {
        return inner_->size_bytes();
    }

private:
    std::unique_ptr<ByteSource> inner_;
    std::shared_ptr<Countdown> countdown_;
};

FaultyBackend::FaultyBackend(store::Backend& inner, int n, FailureMoment moment)
    : inner_(inner), countdown_(std::make_shared<Countdown>(n, moment)) {}

bool FaultyBackend::has_failed() const {
    return countdown_->left < 0;
}

awaitable<Result<store::Placement>> FaultyBackend::place(
    const store::PlaceRequest& request, const Call& call
) {
    return Countdown::count(countdown_, inner_.place(request, call));
}

awaitable<Result<std::unique_ptr<store::ObjectWriter>>> FaultyBackend::open_writer(
    const Location& location, std::optional<std::uint64_t> stored_bytes, const Call& call
) {
    auto opened =
        co_await Countdown::count(countdown_, inner_.open_writer(location, stored_bytes, call));
    if (!opened) co_return std::move(opened).error();
    co_return std::unique_ptr<store::ObjectWriter>(
        std::make_unique<Writer>(std::move(opened).value(), countdown_)
    );
}

awaitable<Result<std::unique_ptr<ByteSource>>> FaultyBackend::open_reader(
    const Location& location, ByteRange range, const Call& call
) {
    auto opened = co_await Countdown::count(countdown_, inner_.open_reader(location, range, call));
    if (!opened) co_return std::move(opened).error();
    co_return std::unique_ptr<ByteSource>(
        std::make_unique<Reader>(std::move(opened).value(), countdown_)
    );
}

awaitable<Result<std::uint64_t>> FaultyBackend::stat(const Location& location, const Call& call) {
    return Countdown::count(countdown_, inner_.stat(location, call));
}

awaitable<Result<void>> FaultyBackend::remove(const Location& location, const Call& call) {
    return Countdown::count(countdown_, inner_.remove(location, call));
}

awaitable<Result<std::vector<store::Placement>>> FaultyBackend::list(const Call& call) {
    return Countdown::count(countdown_, inner_.list(call));
}

std::string FaultyBackend::location_url(const Location& location) const {
    return inner_.location_url(location);
}

awaitable<Result<void>> FaultyBackend::check_clone(
    const store::CloneRequest& request, const Call& call
) {
    return Countdown::count(countdown_, inner_.check_clone(request, call));
}

awaitable<Result<Account>> FaultyBackend::clone(
    const store::CloneRequest& request,
    const std::string& checkpoint,
    store::CloneProgress& progress,
    const Call& call
) {
    return Countdown::count(countdown_, inner_.clone(request, checkpoint, progress, call));
}

awaitable<Result<std::vector<DatastoreStatus>>> FaultyBackend::datastores(const Call& call) {
    return Countdown::count(countdown_, inner_.datastores(call));
}

awaitable<Result<std::vector<std::string>>> FaultyBackend::seed_datastores(
    const std::string& datacenter, const std::string& name_regex, const Call& call
) {
    return Countdown::count(countdown_, inner_.seed_datastores(datacenter, name_regex, call));
}

awaitable<Result<Account>> FaultyBackend::seed(
    const store::SeedRequest& request,
    const std::string& checkpoint,
    store::CloneProgress& progress,
    const Call& call
) {
    return Countdown::count(countdown_, inner_.seed(request, checkpoint, progress, call));
}

awaitable<Result<store::SeedState>> FaultyBackend::keep_seed(
    const store::SeedRequest& request, const Call& call
) {
    return Countdown::count(countdown_, inner_.keep_seed(request, call));
}

awaitable<Result<void>> FaultyBackend::remove_seed(
    const store::SeedRequest& request, const Call& call
) {
    return Countdown::count(countdown_, inner_.remove_seed(request, call));
}

awaitable<Result<bool>> FaultyBackend::keeps_disks_as_objects(
    const Location& location, const Call& call
) {
    return Countdown::count(countdown_, inner_.keeps_disks_as_objects(location, call));
}

awaitable<Result<Account>> FaultyBackend::import_disk(
    const Location& location,
    ByteSource& stream_optimized,
    std::uint64_t capacity_bytes,
    std::vector<store::SideFile> side_files,
    const Call& call
) {
    return Countdown::count(
        countdown_,
        inner_.import_disk(location, stream_optimized, capacity_bytes, std::move(side_files), call)
    );
}

}  // namespace slipway::test
