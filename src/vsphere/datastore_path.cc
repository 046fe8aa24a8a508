#include "vsphere/datastore_path.h"

#include <algorithm>

namespace slipway::vsphere {
namespace {

constexpr std::size_t kLongest = 1024;

bool has_forbidden_character(std::string_view text) {
    return std::ranges::any_of(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f || c == '[' || c == ']' || c == '\\';
    });
}

Error invalid(std::string_view why) {
    return Error(Errc::invalid_argument, "this is not a datastore path: " + std::string(why));
}

}  // namespace

Result<DatastorePath> DatastorePath::make(std::string_view datastore, std::string_view path) {
    if (datastore.empty()) return invalid("the datastore has no name");
    if (datastore.size() + path.size() > kLongest) return invalid("it is too long");
    if (has_forbidden_character(datastore) || has_forbidden_character(path))
        return invalid("it holds brackets, a backslash or control characters");
    if (path.starts_with('/')) return invalid("it begins with a slash");
    for (std::string_view rest = path; !rest.empty();) {
        const auto slash = std::min(rest.find('/'), rest.size());
        const auto segment = rest.substr(0, slash);
        if (segment.empty() || segment == "." || segment == "..")
            return invalid("it has an empty segment, \".\" or \"..\"");
        if (slash + 1 == rest.size()) return invalid("it ends with a slash");
        rest.remove_prefix(std::min(slash + 1, rest.size()));
    }
    return DatastorePath(std::string(datastore), std::string(path));
}

Result<DatastorePath> DatastorePath::parse(std::string_view text) {
    const auto end = text.find(']');
    if (!text.starts_with('[') || end == text.npos) return invalid("it does not begin with [name]");
    auto path = text.substr(end + 1);
    if (path.starts_with(' ') || path.starts_with('/')) path.remove_prefix(1);
    if (path.ends_with('/')) path.remove_suffix(1);
    return make(text.substr(1, end - 1), path);
}

std::string DatastorePath::str() const {
    if (path_.empty()) return "[" + datastore_ + "]";
    return "[" + datastore_ + "] " + path_;
}

std::string_view DatastorePath::filename() const {
    const auto slash = path_.rfind('/');
    return std::string_view(path_).substr(slash == path_.npos ? 0 : slash + 1);
}

DatastorePath DatastorePath::parent() const {
    const auto slash = path_.rfind('/');
    return DatastorePath(datastore_, slash == path_.npos ? std::string() : path_.substr(0, slash));
}

Result<DatastorePath> DatastorePath::join(std::string_view relative) const {
    if (path_.empty()) return make(datastore_, relative);
    return make(datastore_, path_ + "/" + std::string(relative));
}

bool DatastorePath::is_below(const DatastorePath& folder) const {
    if (datastore_ != folder.datastore_ || path_.empty()) return false;
    if (folder.path_.empty()) return true;
    return path_.size() > folder.path_.size() + 1 && path_.starts_with(folder.path_) &&
           path_[folder.path_.size()] == '/';
}

}  // namespace slipway::vsphere
