#pragma once

#include "base/secret.h"
#include "model/metadef.h"
#include "store/backend_set.h"
#include "store/glance_reader.h"
#include "store/takeover_catalog.h"

#include <optional>
#include <string>
#include <vector>

// What a Glance's records become here. Pure: nothing is asked, nothing is written.
namespace slipway::service {

// What an operator has to know of one thing.
struct TakeoverRemark {
    enum class Outcome {
        left,     // it is not taken over
        differs,  // it is here already, and not as Glance has it
    };
    Outcome outcome = Outcome::left;
    std::string kind;  // image, location, member, property, namespace
    std::string id;    // of the image, or the namespace's name
    std::string name;  // of the image; what else the remark is about is in the reason
    std::string reason;
};

struct PlannedImage {
    std::optional<store::TakenImage> taken;  // absent: left, as a remark says
    std::vector<TakeoverRemark> remarks;
};

// Images that are active, deactivated or queued, with those locations that a store serves; one
// that has data and none of them is left. What Glance keeps of its imports (os_glance_…) goes.
// `key`: metadata_encryption_key of the Glance; may be empty.
PlannedImage plan_image(
    const store::GlanceImage& image, const store::BackendSet& backends, const Secret& key
);

// Errors: invalid_argument for definitions that this API would not have taken either.
Result<MetadefNamespace> plan_namespace(const store::GlanceNamespace& space);

// In what the image that is here differs from the one that would be taken over: names of
// attributes, empty for none. The time of the last change does not count, nor what only slipway
// finds out.
std::vector<std::string> differences(
    const store::TakenImage& wanted, const store::TakenImage& here
);
bool is_same(const MetadefNamespace& wanted, const MetadefNamespace& here);

}  // namespace slipway::service
