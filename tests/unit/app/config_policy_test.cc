#include "tests/unit/app/config_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::app {
namespace {

using service::Action;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ConfigPolicy : public testing::Test {
protected:
    // What the server makes of a policy.yaml with `text` beside its configuration.
    ConfigReport read(std::string_view text, std::string_view configuration = "") {
        folder.write("policy.yaml", text);
        return folder.read(configuration);
    }
    // The findings.
    std::vector<std::string> said_of(std::string_view text) {
        const auto report = read(text);
        return folder.lines_of(report);
    }
    // Whether somebody with the role observer may publicize an image of another project.
    static bool observer_may_publicize(const ConfigReport& report) {
        Identity observer;
        observer.project = "other";
        observer.roles = {"observer"};
        Image image;
        image.owner = "owner";
        image.visibility = Visibility::public_;
        image.properties["kind"] = "demo";
        return report.config->policy.allows(
            Action::publicize_image, observer, {&image, false, {}, {}}
        );
    }

    ConfigFolder folder;
};

TEST_F(ConfigPolicy, IsTheDefaultsWithoutAFile) {
    const auto report = folder.read("");
    ASSERT_TRUE(report.config);
    EXPECT_FALSE(observer_may_publicize(report));
}

TEST_F(ConfigPolicy, TakesYamlJsonAndTheOldLists) {
    for (const char* text :
         {"# demo\npublicize_image: role:observer\n",
          "\"publicize_image\": \"role:observer or role:admin\"",
          R"({"publicize_image": "rule:us", "us": "role:observer"})",
          "publicize_image: ''",
          "publicize_image:\n",
          "publicize_image: []",
          R"(publicize_image: [["role:admin"], ["role:observer", "'demo':%(kind)s"]])",
          R"(publicize_image: ["role:admin", "role:observer"])",
          "publicize_image: '!'\npublicize_image: '@'\n"}) {
        const auto report = read(text);
        ASSERT_TRUE(report.config) << text;
        EXPECT_THAT(report.findings, IsEmpty()) << text;
        EXPECT_TRUE(observer_may_publicize(report)) << text;
    }
    EXPECT_FALSE(observer_may_publicize(read("publicize_image: [[]]")));
    EXPECT_FALSE(observer_may_publicize(read("")));
}

TEST_F(ConfigPolicy, SaysWhereAFileIsWrong) {
    EXPECT_THAT(
        said_of("get_image: '@'\n\npublicize_image: role:admin or\n"),
        ElementsAre("policy.yaml:3: publicize_image ends where a check should follow")
    );
    EXPECT_THAT(
        said_of("context_is_admin: rule:cloud_admin\ncloud_admin: not rule:context_is_admin\n"),
        ElementsAre("policy.yaml:1: context_is_admin refers to itself: context_is_admin, "
                    "cloud_admin, context_is_admin; write one of them anew")
    );
    EXPECT_THAT(
        said_of("- publicize_image\n"),
        ElementsAre("policy.yaml:1: is no list of policies; write NAME: \"RULE\" lines")
    );
    EXPECT_THAT(
        said_of("publicize_image: {a: b}\n"),
        ElementsAre("policy.yaml:1: publicize_image is no text; write a rule in quotes")
    );
    EXPECT_THAT(
        said_of("publicize_image: [role:admin\n"), ElementsAre(HasSubstr("is no YAML or JSON"))
    );
}

TEST_F(ConfigPolicy, WarnsAboutNamesThatNobodyKnows) {
    const auto report = read("publicise_image: '@'\nmodify_image: rule:adminn\n");
    EXPECT_TRUE(report.config);
    EXPECT_THAT(
        folder.lines_of(report),
        ElementsAre(
            "policy.yaml:2: modify_image refers to the rule adminn, which there is not; the rule "
            "default is taken instead",
            "policy.yaml:1: publicise_image is no policy of this version, and no rule uses it"
        )
    );
}

TEST_F(ConfigPolicy, WantsAFileThatIsNamedToBeThere) {
    EXPECT_THAT(
        folder.findings("[oslo_policy]\npolicy_file = other.yaml\n"),
        ElementsAre(HasSubstr("slipway.conf:2: [oslo_policy] policy_file names \"other.yaml\""))
    );
    folder.write("other.yaml", "publicize_image: '@'");
    const auto relative = folder.read("[oslo_policy]\npolicy_file = other.yaml\n");
    EXPECT_TRUE(observer_may_publicize(relative));
    const auto absolute = folder.read("[oslo_policy]\npolicy_file = " + folder.path("other.yaml"));
    EXPECT_TRUE(observer_may_publicize(absolute));
}

TEST_F(ConfigPolicy, TakesTheFilesOfAFolderOneOverTheOther) {
    folder.write("policy.d/20-second.yaml", "publicize_image: role:observer\n");
    folder.write("policy.d/10-first.json", R"({"publicize_image": "!"})");
    folder.write("policy.d/.hidden.yaml", "publicize_image: '!'\n");
    folder.write("policy.d/more/30-third.yaml", "publicize_image: '!'\n");
    const auto with_file = read("publicize_image: role:admin\n");
    ASSERT_TRUE(with_file.config);
    EXPECT_THAT(with_file.findings, IsEmpty());
    EXPECT_TRUE(observer_may_publicize(with_file));
    std::filesystem::remove(folder.path("policy.yaml"));
    EXPECT_TRUE(observer_may_publicize(folder.read("")));
}

TEST_F(ConfigPolicy, SaysInWhichFileOfAFolderAMistakeIs) {
    folder.write("policy.d/10-first.yaml", "get_image: '@'\npublicize_image: role:admin or\n");
    folder.write("policy.d/20-second.yaml", "modify_image: rule:gone\n");
    folder.write("policy.d/30-third.yaml", "- delete_image\n");
    // What a later file replaces is not looked into.
    EXPECT_THAT(
        said_of("modify_image: rule:also_gone\n"),
        ElementsAre(
            "policy.d/30-third.yaml:1: is no list of policies; write NAME: \"RULE\" lines",
            "policy.d/10-first.yaml:2: publicize_image ends where a check should follow",
            "policy.d/20-second.yaml:1: modify_image refers to the rule gone, which there is not; "
            "the rule default is taken instead"
        )
    );
}

TEST_F(ConfigPolicy, TakesFoldersThatAreNamed) {
    folder.write("ours/a.yaml", "publicize_image: '!'\n");
    folder.write("theirs/a.yaml", "publicize_image: role:observer\n");
    const std::string both =
        "[oslo_policy]\npolicy_dirs = ours\npolicy_dirs = " + folder.path("theirs") + "\n";
    EXPECT_TRUE(observer_may_publicize(folder.read(both)));
    EXPECT_THAT(
        folder.findings("[oslo_policy]\npolicy_dirs = gone.d\n"),
        ElementsAre("slipway.conf:2: [oslo_policy] policy_dirs names \"gone.d\", which is no "
                    "folder there")
    );
}

// As oslo.config finds files: folders of --config-dir come first, then the last file's.
TEST_F(ConfigPolicy, LooksBesideTheLastConfigurationFirst) {
    folder.write("conf.d/policy.yaml", "publicize_image: role:observer\n");
    folder.sources.directories = {folder.path("conf.d")};
    EXPECT_TRUE(observer_may_publicize(read("publicize_image: '!'\n")));
}

constexpr const char* kProtections =
    "[^x_]\ncreate = rule_of_ours\nread = @\nupdate = rule_of_our\ndelete = !\n";

TEST_F(ConfigPolicy, KnowsWhichPoliciesPropertyProtectionsMayName) {
    const std::string by_policy =
        "[DEFAULT]\nproperty_protection_file = protections.conf\n"
        "property_protection_rule_format = policies\n";
    folder.write("protections.conf", kProtections);
    const auto report = read("rule_of_ours: role:member\n", by_policy);
    EXPECT_TRUE(report.config);
    EXPECT_TRUE(report.has(Severity::unsafe));
    EXPECT_THAT(
        folder.lines_of(report),
        ElementsAre(HasSubstr("protections.conf:4: names the policy \"rule_of_our\", which there "
                              "is not"))
    );
}

TEST_F(ConfigPolicy, TakesRolesInPropertyProtectionsAsTheyAre) {
    folder.write("protections.conf", kProtections);
    EXPECT_THAT(
        folder.findings("[DEFAULT]\nproperty_protection_file = protections.conf\n"), IsEmpty()
    );
}

}  // namespace
}  // namespace slipway::app
