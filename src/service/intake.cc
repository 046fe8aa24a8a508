#include "service/intake.h"

#include "base/json.h"
#include "base/log.h"
#include "format/descriptor.h"
#include "format/sparse_wrapping_source.h"
#include "service/manifest.h"
#include "service/upload_inspection.h"

#include <algorithm>
#include <array>
#include <limits>

namespace slipway::service {

namespace {

constexpr std::size_t kHeadBytes = 64U << 10U;  // what is looked at before a byte is stored

// The head that was read already, then the rest.
class ReplayingSource final : public ByteSource {
public:
    ReplayingSource(std::vector<std::byte> head, ByteSource& rest)
        : head_(std::move(head)), rest_(rest) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        if (position_ == head_.size()) co_return co_await rest_.read_some(into);
        const std::size_t count = std::min(into.size(), head_.size() - position_);
        std::copy_n(head_.begin() + static_cast<std::ptrdiff_t>(position_), count, into.begin());
        position_ += count;
        co_return count;
    }

private:
    std::vector<std::byte> head_;
    std::size_t position_ = 0;
    ByteSource& rest_;
};

Error size_mismatch(std::uint64_t expected, std::uint64_t got) {
    return Error(
        Errc::invalid_argument,
        "The upload has " + std::to_string(got) + " bytes, but " + std::to_string(expected) +
            " were announced."
    );
}

// The image as far as its formats decide how the bytes will lie; what was not said yet is guessed
// from them.
Image with_guesses(Image image, const format::Inspection& found) {
    if (!image.container_format) image.container_format = "bare";
    if (image.disk_format) return image;
    const bool is_disk = found.format == format::DiskFormat::gpt;
    image.disk_format = std::string(is_disk ? "raw" : to_string(found.format));
    return image;
}

constexpr std::array kDiskFormats{
    format::DiskFormat::raw,
    format::DiskFormat::qcow2,
    format::DiskFormat::qed,
    format::DiskFormat::vhd,
    format::DiskFormat::vhdx,
    format::DiskFormat::vmdk,
    format::DiskFormat::vdi,
    format::DiskFormat::iso,
    format::DiskFormat::gpt,
    format::DiskFormat::luks};

constexpr std::array kVmdkKinds{format::VmdkKind::sparse, format::VmdkKind::stream_optimized};

std::optional<std::string> refusal_in(const Result<void>& checked) {
    if (checked) return std::nullopt;
    return checked.error().message;
}

Result<void> refused(const std::optional<std::string>& why) {
    if (!why) return {};
    return Error(Errc::unsupported, *why);
}

void write_found(json::Writer& writer, const format::Inspection& found) {
    writer.member("format", to_string(found.format));
    writer.key("vmdk_kind");
    if (found.vmdk_kind)
        writer.string(to_string(*found.vmdk_kind));
    else
        writer.null();
    writer.member("virtual_size", static_cast<std::int64_t>(found.virtual_size));
    writer.member_or_null("unsafe", refusal_in(found.safety));
    writer.member("bad_partition_table", found.bad_partition_table);
    writer.member_or_null("no_ova", refusal_in(found.ova));
}

Error bad_facts() {
    return Error(Errc::corrupt, "what the catalogue holds of the staged data can not be read");
}

Result<format::Inspection> read_found(const json::Value& facts) {
    format::Inspection found;
    SLIPWAY_TRY(const std::string word, facts.required_string("format"));
    const auto* const known =
        std::ranges::find(kDiskFormats, word, [](auto f) { return to_string(f); });
    if (known == kDiskFormats.end()) return bad_facts();
    found.format = *known;
    SLIPWAY_TRY(const auto kind, facts.optional_string("vmdk_kind"));
    for (const format::VmdkKind k : kVmdkKinds)
        if (kind == to_string(k)) found.vmdk_kind = k;
    const auto virtual_size = facts.find("virtual_size");
    if (!virtual_size || !virtual_size->is_integer()) return bad_facts();
    found.virtual_size = static_cast<std::uint64_t>(virtual_size->integer());
    SLIPWAY_TRY(const auto unsafe, facts.optional_string("unsafe"));
    SLIPWAY_TRY(const auto no_ova, facts.optional_string("no_ova"));
    found.safety = refused(unsafe);
    const auto bad_table = facts.find("bad_partition_table");
    found.bad_partition_table = bad_table && bad_table->boolean();
    found.ova = refused(no_ova);
    return found;
}

}  // namespace

std::string StoredData::facts() const {
    json::Writer writer;
    writer.begin_object().member("checksum", checksum).member("os_hash_algo", os_hash_algo);
    writer.member("os_hash_value", os_hash_value);
    writer.member("capacity", static_cast<std::int64_t>(capacity_bytes));
    writer.member("file_checksum", file_checksum);
    writer.member("file_os_hash_value", file_os_hash_value);
    writer.member("converted_to", converted_to);
    write_found(writer, found);
    writer.end_object();
    return writer.text();
}

Result<StoredData> StoredData::read(const store::StagedData& staged) {
    SLIPWAY_TRY(const json::Document document, json::Document::parse(staged.facts));
    const json::Value facts = document.root();
    if (!facts.is_object()) return bad_facts();
    StoredData data;
    data.location = staged.location;
    data.size_bytes = staged.size_bytes;
    SLIPWAY_TRY(data.checksum, facts.required_string("checksum"));
    SLIPWAY_TRY(data.os_hash_algo, facts.required_string("os_hash_algo"));
    SLIPWAY_TRY(data.os_hash_value, facts.required_string("os_hash_value"));
    const auto capacity = facts.find("capacity");
    if (!capacity || !capacity->is_integer()) return bad_facts();
    data.capacity_bytes = static_cast<std::uint64_t>(capacity->integer());
    SLIPWAY_TRY(const auto file_checksum, facts.optional_string("file_checksum"));
    SLIPWAY_TRY(const auto file_hash, facts.optional_string("file_os_hash_value"));
    data.file_checksum = file_checksum.value_or("");
    data.file_os_hash_value = file_hash.value_or("");
    SLIPWAY_TRY(const auto converted_to, facts.optional_string("converted_to"));
    data.converted_to = converted_to.value_or("");
    SLIPWAY_TRY(data.found, read_found(facts));
    return data;
}

namespace {

// The disk that services are shown, where the stored file is one.
std::optional<BootForm> boot_form_of(
    const Image& image, const StoredData& data, const std::optional<std::uint64_t>& virtual_size
) {
    const Location& location = data.location;
    const bool is_disk = image.container_format == "bare" &&
                         (image.disk_format == "raw" || image.disk_format == "vmdk");
    BootForm form;
    form.size_bytes = location.stored_bytes;
    if (data.capacity_bytes > 0 && is_disk) {
        form.disk_type = "sparse";
        form.capacity_bytes = data.capacity_bytes;
        form.checksum = data.file_checksum;
        form.os_hash_value = data.file_os_hash_value;
        return form;
    }
    const bool is_flat = location.form == StoredForm::flat;
    const bool own_disk =
        is_flat || (location.form == StoredForm::original && location.data_file.ends_with(".vmdk"));
    if (!own_disk || !is_disk || !virtual_size) return std::nullopt;
    form.disk_type = is_flat ? "preallocated" : "sparse";
    form.capacity_bytes = *virtual_size;
    form.checksum = data.checksum;
    form.os_hash_value = data.os_hash_value;
    return form;
}

}  // namespace

Result<store::UploadOutcome> outcome_of(
    const Image& image,
    const StoredData& data,
    BootFormMode mode,
    const format::FormatPolicy& formats
) {
    SLIPWAY_CHECK(check_content(image, data.found, formats));
    store::UploadOutcome outcome;
    outcome.size_bytes = data.size_bytes;
    outcome.stored_bytes = data.location.stored_bytes;
    outcome.checksum = data.checksum;
    outcome.os_hash_algo = data.os_hash_algo;
    outcome.os_hash_value = data.os_hash_value;
    outcome.virtual_size_bytes = virtual_size_of(image, data.found, data.size_bytes);
    outcome.boot_form = boot_form_of(image, data, outcome.virtual_size_bytes);
    const bool is_kept_as_disk = data.capacity_bytes > 0
                                     ? data.location.form == StoredForm::original
                                     : mode == BootFormMode::replace;
    outcome.replaces_record = outcome.boot_form && is_kept_as_disk;
    return outcome;
}

void apply_conversion(Image& image, const StoredData& data) {
    if (data.converted_to.empty()) return;
    image.disk_format = data.converted_to;
    image.container_format = "bare";
    if (data.converted_to == "vmdk")
        image.properties["vmware_disktype"] = "sparse";
    else
        image.properties.erase("vmware_disktype");
}

void describe(Image& image, const store::UploadOutcome& outcome) {
    image.size_bytes = outcome.size_bytes;
    image.virtual_size_bytes = outcome.virtual_size_bytes;
    image.checksum = outcome.checksum;
    image.os_hash_algo = outcome.os_hash_algo;
    image.os_hash_value = outcome.os_hash_value;
    image.boot_form = outcome.boot_form;
    if (outcome.replaces_record) take_boot_form(image);
}

Error of_store(const Call& call, const Error& error) {
    const bool about_the_image = error.code != Errc::not_found && error.code != Errc::conflict &&
                                 error.code != Errc::forbidden &&
                                 error.code != Errc::unauthenticated;
    if (about_the_image) return error;
    log::warning(call, "store.refused", {{"error", error.message}, {"reason", error.reason}});
    return Error(
        Errc::unavailable,
        "The store can not take or give image data at the moment; try again later."
    );
}

Intake::Intake(Dependencies with, Call call, Image image, Purpose purpose, std::uint64_t allowance)
    : with_(std::move(with)),
      call_(std::move(call)),
      image_(std::move(image)),
      purpose_(purpose),
      allowance_(allowance) {}

awaitable<Result<void>> Intake::begin(
    store::Backend& backend, std::optional<std::uint64_t> expected, ByteSource& body
) {
    expected_ = expected;
    head_.resize(kHeadBytes);
    SLIPWAY_CO_TRY(const std::size_t got, co_await read_full(body, head_));
    head_.resize(got);
    const format::Inspection found = UploadInspection::of_head(head_);
    if (purpose_ == Purpose::upload) SLIPWAY_CO_CHECK(check_content(image_, found, with_.formats));
    layout_ = plan_layout(with_guesses(image_, found), kind_of(found), expected, backend.info());
    const std::uint64_t room = layout_.stored_bytes.value_or(0);
    auto chosen = co_await backend.place({image_.id, room, {}, {}}, call_);
    if (!chosen) co_return of_store(call_, chosen.error());
    const store::Placement place = std::move(*chosen);
    Location& location = data_.location;
    location.id = LocationId(new_uuid());
    location.image_id = image_.id;
    location.backend = backend.info().id;
    location.datastore = place.datastore;
    location.datastore_ref = place.datastore_ref;
    location.directory = place.directory;
    location.data_file = layout_.data_file;
    location.descriptor = layout_.descriptor;
    location.form = layout_.form;
    if (layout_.form == StoredForm::sparse) location.data_offset = layout_.wrapping->prefix_bytes();
    location.stored_bytes = room;
    location.server = with_.server;
    stop_ = with_.transfers.begin_upload(image_.id);
    // Pinned, so that the collector waits for the writer of an image deleted meanwhile.
    pin_ = std::make_unique<Transfers::Pin>(with_.transfers, location.id);
    begun_ = true;  // even when the answer is lost
    Result<void> begun;
    switch (purpose_) {
        case Purpose::upload:
            begun = co_await with_.catalog.begin_upload(location);
            break;
        case Purpose::stage:
            begun = co_await with_.catalog.begin_stage(location);
            break;
        case Purpose::fetch:
            begun = co_await with_.catalog.begin_fetch(location);
            break;
    }
    if (!begun && begun.error().code == Errc::not_found) co_return image_gone();
    co_return begun;
}

// Runs the pump over the file as it will lie. Taps for the user's bytes see the part that is
// theirs.
awaitable<Result<void>> Intake::move(
    store::Backend& backend, ByteSource& body, std::vector<Tap*> watch
) {
    SLIPWAY_CO_TRY(HashTap user_hash, HashTap::create(with_.hashing_algorithm));
    SLIPWAY_CO_TRY(HashTap file_hash, HashTap::create(with_.hashing_algorithm));
    UploadInspection inspection;
    auto opened = co_await backend.open_writer(data_.location, layout_.stored_bytes, call_);
    if (!opened) co_return of_store(call_, opened.error());
    writer_ = std::move(*opened);

    ReplayingSource upload(std::move(head_), body);
    StopTap stop(stop_, image_gone());
    SizeTap size(
        allowance_, Error(Errc::too_large, "The upload is larger than this image may be.")
    );
    const std::uint64_t announced = expected_.value_or(std::numeric_limits<std::uint64_t>::max());
    SizeTap announcement(announced, size_mismatch(announced, announced + 1));
    std::vector<Tap*> user_taps{&size, &announcement, &inspection, &user_hash};
    user_taps.insert(user_taps.end(), watch.begin(), watch.end());

    Result<std::uint64_t> moved;
    if (layout_.wrapping) {
        format::SparseWrappingSource file(*layout_.wrapping, upload);
        WindowTap window(
            layout_.wrapping->prefix_bytes(), layout_.wrapping->size_bytes(), std::move(user_taps)
        );
        moved = co_await pump(file, *writer_, {&stop, &window, &file_hash}, with_.pool);
    } else {
        user_taps.insert(user_taps.begin(), &stop);
        moved = co_await pump(upload, *writer_, std::move(user_taps), with_.pool);
    }
    if (!moved) co_return of_store(call_, moved.error());
    data_.size_bytes = size.seen_bytes();
    if (expected_ && data_.size_bytes != *expected_)
        co_return size_mismatch(*expected_, data_.size_bytes);
    data_.location.stored_bytes = *moved;
    const auto values = user_hash.finish();
    data_.checksum = values.checksum;
    data_.os_hash_algo = with_.hashing_algorithm;
    data_.os_hash_value = values.os_hash_value;
    if (layout_.wrapping) {
        const auto of_file = file_hash.finish();
        data_.capacity_bytes = layout_.wrapping->capacity_bytes();
        data_.file_checksum = of_file.checksum;
        data_.file_os_hash_value = of_file.os_hash_value;
    }
    data_.found = inspection.finish();
    co_return Result<void>();
}

awaitable<Result<void>> Intake::seal(const Image& described) {
    std::vector<store::SideFile> files;
    if (!data_.location.descriptor.empty()) {
        SLIPWAY_CO_TRY(
            std::string text,
            format::flat_descriptor(
                data_.location.stored_bytes,
                data_.location.data_file,
                adapter_of(described),
                format::DiskIdentity::random()
            )
        );
        files.push_back({data_.location.descriptor, std::move(text)});
    }
    files.push_back(manifest_of(described, data_.location));
    const auto committed = co_await writer_->commit(data_.location.stored_bytes, std::move(files));
    if (!committed) co_return of_store(call_, committed.error());
    writer_.reset();
    co_return Result<void>();
}

Account Intake::account() const {
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start_;
    return {data_.size_bytes, 0, taken.count(), "stream"};
}

Error Intake::image_gone() const {
    return Error(Errc::gone, "Image " + image_.id.str() + " was deleted during the upload.");
}

}  // namespace slipway::service
