#include "app/config.h"
#include "app/config_values.h"
#include "base/text.h"

#include <charconv>

namespace slipway::app {

namespace {

std::vector<std::string> lower_case_list(Section& section, std::string_view name) {
    std::vector<std::string> list = section.list(name);
    for (std::string& entry : list) entry = lower_case(entry);
    return list;
}

std::vector<std::uint16_t> ports(Section& section, std::string_view name) {
    std::vector<std::uint16_t> list;
    for (const std::string& text : section.list(name)) {
        std::uint16_t port = 0;
        const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
        if (failed != std::errc() || end != text.data() + text.size() || port == 0) {
            section.mistake(name, "holds \"" + text + "\"; write numbers from 1 to 65535");
        } else {
            list.push_back(port);
        }
    }
    return list;
}

}  // namespace

net::FetchFilter read_fetch_filter(ConfigReader& reader) {
    Section section = reader.section("import_filtering_opts");
    net::FetchFilter filter;
    filter.allowed_schemes = lower_case_list(section, "allowed_schemes");
    filter.disallowed_schemes = lower_case_list(section, "disallowed_schemes");
    filter.allowed_hosts = lower_case_list(section, "allowed_hosts");
    filter.disallowed_hosts = lower_case_list(section, "disallowed_hosts");
    filter.allowed_ports = ports(section, "allowed_ports");
    filter.disallowed_ports = ports(section, "disallowed_ports");
    filter.private_addresses = section.flag("allow_private_addresses");
    return filter;
}

}  // namespace slipway::app
