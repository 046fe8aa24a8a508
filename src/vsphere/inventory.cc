#include "vsphere/inventory.h"

#include "vsphere/methods.h"
#include "vsphere/property_collector.h"

#include <algorithm>
#include <random>

namespace slipway::vsphere {
namespace {

// Folders in folders; a loop of parents ends here.
constexpr int kDeepest = 64;

const std::vector<std::string>& datastore_paths() {
    static const std::vector<std::string> paths = {
        "name", "summary", "host", "browser", "capability", "info"};
    return paths;
}

Result<std::vector<HostMount>> read_mounts(const ObjectContent& content) {
    std::vector<HostMount> mounts;
    const auto hosts = content.find("host");
    if (!hosts) return mounts;
    for (const auto& element : hosts->children("DatastoreHostMount")) {
        const auto key = element.child("key");
        const auto info = element.child("mountInfo");
        if (!key || !info) continue;
        HostMount mount;
        SLIPWAY_TRY(mount.host, read_reference(*key));
        mount.access_mode = info->child_text("accessMode");
        mount.mounted = info->child_bool("mounted", true);
        mount.accessible = info->child_bool("accessible", false);
        mounts.push_back(std::move(mount));
    }
    return mounts;
}

Result<DatastoreInfo> read_info(const ObjectContent& content) {
    const auto summary = content.find("summary");
    if (!summary) {
        if (content.missing.contains("summary")) return to_error(Fault{.name = "NoPermission"});
        return Error(Errc::corrupt, "vSphere sent a datastore without a summary");
    }
    DatastoreInfo info;
    info.ref = content.ref;
    info.name = content.text("name");
    info.type = summary->child_text("type");
    info.url = summary->child_text("url");
    info.accessible = summary->child_bool("accessible", false);
    info.maintenance_mode = summary->child_text("maintenanceMode");
    SLIPWAY_TRY(info.capacity_bytes, summary->child_unsigned("capacity"));
    SLIPWAY_TRY(info.free_bytes, summary->child_unsigned("freeSpace"));
    SLIPWAY_TRY(info.hosts, read_mounts(content));
    SLIPWAY_TRY(info.browser, content.reference("browser"));
    if (const auto capability = content.find("capability")) {
        info.directory_hierarchy_supported =
            capability->child_bool("directoryHierarchySupported", true);
        info.top_level_directory_create_supported =
            capability->child_bool("topLevelDirectoryCreateSupported", true);
    }
    if (const auto details = content.find("info")) {
        const auto most = details->child_unsigned("maxFileSize");
        if (most && *most > 0) info.max_file_bytes = *most;
    }
    return info;
}

awaitable<Result<std::vector<DatastoreInfo>>> read_datastores(
    VimClient& client, std::vector<ManagedObjectReference> refs, const Call& call
) {
    SLIPWAY_CO_TRY(
        const auto contents,
        co_await retrieve(client, "Datastore", std::move(refs), datastore_paths(), call)
    );
    std::vector<DatastoreInfo> found;
    for (const auto& content : contents) {
        SLIPWAY_CO_TRY(auto info, read_info(content));
        found.push_back(std::move(info));
    }
    co_return found;
}

// Names and references of an entity and all that it lies in, the entity first, the root left out.
struct Ancestor {
    ManagedObjectReference ref;
    std::string name;
};

awaitable<Result<std::vector<Ancestor>>> ancestry(
    VimClient& client, ManagedObjectReference entity, const Call& call
) {
    std::vector<Ancestor> line;
    for (int depth = 0; depth < kDeepest; ++depth) {
        const std::vector<std::string> paths = {"name", "parent"};
        SLIPWAY_CO_TRY(const auto content, co_await retrieve_one(client, entity, paths, call));
        if (!content.find("parent")) co_return line;
        line.push_back({entity, content.text("name")});
        SLIPWAY_CO_TRY(entity, content.reference("parent"));
    }
    co_return Error(Errc::corrupt, "vSphere's inventory is nested without end");
}

bool is_useless_name(std::string_view name) {
    return name.empty() || name == "localhost" || name.starts_with("localhost.");
}

// The address of the first chosen interface for management traffic; empty when none is known.
std::string management_address(const xml::Element& configs) {
    for (const auto& config : configs.children("VirtualNicManagerNetConfig")) {
        if (config.child_text("nicType") != "management") continue;
        std::vector<std::string> selected;
        for (const auto& key : config.children("selectedVnic")) selected.push_back(key.text());
        for (const auto& nic : config.children("candidateVnic")) {
            if (std::ranges::find(selected, nic.child_text("key")) == selected.end()) continue;
            const auto spec = nic.child("spec");
            const auto ip = spec ? spec->child("ip") : std::nullopt;
            if (ip && !ip->child_text("ipAddress").empty()) return ip->child_text("ipAddress");
        }
    }
    return {};
}

HostInfo read_host(const ObjectContent& content) {
    HostInfo host;
    host.ref = content.ref;
    host.name = content.text("name");
    host.connection_state = content.text("runtime.connectionState");
    host.in_maintenance =
        xml::parse_bool(content.text("runtime.inMaintenanceMode")).value_or(false);
    if (!is_useless_name(host.name)) {
        host.address = host.name;
    } else if (const auto configs = content.find("config.virtualNicManagerInfo.netConfig")) {
        host.address = management_address(*configs);
    }
    return host;
}

}  // namespace

std::string encode_inventory_name(std::string_view name) {
    std::string out;
    for (const char c : name) {
        if (c == '/') {
            out += "%2f";
        } else if (c == '\\') {
            out += "%5c";
        } else if (c == '%') {
            out += "%25";
        } else {
            out += c;
        }
    }
    return out;
}

awaitable<Result<Datacenter>> find_datacenter(
    VimClient& client, std::string path, const Call& call
) {
    while (path.starts_with('/')) path.erase(0, 1);
    while (path.ends_with('/')) path.pop_back();
    const Error not_there(
        Errc::not_found,
        "vSphere has no datacenter at the path " + path + ", or the account may not see it"
    );
    if (path.empty()) co_return not_there;
    SLIPWAY_CO_TRY(const auto content, co_await client.service_content(call));
    xml::Writer out;
    out.open_method("FindByInventoryPath");
    write(out, "_this", content->search_index);
    out.text("inventoryPath", path);
    SLIPWAY_CO_TRY(auto body, out.finish());
    const auto request = methods::make("FindByInventoryPath", std::move(body));
    SLIPWAY_CO_TRY(const auto reply, co_await client.call(request, call));
    const auto value = reply.returnval();
    if (!value) co_return not_there;
    SLIPWAY_CO_TRY(auto ref, read_reference(*value));
    if (ref.type != "Datacenter") co_return not_there;
    co_return Datacenter{.ref = std::move(ref), .path = std::move(path)};
}

awaitable<Result<Datacenter>> datacenter_of(
    VimClient& client, ManagedObjectReference entity, const Call& call
) {
    SLIPWAY_CO_TRY(const auto line, co_await ancestry(client, std::move(entity), call));
    const auto found = std::ranges::find_if(line, [](const Ancestor& ancestor) {
        return ancestor.ref.type == "Datacenter";
    });
    if (found == line.end())
        co_return Error(Errc::not_found, "the vSphere object lies in no datacenter");
    Datacenter datacenter{.ref = found->ref, .path = {}};
    for (auto at = found; at != line.end(); ++at)
        datacenter.path = at->name + (datacenter.path.empty() ? "" : "/") + datacenter.path;
    co_return datacenter;
}

awaitable<Result<std::vector<DatastoreInfo>>> datastores_of(
    VimClient& client, ManagedObjectReference datacenter, const Call& call
) {
    const std::vector<std::string> paths = {"datastore"};
    SLIPWAY_CO_TRY(
        const auto content, co_await retrieve_one(client, std::move(datacenter), paths, call)
    );
    SLIPWAY_CO_TRY(auto refs, content.references("datastore"));
    co_return co_await read_datastores(client, std::move(refs), call);
}

awaitable<Result<DatastoreInfo>> find_datastore(
    VimClient& client, ManagedObjectReference datacenter, std::string name, const Call& call
) {
    SLIPWAY_CO_TRY(auto datastores, co_await datastores_of(client, std::move(datacenter), call));
    const auto stored = encode_inventory_name(name);
    for (auto& datastore : datastores)
        if (datastore.name == name || datastore.name == stored) co_return std::move(datastore);
    co_return Error(
        Errc::not_found,
        "the datacenter has no datastore " + name + ", or the account may not see it"
    );
}

awaitable<Result<DatastoreInfo>> read_datastore(
    VimClient& client, ManagedObjectReference datastore, const Call& call
) {
    SLIPWAY_CO_TRY(
        auto found, co_await read_datastores(client, std::vector{std::move(datastore)}, call)
    );
    if (found.empty()) co_return to_error(Fault{.name = "ManagedObjectNotFound"});
    co_return std::move(found.front());
}

awaitable<Result<void>> refresh_datastore(
    VimClient& client, ManagedObjectReference datastore, const Call& call
) {
    const auto request = methods::bare("RefreshDatastore", datastore);
    SLIPWAY_CO_CHECK(co_await client.call(request, call));
    co_return Result<void>();
}

awaitable<Result<std::vector<HostInfo>>> read_hosts(
    VimClient& client, std::vector<ManagedObjectReference> hosts, const Call& call
) {
    const std::vector<std::string> paths = {
        "name",
        "runtime.connectionState",
        "runtime.inMaintenanceMode",
        "config.virtualNicManagerInfo.netConfig"};
    SLIPWAY_CO_TRY(
        const auto contents, co_await retrieve(client, "HostSystem", std::move(hosts), paths, call)
    );
    std::vector<HostInfo> found;
    for (const auto& content : contents) found.push_back(read_host(content));
    co_return found;
}

awaitable<Result<MachinePlace>> find_machine_place(
    VimClient& client, Datacenter datacenter, DatastoreInfo datastore, const Call& call
) {
    MachinePlace place;
    std::vector<ManagedObjectReference> mounted;
    for (const auto& mount : datastore.hosts)
        if (mount.usable()) mounted.push_back(mount.host);
    SLIPWAY_CO_TRY(auto hosts, co_await read_hosts(client, std::move(mounted), call));
    std::erase_if(hosts, [](const HostInfo& host) { return !host.usable(); });
    if (hosts.empty()) co_return to_error(Fault{.name = "NoHost"});
    thread_local std::minstd_rand random{std::random_device{}()};
    place.host = hosts[random() % hosts.size()].ref;

    const std::vector<std::string> folder = {"vmFolder"};
    SLIPWAY_CO_TRY(const auto center, co_await retrieve_one(client, datacenter.ref, folder, call));
    SLIPWAY_CO_TRY(place.folder, center.reference("vmFolder"));
    const std::vector<std::string> parent = {"parent"};
    SLIPWAY_CO_TRY(const auto host, co_await retrieve_one(client, place.host, parent, call));
    SLIPWAY_CO_TRY(const auto compute, host.reference("parent"));
    const std::vector<std::string> pool = {"resourcePool"};
    SLIPWAY_CO_TRY(const auto resource, co_await retrieve_one(client, compute, pool, call));
    SLIPWAY_CO_TRY(place.resource_pool, resource.reference("resourcePool"));
    co_return place;
}

}  // namespace slipway::vsphere
