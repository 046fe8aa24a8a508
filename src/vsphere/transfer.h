#pragma once

#include "base/async.h"
#include "net/http_client.h"
#include "vsphere/datastore_files.h"

#include <map>
#include <mutex>

// The parts of a transfer; not for use outside this folder.
namespace slipway::vsphere {

// Passes a body on, and remembers whether anybody has asked for bytes of it: from then on it can
// not be sent again.
class WatchedBody final : public ByteSource {
public:
    explicit WatchedBody(ByteSource& inner) : inner_(inner) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        begun_ = true;
        auto got = co_await inner_.read_some(into);
        failed_ = failed_ || !got;
        co_return got;
    }
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override {
        return inner_.size_bytes();
    }
    [[nodiscard]] bool begun() const { return begun_; }
    // Whether the body itself broke off: no fault of the receiver.
    [[nodiscard]] bool failed() const { return failed_; }

private:
    ByteSource& inner_;
    bool begun_ = false;
    bool failed_ = false;
};

// An answer, and the turn at the server that it holds.
struct Transfer {
    std::unique_ptr<net::HttpResponse> response;
    TransferRoute route = TransferRoute::vcenter;
    Semaphore::Permit permit;
};

// The body of an answer as a source that gives exactly `size` bytes, where the size is known.
// Errors: corrupt when the server sends less or more.
std::unique_ptr<ByteSource> make_download(Transfer transfer, std::optional<std::uint64_t> size);

// Hosts that did not answer lately, and how many transfers each may have. Safe across strands.
class HostTable {
public:
    HostTable(std::size_t transfers_per_host, std::chrono::seconds unreachable_for)
        : transfers_per_host_(transfers_per_host), unreachable_for_(unreachable_for) {}

    Semaphore& turns(const std::string& address);
    void mark_unreachable(const std::string& address);
    [[nodiscard]] bool is_unreachable(const std::string& address) const;

private:
    std::size_t transfers_per_host_;
    std::chrono::seconds unreachable_for_;
    mutable std::mutex mutex_;
    std::map<std::string, std::unique_ptr<Semaphore>> turns_;  // never shrinks: one per host
    std::map<std::string, Deadline> unreachable_until_;
};

// "bytes 5-9/100" as its first byte, last byte and total; absent when it is something else.
struct ContentRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
};
std::optional<ContentRange> parse_content_range(std::string_view text);

// What a status of /folder means; 500 needs a diagnosis and is not among them.
Error status_error(int status);

}  // namespace slipway::vsphere
