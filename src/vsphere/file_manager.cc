#include "vsphere/file_manager.h"

#include "vsphere/file_requests.h"
#include "vsphere/methods.h"

namespace slipway::vsphere {
namespace {

// Copy and Move: the same arguments.
awaitable<Result<ManagedObjectReference>> start_transfer(
    VimClient& client,
    std::string method,
    FileRef source,
    FileRef destination,
    bool force,
    const Call& call
) {
    SLIPWAY_CO_TRY(const auto content, co_await client.service_content(call));
    xml::Writer out;
    out.open_method(method);
    write(out, "_this", content->file_manager);
    out.text("sourceName", source.path.str());
    write(out, "sourceDatacenter", source.datacenter);
    out.text("destinationName", destination.path.str());
    // A default is promised, but not by every server.
    write(out, "destinationDatacenter", destination.datacenter);
    out.boolean("force", force);
    co_return co_await start_task(client, method, out.finish(), call);
}

awaitable<Result<ManagedObjectReference>> send_start(
    VimClient& client, SoapRequest request, const Call& call
) {
    SLIPWAY_CO_TRY(const auto reply, co_await client.call(request, call));
    SLIPWAY_CO_TRY(const auto value, reply.required_returnval());
    co_return read_reference(value);
}

}  // namespace

awaitable<Result<ManagedObjectReference>> start_task(
    VimClient& client, std::string method, Result<std::string> body, const Call& call
) {
    SLIPWAY_CO_CHECK(body);
    auto request = methods::make(method, std::move(body));
    request.idempotent = false;
    co_return co_await send_start(client, std::move(request), call);
}

awaitable<Result<ManagedObjectReference>> start_harmless_task(
    VimClient& client, std::string method, Result<std::string> body, const Call& call
) {
    SLIPWAY_CO_CHECK(body);
    auto request = methods::make(method, std::move(body));
    co_return co_await send_start(client, std::move(request), call);
}

awaitable<Result<void>> finish_task(
    VimClient& client,
    Result<ManagedObjectReference> started,
    const Call& call,
    TaskCallbacks callbacks
) {
    SLIPWAY_CO_CHECK(started);
    SLIPWAY_CO_CHECK(co_await wait_for_task(client, *started, call, std::move(callbacks)));
    co_return Result<void>();
}

awaitable<Result<void>> make_directory(
    VimClient& client, FileRef directory, MakeDirectoryOptions options, const Call& call
) {
    SLIPWAY_CO_TRY(const auto content, co_await client.service_content(call));
    xml::Writer out;
    out.open_method("MakeDirectory");
    write(out, "_this", content->file_manager);
    out.text("name", directory.path.str());
    write(out, "datacenter", directory.datacenter);
    out.boolean("createParentDirectories", options.create_parents);
    SLIPWAY_CO_TRY(auto body, out.finish());
    auto request = methods::make("MakeDirectory", std::move(body));
    // Sent twice, the second finds the first one's directory.
    request.idempotent = options.exists_ok;
    const auto reply = co_await client.call(request, call);
    if (!reply && !(options.exists_ok && reply.error().reason == "FileAlreadyExists"))
        co_return reply.error();
    co_return Result<void>();
}

awaitable<Result<ManagedObjectReference>> start_copy_file(
    VimClient& client, FileRef source, FileRef destination, bool force, const Call& call
) {
    return start_transfer(
        client, "CopyDatastoreFile_Task", std::move(source), std::move(destination), force, call
    );
}

awaitable<Result<void>> copy_file(
    VimClient& client,
    FileRef source,
    FileRef destination,
    bool force,
    const Call& call,
    TaskCallbacks callbacks
) {
    auto started =
        co_await start_copy_file(client, std::move(source), std::move(destination), force, call);
    co_return co_await finish_task(client, std::move(started), call, std::move(callbacks));
}

awaitable<Result<ManagedObjectReference>> start_move_file(
    VimClient& client, FileRef source, FileRef destination, bool force, const Call& call
) {
    return start_transfer(
        client, "MoveDatastoreFile_Task", std::move(source), std::move(destination), force, call
    );
}

awaitable<Result<void>> move_file(
    VimClient& client, FileRef source, FileRef destination, bool force, const Call& call
) {
    auto started =
        co_await start_move_file(client, std::move(source), std::move(destination), force, call);
    co_return co_await finish_task(client, std::move(started), call, {});
}

awaitable<Result<ManagedObjectReference>> start_delete_file(
    VimClient& client, FileRef file, const Call& call
) {
    // A folder goes with all that is in it, and nobody is asked.
    if (file.path.path().empty())
        co_return Error(Errc::invalid_argument, "a whole datastore is never deleted");
    SLIPWAY_CO_TRY(const auto content, co_await client.service_content(call));
    xml::Writer out;
    out.open_method("DeleteDatastoreFile_Task");
    write(out, "_this", content->file_manager);
    out.text("name", file.path.str());
    write(out, "datacenter", file.datacenter);
    co_return co_await start_task(client, "DeleteDatastoreFile_Task", out.finish(), call);
}

awaitable<Result<void>> delete_file(VimClient& client, FileRef file, const Call& call) {
    auto started = co_await start_delete_file(client, std::move(file), call);
    co_return co_await finish_task(client, std::move(started), call, {});
}

}  // namespace slipway::vsphere
