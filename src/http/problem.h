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

// An error as the caller wants to read it: below /slipway/v1 our own JSON object; elsewhere HTML, JSON
// or plain text as Glance's clients negotiate it by Accept (JSON never for */*).
Response problem(const Request& request, int status, std::string_view message);
Response problem(const Request& request, const Error& error);

}  // namespace slipway::http
