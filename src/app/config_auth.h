#pragma once

#include "auth/keystone.h"
#include "auth/service_session.h"
#include "net/tls.h"

#include <chrono>
#include <string>

namespace slipway::app {

class ConfigReader;
class Section;

// An account of the server at Keystone, and how Keystone is reached.
struct CloudAccount {
    auth::Account account;
    net::TlsTrust trust;
    std::chrono::seconds connect_timeout{10};
};

// How callers are known.
struct AuthConfig {
    bool keystone = false;  // else everybody is an administrator
    auth::KeystoneOptions options;
    CloudAccount account;
};

// The limits that Keystone keeps for projects.
struct LimitsConfig {
    bool keystone = false;
    CloudAccount account;
    std::string endpoint;
};

// Parts of read_config.
AuthConfig read_auth(ConfigReader& reader);
LimitsConfig read_limits(ConfigReader& reader, bool with_keystone);
// The options of kind account in `section`; what is missing is a mistake when it `is_needed`.
CloudAccount read_account(Section& section, bool is_needed);

}  // namespace slipway::app
