#pragma once

#include "http/request.h"
#include "http/response.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::http {

using RouteHandler = std::function<awaitable<Result<Response>>(Request&)>;

// What a route takes as its body.
enum class BodyRule {
    refused,  // 400 when there is one
    ignored,
    taken,
};

// Where a route differs from others.
struct RouteOptions {
    bool request_id = true;  // its answers carry x-openstack-request-id
    // Named in Allow. A path none of whose methods is named answers other methods with 404, not
    // 405.
    bool in_allow = true;
};

struct Route {
    std::string method;
    std::string path;  // template: /v2/images/{image_id}/file
    BodyRule body = BodyRule::refused;
    RouteHandler handler;
    RouteOptions options;
};

// What a path leads to: a handler, 404, 405 with Allow, 501, or 400; for OPTIONS 200, with Allow
// where the path is known. Valid as long as the router.
struct RouteMatch {
    const Route* route = nullptr;
    int status = 404;                  // without a route
    std::vector<std::string> allowed;  // methods of the path, for Allow
    std::map<std::string, std::string, std::less<>> params;
};

// Path templates to handlers. Where several match, the one added first.
//
// A segment is percent-decoded once, after splitting; one that then holds '/', '\\' or NUL, or is
// "." or "..", leads nowhere; so does an empty one, but for a doubled slash after the version
// (/v2//images). A path that is no percent-encoded UTF-8 is answered 400.
class Router {
public:
    void add(
        std::string method,
        std::string path,
        BodyRule body,
        RouteHandler handler,
        RouteOptions options = {}
    );
    [[nodiscard]] std::vector<const Route*> routes() const;  // in the order of add()
    [[nodiscard]] RouteMatch match(std::string_view method, std::string_view raw_path) const;

private:
    struct Entry;
    std::vector<std::shared_ptr<const Entry>> entries_;
};

}  // namespace slipway::http
