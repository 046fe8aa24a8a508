#pragma once

#include "base/json.h"
#include "model/task_record.h"

#include <string>
#include <string_view>

namespace slipway::http::api {

// Tasks as the Image API shows them. Its words for a status: pending, processing, success, failure.
std::string_view api_status(TaskStatus status);

// An entry of GET /v2/images/{image_id}/tasks: with microseconds and without a zone.
void write_image_task(json::Writer& writer, const TaskRecord& task);

// GET /v2/tasks/{task_id}.
std::string task_json(const TaskRecord& task);
// An entry of GET /v2/tasks: without input, result and message.
void write_task_entry(json::Writer& writer, const TaskRecord& task);

}  // namespace slipway::http::api
