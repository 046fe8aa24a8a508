#include "http/api/images.h"

#include "base/text.h"
#include "http/api/image_body.h"
#include "http/api/image_view.h"
#include "http/api/location_body.h"
#include "http/problem.h"

namespace slipway::http::api {

namespace {

constexpr std::size_t kLongestTag = 255;

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
    return text;
}

}  // namespace

Result<ImageId> image_id(const Request& request) {
    return parse_image_id(request.params.at("image_id"));
}

void ImagesApi::add_routes(Router& router) {
    router.add("GET", "/v2/images", BodyRule::ignored, bind(this, &ImagesApi::list));
    router.add("POST", "/v2/images", BodyRule::taken, bind(this, &ImagesApi::create));
    router.add("GET", "/v2/images/{image_id}", BodyRule::refused, bind(this, &ImagesApi::show));
    router.add("PATCH", "/v2/images/{image_id}", BodyRule::taken, bind(this, &ImagesApi::update));
    router.add(
        "DELETE", "/v2/images/{image_id}", BodyRule::refused, bind(this, &ImagesApi::remove)
    );
    router.add(
        "GET",
        "/v2/images/{image_id}/locations",
        BodyRule::ignored,
        bind(this, &ImagesApi::locations),
        {.in_allow = false}
    );
    router.add(
        "POST",
        "/v2/images/{image_id}/locations",
        BodyRule::taken,
        bind(this, &ImagesApi::add_location)
    );
    router.add(
        "POST",
        "/v2/images/{image_id}/actions/{action}",
        BodyRule::refused,
        bind(this, &ImagesApi::act)
    );
    router.add(
        "PUT",
        "/v2/images/{image_id}/tags/{tag}",
        BodyRule::refused,
        bind(this, &ImagesApi::add_tag)
    );
    router.add(
        "DELETE",
        "/v2/images/{image_id}/tags/{tag}",
        BodyRule::refused,
        bind(this, &ImagesApi::remove_tag)
    );
}

awaitable<Result<Response>> ImagesApi::list(Request& request) {
    SLIPWAY_CO_TRY(ImageQuery query, read_list_query(request.query(), options_.list));
    SLIPWAY_CO_TRY(const auto page, co_await images_.list(request.caller, std::move(query)));
    json::Writer writer;
    writer.begin_object().key("images").begin_array();
    for (const auto& image : page.images) write_image(writer, image);
    writer.end_array().member("first", list_link("/v2/images", request.query(), ""));
    if (page.more)
        writer.member(
            "next", list_link("/v2/images", request.query(), page.images.back().image.id.str())
        );
    writer.member("schema", "/v2/schemas/images").end_object();
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> ImagesApi::create(Request& request) {
    SLIPWAY_CO_TRY(const std::string body, co_await request.read_text(options_.json.bytes));
    SLIPWAY_CO_TRY(
        Image image, read_new_image(schema_, body, options_.json, request.caller.identity.project)
    );
    SLIPWAY_CO_TRY(const auto created, co_await images_.create(request.caller, std::move(image)));
    Response response = json_response(201, image_json(created));
    const std::string path = "/v2/images/" + created.image.id.str();
    response.with("Location", options_.public_url.base(request) + path);
    if (!options_.import_methods.empty())
        response.with("OpenStack-image-import-methods", joined(options_.import_methods));
    if (!options_.store_ids.empty())
        response.with("OpenStack-image-store-ids", joined(options_.store_ids));
    co_return response;
}

awaitable<Result<Response>> ImagesApi::show(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_TRY(const auto image, co_await images_.show(request.caller, id));
    co_return json_response(200, image_json(image));
}

awaitable<Result<Response>> ImagesApi::update(Request& request) {
    constexpr std::string_view kV20 = "application/openstack-images-v2.0-json-patch";
    constexpr std::string_view kV21 = "application/openstack-images-v2.1-json-patch";
    const std::string_view type = media_type(request.header("Content-Type"));
    if (type != kV20 && type != kV21) {
        const std::string accepted = std::string(kV20) + ", " + std::string(kV21);
        Response refused =
            problem(request, 415, "PATCH takes a body of one of the types " + accepted + ".");
        refused.with("Accept-Patch", accepted);
        co_return refused;
    }
    SLIPWAY_CO_TRY(const std::string body, co_await request.read_text(options_.json.bytes));
    const auto dialect = type == kV20 ? service::PatchDialect::v2_0 : service::PatchDialect::v2_1;
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_TRY(auto patch, read_image_patch(schema_, body, options_.json, dialect));
    if (!patch.locations.empty()) {
        SLIPWAY_CO_TRY(
            const auto changed, co_await locations_.change(request.caller, id, std::move(patch))
        );
        co_return json_response(200, image_json(changed));
    }
    SLIPWAY_CO_TRY(const auto image, co_await images_.update(request.caller, id, std::move(patch)));
    co_return json_response(200, image_json(image));
}

awaitable<Result<Response>> ImagesApi::remove(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_CHECK(co_await images_.remove(request.caller, id));
    co_return no_content();
}

awaitable<Result<Response>> ImagesApi::act(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    const std::string& action = request.params.at("action");
    if (action != "deactivate" && action != "reactivate")
        co_return Error(
            Errc::not_found,
            "An image can be deactivated and reactivated; there is no other action."
        );
    const auto event = action == "deactivate" ? ImageEvent::deactivate : ImageEvent::reactivate;
    SLIPWAY_CO_CHECK(co_await images_.change_activity(request.caller, id, event));
    co_return no_content();
}

awaitable<Result<Response>> ImagesApi::locations(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_TRY(const auto locations, co_await images_.locations(request.caller, id));
    json::Writer writer;
    write_locations(writer, locations);
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> ImagesApi::add_location(Request& request) {
    SLIPWAY_CO_TRY(const std::string body, co_await request.read_text(options_.json.bytes));
    SLIPWAY_CO_TRY(auto location, read_location_request(body, options_.json));
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_CHECK(co_await locations_.add(request.caller, id, std::move(location)));
    Response accepted;
    accepted.status = 202;
    co_return accepted;
}

awaitable<Result<Response>> ImagesApi::add_tag(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    const std::string& tag = request.params.at("tag");
    if (characters(tag) > kLongestTag)
        co_return Error(Errc::invalid_argument, "A tag may have at most 255 characters.");
    if (has_control_characters(tag))
        co_return Error(Errc::invalid_argument, "A tag must not hold control characters.");
    SLIPWAY_CO_CHECK(co_await images_.add_tag(request.caller, id, tag));
    co_return no_content();
}

awaitable<Result<Response>> ImagesApi::remove_tag(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_CHECK(co_await images_.remove_tag(request.caller, id, request.params.at("tag")));
    co_return no_content();
}

}  // namespace slipway::http::api
