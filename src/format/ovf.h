#pragma once

#include "base/result.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace slipway::format {

inline constexpr std::size_t kMaxOvfBytes = 1U << 20U;

// The name of the file that holds the first disk which an OVF describes.
//
//   <References><File ovf:id="file1" ovf:href="disk1.vmdk"/></References>
//   <DiskSection><Disk ovf:diskId="vmdisk1" ovf:fileRef="file1"/></DiskSection>
//
// Source: DMTF DSP0243 2.1, 7.1 and 9.1. Elements are found by their local names, because older
// documents use another namespace.
// Errors: corrupt for anything that is no well-formed XML of at most kMaxOvfBytes, and for any
// DOCTYPE; unsupported for a document without a disk, and for a file that is compressed, split or
// the child of another.
Result<std::string> first_disk_file(std::string_view ovf);

}  // namespace slipway::format
