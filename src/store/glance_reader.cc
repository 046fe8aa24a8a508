#include "store/glance_reader.h"

#include "store/catalog_rows.h"

#include <unordered_map>

namespace slipway::store {

namespace {

// Reads columns that came as text.
class TextRow {
public:
    explicit TextRow(const DbRow& row) : in_(row) {}

    std::string text() { return in_.text(); }
    std::optional<std::string> optional_text() { return in_.optional_text(); }
    std::int64_t integer() { return in_.integer(); }
    std::optional<std::uint64_t> optional_size() { return in_.optional_size(); }
    bool flag() {
        const std::string word = in_.text();
        return word == "1" || word == "true" || word == "t";
    }
    Result<void> times(Time& created, Time& updated) {
        SLIPWAY_TRY(created, time(in_.text()));
        const auto changed = in_.optional_text();
        updated = created;
        if (changed) {
            SLIPWAY_TRY(updated, time(*changed));
        }
        return {};
    }

private:
    static Result<Time> time(const std::string& text) {
        const auto time = parse_iso8601(text);
        if (!time) return Error(Errc::corrupt, "the database holds a time that is none: " + text);
        return *time;
    }

    RowReader in_;
};

Result<GlanceImage> read_image_row(const DbRow& row) {
    TextRow in(row);
    GlanceImage image;
    image.id = in.text();
    image.name = in.optional_text();
    image.status = in.text();
    image.visibility = in.text();
    image.owner = in.optional_text();
    image.size_bytes = in.optional_size();
    image.virtual_size_bytes = in.optional_size();
    image.disk_format = in.optional_text();
    image.container_format = in.optional_text();
    image.min_disk_gib = in.integer();
    image.min_ram_mib = in.integer();
    image.is_protected = in.flag();
    image.hidden = in.flag();
    image.checksum = in.optional_text();
    image.os_hash_algo = in.optional_text();
    image.os_hash_value = in.optional_text();
    SLIPWAY_CHECK(in.times(image.created_at, image.updated_at));
    return image;
}

}  // namespace

std::vector<std::string> GlanceReader::with_times(std::vector<std::string> columns) const {
    for (std::string& column : columns) column = text(column);
    columns.push_back(database_.time_of("created_at"));
    columns.push_back(database_.time_of("updated_at"));
    return columns;
}

Result<std::vector<DbRow>> GlanceReader::rows_of(
    std::string_view table,
    const std::vector<std::string>& columns,
    std::string_view rest,
    const DbValues& values
) {
    std::string sql = "select ";
    for (const std::string& column : columns)
        sql += (&column == columns.data() ? "" : ", ") + column;
    sql += " from " + std::string(table) + " " + std::string(rest);
    return database_.query(sql, values);
}

Result<void> GlanceReader::check() {
    // As text: SOCI does not know what an enumeration of PostgreSQL is.
    const std::vector<std::string> youngest{
        text("os_hidden"), text("os_hash_algo"), text("os_hash_value"), text("visibility")};
    const auto found = rows_of("images", youngest, "limit 1");
    if (!found && found.error().code != Errc::internal) return found.error();
    if (!found)
        return Error(
            Errc::unsupported, "this is no database of a Glance, or of one older than Rocky (2018)"
        );
    return {};
}

Result<std::vector<GlanceImage>> GlanceReader::images(const std::string& after, std::size_t limit) {
    const std::vector<std::string> columns = with_times(
        {"id",
         "name",
         "status",
         "visibility",
         "owner",
         "size",
         "virtual_size",
         "disk_format",
         "container_format",
         "min_disk",
         "min_ram",
         "protected",
         "os_hidden",
         "checksum",
         "os_hash_algo",
         "os_hash_value"}
    );
    SLIPWAY_TRY(
        const auto rows,
        rows_of(
            "images",
            columns,
            "where deleted = false and id > ? order by id limit " + std::to_string(limit),
            {after}
        )
    );
    std::vector<GlanceImage> images;
    for (const DbRow& row : rows) {
        SLIPWAY_TRY(images.emplace_back(), read_image_row(row));
    }
    if (!images.empty()) SLIPWAY_CHECK(load_parts(images));
    return images;
}

Result<void> GlanceReader::load_parts(std::vector<GlanceImage>& images) {
    DbValues ids;
    std::unordered_map<std::string, GlanceImage*> by_id;
    for (GlanceImage& image : images) {
        ids.emplace_back(image.id);
        by_id.emplace(image.id, &image);
    }
    const std::string among =
        "where deleted = false and image_id in (" + placeholders(ids.size()) + ") order by id";
    const auto of = [&](TextRow& in) -> GlanceImage* {
        const auto found = by_id.find(in.text());
        return found == by_id.end() ? nullptr : found->second;
    };

    SLIPWAY_TRY(
        const auto properties,
        rows_of("image_properties", {text("image_id"), text("name"), text("value")}, among, ids)
    );
    for (const DbRow& row : properties) {
        TextRow in(row);
        GlanceImage* const image = of(in);
        if (!image) continue;
        std::string name = in.text();
        image->properties.emplace_back(std::move(name), in.optional_text());
    }
    SLIPWAY_TRY(
        const auto tags, rows_of("image_tags", {text("image_id"), text("value")}, among, ids)
    );
    for (const DbRow& row : tags) {
        TextRow in(row);
        if (GlanceImage* const image = of(in)) image->tags.push_back(in.text());
    }
    SLIPWAY_TRY(
        const auto members,
        rows_of("image_members", with_times({"image_id", "member", "status"}), among, ids)
    );
    for (const DbRow& row : members) {
        TextRow in(row);
        GlanceImage* const image = of(in);
        if (!image) continue;
        GlanceMember& member = image->members.emplace_back();
        member.project = in.text();
        member.status = in.text();
        SLIPWAY_CHECK(in.times(member.created_at, member.updated_at));
    }
    SLIPWAY_TRY(
        const auto locations,
        rows_of(
            "image_locations",
            {text("image_id"), text("value"), text("meta_data"), text("status")},
            among,
            ids
        )
    );
    for (const DbRow& row : locations) {
        TextRow in(row);
        GlanceImage* const image = of(in);
        if (!image) continue;
        GlanceLocation& location = image->locations.emplace_back();
        location.value = in.text();
        location.metadata = in.text();
        location.status = in.text();
    }
    return {};
}

Result<std::uint64_t> GlanceReader::deleted_images() {
    SLIPWAY_TRY(const auto rows, rows_of("images", {"count(*)"}, "where deleted = true"));
    return static_cast<std::uint64_t>(rows.at(0).at(0).integer());
}

Result<std::vector<GlanceResourceType>> GlanceReader::resource_types() {
    SLIPWAY_TRY(
        const auto rows, rows_of("metadef_resource_types", with_times({"name"}), "order by id")
    );
    std::vector<GlanceResourceType> types;
    for (const DbRow& row : rows) {
        TextRow in(row);
        GlanceResourceType& type = types.emplace_back();
        type.name = in.text();
        SLIPWAY_CHECK(in.times(type.created_at, type.updated_at));
    }
    return types;
}

Result<std::vector<GlanceNamespace>> GlanceReader::namespaces() {
    SLIPWAY_TRY(
        const auto rows,
        rows_of(
            "metadef_namespaces",
            with_times(
                {"id",
                 "namespace",
                 "display_name",
                 "description",
                 "visibility",
                 "protected",
                 "owner"}
            ),
            "order by id"
        )
    );
    std::vector<GlanceNamespace> spaces;
    for (const DbRow& row : rows) {
        TextRow in(row);
        GlanceNamespace& space = spaces.emplace_back();
        space.id = in.text();
        space.name = in.text();
        space.display_name = in.optional_text();
        space.description = in.optional_text();
        space.visibility = in.text();
        space.is_protected = in.flag();
        space.owner = in.text();
        SLIPWAY_CHECK(in.times(space.created_at, space.updated_at));
    }
    return spaces;
}

Result<void> GlanceReader::load_contents(GlanceNamespace& space) {
    // A number, but for a table that is none of Glance's.
    if (space.id.find_first_not_of("0123456789") != std::string::npos)
        return Error(Errc::corrupt, "the database holds a namespace whose id is no number");
    const std::string among = "where namespace_id = " + space.id + " order by ";
    SLIPWAY_TRY(
        const auto associations,
        rows_of(
            "(select t.name, a.prefix, a.properties_target, a.created_at, a.updated_at, "
            "a.namespace_id from metadef_namespace_resource_types a join metadef_resource_types t "
            "on t.id = a.resource_type_id) associated",
            with_times({"name", "prefix", "properties_target"}),
            among + "name"
        )
    );
    for (const DbRow& row : associations) {
        TextRow in(row);
        GlanceAssociation& association = space.associations.emplace_back();
        association.name = in.text();
        association.prefix = in.optional_text();
        association.properties_target = in.optional_text();
        SLIPWAY_CHECK(in.times(association.created_at, association.updated_at));
    }
    SLIPWAY_TRY(
        const auto properties,
        rows_of("metadef_properties", {text("name"), text("json_schema")}, among + "id")
    );
    for (const DbRow& row : properties)
        space.properties.push_back({row.at(0).text(), row.at(1).text()});
    SLIPWAY_TRY(
        const auto objects,
        rows_of(
            "metadef_objects",
            with_times({"name", "json_schema", "description", "required"}),
            among + "id"
        )
    );
    for (const DbRow& row : objects) {
        TextRow in(row);
        GlanceObject& object = space.objects.emplace_back();
        object.name = in.text();
        object.schema = in.text();
        object.description = in.optional_text();
        object.required = in.text();
        SLIPWAY_CHECK(in.times(object.created_at, object.updated_at));
    }
    SLIPWAY_TRY(const auto tags, rows_of("metadef_tags", with_times({"name"}), among + "id"));
    for (const DbRow& row : tags) {
        TextRow in(row);
        GlanceResourceType& tag = space.tags.emplace_back();
        tag.name = in.text();
        SLIPWAY_CHECK(in.times(tag.created_at, tag.updated_at));
    }
    return {};
}

}  // namespace slipway::store
