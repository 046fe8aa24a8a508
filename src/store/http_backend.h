#pragma once

#include "net/guarded_fetch.h"
#include "store/backend.h"

#include <string>

namespace slipway::store {

struct HttpBackendOptions {
    BackendId id;
    std::string description;
    int weight = 0;
};

// Locations on other people's web servers: read, by whole files and by ranges, never written and
// never removed. Whatever would write says `gone`, as for a store that takes no images.
// Location::url is all that it looks at.
class HttpBackend final : public Backend {
public:
    // `fetch` must outlive it.
    HttpBackend(HttpBackendOptions options, const net::GuardedFetch& fetch);

    [[nodiscard]] const BackendInfo& info() const override { return info_; }
    awaitable<Result<Placement>> place(const PlaceRequest& request, const Call& call) override;
    awaitable<Result<std::unique_ptr<ObjectWriter>>> open_writer(
        const Location& location, std::optional<std::uint64_t> stored_bytes, const Call& call
    ) override;
    // Errors: not_found, unavailable, unsupported (a range of a server that serves none), corrupt
    // when the server has another size than was stored.
    awaitable<Result<std::unique_ptr<ByteSource>>> open_reader(
        const Location& location, ByteRange range, const Call& call
    ) override;
    // By HEAD. Errors: as GuardedFetch::size(); invalid_argument when the server does not say.
    awaitable<Result<std::uint64_t>> stat(const Location& location, const Call& call) override;
    // Fine, and does nothing.
    awaitable<Result<void>> remove(const Location& location, const Call& call) override;
    [[nodiscard]] Result<std::optional<Location>> foreign_location(const std::string& url
    ) const override;
    awaitable<Result<std::vector<Placement>>> list(const Call& call) override;
    [[nodiscard]] std::string location_url(const Location& location) const override;
    awaitable<Result<void>> check_clone(const CloneRequest& request, const Call& call) override;
    awaitable<Result<Account>> clone(
        const CloneRequest& request,
        const std::string& checkpoint,
        CloneProgress& progress,
        const Call& call
    ) override;
    awaitable<Result<std::vector<DatastoreStatus>>> datastores(const Call& call) override;

private:
    [[nodiscard]] Error read_only() const;

    BackendInfo info_;
    const net::GuardedFetch& fetch_;
};

}  // namespace slipway::store
