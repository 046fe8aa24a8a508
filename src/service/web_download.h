#pragma once

#include "net/guarded_fetch.h"
#include "service/import_service.h"

namespace slipway::service {

// The import method web-download: from whatever URI a client names, as far as the site lets it.
class WebDownload final : public ImportFetcher {
public:
    // `fetch` must outlive it.
    explicit WebDownload(const net::GuardedFetch& fetch) : fetch_(fetch) {}

    awaitable<Result<void>> check(
        const Caller& caller, const ImportRequest& request, TaskRecord& task
    ) override;
    awaitable<Result<FetchedData>> fetch(
        const TaskRecord& task, const ImportRequest& request, const Call& call
    ) override;

private:
    const net::GuardedFetch& fetch_;
};

}  // namespace slipway::service
