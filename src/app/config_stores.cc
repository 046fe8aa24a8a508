#include "app/config.h"
#include "app/config_values.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace slipway::app {

namespace {

constexpr std::string_view kDefaultFolder = "/var/lib/slipway/images";

// The text split from the right at ':' into at most three, each trimmed; as glance_store does.
std::vector<std::string> split_from_right(std::string_view text) {
    std::vector<std::string> parts;
    while (parts.size() < 2) {
        const std::size_t colon = text.rfind(':');
        if (colon == std::string_view::npos) break;
        parts.emplace_back(trimmed(text.substr(colon + 1)));
        text = text.substr(0, colon);
    }
    parts.emplace_back(trimmed(text));
    std::reverse(parts.begin(), parts.end());
    return parts;
}

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
    Number value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::vector<DataFolder> read_folders(Section& section) {
    std::vector<DataFolder> folders;
    for (const Written& value : section.multi("filesystem_store_datadirs")) {
        const std::size_t colon = value.text.rfind(':');
        const std::string path(trimmed(std::string_view(value.text).substr(0, colon)));
        const auto priority =
            colon == std::string::npos
                ? std::optional<int>(0)
                : whole_number<int>(trimmed(std::string_view(value.text).substr(colon + 1)));
        const auto same = [&path](const DataFolder& other) { return other.path == path; };
        if (path.empty() || !priority) {
            section.mistake(
                "filesystem_store_datadirs",
                value,
                "is \"" + value.text + "\"; write folder:priority, a whole number"
            );
        } else if (std::any_of(folders.begin(), folders.end(), same)) {
            section.mistake(
                "filesystem_store_datadirs", value, "names \"" + path + "\" twice; remove one"
            );
        } else {
            folders.push_back({path, *priority});
        }
    }
    std::string single = section.text("filesystem_store_datadir");
    if (!single.empty() && section.is_set("filesystem_store_datadirs")) {
        section.mistake(
            "filesystem_store_datadir",
            "is set beside filesystem_store_datadirs; remove one of them"
        );
    } else if (!section.is_set("filesystem_store_datadirs")) {
        folders.push_back({single.empty() ? std::string(kDefaultFolder) : std::move(single), 0});
    }
    for (const DataFolder& folder : folders) {
        if (!std::filesystem::path(folder.path).is_absolute()) {
            const bool several = section.is_set("filesystem_store_datadirs");
            section.mistake(
                several ? "filesystem_store_datadirs" : "filesystem_store_datadir",
                "names \"" + folder.path +
                    "\", which depends on where the server is started; write a path that "
                    "begins with '/'"
            );
        }
    }
    return folders;
}

FileStoreConfig read_file_store(Section& section) {
    FileStoreConfig store;
    store.folders = read_folders(section);
    store.clone_root = section.text("clone_root");
    if (!store.clone_root.empty() && !std::filesystem::path(store.clone_root).is_absolute())
        section.mistake("clone_root", "must begin with '/'");
    store.publish_as = section.text("publish_as");
    if (!store.publish_as.empty() && (!store.publish_as.starts_with("vsphere://") ||
                                      store.publish_as.find("dsName=") == std::string::npos)) {
        section.mistake(
            "publish_as",
            "is no datastore URL; write vsphere://SERVER/folder/DIR?dcPath=DC&dsName=DS"
        );
    }
    if (!store.publish_as.empty() && store.folders.size() > 1) {
        section.mistake(
            "publish_as",
            "names one folder, but filesystem_store_datadirs names several; make a store of its "
            "own for each folder"
        );
    }
    return store;
}

void read_server(Section& section, VsphereStoreConfig& store) {
    const std::string server = section.text("vmware_server_host");
    if (server.empty()) {
        section.mistake(
            "vmware_server_host", "is missing; write the name of the vCenter or ESXi host"
        );
        return;
    }
    const bool bracketed = server.front() == '[';
    const std::size_t end = bracketed ? server.find(']') : std::string::npos;
    const bool bare_ipv6 = !bracketed && std::count(server.begin(), server.end(), ':') > 1;
    const std::size_t colon = bare_ipv6 ? std::string::npos : server.find(':', bracketed ? end : 0);
    store.host = bracketed ? server.substr(1, end == std::string::npos ? end : end - 1)
                           : server.substr(0, colon);
    const auto port = colon == std::string::npos
                          ? std::optional<std::uint16_t>(443)
                          : whole_number<std::uint16_t>(server.substr(colon + 1));
    const bool clean = server.find_first_of("/@ ?#\n") == std::string::npos &&
                       (!bracketed || (end != std::string::npos &&
                                       (end + 1 == server.size() || colon == end + 1)));
    if (!clean || store.host.empty() || !port || *port == 0) {
        section.mistake(
            "vmware_server_host",
            "is \"" + server + "\"; write a host name or address, or host:port"
        );
        return;
    }
    store.port = *port;
}

std::vector<VsphereDatastore> read_datastores(Section& section) {
    constexpr std::string_view kName = "vmware_datastores";
    std::vector<VsphereDatastore> datastores;
    for (const Written& value : section.multi(kName)) {
        const std::vector<std::string> parts = split_from_right(value.text);
        const auto weight = parts.size() == 3 && !parts[2].empty() ? whole_number<int>(parts[2])
                                                                   : std::optional<int>(0);
        if (parts.size() < 2 || parts[0].empty() || parts[1].empty() || !weight) {
            section.mistake(
                kName,
                value,
                "is \"" + value.text +
                    "\"; write datacenter:datastore or datacenter:datastore:weight (with a weight, "
                    "a whole number, where a name holds ':')"
            );
            continue;
        }
        const VsphereDatastore datastore{parts[0], parts[1], *weight};
        const auto same = [&](const VsphereDatastore& other) {
            return other.datacenter == datastore.datacenter && other.name == datastore.name;
        };
        if (std::any_of(datastores.begin(), datastores.end(), same)) {
            section.mistake(kName, value, "names \"" + value.text + "\" twice; remove one");
        } else {
            datastores.push_back(datastore);
        }
    }
    if (!section.is_set(kName)) section.mistake(kName, "is missing; write datacenter:datastore");
    return datastores;
}

std::vector<CloneTargetRule> read_clone_targets(Section& section) {
    std::vector<CloneTargetRule> rules;
    for (const Written& value : section.multi("clone_targets")) {
        const std::size_t colon = value.text.rfind(':');
        const std::string datacenter(trimmed(std::string_view(value.text).substr(0, colon)));
        const std::string datastore(
            colon == std::string::npos ? ""
                                       : trimmed(std::string_view(value.text).substr(colon + 1))
        );
        if (datacenter.empty() || datastore.empty()) {
            section.mistake(
                "clone_targets",
                value,
                "is \"" + value.text + "\"; write datacenter:datastore, or datacenter:*"
            );
        } else {
            rules.push_back({datacenter, datastore == "*" ? "" : datastore});
        }
    }
    return rules;
}

net::TlsTrust read_trust(Section& section) {
    net::TlsTrust trust;
    trust.ca_file = section.text("vmware_ca_file");
    std::error_code ignored;
    if (!trust.ca_file.empty() && !std::filesystem::is_regular_file(trust.ca_file, ignored))
        section.mistake(
            "vmware_ca_file", "names \"" + trust.ca_file + "\", which is no file; check the path"
        );
    for (const std::string& text : section.list("vmware_thumbprint")) {
        constexpr std::size_t kSha256Bytes = 32;
        auto thumbprint = net::parse_thumbprint(text, kSha256Bytes);
        if (thumbprint) {
            trust.sha256_thumbprints.push_back(std::move(*thumbprint));
        } else {
            section.mistake(
                "vmware_thumbprint", "is no SHA-256 thumbprint; write 64 hexadecimal digits"
            );
        }
    }
    trust.insecure = section.flag("vmware_insecure");
    if (trust.insecure && !trust.sha256_thumbprints.empty()) {
        section.mistake(
            "vmware_insecure", "is true beside vmware_thumbprint; remove vmware_insecure"
        );
    } else if (trust.insecure) {
        section.warning(
            "vmware_insecure",
            "is true: any certificate is believed; set vmware_ca_file or vmware_thumbprint instead"
        );
    }
    return trust;
}

std::string read_image_directory(Section& section) {
    std::string directory = section.text("vmware_store_image_dir");
    while (directory.ends_with('/')) directory.pop_back();
    directory.erase(0, std::min(directory.find_first_not_of('/'), directory.size()));
    const std::filesystem::path path(directory);
    const bool climbs = std::any_of(path.begin(), path.end(), [](const auto& part) {
        return part == ".." || part == ".";
    });
    if (directory.empty() || climbs || directory.find_first_of("[]\\") != std::string::npos)
        section.mistake(
            "vmware_store_image_dir", "is no folder name; write one, as openstack_glance"
        );
    return directory;
}

VsphereStoreConfig read_vsphere_store(Section& section) {
    VsphereStoreConfig store;
    read_server(section, store);
    store.username = section.text("vmware_server_username");
    if (store.username.empty())
        section.mistake("vmware_server_username", "is missing; write the account's name");
    store.password = section.secret_or_file("vmware_server_password");
    if (store.password.empty() && !section.is_set("vmware_server_password_file")) {
        section.mistake(
            "vmware_server_password",
            "is missing; write vmware_server_password_file = and a file that holds it"
        );
    }
    store.trust = read_trust(section);
    store.datastores = read_datastores(section);
    store.image_directory = read_image_directory(section);
    store.retries = section.number_as<int>("vmware_api_retry_count");
    store.direct_transfer = section.flag("direct_transfer");
    store.esx_port = section.number_as<std::uint16_t>("esx_port");
    store.clone_targets = read_clone_targets(section);
    store.clones_per_datastore = section.number_as<std::size_t>("clone_max_per_datastore");
    store.clones_per_host = section.number_as<std::size_t>("clone_max_per_host");
    return store;
}

BootFormMode read_boot_form(Section& section) {
    const std::string word = section.text("boot_form");
    if (word == "flat") return BootFormMode::flat;
    if (word == "replace") return BootFormMode::replace;
    return word == "off" ? BootFormMode::off : BootFormMode::sparse;
}

bool is_vsphere(const std::string& type) {
    return type == "vmware" || type == "vsphere";
}

HttpStoreConfig read_http_store(Section& section) {
    HttpStoreConfig store;
    store.trust.ca_file = section.text("https_ca_certificates_file");
    store.trust.insecure = section.flag("https_insecure");
    std::error_code ignored;
    if (!store.trust.ca_file.empty() &&
        !std::filesystem::is_regular_file(store.trust.ca_file, ignored))
        section.mistake(
            "https_ca_certificates_file",
            "names \"" + store.trust.ca_file + "\", which is no file; check the path"
        );
    if (store.trust.insecure)
        section.add(
            Severity::unsafe,
            "https_insecure",
            "is on: any web server is believed to be the one that a location names"
        );
    return store;
}

StoreConfig read_store(
    ConfigReader& reader, const std::string& group, const std::string& id, const std::string& type
) {
    const std::string kind = is_vsphere(type) ? "store:vmware" : "store:" + type;
    Section section = reader.section(group, {"store", kind});
    StoreConfig store;
    store.id = BackendId(id);
    store.description = section.text("store_description");
    store.weight = section.number_as<int>("weight");
    store.copies = section.number_as<std::size_t>("copies");
    Section ingest = reader.section("ingest");
    store.boot_form =
        section.is_set("boot_form") ? read_boot_form(section) : read_boot_form(ingest);
    if (is_vsphere(type)) {
        store.backend = read_vsphere_store(section);
    } else if (type == "http") {
        store.backend = read_http_store(section);
    } else {
        store.backend = read_file_store(section);
    }
    return store;
}

// Whether a store can have this name; says so if not. Glance's usual "http" is taken for a store of
// that type, beside our own options of the section.
bool is_usable_id(Section& defaults, const std::string& id, const std::string& type) {
    const bool plain = std::all_of(id.begin(), id.end(), [](char c) {
        return std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
                   .find(c) != std::string_view::npos;
    });
    if (!plain) {
        defaults.mistake(
            "enabled_backends",
            "names the store \"" + id + "\"; use letters, digits, '-', '_' and '.'"
        );
        return false;
    }
    if (id == "http" && type == "http") return true;
    if (id.starts_with("os_glance_") || OptionTable::get().has_group(normalised_group(id))) {
        defaults.mistake(
            "enabled_backends",
            "names a store \"" + id + "\", a name with another meaning; choose another"
        );
        return false;
    }
    return true;
}

std::vector<StoreConfig> read_named_stores(ConfigReader& reader, Section& defaults) {
    std::vector<StoreConfig> stores;
    const std::size_t findings_before = reader.findings().size();
    for (const auto& [id, type] : defaults.dict("enabled_backends")) {
        if (type != "file" && type != "http" && !is_vsphere(type)) {
            defaults.mistake(
                "enabled_backends",
                "names the store \"" + id + "\" of type " + type +
                    ", which slipway does not have; remove it (types are "
                    "file, vmware and http)"
            );
        } else if (is_usable_id(defaults, id, type)) {
            stores.push_back(read_store(reader, normalised_group(id), id, type));
        }
    }
    const bool explained = reader.findings().size() > findings_before;
    Section glance_store = reader.section("glance_store");
    const std::string chosen = glance_store.text("default_backend");
    const auto is_chosen = [&chosen](const StoreConfig& store) { return store.id.str() == chosen; };
    const auto found = std::find_if(stores.begin(), stores.end(), is_chosen);
    const auto takes_images = [](const StoreConfig& store) { return store.takes_images(); };
    if (found != stores.end() && !found->takes_images()) {
        glance_store.mistake(
            "default_backend",
            "is \"" + chosen + "\", a store of type http, which takes no images; choose another"
        );
    } else if (found != stores.end()) {
        found->is_default = true;
    } else if (!chosen.empty()) {
        glance_store.mistake(
            "default_backend",
            "is \"" + chosen + "\", which is no store of [DEFAULT] enabled_backends"
        );
    } else if (std::count_if(stores.begin(), stores.end(), takes_images) == 1) {
        std::find_if(stores.begin(), stores.end(), takes_images)->is_default = true;
    } else if (std::none_of(stores.begin(), stores.end(), takes_images)) {
        if (!explained)
            defaults.mistake(
                "enabled_backends",
                "leaves no store; name one of type file or vmware, or remove the option"
            );
    } else {
        glance_store.mistake("default_backend", "is missing; write the id of one of the stores");
    }
    return stores;
}

}  // namespace

void read_stores(ConfigReader& reader, Config& config) {
    Section defaults = reader.section("DEFAULT");
    config.multi_store = defaults.is_set("enabled_backends");
    if (config.multi_store) {
        config.stores = read_named_stores(reader, defaults);
        return;
    }
    Section glance_store = reader.section("glance_store");
    const std::string type = is_vsphere(glance_store.text("default_store")) ? "vmware" : "file";
    config.stores.push_back(read_store(reader, "glance_store", type, type));
    config.stores.front().is_default = true;
    const auto others = glance_store.list("stores");
    if (std::find(others.begin(), others.end(), "http") != others.end())
        config.stores.push_back(read_store(reader, "glance_store", "http", "http"));
}

}  // namespace slipway::app
