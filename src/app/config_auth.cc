#include "app/config_auth.h"

#include "app/config_reader.h"
#include "base/text.h"
#include "net/url.h"

#include <filesystem>

namespace slipway::app {

namespace {

// The URL of the Identity API v3, however much of it was written.
std::string read_auth_url(Section& section, bool is_needed) {
    std::string url = section.text("auth_url");
    if (url.empty()) {
        if (is_needed)
            section.mistake(
                "auth_url", "is missing; write Keystone's URL, as in https://host:5000"
            );
        return url;
    }
    if (!net::parse_url(url) || url.find('?') != std::string::npos) {
        section.mistake(
            "auth_url", "is \"" + url + "\", which is no URL; write one as in https://host:5000"
        );
        return url;
    }
    while (url.ends_with('/')) url.pop_back();
    if (url.ends_with("/v2.0"))
        section.mistake("auth_url", "is of the Identity API v2.0; write the URL of v3");
    return url.ends_with("/v3") ? url : url + "/v3";
}

void check_password_login(Section& section, const auth::Account& account) {
    if (account.user_id.empty() && account.user_name.empty())
        section.mistake("username", "is missing; write the name of slipway's account at Keystone");
    if (account.user_id.empty() && account.user_domain_id.empty() &&
        account.user_domain_name.empty())
        section.mistake("user_domain_name", "is missing; write the domain of username");
    if (account.password.empty())
        section.mistake("password", "is missing; write it, or password_file");
    if (!account.system_scope.empty()) return;
    if (account.project_id.empty() && account.project_name.empty())
        section.mistake("project_name", "is missing; write the project of username, often service");
    if (account.project_id.empty() && account.project_domain_id.empty() &&
        account.project_domain_name.empty())
        section.mistake("project_domain_name", "is missing; write the domain of project_name");
}

void check_credential_login(Section& section, const auth::Account& account) {
    if (account.application_credential_id.empty() && account.application_credential_name.empty())
        section.mistake("application_credential_id", "is missing; auth_type asks for it");
    if (account.application_credential_secret.empty())
        section.mistake(
            "application_credential_secret",
            "is missing; write it, or application_credential_secret_file"
        );
}

}  // namespace

CloudAccount read_account(Section& section, bool is_needed) {
    CloudAccount cloud;
    auth::Account& account = cloud.account;
    account.auth_url = read_auth_url(section, is_needed);
    account.user_id = section.text("user_id");
    account.user_name = section.text("username");
    account.user_domain_id = section.text("user_domain_id");
    account.user_domain_name = section.text("user_domain_name");
    account.project_id = section.text("project_id");
    account.project_name = section.text("project_name");
    account.project_domain_id = section.text("project_domain_id");
    account.project_domain_name = section.text("project_domain_name");
    for (std::string* domain : {&account.user_domain_id, &account.project_domain_id})
        if (domain->empty()) *domain = section.text("default_domain_id");
    for (std::string* domain : {&account.user_domain_name, &account.project_domain_name})
        if (domain->empty()) *domain = section.text("default_domain_name");
    account.system_scope = section.text("system_scope");
    account.region = section.text("region_name");
    account.interface = section.text("interface");
    account.retries = section.number_as<int>("http_request_max_retries");
    account.time_limit = section.seconds("timeout");
    cloud.connect_timeout = section.seconds("http_connect_timeout");
    cloud.trust.ca_file = section.text("cafile");
    cloud.trust.insecure = section.flag("insecure");
    std::error_code ignored;
    if (!cloud.trust.ca_file.empty() &&
        !std::filesystem::is_regular_file(cloud.trust.ca_file, ignored))
        section.mistake(
            "cafile", "names \"" + cloud.trust.ca_file + "\", which is no file; check the path"
        );
    if (cloud.trust.insecure)
        section.warning("insecure", "is on: whoever answers in Keystone's place is believed");
    account.password = section.secret_or_file("password");
    account.application_credential_id = section.text("application_credential_id");
    account.application_credential_name = section.text("application_credential_name");
    account.application_credential_secret = section.secret_or_file("application_credential_secret");
    if (!is_needed) return cloud;
    if (section.text("auth_type") == "v3applicationcredential") {
        check_credential_login(section, account);
    } else {
        account.application_credential_secret = {};  // the words of the other way to log in
        check_password_login(section, account);
    }
    return cloud;
}

LimitsConfig read_limits(ConfigReader& reader, bool with_keystone) {
    LimitsConfig config;
    Section defaults = reader.section("DEFAULT");
    Section section = reader.section("oslo_limit", {"account"});
    config.keystone = defaults.flag("use_keystone_limits");
    config.account = read_account(section, config.keystone);
    config.endpoint = section.text("endpoint_id");
    if (!config.keystone) return config;
    if (!with_keystone)
        defaults.mistake(
            "use_keystone_limits", "is on, but [paste_deploy] flavor does not ask for keystone"
        );
    if (config.endpoint.empty())
        section.mistake(
            "endpoint_id",
            "is missing; write the id of the image service's public endpoint, as `openstack "
            "endpoint list --service image` shows it"
        );
    return config;
}

AuthConfig read_auth(ConfigReader& reader) {
    AuthConfig config;
    config.keystone =
        reader.section("paste_deploy").text("flavor").find("keystone") != std::string::npos;
    Section section = reader.section("keystone_authtoken", {"account"});
    config.account = read_account(section, config.keystone);
    auth::KeystoneOptions& options = config.options;
    options.www_authenticate_uri = section.text("www_authenticate_uri");
    if (options.www_authenticate_uri.empty())
        options.www_authenticate_uri = section.text("auth_url");
    options.service_token_roles.clear();
    for (const std::string& role : section.list("service_token_roles"))
        options.service_token_roles.push_back(lower_case(role));
    options.service_token_roles_required = section.flag("service_token_roles_required");
    options.service_type = section.text("service_type");
    options.token_cache_time = section.seconds("token_cache_time");
    options.allow_anonymous = reader.section("DEFAULT").flag("allow_anonymous_access");
    return config;
}

}  // namespace slipway::app
