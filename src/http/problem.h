#pragma once

#include "base/error.h"
#include "http/request.h"
#include "http/response.h"

#include <string>
#include <string_view>

namespace slipway::http {

// The status of an error, by the one table.
int status_of(Errc code);
std::string_view reason_phrase(int status);

// An error as the caller wants to read it: below /slipway/v1 our own JSON object; elsewhere HTML,
// JSON or plain text as Glance's clients negotiate it by Accept (JSON never for */*).
Response problem(const Request& request, int status, std::string_view message);
// The same; an error of ours (500) shows a general sentence, for its own belongs into the log.
// `cancelled` closes the connection.
Response problem(const Request& request, const Error& error);
// Plain text, for bytes that are no request.
Response plain_problem(int status, std::string_view message);

}  // namespace slipway::http
