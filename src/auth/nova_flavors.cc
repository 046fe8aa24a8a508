#include "auth/nova_flavors.h"

#include "base/json.h"
#include "net/url.h"

#include <set>

namespace slipway::auth {

namespace {

constexpr int kPages = 1000;  // a Nova that always has another page is not followed for ever
constexpr json::Limits kLimits{8U << 20U, 16, 200'000};

struct Page {
    std::set<std::uint64_t> sizes;
    std::string last;  // id; empty when no page follows
};

// {"flavors": [{"id": "1", "disk": 20, …}], "flavors_links": [{"rel": "next", "href": "…"}]}
Result<Page> parse_page(std::string_view body) {
    SLIPWAY_TRY(const auto document, json::Document::parse(body, kLimits));
    const json::Value root = document.root();
    const auto flavors = root.is_object() ? root.find("flavors") : std::nullopt;
    if (!flavors || !flavors->is_array())
        return Error(Errc::corrupt, "Nova's answer has no flavors.");
    Page page;
    for (const json::Value& flavor : flavors->elements()) {
        if (!flavor.is_object()) return Error(Errc::corrupt, "Nova's answer has no flavors.");
        SLIPWAY_TRY(page.last, flavor.required_string("id"));
        const auto disk = flavor.find("disk");
        if (disk && disk->is_integer() && disk->integer() > 0)
            page.sizes.insert(static_cast<std::uint64_t>(disk->integer()));
    }
    if (!root.find("flavors_links")) page.last.clear();
    return page;
}

}  // namespace

awaitable<Result<std::vector<std::uint64_t>>> NovaFlavors::root_disks(const Call& call) {
    std::string base = endpoint_;
    if (base.empty()) {
        SLIPWAY_CO_TRY(base, co_await session_.endpoint("compute", call));
    }
    std::set<std::uint64_t> sizes;
    std::string marker;
    for (int pages = 0; pages < kPages; ++pages) {
        RestRequest request;
        request.url = base + "/flavors/detail?is_public=None";
        if (!marker.empty()) request.url += "&marker=" + net::encode_query_value(marker);
        SLIPWAY_CO_TRY(const auto reply, co_await session_.send(std::move(request), call));
        if (reply.status != 200)
            co_return Error(
                Errc::unavailable,
                "Nova answered " + std::to_string(reply.status) + " when it was asked for flavors."
            );
        SLIPWAY_CO_TRY(const Page page, parse_page(reply.body));
        sizes.insert(page.sizes.begin(), page.sizes.end());
        if (page.last.empty() || page.last == marker) break;
        marker = page.last;
    }
    co_return std::vector<std::uint64_t>(sizes.begin(), sizes.end());
}

}  // namespace slipway::auth
