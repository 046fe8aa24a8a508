#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace slipway::format {

// Keeps a copy of the bytes [first, first + length) of a stream as its chunks pass.
// A window that begins where another ended may be shown the chunk that completed the other one.
class Window {
public:
    Window() = default;
    Window(std::uint64_t first, std::size_t length) : first_(first), length_(length) {}

    void see(std::uint64_t offset, std::span<const std::byte> chunk) {
        const std::uint64_t next = first_ + bytes_.size();
        if (is_complete() || next < offset || next >= offset + chunk.size()) return;
        const auto found = chunk.subspan(static_cast<std::size_t>(next - offset));
        const auto count = std::min(found.size(), length_ - bytes_.size());
        bytes_.insert(
            bytes_.end(), found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count)
        );
    }

    [[nodiscard]] bool is_complete() const { return bytes_.size() == length_; }
    [[nodiscard]] std::uint64_t first() const { return first_; }
    [[nodiscard]] std::uint64_t end() const { return first_ + length_; }
    // What has been seen so far.
    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

private:
    std::uint64_t first_ = 0;
    std::size_t length_ = 0;
    std::vector<std::byte> bytes_;
};

}  // namespace slipway::format
