#pragma once

#include "base/pattern.h"
#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway {

enum class AttributeType { string, integer, boolean, string_array, object_array };

// One attribute of the image document, as served by /v2/schemas/image and as checked in requests.
struct Attribute {
    std::string name;
    std::string description;
    AttributeType type = AttributeType::string;
    bool nullable = false;
    bool read_only = false;
    bool is_base = true;             // false: a property that the schema declares
    std::size_t max_length = 0;      // in characters; 0: any
    bool uuid = false;               // the text must be a UUID
    std::optional<Pattern> pattern;  // a part of the text must match
    std::vector<std::string> choices;
};

// The properties that an operator declares, in place of those that are declared without.
struct DeclaredProperties {
    std::vector<Attribute> attributes;
    std::vector<std::string> required;  // names, also of base attributes
};

// The attributes of an image, in the order of the served document: the one table from which the
// schema is served and requests are checked.
class ImageSchema {
public:
    ImageSchema(
        std::vector<std::string> disk_formats,
        std::vector<std::string> container_formats,
        std::optional<DeclaredProperties> declared = std::nullopt
    );

    [[nodiscard]] const std::vector<Attribute>& attributes() const { return attributes_; }
    [[nodiscard]] const Attribute* find(std::string_view name) const;
    // What every new image must be given.
    [[nodiscard]] const std::vector<std::string>& required() const { return required_; }
    // A base attribute; everything else is an additional property.
    [[nodiscard]] bool is_base(std::string_view name) const;

    // A name that clients may not use as a property: location, deleted, deleted_at, os_glance*.
    [[nodiscard]] static bool is_reserved(std::string_view name);

private:
    std::vector<Attribute> attributes_;
    std::vector<std::string> required_;
};

}  // namespace slipway
