#include "service/sites.h"

#include "store/datastore_layout.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace slipway::service {

namespace {

constexpr int kAllBits = 128;
constexpr int kMappedBits = 96;  // before an IPv4 address

Error no_network(std::string_view text) {
    return Error(
        Errc::invalid_argument,
        "\"" + std::string(text) + "\" is no network; write it as 192.0.2.0/24 or 2001:db8::/32"
    );
}

bool bit(const std::array<std::uint8_t, 16>& address, int index) {
    return ((address[static_cast<std::size_t>(index / 8)] >> (7 - index % 8)) & 1) != 0;
}

}  // namespace

std::optional<Network::Address> Network::parse_address(std::string_view text) {
    const std::string copy(text);
    Address address{};
    if (inet_pton(AF_INET6, copy.c_str(), address.data()) == 1) return address;
    address[10] = address[11] = 0xff;
    if (inet_pton(AF_INET, copy.c_str(), address.data() + 12) == 1) return address;
    return std::nullopt;
}

Result<Network> Network::parse(std::string_view text) {
    const auto slash = std::min(text.find('/'), text.size());
    const auto first = parse_address(text.substr(0, slash));
    if (!first) return no_network(text);
    const bool is_v4 = text.substr(0, slash).find(':') == std::string_view::npos;
    Network network;
    network.first_ = *first;
    network.prefix_bits_ = kAllBits;
    if (slash < text.size()) {
        const std::string_view digits = text.substr(slash + 1);
        int bits = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), bits);
        const int most = is_v4 ? kAllBits - kMappedBits : kAllBits;
        if (error != std::errc() || end != digits.data() + digits.size() || bits < 0 || bits > most)
            return no_network(text);
        network.prefix_bits_ = is_v4 ? bits + kMappedBits : bits;
    }
    for (int i = network.prefix_bits_; i < kAllBits; ++i)
        if (bit(*first, i)) return no_network(text);
    return network;
}

bool Network::contains(std::string_view address) const {
    const auto bytes = parse_address(address);
    if (!bytes) return false;
    for (int i = 0; i < prefix_bits_; ++i)
        if (bit(*bytes, i) != bit(first_, i)) return false;
    return true;
}

bool SiteDatastores::hold(const Location& location) const {
    if (datacenter.empty()) return location.backend == store;
    const auto key = store::parse_datastore_key(location.datastore);
    return key && key->datacenter == datacenter &&
           store::matches_pattern(datastore, key->datastore);
}

bool Site::holds(const Location& location) const {
    return std::ranges::any_of(datastores, [&](const SiteDatastores& some) {
        return some.hold(location);
    });
}

const Site* site_of(const std::vector<Site>& sites, std::string_view address) {
    const Site* nearest = nullptr;
    int bits = -1;
    for (const Site& site : sites) {
        for (const Network& network : site.networks) {
            if (network.prefix_bits() <= bits || !network.contains(address)) continue;
            nearest = &site;
            bits = network.prefix_bits();
        }
    }
    return nearest;
}

void sort_by_nearness(std::vector<Location>& locations, const Site* site) {
    if (site == nullptr) return;
    std::ranges::stable_partition(locations, [site](const Location& location) {
        return site->holds(location);
    });
}

}  // namespace slipway::service
