#pragma once

#include "base/secret.h"
#include "net/fetch_filter.h"
#include "net/guarded_fetch.h"
#include "net/http_client.h"
#include "service/import_service.h"

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace slipway::service {

// The import method glance-download: an image of another region's image service, read with the
// token of the caller, who has to be allowed to see it there. The token stays in this process: a
// task whose process has died is over.
class GlanceDownload final : public ImportFetcher {
public:
    // The URL of the image service of a region, by Keystone's catalogue.
    using FindEndpoint = std::function<awaitable<Result<std::string>>(
        std::string region, std::string interface, const Call& call
    )>;
    struct Dependencies {
        net::HttpClient& client;
        net::FetchFilter filter;
        net::TlsTrust trust;
        FindEndpoint find_endpoint;
        // What is taken over: properties whose names begin so.
        std::vector<std::string> extra_properties;
        std::string server;  // this process, for the task
    };

    explicit GlanceDownload(Dependencies dependencies) : with_(std::move(dependencies)) {}

    awaitable<Result<void>> check(
        const Caller& caller, const ImportRequest& request, TaskRecord& task
    ) override;
    void forget(const TaskId& task) override;
    awaitable<Result<FetchedData>> fetch(
        const TaskRecord& task, const ImportRequest& request, const Call& call
    ) override;

private:
    awaitable<Result<std::unique_ptr<net::HttpResponse>>> get(
        const std::string& url, const Secret& token, const Call& call
    ) const;

    Dependencies with_;
    std::mutex mutex_;
    std::map<TaskId, Secret> tokens_;  // guarded by mutex_; of tasks that have not begun
};

}  // namespace slipway::service
