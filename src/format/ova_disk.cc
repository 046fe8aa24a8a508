#include "format/bytes.h"
#include "format/disk_formats.h"
#include "format/ovf.h"
#include "format/slice_source.h"
#include "format/tar_header.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace slipway::format {

namespace {

constexpr std::size_t kMaxMembers = 64;
// Each file may have two headers of extensions before its own.
constexpr std::size_t kMaxHeaders = 4 * kMaxMembers;
constexpr std::uint64_t kMaxExtensionBytes = 64U << 10U;

struct Member {
    std::string name;
    std::uint64_t at = 0;
    std::uint64_t size = 0;
};

// What the extensions before a header say instead of it.
struct Overrides {
    std::optional<std::string> name;
    std::optional<std::uint64_t> size;
};

std::optional<std::uint64_t> number_of(std::string_view digits) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
        return std::nullopt;
    return value;
}

// "20 path=disk1.vmdk\n": the length counts itself, the blank and the newline.
Result<void> read_pax(std::string_view text, Overrides& overrides) {
    while (!text.empty()) {
        const auto blank = text.find(' ');
        const auto length = number_of(text.substr(0, blank));
        if (blank == std::string_view::npos || !length || *length > text.size() ||
            *length < blank + 2 || text[*length - 1] != '\n')
            return damaged("ova", "an extended header is malformed");
        const std::string_view record = text.substr(blank + 1, *length - blank - 2);
        const auto equals = record.find('=');
        if (equals == std::string_view::npos)
            return damaged("ova", "an extended header is malformed");
        const std::string_view key = record.substr(0, equals);
        const std::string_view value = record.substr(equals + 1);
        if (key == "path") overrides.name = std::string(value);
        if (key == "size") {
            overrides.size = number_of(value);
            if (!overrides.size) return damaged("ova", "a file in it has no proper size");
        }
        if (key.starts_with("GNU.sparse")) return not_accepted("ova", "a file in it has holes");
        text.remove_prefix(*length);
    }
    return {};
}

std::string text_of(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte b : bytes) text += std::to_integer<char>(b);
    return text;
}

std::string plain_name(std::string name) {
    return name.starts_with("./") ? name.substr(2) : name;
}

class TarWalk {
public:
    explicit TarWalk(RandomSource& source) : source_(source) {}

    awaitable<Result<std::vector<Member>>> members() {
        for (std::size_t headers = 0; at_ < source_.size_bytes(); ++headers) {
            if (headers == kMaxHeaders || members_.size() > kMaxMembers)
                co_return not_accepted("ova", "it holds too many files");
            SLIPWAY_CO_TRY(
                const auto block,
                co_await read_piece(source_, "ova", at_, static_cast<std::size_t>(kTarBlock))
            );
            if (all_zero(block)) break;
            const TarHeader header = TarHeader::parse(block);
            if (!header.is_whole()) co_return damaged("ova", "it is no tar archive");
            SLIPWAY_CO_CHECK(co_await read_member(header));
        }
        co_return std::move(members_);
    }

private:
    awaitable<Result<void>> read_member(const TarHeader& header) {
        constexpr char kGnuLongName = 'L';
        constexpr char kPax = 'x';
        constexpr char kPaxForAll = 'g';
        const bool is_extension =
            header.type == kGnuLongName || header.type == kPax || header.type == kPaxForAll;
        if (!is_extension && !header.is_file())
            co_return not_accepted("ova", "it holds something else than plain files");
        const std::optional<std::uint64_t> size =
            !is_extension && overrides_.size ? overrides_.size : header.size;
        const std::uint64_t data = at_ + kTarBlock;
        if (!size || *size > source_.size_bytes() - data)
            co_return damaged("ova", "a file in it is cut off, or has no proper size");
        at_ = data + tar_padded(*size);
        if (!is_extension) {
            std::string name = header.name.value_or("");
            if (header.has_prefix) name = header.prefix + "/" + name;
            members_.push_back({plain_name(overrides_.name.value_or(name)), data, *size});
            overrides_ = {};
            co_return Result<void>();
        }
        if (*size > kMaxExtensionBytes) co_return damaged("ova", "an extended header is too long");
        SLIPWAY_CO_TRY(
            const auto bytes,
            co_await read_piece(source_, "ova", data, static_cast<std::size_t>(*size))
        );
        const std::string text = text_of(bytes);
        if (header.type == kGnuLongName) overrides_.name = text.substr(0, text.find('\0'));
        if (header.type == kPax) SLIPWAY_CO_CHECK(read_pax(text, overrides_));
        co_return Result<void>();
    }

    RandomSource& source_;
    std::uint64_t at_ = 0;
    Overrides overrides_;
    std::vector<Member> members_;
};

// Owns the part of the archive that it reads.
class MemberDisk : public DiskReader {
public:
    MemberDisk(std::unique_ptr<SliceSource> slice, std::unique_ptr<DiskReader> disk)
        : slice_(std::move(slice)), disk_(std::move(disk)) {}

    [[nodiscard]] std::uint64_t capacity_bytes() const override { return disk_->capacity_bytes(); }
    awaitable<Result<GrainMap>> used_grains() override { return disk_->used_grains(); }
    awaitable<Result<void>> read_grain(
        std::uint64_t grain, std::span<std::byte, kDiskGrainBytes> into
    ) override {
        return disk_->read_grain(grain, into);
    }

private:
    std::unique_ptr<SliceSource> slice_;
    std::unique_ptr<DiskReader> disk_;
};

}  // namespace

awaitable<OpenedDisk> open_ova(RandomSource& source) {
    TarWalk walk(source);
    SLIPWAY_CO_TRY(const auto members, co_await walk.members());
    const auto ovf = std::find_if(members.begin(), members.end(), [](const Member& member) {
        return member.name.ends_with(".ovf");
    });
    if (ovf == members.end()) co_return not_accepted("ova", "it holds no .ovf");
    if (ovf->size > kMaxOvfBytes) co_return damaged("ova", "its .ovf is longer than 1 MiB");
    SLIPWAY_CO_TRY(
        const auto xml,
        co_await read_piece(source, "ova", ovf->at, static_cast<std::size_t>(ovf->size))
    );
    SLIPWAY_CO_TRY(const std::string file, first_disk_file(text_of(xml)));
    const auto disk = std::find_if(members.begin(), members.end(), [&](const Member& member) {
        return member.name == plain_name(file);
    });
    if (disk == members.end())
        co_return not_accepted("ova", "the file of its disk is not in the archive");
    auto slice = std::make_unique<SliceSource>(source, disk->at, disk->size);
    SLIPWAY_CO_TRY(const auto magic, co_await read_piece(*slice, "ova", 0, 4));
    if (!starts_with(magic, "KDMV"))
        co_return not_accepted("ova", "its disk is no vmdk of a single file");
    SLIPWAY_CO_TRY(auto reader, co_await open_vmdk(*slice));
    co_return std::make_unique<MemberDisk>(std::move(slice), std::move(reader));
}

}  // namespace slipway::format
