#include "tests/unit/service/services.h"

#include "base/digest.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <utility>

namespace slipway::test {

namespace {

std::unique_ptr<store::Catalog> open_catalog(const TemporaryFolder& folder, const Clock& clock) {
    store::CatalogOptions options;
    options.connection = "sqlite:///" + folder.file("catalog.db");
    return store::Catalog::open(options, clock).value();
}

std::vector<std::unique_ptr<MemoryBackend>> more_backends(const ServicesOptions& options) {
    std::vector<std::unique_ptr<MemoryBackend>> backends;
    for (const MemoryBackendOptions& store : options.more_stores)
        backends.push_back(std::make_unique<MemoryBackend>(store));
    return backends;
}

store::BackendSet set_of(
    store::Backend& inner,
    const std::vector<std::unique_ptr<MemoryBackend>>& more,
    const ServicesOptions& options
) {
    std::vector<std::unique_ptr<store::Backend>> backends;
    backends.push_back(std::make_unique<FaultyBackend>(inner, options.failing_call, options.moment)
    );
    for (const auto& backend : more)
        backends.push_back(std::make_unique<FaultyBackend>(
            *backend, std::numeric_limits<int>::max(), FailureMoment::before
        ));
    return {std::move(backends), !more.empty()};
}

}  // namespace

Services::Services(const ServicesOptions& options)
    : memory(options.store),
      more(more_backends(options)),
      catalog(open_catalog(folder, clock)),
      backends(set_of(memory, more, options)),
      schema({"raw", "qcow2", "vmdk", "iso", "vhd", "vhdx", "vdi"}, {"bare", "ova"}),
      pool(1),
      group(context.get_executor()),
      images(
          {*catalog,
           backends,
           policy,
           schema,
           {},
           [this](const ImageId& id) { transfers.stop_uploads(id); }}
      ),
      runner({*catalog, group, "server"}),
      importer(
          {*catalog,
           backends,
           pool,
           "server",
           [this](const Image&, const Location& disk, const Call&) -> awaitable<void> {
               imported.push_back(disk);
               co_return;
           }}
      ),
      boot_forms({*catalog, backends, pool, importer, "server", [] {}}),
      activation(
          {*catalog,
           transfers,
           boot_forms,
           importer,
           options.wait_for_boot_form,
           [this] { ++garbage_notices; },
           [this](
               const Image& image,
               const Location& disk,
               const std::function<bool()>& stopped,
               const Call& call
           ) -> awaitable<void> {
               if (before_active) co_await before_active(image, disk, stopped, call);
           },
           [this](const ImageId& id, const Call&) -> awaitable<void> {
               activated.push_back(id);
               co_return;
           }}
      ),
      data(
          {*catalog,
           backends,
           policy,
           transfers,
           pool,
           group,
           "server",
           options.rules,
           [this] { ++garbage_notices; },
           activation}
      ),
      objects({*catalog, backends, policy, data, [](const ImageId&) {}}),
      copies(
          {*catalog,
           backends,
           policy,
           runner,
           pool,
           "server",
           [] {},
           [this](const Image& image, const Location& copy, const Call& call) {
               return boot_forms.follow_copy(image, copy, call);
           }}
      ),
      plugins(backends, data, options.plugins),
      imports(
          {*catalog,
           backends,
           policy,
           runner,
           data,
           copies,
           activation,
           images,
           options.rules.formats,
           [this] { ++garbage_notices; },
           options.fetchers,
           &plugins}
      ),
      collector(*catalog, backends, transfers, group) {
    if (!await(catalog->begin_server("server"))) throw std::runtime_error("begin_server failed");
}

void Services::run(awaitable<void> body) {
    std::exception_ptr thrown;
    asio::co_spawn(context, std::move(body), [&thrown](std::exception_ptr error) {
        thrown = error;
    });
    context.restart();
    context.run();
    if (thrown) std::rethrow_exception(thrown);
}

ImageId Services::create_image(Image image) {
    image.owner = "owner";
    if (image.id.empty()) image.id = ImageId(new_uuid());
    return await(images.create(member_of("owner"), std::move(image))).value().image.id;
}

ImageId Services::create_image(
    const std::string& disk_format, const std::string& container_format
) {
    Image image;
    image.disk_format = disk_format;
    image.container_format = container_format;
    return create_image(std::move(image));
}

Result<void> Services::upload(const ImageId& id, std::string body) {
    const std::size_t bytes = body.size();
    PiecewiseSource source(std::move(body));
    return upload(id, source, bytes);
}

Result<void> Services::upload(
    const ImageId& id, ByteSource& body, std::optional<std::uint64_t> announced
) {
    const Caller caller = member_of("owner");
    const service::UploadRequest request{id, announced, std::nullopt};
    return await(data.upload(caller, request, body));
}

Result<std::string> Services::download(
    const Caller& caller, const ImageId& id, std::optional<ByteRange> range
) {
    SLIPWAY_TRY(const auto offer, await(data.offer(caller, id)));
    const ByteRange whole{0, offer.size_bytes};
    SLIPWAY_TRY(auto source, await(data.open(caller, offer, range.value_or(whole))));
    std::string text(range.value_or(whole).length + 1, '\0');
    const auto into = std::as_writable_bytes(std::span(text));
    SLIPWAY_TRY(const std::size_t got, await(read_full(*source, into)));
    text.resize(got);
    return text;
}

Image Services::image(const ImageId& id) {
    return await(catalog->find_image(id)).value();
}

std::vector<TaskRecord> Services::tasks() {
    return await(catalog->list_tasks({}, {}, {}, 100)).value();
}

Result<Account> Services::run_task(
    TaskRecord task,
    const std::function<
        awaitable<Result<Account>>(const TaskRecord&, store::CloneProgress&, const Call&)>& handler
) {
    SLIPWAY_TRY(const auto claimed, await(catalog->claim_task("server", {})));
    store::CloneProgress progress;
    progress.report = [](int) {};
    progress.cancelled = [] { return false; };
    progress.save = [](std::string) -> awaitable<Result<void>> { co_return Result<void>(); };
    auto account = await(handler(task, progress, Call()));
    std::optional<Error> error;
    if (!account) error = account.error();
    SLIPWAY_CHECK(await(catalog->finish_task(
        task.id,
        "server",
        account ? TaskStatus::success : TaskStatus::failure,
        error,
        account ? std::optional(*account) : std::nullopt
    )));
    return account;
}

Result<void> Services::stage(const ImageId& id, std::string body) {
    const std::size_t bytes = body.size();
    PiecewiseSource source(std::move(body));
    const Caller caller = member_of("owner");
    const service::UploadRequest request{id, bytes, std::nullopt};
    return await(data.stage(caller, request, source));
}

Result<std::optional<TaskRecord>> Services::import(
    const ImageId& id, service::ImportRequest request, const Caller& caller
) {
    return await(imports.start(caller, id, std::move(request)));
}

Result<Account> Services::run_import() {
    SLIPWAY_TRY(const auto claimed, await(catalog->claim_task("server", {})));
    if (!claimed) return Error(Errc::not_found, "no import waits");
    store::CloneProgress progress;
    progress.report = [](int) {};
    progress.cancelled = [cancel = claimed->cancel_requested] { return cancel; };
    progress.save = [](std::string) -> awaitable<Result<void>> { co_return Result<void>(); };
    auto account = await(imports.run(*claimed, progress, Call()));
    std::optional<Error> error;
    if (!account) error = account.error();
    SLIPWAY_CHECK(await(catalog->finish_task(
        claimed->id,
        "server",
        account ? TaskStatus::success : TaskStatus::failure,
        error,
        account ? std::optional(*account) : std::nullopt
    )));
    return account;
}

std::vector<Location> Services::live_locations(const ImageId& id) {
    return await(catalog->live_locations(id)).value();
}

awaitable<Result<std::size_t>> PiecewiseSource::read_some(std::span<std::byte> into) {
    constexpr std::size_t kPieceBytes = 300'000;  // so that no boundary falls on a chunk's
    if (before_read_) SLIPWAY_CO_CHECK(co_await before_read_(read_));
    const std::size_t bytes = std::min({into.size(), text_.size() - read_, kPieceBytes});
    std::memcpy(into.data(), text_.data() + read_, bytes);
    read_ += bytes;
    co_return bytes;
}

Caller member_of(const std::string& project) {
    Caller caller;
    caller.call.request_id = "req-test";
    caller.identity.project = project;
    caller.identity.roles = {"reader", "member"};
    return caller;
}

Caller service_of(const std::string& project) {
    Caller caller = member_of(project);
    caller.identity.is_service = true;
    return caller;
}

Caller administrator() {
    Caller caller = member_of("admins");
    caller.identity.roles.emplace_back("admin");
    caller.identity.is_admin = true;
    return caller;
}

std::string pattern(std::size_t bytes) {
    std::string text(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>((i * 7 + i / 251) % 251);
    return text;
}

std::string md5_of(std::string_view bytes) {
    Digest digest = Digest::create("md5").value();
    digest.update(as_bytes_of(bytes));
    return digest.finish_hex();
}

}  // namespace slipway::test
