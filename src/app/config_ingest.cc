#include "app/config.h"
#include "app/config_reader.h"
#include "net/url.h"

#include <algorithm>
#include <charconv>
#include <regex>

namespace slipway::app {

namespace {

constexpr std::string_view kPrefix = "seed:";

std::vector<std::uint64_t> read_sizes(Section& section) {
    std::vector<std::uint64_t> sizes;
    for (const std::string& text : section.list("sizes_gb")) {
        std::uint64_t size = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
        if (error != std::errc() || end != text.data() + text.size() || size == 0)
            section.mistake("sizes_gb", "has \"" + text + "\"; write whole numbers of GiB");
        else
            sizes.push_back(size);
    }
    return sizes;
}

// The base folders of the caches, as Nova names them: a prefix, or the address of each compute
// service, before the name of the subdirectory.
std::vector<std::string> read_base_folders(Section& section) {
    const std::string prefix = section.text("cache_prefix");
    const std::string subdirectory = section.text("subdirectory_name");
    const auto addresses = section.list("compute_ips");
    if (!prefix.empty() && !addresses.empty())
        section.mistake("compute_ips", "is set beside cache_prefix; Nova uses one of them");
    if (addresses.empty()) return {prefix + subdirectory};
    std::vector<std::string> folders;
    for (const std::string& address : addresses) folders.push_back(address + subdirectory);
    return folders;
}

service::SeedPolicy read_seed(Section& section, std::string name, bool with_keystone) {
    service::SeedPolicy policy;
    policy.name = std::move(name);
    policy.datacenter = section.text("datacenter");
    if (policy.datacenter.empty())
        section.mistake("datacenter", "is missing; write the datacenter's inventory path");
    policy.datastore_regex = section.text("datastore_regex");
    try {
        const std::regex checked(policy.datastore_regex);
    } catch (const std::regex_error&) {
        section.mistake("datastore_regex", "is no regular expression");
    }
    policy.base_folders = read_base_folders(section);
    policy.sizes_gib = read_sizes(section);
    policy.sizes_from_nova = section.flag("sizes_from_nova");
    if (policy.sizes_from_nova && !with_keystone)
        section.mistake(
            "sizes_from_nova", "is on, but [paste_deploy] flavor does not ask for keystone"
        );
    policy.eager = section.text("policy") == "eager";
    return policy;
}

// A URL without a slash at the end; empty: none is written.
std::string read_nova_endpoint(ConfigReader& reader) {
    Section section = reader.section("nova");
    std::string url = section.text("endpoint_override");
    if (!url.empty() && !net::parse_url(url))
        section.mistake(
            "endpoint_override",
            "is \"" + url + "\", which is no URL; write one as in https://host:8774/v2.1"
        );
    while (url.ends_with('/')) url.pop_back();
    return url;
}

}  // namespace

IngestConfig read_ingest(ConfigReader& reader, bool with_keystone) {
    IngestConfig ingest;
    ingest.nova_endpoint = read_nova_endpoint(reader);
    ingest.wait_for_boot_form = reader.section("ingest").flag("wait_for_boot_form");
    for (const std::string& group : reader.groups(kPrefix)) {
        Section section = reader.section(group, {"seed"});
        ingest.seeds.push_back(read_seed(section, group.substr(kPrefix.size()), with_keystone));
    }
    return ingest;
}

}  // namespace slipway::app
