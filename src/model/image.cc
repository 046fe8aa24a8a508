#include "model/image.h"

namespace slipway {

std::string_view to_string(Visibility visibility) {
    switch (visibility) {
        case Visibility::private_:
            return "private";
        case Visibility::shared:
            return "shared";
        case Visibility::community:
            return "community";
        case Visibility::public_:
            return "public";
    }
    return "private";
}

Result<Visibility> parse_visibility(std::string_view word) {
    for (const Visibility v :
         {Visibility::private_, Visibility::shared, Visibility::community, Visibility::public_})
        if (to_string(v) == word) return v;
    return Error(
        Errc::invalid_argument, "Invalid visibility value: " + std::string(word.substr(0, 64))
    );
}

std::string_view Image::property(const std::string& key) const {
    const auto found = properties.find(key);
    if (found == properties.end() || !found->second) return {};
    return *found->second;
}

}  // namespace slipway
