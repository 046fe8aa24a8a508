#pragma once

#include "vsphere/client.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::vsphere {

// Some properties of one object. Unset ones are absent.
class ObjectContent {
public:
    ManagedObjectReference ref;

    [[nodiscard]] std::optional<xml::Element> find(std::string_view path) const;
    // Text of a simple property; empty when absent.
    [[nodiscard]] std::string text(std::string_view path) const;
    // A property that is a reference. Errors: corrupt when it is absent or none.
    [[nodiscard]] Result<ManagedObjectReference> reference(std::string_view path) const;
    // The members of an ArrayOfManagedObjectReference; empty when absent.
    [[nodiscard]] Result<std::vector<ManagedObjectReference>> references(std::string_view path
    ) const;

    std::map<std::string, xml::Element, std::less<>> properties;
    // Properties that the server did not give, and the fault's name: NoPermission, InvalidProperty,
    // …
    std::map<std::string, std::string, std::less<>> missing;
    std::shared_ptr<const xml::Document> document;  // keeps the elements alive
};

// Reads <objects> of a RetrieveResult. Errors: corrupt.
Result<ObjectContent> read_object_content(
    const xml::Element& objects, std::shared_ptr<const xml::Document> document
);

// Reads `paths` of objects that are all of `type`, all pages. Objects that do not exist any more
// are left out. Errors: those of VimClient::call().
awaitable<Result<std::vector<ObjectContent>>> retrieve(
    VimClient& client,
    std::string type,
    std::vector<ManagedObjectReference> refs,
    std::vector<std::string> paths,
    const Call& call
);

// The same for one object. Errors: not_found when it does not exist any more; forbidden when the
// server withholds one of `paths` for lack of a privilege.
awaitable<Result<ObjectContent>> retrieve_one(
    VimClient& client, ManagedObjectReference ref, std::vector<std::string> paths, const Call& call
);

// Reads `paths` of every object of `type` below `container`, by way of a container view that is
// destroyed afterwards.
awaitable<Result<std::vector<ObjectContent>>> retrieve_below(
    VimClient& client,
    ManagedObjectReference container,
    std::string type,
    std::vector<std::string> paths,
    const Call& call
);

}  // namespace slipway::vsphere
