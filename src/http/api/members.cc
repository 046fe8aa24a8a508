#include "http/api/members.h"

#include "base/json.h"
#include "base/text.h"
#include "http/api/images.h"

namespace slipway::http::api {

namespace {

constexpr std::size_t kLongestProject = 255;

void write_member(json::Writer& writer, const Member& member) {
    writer.begin_object()
        .member("member_id", member.project)
        .member("image_id", member.image_id.str());
    writer.member("status", member.status).member("created_at", to_iso8601(member.created_at));
    writer.member("updated_at", to_iso8601(member.updated_at))
        .member("schema", "/v2/schemas/member");
    writer.end_object();
}

Response member_response(const Member& member) {
    json::Writer writer;
    write_member(writer, member);
    return json_response(200, writer.text());
}

// The one string member `key` of a JSON object body.
Result<std::string> read_body_member(
    std::string_view body, std::string_view key, const json::Limits& limits
) {
    SLIPWAY_TRY(const json::Document document, json::Document::parse(body, limits));
    if (!document.root().is_object())
        return Error(
            Errc::invalid_argument,
            "The body must be a JSON object with the key \"" + std::string(key) + "\"."
        );
    return document.root().required_string(key);
}

}  // namespace

void MembersApi::add_routes(Router& router) {
    const std::string members = "/v2/images/{image_id}/members";
    const std::string member = members + "/{member_id}";
    router.add("GET", members, BodyRule::refused, bind(this, &MembersApi::list));
    router.add("POST", members, BodyRule::taken, bind(this, &MembersApi::add));
    router.add("GET", member, BodyRule::refused, bind(this, &MembersApi::show));
    router.add("PUT", member, BodyRule::taken, bind(this, &MembersApi::set_status));
    router.add("DELETE", member, BodyRule::refused, bind(this, &MembersApi::remove));
}

awaitable<Result<Response>> MembersApi::list(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_TRY(const auto members, co_await members_.list(request.caller, id));
    json::Writer writer;
    writer.begin_object().key("members").begin_array();
    for (const Member& member : members) write_member(writer, member);
    writer.end_array().member("schema", "/v2/schemas/members").end_object();
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> MembersApi::add(Request& request) {
    SLIPWAY_CO_TRY(const std::string body, co_await request.read_text(json_.bytes));
    SLIPWAY_CO_TRY(const std::string project, read_body_member(body, "member", json_));
    if (characters(project) > kLongestProject)
        co_return Error(Errc::invalid_argument, "A member id may have at most 255 characters.");
    if (has_control_characters(project))
        co_return Error(Errc::invalid_argument, "A member id must not hold control characters.");
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_TRY(const Member member, co_await members_.add(request.caller, id, project));
    co_return member_response(member);
}

awaitable<Result<Response>> MembersApi::show(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    const std::string& project = request.params.at("member_id");
    SLIPWAY_CO_TRY(const Member member, co_await members_.show(request.caller, id, project));
    co_return member_response(member);
}

awaitable<Result<Response>> MembersApi::set_status(Request& request) {
    SLIPWAY_CO_TRY(const std::string body, co_await request.read_text(json_.bytes));
    SLIPWAY_CO_TRY(const std::string status, read_body_member(body, "status", json_));
    if (status != "pending" && status != "accepted" && status != "rejected")
        co_return Error(
            Errc::invalid_argument,
            "The status of a member must be one of pending, accepted, rejected."
        );
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    const std::string& project = request.params.at("member_id");
    SLIPWAY_CO_TRY(
        const Member member, co_await members_.set_status(request.caller, id, project, status)
    );
    co_return member_response(member);
}

awaitable<Result<Response>> MembersApi::remove(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_CHECK(co_await members_.remove(request.caller, id, request.params.at("member_id")));
    co_return no_content();
}

}  // namespace slipway::http::api
