#pragma once

#include "base/result.h"
#include "format/inspector.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace slipway::format {

// Recognises one format in a stream. Whether it matches is settled after Inspector::kEarlyBytes.
class Detector {
public:
    virtual ~Detector() = default;

    [[nodiscard]] virtual DiskFormat format() const = 0;
    // Bytes at `offset`; in order, every one once.
    virtual void see(std::uint64_t offset, std::span<const std::byte> chunk) = 0;
    [[nodiscard]] virtual bool matches() const = 0;

    // The rest is asked only where it matches.
    [[nodiscard]] virtual std::optional<VmdkKind> vmdk_kind() const { return std::nullopt; }
    // `file_bytes` is absent while the stream goes on.
    [[nodiscard]] virtual std::uint64_t virtual_size(std::optional<std::uint64_t> file_bytes
    ) const = 0;
    // While the stream goes on: what is bad already. At its end: everything.
    [[nodiscard]] virtual Result<void> safety(std::optional<std::uint64_t> file_bytes) const = 0;
};

std::unique_ptr<Detector> make_qcow2_detector();
std::unique_ptr<Detector> make_qed_detector();
std::unique_ptr<Detector> make_vhd_detector();
std::unique_ptr<Detector> make_vhdx_detector();
std::unique_ptr<Detector> make_vmdk_detector(const InspectionLimits& limits);
// VMDK files of kinds that are never taken: a bare descriptor, COWD, seSparse.
std::unique_ptr<Detector> make_foreign_vmdk_detector();
std::unique_ptr<Detector> make_vdi_detector();
std::unique_ptr<Detector> make_iso_detector();
std::unique_ptr<Detector> make_mbr_detector();
std::unique_ptr<Detector> make_luks_detector();

// "the qcow2 image is not accepted: it names a backing file"
inline Error not_accepted(std::string_view format, std::string_view why) {
    return {
        Errc::unsupported,
        "the " + std::string(format) + " image is not accepted: " + std::string(why)};
}

inline bool starts_with(std::span<const std::byte> bytes, std::string_view magic) {
    if (bytes.size() < magic.size()) return false;
    for (std::size_t i = 0; i < magic.size(); ++i)
        if (std::to_integer<char>(bytes[i]) != magic[i]) return false;
    return true;
}

}  // namespace slipway::format
