#include "auth/limits.h"

#include "base/json.h"
#include "base/log.h"
#include "net/url.h"

#include <limits>
#include <map>

namespace slipway::auth {

namespace {

using Numbers = std::map<std::string, std::int64_t, std::less<>>;

// Adds the numbers of {"<list>": [{"resource_name", "<member>", "region_id"}, …]}.
Result<void> read_numbers(
    std::string_view body,
    std::string_view list,
    std::string_view member,
    std::string_view region,
    Numbers& numbers
) {
    SLIPWAY_TRY(const auto document, json::Document::parse(body));
    const json::Value root = document.root();
    const auto entries = root.is_object() ? root.find(list) : std::nullopt;
    if (!entries || !entries->is_array())
        return Error(Errc::corrupt, "Keystone's answer has no " + std::string(list));
    for (const json::Value& entry : entries->elements()) {
        if (!entry.is_object()) continue;
        SLIPWAY_TRY(const std::string name, entry.required_string("resource_name"));
        SLIPWAY_TRY(const auto where, entry.optional_string("region_id"));
        const auto number = entry.find(member);
        if (!number || !number->is_integer() || where.value_or("") != region) continue;
        numbers[name] = number->integer();
    }
    return {};
}

std::int64_t in_bytes(std::int64_t mib) {
    constexpr std::int64_t kMiB = 1 << 20;
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    if (mib < 0) return -1;
    return mib > kMost / kMiB ? kMost : mib * kMiB;
}

}  // namespace

Result<ProjectLimits> parse_limits(
    std::string_view limits, std::string_view registered, std::string_view region
) {
    Numbers numbers;
    SLIPWAY_CHECK(read_numbers(registered, "registered_limits", "default_limit", region, numbers));
    SLIPWAY_CHECK(read_numbers(limits, "limits", "resource_limit", region, numbers));
    return ProjectLimits{
        in_bytes(numbers["image_size_total"]),
        in_bytes(numbers["image_stage_total"]),
        numbers["image_count_total"],
        numbers["image_count_uploading"],
        true};
}

awaitable<Result<std::string>> Limits::get(std::string path, const Call& call) {
    RestRequest request;
    request.url = session_.auth_url() + std::move(path);
    SLIPWAY_CO_TRY(auto reply, co_await session_.send(std::move(request), call));
    if (reply.status == 200) co_return std::move(reply.body);
    log::error(call, "keystone.limits.refused", {{"status", reply.status}});
    co_return Error(
        Errc::unavailable,
        "The limits of the project can not be read at the moment; try again later."
    );
}

awaitable<Result<Limits::Place>> Limits::place(const Call& call) {
    {
        const std::lock_guard lock(mutex_);
        if (place_) co_return *place_;
    }
    SLIPWAY_CO_TRY(
        const std::string body, co_await get("/endpoints/" + net::encode_segment(endpoint_), call)
    );
    SLIPWAY_CO_TRY(const auto document, json::Document::parse(body));
    const json::Value root = document.root();
    const auto endpoint = root.is_object() ? root.find("endpoint") : std::nullopt;
    if (!endpoint || !endpoint->is_object())
        co_return Error(Errc::unavailable, "Keystone's answer is no endpoint.");
    Place place;
    SLIPWAY_CO_TRY(place.service, endpoint->required_string("service_id"));
    SLIPWAY_CO_TRY(const auto region, endpoint->optional_string("region_id"));
    place.region = region.value_or("");
    const std::lock_guard lock(mutex_);
    place_ = place;
    co_return place;
}

awaitable<Result<ProjectLimits>> Limits::of(const std::string& project, const Call& call) {
    SLIPWAY_CO_TRY(const Place at, co_await place(call));
    const std::string service = "service_id=" + net::encode_query_value(at.service);
    SLIPWAY_CO_TRY(
        const std::string limits,
        co_await get("/limits?" + service + "&project_id=" + net::encode_query_value(project), call)
    );
    SLIPWAY_CO_TRY(
        const std::string registered, co_await get("/registered_limits?" + service, call)
    );
    auto parsed = parse_limits(limits, registered, at.region);
    if (parsed) co_return parsed;
    log::error(call, "keystone.limits.failed", {{"error", parsed.error().message}});
    co_return Error(
        Errc::unavailable,
        "The limits of the project can not be read at the moment; try again later."
    );
}

}  // namespace slipway::auth
