#include "store/local_folder.h"

#include "base/handle.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace slipway::store {

namespace {

constexpr mode_t kFolderMode = 0750;
constexpr mode_t kFileMode = 0640;

Errc errc_of(int error) {
    switch (error) {
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            return Errc::no_space;
        case ENOENT:
            return Errc::not_found;
        case EEXIST:
        case ENOTEMPTY:
            return Errc::conflict;
        case ELOOP:
        case ENOTDIR:
        case EISDIR:
        case EXDEV:
            return Errc::forbidden;
        case ENAMETOOLONG:
        case EINVAL:
            return Errc::invalid_argument;
        default:
            return Errc::unavailable;
    }
}

Result<void> check_name(const std::string& name) {
    if (is_plain_name(name)) return {};
    return Error(Errc::invalid_argument, "a file or folder can not have that name");
}

// Repeats a call that a signal interrupted.
template <class Call>
auto retried(Call call) {
    for (;;) {
        const auto result = call();
        if (result >= 0 || errno != EINTR) return result;
    }
}

}  // namespace

Error error_from_errno(int error, std::string_view doing) {
    const char* name = strerrorname_np(error);
    const char* words = strerrordesc_np(error);
    std::string message(doing);
    message.append(" failed: ").append(words != nullptr ? words : "unknown error");
    return {errc_of(error), std::move(message), name != nullptr ? name : ""};
}

bool is_plain_name(std::string_view name) {
    if (name.empty() || name.size() > 255 || name == "." || name == "..") return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        const auto code = static_cast<unsigned char>(c);
        return code >= 0x20 && code != 0x7F && c != '/';
    });
}

FileHandle::FileHandle(FileHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

FileHandle::~FileHandle() {
    if (fd_ >= 0) close(fd_);
}

Result<FileHandle::Identity> FileHandle::identity() const {
    struct stat status {};
    if (fstat(fd_, &status) != 0) return error_from_errno(errno, "reading a file's status");
    return Identity{status.st_dev, status.st_ino};
}

Result<std::uint64_t> FileHandle::size_bytes() const {
    struct stat status {};
    if (fstat(fd_, &status) != 0) return error_from_errno(errno, "reading a file's status");
    return static_cast<std::uint64_t>(status.st_size);
}

Result<void> FileHandle::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t count = retried([&] {
            return pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        });
        if (count < 0) return error_from_errno(errno, "writing a file of the store");
        offset += static_cast<std::uint64_t>(count);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

Result<std::size_t> FileHandle::read_at(std::uint64_t offset, std::span<std::byte> into) const {
    std::size_t done = 0;
    while (done < into.size()) {
        const ssize_t count = retried([&] {
            return pread(
                fd_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done)
            );
        });
        if (count < 0) return error_from_errno(errno, "reading a file of the store");
        if (count == 0) break;
        done += static_cast<std::size_t>(count);
    }
    return done;
}

Result<void> FileHandle::sync() {
    if (fsync(fd_) != 0) return error_from_errno(errno, "making a file durable");
    return {};
}

Result<Folder> Folder::open(const std::filesystem::path& path) {
    FileHandle handle(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (handle.fd() < 0) {
        Error error = error_from_errno(errno, "opening the folder of the store");
        error.code = Errc::unavailable;
        return error;
    }
    return Folder(std::move(handle));
}

Result<Folder> Folder::descend(const std::string& name) const {
    SLIPWAY_CHECK(check_name(name));
    FileHandle handle(
        openat(handle_.fd(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    );
    if (handle.fd() < 0) return error_from_errno(errno, "opening a folder of the store");
    return Folder(std::move(handle));
}

Result<Folder> Folder::make(const std::string& name) {
    SLIPWAY_CHECK(check_name(name));
    if (mkdirat(handle_.fd(), name.c_str(), kFolderMode) != 0)
        return error_from_errno(errno, "making a folder");
    SLIPWAY_CHECK(sync());
    return descend(name);
}

Result<Folder> Folder::descend_or_make(const std::string& name) {
    auto made = make(name);
    if (made || made.error().code != Errc::conflict) return made;
    return descend(name);
}

Result<FileHandle> Folder::create_file(const std::string& name) {
    SLIPWAY_CHECK(check_name(name));
    FileHandle handle(openat(
        handle_.fd(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode
    ));
    if (handle.fd() < 0) return error_from_errno(errno, "creating a file");
    return handle;
}

Result<FileHandle> Folder::open_file(const std::string& name) const {
    SLIPWAY_CHECK(check_name(name));
    // O_NONBLOCK: a named pipe must not hold up a thread before it is refused.
    FileHandle handle(
        openat(handle_.fd(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    );
    if (handle.fd() < 0) return error_from_errno(errno, "opening a file of the store");
    struct stat status {};
    if (fstat(handle.fd(), &status) != 0) return error_from_errno(errno, "reading a file's status");
    if (!S_ISREG(status.st_mode)) return Error(Errc::forbidden, "the object is no regular file");
    return handle;
}

Result<bool> Folder::has(const std::string& name) const {
    SLIPWAY_CHECK(check_name(name));
    struct stat status {};
    if (fstatat(handle_.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
    if (errno == ENOENT) return false;
    return error_from_errno(errno, "looking for a file");
}

Result<void> Folder::put_file(const std::string& name, std::string_view text) {
    SLIPWAY_CHECK(check_name(name));
    const std::string temporary = "." + name + ".part";
    SLIPWAY_CHECK(remove_file(temporary));
    SLIPWAY_TRY(FileHandle file, create_file(temporary));
    SLIPWAY_CHECK(file.write_at(0, std::as_bytes(std::span(text.data(), text.size()))));
    SLIPWAY_CHECK(file.sync());
    if (renameat(handle_.fd(), temporary.c_str(), handle_.fd(), name.c_str()) != 0)
        return error_from_errno(errno, "naming a file");
    return sync();
}

Result<void> Folder::remove_file(const std::string& name) {
    SLIPWAY_CHECK(check_name(name));
    if (unlinkat(handle_.fd(), name.c_str(), 0) != 0 && errno != ENOENT)
        return error_from_errno(errno, "removing a file");
    return {};
}

Result<void> Folder::rename_to_new(const std::string& from, const std::string& to) {
    SLIPWAY_CHECK(check_name(from));
    SLIPWAY_CHECK(check_name(to));
    if (renameat2(handle_.fd(), from.c_str(), handle_.fd(), to.c_str(), RENAME_NOREPLACE) == 0)
        return sync();
    if (errno != EINVAL && errno != ENOSYS) return error_from_errno(errno, "naming a file");
    // NFS has no such rename; a hard link does not replace what is there either.
    if (linkat(handle_.fd(), from.c_str(), handle_.fd(), to.c_str(), 0) != 0)
        return error_from_errno(errno, "naming a file");
    SLIPWAY_CHECK(remove_file(from));
    return sync();
}

Result<void> Folder::remove_tree(const std::string& name) {
    auto folder = descend(name);
    if (!folder) {
        if (folder.error().code == Errc::not_found) return {};
        return std::move(folder).error();
    }
    SLIPWAY_TRY(const auto entries, folder.value().names());
    for (const std::string& entry : entries) {
        if (unlinkat(folder.value().handle_.fd(), entry.c_str(), 0) == 0 || errno == ENOENT)
            continue;
        // POSIX says EPERM, Linux says EISDIR.
        if (errno != EISDIR && errno != EPERM) return error_from_errno(errno, "removing a file");
        SLIPWAY_CHECK(folder.value().remove_tree(entry));
    }
    if (unlinkat(handle_.fd(), name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
        return error_from_errno(errno, "removing a folder");
    return sync();
}

Result<std::vector<std::string>> Folder::names() const {
    // readdir moves the position of its descriptor and closes it, so it gets one of its own.
    const int own = openat(handle_.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0) return error_from_errno(errno, "listing a folder");
    FileHandle until_taken(own);
    const std::unique_ptr<DIR, FreeWith<&closedir>> stream(fdopendir(own));
    if (!stream) return error_from_errno(errno, "listing a folder");
    until_taken.release();
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const dirent* entry = readdir(stream.get());
        if (entry == nullptr) break;
        const std::string_view name = static_cast<const char*>(entry->d_name);
        if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return error_from_errno(errno, "listing a folder");
    return names;
}

Result<void> Folder::sync() {
    return handle_.sync();
}

Result<Folder::Space> Folder::space() const {
    struct statvfs status {};
    if (fstatvfs(handle_.fd(), &status) != 0)
        return error_from_errno(errno, "reading the free space of the store");
    return Space{
        std::uint64_t{status.f_blocks} * status.f_frsize,
        std::uint64_t{status.f_bavail} * status.f_frsize};
}

}  // namespace slipway::store
