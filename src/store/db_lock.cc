#include "store/db_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace slipway::store {

Result<FileLock> FileLock::take(const std::string& path) {
    FileLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (lock.descriptor_ < 0)
        return Error(
            Errc::unavailable,
            "can not open " + path + ": " + std::generic_category().message(errno) +
                "; check that its folder exists and may be written to"
        );
    if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno == EWOULDBLOCK)
        return Error(
            Errc::conflict,
            "another slipway server holds " + path +
                ": a SQLite catalogue belongs to one server; stop the other one, or use PostgreSQL"
        );
    return Error(
        Errc::unavailable,
        "can not lock " + path + ": " + std::generic_category().message(errno) +
            "; a SQLite catalogue must lie on a local file system"
    );
}

// The file stays: removing it would let a third process lock a new one beside the old.
FileLock::~FileLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace slipway::store
