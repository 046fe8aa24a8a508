#include "model/task_record.h"

#include <array>

namespace slipway {

namespace {

constexpr std::array kKinds{
    TaskKind::clone,
    TaskKind::seed,
    TaskKind::copy,
    TaskKind::boot_form,
    TaskKind::evacuate,
    TaskKind::import,
    TaskKind::location_import};
constexpr std::array kStatuses{
    TaskStatus::pending,
    TaskStatus::running,
    TaskStatus::success,
    TaskStatus::failure,
    TaskStatus::cancelled};

}  // namespace

std::string_view to_string(TaskKind kind) {
    switch (kind) {
        case TaskKind::clone:
            return "clone";
        case TaskKind::seed:
            return "seed";
        case TaskKind::copy:
            return "copy";
        case TaskKind::boot_form:
            return "boot_form";
        case TaskKind::evacuate:
            return "evacuate";
        case TaskKind::import:
            return "import";
        case TaskKind::location_import:
            return "location_import";
    }
    return "clone";
}

std::string_view to_string(TaskStatus status) {
    switch (status) {
        case TaskStatus::pending:
            return "pending";
        case TaskStatus::running:
            return "running";
        case TaskStatus::success:
            return "success";
        case TaskStatus::failure:
            return "failure";
        case TaskStatus::cancelled:
            return "cancelled";
    }
    return "pending";
}

Result<TaskKind> parse_task_kind(std::string_view word) {
    for (const TaskKind kind : kKinds)
        if (to_string(kind) == word) return kind;
    return Error(Errc::invalid_argument, "unknown task kind " + std::string(word.substr(0, 64)));
}

Result<TaskStatus> parse_task_status(std::string_view word) {
    for (const TaskStatus status : kStatuses)
        if (to_string(status) == word) return status;
    return Error(Errc::invalid_argument, "unknown task status " + std::string(word.substr(0, 64)));
}

}  // namespace slipway
