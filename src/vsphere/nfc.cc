#include "vsphere/nfc.h"

#include "base/log.h"
#include "vsphere/http_transport.h"
#include "vsphere/methods.h"
#include "vsphere/property_collector.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace slipway::vsphere {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kReadyLimit{300};
constexpr std::chrono::milliseconds kProgressEvery{20'000};
constexpr std::chrono::seconds kCleanupLimit{60};
constexpr net::RetryPolicy kCleanupPolicy{
    .attempts = 6,
    .base_delay = std::chrono::milliseconds(250),
    .max_delay = std::chrono::seconds(5),
};

struct Lease {
    ManagedObjectReference ref;
    std::uint64_t generation = 0;  // of the session that it lives in
    HttpNfcLeaseInfo info;
    // vCenter may have made a machine of which we know the name only.
    bool is_lost = false;
};

// Counts what has gone, for the progress.
class CountedBody final : public ByteSource {
public:
    CountedBody(ByteSource& inner, std::uint64_t expected) : inner_(inner), expected_(expected) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        SLIPWAY_CO_TRY(const auto count, co_await inner_.read_some(into));
        sent_ += count;
        ended_ = count == 0;
        co_return count;
    }
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override {
        return inner_.size_bytes();
    }
    [[nodiscard]] std::uint64_t sent() const { return sent_; }
    [[nodiscard]] bool is_whole() const { return ended_ || sent_ == size_bytes(); }
    [[nodiscard]] std::uint64_t percent() const {
        const auto all = std::max<std::uint64_t>(1, size_bytes().value_or(expected_));
        return std::min<std::uint64_t>(99, sent_ * 100 / all);
    }

private:
    ByteSource& inner_;
    std::uint64_t expected_;
    std::uint64_t sent_ = 0;
    bool ended_ = false;
};

SoapRequest import_request(const MachinePlace& place, const DiskImport& what) {
    const std::string root = "[" + what.datastore + "]";
    xml::Writer out;
    out.open_method("ImportVApp");
    write(out, "_this", place.resource_pool);
    out.open("spec", "VirtualMachineImportSpec").open("configSpec");
    out.text("name", what.machine).text("guestId", "otherGuest");
    out.open("files").text("vmPathName", root).close();
    out.number("numCPUs", 1).number("memoryMB", 128);
    out.open("deviceChange").text("operation", "add");
    out.open("device", "VirtualLsiLogicController")
        .text("key", "-100")
        .number("busNumber", 0)
        .text("sharedBus", "noSharing")
        .close()
        .close();
    out.open("deviceChange").text("operation", "add").text("fileOperation", "create");
    out.open("device", "VirtualDisk").text("key", "-101");
    out.open("backing", "VirtualDiskFlatVer2BackingInfo")
        .text("fileName", root)
        .text("diskMode", "persistent")
        .boolean("thinProvisioned", true)
        .close();
    out.text("controllerKey", "-100")
        .number("unitNumber", 0)
        .number("capacityInKB", (what.capacity_bytes + 1023) / 1024)
        .close()
        .close()
        .close()
        .close();
    write(out, "folder", place.folder);
    write(out, "host", place.host);
    auto request = methods::make("ImportVApp", out.finish());
    request.idempotent = false;
    return request;
}

SoapRequest lease_request(std::string_view method, const Lease& lease) {
    auto request = methods::bare(method, lease.ref);
    request.generation = lease.generation;
    return request;
}

SoapRequest progress_request(const Lease& lease, std::uint64_t percent) {
    xml::Writer out;
    out.open_method("HttpNfcLeaseProgress");
    write(out, "_this", lease.ref);
    out.number("percent", percent);
    auto request = methods::make("HttpNfcLeaseProgress", out.finish());
    request.generation = lease.generation;
    return request;
}

// Why a lease is in the state "error"; absent in any other.
std::optional<Error> failure_of(const ObjectContent& lease) {
    if (lease.text("state") != "error") return std::nullopt;
    if (const auto error = lease.find("error")) return to_error(read_localized_fault(*error));
    return Error(Errc::unavailable, "vSphere gave the import up; try again");
}

awaitable<Result<void>> wait_until_ready(VimClient& client, Lease& lease, const Call& call) {
    const Call limited = call.within(kReadyLimit);
    const std::vector<std::string> paths = {"state", "error", "info"};
    for (auto delay = 50ms;; delay = std::min<std::chrono::milliseconds>(delay * 2, 2s)) {
        SLIPWAY_CO_TRY(
            const auto content, co_await retrieve_one(client, lease.ref, paths, limited)
        );
        if (const auto failure = failure_of(content)) co_return *failure;
        const auto info = content.find("info");
        if (content.text("state") == "ready" && info) {
            SLIPWAY_CO_TRY(lease.info, read_lease_info(*info));
            co_return Result<void>();
        }
        if (std::chrono::steady_clock::now() + delay > limited.deadline)
            co_return Error(Errc::timeout, "vSphere did not make room for the import in time");
        co_await sleep_for(delay);
    }
}

net::TlsTrust trust_of(
    const HttpNfcLeaseDeviceUrl& device, const net::Url& url, const VimClientOptions& options
) {
    auto trust = options.trust;
    if (!device.sha256_thumbprints.empty() || !device.sha1_thumbprints.empty()) {
        trust.insecure = false;
        trust.sha256_thumbprints = device.sha256_thumbprints;
        trust.sha1_thumbprints = {};
        if (device.sha256_thumbprints.empty()) trust.sha1_thumbprints = device.sha1_thumbprints;
    } else if (url.host != options.server.host) {
        // Pins of vCenter's own certificate say nothing about a host's.
        trust.sha256_thumbprints.clear();
        trust.sha1_thumbprints.clear();
    }
    return trust;
}

awaitable<Result<void>> upload(
    VimClient& client, const Lease& lease, CountedBody& body, const Call& call
) {
    const auto& devices = lease.info.device_urls;
    const auto device = std::ranges::find_if(devices, &HttpNfcLeaseDeviceUrl::is_disk);
    if (device == devices.end())
        co_return Error(Errc::corrupt, "vSphere's lease has no place for the disk");
    net::HttpRequest http;
    http.method = "POST";
    SLIPWAY_CO_TRY(http.url, lease_target(device->url.reveal(), client.options().server));
    http.headers.emplace_back("Content-Type", "application/x-vnd.vmware-streamVmdk");
    http.body = &body;
    http.fresh_connection = true;
    const auto trust = trust_of(*device, http.url, client.options());
    SLIPWAY_CO_TRY(
        const auto response, co_await client.transport().send(std::move(http), trust, call)
    );
    const int status = response->status();
    const bool taken = status >= 200 && status < 300;
    if (taken && body.is_whole()) co_return Result<void>();
    if (taken)
        co_return Error(
            Errc::unavailable, "the host answered before all of the disk was sent; try again"
        );
    co_return Error(
        Errc::unavailable,
        "the host refused the disk with HTTP status " + std::to_string(status) +
            "; see the host's logs",
        std::string(kHttpStatus) + std::to_string(status)
    );
}

// Keeps the lease alive. Returns when it is lost.
awaitable<Error> renew(VimClient& client, const Lease& lease, CountedBody& body, const Call& call) {
    const auto quarter =
        std::chrono::duration_cast<std::chrono::milliseconds>(lease.info.timeout) / 4;
    const auto interval = std::clamp(quarter, std::chrono::milliseconds(100), kProgressEvery);
    for (;;) {
        const auto request = progress_request(lease, body.percent());
        const auto reply = co_await client.call(request, call);
        const bool lost = !reply && (reply.error().reason == kSessionReplaced ||
                                     retry_class(reply.error()) != RetryClass::retry ||
                                     reply.error().reason == "InvalidState");
        if (lost) co_return reply.error();
        co_await sleep_for(interval);
    }
}

// Uploads while the lease is kept alive; ends with the first of the two.
awaitable<Result<void>> upload_under_lease(
    VimClient& client, const Lease& lease, CountedBody& body, const Call& call
) {
    std::optional<Result<void>> uploaded;
    std::optional<Error> lost;
    auto send = [&]() -> awaitable<void> { uploaded = co_await upload(client, lease, body, call); };
    auto keep = [&]() -> awaitable<void> { lost = co_await renew(client, lease, body, call); };
    const auto executor = co_await asio::this_coro::executor;
    auto group = asio::experimental::make_parallel_group(
        asio::co_spawn(executor, send(), asio::deferred),
        asio::co_spawn(executor, keep(), asio::deferred)
    );
    const auto [order, sending, keeping] =
        co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    if (order[0] == 0 && sending) std::rethrow_exception(sending);
    if (order[0] == 1 && keeping) std::rethrow_exception(keeping);
    if (uploaded && *uploaded) co_return Result<void>();
    // The server knows better than the broken link why it gave up.
    const std::vector<std::string> paths = {"state", "error"};
    const auto content = co_await retrieve_one(client, lease.ref, paths, call);
    if (content)
        if (const auto failure = failure_of(*content)) co_return *failure;
    if (uploaded && order[0] == 0) co_return *uploaded;
    co_return lost.value_or(Error(Errc::cancelled, "the import was cancelled"));
}

awaitable<Result<void>> complete(VimClient& client, const Lease& lease, const Call& call) {
    const auto request = lease_request("HttpNfcLeaseComplete", lease);
    const auto reply = co_await client.call(request, call);
    // Completed by a first try whose answer was lost: the lease is gone then.
    if (!reply && reply.error().reason != "ManagedObjectNotFound") co_return reply.error();
    co_return Result<void>();
}

awaitable<Result<void>> begin(
    VimClient& client,
    const MachinePlace& place,
    const DiskImport& what,
    Lease& lease,
    const Call& call
) {
    const auto request = import_request(place, what);
    lease.is_lost = true;
    const auto reply = co_await client.call(request, call);
    lease.is_lost = !reply && reply.error().reason == kOutcomeUnknown;
    if (!reply) co_return reply.error();
    SLIPWAY_CO_TRY(const auto value, reply->required_returnval());
    SLIPWAY_CO_TRY(lease.ref, read_reference(value));
    lease.generation = reply->generation;
    co_return Result<void>();
}

awaitable<Result<ImportedDisk>> fill(
    VimClient& client,
    const MachinePlace& place,
    const DiskImport& what,
    Lease& lease,
    CountedBody& body,
    const Call& call
) {
    SLIPWAY_CO_CHECK(co_await begin(client, place, what, lease, call));
    SLIPWAY_CO_CHECK(co_await wait_until_ready(client, lease, call));
    SLIPWAY_CO_CHECK(co_await upload_under_lease(client, lease, body, call));
    SLIPWAY_CO_CHECK(co_await complete(client, lease, call));

    SLIPWAY_CO_TRY(auto disks, co_await attached_disks(client, lease.info.entity, call));
    const auto wanted_kib = (what.capacity_bytes + 1023) / 1024;
    // A half imported disk can look complete but for its capacity.
    if (disks.size() != 1 || (disks.front().capacity_bytes + 1023) / 1024 != wanted_kib)
        co_return Error(
            Errc::corrupt, "the disk that vSphere has imported is not as large as the image"
        );
    co_return ImportedDisk{
        .machine = lease.info.entity,
        .disk = std::move(disks.front()),
        .bytes_sent = body.sent(),
    };
}

// The machine of a lease that was not completed, which abort may or may not have removed; or that
// of a lost answer, which may appear a moment later.
awaitable<void> give_up(
    VimClient& client, const MachinePlace& place, const DiskImport& what, Lease& lease, Call call
) {
    call.deadline = after(kCleanupLimit);
    if (!lease.ref.empty()) {
        const auto abort = lease_request("HttpNfcLeaseAbort", lease);
        const auto aborted = co_await client.call(abort, call);
        static_cast<void>(aborted);  // a lease that is over is fine
    }
    auto remove = [&]() -> awaitable<Result<void>> {
        SLIPWAY_CO_TRY(
            const auto machine, co_await find_machine(client, place.folder, what.machine, call)
        );
        if (!machine && lease.is_lost) co_return to_error(Fault{.name = "TaskInProgress"});
        if (!machine) co_return Result<void>();
        co_return co_await destroy_machine(client, *machine, call);
    };
    const auto may_pass = [](const Error& error) {
        return error.reason == kOutcomeUnknown || retry_class(error) == RetryClass::retry;
    };
    const auto removed = co_await with_retries(kCleanupPolicy, call, remove, may_pass);
    if (!removed && !lease.is_lost)
        log::warning(
            call,
            "vsphere.import.remains",
            {{"machine", what.machine}, {"error", removed.error().message}}
        );
}

}  // namespace

Result<net::Url> lease_target(const std::string& url, const net::Url& server) {
    constexpr std::string_view kServer = "https://*";
    const auto after_star = url.substr(std::min(url.size(), kServer.size()));
    const bool names_a_port = after_star.starts_with(':');
    const bool is_server =
        url.starts_with(kServer) && (names_a_port || after_star.starts_with('/'));
    auto target = net::parse_url(is_server ? "https://server" + after_star : url);
    if (!target || target->scheme != "https" || target->host.find('*') != std::string::npos)
        return Error(Errc::corrupt, "vSphere's lease names no place to send the disk to");
    if (is_server) target->host = server.host;
    if (is_server && !names_a_port) target->port = server.port;
    return std::move(*target);
}

awaitable<Result<ImportedDisk>> import_disk(
    VimClient& client, MachinePlace place, DiskImport what, ByteSource& stream, const Call& call
) {
    SLIPWAY_CO_TRY(
        const auto taken, co_await find_machine(client, place.folder, what.machine, call)
    );
    if (taken) co_return to_error(Fault{.name = "DuplicateName"});
    Lease lease;
    CountedBody body(stream, what.capacity_bytes);
    std::exception_ptr thrown;
    Result<ImportedDisk> imported = Error(Errc::cancelled, "the import was cancelled");
    try {
        imported = co_await fill(client, place, what, lease, body, call);
    } catch (...) {
        thrown = std::current_exception();
    }
    if (imported) co_return imported;
    // Also for a caller that was cancelled: what follows must be done all the same.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    if (lease.is_lost || !lease.ref.empty()) co_await give_up(client, place, what, lease, call);
    if (thrown) std::rethrow_exception(thrown);
    co_return imported;
}

}  // namespace slipway::vsphere
