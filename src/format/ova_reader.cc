#include "format/ova_reader.h"

#include "format/bytes.h"
#include "format/detector.h"
#include "format/tar_header.h"

#include <algorithm>
#include <cctype>

namespace slipway::format {

namespace {

constexpr std::uint64_t kMaxOvfBytes = 1U << 20U;
constexpr std::size_t kMaxMembers = 64;

Error refused(std::string_view why) {
    return not_accepted("ova", why);
}

}  // namespace

OvaReader::OvaReader(const InspectionLimits& limits) : limits_(limits) {
    expect_header(0);
}
OvaReader::~OvaReader() = default;

void OvaReader::expect_header(std::uint64_t at) {
    state_ = State::header;
    header_ = Window(at, kTarBlock);
}

void OvaReader::see(std::uint64_t offset, std::span<const std::byte> chunk) {
    if (result_) result_ = advance(offset, chunk);
}

Result<void> OvaReader::advance(std::uint64_t offset, std::span<const std::byte> chunk) {
    const std::uint64_t chunk_end = offset + chunk.size();
    for (;;) {
        if (state_ == State::end) {
            const std::uint64_t from = std::max(header_.end(), offset);
            if (from < chunk_end &&
                !all_zero(chunk.subspan(static_cast<std::size_t>(from - offset))))
                return refused("data follow the end of the archive");
            return {};
        }
        if (state_ == State::data) {
            show_disk(offset, chunk);
            if (chunk_end < data_end_) return {};
            SLIPWAY_CHECK(end_member());
        }
        header_.see(offset, chunk);
        if (!header_.is_complete()) return {};
        SLIPWAY_CHECK(read_header());
    }
}

Result<void> OvaReader::read_header() {
    const auto block = header_.bytes();
    if (all_zero(block)) {
        if (names_.empty()) return refused("it is no tar archive");
        const std::uint64_t next = header_.end();
        if (++zero_blocks_ == 2) {
            state_ = State::end;
        } else {
            expect_header(next);
        }
        return {};
    }
    if (zero_blocks_ != 0) return refused("its end is damaged");
    const TarHeader header = TarHeader::parse(block);
    if (!header.is_whole()) return refused("it is no tar archive");
    if (!header.is_file()) return refused("it holds something else than plain files");
    if (header.has_link || header.has_prefix || !header.name)
        return refused("a file in it has an unusual name");
    if (!header.size) return refused("a file in it has no proper size");
    SLIPWAY_CHECK(check_name(*header.name));
    return begin_member(*header.name, *header.size);
}

Result<void> OvaReader::check_name(const std::string& name) const {
    const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
    });
    if (name.empty() || !plain || name == "." || name == "..")
        return refused("names of its files may hold letters, digits, dots, dashes and underscores");
    if (names_.empty() && !name.ends_with(".ovf")) return refused("its first file is no .ovf");
    if (names_.size() >= kMaxMembers) return refused("it holds too many files");
    // Consumers look files up by the beginning of their names.
    for (const std::string& other : names_)
        if (other.starts_with(name) || name.starts_with(other))
            return refused("the name of one file in it is the beginning of another's");
    return {};
}

Result<void> OvaReader::begin_member(const std::string& name, std::uint64_t size) {
    if (names_.empty() && (size == 0 || size > kMaxOvfBytes))
        return refused("its .ovf is empty or larger than 1 MiB");
    names_.push_back(name);
    data_first_ = header_.end();
    data_end_ = data_first_ + size;
    state_ = State::data;
    if (name.ends_with(".vmdk")) disk_ = make_vmdk_detector(limits_);
    return {};
}

void OvaReader::show_disk(std::uint64_t offset, std::span<const std::byte> chunk) {
    const std::uint64_t from = std::max(data_first_, offset);
    const std::uint64_t to = std::min(data_end_, offset + chunk.size());
    if (!disk_ || from >= to) return;
    disk_->see(
        from - data_first_,
        chunk.subspan(static_cast<std::size_t>(from - offset), static_cast<std::size_t>(to - from))
    );
}

Result<void> OvaReader::end_member() {
    if (const auto disk = std::move(disk_)) {
        if (!disk->matches() || disk->vmdk_kind() != VmdkKind::stream_optimized)
            return refused("a .vmdk in it is not stream-optimised");
        SLIPWAY_CHECK(disk->safety(data_end_ - data_first_));
    }
    expect_header(tar_padded(data_end_));
    return {};
}

Result<void> OvaReader::finish() const {
    if (result_ && state_ != State::end) return refused("it is no tar archive, or cut off");
    return result_;
}

}  // namespace slipway::format
