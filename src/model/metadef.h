#pragma once

#include "base/time.h"
#include "model/image.h"
#include "model/image_query.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace slipway {

// Metadata definitions: what the properties of images, volumes and flavors mean, for those who
// offer them to users. The server keeps them and looks into none.

struct MetadefProperty {
    std::string name;
    std::string definition;  // a JSON object, as service/metadef_json.h makes it

    friend bool operator==(const MetadefProperty&, const MetadefProperty&) = default;
};

// Properties that are set together.
struct MetadefObject {
    std::string name;
    std::optional<std::string> description;
    std::vector<std::string> required;
    std::vector<MetadefProperty> properties;
    Time created_at;
    Time updated_at;
};

struct MetadefTag {
    std::string name;
    Time created_at;
    Time updated_at;
};

// A kind of thing that has properties: OS::Glance::Image.
struct MetadefResourceType {
    std::string name;
    Time created_at;
    Time updated_at;
};

// That a namespace concerns a resource type.
struct MetadefAssociation {
    std::string resource_type;
    std::optional<std::string> prefix;  // of the properties' names on such resources
    std::optional<std::string> properties_target;
    Time created_at;
    Time updated_at;
};

struct MetadefNamespace {
    std::string name;
    std::optional<std::string> display_name;
    std::optional<std::string> description;
    Visibility visibility = Visibility::private_;  // or public_
    bool is_protected = false;  // then neither it nor what it holds can be deleted
    std::optional<std::string> owner;
    Time created_at;
    Time updated_at;
    // What it holds, by name; where a query says so.
    std::vector<MetadefAssociation> associations;
    std::vector<MetadefProperty> properties;
    std::vector<MetadefObject> objects;
    std::vector<MetadefTag> tags;
};

enum class MetadefSortKey {
    name,
    display_name,
    visibility,
    owner,
    is_protected,
    created_at,
    updated_at
};

// What a list of namespaces is asked for.
struct MetadefQuery {
    bool all = false;                    // an admin: everybody's
    std::optional<std::string> project;  // else: public ones, and those of this project
    std::optional<Visibility> visibility;
    std::vector<std::string> resource_types;  // associated with any of them; none: no filter
    MetadefSortKey sort_key = MetadefSortKey::created_at;  // names break ties
    SortDirection direction = SortDirection::descending;
    std::optional<std::string> marker;  // exclusive: the name of a namespace
    std::size_t limit = 25;
};

// What a list of the tags of a namespace is asked for.
struct MetadefTagQuery {
    MetadefSortKey sort_key = MetadefSortKey::created_at;  // or updated_at, or name
    SortDirection direction = SortDirection::descending;
    std::optional<std::string> marker;  // exclusive: the name of a tag
    std::optional<std::size_t> limit;
};

}  // namespace slipway
