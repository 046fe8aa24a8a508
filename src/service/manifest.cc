#include "service/manifest.h"

#include "base/json.h"

namespace slipway::service {

namespace {

void write_boot_form(json::Writer& writer, const BootForm& form) {
    writer.key("boot_form").begin_object().member("disk_type", form.disk_type);
    writer.member("size", static_cast<std::int64_t>(form.size_bytes));
    writer.member("capacity", static_cast<std::int64_t>(form.capacity_bytes));
    writer.member("checksum", form.checksum).member("os_hash_value", form.os_hash_value);
    writer.end_object();
}

}  // namespace

store::SideFile manifest_of(const Image& image, const Location& location) {
    json::Writer writer;
    writer.begin_object().member("layout", std::int64_t{1}).member("image_id", image.id.str());
    writer.member("data_file", location.data_file).member("form", to_string(location.form));
    writer.member("data_offset", static_cast<std::int64_t>(location.data_offset));
    writer.member("stored_bytes", static_cast<std::int64_t>(location.stored_bytes));
    writer.member_or_null("size", image.size_bytes);
    writer.member_or_null("virtual_size", image.virtual_size_bytes);
    writer.member_or_null("disk_format", image.disk_format);
    writer.member_or_null("container_format", image.container_format);
    writer.member_or_null("checksum", image.checksum);
    writer.member_or_null("os_hash_algo", image.os_hash_algo);
    writer.member_or_null("os_hash_value", image.os_hash_value);
    if (image.boot_form) write_boot_form(writer, *image.boot_form);
    writer.end_object();
    return {image.id.str() + ".json", writer.text()};
}

}  // namespace slipway::service
