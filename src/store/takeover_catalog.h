#pragma once

#include "base/time.h"
#include "model/image.h"
#include "model/location.h"
#include "model/member.h"
#include "model/metadef.h"
#include "store/catalog.h"
#include "store/db.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace slipway::store {

// An image whose record another image service has kept, with all that belongs to it.
struct TakenImage {
    Image image;  // with its status and its times
    std::vector<Member> members;
    std::vector<Location> locations;  // live; in the order in which they are listed
};

// What the catalogue holds under the id of such an image.
struct KnownImage {
    bool is_deleted = false;  // the id stays used, and nothing else is left
    TakenImage whole;
};

// The catalogue as an operator fills it from another image service: while no server uses it, each
// image in a transaction of its own. Belongs to one thread.
class TakeoverCatalog {
public:
    // Opens the catalogue as a server does. Errors: those of Catalog::open.
    static Result<std::unique_ptr<TakeoverCatalog>> open(
        const CatalogOptions& options, const Clock& clock
    );
    // To look only, beside a server too: one that is not there yet is empty. Errors: conflict when
    // its schema is not this version's.
    static Result<std::unique_ptr<TakeoverCatalog>> look(const CatalogOptions& options);

    Result<std::optional<KnownImage>> find(const ImageId& id);
    // Whether a location of the catalogue has that file already, of whatever image.
    Result<bool> has_file(const Location& location);
    // Errors: conflict when the id, or the place of a location, is in use.
    Result<void> add(const TakenImage& taken);

    Result<std::optional<MetadefNamespace>> find_namespace(const std::string& name);
    // With all it holds, and with its times.
    Result<void> add_namespace(const MetadefNamespace& added);
    // Fine when it is there.
    Result<void> add_resource_type(const MetadefResourceType& added);

private:
    explicit TakeoverCatalog(std::unique_ptr<Db> db) : db_(std::move(db)) {}

    std::unique_ptr<Db> db_;  // absent: an empty catalogue
};

}  // namespace slipway::store
