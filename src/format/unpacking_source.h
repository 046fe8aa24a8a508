#pragma once

#include "base/stream.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

namespace slipway::format {

// What a whole file may be packed as.
enum class Packing { gzip, zip, lha };

// By the first bytes of a file, of which 32 are enough; absent: it is not packed.
std::optional<Packing> packing_of(std::span<const std::byte> head);

// The unpacked contents of a gzip file (RFC 1952), of all its members, or of the only member of a
// zip archive. How long they are is not known before their end: whoever reads them sets a limit.
//
// Lifetime: `packed` must outlive it. Memory: 64 KiB, and zlib's window. Unpacks where it runs, at
// most 64 KiB at a time.
class UnpackingSource : public ByteSource {
public:
    UnpackingSource(ByteSource& packed, Packing packing);
    ~UnpackingSource() override;

    // Errors: those of `packed`; corrupt for damaged bytes and for an end before the end;
    // unsupported for a zip archive of several members, or an encrypted one, and for lha.
    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace slipway::format
