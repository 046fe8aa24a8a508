#pragma once

#include "base/result.h"
#include "model/location.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::service {

// Addresses with a common beginning: "192.0.2.0/24", "2001:db8::/32", or one address alone.
class Network {
public:
    // Errors: invalid_argument, also when bits behind the prefix are set.
    static Result<Network> parse(std::string_view text);

    // False for what is no address.
    [[nodiscard]] bool contains(std::string_view address) const;
    // How many bits all its addresses share, of 128: IPv4 counts as ::ffff:0:0/96.
    [[nodiscard]] int prefix_bits() const { return prefix_bits_; }

private:
    using Address = std::array<std::uint8_t, 16>;
    static std::optional<Address> parse_address(std::string_view text);

    Address first_{};
    int prefix_bits_ = 0;
};

// Datastores by where they are: "DC0:ssd*", or the id of a store. '*' stands for any text and '?'
// for one character of a datastore's name.
struct SiteDatastores {
    std::string datacenter;  // inventory path without a leading slash; empty: by store
    std::string datastore;
    BackendId store;

    [[nodiscard]] bool hold(const Location& location) const;
};

// Callers and datastores that are near each other.
struct Site {
    std::string name;
    std::vector<Network> networks;
    std::vector<SiteDatastores> datastores;

    [[nodiscard]] bool holds(const Location& location) const;
};

// Where callers are. The site with the smallest network that holds the address; null without one.
const Site* site_of(const std::vector<Site>& sites, std::string_view address);

// Locations of the site first; else in the order given. Null changes nothing.
void sort_by_nearness(std::vector<Location>& locations, const Site* site);

}  // namespace slipway::service
