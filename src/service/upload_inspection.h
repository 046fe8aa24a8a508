#pragma once

#include "format/inspector.h"
#include "model/image.h"
#include "service/pump.h"
#include "service/stored_layout.h"

#include <optional>
#include <span>

namespace slipway::service {

// Looks at an upload while it passes.
class UploadInspection final : public Tap {
public:
    // What the first bytes show; they are seen again by see().
    static format::Inspection of_head(std::span<const std::byte> head);

    Result<void> see(std::span<const std::byte> chunk) override;
    // The verdict on all of it.
    [[nodiscard]] format::Inspection finish() { return inspector_.finish(); }

private:
    format::Inspector inspector_;
};

ContentKind kind_of(const format::Inspection& found);

// Whether the content is what the image says it is, and is safe to keep.
// Errors: unsupported, with what does not fit.
Result<void> check_content(
    const Image& image, const format::Inspection& found, const format::FormatPolicy& formats
);

// Writes into the log what check_content() has let pass although it is not right.
void log_tolerated(const Image& image, const format::Inspection& found, const Call& call);

// Of the disk that `size_bytes` of such content describe; absent when nothing says.
std::optional<std::uint64_t> virtual_size_of(
    const Image& image, const format::Inspection& found, std::uint64_t size_bytes
);

}  // namespace slipway::service
