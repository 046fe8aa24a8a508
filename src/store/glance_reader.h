#pragma once

#include "base/time.h"
#include "store/glance_database.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace slipway::store {

// Rows as Glance keeps them: nothing is checked, and nothing is left out but what Glance counts as
// deleted.

struct GlanceMember {
    std::string project;
    std::string status;
    Time created_at;
    Time updated_at;
};

struct GlanceLocation {
    std::string value;  // a URL, or what metadata_encryption_key made of it
    std::string metadata;
    std::string status;
};

struct GlanceImage {
    std::string id;
    std::optional<std::string> name;
    std::string status;
    std::string visibility;
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
    std::vector<std::pair<std::string, std::optional<std::string>>> properties;
    std::vector<std::string> tags;
    std::vector<GlanceMember> members;
    std::vector<GlanceLocation> locations;  // in Glance's order
};

struct GlanceResourceType {
    std::string name;
    Time created_at;
    Time updated_at;
};

struct GlanceAssociation : GlanceResourceType {
    std::optional<std::string> prefix;
    std::optional<std::string> properties_target;
};

struct GlanceDefinition {
    std::string name;
    std::string schema;  // JSON
};

struct GlanceObject : GlanceDefinition {  // whose schema has definitions by name
    std::optional<std::string> description;
    std::string required;  // names with commas between
    Time created_at;
    Time updated_at;
};

struct GlanceNamespace {
    std::string id;
    std::string name;
    std::optional<std::string> display_name;
    std::optional<std::string> description;
    std::string visibility;
    bool is_protected = false;
    std::string owner;
    Time created_at;
    Time updated_at;
    std::vector<GlanceAssociation> associations;
    std::vector<GlanceDefinition> properties;
    std::vector<GlanceObject> objects;
    std::vector<GlanceResourceType> tags;
};

// Reads the tables that Glance has had since Rocky. All inside of GlanceDatabase::look().
// Errors: corrupt for what is no time; those of the database.
class GlanceReader {
public:
    explicit GlanceReader(GlanceDatabase& database) : database_(database) {}

    // Errors: unsupported when this is no database of a Glance, or of one that is too old.
    Result<void> check();
    // Those behind the image `after`, in the database's order; whole.
    Result<std::vector<GlanceImage>> images(const std::string& after, std::size_t limit);
    // Rows that Glance keeps of deleted images.
    Result<std::uint64_t> deleted_images();
    Result<std::vector<GlanceResourceType>> resource_types();
    // Every namespace, without what it holds.
    Result<std::vector<GlanceNamespace>> namespaces();
    Result<void> load_contents(GlanceNamespace& space);

private:
    Result<std::vector<DbRow>> rows_of(
        std::string_view table,
        const std::vector<std::string>& columns,
        std::string_view rest,
        const DbValues& values = {}
    );
    Result<void> load_parts(std::vector<GlanceImage>& images);
    [[nodiscard]] std::string text(std::string_view column) const {
        return database_.text_of(column);
    }
    // Of when a row was made and changed.
    [[nodiscard]] std::vector<std::string> with_times(std::vector<std::string> columns) const;

    GlanceDatabase& database_;
};

}  // namespace slipway::store
