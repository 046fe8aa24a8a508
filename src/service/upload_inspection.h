#pragma once

#include "format/inspector.h"
#include "model/image.h"
#include "service/pump.h"
#include "service/stored_layout.h"

#include <optional>

namespace slipway::service {

// Looks at an upload while it passes: is it what the image says it is, and is it safe to keep?
class UploadInspection final : public Tap {
public:
    // `image`: the record, with its formats set.
    UploadInspection(const Image& image, bool require_match);

    // What the first bytes show; they are seen again by see().
    // Errors: unsupported when they can not be what the image says.
    Result<ContentKind> early_kind(std::span<const std::byte> head);

    Result<void> see(std::span<const std::byte> chunk) override;

    // The verdict on all of it, and the capacity of the disk it describes; absent when nothing
    // says. Errors: unsupported, with what does not fit or is not safe.
    Result<std::optional<std::uint64_t>> finish(std::uint64_t size_bytes);

private:
    format::DeclaredFormat declared_;
    format::FormatPolicy policy_;
    format::Inspector inspector_;
};

}  // namespace slipway::service
