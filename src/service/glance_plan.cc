#include "service/glance_plan.h"

#include "base/ids.h"
#include "base/json.h"
#include "base/text.h"
#include "model/image_schema.h"
#include "service/location_cipher.h"
#include "service/metadef_json.h"
#include "store/datastore_layout.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace slipway::service {

namespace {

constexpr std::size_t kLongestName = 255;
constexpr json::Limits kDefinitions{64U << 20U, 16, 1'000'000};

using Outcome = TakeoverRemark::Outcome;

// One image under way.
class ImagePlan {
public:
    ImagePlan(
        const store::GlanceImage& source, const store::BackendSet& backends, const Secret& key
    )
        : source_(source), backends_(backends), key_(key) {}

    PlannedImage make() {
        PlannedImage planned;
        if (auto refused = fill_record()) {
            remark("image", *refused);
        } else {
            fill_properties();
            fill_members();
            if (auto without = fill_locations())
                remark("image", *without);
            else
                planned.taken = std::move(taken_);
        }
        planned.remarks = std::move(remarks_);
        return planned;
    }

private:
    void remark(std::string kind, std::string reason) {
        remarks_.push_back(
            {Outcome::left,
             std::move(kind),
             lower_case(source_.id),
             source_.name.value_or(""),
             std::move(reason)}
        );
    }

    // Why the image is left, if it is.
    std::optional<std::string> fill_record() {
        Image& image = taken_.image;
        const auto id = parse_image_id(source_.id);
        if (!id) return "its id is no UUID";
        image.id = *id;
        const auto status = parse_image_status(source_.status);
        const bool is_settled =
            status && (*status == ImageStatus::active || *status == ImageStatus::deactivated ||
                       *status == ImageStatus::queued);
        if (!is_settled)
            return "its status is " + source_.status +
                   "; let Glance finish with it, or delete it there";
        image.status = *status;
        const auto visibility = parse_visibility(source_.visibility);
        if (!visibility) return "its visibility is " + source_.visibility + ", which is not known";
        image.visibility = *visibility;
        image.name = source_.name;
        image.owner = source_.owner;
        image.size_bytes = source_.size_bytes;
        image.virtual_size_bytes = source_.virtual_size_bytes;
        image.disk_format = source_.disk_format;
        image.container_format = source_.container_format;
        image.min_disk_gib = source_.min_disk_gib;
        image.min_ram_mib = source_.min_ram_mib;
        image.is_protected = source_.is_protected;
        image.hidden = source_.hidden;
        image.checksum = source_.checksum;
        image.os_hash_algo = source_.os_hash_algo;
        image.os_hash_value = source_.os_hash_value;
        image.created_at = source_.created_at;
        image.updated_at = source_.updated_at;
        const std::set<std::string> tags(source_.tags.begin(), source_.tags.end());
        image.tags.assign(tags.begin(), tags.end());
        return std::nullopt;
    }

    void fill_properties() {
        static const ImageSchema schema({}, {});
        for (const auto& [name, value] : source_.properties) {
            if (name.starts_with("os_glance")) continue;  // of imports that Glance has done
            if (name.empty() || characters(name) > kLongestName)
                remark("property", "a property's name is empty or too long");
            else if (schema.is_base(name) || ImageSchema::is_reserved(name))
                remark("property", "the property " + name + " has the name of an attribute");
            else
                taken_.image.properties[name] = value;
        }
    }

    void fill_members() {
        std::set<std::string> projects;
        for (const store::GlanceMember& member : source_.members) {
            if (member.status != "pending" && member.status != "accepted" &&
                member.status != "rejected") {
                remark("member", "the status of member " + member.project + " is not known");
                continue;
            }
            if (!projects.insert(member.project).second) continue;
            taken_.members.push_back(
                {taken_.image.id,
                 member.project,
                 member.status,
                 member.created_at,
                 member.updated_at}
            );
        }
        std::ranges::sort(taken_.members, {}, &Member::project);
    }

    // Why the image is left, if it has data that nothing here serves.
    std::optional<std::string> fill_locations() {
        const Image& image = taken_.image;
        // Nova makes images without data for snapshots of volumes.
        if (image.status == ImageStatus::queued || image.size_bytes == 0) return std::nullopt;
        if (!image.size_bytes) return "Glance does not know its size";
        std::vector<std::string> reasons;
        for (const store::GlanceLocation& location : source_.locations) {
            if (location.status != "active") continue;
            auto found = adopt(location);
            if (!found)
                reasons.push_back(found.error().message);
            else
                add(std::move(*found), location.metadata);
        }
        if (!taken_.locations.empty()) {
            for (std::string& reason : reasons) remark("location", std::move(reason));
            return std::nullopt;
        }
        if (reasons.empty()) return "it has no location";
        std::string all = "none of its locations is served here";
        for (const std::string& reason : reasons)
            all += (&reason == reasons.data() ? ": " : "; ") + reason;
        return all;
    }

    Result<Location> adopt(const store::GlanceLocation& location) const {
        std::string url = location.value;
        if (url.find("://") == std::string::npos) {
            if (key_.empty())
                return Error(
                    Errc::invalid_argument,
                    "a location is encrypted, and its metadata_encryption_key was not given"
                );
            auto decrypted = decrypted_location(url, key_);
            if (!decrypted) return decrypted.error().while_doing("a location can not be decrypted");
            url = std::move(*decrypted);
        }
        for (const auto& backend : backends_.all()) {
            auto named = backend->adopted_location(taken_.image.id, url);
            if (!named) return named.error();
            if (*named) return std::move(**named);
        }
        return no_store_for(url);
    }

    // Never the URL itself, in which there may be passwords.
    static Error no_store_for(const std::string& url) {
        if (const auto folder = store::parse_folder_url(url))
            return Error(
                Errc::not_found,
                "no store here is for datastore " + folder->datastore.str() + " of " +
                    folder->server
            );
        const std::string scheme = url.substr(0, url.find(':'));
        if (scheme == "vsphere")
            return Error(Errc::not_found, "a vsphere:// location is malformed");
        return Error(Errc::not_found, "no store here reads " + scheme + ":// locations");
    }

    void add(Location location, const std::string& metadata) {
        const auto same = [&](const Location& other) {
            return other.backend == location.backend && other.datastore == location.datastore &&
                   other.directory == location.directory && other.data_file == location.data_file &&
                   other.url == location.url;
        };
        if (std::ranges::any_of(taken_.locations, same)) return;
        location.id = LocationId(new_uuid());
        location.image_id = taken_.image.id;
        if (location.directory.empty()) location.directory = location.id.str();
        location.stored_bytes = *taken_.image.size_bytes;
        location.state = LocationState::live;
        // They are listed in this order.
        location.created_at = location.not_before =
            taken_.image.created_at + std::chrono::microseconds(taken_.locations.size());
        location.metadata = kept_metadata(metadata);
        taken_.locations.push_back(std::move(location));
    }

    // Without the names of Glance's stores.
    static std::string kept_metadata(const std::string& metadata) {
        const auto document = json::Document::parse(metadata);
        if (!document || !document->root().is_object()) return "{}";
        json::Writer writer;
        writer.begin_object();
        for (const auto& [name, value] : document->root().members())
            if (name != "store" && name != "backend") writer.key(name).value(value);
        writer.end_object();
        return writer.text();
    }

    const store::GlanceImage& source_;
    const store::BackendSet& backends_;
    const Secret& key_;
    store::TakenImage taken_;
    std::vector<TakeoverRemark> remarks_;
};

// The namespace as the API's JSON, which is checked as a client's is.
Result<std::string> json_of(const store::GlanceNamespace& space) {
    json::Writer writer;
    writer.begin_object().member("namespace", space.name);
    if (space.display_name) writer.member("display_name", *space.display_name);
    if (space.description) writer.member("description", *space.description);
    // Files that say nothing of it leave none behind in Glance.
    if (!space.visibility.empty()) writer.member("visibility", space.visibility);
    writer.member("protected", space.is_protected);
    writer.member("owner", space.owner);
    writer.key("resource_type_associations").begin_array();
    for (const store::GlanceAssociation& association : space.associations) {
        writer.begin_object().member("name", association.name);
        if (association.prefix) writer.member("prefix", *association.prefix);
        if (association.properties_target)
            writer.member("properties_target", *association.properties_target);
        writer.end_object();
    }
    writer.end_array().key("properties").begin_object();
    for (const store::GlanceDefinition& property : space.properties) {
        SLIPWAY_TRY(const auto schema, json::Document::parse(property.schema, kDefinitions));
        writer.key(property.name).value(schema.root());
    }
    writer.end_object().key("objects").begin_array();
    for (const store::GlanceObject& object : space.objects) {
        writer.begin_object().member("name", object.name);
        if (object.description) writer.member("description", *object.description);
        writer.key("required").begin_array();
        std::string_view rest = object.required;
        while (!rest.empty()) {
            const auto comma = rest.find(',');
            writer.string(rest.substr(0, comma));
            rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
        }
        writer.end_array();
        SLIPWAY_TRY(const auto schema, json::Document::parse(object.schema, kDefinitions));
        writer.key("properties").value(schema.root()).end_object();
    }
    writer.end_array().key("tags").begin_array();
    for (const store::GlanceResourceType& tag : space.tags)
        writer.begin_object().member("name", tag.name).end_object();
    writer.end_array().end_object();
    return writer.text();
}

// The times of what Glance knows by the same name.
template <class Ours, class Theirs>
void take_times(
    std::vector<Ours>& ours, std::string Ours::*name, const std::vector<Theirs>& theirs
) {
    for (Ours& one : ours) {
        const auto source = std::ranges::find(theirs, one.*name, &Theirs::name);
        if (source == theirs.end()) continue;
        one.created_at = source->created_at;
        one.updated_at = source->updated_at;
    }
}

std::string text_of(const MetadefNamespace& space) {
    MetadefNamespace sorted = space;
    std::ranges::sort(sorted.associations, {}, &MetadefAssociation::resource_type);
    std::ranges::sort(sorted.properties, {}, &MetadefProperty::name);
    std::ranges::sort(sorted.objects, {}, &MetadefObject::name);
    std::ranges::sort(sorted.tags, {}, &MetadefTag::name);
    json::Writer writer;
    write_metadef_namespace(writer, sorted, MetadefDetail::file);
    return writer.text();
}

}  // namespace

PlannedImage plan_image(
    const store::GlanceImage& image, const store::BackendSet& backends, const Secret& key
) {
    return ImagePlan(image, backends, key).make();
}

Result<MetadefNamespace> plan_namespace(const store::GlanceNamespace& source) {
    SLIPWAY_TRY(const std::string text, json_of(source));
    SLIPWAY_TRY(const auto document, json::Document::parse(text, kDefinitions));
    SLIPWAY_TRY(
        MetadefNamespace space, read_metadef_namespace(document.root(), ReadOnlyMembers::dropped)
    );
    space.created_at = source.created_at;
    space.updated_at = source.updated_at;
    take_times(space.associations, &MetadefAssociation::resource_type, source.associations);
    take_times(space.objects, &MetadefObject::name, source.objects);
    take_times(space.tags, &MetadefTag::name, source.tags);
    return space;
}

std::vector<std::string> differences(
    const store::TakenImage& wanted, const store::TakenImage& here
) {
    std::vector<std::string> names;
    const auto compare = [&](const char* name, bool same) {
        if (!same) names.emplace_back(name);
    };
    const Image& a = wanted.image;
    const Image& b = here.image;
    compare("name", a.name == b.name);
    compare("status", a.status == b.status);
    compare("visibility", a.visibility == b.visibility);
    compare("owner", a.owner == b.owner);
    compare("size", a.size_bytes == b.size_bytes);
    compare("virtual_size", !a.virtual_size_bytes || a.virtual_size_bytes == b.virtual_size_bytes);
    compare("disk_format", a.disk_format == b.disk_format);
    compare("container_format", a.container_format == b.container_format);
    compare("min_disk", a.min_disk_gib == b.min_disk_gib);
    compare("min_ram", a.min_ram_mib == b.min_ram_mib);
    compare("protected", a.is_protected == b.is_protected);
    compare("os_hidden", a.hidden == b.hidden);
    compare("checksum", a.checksum == b.checksum);
    compare("os_hash_algo", a.os_hash_algo == b.os_hash_algo);
    compare("os_hash_value", a.os_hash_value == b.os_hash_value);
    compare("created_at", a.created_at == b.created_at);
    compare("tags", a.tags == b.tags);
    compare("properties", a.properties == b.properties);
    const auto member = [](const Member& one) { return std::tie(one.project, one.status); };
    compare("members", std::ranges::equal(wanted.members, here.members, {}, member, member));
    // Copies that were made here count for nothing.
    const auto is_here = [&](const Location& one) {
        return std::ranges::any_of(here.locations, [&](const Location& other) {
            return other.backend == one.backend && other.url == one.url &&
                   other.datastore == one.datastore &&
                   (!one.url.empty() || other.directory == one.directory);
        });
    };
    compare("locations", std::ranges::all_of(wanted.locations, is_here));
    return names;
}

bool is_same(const MetadefNamespace& wanted, const MetadefNamespace& here) {
    return text_of(wanted) == text_of(here);
}

}  // namespace slipway::service
