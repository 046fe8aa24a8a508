#pragma once

#include "http/server.h"

#include <chrono>
#include <string>
#include <vector>

namespace slipway::http {

// Some pages of other origins that may call us from a browser, and how: [cors] and [cors.NAME], as
// oslo.middleware reads them.
struct CorsOptions {
    std::vector<std::string> allowed_origins;  // "https://horizon.example.org"; "*" is everyone
    bool allow_credentials = true;             // not with "*"
    std::vector<std::string> expose_headers;
    std::chrono::seconds max_age{3600};
    std::vector<std::string> allow_methods;
    std::vector<std::string> allow_headers;
};

// Answers a browser's question whether it may send a request (a preflight), and adds to other
// answers what lets the page read them. Requests without Origin, and those of other origins, pass
// unchanged: it is the browser that keeps their answers from the page. Of several options those
// count that name the origin first; "*" only where none do.
Handler with_cors(std::vector<CorsOptions> options, Handler next);

}  // namespace slipway::http
