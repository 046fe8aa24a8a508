#pragma once

#include "base/result.h"
#include "format/descriptor.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::format {

class Detector;
class OvaReader;

// What the bytes are, by the words that the Image API uses for a disk_format; gpt means a bare disk
// with a partition table, GPT or MBR.
enum class DiskFormat { raw, qcow2, qed, vhd, vhdx, vmdk, vdi, iso, gpt, luks };

std::string_view to_string(DiskFormat format);

struct InspectionLimits {
    std::uint64_t max_virtual_bytes = 62ULL << 40U;  // what ESXi can attach
};

struct Inspection {
    DiskFormat format = DiskFormat::raw;
    std::optional<VmdkKind> vmdk_kind;  // absent: no vmdk, or one of a kind that is never taken
    // What a guest sees, by the header; of raw and gpt the length of the file. 0: unknown.
    std::uint64_t virtual_size = 0;
    // Unsupported when the bytes must not be stored as an image, whatever they were declared to be.
    Result<void> safety;
    // That is all that is wrong with it: what the partition table of a bare disk breaks.
    bool bad_partition_table = false;
    // Whether the file is an acceptable OVA; only looked at for that container.
    Result<void> ova;
};

// Looks at an upload as it passes: every known format at once. The verdict depends on the bytes
// alone, not on how they were cut into chunks. Holds at most 2 MiB.
//
//   Inspector inspector;
//   inspector.see(chunk);                    // in order, every byte once; on the BlockingPool
//   const Inspection found = inspector.finish();
class Inspector {
public:
    explicit Inspector(const InspectionLimits& limits = {});
    ~Inspector();
    Inspector(Inspector&&) noexcept;
    Inspector& operator=(Inspector&&) noexcept;

    // So many bytes decide which format it is.
    static constexpr std::size_t kEarlyBytes = 64U << 10U;

    void see(std::span<const std::byte> chunk);

    // What the first kEarlyBytes say; absent until they have been seen. Format and kind are final;
    // safety may still turn bad; the virtual size of raw and gpt is unknown, and ova is undecided.
    [[nodiscard]] std::optional<Inspection> early_verdict() const;

    // After the last byte.
    [[nodiscard]] Inspection finish();

private:
    [[nodiscard]] Inspection verdict(std::optional<std::uint64_t> file_bytes) const;
    void keep_early_verdict();

    InspectionLimits limits_;
    std::vector<std::unique_ptr<Detector>> detectors_;
    std::unique_ptr<OvaReader> ova_;
    std::uint64_t seen_bytes_ = 0;
    std::optional<Inspection> early_;
};

// What the image's record says about the bytes.
struct DeclaredFormat {
    std::string disk_format;
    std::string container_format;
    std::string vmware_disktype;  // the image property; empty without one
};

struct FormatPolicy {
    // Off: bytes of another format than declared are taken. Unsafe ones never are.
    bool require_image_format_match = true;
    // Bare disks are taken whatever their partition tables break.
    bool tolerates_bad_partition_tables = false;
};

// Whether the bytes may be stored under what was declared; for an early verdict, whether to go on.
// Of other containers than bare and ova only a vmdk is looked into, for what is unsafe.
// Errors: unsupported, with the sentence for the client (415).
Result<void> check_declared(
    const DeclaredFormat& declared, const Inspection& inspection, const FormatPolicy& policy = {}
);

}  // namespace slipway::format
