#pragma once

#include "base/result.h"

#include <string>
#include <utility>

namespace slipway::store {

// An exclusive lock on a file, held until destroyed or until the process ends, however it ends.
class FileLock {
public:
    FileLock() = default;
    // Makes the file where it does not exist. Errors: conflict when it is held; unavailable.
    static Result<FileLock> take(const std::string& path);
    FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    FileLock& operator=(FileLock&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~FileLock();

private:
    explicit FileLock(int descriptor) : descriptor_(descriptor) {}

    int descriptor_ = -1;
};

}  // namespace slipway::store
