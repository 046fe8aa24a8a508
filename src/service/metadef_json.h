#pragma once

#include "base/json.h"
#include "base/result.h"
#include "model/metadef.h"

#include <string>
#include <string_view>
#include <vector>

// Metadata definitions as JSON: the bodies of the API, and the files that `slipway db
// load_metadefs` reads, are one format.
//
//   {"namespace": "OS::Compute::Watchdog", "visibility": "public", "protected": true,
//    "resource_type_associations": [{"name": "OS::Glance::Image", "prefix": "hw_"}],
//    "properties": {"watchdog_action": {"title": "Action", "type": "string", "enum": ["reset"]}},
//    "objects": [{"name": "o", "required": ["p"], "properties": {…}}], "tags": [{"name": "t"}]}
//
// Members that are unset are left out; null reads as unset. Source: Glance's API reference,
// metadata definitions.
namespace slipway::service {

// What becomes of the members that a client may not set (self, schema, created_at, updated_at).
enum class ReadOnlyMembers {
    refused,  // forbidden
    dropped,
};

// Errors of all: invalid_argument with the member and what it may be, also for one that is unknown;
// forbidden.
Result<MetadefNamespace> read_metadef_namespace(const json::Value& body, ReadOnlyMembers read_only);
Result<MetadefObject> read_metadef_object(const json::Value& body);
Result<MetadefProperty> read_metadef_property(const json::Value& body);
Result<MetadefAssociation> read_metadef_association(const json::Value& body);
Result<std::string> read_metadef_tag(const json::Value& body);  // its name
// {"tags": [{"name": "t"}]}
Result<std::vector<std::string>> read_metadef_tags(const json::Value& body);
// A name that a path can hold: 1 to 80 characters, no '/', '\\' or control character, and neither
// "." nor "..". Errors: invalid_argument.
Result<std::string> checked_metadef_name(std::string_view name, std::string_view what);

// What a namespace is written with.
enum class MetadefDetail {
    record,  // associations only, as in lists
    whole,
    file,  // whole, without what the server makes: times and links
};
void write_metadef_namespace(
    json::Writer& writer, const MetadefNamespace& written, MetadefDetail detail
);
// `of`: the namespace's name, for the link.
void write_metadef_object(json::Writer& writer, const MetadefObject& object, std::string_view of);
void write_metadef_property(json::Writer& writer, const MetadefProperty& property);
// Definitions by name.
void write_metadef_properties(json::Writer& writer, const std::vector<MetadefProperty>& properties);
void write_metadef_association(json::Writer& writer, const MetadefAssociation& association);
void write_metadef_tag(json::Writer& writer, const MetadefTag& tag);
// The path of a namespace's record, below which the rest lies.
std::string metadef_path(std::string_view name);

}  // namespace slipway::service
