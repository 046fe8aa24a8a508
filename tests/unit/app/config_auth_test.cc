#include "tests/unit/app/config_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::app {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr const char* kKeystone =
    "[DEFAULT]\n"
    "bind_host = 0.0.0.0\n"
    "[paste_deploy]\n"
    "flavor = keystone+cachemanagement\n"
    "[keystone_authtoken]\n";

// As kolla-ansible writes it for Glance.
constexpr const char* kAccount =
    "service_type = image\n"
    "www_authenticate_uri = http://192.0.2.4:5000\n"
    "auth_url = http://192.0.2.4:5000\n"
    "auth_type = password\n"
    "project_domain_id = default\n"
    "user_domain_id = default\n"
    "project_name = service\n"
    "username = glance\n"
    "password = pa$$word\n"
    "cafile = \n"
    "region_name = RegionOne\n"
    "memcache_security_strategy = ENCRYPT\n"
    "memcache_secret_key = canary\n"
    "memcached_servers = 192.0.2.4:11211\n";

class ConfigKeystone : public testing::Test {
protected:
    AuthConfig read(const std::string& more) {
        const auto report = folder.read(std::string(kKeystone) + more);
        EXPECT_TRUE(report.config) << testing::PrintToString(folder.lines_of(report));
        return report.config ? report.config->auth : AuthConfig();
    }
    std::vector<std::string> findings(const std::string& more) {
        return folder.findings(std::string(kKeystone) + more);
    }

    ConfigFolder folder;
};

TEST_F(ConfigKeystone, IsReadAsInstallersWriteIt) {
    const AuthConfig auth = read(kAccount);
    EXPECT_TRUE(auth.keystone);
    EXPECT_EQ(auth.options.www_authenticate_uri, "http://192.0.2.4:5000");
    EXPECT_THAT(auth.options.service_token_roles, ElementsAre("service"));
    EXPECT_FALSE(auth.options.service_token_roles_required);
    EXPECT_EQ(auth.options.token_cache_time, std::chrono::seconds(300));
    EXPECT_FALSE(auth.options.allow_anonymous);
    const auth::Account& account = auth.account.account;
    EXPECT_EQ(account.auth_url, "http://192.0.2.4:5000/v3");
    EXPECT_EQ(account.user_name, "glance");
    EXPECT_EQ(account.user_domain_id, "default");
    EXPECT_EQ(account.password.reveal(), "pa$word");
    EXPECT_EQ(account.project_name, "service");
    EXPECT_EQ(account.region, "RegionOne");
    EXPECT_EQ(account.interface, "internal");
    EXPECT_TRUE(auth.account.trust.ca_file.empty());
}

TEST_F(ConfigKeystone, TellsThatTokensAreNotKeptInMemcached) {
    const auto said = findings(kAccount);
    EXPECT_THAT(said, Contains(HasSubstr("memcached_servers has no effect")));
    EXPECT_THAT(said, Not(Contains(HasSubstr("canary"))));
    EXPECT_THAT(said, Not(Contains(HasSubstr("is not an option"))));
}

TEST_F(ConfigKeystone, TakesAUrlHoweverMuchOfItIsWritten) {
    for (const char* url : {"http://k", "http://k/", "http://k/v3", "http://k/v3/"}) {
        const AuthConfig auth = read(
            "username = u\npassword = p\nproject_name = s\ndefault_domain_name = Default\n"
            "auth_url = " +
            std::string(url) + "\n"
        );
        EXPECT_EQ(auth.account.account.auth_url, "http://k/v3") << url;
        EXPECT_EQ(auth.account.account.user_domain_name, "Default");
        EXPECT_EQ(auth.account.account.project_domain_name, "Default");
    }
    EXPECT_THAT(
        findings(std::string(kAccount) + "auth_url = http://k/v2.0\n"),
        Contains(HasSubstr("write the URL of v3"))
    );
    EXPECT_THAT(
        findings(std::string(kAccount) + "auth_url = keystone\n"),
        Contains(HasSubstr("which is no URL"))
    );
}

TEST_F(ConfigKeystone, TakesAnApplicationCredential) {
    const std::string secret = folder.write("secret", "shh\n");
    const AuthConfig auth = read(
        "auth_url = http://k\nauth_type = v3applicationcredential\n"
        "application_credential_id = c1\napplication_credential_secret_file = " +
        secret + "\n"
    );
    EXPECT_EQ(auth.account.account.application_credential_id, "c1");
    EXPECT_EQ(auth.account.account.application_credential_secret.reveal(), "shh");
}

TEST_F(ConfigKeystone, SaysAllThatIsMissing) {
    EXPECT_THAT(
        findings(""),
        UnorderedElementsAre(
            HasSubstr("auth_url is missing"),
            HasSubstr("username is missing"),
            HasSubstr("user_domain_name is missing"),
            HasSubstr("] password is missing"),
            HasSubstr("project_name is missing"),
            HasSubstr("project_domain_name is missing")
        )
    );
    EXPECT_THAT(
        findings("auth_url = http://k\nauth_type = v3applicationcredential\n"),
        UnorderedElementsAre(
            HasSubstr("application_credential_id is missing"),
            HasSubstr("application_credential_secret is missing")
        )
    );
}

TEST_F(ConfigKeystone, KnowsRolesInSmallLetters) {
    const AuthConfig auth = read(
        std::string(kAccount) +
        "service_token_roles = Service, Nova\nservice_token_roles_required = true\n"
        "token_cache_time = 0\n"
    );
    EXPECT_THAT(auth.options.service_token_roles, ElementsAre("service", "nova"));
    EXPECT_TRUE(auth.options.service_token_roles_required);
    EXPECT_EQ(auth.options.token_cache_time, std::chrono::seconds(0));
}

TEST_F(ConfigKeystone, NeedsNothingWhereNobodyAsksForIt) {
    EXPECT_THAT(
        folder.findings("[paste_deploy]\nflavor = caching\n[keystone_authtoken]\nusername = u\n"),
        IsEmpty()
    );
}

}  // namespace
}  // namespace slipway::app
