#pragma once

#include "base/ids.h"
#include "base/time.h"
#include "model/image_status.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway {

enum class Visibility { private_, shared, community, public_ };

std::string_view to_string(Visibility visibility);
// Errors: invalid_argument.
Result<Visibility> parse_visibility(std::string_view word);

// The disk that the datastore can clone and Nova boots cold, where the image has one: what services
// are shown instead of the record of the upload. Its bytes are the whole data file of a Location.
struct BootForm {
    std::string disk_type;  // vmware_disktype of the file: sparse, preallocated
    std::uint64_t size_bytes = 0;
    std::uint64_t capacity_bytes = 0;
    std::string checksum;       // md5 of the file's bytes, hex
    std::string os_hash_value;  // by the image's os_hash_algo

    friend bool operator==(const BootForm&, const BootForm&) = default;
};

// The record of an image, as the Image API knows it.
struct Image {
    ImageId id;
    std::optional<std::string> name;
    ImageStatus status = ImageStatus::queued;
    Visibility visibility = Visibility::shared;
    std::optional<std::string> owner;
    std::optional<std::uint64_t> size_bytes;
    std::optional<std::uint64_t> virtual_size_bytes;
    std::optional<std::string> disk_format;
    std::optional<std::string> container_format;
    std::int64_t min_disk_gib = 0;
    std::int64_t min_ram_mib = 0;
    bool is_protected = false;
    bool hidden = false;
    std::optional<std::string> checksum;
    std::optional<std::string> os_hash_algo;
    std::optional<std::string> os_hash_value;
    Time created_at;
    Time updated_at;
    std::vector<std::string> tags;  // a set, sorted
    // Additional properties; null only for those that the schema declares nullable.
    std::map<std::string, std::optional<std::string>> properties;
    std::optional<BootForm> boot_form;
    // Why there is none, or why it could not be imported as a disk, where that is known.
    std::optional<std::string> boot_reason;
    // Kept for another image service, under a name of its own: no image of this one's API.
    bool is_object = false;

    // The value of a property, empty when it is absent or null.
    [[nodiscard]] std::string_view property(const std::string& key) const;
};

// What the record says of its bytes becomes what the boot form's bytes are; nothing without one.
void take_boot_form(Image& image);

}  // namespace slipway
