#include "format/descriptor.h"

#include "base/ids.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <set>

namespace slipway::format {

namespace {

constexpr std::string_view kNoParent = "ffffffff";

struct Geometry {
    std::uint64_t cylinders = 0;
    std::uint64_t heads = 0;
    std::uint64_t sectors = 0;
};

Geometry geometry_of(std::uint64_t capacity_sectors, AdapterType adapter) {
    constexpr std::uint64_t kGibSectors = (1ULL << 30U) / kSectorBytes;
    Geometry geometry;
    if (adapter == AdapterType::ide) {
        geometry = {0, 16, 63};
    } else if (capacity_sectors < kGibSectors) {
        geometry = {0, 64, 32};
    } else if (capacity_sectors <= 2 * kGibSectors) {
        geometry = {0, 128, 32};
    } else {
        geometry = {0, 255, 63};
    }
    geometry.cylinders = capacity_sectors / (geometry.heads * geometry.sectors);
    if (adapter == AdapterType::ide)
        geometry.cylinders = std::min<std::uint64_t>(geometry.cylinders, 16383);
    return geometry;
}

// "60 00 C2 90 01 02 03 04-05 06 07 08 09 0a 0b 0c"
std::string spaced_uuid(std::string_view digits) {
    std::string text;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        if (i > 0) text += i == 16 ? '-' : ' ';
        text += digits.substr(i, 2);
    }
    return text;
}

std::string descriptor_text(
    std::string_view create_type,
    const std::string& extent_line,
    std::uint64_t capacity_sectors,
    AdapterType adapter,
    const DiskIdentity& identity
) {
    const Geometry geometry = geometry_of(capacity_sectors, adapter);
    std::string text = "# Disk DescriptorFile\nversion=1\nencoding=\"UTF-8\"\nCID=";
    text += identity.content_id.substr(24);
    text += "\nparentCID=ffffffff\ncreateType=\"";
    text += create_type;
    text += "\"\n\n# Extent description\n" + extent_line + "\n\n# The Disk Data Base\n#DDB\n\n";
    const auto ddb = [&text](std::string_view key, std::string_view value) {
        text.append("ddb.").append(key).append(" = \"").append(value).append("\"\n");
    };
    ddb("adapterType", to_string(adapter));
    ddb("geometry.cylinders", std::to_string(geometry.cylinders));
    ddb("geometry.heads", std::to_string(geometry.heads));
    ddb("geometry.sectors", std::to_string(geometry.sectors));
    ddb("longContentID", identity.content_id);
    ddb("uuid", spaced_uuid(identity.uuid));
    ddb("virtualHWVersion", "8");
    return text;
}

Error refused(const std::string& what) {
    return {Errc::unsupported, "the vmdk descriptor is not accepted: " + what};
}

bool is_plain_name(std::string_view name) {
    if (name.empty() || name.size() > 255 || name.find("..") != std::string_view::npos)
        return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return c >= 0x20 && c < 0x7F && c != '/' && c != '\\' && c != '"' && c != ':';
    });
}

bool is_number(std::string_view text, std::size_t most_digits = 20) {
    return !text.empty() && text.size() <= most_digits &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_hex(std::string_view text, std::size_t most_digits) {
    return !text.empty() && text.size() <= most_digits &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) {
               return std::isxdigit(c) != 0;
           });
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return result;
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r";
    const auto first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Values are quoted or bare; a quote inside is not allowed.
std::optional<std::string_view> unquote(std::string_view value) {
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
        value = value.substr(1, value.size() - 2);
    if (value.find('"') != std::string_view::npos) return std::nullopt;
    return value;
}

constexpr std::array<std::string_view, 18> kHarmlessDdbKeys = {
    "ddb.adaptertype",
    "ddb.comment",
    "ddb.deletable",
    "ddb.encoding",
    "ddb.geometry.bioscylinders",
    "ddb.geometry.biosheads",
    "ddb.geometry.biossectors",
    "ddb.geometry.cylinders",
    "ddb.geometry.heads",
    "ddb.geometry.sectors",
    "ddb.longcontentid",
    "ddb.thinprovisioned",
    "ddb.toolsinstalltype",
    "ddb.toolsversion",
    "ddb.uuid",
    "ddb.uuid.image",
    "ddb.uuid.modification",
    "ddb.virtualhwversion",
};

// Written by VirtualBox into every disk; anything but zeros there names a parent.
bool is_zero_parent(std::string_view key, std::string_view value) {
    return (key == "ddb.uuid.parent" || key == "ddb.uuid.parentmodification") &&
           value == "00000000-0000-0000-0000-000000000000";
}

// Whether `behind`, which begins with a NUL, holds NULs alone, or the last few bytes of `text` once
// more: qemu-img leaves those when it replaces the CID by one with fewer digits.
bool is_remnant_of(std::string_view text, std::string_view behind) {
    constexpr std::size_t kMostDigits = 8;
    const auto last = behind.find_last_not_of('\0');
    if (last == std::string_view::npos) return true;
    return last <= kMostDigits && text.ends_with(behind.substr(1, last));
}

class DescriptorParser {
public:
    Result<EmbeddedDescriptor> parse(std::string_view text);

private:
    Result<void> line(std::string_view text);
    Result<void> extent(std::string_view text);
    Result<void> key_value(std::string_view key, std::string_view value);
    Result<void> header_key(const std::string& key, std::string_view value);

    std::set<std::string> keys_;
    std::optional<VmdkKind> kind_;
    std::optional<std::uint64_t> capacity_sectors_;
};

Result<EmbeddedDescriptor> DescriptorParser::parse(std::string_view text) {
    const auto end = text.find('\0');
    if (end != std::string_view::npos) {
        const std::string_view behind = text.substr(end);
        text = text.substr(0, end);
        if (!is_remnant_of(text, behind)) return refused("it goes on after a NUL byte");
    }
    const bool ascii = std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 0x20 && c < 0x7F) || c == '\n' || c == '\r' || c == '\t';
    });
    if (!ascii) return refused("it is not plain text");
    while (!text.empty()) {
        const auto newline = text.find('\n');
        SLIPWAY_CHECK(line(trim(text.substr(0, newline))));
        text = newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
    }
    for (const char* key : {"version", "cid", "parentcid"})
        if (!keys_.contains(key)) return refused(std::string("it has no ") + key);
    if (!kind_) return refused("it has no createType");
    if (!capacity_sectors_) return refused("it has no extent");
    return EmbeddedDescriptor{*kind_, *capacity_sectors_};
}

Result<void> DescriptorParser::line(std::string_view text) {
    if (text.empty() || text.front() == '#') return {};
    const std::string_view word = text.substr(0, text.find_first_of(" \t="));
    const std::string access = lower(word);
    if (access == "rw" || access == "rdonly" || access == "noaccess") return extent(text);
    const auto equals = text.find('=');
    if (equals == std::string_view::npos)
        return refused("a line is neither a comment, a key nor an extent");
    return key_value(trim(text.substr(0, equals)), trim(text.substr(equals + 1)));
}

// RW 2097152 SPARSE "disk.vmdk"
Result<void> DescriptorParser::extent(std::string_view text) {
    if (capacity_sectors_) return refused("it has more than one extent");
    const auto next_word = [&text] {
        const auto end = std::min(text.find_first_of(" \t"), text.size());
        const std::string_view word = text.substr(0, end);
        text = trim(text.substr(end));
        return word;
    };
    const std::string_view access = next_word();
    const std::string_view sectors = next_word();
    const std::string_view type = next_word();
    if (access != "RW" && access != "RDONLY") return refused("its extent is not readable");
    if (type != "SPARSE") return refused("its extent is not of type SPARSE");
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(sectors.data(), sectors.data() + sectors.size(), value);
    if (!is_number(sectors) || parsed.ec != std::errc()) return refused("its extent has no size");
    if (text.size() < 2 || text.front() != '"' || text.back() != '"' ||
        !is_plain_name(text.substr(1, text.size() - 2)))
        return refused("its extent is not a plain file name");
    capacity_sectors_ = value;
    return {};
}

Result<void> DescriptorParser::key_value(std::string_view key, std::string_view value) {
    const std::string name = lower(key);
    if (!keys_.insert(name).second) return refused("a key stands there twice");
    const auto bare = unquote(value);
    if (!bare) return refused("a value is badly quoted");
    if (!name.starts_with("ddb.")) return header_key(name, *bare);
    if (is_zero_parent(name, *bare)) return {};
    if (std::find(kHarmlessDdbKeys.begin(), kHarmlessDdbKeys.end(), name) == kHarmlessDdbKeys.end())
        return refused("the key " + name.substr(0, 64) + " is not allowed");
    if (bare->find_first_of("/\\") != std::string_view::npos)
        return refused("the value of " + name + " holds a path");
    return {};
}

Result<void> DescriptorParser::header_key(const std::string& key, std::string_view value) {
    if (key == "version") {
        if (is_number(value, 1) && value != "0") return {};
        return refused("its version is unknown");
    }
    if (key == "encoding") {
        const bool plain = std::all_of(value.begin(), value.end(), [](unsigned char c) {
            return std::isalnum(c) != 0 || c == '-' || c == '_';
        });
        if (plain && value.size() <= 32) return {};
        return refused("its encoding is unknown");
    }
    if (key == "cid") {
        if (is_hex(value, 8)) return {};
        return refused("its CID is not a hexadecimal number");
    }
    if (key == "parentcid") {
        if (lower(value) == kNoParent) return {};
        return refused("it has a parent");
    }
    if (key == "isnativesnapshot") {
        if (value == "no") return {};
        return refused("it is a native snapshot");
    }
    if (key == "createtype") {
        for (const VmdkKind kind : {VmdkKind::sparse, VmdkKind::stream_optimized})
            if (value == to_string(kind)) kind_ = kind;
        if (kind_) return {};
        return refused("only the types monolithicSparse and streamOptimized are taken");
    }
    return refused("the key " + key.substr(0, 64) + " is not allowed");
}

}  // namespace

std::string_view to_string(AdapterType adapter) {
    switch (adapter) {
        case AdapterType::lsilogic:
            return "lsilogic";
        case AdapterType::buslogic:
            return "buslogic";
        case AdapterType::ide:
            return "ide";
    }
    return "lsilogic";
}

AdapterType adapter_type_for(std::string_view property) {
    const std::string word = lower(property);
    if (word == "ide") return AdapterType::ide;
    if (word == "buslogic") return AdapterType::buslogic;
    return AdapterType::lsilogic;
}

std::string_view to_string(VmdkKind kind) {
    return kind == VmdkKind::sparse ? "monolithicSparse" : "streamOptimized";
}

DiskIdentity DiskIdentity::random() {
    DiskIdentity identity;
    do {
        identity.content_id = random_hex(32);
        // ffffffff means "no parent" and fffffffe "unknown" to its readers.
    } while (identity.content_id.substr(24, 7) == "fffffff");
    identity.uuid = "6000c29" + random_hex(25);
    return identity;
}

Result<std::string> flat_descriptor(
    std::uint64_t size_bytes,
    std::string_view extent_name,
    AdapterType adapter,
    const DiskIdentity& identity
) {
    if (size_bytes == 0 || size_bytes % kSectorBytes != 0)
        return Error(
            Errc::unsupported, "a flat disk must be a multiple of 512 bytes long; pad the image"
        );
    const std::uint64_t sectors = size_bytes / kSectorBytes;
    const std::string extent =
        "RW " + std::to_string(sectors) + " VMFS \"" + std::string(extent_name) + "\"";
    return descriptor_text("vmfs", extent, sectors, adapter, identity);
}

std::string embedded_descriptor(
    VmdkKind kind, std::uint64_t capacity_sectors, AdapterType adapter, const DiskIdentity& identity
) {
    const std::string extent = "RW " + std::to_string(capacity_sectors) + " SPARSE \"disk.vmdk\"";
    return descriptor_text(to_string(kind), extent, capacity_sectors, adapter, identity);
}

Result<EmbeddedDescriptor> parse_embedded_descriptor(std::string_view text) {
    return DescriptorParser().parse(text);
}

}  // namespace slipway::format
