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

struct Route {
    std::string method;
    std::string path;  // template: /v2/images/{image_id}/file
    BodyRule body = BodyRule::refused;
    RouteHandler handler;
};

// What a path leads to: a handler, 404, 405 with Allow, or 501.
struct RouteMatch {
    const Route* route = nullptr;
    int status = 404;                  // without a route
    std::vector<std::string> allowed;  // methods of the path, for 405
    std::map<std::string, std::string, std::less<>> params;
};

// Path templates to handlers. A segment is percent-decoded once, after splitting; one that then holds
// '/', '\\', NUL or invalid UTF-8, or is "." or "..", leads nowhere.
class Router {
public:
    void add(std::string method, std::string path, BodyRule body, RouteHandler handler);
    [[nodiscard]] RouteMatch match(std::string_view method, std::string_view raw_path) const;

private:
    struct Entry;
    std::vector<std::shared_ptr<const Entry>> entries_;
};

}  // namespace slipway::http
