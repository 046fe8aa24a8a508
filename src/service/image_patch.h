#pragma once

#include "model/caller.h"
#include "model/image.h"
#include "model/image_schema.h"
#include "service/policy.h"
#include "service/property_protection.h"
#include "store/catalog.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace slipway::service {

// A value that an image attribute or property can take.
using AttributeValue =
    std::variant<std::monostate, bool, std::int64_t, std::string, std::vector<std::string>>;

enum class PatchVerb { add, remove, replace };

// One operation on a top-level attribute or property, checked against the schema already.
struct PatchOperation {
    PatchVerb verb = PatchVerb::replace;
    std::string name;
    AttributeValue value;
};

// A location as a client writes it.
struct LocationValue {
    std::string url;
    std::string metadata = "{}";  // a JSON object without "store", which is ours to say
    store::ImageDigests validation;
};

// One operation on locations, whose form was checked already.
struct LocationOperation {
    PatchVerb verb = PatchVerb::add;
    bool whole_list = false;           // of replace, and of nothing else
    std::optional<std::size_t> index;  // absent: behind the last one, or the last one
    std::vector<LocationValue> values;
};

enum class PatchDialect {
    v2_0,  // add never overwrites
    v2_1,  // add creates or overwrites
};

struct ImagePatch {
    PatchDialect dialect = PatchDialect::v2_1;
    std::vector<PatchOperation> operations;
    std::vector<LocationOperation> locations;  // LocationService's
};

// What a patch is held against.
struct PatchRules {
    const ImageSchema& schema;
    const Policy& policy;
    const Identity& identity;
    const PropertyProtections* protections = nullptr;  // null: of properties everything is allowed
};

// Sets one base attribute or property, without looking at who asks; the schema was checked before.
// Errors: forbidden for formats of an image that has data, also for those that it has.
Result<void> set_attribute(Image& image, const std::string& name, const AttributeValue& value);

// Applies `patch` in order, with the rules of who may; an error leaves `image` half changed, so the
// caller throws it away. Errors: forbidden, conflict (an absent or present property).
Result<void> apply_patch(Image& image, const ImagePatch& patch, const PatchRules& rules);

}  // namespace slipway::service
