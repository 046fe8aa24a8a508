#include "vsphere/client.h"

#include "base/log.h"
#include "vsphere/methods.h"
#include "vsphere/task.h"

namespace slipway::vsphere {

struct VimClient::Impl {
    Impl(
        VimClient& client,
        asio::any_io_executor executor,
        std::unique_ptr<HttpTransport> wire,
        VimClientOptions given
    )
        : options(std::move(given)),
          transport(std::move(wire)),
          http(
              *transport,
              HttpRoundTripperOptions{
                  .server = options.server,
                  .trust = options.trust,
                  .call_timeout = options.call_timeout,
              }
          ),
          retry(http, options.retry),
          session(retry, Credentials{options.username, options.password}),
          relogin(retry, session),
          tasks(std::move(executor), client) {}

    VimClientOptions options;
    std::unique_ptr<HttpTransport> transport;
    HttpRoundTripper http;
    RetryRoundTripper retry;
    Session session;
    ReloginRoundTripper relogin;
    std::mutex mutex;
    std::shared_ptr<const ServiceContent> content;  // guarded by mutex
    TaskWatcher tasks;
};

VimClient::VimClient(asio::any_io_executor executor, VimClientOptions options)
    : VimClient(executor, make_http_transport(executor, {}), std::move(options)) {}

VimClient::VimClient(
    asio::any_io_executor executor,
    std::unique_ptr<HttpTransport> transport,
    VimClientOptions options
)
    : impl_(std::make_unique<Impl>(
          *this, std::move(executor), std::move(transport), std::move(options)
      )) {}

VimClient::~VimClient() = default;

awaitable<Result<std::shared_ptr<const ServiceContent>>> VimClient::service_content(const Call& call
) {
    {
        const std::lock_guard lock(impl_->mutex);
        if (impl_->content) co_return impl_->content;
    }
    const auto request = methods::bare("RetrieveServiceContent", methods::service_instance());
    SLIPWAY_CO_TRY(const auto reply, co_await impl_->retry.round_trip(request, call));
    SLIPWAY_CO_TRY(const auto value, reply.required_returnval());
    SLIPWAY_CO_TRY(auto content, read_service_content(value));
    impl_->session.set_session_manager(content.session_manager);
    const std::lock_guard lock(impl_->mutex);
    impl_->content = std::make_shared<const ServiceContent>(std::move(content));
    co_return impl_->content;
}

awaitable<Result<SoapReply>> VimClient::call(const SoapRequest& request, const Call& call) {
    SLIPWAY_CO_CHECK(co_await service_content(call));
    co_return co_await impl_->relogin.round_trip(request, call);
}

awaitable<Result<SessionTicket>> VimClient::session(const Call& call) {
    SLIPWAY_CO_CHECK(co_await service_content(call));
    co_return co_await impl_->session.ensure(call);
}

void VimClient::session_expired(std::uint64_t generation) {
    impl_->session.expire(generation);
}

std::uint64_t VimClient::generation() const {
    return impl_->session.generation();
}

void VimClient::set_credentials(Credentials credentials) {
    impl_->session.set_credentials(std::move(credentials));
}

awaitable<void> VimClient::keep_alive() {
    const auto request = methods::current_time();
    while (true) {
        co_await sleep_for(impl_->options.keep_alive_every);
        if (!impl_->session.logged_in()) continue;
        const Call call{.request_id = "keep-alive"};
        const auto reply = co_await this->call(request, call);
        if (!reply) {
            log::warning(
                call,
                "vsphere.session.unconfirmed",
                {{"reason", reply.error().reason}, {"error", reply.error().message}}
            );
        }
    }
}

awaitable<void> VimClient::close(const Call& call) {
    co_await impl_->tasks.stop();
    const auto ended = co_await impl_->session.logout(call);
    if (!ended) {
        log::warning(call, "vsphere.session.left_open", {{"error", ended.error().message}});
    }
}

const VimClientOptions& VimClient::options() const {
    return impl_->options;
}
HttpTransport& VimClient::transport() {
    return *impl_->transport;
}
TaskWatcher& VimClient::tasks() {
    return impl_->tasks;
}

}  // namespace slipway::vsphere
