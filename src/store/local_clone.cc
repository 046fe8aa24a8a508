#include "store/local_clone.h"

#include "base/json.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace slipway::store {

namespace {

constexpr std::string_view kReflink = "reflink";
constexpr std::string_view kCopyRange = "copy_range";
constexpr std::string_view kStream = "stream";

// How much copy_file_range is asked for between two looks at cancellation.
constexpr std::size_t kRangeStepBytes = 64U << 20U;
// Longer than any descriptor of ours.
constexpr std::size_t kMaxDescriptorBytes = 16U << 10U;

// Bytes copied; absent when the file system can not do it.
Result<std::optional<std::size_t>> copy_range(
    const FileHandle& source, FileHandle& target, std::uint64_t offset, std::uint64_t left
) {
    loff_t from = static_cast<loff_t>(offset);
    loff_t to = from;
    const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(left, kRangeStepBytes));
    const ssize_t count = copy_file_range(source.fd(), &from, target.fd(), &to, step, 0);
    if (count > 0) return std::optional(static_cast<std::size_t>(count));
    // Some file systems say 0 where they can not; the stream then tells a short file from that.
    if (count == 0 || errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP ||
        errno == EPERM)
        return std::optional<std::size_t>();
    return error_from_errno(errno, "copying a file of the store");
}

Result<std::size_t> copy_chunk(
    const FileHandle& source,
    FileHandle& target,
    std::uint64_t offset,
    std::uint64_t left,
    std::vector<std::byte>& buffer
) {
    buffer.resize(kChunkBytes);
    const auto chunk =
        std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(left, kChunkBytes))
        );
    SLIPWAY_TRY(const std::size_t got, source.read_at(offset, chunk));
    if (got < chunk.size()) return Error(Errc::corrupt, "the stored file became shorter");
    SLIPWAY_CHECK(target.write_at(offset, chunk));
    return got;
}

// Why to copy no further, if so.
std::optional<Error> stopped(const CloneProgress& progress) {
    const bool cancelled = progress.cancelled();
    if (progress.is_lost())
        return Error(Errc::conflict, "another server has taken the clone over; it goes on there");
    if (cancelled) return Error(Errc::cancelled, "the clone was cancelled");
    return std::nullopt;
}

}  // namespace

awaitable<Result<Account>> LocalClone::run(
    BlockingPool& pool, std::string checkpoint, CloneProgress& progress
) {
    auto look = [&] { return find_earlier(checkpoint); };
    SLIPWAY_CO_TRY(Earlier earlier, co_await offload(pool, look));
    if (!earlier.written) {
        SLIPWAY_CO_TRY(earlier.written, co_await write(pool, progress));
        const auto saved = co_await progress.save(checkpoint_of(*earlier.written));
        if (!saved) {
            auto remove = [&] { return folder.remove_file(temporary_name()); };
            if (saved.error().code == Errc::cancelled)
                SLIPWAY_CO_CHECK(co_await offload(pool, remove));
            co_return saved.error();
        }
    }
    auto name_it = [&] { return publish(earlier.is_named); };
    SLIPWAY_CO_CHECK(co_await offload(pool, name_it));
    progress.report(100);
    co_return earlier.written->account;
}

Result<void> LocalClone::publish(bool is_named) {
    if (!is_named) {
        auto named = folder.rename_to_new(temporary_name(), name);
        if (!named && named.error().code == Errc::conflict)
            SLIPWAY_CHECK(folder.remove_file(temporary_name()));
        SLIPWAY_CHECK(named);
    }
    if (descriptor_name.empty()) return {};
    SLIPWAY_TRY(const bool described, is_described());
    if (is_named && described) return {};
    SLIPWAY_CHECK(folder.put_file(temporary_descriptor(), descriptor_text));
    auto named = folder.rename_to_new(temporary_descriptor(), descriptor_name);
    if (named || named.error().code != Errc::conflict) return named;
    SLIPWAY_CHECK(folder.remove_file(temporary_descriptor()));
    SLIPWAY_CHECK(folder.remove_file(name));
    return named;
}

// Whether the descriptor that is there, if one is, names our extent.
Result<bool> LocalClone::is_described() const {
    SLIPWAY_TRY(const bool present, folder.has(descriptor_name));
    if (!present) return false;
    auto file = folder.open_file(descriptor_name);
    if (!file) return false;
    std::string text(kMaxDescriptorBytes, '\0');
    SLIPWAY_TRY(const std::size_t got, file->read_at(0, std::as_writable_bytes(std::span(text))));
    return text.substr(0, got).find('"' + name + '"') != std::string::npos;
}

Result<LocalClone::Earlier> LocalClone::find_earlier(const std::string& checkpoint) {
    Earlier earlier;
    if (!checkpoint.empty()) {
        SLIPWAY_TRY(Written saved, parse_checkpoint(checkpoint));
        SLIPWAY_TRY(earlier.is_named, is_there(name, saved.identity));
        SLIPWAY_TRY(const bool is_waiting, is_there(temporary_name(), saved.identity));
        if (earlier.is_named && is_waiting) SLIPWAY_CHECK(folder.remove_file(temporary_name()));
        if (earlier.is_named || is_waiting) {
            earlier.written = std::move(saved);
            return earlier;
        }
    }
    SLIPWAY_TRY(bool taken, folder.has(name));
    if (!taken && !descriptor_name.empty()) {
        SLIPWAY_TRY(taken, folder.has(descriptor_name));
    }
    if (taken) return Error(Errc::conflict, "there is a file at the target already");
    SLIPWAY_CHECK(folder.remove_file(temporary_name()));
    return earlier;
}

awaitable<Result<LocalClone::Written>> LocalClone::write(
    BlockingPool& pool, CloneProgress& progress
) {
    const auto started = std::chrono::steady_clock::now();
    auto create = [&] { return folder.create_file(temporary_name()); };
    SLIPWAY_CO_TRY(FileHandle target, co_await offload(pool, create));
    Written written;
    const auto copied = co_await copy(pool, target, written.account, progress);
    auto settle = [&]() -> Result<void> {
        if (copied) return target.sync();
        // By now the name may be that of the other server's copy.
        if (!progress.is_lost()) SLIPWAY_CHECK(folder.remove_file(temporary_name()));
        return copied.error();
    };
    SLIPWAY_CO_CHECK(co_await offload(pool, settle));
    SLIPWAY_CO_TRY(written.identity, target.identity());
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
    written.account.seconds = taken.count();
    co_return written;
}

awaitable<Result<void>> LocalClone::copy(
    BlockingPool& pool, FileHandle& target, Account& account, CloneProgress& progress
) {
    progress.report(0);
    if (auto stop = stopped(progress)) co_return std::move(*stop);
    account.path = kReflink;
    auto reflink = [&] { return ioctl(target.fd(), FICLONE, source.fd()) == 0; };
    if (co_await offload(pool, reflink)) co_return Result<void>();

    bool ranges_work = true;
    std::vector<std::byte> buffer;
    for (std::uint64_t done = 0; done < size_bytes;) {
        if (auto stop = stopped(progress)) co_return std::move(*stop);
        auto step = [&]() -> Result<std::size_t> {
            if (ranges_work) {
                SLIPWAY_TRY(const auto copied, copy_range(source, target, done, size_bytes - done));
                if (copied) {
                    account.bytes_copied += *copied;
                    return *copied;
                }
                ranges_work = false;
            }
            SLIPWAY_TRY(
                const std::size_t copied,
                copy_chunk(source, target, done, size_bytes - done, buffer)
            );
            account.bytes_through += copied;
            return copied;
        };
        SLIPWAY_CO_TRY(const std::size_t copied, co_await offload(pool, step));
        done += copied;
        progress.report(static_cast<int>(done * 99 / size_bytes));
    }
    account.path = account.bytes_through > 0 ? kStream : kCopyRange;
    co_return Result<void>();
}

// {"device": 65024, "inode": 131, "path": "reflink", "bytes_copied": 0, "bytes_through": 0}
std::string LocalClone::checkpoint_of(const Written& written) {
    const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
    json::Writer writer;
    writer.begin_object()
        .member("device", number(written.identity.device))
        .member("inode", number(written.identity.inode))
        .member("path", std::string_view(written.account.path))
        .member("bytes_copied", number(written.account.bytes_copied))
        .member("bytes_through", number(written.account.bytes_through))
        .key("seconds")
        .number(written.account.seconds)
        .end_object();
    return writer.text();
}

Result<LocalClone::Written> LocalClone::parse_checkpoint(const std::string& text) {
    SLIPWAY_TRY(const json::Document document, json::Document::parse(text));
    const json::Value root = document.root();
    const auto number = [&](std::string_view key) -> Result<std::uint64_t> {
        const auto value = root.is_object() ? root.find(key) : std::nullopt;
        if (!value || !value->is_integer())
            return Error(Errc::corrupt, "the clone's checkpoint is damaged");
        return static_cast<std::uint64_t>(value->integer());
    };
    Written written;
    SLIPWAY_TRY(written.identity.device, number("device"));
    SLIPWAY_TRY(written.identity.inode, number("inode"));
    SLIPWAY_TRY(written.account.bytes_copied, number("bytes_copied"));
    SLIPWAY_TRY(written.account.bytes_through, number("bytes_through"));
    SLIPWAY_TRY(written.account.path, root.required_string("path"));
    return written;
}

Result<bool> LocalClone::is_there(const std::string& file, const FileHandle::Identity& identity)
    const {
    SLIPWAY_TRY(const bool present, folder.has(file));
    if (!present) return false;
    auto opened = folder.open_file(file);
    if (!opened) return false;
    SLIPWAY_TRY(const auto found, opened.value().identity());
    return found == identity;
}

}  // namespace slipway::store
