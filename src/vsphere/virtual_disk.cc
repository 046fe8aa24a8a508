#include "vsphere/virtual_disk.h"

#include "vsphere/file_requests.h"
#include "vsphere/methods.h"

namespace slipway::vsphere {
namespace {

Result<void> check_descriptor(const FileRef& disk) {
    const auto name = disk.path.filename();
    if (name.size() > 5 && name.ends_with(".vmdk") && !name.ends_with("-flat.vmdk")) return {};
    return Error(
        Errc::invalid_argument,
        "a virtual disk is named by its descriptor, a file that ends in .vmdk"
    );
}

Result<void> check_descriptors(const FileRef& source, const FileRef& destination) {
    SLIPWAY_CHECK(check_descriptor(source));
    return check_descriptor(destination);
}

// The beginning that all methods on one disk share: _this, name, datacenter.
awaitable<Result<void>> open_on_disk(
    xml::Writer& out, VimClient& client, std::string method, const FileRef& disk, const Call& call
) {
    SLIPWAY_CO_CHECK(check_descriptor(disk));
    SLIPWAY_CO_TRY(const auto content, co_await client.service_content(call));
    out.open_method(method);
    write(out, "_this", content->virtual_disk_manager);
    out.text("name", disk.path.str());
    write(out, "datacenter", disk.datacenter);
    co_return Result<void>();
}

void write_ends(
    xml::Writer& out,
    const ManagedObjectReference& manager,
    const FileRef& source,
    const FileRef& destination
) {
    write(out, "_this", manager);
    out.text("sourceName", source.path.str());
    write(out, "sourceDatacenter", source.datacenter);
    out.text("destName", destination.path.str());
    write(out, "destDatacenter", destination.datacenter);
}

Result<std::string> copy_request(
    const ManagedObjectReference& manager,
    const FileRef& source,
    const FileRef& destination,
    const std::optional<VirtualDiskSpec>& spec
) {
    xml::Writer out;
    out.open_method("CopyVirtualDisk_Task");
    write_ends(out, manager, source, destination);
    if (spec) write(out, "destSpec", *spec);
    out.boolean("force", false);
    return out.finish();
}

}  // namespace

awaitable<Result<ManagedObjectReference>> start_create_disk(
    VimClient& client, FileRef disk, FileBackedVirtualDiskSpec spec, const Call& call
) {
    xml::Writer out;
    SLIPWAY_CO_CHECK(co_await open_on_disk(out, client, "CreateVirtualDisk_Task", disk, call));
    write(out, "spec", spec);
    co_return co_await start_task(client, "CreateVirtualDisk_Task", out.finish(), call);
}

awaitable<Result<void>> create_disk(
    VimClient& client, FileRef disk, FileBackedVirtualDiskSpec spec, const Call& call
) {
    auto started = co_await start_create_disk(client, std::move(disk), std::move(spec), call);
    co_return co_await finish_task(client, std::move(started), call, {});
}

awaitable<Result<ManagedObjectReference>> start_copy_disk(
    VimClient& client,
    FileRef source,
    FileRef destination,
    std::optional<VirtualDiskSpec> spec,
    const Call& call
) {
    SLIPWAY_CO_CHECK(check_descriptors(source, destination));
    SLIPWAY_CO_TRY(const auto content, co_await client.service_content(call));
    if (spec && content->about.is_virtual_center()) {
        co_return Error(
            Errc::unsupported, "vCenter copies a disk as it is; ask for no other disk type"
        );
    }
    const auto& manager = content->virtual_disk_manager;
    auto body = copy_request(manager, source, destination, spec);
    co_return co_await start_task(client, "CopyVirtualDisk_Task", std::move(body), call);
}

awaitable<Result<void>> copy_disk(
    VimClient& client,
    FileRef source,
    FileRef destination,
    std::optional<VirtualDiskSpec> spec,
    const Call& call,
    TaskCallbacks callbacks
) {
    auto started = co_await start_copy_disk(
        client, std::move(source), std::move(destination), std::move(spec), call
    );
    co_return co_await finish_task(client, std::move(started), call, std::move(callbacks));
}

awaitable<Result<ManagedObjectReference>> start_move_disk(
    VimClient& client, FileRef source, FileRef destination, const Call& call
) {
    SLIPWAY_CO_CHECK(check_descriptors(source, destination));
    SLIPWAY_CO_TRY(const auto content, co_await client.service_content(call));
    xml::Writer out;
    out.open_method("MoveVirtualDisk_Task");
    write_ends(out, content->virtual_disk_manager, source, destination);
    out.boolean("force", false);
    co_return co_await start_task(client, "MoveVirtualDisk_Task", out.finish(), call);
}

awaitable<Result<void>> move_disk(
    VimClient& client, FileRef source, FileRef destination, const Call& call
) {
    auto started =
        co_await start_move_disk(client, std::move(source), std::move(destination), call);
    co_return co_await finish_task(client, std::move(started), call, {});
}

awaitable<Result<ManagedObjectReference>> start_delete_disk(
    VimClient& client, FileRef disk, const Call& call
) {
    xml::Writer out;
    SLIPWAY_CO_CHECK(co_await open_on_disk(out, client, "DeleteVirtualDisk_Task", disk, call));
    co_return co_await start_task(client, "DeleteVirtualDisk_Task", out.finish(), call);
}

awaitable<Result<void>> delete_disk(VimClient& client, FileRef disk, const Call& call) {
    auto started = co_await start_delete_disk(client, std::move(disk), call);
    co_return co_await finish_task(client, std::move(started), call, {});
}

awaitable<Result<ManagedObjectReference>> start_extend_disk(
    VimClient& client, FileRef disk, std::uint64_t new_capacity_kib, const Call& call
) {
    xml::Writer out;
    SLIPWAY_CO_CHECK(co_await open_on_disk(out, client, "ExtendVirtualDisk_Task", disk, call));
    out.number("newCapacityKb", new_capacity_kib).boolean("eagerZero", false);
    co_return co_await start_task(client, "ExtendVirtualDisk_Task", out.finish(), call);
}

awaitable<Result<void>> extend_disk(
    VimClient& client, FileRef disk, std::uint64_t new_capacity_kib, const Call& call
) {
    auto started = co_await start_extend_disk(client, std::move(disk), new_capacity_kib, call);
    co_return co_await finish_task(client, std::move(started), call, {});
}

awaitable<Result<ManagedObjectReference>> start_inflate_disk(
    VimClient& client, FileRef disk, const Call& call
) {
    xml::Writer out;
    SLIPWAY_CO_CHECK(co_await open_on_disk(out, client, "InflateVirtualDisk_Task", disk, call));
    co_return co_await start_task(client, "InflateVirtualDisk_Task", out.finish(), call);
}

awaitable<Result<void>> inflate_disk(
    VimClient& client, FileRef disk, const Call& call, TaskCallbacks callbacks
) {
    auto started = co_await start_inflate_disk(client, std::move(disk), call);
    co_return co_await finish_task(client, std::move(started), call, std::move(callbacks));
}

awaitable<Result<std::string>> query_disk_uuid(VimClient& client, FileRef disk, const Call& call) {
    xml::Writer out;
    SLIPWAY_CO_CHECK(co_await open_on_disk(out, client, "QueryVirtualDiskUuid", disk, call));
    SLIPWAY_CO_TRY(auto body, out.finish());
    const auto request = methods::make("QueryVirtualDiskUuid", std::move(body));
    SLIPWAY_CO_TRY(const auto reply, co_await client.call(request, call));
    SLIPWAY_CO_TRY(const auto value, reply.required_returnval());
    co_return value.text();
}

awaitable<Result<void>> create_disk_with_fraction(
    VimClient& client, FileRef disk, FileBackedVirtualDiskSpec spec, const Call& call
) {
    xml::Writer out;
    SLIPWAY_CO_CHECK(co_await open_on_disk(out, client, "CreateVirtualDisk_Task", disk, call));
    out.open("spec", "FileBackedVirtualDiskSpec")
        .text("diskType", spec.disk_type)
        .text("adapterType", spec.adapter_type)
        .text("capacityKb", std::to_string(spec.capacity_kib) + ".0")
        .close();
    auto started = co_await start_task(client, "CreateVirtualDisk_Task", out.finish(), call);
    co_return co_await finish_task(client, std::move(started), call, {});
}

awaitable<Result<void>> copy_disk_with_spec(
    VimClient& client, FileRef source, FileRef destination, VirtualDiskSpec spec, const Call& call
) {
    SLIPWAY_CO_CHECK(check_descriptors(source, destination));
    SLIPWAY_CO_TRY(const auto content, co_await client.service_content(call));
    auto body = copy_request(content->virtual_disk_manager, source, destination, std::move(spec));
    auto started = co_await start_task(client, "CopyVirtualDisk_Task", std::move(body), call);
    co_return co_await finish_task(client, std::move(started), call, {});
}

}  // namespace slipway::vsphere
