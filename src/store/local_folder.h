#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Files below one folder, reached by names only: no call follows a symbolic link, or leaves the
// folder. Every call may block; run it on the BlockingPool.
namespace slipway::store {

// The error of a system call that was `doing` something, by what the caller can do about it.
// `reason` is the name of `error`: "ENOSPC".
Error error_from_errno(int error, std::string_view doing);

// True for a name that stays where it is: not empty, no slash, not "." or "..", printable, and at
// most 255 bytes.
bool is_plain_name(std::string_view name);

// Owns a file descriptor.
class FileHandle {
public:
    FileHandle() = default;
    explicit FileHandle(int fd) : fd_(fd) {}
    FileHandle(FileHandle&& other) noexcept;
    FileHandle& operator=(FileHandle&& other) noexcept;
    ~FileHandle();

    [[nodiscard]] int fd() const { return fd_; }
    // Gives the descriptor to somebody else.
    int release() { return std::exchange(fd_, -1); }

    // Names the file for as long as it exists.
    struct Identity {
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        friend bool operator==(const Identity&, const Identity&) = default;
    };
    [[nodiscard]] Result<Identity> identity() const;
    [[nodiscard]] Result<std::uint64_t> size_bytes() const;
    [[nodiscard]] Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes);
    // Returns fewer bytes than asked for only at the end of the file.
    [[nodiscard]] Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into)
        const;
    [[nodiscard]] Result<void> sync();

private:
    int fd_ = -1;
};

class Folder {
public:
    // Errors: unavailable when there is none.
    static Result<Folder> open(const std::filesystem::path& path);

    // Errors: not_found, forbidden when `name` is a link or no folder.
    [[nodiscard]] Result<Folder> descend(const std::string& name) const;
    // Errors: conflict when there is something of that name.
    [[nodiscard]] Result<Folder> make(const std::string& name);
    [[nodiscard]] Result<Folder> descend_or_make(const std::string& name);

    // Errors: conflict when there is something of that name.
    [[nodiscard]] Result<FileHandle> create_file(const std::string& name);
    // Opens a regular file for reading. Errors: not_found, forbidden for anything else.
    [[nodiscard]] Result<FileHandle> open_file(const std::string& name) const;
    // Anything of that name, links too.
    [[nodiscard]] Result<bool> has(const std::string& name) const;
    // Writes a whole small file: never seen half written, on disk when this returns.
    [[nodiscard]] Result<void> put_file(const std::string& name, std::string_view text);
    // An absent file is fine.
    [[nodiscard]] Result<void> remove_file(const std::string& name);
    // Gives the file `from` the name `to`. Errors: conflict when there is something of that name.
    [[nodiscard]] Result<void> rename_to_new(const std::string& from, const std::string& to);
    // Removes a folder with all that is in it. An absent one is fine.
    [[nodiscard]] Result<void> remove_tree(const std::string& name);
    [[nodiscard]] Result<std::vector<std::string>> names() const;
    // Makes new and removed names durable.
    [[nodiscard]] Result<void> sync();

    struct Space {
        std::uint64_t capacity_bytes = 0;
        std::uint64_t free_bytes = 0;  // for us, less what is kept for root
    };
    [[nodiscard]] Result<Space> space() const;

private:
    explicit Folder(FileHandle handle) : handle_(std::move(handle)) {}

    FileHandle handle_;
};

}  // namespace slipway::store
