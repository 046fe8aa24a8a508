#include "store/folder_mark.h"

#include "base/ids.h"

#include <algorithm>
#include <optional>
#include <span>

namespace slipway::store {

namespace {

const std::string kName = ".slipway-catalog";
constexpr std::size_t kLongestMark = 256;

// Absent: there is none.
Result<std::optional<std::string>> read_mark(const Folder& root) {
    const auto file = root.open_file(kName);
    if (!file && file.error().code == Errc::not_found) return std::optional<std::string>();
    if (!file) return file.error();
    std::string text(kLongestMark, '\0');
    SLIPWAY_TRY(const std::size_t got, file->read_at(0, std::as_writable_bytes(std::span(text))));
    text.resize(got);
    text.erase(std::min(text.find('\n'), text.size()));
    return std::optional(std::move(text));
}

// Whole or not at all, and never in place of another. Errors: conflict when there is one.
Result<void> write_mark(Folder& root, std::string_view catalog_id) {
    const std::string text = std::string(catalog_id) + '\n';
    const std::string temporary = kName + '.' + random_hex(16);
    SLIPWAY_TRY(FileHandle file, root.create_file(temporary));
    auto written = file.write_at(0, std::as_bytes(std::span(text)));
    if (written) written = file.sync();
    if (written) written = root.rename_to_new(temporary, kName);
    if (!written) static_cast<void>(root.remove_file(temporary));
    return written;
}

Result<bool> holds_any(const Folder& root, const std::vector<std::string>& held) {
    for (const std::string& directory : held) {
        SLIPWAY_TRY(const bool there, root.has(directory));
        if (there) return true;
    }
    return false;
}

Error not_ours() {
    return Error(
        Errc::unavailable, "A folder of the store is not the one of this catalogue; is it mounted?"
    );
}

Error of_another(const std::string& mark, std::string_view catalog_id) {
    return Error(
        Errc::conflict,
        "the folder belongs to another catalogue, " + mark + ", and this one is " +
            std::string(catalog_id) +
            ". Give each a folder of its own; when no server uses the other one any more, remove " +
            kName + " from the folder"
    );
}

}  // namespace

Result<void> check_mark(const Folder& root, std::string_view catalog_id) {
    const auto mark = read_mark(root);
    if (!mark || *mark != catalog_id) return not_ours();
    return {};
}

Result<ClaimedFolder> claim_folder(
    Folder& root, std::string_view catalog_id, const std::vector<std::string>& held
) {
    ClaimedFolder claimed;
    SLIPWAY_TRY(const bool holds_ours, holds_any(root, held));
    claimed.is_empty = !held.empty() && !holds_ours;
    SLIPWAY_TRY(auto mark, read_mark(root));
    if (!mark) {
        if (claimed.is_empty) return not_ours();
        const auto written = write_mark(root, catalog_id);
        if (written) return claimed;
        if (written.error().code != Errc::conflict) {
            claimed.unmarked = written.error().message;
            return claimed;
        }
        // Another server was first.
        SLIPWAY_TRY(mark, read_mark(root));
    }
    if (mark != catalog_id) return of_another(mark.value_or(""), catalog_id);
    return claimed;
}

}  // namespace slipway::store
