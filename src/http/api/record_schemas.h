#pragma once

#include <string>

namespace slipway::http::api {

// The documents of /v2/schemas for members and tasks.
std::string member_schema_json();
std::string members_schema_json();
std::string task_schema_json();
std::string tasks_schema_json();

}  // namespace slipway::http::api
