#include "store/speed_meter.h"

#include <chrono>
#include <cmath>
#include <utility>

namespace slipway::store {

namespace {

constexpr double kFading = 0.8;

class Stopwatch {
public:
    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Noted when it goes.
class MeasuredSource final : public ByteSource {
public:
    MeasuredSource(
        std::shared_ptr<SpeedMeter> meter, std::string datastore, std::unique_ptr<ByteSource> inner
    )
        : meter_(std::move(meter)), datastore_(std::move(datastore)), inner_(std::move(inner)) {}
    ~MeasuredSource() override {
        meter_->note(datastore_, Movement::read, bytes_, watch_.seconds());
    }
    MeasuredSource(const MeasuredSource&) = delete;
    MeasuredSource& operator=(const MeasuredSource&) = delete;

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        SLIPWAY_CO_TRY(const std::size_t got, co_await inner_->read_some(into));
        bytes_ += got;
        co_return got;
    }
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override {
        return inner_->size_bytes();
    }

private:
    std::shared_ptr<SpeedMeter> meter_;
    std::string datastore_;
    std::unique_ptr<ByteSource> inner_;
    Stopwatch watch_;
    std::uint64_t bytes_ = 0;
};

// Noted when it is committed.
class MeasuredWriter final : public ObjectWriter {
public:
    MeasuredWriter(
        std::shared_ptr<SpeedMeter> meter,
        std::string datastore,
        std::unique_ptr<ObjectWriter> inner
    )
        : meter_(std::move(meter)), datastore_(std::move(datastore)), inner_(std::move(inner)) {}

    awaitable<Result<void>> write(std::span<const std::byte> bytes) override {
        return inner_->write(bytes);
    }
    awaitable<Result<void>> commit(std::uint64_t stored_bytes, std::vector<SideFile> side_files)
        override {
        SLIPWAY_CO_CHECK(co_await inner_->commit(stored_bytes, std::move(side_files)));
        meter_->note(datastore_, Movement::write, stored_bytes, watch_.seconds());
        co_return Result<void>();
    }
    [[nodiscard]] std::string_view route() const override { return inner_->route(); }

private:
    std::shared_ptr<SpeedMeter> meter_;
    std::string datastore_;
    std::unique_ptr<ObjectWriter> inner_;
    Stopwatch watch_;
};

}  // namespace

void SpeedMeter::note(
    const std::string& datastore, Movement movement, std::uint64_t bytes, double seconds
) {
    if (bytes < kLeastBytes || seconds <= 0) return;
    const std::lock_guard lock(mutex_);
    Sum& sum = sums_[datastore][movement];
    sum.bytes = sum.bytes * kFading + static_cast<double>(bytes);
    sum.seconds = sum.seconds * kFading + seconds;
}

void SpeedMeter::note_copy(const std::string& datastore, const Result<Account>& copy) {
    if (copy) note(datastore, Movement::copy, copy->bytes_copied, copy->seconds);
}

DatastoreSpeeds SpeedMeter::of(const std::string& datastore) const {
    const std::lock_guard lock(mutex_);
    DatastoreSpeeds speeds;
    const auto found = sums_.find(datastore);
    if (found == sums_.end()) return speeds;
    for (const auto& [movement, sum] : found->second) {
        const auto rate = static_cast<std::uint64_t>(std::llround(sum.bytes / sum.seconds));
        if (movement == Movement::write) speeds.write = rate;
        if (movement == Movement::read) speeds.read = rate;
        if (movement == Movement::copy) speeds.copy = rate;
    }
    return speeds;
}

std::unique_ptr<ByteSource> measured(
    std::shared_ptr<SpeedMeter> meter, std::string datastore, std::unique_ptr<ByteSource> inner
) {
    return std::make_unique<MeasuredSource>(
        std::move(meter), std::move(datastore), std::move(inner)
    );
}

std::unique_ptr<ObjectWriter> measured(
    std::shared_ptr<SpeedMeter> meter, std::string datastore, std::unique_ptr<ObjectWriter> inner
) {
    return std::make_unique<MeasuredWriter>(
        std::move(meter), std::move(datastore), std::move(inner)
    );
}

}  // namespace slipway::store
