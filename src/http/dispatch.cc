#include "http/dispatch.h"

#include "base/ids.h"
#include "base/log.h"
#include "base/text.h"
#include "http/problem.h"
#include "http/query.h"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <chrono>
#include <exception>

namespace slipway::http {

namespace {

constexpr std::string_view kRequestIdHeader = "x-openstack-request-id";

Response no_route(const Request& request, const RouteMatch& match) {
    if (match.status == 400)
        return problem(request, 400, "The path must be percent-encoded UTF-8.");
    if (match.status == 404) return problem(request, 404, "The resource could not be found.");
    if (match.status == 501) return problem(request, 501, "The server does not know this method.");
    Response response;
    if (match.status == 405)
        response = problem(request, 405, "The method is not allowed for this resource.");
    std::string allow;
    for (const auto& method : match.allowed) {
        if (!allow.empty()) allow += ", ";
        allow += method;
    }
    if (!allow.empty()) response.with("Allow", allow);
    return response;
}

// A chunked body counts only where a body is usual; with others it is left unread.
bool brings_unwanted_body(const Request& request) {
    if (request.content_length()) return *request.content_length() > 0;
    const auto method = request.method();
    return request.has_body() && (method == "POST" || method == "PUT" || method == "PATCH");
}

void log_failure(const Request& request, const Error& error) {
    const int status = status_of(error.code);
    if (status < 500) return;
    const log::Fields facts = {
        {"route", request.route}, {"code", to_string(error.code)}, {"error", error.message}};
    if (status == 500)
        log::error(request.caller.call, "http.request.failed", facts);
    else
        log::warning(request.caller.call, "http.request.failed", facts);
}

awaitable<Response> identified(const Handler& next, std::size_t longest, Request& request) {
    const std::string_view offered = request.header(kRequestIdHeader);
    const bool too_long = offered.size() > longest;
    request.caller.call.request_id = choose_request_id(too_long ? std::string_view() : offered);
    Response response;
    if (too_long) {
        response = problem(
            request,
            431,
            "X-OpenStack-Request-ID may have at most " + std::to_string(longest) + " characters."
        );
    } else {
        response = co_await answer_safely(next, request);
    }
    if (!response.without_request_id && response.status != 401)
        response.with(std::string(kRequestIdHeader), request.caller.call.request_id);
    co_return response;
}

// "id (name)", as far as it is known.
std::string shown(const std::optional<std::string>& id, const std::optional<std::string>& name) {
    if (!id) return "-";
    return name ? *id + " (" + *name + ")" : *id;
}

awaitable<Response> logged(const Handler& next, Request& request) {
    const auto started = std::chrono::steady_clock::now();
    Response response = co_await answer_safely(next, request);
    const Identity& identity = request.caller.identity;
    response.on_sent = [call = request.caller.call,
                        method = std::string(request.method().substr(0, 32)),
                        route = request.route.empty() ? std::string("-") : request.route,
                        peer = std::string(request.peer()),
                        user = shown(identity.user, identity.user_name),
                        project = shown(identity.project, identity.project_name),
                        started,
                        inner = std::move(response.on_sent)](const Transfer& transfer) {
        const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - started;
        log::info(
            call,
            "http.request.done",
            {{"method", method},
             {"route", route},
             {"status", transfer.status},
             {"bytes_in", transfer.bytes_in},
             {"bytes_out", transfer.bytes_out},
             {"seconds", elapsed.count()},
             {"complete", transfer.complete},
             {"peer", peer},
             {"user", user},
             {"project", project}}
        );
        if (inner) inner(transfer);
    };
    co_return response;
}

}  // namespace

awaitable<Response> dispatch(const Router& router, Request& request) {
    auto match = router.match(
        request.method(),
        request.routed_path.empty() ? request.raw_path() : std::string_view(request.routed_path)
    );
    if (match.route == nullptr) co_return no_route(request, match);
    request.params = std::move(match.params);
    request.route = match.route->path;
    Response response;
    if (const auto query = parse_query(request.raw_query()); !query) {
        response = problem(request, query.error());
    } else if (match.route->body == BodyRule::refused && brings_unwanted_body(request)) {
        response = problem(request, 400, "A body is not expected with this request.");
    } else {
        auto answer = co_await match.route->handler(request);
        if (answer) {
            response = std::move(*answer);
        } else {
            log_failure(request, answer.error());
            response = problem(request, answer.error());
        }
    }
    if (!match.route->options.request_id) response.without_request_id = true;
    co_return response;
}

awaitable<Response> answer_safely(const Handler& handler, Request& request) {
    std::string what;
    try {
        co_return co_await handler(request);
    } catch (const boost::system::system_error& error) {
        if (error.code() == asio::error::operation_aborted) throw;
        what = error.what();
    } catch (const std::exception& error) {
        what = error.what();
    } catch (...) {
        what = "unknown";
    }
    log::error(
        request.caller.call, "http.handler.threw", {{"route", request.route}, {"error", what}}
    );
    auto response = problem(request, Error(Errc::internal, what));
    response.close = true;
    co_return response;
}

Handler with_request_id(Handler next, std::size_t longest) {
    return [next = std::move(next), longest](Request& request) {
        return identified(next, longest, request);
    };
}

Handler with_access_log(Handler next) {
    return [next = std::move(next)](Request& request) { return logged(next, request); };
}

std::string choose_request_id(std::string_view offered) {
    constexpr std::string_view prefix = "req-";
    const bool usable = !offered.empty() && std::ranges::all_of(offered, [](char c) {
        return is_alpha(c) || is_digit(c) || c == '.' || c == '_' || c == '-';
    });
    if (!usable) return std::string(prefix) + new_uuid();
    return offered.starts_with(prefix) ? std::string(offered)
                                       : std::string(prefix) + std::string(offered);
}

}  // namespace slipway::http
