#include "tests/unit/vsphere/fake_server.h"

#include "tests/support/run.h"

#include <boost/asio/this_coro.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace slipway::vsphere::test {
namespace {

constexpr std::string_view kEnvelope =
    R"(<?xml version="1.0" encoding="UTF-8"?>)"
    R"(<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/")"
    R"( xmlns:xsd="http://www.w3.org/2001/XMLSchema")"
    R"( xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>)";
constexpr std::string_view kEnd = "</soapenv:Body></soapenv:Envelope>";

constexpr std::string_view kContent =
    R"(<returnval><rootFolder type="Folder">group-d1</rootFolder>)"
    R"(<propertyCollector type="PropertyCollector">propertyCollector</propertyCollector>)"
    R"(<viewManager type="ViewManager">ViewManager</viewManager>)"
    R"(<about><name>VMware vCenter Server</name><fullName>VMware vCenter Server 8</fullName>)"
    R"(<version>8.0.2</version><apiType>VirtualCenter</apiType><apiVersion>8.0.2.0</apiVersion>)"
    R"(<instanceUuid>dbed6e0c-bd88-4ef6-b594-21283e1c677f</instanceUuid></about>)"
    R"(<sessionManager type="SessionManager">SessionManager</sessionManager>)"
    R"(<virtualDiskManager type="VirtualDiskManager">virtualDiskManager</virtualDiskManager>)"
    R"(<fileManager type="FileManager">FileManager</fileManager>)"
    R"(<searchIndex type="SearchIndex">SearchIndex</searchIndex>)"
    R"(<datastoreNamespaceManager type="DatastoreNamespaceManager">DatastoreNamespaceManager)"
    R"(</datastoreNamespaceManager>)"
    R"(<vStorageObjectManager type="VcenterVStorageObjectManager">VStorageObjectManager)"
    R"(</vStorageObjectManager></returnval>)";

constexpr std::string_view kVersions =
    R"(<namespaces version="1.0"><namespace><name>urn:vim25</name><version>8.0.2.0</version>)"
    R"(<priorVersions><version>8.0.1.0</version></priorVersions></namespace></namespaces>)";

class FakeResponse final : public net::HttpResponse {
public:
    explicit FakeResponse(Answer answer) : answer_(std::move(answer)), body_(answer_.body) {}

    [[nodiscard]] int status() const override { return answer_.status; }
    [[nodiscard]] std::string_view header(std::string_view name) const override {
        for (const auto& [key, value] : answer_.headers)
            if (key == name) return value;
        return {};
    }
    [[nodiscard]] std::vector<std::string> header_values(std::string_view name) const override {
        std::vector<std::string> values;
        for (const auto& [key, value] : answer_.headers)
            if (key == name) values.push_back(value);
        return values;
    }
    [[nodiscard]] std::optional<std::uint64_t> content_length() const override {
        if (const auto text = header("Content-Length"); !text.empty())
            return std::stoull(std::string(text));
        return answer_.body.size();
    }
    ByteSource& body() override { return body_; }

private:
    Answer answer_;
    TextSource body_;
};

class FakeTransport final : public HttpTransport {
public:
    explicit FakeTransport(FakeServer& server) : server_(server) {}

    awaitable<Result<std::unique_ptr<net::HttpResponse>>>
    send(net::HttpRequest request, const net::TlsTrust& trust, const Call&) override {
        return server_.take(std::move(request), trust);
    }

private:
    FakeServer& server_;
};

awaitable<Result<std::string>> read_all(ByteSource* source) {
    std::string text;
    std::array<std::byte, 4096> buffer{};
    while (source) {
        SLIPWAY_CO_TRY(const auto count, co_await source->read_some(buffer));
        if (count == 0) break;
        text.append(reinterpret_cast<const char*>(buffer.data()), count);
    }
    co_return text;
}

}  // namespace

std::string Seen::header(std::string_view name) const {
    for (const auto& [key, value] : headers)
        if (key == name) return value;
    return {};
}

std::string Seen::soap_body() const {
    const auto begin = body.find("<e:Body>");
    const auto end = body.find("</e:Body>");
    if (begin == body.npos || end == body.npos) return {};
    return body.substr(begin + 8, end - begin - 8);
}

std::string Seen::soap_method() const {
    const auto inner = soap_body();
    if (inner.empty()) return {};
    return inner.substr(1, inner.find(' ') - 1);
}

Answer soap(std::string_view method, std::string_view inner) {
    Answer answer;
    answer.body.append(kEnvelope).append("<").append(method);
    answer.body.append("Response xmlns=\"urn:vim25\">").append(inner).append("</").append(method);
    answer.body.append("Response>").append(kEnd);
    return answer;
}

Answer soap_fault(std::string_view name, std::string_view inside) {
    Answer answer;
    answer.status = 500;
    answer.body.append(kEnvelope)
        .append(
            "<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>text</faultstring>"
        )
        .append("<detail><")
        .append(name)
        .append("Fault xmlns=\"urn:vim25\" xsi:type=\"")
        .append(name)
        .append("\">")
        .append(inside)
        .append("</")
        .append(name)
        .append("Fault></detail></soapenv:Fault>")
        .append(kEnd);
    return answer;
}

FakeServer::FakeServer() {
    on("RetrieveServiceContent", soap("RetrieveServiceContent", kContent));
    on("Login", [this](const Seen&) {
        ++logins;
        live = true;
        auto answer = soap("Login", "<returnval><key>52</key></returnval>");
        answer.headers.emplace_back(
            "Set-Cookie",
            "vmware_soap_session=\"s" + std::to_string(logins) + "\"; Path=/; HttpOnly; Secure; "
        );
        return answer;
    });
    on("Logout", soap("Logout"));
    on("CurrentTime", [this](const Seen&) {
        if (!live) return soap_fault("NotAuthenticated");
        return soap("CurrentTime", "<returnval>2026-08-01T12:00:00Z</returnval>");
    });
}

void FakeServer::on(std::string method, Answer answer) {
    on(std::move(method), [answer = std::move(answer)](const Seen&) { return answer; });
}

void FakeServer::on(std::string method, Handler handler) {
    handlers_[std::move(method)] = std::move(handler);
}

void FakeServer::next(const std::string& method, Answer answer) {
    next_[method].push_back(std::move(answer));
}

std::vector<Seen> FakeServer::calls(std::string_view method) const {
    std::vector<Seen> found;
    for (const auto& request : seen)
        if (request.soap_method() == method) found.push_back(request);
    return found;
}

Answer FakeServer::answer(const Seen& request) {
    if (request.target == "/sdk/vimServiceVersions.xml")
        return Answer{.body = std::string(kVersions)};
    const auto method = request.soap_method();
    if (method.empty()) {
        if (http_) return http_(request);
        ADD_FAILURE() << "unexpected " << request.http_method << " " << request.target;
        return Answer{.status = 404};
    }
    if (auto& queue = next_[method]; !queue.empty()) {
        auto first = std::move(queue.front());
        queue.pop_front();
        return first;
    }
    const auto handler = handlers_.find(method);
    if (handler != handlers_.end()) return handler->second(request);
    ADD_FAILURE() << "nobody taught the server " << method;
    return soap_fault("MethodNotFound");
}

awaitable<Result<std::unique_ptr<net::HttpResponse>>> FakeServer::take(
    net::HttpRequest request, const net::TlsTrust& trust
) {
    Seen in{
        .http_method = request.method,
        .host = request.url.authority(),
        .target = request.url.target,
        .headers = request.headers,
        .body = {},
        .trust = trust,
        .fresh_connection = request.fresh_connection,
    };
    // A SOAP call is read first, since its answer hangs on it; a transfer may be refused unread.
    if (in.target == "/sdk") {
        SLIPWAY_CO_TRY(in.body, co_await read_all(request.body));
    }
    auto out = answer(in);
    if (in.target != "/sdk" && !out.body_unread) {
        SLIPWAY_CO_TRY(in.body, co_await read_all(request.body));
    }
    seen.push_back(std::move(in));
    if (out.delay.count() > 0) co_await sleep_for(out.delay);
    if (out.failure) co_return *out.failure;
    co_return std::make_unique<FakeResponse>(std::move(out));
}

std::unique_ptr<HttpTransport> transport_to(FakeServer& server) {
    return std::make_unique<FakeTransport>(server);
}

VimClientOptions fake_options() {
    VimClientOptions options;
    options.server.host = "vc.example";
    options.username = "svc@vsphere.local";
    options.password = Secret("p<w");
    options.retry = {
        .attempts = 3,
        .base_delay = std::chrono::milliseconds(1),
        .max_delay = std::chrono::milliseconds(2)};
    return options;
}

void with_client(FakeServer& server, std::function<awaitable<void>(VimClient&)> body) {
    auto whole = [](FakeServer& fake,
                    std::function<awaitable<void>(VimClient&)> inner) -> awaitable<void> {
        VimClient client(co_await asio::this_coro::executor, transport_to(fake), fake_options());
        co_await inner(client);
        co_await client.close(kCall);
    };
    slipway::test::run(whole(server, std::move(body)));
}

}  // namespace slipway::vsphere::test
