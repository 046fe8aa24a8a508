#include "vsphere/datastore_browser.h"

#include "vsphere/file_requests.h"

namespace slipway::vsphere {
namespace {

// The task's result with its document, which the elements need.
awaitable<Result<TaskResult>> search(
    VimClient& client,
    std::string method,
    ManagedObjectReference browser,
    DatastorePath folder,
    std::vector<std::string> patterns,
    const Call& call
) {
    // Without a pattern servers differ: everything, nothing, or a crash.
    if (patterns.empty())
        co_return Error(Errc::invalid_argument, "a search needs at least one pattern");
    xml::Writer out;
    out.open_method(method);
    write(out, "_this", browser);
    out.text("datastorePath", folder.str())
        .open("searchSpec")
        .open("details")
        .boolean("fileType", true)
        .boolean("fileSize", true)
        .boolean("modification", true)
        .boolean("fileOwner", false)
        .close();
    for (const auto& pattern : patterns) out.text("matchPattern", pattern);
    SLIPWAY_CO_TRY(
        auto task, co_await start_harmless_task(client, std::move(method), out.finish(), call)
    );
    SLIPWAY_CO_TRY(auto done, co_await wait_for_task(client, std::move(task), call));
    if (!done.result) co_return Error(Errc::corrupt, "vSphere finished a search without a result");
    co_return done;
}

}  // namespace

awaitable<Result<DatastoreSearchResult>> search_folder(
    VimClient& client,
    ManagedObjectReference browser,
    DatastorePath folder,
    std::vector<std::string> patterns,
    const Call& call
) {
    SLIPWAY_CO_TRY(
        const auto done,
        co_await search(
            client,
            "SearchDatastore_Task",
            std::move(browser),
            std::move(folder),
            std::move(patterns),
            call
        )
    );
    co_return read_search_result(*done.result);
}

awaitable<Result<std::vector<DatastoreSearchResult>>> search_subfolders(
    VimClient& client,
    ManagedObjectReference browser,
    DatastorePath folder,
    std::vector<std::string> patterns,
    const Call& call
) {
    SLIPWAY_CO_TRY(
        const auto done,
        co_await search(
            client,
            "SearchDatastoreSubFolders_Task",
            std::move(browser),
            std::move(folder),
            std::move(patterns),
            call
        )
    );
    std::vector<DatastoreSearchResult> found;
    for (const auto& element : done.result->children("HostDatastoreBrowserSearchResults")) {
        SLIPWAY_CO_TRY(auto result, read_search_result(element));
        found.push_back(std::move(result));
    }
    co_return found;
}

}  // namespace slipway::vsphere
