#include "store/datastore_probes.h"

#include "base/async.h"
#include "base/digest.h"
#include "format/descriptor.h"
#include "format/disk_reader.h"
#include "format/stream_disk_source.h"
#include "store/datastore_steps.h"
#include "store/trial_source.h"
#include "vsphere/datastore_browser.h"
#include "vsphere/virtual_disk.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace slipway::store {

namespace {

constexpr std::uint64_t kSmallBytes = 1U << 20U;
constexpr std::uint64_t kThinKib = 4096;
// A server may still be writing what it has when the connection is gone.
constexpr std::chrono::milliseconds kSettle{300};

std::string in_words(const Error& error) {
    return error.reason.empty() ? error.message : error.reason + " (" + error.message + ")";
}

// The server could not be asked, which is no answer.
bool is_no_answer(const Error& error) {
    return (error.code == Errc::unavailable && error.reason.empty()) ||
           error.code == Errc::timeout || error.code == Errc::cancelled;
}

// Announces `announced` bytes, gives half of them and breaks off; or gives all and announces
// nothing.
class OddBody final : public ByteSource {
public:
    OddBody(std::uint64_t bytes, bool breaks_off)
        : data_(bytes, kProbeSeed), bytes_(bytes), breaks_off_(breaks_off) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        const std::uint64_t end = breaks_off_ ? bytes_ / 2 : bytes_;
        if (breaks_off_ && given_ == end)
            co_return Error(Errc::cancelled, "the probe breaks its upload off");
        into =
            into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), end - given_))
            );
        SLIPWAY_CO_TRY(const std::size_t got, co_await data_.read_some(into));
        given_ += got;
        co_return got;
    }
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override {
        return breaks_off_ ? std::optional(bytes_) : std::nullopt;
    }

private:
    static constexpr std::uint64_t kProbeSeed = 7;

    TrialSource data_;
    std::uint64_t bytes_;
    bool breaks_off_;
    std::uint64_t given_ = 0;
};

class MemorySource final : public format::RandomSource {
public:
    explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {}

    [[nodiscard]] std::uint64_t size_bytes() const override { return bytes_.size(); }
    awaitable<Result<void>> read_at(std::uint64_t offset, std::span<std::byte> into) override {
        if (offset > bytes_.size() || into.size() > bytes_.size() - offset)
            co_return Error(Errc::corrupt, "the probe is read beyond its end");
        std::ranges::copy(as_bytes_of(bytes_).subspan(offset, into.size()), into.begin());
        co_return Result<void>();
    }

private:
    std::string bytes_;
};

// All that a source gives; for small ones.
awaitable<Result<std::string>> text_of(ByteSource& source) {
    std::string text;
    std::vector<std::byte> buffer(64U << 10U);
    while (true) {
        SLIPWAY_CO_TRY(const std::size_t got, co_await read_full(source, buffer));
        text.append(reinterpret_cast<const char*>(buffer.data()), got);
        if (got < buffer.size()) co_return text;
    }
}

// A disk with `bytes` in it, as a stream-optimised file.
awaitable<Result<std::string>> stream_optimized(std::string bytes) {
    MemorySource memory(std::move(bytes));
    SLIPWAY_CO_TRY(auto reader, co_await format::open_disk(memory, "raw", "bare"));
    SLIPWAY_CO_TRY(auto used, co_await reader->used_grains());
    SLIPWAY_CO_TRY(
        auto source,
        format::StreamDiskSource::create(
            *reader, std::move(used), format::AdapterType::lsilogic, format::DiskIdentity::random()
        )
    );
    co_return co_await text_of(*source);
}

// Small data, and what a disk with them is checked by.
struct SmallDisk {
    std::string bytes;
    TrialDisk expected;
};

awaitable<Result<SmallDisk>> small_disk() {
    TrialSource source(kSmallBytes, 11);
    SmallDisk small;
    SLIPWAY_CO_TRY(small.bytes, co_await text_of(source));
    SLIPWAY_CO_TRY(Digest digest, Digest::create("sha256"));
    digest.update(as_bytes_of(small.bytes));
    small.expected.size_bytes = small.bytes.size();
    small.expected.data_sha256 = digest.finish_hex();
    co_return small;
}

}  // namespace

Result<vsphere::FileTarget> DatastoreProbe::target(const std::string& name) const {
    SLIPWAY_TRY(auto path, vsphere::DatastorePath::make(place.datastore.name, folder + '/' + name));
    return vsphere::FileTarget{place.datacenter, place.datastore, std::move(path)};
}

Result<vsphere::FileRef> DatastoreProbe::ref(const std::string& name) const {
    return place.file(folder + '/' + name);
}

awaitable<void> DatastoreProbe::run(
    const TrialDisk& disk,
    std::function<void(Observation)> tell,
    std::function<bool()> stopped,
    const Call& call
) {
    using Question = Answer (DatastoreProbe::*)(const TrialDisk&, const Call&);
    constexpr std::array<std::pair<const char*, Question>, 14> kQuestions{{
        {"direct_transfer", &DatastoreProbe::direct_transfer},
        {"put_again", &DatastoreProbe::put_again},
        {"put_makes_folders", &DatastoreProbe::put_makes_folders},
        {"aborted_put", &DatastoreProbe::aborted_put},
        {"put_of_unknown_length", &DatastoreProbe::put_of_unknown_length},
        {"head_size", &DatastoreProbe::head_size},
        {"thin_size", &DatastoreProbe::thin_size},
        {"existing_target", &DatastoreProbe::existing_target},
        {"fractional_capacity", &DatastoreProbe::fractional_capacity},
        {"extend_to_same_size", &DatastoreProbe::extend_to_same_size},
        {"dest_spec", &DatastoreProbe::dest_spec},
        {"flat_with_descriptor", &DatastoreProbe::flat_with_descriptor},
        {"stream_optimized_source", &DatastoreProbe::stream_optimized_source},
        {"delete_while_copied", &DatastoreProbe::delete_while_copied},
    }};
    const auto made = co_await make_folders(client, place, folder, call);
    for (const auto& [name, question] : kQuestions) {
        if (stopped()) co_return;
        Result<Observation> answer = Observation{};
        if (made)
            answer = co_await (this->*question)(disk, call);
        else
            answer = made.error();
        if (!answer) answer = Observation{"", Verdict::untried, in_words(answer.error())};
        answer->name = name;
        tell(std::move(*answer));
    }
}

awaitable<Result<void>> DatastoreProbe::make_thin_disk(const std::string& name, const Call& call) {
    SLIPWAY_CO_TRY(auto disk, ref(name));
    const vsphere::FileBackedVirtualDiskSpec spec{"thin", "lsiLogic", kThinKib};
    co_return co_await vsphere::create_disk(client, std::move(disk), spec, call);
}

awaitable<Result<std::optional<std::uint64_t>>> DatastoreProbe::browsed_size(
    std::string in_folder, const std::string& name, const Call& call
) {
    SLIPWAY_CO_TRY(auto directory, place.file(in_folder));
    const std::vector<std::string> patterns = {name};
    SLIPWAY_CO_TRY(
        const auto found,
        co_await vsphere::search_folder(
            client, place.datastore.browser, std::move(directory.path), patterns, call
        )
    );
    for (const auto& file : found.files)
        if (file.path == name) co_return file.size_bytes;
    co_return std::optional<std::uint64_t>();
}

awaitable<Result<void>> DatastoreProbe::check_extent(
    const std::string& name, const TrialDisk& disk, const Call& call
) const {
    SLIPWAY_CO_TRY(const auto file, target(name));
    SLIPWAY_CO_TRY(const std::uint64_t size, co_await files.size(file, call));
    if (size < disk.size_bytes)
        co_return Error(Errc::corrupt, "the copy is shorter than what was copied");
    const vsphere::FileRange part{0, disk.size_bytes};
    SLIPWAY_CO_TRY(auto source, co_await files.get(file, part, call));
    SLIPWAY_CO_TRY(const std::string digest, co_await sha256_of(*source));
    if (digest != disk.data_sha256)
        co_return Error(Errc::corrupt, "the copy holds other data than what was copied");
    co_return Result<void>();
}

DatastoreProbe::Answer DatastoreProbe::direct_transfer(const TrialDisk&, const Call& call) {
    if (!is_direct) co_return Observation{"", Verdict::untried, "direct_transfer is off"};
    SLIPWAY_CO_TRY(const auto file, target("direct"));
    SLIPWAY_CO_TRY(const auto route, co_await files.put_text(file, "direct", call));
    if (route == vsphere::TransferRoute::host)
        co_return Observation{"", Verdict::ok, "an ESXi host takes files by ticket"};
    co_return Observation{
        "", Verdict::differs, "no ESXi host could be used, vCenter passes every byte on"};
}

DatastoreProbe::Answer DatastoreProbe::put_again(const TrialDisk&, const Call& call) {
    SLIPWAY_CO_TRY(const auto file, target("twice"));
    SLIPWAY_CO_CHECK(co_await files.put_text(file, std::string(100, 'a'), call));
    const auto again = co_await files.put_text(file, std::string(50, 'b'), call);
    if (!again && is_no_answer(again.error())) co_return again.error();
    SLIPWAY_CO_TRY(const std::uint64_t size, co_await files.size(file, call));
    if (again && size == 50)
        co_return Observation{"", Verdict::ok, "a second PUT replaces the file"};
    const std::string kept = "; the file has " + std::to_string(size) + " bytes of 100, then 50";
    co_return Observation{
        "", Verdict::differs, (again ? "accepted" : in_words(again.error())) + kept};
}

DatastoreProbe::Answer DatastoreProbe::put_makes_folders(const TrialDisk&, const Call& call) {
    SLIPWAY_CO_TRY(const auto file, target("no/such/folder/file"));
    const auto put = co_await files.put_text(file, "file", call);
    if (put) co_return Observation{"", Verdict::ok, "PUT makes missing folders"};
    if (is_no_answer(put.error())) co_return put.error();
    co_return Observation{
        "", Verdict::differs, "PUT below a missing folder is refused: " + in_words(put.error())};
}

DatastoreProbe::Answer DatastoreProbe::aborted_put(const TrialDisk&, const Call& call) {
    SLIPWAY_CO_TRY(const auto file, target("aborted"));
    OddBody body(kSmallBytes, true);
    const auto put = co_await files.put(file, body, call);
    if (put)
        co_return Observation{"", Verdict::differs, "a PUT that broke off was answered as done"};
    co_await sleep_for(kSettle);
    const auto size = co_await files.size(file, call);
    if (!size && size.error().code == Errc::not_found)
        co_return Observation{"", Verdict::ok, "no file is left"};
    if (!size) co_return size.error();
    const std::string left = std::to_string(*size) + " of " + std::to_string(kSmallBytes);
    if (*size < kSmallBytes) co_return Observation{"", Verdict::ok, left + " bytes are left"};
    co_return Observation{"", Verdict::differs, "a file of the announced size is left"};
}

DatastoreProbe::Answer DatastoreProbe::put_of_unknown_length(const TrialDisk&, const Call& call) {
    SLIPWAY_CO_TRY(const auto file, target("chunked"));
    OddBody body(kSmallBytes, false);
    const auto put = co_await files.put(file, body, call);
    if (!put && is_no_answer(put.error())) co_return put.error();
    if (!put) co_return Observation{"", Verdict::differs, in_words(put.error())};
    SLIPWAY_CO_TRY(const std::uint64_t size, co_await files.size(file, call));
    if (size == kSmallBytes) co_return Observation{"", Verdict::ok, "a chunked PUT is taken whole"};
    co_return Observation{
        "",
        Verdict::differs,
        "of " + std::to_string(kSmallBytes) + " bytes in chunks, " + std::to_string(size) +
            " were kept"};
}

DatastoreProbe::Answer DatastoreProbe::head_size(const TrialDisk& disk, const Call& call) {
    const Location& location = disk.location;
    SLIPWAY_CO_TRY(
        auto path,
        vsphere::DatastorePath::make(
            place.datastore.name, location.directory + '/' + location.data_file
        )
    );
    const vsphere::FileTarget file{place.datacenter, place.datastore, std::move(path)};
    SLIPWAY_CO_TRY(const std::uint64_t head, co_await files.size(file, call));
    SLIPWAY_CO_TRY(
        const auto browsed, co_await browsed_size(location.directory, location.data_file, call)
    );
    const std::string seen = "HEAD says " + std::to_string(head) + ", the datastore browser " +
                             (browsed ? std::to_string(*browsed) : "nothing") + ", written were " +
                             std::to_string(location.stored_bytes);
    co_return Observation{"", head == location.stored_bytes ? Verdict::ok : Verdict::differs, seen};
}

DatastoreProbe::Answer DatastoreProbe::thin_size(const TrialDisk&, const Call& call) {
    if (place.datastore.has_namespaces())
        co_return Observation{"", Verdict::untried, "disks are objects on this datastore"};
    SLIPWAY_CO_CHECK(co_await make_thin_disk("thin.vmdk", call));
    SLIPWAY_CO_TRY(const auto extent, target("thin-flat.vmdk"));
    SLIPWAY_CO_TRY(const std::uint64_t head, co_await files.size(extent, call));
    SLIPWAY_CO_TRY(const auto browsed, co_await browsed_size(folder, "thin-flat.vmdk", call));
    const std::string seen = "of an empty thin disk of " + std::to_string(kThinKib * 1024) +
                             " bytes HEAD says " + std::to_string(head) +
                             ", the datastore browser " +
                             (browsed ? std::to_string(*browsed) : "nothing");
    co_return Observation{"", head == kThinKib * 1024 ? Verdict::ok : Verdict::differs, seen};
}

DatastoreProbe::Answer DatastoreProbe::existing_target(const TrialDisk&, const Call& call) {
    SLIPWAY_CO_CHECK(co_await make_thin_disk("source.vmdk", call));
    SLIPWAY_CO_CHECK(co_await make_thin_disk("taken.vmdk", call));
    SLIPWAY_CO_TRY(auto from, ref("source.vmdk"));
    SLIPWAY_CO_TRY(auto to, ref("taken.vmdk"));
    const auto copied = co_await vsphere::copy_disk(client, from, to, std::nullopt, call);
    if (copied) co_return Observation{"", Verdict::differs, "a copy replaces an existing disk"};
    if (is_no_answer(copied.error())) co_return copied.error();
    const bool as_expected = copied.error().code == Errc::conflict;
    co_return Observation{
        "",
        as_expected ? Verdict::ok : Verdict::differs,
        "a copy onto an existing disk is refused: " + in_words(copied.error())};
}

DatastoreProbe::Answer DatastoreProbe::fractional_capacity(const TrialDisk&, const Call& call) {
    SLIPWAY_CO_TRY(auto disk, ref("fraction.vmdk"));
    const vsphere::FileBackedVirtualDiskSpec spec{"thin", "lsiLogic", kThinKib};
    const auto made = co_await vsphere::create_disk_with_fraction(client, disk, spec, call);
    if (made) co_return Observation{"", Verdict::differs, "a capacity of 4096.0 is accepted"};
    if (is_no_answer(made.error())) co_return made.error();
    co_return Observation{
        "", Verdict::ok, "a capacity of 4096.0 is refused: " + in_words(made.error())};
}

DatastoreProbe::Answer DatastoreProbe::extend_to_same_size(const TrialDisk&, const Call& call) {
    SLIPWAY_CO_CHECK(co_await make_thin_disk("extend.vmdk", call));
    SLIPWAY_CO_TRY(auto disk, ref("extend.vmdk"));
    const auto extended = co_await vsphere::extend_disk(client, disk, kThinKib, call);
    if (extended) co_return Observation{"", Verdict::ok, "a disk may be extended to its own size"};
    if (is_no_answer(extended.error())) co_return extended.error();
    co_return Observation{
        "",
        Verdict::differs,
        "extending a disk to its own size is refused: " + in_words(extended.error())};
}

DatastoreProbe::Answer DatastoreProbe::dest_spec(const TrialDisk&, const Call& call) {
    const auto content = co_await client.service_content(call);
    if (!content) co_return content.error();
    const bool is_vcenter = (*content)->about.is_virtual_center();
    SLIPWAY_CO_CHECK(co_await make_thin_disk("spec.vmdk", call));
    SLIPWAY_CO_TRY(auto from, ref("spec.vmdk"));
    SLIPWAY_CO_TRY(auto to, ref("spec-thick.vmdk"));
    const vsphere::VirtualDiskSpec spec{"preallocated", "lsiLogic"};
    const auto copied = co_await vsphere::copy_disk_with_spec(client, from, to, spec, call);
    if (!copied && is_no_answer(copied.error())) co_return copied.error();
    const bool as_expected = copied.has_value() != is_vcenter;
    std::string seen = is_vcenter ? "a vCenter" : "an ESXi host";
    seen += copied ? " takes a destSpec" : " refuses a destSpec: " + in_words(copied.error());
    co_return Observation{"", as_expected ? Verdict::ok : Verdict::differs, seen};
}

DatastoreProbe::Answer DatastoreProbe::flat_with_descriptor(const TrialDisk&, const Call& call) {
    if (place.datastore.has_namespaces())
        co_return Observation{"", Verdict::untried, "disks are objects on this datastore"};
    SLIPWAY_CO_TRY(const SmallDisk small, co_await small_disk());
    SLIPWAY_CO_TRY(
        const std::string descriptor,
        format::flat_descriptor(
            small.bytes.size(),
            "flat-flat.vmdk",
            format::AdapterType::lsilogic,
            format::DiskIdentity::random()
        )
    );
    SLIPWAY_CO_TRY(const auto extent, target("flat-flat.vmdk"));
    SLIPWAY_CO_TRY(const auto text, target("flat.vmdk"));
    SLIPWAY_CO_CHECK(co_await files.put_text(extent, small.bytes, call));
    SLIPWAY_CO_CHECK(co_await files.put_text(text, descriptor, call));
    SLIPWAY_CO_TRY(auto from, ref("flat.vmdk"));
    SLIPWAY_CO_TRY(auto to, ref("flat-copy.vmdk"));
    const auto copied = co_await vsphere::copy_disk(client, from, to, std::nullopt, call);
    if (!copied && is_no_answer(copied.error())) co_return copied.error();
    if (!copied)
        co_return Observation{
            "", Verdict::differs, "a flat file with our descriptor: " + in_words(copied.error())};
    const auto whole = co_await check_extent("flat-copy-flat.vmdk", small.expected, call);
    if (!whole) co_return Observation{"", Verdict::differs, whole.error().message};
    co_return Observation{"", Verdict::ok, "a flat file with our descriptor is a disk"};
}

DatastoreProbe::Answer DatastoreProbe::stream_optimized_source(const TrialDisk&, const Call& call) {
    SLIPWAY_CO_TRY(const SmallDisk small, co_await small_disk());
    SLIPWAY_CO_TRY(const std::string stream, co_await stream_optimized(small.bytes));
    SLIPWAY_CO_TRY(const auto file, target("stream.vmdk"));
    SLIPWAY_CO_CHECK(co_await files.put_text(file, stream, call));
    SLIPWAY_CO_TRY(auto from, ref("stream.vmdk"));
    SLIPWAY_CO_TRY(auto to, ref("stream-copy.vmdk"));
    const auto copied = co_await vsphere::copy_disk(client, from, to, std::nullopt, call);
    if (!copied && is_no_answer(copied.error())) co_return copied.error();
    if (!copied)
        co_return Observation{
            "", Verdict::ok, "a stream-optimised file is no source: " + in_words(copied.error())};
    const auto whole = co_await check_extent("stream-copy-flat.vmdk", small.expected, call);
    co_return Observation{
        "",
        Verdict::differs,
        std::string("a stream-optimised file is copied, and the copy ") +
            (whole ? "is whole" : "does not hold its data")};
}

DatastoreProbe::Answer DatastoreProbe::delete_while_copied(
    const TrialDisk& disk, const Call& call
) {
    const Location& location = disk.location;
    if (location.clone_source().empty())
        co_return Observation{"", Verdict::untried, "what was written is no disk"};
    if (place.datastore.has_namespaces())
        co_return Observation{"", Verdict::untried, "disks are objects on this datastore"};
    SLIPWAY_CO_TRY(auto original, place.file(location.directory + '/' + location.data_file));
    SLIPWAY_CO_TRY(auto from, ref("deleted.vmdk"));
    SLIPWAY_CO_TRY(auto to, ref("deleted-copy.vmdk"));
    SLIPWAY_CO_CHECK(co_await vsphere::copy_file(client, original, from, false, call));
    SLIPWAY_CO_TRY(
        auto task, co_await vsphere::start_copy_disk(client, from, to, std::nullopt, call)
    );
    const auto deleted = co_await vsphere::delete_file(client, from, call);
    const auto copied = co_await vsphere::wait_for_task(client, std::move(task), call);
    if (!copied && is_no_answer(copied.error())) co_return copied.error();
    if (!copied)
        co_return Observation{
            "",
            Verdict::differs,
            "a copy ends when its source is deleted: " + in_words(copied.error())};
    if (!deleted)
        co_return Observation{
            "",
            Verdict::ok,
            "the source of a running copy can not be deleted: " + in_words(deleted.error())};
    co_return Observation{"", Verdict::ok, "the copy ended before its source was deleted"};
}

}  // namespace slipway::store
