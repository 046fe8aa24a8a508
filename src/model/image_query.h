#pragma once

#include "base/ids.h"
#include "base/time.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace slipway {

// What a list of images is asked for.

enum class SortKey {
    name,
    status,
    container_format,
    disk_format,
    size,
    id,
    created_at,
    updated_at
};
enum class SortDirection { ascending, descending };
struct Sort {
    SortKey key = SortKey::created_at;
    SortDirection direction = SortDirection::descending;
};

enum class Comparison { equal, not_equal, less, less_or_equal, greater, greater_or_equal };

// A filter on a column of the image; the column names are those of the API (image-level only).
struct TextFilter {
    std::string column;  // name, id, status, container_format, disk_format, owner, checksum,
                         // os_hash_algo, os_hash_value
    std::vector<std::string> any_of;
};
struct NumberFilter {
    std::string column;  // size, virtual_size, min_disk, min_ram
    Comparison comparison = Comparison::equal;
    std::int64_t value = 0;
};
// Both sides are compared as clients see times: the image's in whole seconds.
struct TimeFilter {
    std::string column;  // created_at, updated_at
    Comparison comparison = Comparison::equal;
    Time value;
};

// Which images a caller may find in a list, before filters.
struct ListScope {
    bool all = false;                        // an admin: everything but others' community images
    std::optional<std::string> project;      // public, own, shared with it, own community
    std::string member_status = "accepted";  // of images shared with it; "all" for any
};

struct ImageQuery {
    ListScope scope;
    std::optional<std::string>
        visibility;  // public, private, shared, community, all; absent: default
    bool hidden = false;
    std::optional<bool> is_protected;
    std::vector<std::string> tags;  // all of them
    std::vector<TextFilter> texts;
    std::vector<NumberFilter> numbers;
    std::vector<TimeFilter> times;
    std::vector<std::pair<std::string, std::string>> properties;  // equality
    // In order; created_at and id break ties and are appended by the catalogue when absent, in the
    // first direction.
    std::vector<Sort> sort;
    // Exclusive; need not match the filters. invalid_argument when there is no such image, or none
    // that the scope may see by its id.
    std::optional<ImageId> marker;
    std::size_t limit = 25;
};

}  // namespace slipway
