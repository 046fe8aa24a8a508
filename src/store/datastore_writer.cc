#include "store/datastore_writer.h"

#include "base/log.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace slipway::store {

// Where the writer, who pushes, meets the PUT, which pulls. One strand, so nothing changes between
// looking and waiting.
class DatastoreWriter::Handover final : public ByteSource {
public:
    Handover(asio::any_io_executor executor, std::optional<std::uint64_t> size)
        : more_(executor), taken_(executor), stop_(executor), size_(size) {}

    // The side of the writer.

    // Returns when all of `bytes` was taken.
    awaitable<Result<void>> give(std::span<const std::byte> bytes) {
        // Whatever ends this, cancellation too: the caller's bytes are not looked at any more.
        struct Guard {
            Handover& self;
            ~Guard() {
                if (!self.offered_.empty()) self.broken_ = true;
                self.offered_ = {};
            }
        } const guard{*this};
        offered_ = bytes;
        more_.cancel();
        while (!offered_.empty() && !outcome_) co_await wait_on(taken_);
        if (outcome_) co_return failure();
        co_return Result<void>();
    }

    // Says that no more bytes come, and waits for the end of the PUT: which way it went.
    awaitable<Result<vsphere::TransferRoute>> finish() {
        ended_ = true;
        more_.cancel();
        while (!outcome_) co_await wait_on(taken_);
        co_return *outcome_;
    }

    // Breaks the connection. From any thread.
    static void abandon(const std::shared_ptr<Handover>& self) {
        asio::post(self->stop_.get_executor(), [self] {
            self->broken_ = true;
            self->more_.cancel();
            self->stop_.cancel();
        });
    }

    // The side of the PUT.

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        while (offered_.empty() && !ended_ && !broken_) co_await wait_on(more_);
        if (broken_) co_return Error(Errc::cancelled, "the upload was given up");
        const std::size_t n = std::min(into.size(), offered_.size());
        std::ranges::copy(offered_.first(n), into.begin());
        offered_ = offered_.subspan(n);
        if (offered_.empty()) taken_.cancel();
        co_return n;
    }
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override { return size_; }

    // Runs `put` until it ends or is abandoned.
    awaitable<void> run(awaitable<Result<vsphere::TransferRoute>> put) {
        auto executor = co_await asio::this_coro::executor;
        auto group = asio::experimental::make_parallel_group(
            asio::co_spawn(executor, record(std::move(put)), asio::deferred),
            asio::co_spawn(executor, until_abandoned(), asio::deferred)
        );
        co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
        if (!outcome_) outcome_ = Error(Errc::cancelled, "the upload was given up");
        taken_.cancel();
    }

private:
    awaitable<void> record(awaitable<Result<vsphere::TransferRoute>> put) {
        outcome_ = co_await std::move(put);
    }

    awaitable<void> until_abandoned() {
        while (!broken_) co_await wait_on(stop_);
    }

    static awaitable<void> wait_on(asio::steady_timer& event) {
        event.expires_at(kNoDeadline);
        co_await event.async_wait(asio::as_tuple(asio::use_awaitable));
    }

    [[nodiscard]] Error failure() const {
        if (!*outcome_) return outcome_->error();
        return Error(
            Errc::unavailable, "the datastore ended the upload before all bytes were sent"
        );
    }

    asio::steady_timer more_;   // bytes are offered, or the end
    asio::steady_timer taken_;  // all that was offered is taken, or the PUT has ended
    asio::steady_timer stop_;   // the writer is gone
    std::optional<std::uint64_t> size_;
    std::span<const std::byte> offered_;
    bool ended_ = false;
    bool broken_ = false;
    std::optional<Result<vsphere::TransferRoute>> outcome_;
};

awaitable<std::unique_ptr<ObjectWriter>> DatastoreWriter::start(
    vsphere::DatastoreFiles& files,
    TaskGroup& transfers,
    vsphere::FileTarget file,
    std::optional<std::uint64_t> size,
    Call call
) {
    auto executor = co_await asio::this_coro::executor;
    auto handover = std::make_shared<Handover>(executor, size);
    transfers.spawn_on(executor, "upload", [&files, file, handover, call]() -> awaitable<void> {
        co_await handover->run(files.put(file, *handover, call));
    });
    co_return std::unique_ptr<ObjectWriter>(
        new DatastoreWriter(files, std::move(file), std::move(handover), std::move(call))
    );
}

DatastoreWriter::DatastoreWriter(
    vsphere::DatastoreFiles& files,
    vsphere::FileTarget file,
    std::shared_ptr<Handover> handover,
    Call call
)
    : files_(files),
      file_(std::move(file)),
      handover_(std::move(handover)),
      call_(std::move(call)) {}

DatastoreWriter::~DatastoreWriter() {
    Handover::abandon(handover_);
}

awaitable<Result<void>> DatastoreWriter::write(std::span<const std::byte> bytes) {
    if (bytes.empty()) co_return Result<void>();
    const auto announced = handover_->size_bytes();
    if (announced && bytes.size() > *announced - written_) {
        Handover::abandon(handover_);
        co_return Error(Errc::corrupt, "there are more bytes than were announced");
    }
    SLIPWAY_CO_CHECK(co_await handover_->give(bytes));
    written_ += bytes.size();
    co_return Result<void>();
}

awaitable<Result<void>> DatastoreWriter::commit(
    std::uint64_t stored_bytes, std::vector<SideFile> side_files
) {
    const auto announced = handover_->size_bytes();
    if (written_ != stored_bytes || (announced && *announced != stored_bytes)) {
        Handover::abandon(handover_);
        co_return Error(Errc::corrupt, "the object does not have the number of bytes it should");
    }
    SLIPWAY_CO_TRY(const auto route, co_await handover_->finish());
    route_ = route == vsphere::TransferRoute::host ? "host" : "vcenter";
    SLIPWAY_CO_TRY(const std::uint64_t arrived, co_await files_.size(file_, call_));
    if (arrived != stored_bytes)
        co_return Error(
            Errc::corrupt, "the datastore did not keep all bytes of the object; upload it again"
        );
    for (const auto& side_file : side_files) SLIPWAY_CO_CHECK(co_await write_side_file(side_file));
    log::info(
        call_,
        "datastore.upload.done",
        {{"datastore", file_.datastore.name}, {"bytes", stored_bytes}, {"route", route_}}
    );
    co_return Result<void>();
}

awaitable<Result<void>> DatastoreWriter::write_side_file(const SideFile& side_file) {
    SLIPWAY_CO_TRY(auto path, file_.path.parent().join(side_file.name));
    const vsphere::FileTarget target{file_.datacenter, file_.datastore, std::move(path)};
    SLIPWAY_CO_CHECK(co_await files_.put_text(target, side_file.text, call_));
    SLIPWAY_CO_TRY(const std::uint64_t arrived, co_await files_.size(target, call_));
    if (arrived != side_file.text.size())
        co_return Error(
            Errc::corrupt, "the datastore did not keep a file of the object; upload it again"
        );
    co_return Result<void>();
}

}  // namespace slipway::store
