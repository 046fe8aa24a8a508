#include "vsphere/datastore_files.h"

#include "base/log.h"
#include "net/url.h"
#include "vsphere/datastore_browser.h"
#include "vsphere/methods.h"
#include "vsphere/transfer.h"

#include <algorithm>
#include <random>

namespace slipway::vsphere {
namespace {

// Hosts tried for one transfer before vCenter is.
constexpr std::size_t kHostsTried = 3;
// On a host the datacenter has always this name.
constexpr std::string_view kHostDatacenter = "ha-datacenter";
// With less room than this left, a refused write is blamed on it.
constexpr std::uint64_t kHardlyAnyRoomBytes = 16U << 20U;

// What is asked of /folder, by whichever route. The body is made anew for every attempt where it
// can be.
struct Request {
    std::string method;
    const FileTarget& file;
    WatchedBody* body = nullptr;
    std::optional<std::string_view> text;  // instead of `body`
    net::Headers headers;

    // Asking for a length does not queue behind transfers.
    [[nodiscard]] bool takes_a_turn() const { return method != "HEAD"; }
    [[nodiscard]] bool can_be_sent() const { return !body || !body->begun(); }
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const {
        if (text) return text->size();
        return body ? body->size_bytes() : std::nullopt;
    }
};

std::string ticket_method(std::string_view http_method) {
    if (http_method == "PUT") return "httpPut";
    if (http_method == "HEAD") return "httpHead";
    return "httpGet";
}

SoapRequest acquire_ticket(
    const ManagedObjectReference& session_manager,
    std::string_view http_method,
    std::string_view url
) {
    xml::Writer out;
    out.open_method("AcquireGenericServiceTicket");
    write(out, "_this", session_manager);
    out.open("spec", "SessionManagerHttpServiceRequestSpec")
        .text("method", ticket_method(http_method))
        .text("url", url);
    return methods::make("AcquireGenericServiceTicket", out.finish());
}

// Where a request goes, and what opens the door there.
struct Door {
    net::Url url;
    std::string cookie;
    const net::TlsTrust& trust;
    bool fresh = true;  // on a connection of its own
};

bool is_success(int status) {
    return status >= 200 && status < 300;
}

template <class T>
void shuffle(std::vector<T>& items) {
    thread_local std::minstd_rand random{std::random_device{}()};
    std::ranges::shuffle(items, random);
}

}  // namespace

std::string folder_target(std::string_view dc_path, const DatastorePath& path) {
    std::string target = "/folder";
    for (std::string_view rest = path.path(); !rest.empty();) {
        const auto slash = std::min(rest.find('/'), rest.size());
        target += "/" + net::encode_segment(rest.substr(0, slash));
        rest.remove_prefix(std::min(slash + 1, rest.size()));
    }
    target += "?dcPath=" + net::encode_query_value(dc_path);
    target += "&dsName=" + net::encode_query_value(path.datastore());
    return target;
}

struct DatastoreFiles::Impl {
    Impl(VimClient& vim, DatastoreFilesOptions given)
        : client(vim),
          options(given),
          vcenter_turns(given.transfers_per_vcenter),
          hosts(given.transfers_per_host, given.unreachable_for) {}

    awaitable<Result<Transfer>> open(const Request& request, const Call& call);
    awaitable<Result<std::optional<Transfer>>> try_hosts(const Request& request, const Call& call);
    awaitable<Result<std::vector<HostInfo>>> candidates(const Request& request, const Call& call);
    awaitable<Result<Transfer>> by_host(
        const Request& request, const HostInfo& host, const Call& call
    );
    awaitable<Result<Transfer>> by_vcenter(const Request& request, const Call& call);
    awaitable<Result<std::unique_ptr<net::HttpResponse>>> send(
        const Request& request, Door door, const Call& call
    );
    net::TlsTrust trust_of(const GenericServiceTicket& ticket) const;

    awaitable<Error> explain(const Request& request, int status, const Call& call);
    awaitable<Error> diagnose(const Request& request, const Call& call);

    VimClient& client;
    DatastoreFilesOptions options;
    Semaphore vcenter_turns;
    HostTable hosts;
};

awaitable<Result<Transfer>> DatastoreFiles::Impl::open(const Request& request, const Call& call) {
    if (options.direct_to_host) {
        SLIPWAY_CO_TRY(auto transfer, co_await try_hosts(request, call));
        if (transfer) co_return std::move(*transfer);
    }
    co_return co_await by_vcenter(request, call);
}

// An answer from a host; none when no host can be used and vCenter may be asked instead.
// Errors: what ended an attempt that had begun to read the body.
awaitable<Result<std::optional<Transfer>>> DatastoreFiles::Impl::try_hosts(
    const Request& request, const Call& call
) {
    const auto found = co_await candidates(request, call);
    if (!found) {
        log::warning(call, "vsphere.hosts.unknown", {{"error", found.error().message}});
        co_return std::optional<Transfer>();
    }
    for (const auto& host : *found) {
        auto transfer = co_await by_host(request, host, call);
        if (transfer) co_return std::optional<Transfer>(std::move(*transfer));
        log::warning(
            call,
            "vsphere.host.unusable",
            {{"host", host.name},
             {"method", request.method},
             {"reason", transfer.error().reason},
             {"error", transfer.error().message}}
        );
        if (!request.can_be_sent()) co_return transfer.error();
    }
    co_return std::optional<Transfer>();
}

awaitable<Result<std::vector<HostInfo>>> DatastoreFiles::Impl::candidates(
    const Request& request, const Call& call
) {
    std::vector<HostInfo> usable;
    const auto& datastore = request.file.datastore;
    if (!datastore.accessible) co_return usable;
    std::vector<ManagedObjectReference> mounted;
    for (const auto& mount : datastore.hosts)
        if (mount.usable()) mounted.push_back(mount.host);
    if (mounted.empty()) co_return usable;
    SLIPWAY_CO_TRY(auto all, co_await read_hosts(client, std::move(mounted), call));
    for (auto& host : all) {
        if (host.usable() && !host.address.empty() && !hosts.is_unreachable(host.address))
            usable.push_back(std::move(host));
    }
    shuffle(usable);
    if (usable.size() > kHostsTried) usable.resize(kHostsTried);
    co_return usable;
}

awaitable<Result<Transfer>> DatastoreFiles::Impl::by_host(
    const Request& request, const HostInfo& host, const Call& call
) {
    Transfer transfer;
    transfer.route = TransferRoute::host;
    // First the turn, then the ticket, which does not live long.
    if (request.takes_a_turn()) {
        SLIPWAY_CO_TRY(transfer.permit, co_await hosts.turns(host.address).acquire(call.deadline));
    }
    net::Url url{
        .scheme = "https",
        .host = host.address,
        .port = options.esx_port,
        .target = folder_target(kHostDatacenter, request.file.path),
    };
    SLIPWAY_CO_TRY(const auto content, co_await client.service_content(call));
    const auto ask = acquire_ticket(content->session_manager, request.method, url.str());
    SLIPWAY_CO_TRY(const auto reply, co_await client.call(ask, call));
    SLIPWAY_CO_TRY(const auto value, reply.required_returnval());
    SLIPWAY_CO_TRY(const auto ticket, read_ticket(value));

    const auto trust = trust_of(ticket);
    Door door{std::move(url), "vmware_cgi_ticket=\"" + ticket.id.reveal() + "\"", trust};
    auto sent = co_await send(request, std::move(door), call);
    if (!sent) {
        // A body that breaks off says nothing about the host.
        if (!request.body || !request.body->failed()) hosts.mark_unreachable(host.address);
        co_return sent.error();
    }
    const int status = (*sent)->status();
    // The host does not know the ticket, or is too busy: vCenter or another host may do. It is
    // left alone for a while, since a body that it has begun to read is lost for them.
    if (status == 401 || status == 503) {
        hosts.mark_unreachable(host.address);
        co_return status_error(status);
    }
    transfer.response = std::move(*sent);
    co_return transfer;
}

net::TlsTrust DatastoreFiles::Impl::trust_of(const GenericServiceTicket& ticket) const {
    auto trust = client.options().trust;
    if (ticket.sha256_thumbprints.empty() && ticket.sha1_thumbprints.empty()) {
        // Pins of vCenter's own certificate say nothing about a host's.
        trust.sha256_thumbprints.clear();
        trust.sha1_thumbprints.clear();
        return trust;
    }
    trust.insecure = false;
    trust.sha256_thumbprints = ticket.sha256_thumbprints;
    trust.sha1_thumbprints = {};
    if (ticket.sha256_thumbprints.empty()) trust.sha1_thumbprints = ticket.sha1_thumbprints;
    return trust;
}

awaitable<Result<Transfer>> DatastoreFiles::Impl::by_vcenter(
    const Request& request, const Call& call
) {
    Transfer transfer;
    if (request.takes_a_turn()) {
        SLIPWAY_CO_TRY(transfer.permit, co_await vcenter_turns.acquire(call.deadline));
    }
    net::Url url = client.options().server;
    url.target = folder_target(request.file.datacenter.path, request.file.path);
    if (request.body) {
        // Makes sure of the session: a body that was begun can not be sent a second time.
        const auto probe = methods::current_time();
        SLIPWAY_CO_CHECK(co_await client.call(probe, call));
    }
    for (int attempt = 0;; ++attempt) {
        SLIPWAY_CO_TRY(const auto session, co_await client.session(call));
        Door door{
            url,
            "vmware_soap_session=" + session.cookie.reveal(),
            client.options().trust,
            request.method != "HEAD"};
        SLIPWAY_CO_TRY(transfer.response, co_await send(request, std::move(door), call));
        if (transfer.response->status() != 401) co_return transfer;
        client.session_expired(session.generation);
        if (attempt > 0 || !request.can_be_sent()) co_return transfer;
    }
}

awaitable<Result<std::unique_ptr<net::HttpResponse>>> DatastoreFiles::Impl::send(
    const Request& request, Door door, const Call& call
) {
    std::optional<TextSource> text;
    if (request.text) text.emplace(std::string(*request.text));
    net::HttpRequest http;
    http.method = request.method;
    http.url = std::move(door.url);
    http.headers = request.headers;
    http.headers.emplace_back("Cookie", std::move(door.cookie));
    if (request.method == "PUT")
        http.headers.emplace_back("Content-Type", "application/octet-stream");
    if (text) http.body = &*text;
    if (request.body) http.body = request.body;
    http.fresh_connection = door.fresh;
    co_return co_await client.transport().send(std::move(http), door.trust, call);
}

awaitable<Error> DatastoreFiles::Impl::explain(
    const Request& request, int status, const Call& call
) {
    if (status == 500) co_return co_await diagnose(request, call);
    co_return status_error(status);
}

// The reason of a 500 stands in the host's logs only: looks for the usual ones.
awaitable<Error> DatastoreFiles::Impl::diagnose(const Request& request, const Call& call) {
    const auto& file = request.file;
    const auto refreshed = co_await refresh_datastore(client, file.datastore.ref, call);
    static_cast<void>(refreshed);  // then what the server remembers has to do
    const auto datastore = co_await read_datastore(client, file.datastore.ref, call);
    if (datastore && !datastore->accessible)
        co_return to_error(Fault{.name = "InaccessibleDatastore"});
    if (datastore && request.method == "PUT") {
        const auto needed = request.size_bytes().value_or(0);
        if (datastore->free_bytes < std::max(needed, kHardlyAnyRoomBytes))
            co_return to_error(Fault{.name = "NoDiskSpace"});
    }
    if (!file.path.parent().path().empty()) {
        const std::vector<std::string> patterns = {std::string(file.path.filename())};
        const auto folder = co_await search_folder(
            client, file.datastore.browser, file.path.parent(), patterns, call
        );
        if (!folder && folder.error().reason == "FileNotFound") {
            co_return Error(
                Errc::not_found, "the file's folder is not on the datastore", "FileNotFound"
            );
        }
    }
    co_return Error(
        Errc::unavailable,
        "the datastore refused the file: it may be in use; try again, then see the host's logs",
        std::string(kHttpStatus) + "500"
    );
}

DatastoreFiles::DatastoreFiles(VimClient& client, DatastoreFilesOptions options)
    : impl_(std::make_unique<Impl>(client, options)) {}

DatastoreFiles::~DatastoreFiles() = default;

awaitable<Result<TransferRoute>> DatastoreFiles::put(
    const FileTarget& file, ByteSource& body, const Call& call
) {
    WatchedBody watched(body);
    const Request request{
        .method = "PUT", .file = file, .body = &watched, .text = {}, .headers = {}};
    SLIPWAY_CO_TRY(const auto transfer, co_await impl_->open(request, call));
    const int status = transfer.response->status();
    if (is_success(status)) co_return transfer.route;
    co_return co_await impl_->explain(request, status, call);
}

awaitable<Result<TransferRoute>> DatastoreFiles::put_text(
    const FileTarget& file, std::string_view text, const Call& call
) {
    const Request request{
        .method = "PUT", .file = file, .body = nullptr, .text = text, .headers = {}};
    SLIPWAY_CO_TRY(const auto transfer, co_await impl_->open(request, call));
    const int status = transfer.response->status();
    if (is_success(status)) co_return transfer.route;
    co_return co_await impl_->explain(request, status, call);
}

awaitable<Result<std::unique_ptr<ByteSource>>> DatastoreFiles::get(
    const FileTarget& file, std::optional<FileRange> range, const Call& call
) {
    if (range && range->length == 0)
        co_return Error(Errc::invalid_argument, "a range of no bytes was asked for");
    Request request{.method = "GET", .file = file, .body = nullptr, .text = {}, .headers = {}};
    if (range) {
        const auto last = range->first + range->length - 1;
        request.headers.emplace_back(
            "Range", "bytes=" + std::to_string(range->first) + "-" + std::to_string(last)
        );
    }
    SLIPWAY_CO_TRY(auto transfer, co_await impl_->open(request, call));
    const int status = transfer.response->status();
    if (!is_success(status)) co_return co_await impl_->explain(request, status, call);
    const auto length = transfer.response->content_length();
    if (!range) {
        if (status != 200) co_return status_error(status);
        co_return make_download(std::move(transfer), length);
    }
    const auto given = parse_content_range(transfer.response->header("Content-Range"));
    const bool as_asked = status == 206 && given && given->first == range->first &&
                          given->last == range->first + range->length - 1 &&
                          (!length || *length == range->length);
    if (!as_asked) {
        co_return Error(
            Errc::corrupt, "the datastore did not send the part of the file that was asked for"
        );
    }
    co_return make_download(std::move(transfer), range->length);
}

awaitable<Result<std::uint64_t>> DatastoreFiles::size(const FileTarget& file, const Call& call) {
    const Request request{
        .method = "HEAD", .file = file, .body = nullptr, .text = {}, .headers = {}};
    SLIPWAY_CO_TRY(auto transfer, co_await impl_->by_vcenter(request, call));
    int status = transfer.response->status();
    // vCenter also wants privileges on the datacenter, and says 404 for want of them; a host does
    // not.
    if ((status == 403 || status == 404) && impl_->options.direct_to_host) {
        SLIPWAY_CO_TRY(auto by_host, co_await impl_->try_hosts(request, call));
        if (by_host) {
            transfer = std::move(*by_host);
            status = transfer.response->status();
        }
    }
    if (!is_success(status)) co_return co_await impl_->explain(request, status, call);
    if (const auto length = transfer.response->content_length()) co_return *length;
    co_return Error(Errc::corrupt, "the datastore does not tell the length of the file");
}

}  // namespace slipway::vsphere
