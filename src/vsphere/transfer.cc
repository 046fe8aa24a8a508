#include "vsphere/transfer.h"

#include "vsphere/xml.h"

#include <algorithm>

namespace slipway::vsphere {
namespace {

class Download final : public ByteSource {
public:
    Download(Transfer transfer, std::optional<std::uint64_t> size)
        : transfer_(std::move(transfer)), size_(size) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        if (size_ && given_ == *size_) co_return co_await expect_end();
        if (size_) into = into.first(std::min<std::uint64_t>(into.size(), *size_ - given_));
        SLIPWAY_CO_TRY(const auto count, co_await transfer_.response->body().read_some(into));
        if (count == 0 && size_) {
            co_return Error(Errc::corrupt, "the datastore sent less of the file than it announced");
        }
        given_ += count;
        co_return count;
    }

    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override { return size_; }

private:
    awaitable<Result<std::size_t>> expect_end() {
        std::byte surplus{};
        SLIPWAY_CO_TRY(
            const auto count,
            co_await transfer_.response->body().read_some(std::span<std::byte>(&surplus, 1))
        );
        if (count > 0)
            co_return Error(
                Errc::corrupt, "the datastore sent more of the file than was asked for"
            );
        co_return 0U;
    }

    Transfer transfer_;
    std::optional<std::uint64_t> size_;
    std::uint64_t given_ = 0;
};

}  // namespace

std::unique_ptr<ByteSource> make_download(Transfer transfer, std::optional<std::uint64_t> size) {
    return std::make_unique<Download>(std::move(transfer), size);
}

Semaphore& HostTable::turns(const std::string& address) {
    const std::lock_guard lock(mutex_);
    auto& turns = turns_[address];
    if (!turns) turns = std::make_unique<Semaphore>(transfers_per_host_);
    return *turns;
}

void HostTable::mark_unreachable(const std::string& address) {
    const std::lock_guard lock(mutex_);
    unreachable_until_[address] = after(unreachable_for_);
}

bool HostTable::is_unreachable(const std::string& address) const {
    const std::lock_guard lock(mutex_);
    const auto at = unreachable_until_.find(address);
    return at != unreachable_until_.end() && std::chrono::steady_clock::now() < at->second;
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
    constexpr std::string_view kUnit = "bytes ";
    if (!text.starts_with(kUnit)) return std::nullopt;
    text.remove_prefix(kUnit.size());
    const auto dash = text.find('-');
    const auto slash = text.find('/');
    if (dash == text.npos || slash == text.npos || slash < dash) return std::nullopt;
    const auto first = xml::parse_unsigned(text.substr(0, dash));
    const auto last = xml::parse_unsigned(text.substr(dash + 1, slash - dash - 1));
    if (!first || !last || *last < *first) return std::nullopt;
    return ContentRange{.first = *first, .last = *last};
}

Error status_error(int status) {
    const auto code = std::to_string(status);
    switch (status) {
        case 401:
            return Error(
                Errc::unavailable,
                "the session at vSphere ended before the transfer; start it again",
                "NotAuthenticated"
            );
        case 403:
            return Error(
                Errc::forbidden,
                "the vSphere account may not use the file; grant it Datastore.Browse and "
                "Datastore.FileManagement on the datastore and its datacenter",
                "NoPermission"
            );
        case 404:
            return Error(
                Errc::not_found,
                "the datastore has no such file, or the account may not see it",
                "FileNotFound"
            );
        case 409:
            return Error(
                Errc::conflict, "the file exists already; use another name", "FileAlreadyExists"
            );
        case 416:
            return Error(Errc::invalid_argument, "the range lies beyond the end of the file");
        default:
            return Error(
                Errc::unavailable,
                "the datastore's server answered with HTTP status " + code + "; try again later",
                std::string(kHttpStatus) + code
            );
    }
}

}  // namespace slipway::vsphere
