#include "tests/support/vcenter.h"

#include "base/json.h"
#include "base/stream.h"
#include "net/http_client.h"
#include "tests/support/run.h"

#include <boost/asio/this_coro.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <stdexcept>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace slipway::test {
namespace {

std::string first_line(int pipe) {
    std::string line;
    for (char c = 0; ::read(pipe, &c, 1) == 1 && c != '\n';) line += c;
    return line;
}

std::string text_of(const json::Value& object, std::string_view key) {
    return std::string(object.find(key).value().string());
}

}  // namespace

std::unique_ptr<Vcenter> Vcenter::start() {
    const char* program = std::getenv("SLIPWAY_VCENTER");
    if (!program || ::access(program, X_OK) != 0)
        throw std::runtime_error(
            "the simulated vCenter is not at $SLIPWAY_VCENTER; ./dev test builds it"
        );
    std::unique_ptr<Vcenter> self(new Vcenter);
    std::string state =
        (std::filesystem::temp_directory_path() / "slipway-vcenter-XXXXXX").string();
    if (!::mkdtemp(state.data())) throw std::runtime_error("no temporary directory");
    self->state_ = state;

    std::array<int, 2> input{};
    std::array<int, 2> output{};
    if (::pipe2(input.data(), O_CLOEXEC) != 0 || ::pipe2(output.data(), O_CLOEXEC) != 0)
        throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    // It ends with us, however we end: its standard input is our pipe.
    std::array<std::string, 4> words = {program, "-state", state, "-stdin-exit"};
    const std::array<char*, 5> arguments = {
        words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
    const int failed =
        ::posix_spawn(&self->process_, program, &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(input[0]);
    ::close(output[1]);
    self->stdin_ = input[1];
    const std::string line = failed == 0 ? first_line(output[0]) : std::string();
    ::close(output[0]);
    if (line.empty()) throw std::runtime_error("the simulated vCenter did not start");

    const auto document = json::Document::parse(line).value();
    const auto root = document.root();
    self->url_ = text_of(root, "url");
    self->control_ = text_of(root, "control");
    self->ca_file_ = text_of(root, "ca_file");
    self->esx_port_ = static_cast<std::uint16_t>(root.find("esx_port").value().integer());
    for (const auto& datacenter : root.find("datacenters").value().elements()) {
        for (const auto& datastore : datacenter.find("datastores").value().elements())
            self->datastores_.push_back(
                {text_of(datacenter, "path"),
                 text_of(datastore, "name"),
                 text_of(datastore, "type"),
                 text_of(datastore, "dir")}
            );
    }
    self->initial_settings_ = self->get("/settings");
    return self;
}

Vcenter& Vcenter::shared() {
    static const std::unique_ptr<Vcenter> instance = start();
    return *instance;
}

Vcenter::~Vcenter() {
    if (stdin_ >= 0) ::close(stdin_);
    if (process_ > 0) {
        ::kill(process_, SIGTERM);
        ::waitpid(process_, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(state_, ignored);
}

const Vcenter::Datastore& Vcenter::datastore(std::string_view datacenter, std::string_view name)
    const {
    for (const auto& datastore : datastores_)
        if (datastore.datacenter == datacenter && datastore.name == name) return datastore;
    throw std::runtime_error("no such datastore in the simulated vCenter");
}

std::string Vcenter::get(const std::string& target) const {
    return control("GET", target, "");
}

std::string Vcenter::post(const std::string& target, const std::string& json) const {
    return control("POST", target, json);
}

void Vcenter::reset() const {
    control("DELETE", "/faults", "");
    post("/settings", initial_settings_);
    control("DELETE", "/journal", "");
}

std::int64_t Vcenter::calls(const std::string& method) const {
    const auto document = json::Document::parse(get("/counters")).value();
    const auto count = document.root().find("calls").value().find(method);
    return count ? count->integer() : 0;
}

std::string Vcenter::control(
    const std::string& method, const std::string& target, const std::string& body
) const {
    auto ask = [&]() -> awaitable<std::string> {
        net::HttpClient client(co_await asio::this_coro::executor, {});
        net::HttpRequest request;
        request.method = method;
        request.url = net::parse_url(control_ + target).value();
        TextSource text(body);
        if (!body.empty()) request.body = &text;
        const net::TlsTrust trust;
        const Call call;
        auto response = co_await client.send(std::move(request), trust, call);
        auto answer = co_await response.value()->read_text(64U << 20U);
        if (response.value()->status() != 200)
            throw std::runtime_error("the control port refused: " + answer.value());
        co_return answer.value();
    };
    return run(ask());
}

}  // namespace slipway::test
