#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

// VMDK descriptors: the text that says what a disk is made of.
//
//   # Disk DescriptorFile
//   version=1
//   CID=5e1f0a2b
//   parentCID=ffffffff
//   createType="vmfs"
//   RW 2097152 VMFS "3f1c-flat.vmdk"
//   ddb.adapterType = "lsilogic"
//
// Source: VMware, Virtual Disk Format 5.0, "The Descriptor File".
namespace slipway::format {

inline constexpr std::uint64_t kSectorBytes = 512;

enum class AdapterType { lsilogic, buslogic, ide };

std::string_view to_string(AdapterType adapter);
// From the image property vmware_adaptertype or hw_disk_bus: "ide" and "busLogic" in any case are
// themselves, everything else (also lsiLogicsas, paraVirtual, scsi, none) is lsilogic.
AdapterType adapter_type_for(std::string_view property);

// What tells two disks apart. Hexadecimal, lower case.
struct DiskIdentity {
    std::string content_id;  // 32 digits; the last 8 are the CID
    std::string uuid;        // 32 digits

    static DiskIdentity random();
};

// The descriptor of a bare extent that lies beside it. `extent_name` is a plain file name.
// Errors: unsupported when `size_bytes` is no positive multiple of 512.
Result<std::string> flat_descriptor(
    std::uint64_t size_bytes,
    std::string_view extent_name,
    AdapterType adapter,
    const DiskIdentity& identity
);

enum class VmdkKind { sparse, stream_optimized };

// createType of the kind.
std::string_view to_string(VmdkKind kind);

// The descriptor inside a sparse or stream-optimised file of our own. Readers ignore the extent's
// name there.
std::string embedded_descriptor(
    VmdkKind kind, std::uint64_t capacity_sectors, AdapterType adapter, const DiskIdentity& identity
);

struct EmbeddedDescriptor {
    VmdkKind kind = VmdkKind::sparse;
    std::uint64_t capacity_sectors = 0;
};

// Reads the descriptor inside an uploaded sparse or stream-optimised file; NULs only as its tail,
// where qemu-img may have left the last bytes of the text a second time.
// The grammar is closed: one createType, one extent of type SPARSE with a plain name, no parent, no
// key twice, no key that is not known to be harmless.
// Errors: unsupported, with the first thing that is not allowed.
Result<EmbeddedDescriptor> parse_embedded_descriptor(std::string_view text);

}  // namespace slipway::format
