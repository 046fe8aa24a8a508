#include <gtest/gtest.h>

#include "tests/integration/vsphere_fixture.h"

#include "base/json.h"
#include "tests/support/run.h"

#include <boost/asio/this_coro.hpp>

#include <array>
#include <cstdlib>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace slipway::vsphere::test {
namespace {

std::string first_line(int from) {
    std::string line;
    char c = 0;
    while (::read(from, &c, 1) == 1 && c != '\n') line += c;
    return line;
}

class TextBody final : public ByteSource {
public:
    explicit TextBody(std::string_view text) : left_(text), size_(text.size()) {}
    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        const auto count = std::min(into.size(), left_.size());
        std::ranges::copy(as_bytes_of(left_.substr(0, count)), into.begin());
        left_.remove_prefix(count);
        co_return count;
    }
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override { return size_; }

private:
    std::string_view left_;
    std::uint64_t size_;
};

}  // namespace

std::unique_ptr<SimulatedVCenter> SimulatedVCenter::start() {
    const char* program = std::getenv("SLIPWAY_VCENTER");
    if (!program || ::access(program, X_OK) != 0) return nullptr;
    auto pattern = (std::filesystem::temp_directory_path() / "slipway-vcenter-XXXXXX").string();
    std::unique_ptr<SimulatedVCenter> vcenter(new SimulatedVCenter);
    if (!::mkdtemp(pattern.data())) return nullptr;
    vcenter->folder_ = pattern;
    if (!vcenter->launch(program)) return nullptr;
    return vcenter;
}

bool SimulatedVCenter::launch(const std::string& program) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) return false;
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    const auto state = folder_.string();
    // It ends with us, however we end: its standard input is our pipe.
    std::array<std::string, 4> words = {program, "-state", state, "-stdin-exit"};
    std::array<char*, 5> arguments = {
        words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
    const int failed =
        ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    stdin_ = in[1];
    const auto line = failed ? std::string() : first_line(out[0]);
    ::close(out[0]);
    const auto greeting = json::Document::parse(line);
    if (!greeting) return false;
    const auto root = greeting->root();
    server_ = net::parse_url(root.required_string("url").value()).value();
    control_ = net::parse_url(root.required_string("control").value()).value();
    ca_file_ = root.required_string("ca_file").value();
    esx_port_ = static_cast<std::uint16_t>(root.find("esx_port")->integer());
    return true;
}

SimulatedVCenter::~SimulatedVCenter() {
    if (stdin_ >= 0) ::close(stdin_);
    if (pid_ > 0) {
        ::kill(pid_, SIGTERM);
        ::waitpid(pid_, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

VimClientOptions SimulatedVCenter::client_options() const {
    VimClientOptions options;
    options.server = server_;
    options.username = "user";
    options.password = Secret("pass");
    options.trust.ca_file = ca_file_;
    options.update_wait = std::chrono::seconds(5);
    return options;
}

awaitable<Result<std::string>> SimulatedVCenter::control(
    std::string method, std::string target, std::string body
) {
    const auto transport = make_http_transport(co_await asio::this_coro::executor, {});
    TextBody source(body);
    net::HttpRequest request;
    request.method = std::move(method);
    request.url = control_;
    request.url.target = std::move(target);
    if (!body.empty()) request.body = &source;
    request.fresh_connection = true;
    const net::TlsTrust trust;
    const Call call;
    SLIPWAY_CO_TRY(auto response, co_await transport->send(std::move(request), trust, call));
    SLIPWAY_CO_TRY(auto text, co_await response->read_text(1U << 20U));
    if (response->status() != 200) co_return Error(Errc::internal, text);
    co_return text;
}

void VSphere::with_client(std::function<awaitable<void>(VimClient&)> body) {
    auto whole = [](std::function<awaitable<void>(VimClient&)> inner) -> awaitable<void> {
        VimClient client(co_await asio::this_coro::executor, vcenter->client_options());
        co_await inner(client);
        co_await client.close(call);
    };
    slipway::test::run(whole(std::move(body)));
}

awaitable<Result<FileTarget>> VSphere::file(
    VimClient& client, std::string datastore, std::string path
) {
    SLIPWAY_CO_TRY(auto datacenter, co_await find_datacenter(client, "DC0", call));
    SLIPWAY_CO_TRY(
        auto info, co_await find_datastore(client, datacenter.ref, std::move(datastore), call)
    );
    SLIPWAY_CO_TRY(auto full, DatastorePath::make(info.name, path));
    co_return FileTarget{std::move(datacenter), std::move(info), std::move(full)};
}

awaitable<void> VSphere::control(std::string target, std::string body) {
    const auto answer = co_await vcenter->control("POST", std::move(target), std::move(body));
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().message);
}

}  // namespace slipway::vsphere::test
