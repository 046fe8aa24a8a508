#include "vsphere/namespace_manager.h"

#include "vsphere/methods.h"

namespace slipway::vsphere {
namespace {

awaitable<Result<ManagedObjectReference>> manager_of(VimClient& client, const Call& call) {
    SLIPWAY_CO_TRY(const auto content, co_await client.service_content(call));
    if (content->datastore_namespace_manager.empty())
        co_return Error(Errc::unsupported, "this server has no datastore namespaces");
    co_return content->datastore_namespace_manager;
}

awaitable<Result<SoapReply>> send(
    VimClient& client,
    std::string method,
    Result<std::string> body,
    bool idempotent,
    const Call& call
) {
    SLIPWAY_CO_CHECK(body);
    auto request = methods::make(method, std::move(body));
    request.idempotent = idempotent;
    co_return co_await client.call(request, call);
}

}  // namespace

awaitable<Result<std::string>> create_namespace_directory(
    VimClient& client,
    ManagedObjectReference datastore,
    std::string display_name,
    std::optional<std::uint64_t> size_mib,
    const Call& call
) {
    SLIPWAY_CO_TRY(const auto manager, co_await manager_of(client, call));
    xml::Writer out;
    out.open_method("CreateDirectory");
    write(out, "_this", manager);
    write(out, "datastore", datastore);
    out.text("displayName", display_name);
    if (size_mib) out.number("size", *size_mib);
    SLIPWAY_CO_TRY(
        const auto reply, co_await send(client, "CreateDirectory", out.finish(), false, call)
    );
    SLIPWAY_CO_TRY(const auto value, reply.required_returnval());
    co_return value.text();
}

awaitable<Result<void>> delete_namespace_directory(
    VimClient& client, ManagedObjectReference datacenter, std::string stable_path, const Call& call
) {
    SLIPWAY_CO_TRY(const auto manager, co_await manager_of(client, call));
    xml::Writer out;
    out.open_method("DeleteDirectory");
    write(out, "_this", manager);
    write(out, "datacenter", datacenter);
    out.text("datastorePath", stable_path);
    SLIPWAY_CO_CHECK(co_await send(client, "DeleteDirectory", out.finish(), false, call));
    co_return Result<void>();
}

awaitable<Result<std::string>> namespace_uuid_path(
    VimClient& client,
    ManagedObjectReference datacenter,
    std::string namespace_url,
    const Call& call
) {
    SLIPWAY_CO_TRY(const auto manager, co_await manager_of(client, call));
    xml::Writer out;
    out.open_method("ConvertNamespacePathToUuidPath");
    write(out, "_this", manager);
    write(out, "datacenter", datacenter);
    out.text("namespaceUrl", namespace_url);
    SLIPWAY_CO_TRY(
        const auto reply,
        co_await send(client, "ConvertNamespacePathToUuidPath", out.finish(), true, call)
    );
    SLIPWAY_CO_TRY(const auto value, reply.required_returnval());
    co_return value.text();
}

}  // namespace slipway::vsphere
