#include "format/bytes.h"
#include "format/detector.h"
#include "format/window.h"

#include <algorithm>
#include <cctype>

namespace slipway::format {

namespace {

constexpr std::uint64_t kSeSparseMagic = 0x00000000CAFEBABE;

// The text that the bytes begin with, in lower case, blanks removed within lines.
std::string leading_text(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte b : bytes) {
        const auto c = std::to_integer<unsigned char>(b);
        if (c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f') continue;
        if (c != '\n' && (c < 0x20 || c >= 0x7F)) break;
        text += static_cast<char>(std::tolower(c));
    }
    return text;
}

// A descriptor says what other files a disk is made of, so it is none that a tenant may write.
bool is_descriptor(std::string_view text) {
    if (text.starts_with("#diskdescriptor")) return true;
    if (text.find("createtype=") != std::string_view::npos) return true;
    // Readers take a text whose first line that is no comment names its version.
    while (!text.empty()) {
        const auto newline = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, newline);
        if (!line.empty() && line.front() != '#')
            return line.starts_with("version=") && text.find("cid=") != std::string_view::npos;
        text.remove_prefix(std::min(newline + 1, text.size()));
    }
    return false;
}

class ForeignVmdkDetector : public Detector {
public:
    [[nodiscard]] DiskFormat format() const override { return DiskFormat::vmdk; }
    void see(std::uint64_t offset, std::span<const std::byte> chunk) override {
        head_.see(offset, chunk);
        if (offset + chunk.size() >= head_.end() && !why_) why_ = recognise();
    }
    [[nodiscard]] bool matches() const override { return !reason().empty(); }
    [[nodiscard]] std::uint64_t virtual_size(std::optional<std::uint64_t>) const override {
        return 0;
    }
    [[nodiscard]] Result<void> safety(std::optional<std::uint64_t>) const override {
        return not_accepted("vmdk", reason());
    }

private:
    [[nodiscard]] std::string_view reason() const { return why_ ? *why_ : recognise(); }

    [[nodiscard]] std::string_view recognise() const {
        const auto bytes = head_.bytes();
        if (starts_with(bytes, "COWD"))
            return "it is a delta disk of a snapshot (COWD), which is useless without its parent";
        if (bytes.size() >= 8 && little<std::uint64_t>(bytes, 0) == kSeSparseMagic)
            return "it is a delta disk of a snapshot (seSparse), which is useless without its "
                   "parent";
        if (is_descriptor(leading_text(bytes)))
            return "it is a descriptor without its disk; upload the disk itself, or export it as "
                   "one "
                   "file";
        return {};
    }

    Window head_{0, Inspector::kEarlyBytes};
    std::optional<std::string_view> why_;  // settled once the window is full
};

}  // namespace

std::unique_ptr<Detector> make_foreign_vmdk_detector() {
    return std::make_unique<ForeignVmdkDetector>();
}

}  // namespace slipway::format
