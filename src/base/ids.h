#pragma once

#include "base/result.h"

#include <compare>
#include <functional>
#include <string>
#include <string_view>

namespace slipway {

// A string with a meaning of its own, so that two of different meaning do not mix.
template <class Tag>
class Name {
public:
    Name() = default;
    explicit Name(std::string value) : value_(std::move(value)) {}

    [[nodiscard]] const std::string& str() const { return value_; }
    [[nodiscard]] bool empty() const { return value_.empty(); }

    friend auto operator<=>(const Name&, const Name&) = default;

private:
    std::string value_;
};

using ImageId = Name<struct ImageIdTag>;        // canonical lower-case UUID
using LocationId = Name<struct LocationIdTag>;  // UUID
using TaskId = Name<struct TaskIdTag>;          // UUID
using BackendId = Name<struct BackendIdTag>;    // as configured; the API calls it a store

// A random UUID, version 4, lower case.
std::string new_uuid();
// `digits` random hexadecimal digits from the system's generator.
std::string random_hex(std::size_t digits);
// 8-4-4-4-12 hexadecimal digits in either case.
bool is_uuid(std::string_view text);
// The id in lower case; not_found for what is no UUID, since no image can have such an id.
Result<ImageId> parse_image_id(std::string_view text);

}  // namespace slipway

template <class Tag>
struct std::hash<slipway::Name<Tag>> {
    std::size_t operator()(const slipway::Name<Tag>& name) const noexcept {
        return std::hash<std::string>()(name.str());
    }
};
