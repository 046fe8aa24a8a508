#include "model/image_schema.h"

#include <algorithm>
#include <iterator>

namespace slipway {

namespace {

Attribute text(std::string name, std::string description, std::size_t max_length = 0) {
    Attribute attribute;
    attribute.name = std::move(name);
    attribute.description = std::move(description);
    attribute.max_length = max_length;
    return attribute;
}

Attribute of_type(std::string name, AttributeType type, std::string description) {
    Attribute attribute = text(std::move(name), std::move(description));
    attribute.type = type;
    return attribute;
}

Attribute nullable(Attribute attribute) {
    attribute.nullable = true;
    return attribute;
}

Attribute read_only(Attribute attribute) {
    attribute.read_only = true;
    return attribute;
}

Attribute choice(Attribute attribute, std::vector<std::string> choices) {
    attribute.choices = std::move(choices);
    return attribute;
}

Attribute uuid(Attribute attribute) {
    attribute.uuid = true;
    return attribute;
}

// A property that the schema declares, with rules of its own, but that clients count as custom.
Attribute property(Attribute attribute) {
    attribute.is_base = false;
    return attribute;
}

std::vector<Attribute> usual_properties() {
    return {
        property(nullable(uuid(text("kernel_id", "Image to boot as the kernel of this one")))),
        property(
            nullable(uuid(text("ramdisk_id", "Image to boot as the initial RAM disk of this one")))
        ),
        property(text("instance_uuid", "Instance that the image was made from")),
        property(text("architecture", "Processor architecture that the guest is built for")),
        property(text("os_distro", "Distribution of the guest's operating system")),
        property(text("os_version", "Version of the guest's operating system")),
        property(text("description", "A sentence about the image, for people")),
        property(text("cinder_encryption_key_id", "Secret that unlocks volumes made from the image")
        ),
        property(choice(
            text("cinder_encryption_key_deletion_policy", "Whether the secret goes with the image"),
            {"on_image_deletion", "do_not_delete"}
        )),
    };
}

}  // namespace

ImageSchema::ImageSchema(
    std::vector<std::string> disk_formats,
    std::vector<std::string> container_formats,
    std::optional<DeclaredProperties> declared
) {
    using enum AttributeType;
    attributes_ = {
        uuid(text("id", "The image's UUID")),
        nullable(text("name", "A name for people; need not be unique", 255)),
        read_only(choice(
            text("status", "Where the image stands in its life"),
            {"queued",
             "saving",
             "active",
             "killed",
             "deleted",
             "uploading",
             "importing",
             "pending_delete",
             "deactivated"}
        )),
        choice(
            text("visibility", "Who can find and use the image"),
            {"community", "public", "private", "shared"}
        ),
        of_type("protected", boolean, "Refuses deletion while set"),
        of_type(
            "os_hidden", boolean, "Leaves the image out of lists that do not ask for hidden ones"
        ),
        read_only(nullable(text("checksum", "MD5 of the data, in hexadecimal", 32))),
        read_only(nullable(text("os_hash_algo", "Name of the digest in os_hash_value", 64))),
        read_only(nullable(
            text("os_hash_value", "Digest of the data by os_hash_algo, in hexadecimal", 128)
        )),
        nullable(text("owner", "Project that owns the image", 255)),
        read_only(nullable(of_type("size", integer, "Length of the data, in bytes"))),
        read_only(nullable(of_type(
            "virtual_size", integer, "Capacity of the disk that the data describes, in bytes"
        ))),
        nullable(choice(
            text("container_format", "What the disk is packed in"), std::move(container_formats)
        )),
        nullable(
            choice(text("disk_format", "How the data describes a disk"), std::move(disk_formats))
        ),
        read_only(text("created_at", "When the image was created")),
        read_only(text("updated_at", "When the image last changed")),
        of_type("tags", string_array, "Words that lists can be filtered by"),
        read_only(text("direct_url", "Where the data lies, as the storage names it")),
        of_type("min_ram", integer, "Memory that an instance needs, in MiB"),
        of_type("min_disk", integer, "Disk that an instance needs, in GiB"),
        read_only(text("self", "Path of this record")),
        read_only(text("file", "Path of the data")),
        read_only(text("schema", "Path of this schema")),
        read_only(text(
            "stores",
            "Stores that hold the data, comma separated, heaviest first; absent where only one is "
            "configured"
        )),
        of_type("locations", object_array, "Every place where the data lies"),
    };
    if (!declared) declared.emplace(DeclaredProperties{usual_properties(), {}});
    std::ranges::move(declared->attributes, std::back_inserter(attributes_));
    required_ = std::move(declared->required);
}

const Attribute* ImageSchema::find(std::string_view name) const {
    const auto found =
        std::find_if(attributes_.begin(), attributes_.end(), [&](const Attribute& attribute) {
            return attribute.name == name;
        });
    return found == attributes_.end() ? nullptr : &*found;
}

bool ImageSchema::is_base(std::string_view name) const {
    const Attribute* attribute = find(name);
    return attribute != nullptr && attribute->is_base;
}

bool ImageSchema::is_reserved(std::string_view name) {
    return name == "location" || name == "deleted" || name == "deleted_at" ||
           name.starts_with("os_glance");
}

}  // namespace slipway
