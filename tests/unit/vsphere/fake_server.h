#pragma once

#include "vsphere/client.h"

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::vsphere::test {

// A request as it came in, its body read to the end.
struct Seen {
    std::string http_method;
    std::string host;
    std::string target;
    net::Headers headers;
    std::string body;
    net::TlsTrust trust;
    bool fresh_connection = false;

    [[nodiscard]] std::string header(std::string_view name) const;
    // Name of the SOAP method, and the XML inside <Body>; empty for other requests.
    [[nodiscard]] std::string soap_method() const;
    [[nodiscard]] std::string soap_body() const;
};

struct Answer {
    int status = 200;
    std::string body;
    net::Headers headers;
    std::optional<Error> failure;  // instead of an answer
    bool body_unread = false;      // fail before anything of the request's body is read
    std::chrono::milliseconds delay{0};
};

// A SOAP answer: <methodResponse xmlns="urn:vim25">inner</methodResponse>.
Answer soap(std::string_view method, std::string_view inner = {});
Answer soap_fault(std::string_view name, std::string_view inside = {});

// A vCenter in the place of the wire: logs in, knows its ServiceContent, and answers what a test
// taught it. A method that it was not taught is a failure of the test.
class FakeServer {
public:
    using Handler = std::function<Answer(const Seen&)>;

    FakeServer();

    // Answers every call of a SOAP method.
    void on(std::string method, Answer answer);
    void on(std::string method, Handler handler);
    // Answers the next call of it, before what on() says.
    void next(const std::string& method, Answer answer);
    // Answers what is no SOAP.
    void on_http(Handler handler) { http_ = std::move(handler); }

    awaitable<Result<std::unique_ptr<net::HttpResponse>>> take(
        net::HttpRequest request, const net::TlsTrust& trust
    );

    [[nodiscard]] std::vector<Seen> calls(std::string_view method) const;
    [[nodiscard]] std::size_t count(std::string_view method) const { return calls(method).size(); }

    std::vector<Seen> seen;
    int logins = 0;
    bool live = false;  // whether the last session is accepted

private:
    Answer answer(const Seen& request);

    std::map<std::string, Handler> handlers_;
    std::map<std::string, std::deque<Answer>> next_;
    Handler http_;
};

std::unique_ptr<HttpTransport> transport_to(FakeServer& server);
VimClientOptions fake_options();

// Runs `body` with a client of `server`, and closes it.
void with_client(FakeServer& server, std::function<awaitable<void>(VimClient&)> body);

// What every test calls on behalf of.
inline const Call kCall{.request_id = "req-1", .deadline = kNoDeadline};

}  // namespace slipway::vsphere::test
