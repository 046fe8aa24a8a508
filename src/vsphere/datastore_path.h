#pragma once

#include "base/result.h"

#include <compare>
#include <string>
#include <string_view>

namespace slipway::vsphere {

// "[datastore] dir/file.vmdk": a file or folder of a datastore.
// The path is relative to the datastore's root, without empty segments, "." or ".."; it is empty
// for the root itself. Neither part holds brackets, backslashes or control characters.
class DatastorePath {
public:
    // Errors: invalid_argument.
    static Result<DatastorePath> make(std::string_view datastore, std::string_view path);
    // "[ds] a/b", also "[ds]a/b", "[ds]/a/b" and a final slash, as some servers write them.
    static Result<DatastorePath> parse(std::string_view text);

    [[nodiscard]] const std::string& datastore() const { return datastore_; }
    [[nodiscard]] const std::string& path() const { return path_; }
    // "[ds] a/b"; "[ds]" for the root.
    [[nodiscard]] std::string str() const;

    [[nodiscard]] std::string_view filename() const;
    // The folder it lies in; the root's parent is the root.
    [[nodiscard]] DatastorePath parent() const;
    // Errors: invalid_argument.
    [[nodiscard]] Result<DatastorePath> join(std::string_view relative) const;
    // Lies below `folder`, at any depth.
    [[nodiscard]] bool is_below(const DatastorePath& folder) const;

    friend auto operator<=>(const DatastorePath&, const DatastorePath&) = default;

private:
    DatastorePath(std::string datastore, std::string path)
        : datastore_(std::move(datastore)), path_(std::move(path)) {}

    std::string datastore_;
    std::string path_;
};

}  // namespace slipway::vsphere
