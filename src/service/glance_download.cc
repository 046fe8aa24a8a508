#include "service/glance_download.h"

#include "base/json.h"

#include <algorithm>
#include <array>

namespace slipway::service {

namespace {

constexpr std::chrono::seconds kAnswerLimit{60};
constexpr std::size_t kRecordBytes = 1U << 20U;

Error unreachable() {
    return Error(
        Errc::unavailable, "The image service of the other region can not be reached; try again."
    );
}

// The body of an answer, with its connection.
class RemoteBody final : public ByteSource {
public:
    explicit RemoteBody(std::unique_ptr<net::HttpResponse> response)
        : response_(std::move(response)) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        auto got = co_await response_->body().read_some(into);
        if (!got && got.error().code != Errc::cancelled)
            co_return Error(
                Errc::unavailable, "The data from the other region broke off; try again."
            );
        co_return got;
    }

private:
    std::unique_ptr<net::HttpResponse> response_;
};

struct RemoteImage {
    std::uint64_t size_bytes = 0;
    std::string disk_format;
    std::string container_format;
    std::map<std::string, std::string> properties;
};

bool is_taken_over(std::string_view name, const std::vector<std::string>& beginnings) {
    return !name.starts_with("os_glance") &&
           std::ranges::any_of(beginnings, [&](const std::string& beginning) {
               return name.starts_with(beginning);
           });
}

Result<RemoteImage> read_record(const std::string& text, const std::vector<std::string>& taken) {
    const Error odd(Errc::unavailable, "The other region's answer is no image.");
    const auto document = json::Document::parse(text);
    if (!document || !document->root().is_object()) return odd;
    const json::Value record = document->root();
    const auto status = record.optional_string("status");
    if (!status || *status != "active")
        return Error(Errc::conflict, "The image in the other region is not active.");
    RemoteImage image;
    const auto size = record.find("size");
    if (!size || !size->is_integer() || size->integer() < 0) return odd;
    image.size_bytes = static_cast<std::uint64_t>(size->integer());
    SLIPWAY_TRY(image.disk_format, record.required_string("disk_format"));
    SLIPWAY_TRY(image.container_format, record.required_string("container_format"));
    for (const auto& [name, value] : record.members())
        if (value.is_string() && is_taken_over(name, taken))
            image.properties.emplace(std::string(name), std::string(value.string()));
    return image;
}

// The image as it becomes here: the other one's formats and properties, and of our own properties
// those that are none of the kinds that are taken over.
void take_over(Image& image, const RemoteImage& remote, const std::vector<std::string>& taken) {
    image.disk_format = remote.disk_format;
    image.container_format = remote.container_format;
    std::erase_if(image.properties, [&](const auto& property) {
        return is_taken_over(property.first, taken);
    });
    for (const auto& [name, value] : remote.properties) image.properties[name] = value;
}

}  // namespace

awaitable<Result<void>> GlanceDownload::check(
    const Caller& caller, const ImportRequest& /*request*/, TaskRecord& task
) {
    if (caller.identity.token.empty())
        co_return Error(
            Errc::forbidden, "glance-download needs the caller's token, and there is none."
        );
    task.server = with_.server;
    const std::lock_guard lock(mutex_);
    tokens_[task.id] = caller.identity.token;
    co_return Result<void>();
}

void GlanceDownload::forget(const TaskId& task) {
    const std::lock_guard lock(mutex_);
    tokens_.erase(task);
}

awaitable<Result<std::unique_ptr<net::HttpResponse>>> GlanceDownload::get(
    const std::string& url, const Secret& token, const Call& call
) const {
    SLIPWAY_CO_TRY(const net::Url target, net::check_uri(with_.filter, url));
    net::HttpRequest request;
    request.url = target;
    request.headers.emplace_back("X-Auth-Token", token.reveal());
    request.fresh_connection = true;
    SLIPWAY_CO_TRY(request.addresses, co_await net::resolve_host(target.host));
    for (const auto& address : request.addresses)
        if (!net::may_be_at(with_.filter, target.host, address)) co_return unreachable();
    auto response =
        co_await with_.client.send(std::move(request), with_.trust, call.within(kAnswerLimit));
    if (!response) co_return unreachable();
    const int status = (*response)->status();
    if (status == 404 || status == 403 || status == 401)
        co_return Error(
            Errc::not_found, "The image is not in the other region, or not for you to download."
        );
    if (status != 200) co_return unreachable();
    co_return std::move(*response);
}

awaitable<Result<FetchedData>> GlanceDownload::fetch(
    const TaskRecord& task, const ImportRequest& request, const Call& call
) {
    Secret token;
    {
        const std::lock_guard lock(mutex_);
        const auto found = tokens_.find(task.id);
        if (found != tokens_.end()) {
            token = std::move(found->second);
            tokens_.erase(found);
        }
    }
    if (token.empty())
        co_return Error(
            Errc::unavailable,
            "The server that held the caller's token has ended; import the image again."
        );
    const std::string interface =
        request.service_interface.empty() ? "public" : request.service_interface;
    SLIPWAY_CO_TRY(
        std::string endpoint, co_await with_.find_endpoint(request.region, interface, call)
    );
    while (endpoint.ends_with('/')) endpoint.pop_back();
    if (!endpoint.ends_with("/v2")) endpoint += "/v2";
    const std::string url = endpoint + "/images/" + request.remote_image;
    SLIPWAY_CO_TRY(const auto record, co_await get(url, token, call));
    SLIPWAY_CO_TRY(const std::string text, co_await record->read_text(kRecordBytes));
    SLIPWAY_CO_TRY(const RemoteImage remote, read_record(text, with_.extra_properties));
    SLIPWAY_CO_TRY(auto body, co_await get(url + "/file", token, call));
    FetchedData data;
    data.size_bytes = remote.size_bytes;
    data.body = std::make_unique<RemoteBody>(std::move(body));
    data.change = [remote, taken = with_.extra_properties](Image& image) {
        take_over(image, remote, taken);
    };
    co_return data;
}

}  // namespace slipway::service
