#include "service/object_service.h"

#include "format/inspector.h"
#include "service/policy.h"

#include <algorithm>

namespace slipway::service {

namespace {

constexpr std::size_t kHeadBytes = format::Inspector::kEarlyBytes;
constexpr std::chrono::seconds kGrace{10};

bool is_object_name(std::string_view name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    };
    return !name.empty() && name.size() <= 64 && name.front() != '.' &&
           std::ranges::all_of(name, fits);
}

// Bytes that were read to be looked at, and the rest.
class HeadAndRest final : public ByteSource {
public:
    HeadAndRest(std::span<const std::byte> head, ByteSource& rest) : head_(head), rest_(rest) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        if (head_.empty()) co_return co_await rest_.read_some(into);
        const std::size_t count = std::min(into.size(), head_.size());
        std::copy_n(head_.begin(), count, into.begin());
        head_ = head_.subspan(count);
        co_return count;
    }

private:
    std::span<const std::byte> head_;
    ByteSource& rest_;
};

// An OVA is a tar whose first member is an OVF.
bool begins_as_ova(std::span<const std::byte> head) {
    constexpr std::size_t kNameBytes = 100;
    constexpr std::size_t kMagicAt = 257;
    if (head.size() < 512) return false;
    const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
    std::string_view name = text.substr(0, kNameBytes);
    name = name.substr(0, name.find('\0'));
    return text.substr(kMagicAt, 5) == "ustar" && name.ends_with(".ovf");
}

// The record that the bytes would have as an image.
void take_formats(Image& image, const format::Inspection& found, bool is_ova) {
    image.container_format = is_ova ? "ova" : "bare";
    const bool is_raw = found.format == format::DiskFormat::gpt ||
                        found.format == format::DiskFormat::luks ||
                        found.format == format::DiskFormat::qed;
    image.disk_format = is_raw ? "raw" : std::string(to_string(found.format));
    if (is_ova) image.disk_format = "vmdk";
}

}  // namespace

awaitable<Result<StoredObject>> ObjectService::describe(
    const Image& image, const BackendId& store
) {
    StoredObject object;
    object.size_bytes = image.size_bytes.value_or(0);
    object.checksum = image.checksum.value_or("");
    object.os_hash_algo = image.os_hash_algo.value_or("");
    object.os_hash_value = image.os_hash_value.value_or("");
    SLIPWAY_CO_TRY(store::Backend* const backend, with_.backends.find(store));
    SLIPWAY_CO_TRY(const auto locations, co_await with_.catalog.live_locations(image.id));
    for (const Location& location : locations)
        if (location.holds_upload() && location.data_offset == 0 && object.url.empty())
            object.url = backend->location_url(location);
    co_return object;
}

awaitable<Result<StoredObject>> ObjectService::put(
    const Caller& caller,
    const BackendId& store,
    const std::string& object,
    std::optional<std::uint64_t> expected_bytes,
    ByteSource& body
) {
    SLIPWAY_CO_CHECK(with_.policy.authorize(Action::slipway_object, caller.identity, {}));
    SLIPWAY_CO_TRY(store::Backend* const backend, with_.backends.find(store));
    if (!is_object_name(object))
        co_return Error(
            Errc::invalid_argument,
            "An object's name has up to 64 letters, digits, '-', '_' and '.', and begins with none "
            "of the last."
        );
    std::vector<std::byte> head(kHeadBytes);
    SLIPWAY_CO_TRY(const std::size_t got, co_await read_full(body, head));
    head.resize(got);
    format::Inspector inspector;
    inspector.see(head);
    Image image;
    image.id = ImageId(new_uuid());
    image.visibility = Visibility::private_;
    take_formats(
        image, inspector.early_verdict().value_or(inspector.finish()), begins_as_ova(head)
    );
    if (image.disk_format == "raw") image.properties["slipway_boot_form"] = "flat";
    SLIPWAY_CO_TRY(image, co_await with_.catalog.create_object(store, object, std::move(image)));

    HeadAndRest whole(head, body);
    const ImageId id = image.id;
    auto stored =
        co_await with_.data.store(caller, std::move(image), *backend, expected_bytes, whole);
    if (!stored) {
        static_cast<void>(co_await with_.catalog.delete_image(id, kGrace));
        co_return stored.error();
    }
    SLIPWAY_CO_TRY(const Image kept, co_await with_.catalog.find_any_image(id));
    co_return co_await describe(kept, store);
}

awaitable<Result<StoredObject>> ObjectService::find(
    const Caller& caller, const BackendId& store, const std::string& object
) {
    SLIPWAY_CO_CHECK(with_.policy.authorize(Action::slipway_object, caller.identity, {}));
    SLIPWAY_CO_TRY(const Image image, co_await with_.catalog.find_object(store, object));
    if (image.status != ImageStatus::active)
        co_return Error(Errc::not_found, "The object is not complete yet.");
    co_return co_await describe(image, store);
}

awaitable<Result<std::unique_ptr<ByteSource>>> ObjectService::open(
    const Caller& caller, const BackendId& store, const std::string& object, ByteRange range
) {
    SLIPWAY_CO_CHECK(with_.policy.authorize(Action::slipway_object, caller.identity, {}));
    SLIPWAY_CO_TRY(const Image image, co_await with_.catalog.find_object(store, object));
    DownloadOffer offer;
    offer.face = image;
    offer.face.boot_form.reset();  // always the bytes as they came
    SLIPWAY_CO_TRY(offer.locations, co_await with_.catalog.live_locations(image.id));
    offer.size_bytes = image.size_bytes.value_or(0);
    co_return co_await with_.data.open(caller, offer, range);
}

awaitable<Result<void>> ObjectService::remove(
    const Caller& caller, const BackendId& store, const std::string& object
) {
    SLIPWAY_CO_CHECK(with_.policy.authorize(Action::slipway_object, caller.identity, {}));
    SLIPWAY_CO_TRY(const Image image, co_await with_.catalog.find_object(store, object));
    SLIPWAY_CO_CHECK(co_await with_.catalog.delete_image(image.id, kGrace));
    with_.on_deleted(image.id);
    co_return Result<void>();
}

}  // namespace slipway::service
