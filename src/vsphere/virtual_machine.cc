#include "vsphere/virtual_machine.h"

#include "vsphere/methods.h"
#include "vsphere/property_collector.h"

namespace slipway::vsphere {
namespace {

ManagedObjectReference optional_reference(const xml::Element& parent, std::string_view name) {
    const auto element = parent.child(name);
    auto ref = element ? read_reference(*element) : Result<ManagedObjectReference>();
    return ref ? std::move(*ref) : ManagedObjectReference{};
}

// The file behind a device, and the parents of that file:
//   <backing><fileName>[ds] vm/vm.vmdk</fileName><datastore
//   …/>…<parent><fileName>…</parent></backing>
void append_chain(const xml::Element& device, std::vector<NeededFile>& files) {
    for (auto backing = device.child("backing"); backing; backing = backing->child("parent")) {
        auto name = backing->child_text("fileName");
        if (!name.empty())
            files.push_back({std::move(name), optional_reference(*backing, "datastore")});
    }
}

FileUser read_machine(const ObjectContent& content) {
    FileUser user;
    user.name = content.text("name");
    const auto devices = content.find("config.hardware.device");
    user.is_unknown = !devices;
    if (devices)
        for (const auto& device : devices->children("VirtualDevice"))
            append_chain(device, user.files);
    // Of snapshots, too, whose disks are no devices.
    if (const auto layout = content.find("layoutEx.file"))
        for (const auto& file : layout->children("VirtualMachineFileLayoutExFileInfo"))
            user.files.push_back({file.child_text("name"), {}});
    return user;
}

Result<AttachedDisk> read_disk(const xml::Element& device) {
    const auto backing = device.child("backing");
    SLIPWAY_TRY(
        auto file, DatastorePath::parse(backing ? backing->child_text("fileName") : std::string())
    );
    AttachedDisk disk{.file = std::move(file)};
    SLIPWAY_TRY(disk.key, device.child_unsigned("key"));
    SLIPWAY_TRY(disk.controller_key, device.child_unsigned("controllerKey"));
    SLIPWAY_TRY(disk.unit_number, device.child_unsigned("unitNumber"));
    if (const auto bytes = device.child_unsigned("capacityInBytes")) {
        disk.capacity_bytes = *bytes;
    } else {
        SLIPWAY_TRY(const auto kib, device.child_unsigned("capacityInKB"));
        disk.capacity_bytes = kib * 1024;
    }
    return disk;
}

// <id><id>…</id></id>
void write_id(xml::Writer& out, const std::string& id) {
    out.open("id").text("id", id).close();
}

awaitable<Result<FileUser>> read_registered(
    VimClient& client,
    const ManagedObjectReference& manager,
    const ManagedObjectReference& datastore,
    const std::string& id,
    const Call& call
) {
    xml::Writer out;
    out.open_method("RetrieveVStorageObject");
    write(out, "_this", manager);
    write_id(out, id);
    write(out, "datastore", datastore);
    const auto request = methods::make("RetrieveVStorageObject", out.finish());
    SLIPWAY_CO_TRY(const auto reply, co_await client.call(request, call));
    SLIPWAY_CO_TRY(const auto object, reply.required_returnval());
    const auto config = object.child("config");
    const auto backing = config ? config->child("backing") : std::nullopt;
    if (!backing) co_return Error(Errc::corrupt, "vSphere sent a registered disk without a file");
    FileUser user;
    user.name = config->child_text("name");
    user.files.push_back({backing->child_text("filePath"), datastore});
    co_return user;
}

}  // namespace

awaitable<Result<std::vector<FileUser>>> machine_files(VimClient& client, const Call& call) {
    SLIPWAY_CO_TRY(const auto content, co_await client.service_content(call));
    const std::vector<std::string> paths = {"name", "config.hardware.device", "layoutEx.file"};
    SLIPWAY_CO_TRY(
        const auto machines,
        co_await retrieve_below(client, content->root_folder, "VirtualMachine", paths, call)
    );
    std::vector<FileUser> users;
    for (const auto& machine : machines) users.push_back(read_machine(machine));
    co_return users;
}

awaitable<Result<std::vector<FileUser>>> registered_disks(
    VimClient& client, ManagedObjectReference datastore, const Call& call
) {
    std::vector<FileUser> users;
    SLIPWAY_CO_TRY(const auto content, co_await client.service_content(call));
    const auto& manager = content->v_storage_object_manager;
    // A host lists its disks by other methods; nothing is seeded there.
    if (manager.empty() || !content->about.is_virtual_center()) co_return users;
    xml::Writer out;
    out.open_method("ListVStorageObject");
    write(out, "_this", manager);
    write(out, "datastore", datastore);
    const auto list = methods::make("ListVStorageObject", out.finish());
    const auto reply = co_await client.call(list, call);
    if (!reply && reply.error().code == Errc::unsupported) co_return users;
    if (!reply) co_return reply.error();
    for (const auto& id : reply->response().children("returnval")) {
        auto user = co_await read_registered(client, manager, datastore, id.child_text("id"), call);
        // Its record may outlive the disk.
        if (!user && user.error().code == Errc::not_found) continue;
        if (!user) co_return user.error();
        users.push_back(std::move(*user));
    }
    co_return users;
}

awaitable<Result<std::optional<ManagedObjectReference>>> find_machine(
    VimClient& client, ManagedObjectReference folder, std::string name, const Call& call
) {
    SLIPWAY_CO_TRY(const auto content, co_await client.service_content(call));
    xml::Writer out;
    out.open_method("FindChild");
    write(out, "_this", content->search_index);
    write(out, "entity", folder);
    out.text("name", name);
    const auto request = methods::make("FindChild", out.finish());
    SLIPWAY_CO_TRY(const auto reply, co_await client.call(request, call));
    std::optional<ManagedObjectReference> machine;
    if (const auto value = reply.returnval()) {
        SLIPWAY_CO_TRY(machine, read_reference(*value));
        if (machine->type != "VirtualMachine") machine.reset();
    }
    co_return machine;
}

awaitable<Result<std::vector<AttachedDisk>>> attached_disks(
    VimClient& client, ManagedObjectReference machine, const Call& call
) {
    const std::vector<std::string> paths = {"config.hardware.device"};
    SLIPWAY_CO_TRY(
        const auto content, co_await retrieve_one(client, std::move(machine), paths, call)
    );
    std::vector<AttachedDisk> disks;
    const auto devices = content.find("config.hardware.device");
    if (!devices) co_return disks;
    for (const auto& device : devices->children("VirtualDevice")) {
        const auto type = device.type();
        if (!type || type->name != "VirtualDisk") continue;
        SLIPWAY_CO_TRY(auto disk, read_disk(device));
        disks.push_back(std::move(disk));
    }
    co_return disks;
}

awaitable<Result<void>> detach_disk(
    VimClient& client, ManagedObjectReference machine, AttachedDisk disk, const Call& call
) {
    xml::Writer out;
    out.open_method("ReconfigVM_Task");
    write(out, "_this", machine);
    // Without a fileOperation: "destroy" would delete the file.
    out.open("spec").open("deviceChange").text("operation", "remove");
    out.open("device", "VirtualDisk")
        .number("key", disk.key)
        .number("controllerKey", disk.controller_key)
        .number("unitNumber", disk.unit_number)
        .number("capacityInKB", disk.capacity_bytes / 1024);
    auto started = co_await start_task(client, "ReconfigVM_Task", out.finish(), call);
    co_return co_await finish_task(client, std::move(started), call, {});
}

awaitable<Result<void>> destroy_machine(
    VimClient& client, ManagedObjectReference machine, const Call& call
) {
    xml::Writer out;
    out.open_method("Destroy_Task");
    write(out, "_this", machine);
    auto started = co_await start_task(client, "Destroy_Task", out.finish(), call);
    auto done = co_await finish_task(client, std::move(started), call, {});
    if (!done && done.error().reason == "ManagedObjectNotFound") co_return Result<void>();
    co_return done;
}

}  // namespace slipway::vsphere
