#include "http/api/task_view.h"

#include "base/time.h"

#include <array>
#include <cstdio>

namespace slipway::http::api {

namespace {

// 2026-11-22T07:04:42.535009
std::string in_microseconds(Time time) {
    const auto fraction = time - std::chrono::floor<std::chrono::seconds>(time);
    std::string text = to_iso8601(time);
    text.pop_back();  // Z
    std::array<char, 16> digits{};
    std::snprintf(digits.data(), digits.size(), ".%06d", static_cast<int>(fraction.count()));
    return text + digits.data();
}

// Why it failed, or how far it has come.
std::string message_of(const TaskRecord& task) {
    if (task.error) return task.error->message;
    if (task.status == TaskStatus::running) return std::to_string(task.progress) + " % done";
    return {};
}

void write_outcome(json::Writer& writer, const TaskRecord& task) {
    writer.key("input").raw(task.input).key("result");
    if (task.status == TaskStatus::success)
        writer.begin_object().member("image_id", task.image_id.str()).end_object();
    else
        writer.null();
    writer.member("message", message_of(task));
}

void write_links(json::Writer& writer, const TaskRecord& task) {
    writer.member("self", "/v2/tasks/" + task.id.str()).member("schema", "/v2/schemas/task");
}

void write_times(json::Writer& writer, const TaskRecord& task) {
    writer.member("created_at", to_iso8601(task.created_at));
    writer.member("updated_at", to_iso8601(task.updated_at));
    if (task.expires_at != Time()) writer.member("expires_at", to_iso8601(task.expires_at));
}

void write_head(json::Writer& writer, const TaskRecord& task) {
    writer.begin_object().member("id", task.id.str()).member("type", task.api_type);
    writer.member("status", api_status(task.status)).member_or_null("owner", task.owner);
}

}  // namespace

std::string_view api_status(TaskStatus status) {
    switch (status) {
        case TaskStatus::pending:
            return "pending";
        case TaskStatus::running:
            return "processing";
        case TaskStatus::success:
            return "success";
        case TaskStatus::failure:
        case TaskStatus::cancelled:
            return "failure";
    }
    return "failure";
}

void write_image_task(json::Writer& writer, const TaskRecord& task) {
    write_head(writer, task);
    writer.member("image_id", task.image_id.str()).member("request_id", task.request_id);
    writer.member_or_null("user_id", task.user);
    write_outcome(writer, task);
    writer.member("created_at", in_microseconds(task.created_at));
    writer.member("updated_at", in_microseconds(task.updated_at)).key("expires_at");
    if (task.expires_at == Time())
        writer.null();
    else
        writer.string(in_microseconds(task.expires_at));
    writer.member("deleted", false).key("deleted_at").null().end_object();
}

std::string task_json(const TaskRecord& task) {
    json::Writer writer;
    write_head(writer, task);
    write_outcome(writer, task);
    writer.member("image_id", task.image_id.str()).member("request_id", task.request_id);
    if (task.user) writer.member("user_id", *task.user);
    write_times(writer, task);
    write_links(writer, task);
    writer.end_object();
    return writer.text();
}

void write_task_entry(json::Writer& writer, const TaskRecord& task) {
    write_head(writer, task);
    write_times(writer, task);
    write_links(writer, task);
    writer.end_object();
}

}  // namespace slipway::http::api
