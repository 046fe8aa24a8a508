#include "app/config.h"
#include "app/config_reader.h"
#include "app/config_values.h"

#include <algorithm>

namespace slipway::app {

namespace {

constexpr std::string_view kPrefix = "site:";

bool has_store(const std::vector<StoreConfig>& stores, const std::string& id) {
    return std::ranges::any_of(stores, [&id](const StoreConfig& store) {
        return store.id.str() == id;
    });
}

std::vector<service::Network> read_networks(Section& section) {
    std::vector<service::Network> networks;
    for (const std::string& text : section.list("networks")) {
        auto network = service::Network::parse(text);
        if (network)
            networks.push_back(*network);
        else
            section.mistake("networks", "has " + network.error().message);
    }
    if (!section.is_set("networks"))
        section.mistake("networks", "is missing; write the networks of the site's callers");
    return networks;
}

std::vector<service::SiteDatastores> read_near(
    Section& section, const std::vector<StoreConfig>& stores
) {
    std::vector<service::SiteDatastores> near;
    for (const Written& value : section.multi("datastores")) {
        service::SiteDatastores some;
        const std::size_t colon = value.text.rfind(':');
        if (colon == std::string::npos) {
            some.store = BackendId(std::string(trimmed(value.text)));
        } else {
            some.datacenter = trimmed(std::string_view(value.text).substr(0, colon));
            if (some.datacenter.starts_with('/')) some.datacenter.erase(0, 1);
            some.datastore = trimmed(std::string_view(value.text).substr(colon + 1));
        }
        const bool usable = colon == std::string::npos
                                ? has_store(stores, some.store.str())
                                : !some.datacenter.empty() && !some.datastore.empty();
        if (usable)
            near.push_back(std::move(some));
        else
            section.mistake(
                "datastores",
                value,
                "is \"" + value.text + "\"; write datacenter:datastore, or the id of a store"
            );
    }
    if (!section.is_set("datastores"))
        section.mistake("datastores", "is missing; write datacenter:datastore, or a store's id");
    return near;
}

}  // namespace

std::vector<service::Site> read_sites(
    ConfigReader& reader, const std::vector<StoreConfig>& stores
) {
    std::vector<service::Site> sites;
    for (const std::string& group : reader.groups(kPrefix)) {
        Section section = reader.section(group, {"site"});
        service::Site site;
        site.name = group.substr(kPrefix.size());
        site.networks = read_networks(section);
        site.datastores = read_near(section, stores);
        sites.push_back(std::move(site));
    }
    return sites;
}

}  // namespace slipway::app
