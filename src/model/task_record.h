#pragma once

#include "base/error.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slipway {

// What a transfer cost, and the path it took. Kept for every upload, download and clone.
struct Account {
    std::uint64_t bytes_through = 0;  // image bytes that crossed slipway
    std::uint64_t bytes_copied = 0;   // bytes that the storage moved by itself
    double seconds = 0;
    std::string path;  // stream, copy_disk, copy_file, reflink, copy_range, nfc, none
};

enum class TaskKind {
    clone,
    seed,             // into the cache of compute services
    copy,             // to another datastore
    boot_form,        // made from the upload
    evacuate,         // a copy, after which the source goes
    import,           // of the Image API
    location_import,  // of the Image API: looks at the bytes of a location that a client has named
};
enum class TaskStatus { pending, running, success, failure, cancelled };

std::string_view to_string(TaskKind kind);
std::string_view to_string(TaskStatus status);
Result<TaskKind> parse_task_kind(std::string_view word);
Result<TaskStatus> parse_task_status(std::string_view word);
inline bool is_over(TaskStatus status) {
    return status != TaskStatus::pending && status != TaskStatus::running;
}

// Durable work on an image: a row of ours (vsphere::Task is vCenter's).
struct TaskRecord {
    TaskId id;
    TaskKind kind = TaskKind::clone;
    ImageId image_id;
    std::optional<std::string> owner;  // project of the image when the task was made
    LocationId location_id;            // whose bytes it reads; they stay while the task is not over
    TaskStatus status = TaskStatus::pending;
    int progress = 0;        // percent
    std::string input;       // JSON, by kind
    std::string checkpoint;  // JSON, by kind: what a restarted process goes on from
    std::optional<Error> error;
    bool cancel_requested = false;
    std::optional<Account> account;
    std::string server;  // who runs it, and until when without a sign of life
    Time claimed_until;
    Time created_at;
    Time updated_at;
    std::string request_id;
    // Of tasks that the Image API shows: what it calls their type ("api_image_import"), who asked,
    // and until when they are shown. Empty, absent, and the beginning of time for all others.
    std::string api_type;
    std::optional<std::string> user;
    Time expires_at;
};

}  // namespace slipway
