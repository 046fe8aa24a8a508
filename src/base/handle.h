#pragma once

#include <memory>

namespace slipway {

// Deleter for a C handle: std::unique_ptr<xmlDoc, FreeWith<&xmlFreeDoc>>. `Free` must be a
// function.
template <auto Free>
struct FreeWith {
    template <class T>
    void operator()(T* handle) const noexcept {
        Free(handle);
    }
};

}  // namespace slipway
