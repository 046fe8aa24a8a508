#include "tests/integration/vsphere_fixture.h"

#include "tests/support/run.h"

#include <boost/asio/this_coro.hpp>

namespace slipway::vsphere::test {

VimClientOptions VSphere::client_options() {
    VimClientOptions options;
    options.server = net::parse_url(vcenter().url()).value();
    options.username = "user";
    options.password = Secret("pass");
    options.trust.ca_file = vcenter().ca_file();
    options.update_wait = std::chrono::seconds(5);
    return options;
}

void VSphere::with_client(std::function<awaitable<void>(VimClient&)> body) {
    auto whole = [](std::function<awaitable<void>(VimClient&)> inner) -> awaitable<void> {
        VimClient client(co_await asio::this_coro::executor, client_options());
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

}  // namespace slipway::vsphere::test
