#include "model/image.h"

namespace slipway {

std::string_view to_string(Visibility visibility) {
    switch (visibility) {
        case Visibility::private_:
            return "private";
        case Visibility::shared:
            return "shared";
        case Visibility::community:
            return "community";
        case Visibility::public_:
            return "public";
    }
    return "private";
}

Result<Visibility> parse_visibility(std::string_view word) {
    for (const Visibility v :
         {Visibility::private_, Visibility::shared, Visibility::community, Visibility::public_})
        if (to_string(v) == word) return v;
    return Error(
        Errc::invalid_argument, "Invalid visibility value: " + std::string(word.substr(0, 64))
    );
}

std::string_view Image::property(const std::string& key) const {
    const auto found = properties.find(key);
    if (found == properties.end() || !found->second) return {};
    return *found->second;
}

void take_boot_form(Image& image) {
    if (!image.boot_form) return;
    const BootForm& form = *image.boot_form;
    image.disk_format = "vmdk";
    image.container_format = "bare";
    image.size_bytes = form.size_bytes;
    image.virtual_size_bytes = form.capacity_bytes;
    image.checksum = form.checksum;
    image.os_hash_value = form.os_hash_value;
    image.properties["vmware_disktype"] = form.disk_type;
}

}  // namespace slipway
