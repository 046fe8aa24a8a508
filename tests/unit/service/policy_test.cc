#include "service/policy.h"

#include "service/policy_defaults.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace slipway::service {
namespace {

enum class Who { admin, owner_member, owner_reader, member_project, stranger, service };
constexpr std::array kEverybody{
    Who::admin,
    Who::owner_member,
    Who::owner_reader,
    Who::member_project,
    Who::stranger,
    Who::service};
constexpr std::array kNames{
    "admin", "owner, member", "owner, reader", "project shared with", "stranger", "service"};

const Policy policy;

Identity identity_of(Who who) {
    Identity identity;
    identity.roles = {"reader", "member"};
    switch (who) {
        case Who::admin:
            identity.project = "admins";
            identity.roles.emplace_back("admin");
            identity.is_admin = true;
            break;
        case Who::owner_member:
            identity.project = "owner";
            break;
        case Who::owner_reader:
            identity.project = "owner";
            identity.roles = {"reader"};
            break;
        case Who::member_project:
            identity.project = "partner";
            break;
        case Who::stranger:
            identity.project = "stranger";
            break;
        case Who::service:
            identity.project = "services";
            identity.roles.emplace_back("service");
            identity.is_service = true;
            break;
    }
    return identity;
}

struct Case {
    Action action;
    Visibility visibility;
    // Of kEverybody in order: Y allowed, f forbidden, n not_found.
    const char* answers;
};

using enum Action;
using enum Visibility;

// The project shared with is a member of the shared image only.
constexpr std::array kCases{
    Case{get_image, private_, "YYYnnn"},
    Case{get_image, shared, "YYYYnn"},
    Case{get_image, community, "YYYYYY"},
    Case{get_image, public_, "YYYYYY"},

    Case{download_image, private_, "YYfnnn"},
    Case{download_image, shared, "YYfYnn"},
    Case{download_image, community, "YYfYYY"},
    Case{download_image, public_, "YYfYYY"},

    Case{modify_image, private_, "YYfnnn"},
    Case{modify_image, shared, "YYffnn"},
    Case{modify_image, community, "YYffff"},
    Case{modify_image, public_, "YYffff"},

    Case{delete_image, private_, "YYfnnn"},
    Case{delete_image, shared, "YYffnn"},
    Case{delete_image, public_, "YYffff"},
    Case{upload_image, private_, "YYfnnn"},
    Case{upload_image, shared, "YYffnn"},
    Case{upload_image, public_, "YYffff"},
    Case{deactivate, shared, "YYffnn"},
    Case{deactivate, public_, "YYffff"},
    Case{reactivate, shared, "YYffnn"},
    Case{reactivate, public_, "YYffff"},
    Case{communitize_image, private_, "YYfnnn"},
    Case{communitize_image, public_, "YYffff"},
    Case{publicize_image, private_, "Yffnnn"},
    Case{publicize_image, public_, "Yfffff"},

    Case{get_image_location, shared, "YYYfnn"},
    Case{get_image_location, public_, "YYYfff"},
    Case{add_member, shared, "YYffnn"},
    Case{delete_member, shared, "YYffnn"},
    Case{get_member, shared, "YYYYnn"},
    Case{get_members, shared, "YYYYnn"},
    Case{get_members, public_, "YYYfff"},

    Case{slipway_download_deactivated, shared, "Yfffnn"},
    Case{slipway_download_deactivated, public_, "Yfffff"},
    Case{slipway_change_owner, shared, "Yfffnn"},
    Case{slipway_change_owner, public_, "Yfffff"},

    Case{slipway_clone, private_, "Yffnnn"},
    Case{slipway_clone, shared, "Yfffnn"},
    Case{slipway_clone, public_, "YffffY"},
    Case{slipway_transfers, shared, "YYYfnn"},
    Case{slipway_transfers, public_, "YYYfff"},
};

char answer(const Result<void>& result) {
    if (result) return 'Y';
    return result.error().code == Errc::forbidden   ? 'f'
           : result.error().code == Errc::not_found ? 'n'
                                                    : '?';
}

TEST(Policy, AnswersAsTheTableSays) {
    Image image;
    image.owner = "owner";
    for (const Case& expected : kCases) {
        image.visibility = expected.visibility;
        for (std::size_t i = 0; i < kEverybody.size(); ++i) {
            const bool is_shared =
                kEverybody[i] == Who::member_project && expected.visibility == shared;
            const Target target{&image, is_shared, {}, {}};
            EXPECT_EQ(
                answer(policy.authorize(expected.action, identity_of(kEverybody[i]), target)),
                expected.answers[i]
            ) << "action "
              << static_cast<int>(expected.action) << " on a " << to_string(image.visibility)
              << " image by " << kNames[i];
        }
    }
}

TEST(Policy, TakesNoRoleForAnother) {
    Image image;
    image.owner = "owner";
    image.visibility = private_;
    const auto answer_to = [&](Action action, const char* role) {
        Identity identity;
        identity.project = "owner";
        identity.roles = {role};
        identity.is_admin = policy.is_administrator(identity);
        return answer(policy.authorize(action, identity, {&image, false, "owner", "owner"}));
    };
    for (const Action action : {get_image, get_members, get_image_location}) {
        SCOPED_TRACE(to_string(action));
        EXPECT_EQ(answer_to(action, "reader"), 'Y');
        EXPECT_EQ(answer_to(action, "member"), 'n');
        EXPECT_EQ(answer_to(action, "admin"), 'Y');
    }
    for (const Action action : {modify_image, delete_image, upload_image, download_image}) {
        SCOPED_TRACE(to_string(action));
        EXPECT_EQ(answer_to(action, "reader"), 'f');
        EXPECT_EQ(answer_to(action, "member"), 'Y');
        EXPECT_EQ(answer_to(action, "admin"), 'Y');
        EXPECT_EQ(answer_to(action, "observer"), 'n');
    }
}

TEST(Policy, LetsServicesReachOpenImagesByTheirRoleAlone) {
    Identity service;
    service.project = "services";
    service.roles = {"service"};
    Image image;
    image.owner = "owner";
    const auto answer_to = [&](Action action) {
        return answer(policy.authorize(action, service, {&image, false, {}, {}}));
    };
    for (const Visibility visibility : {public_, community}) {
        image.visibility = visibility;
        for (const Action action :
             {fetch_image_location,
              add_image_location,
              slipway_clone,
              slipway_copies,
              slipway_seed})
            EXPECT_EQ(answer_to(action), 'Y') << to_string(action);
        for (const Action action : {get_image, download_image, modify_image, get_image_location})
            EXPECT_EQ(answer_to(action), 'n') << to_string(action);
    }
    for (const Visibility visibility : {private_, shared}) {
        image.visibility = visibility;
        EXPECT_EQ(answer_to(fetch_image_location), 'n');
        EXPECT_EQ(answer_to(slipway_clone), 'n');
    }
}

TEST(Policy, ShowsASharedImageOfNobodyToEverybody) {
    Image image;
    image.visibility = shared;
    for (const Who who : kEverybody) {
        EXPECT_TRUE(is_visible(identity_of(who), image, false));
        EXPECT_EQ(
            answer(policy.authorize(get_image, identity_of(who), {&image, false, {}, {}})), 'Y'
        );
    }
    const Identity stranger = identity_of(Who::stranger);
    EXPECT_EQ(answer(policy.authorize(modify_image, stranger, {&image, false, {}, {}})), 'f');
    image.visibility = private_;
    EXPECT_FALSE(is_visible(stranger, image, false));
}

TEST(Policy, ShowsListsAndTasksByProjectAndAdministratorsEverything) {
    TaskRecord task;
    task.owner = "owner";
    Image image;
    image.owner = "owner";
    struct Row {
        Who who;
        bool all_images;
        std::optional<std::string> tasks_of;
        bool task;
        bool all_members;
        bool membership_decides;
    };
    for (const Row& row :
         {Row{Who::admin, true, std::nullopt, true, true, false},
          Row{Who::owner_member, false, "owner", true, true, false},
          Row{Who::member_project, false, "partner", false, false, true},
          Row{Who::service, false, "services", false, false, true}}) {
        const Identity identity = identity_of(row.who);
        SCOPED_TRACE(kNames[static_cast<std::size_t>(row.who)]);
        ListScope scope;
        set_list_scope(scope, identity);
        EXPECT_EQ(scope.all, row.all_images);
        EXPECT_EQ(scope.project, identity.project);
        EXPECT_EQ(owner_of_visible_tasks(identity), row.tasks_of);
        EXPECT_EQ(sees_task(identity, task), row.task);
        EXPECT_EQ(sees_all_members(identity, image), row.all_members);
        EXPECT_EQ(membership_decides(identity, image), row.membership_decides);
    }
}

TEST(Policy, LetsTasksBeCancelledByThoseWhoMayChangeImages) {
    TaskRecord task;
    task.owner = "owner";
    const std::array may{true, true, false, false, false, false};
    for (std::size_t at = 0; at < kEverybody.size(); ++at)
        EXPECT_EQ(may_cancel_task(identity_of(kEverybody[at]), task), may[at]) << kNames[at];
}

TEST(Policy, TellsAdministratorsAndServicesWhatATaskNames) {
    const std::array sees{true, false, false, false, false, true};
    for (std::size_t at = 0; at < kEverybody.size(); ++at)
        EXPECT_EQ(sees_task_input(identity_of(kEverybody[at])), sees[at]) << kNames[at];
}

TEST(Policy, ShowsNothingOfOthersToAnIdentityWithoutAProject) {
    Identity nobody;
    nobody.roles = {"reader", "member"};
    EXPECT_EQ(owner_of_visible_tasks(nobody), "");
    EXPECT_FALSE(sees_task(nobody, TaskRecord()));
    EXPECT_FALSE(sees_all_members(nobody, Image()));
    EXPECT_FALSE(membership_decides(nobody, Image()));
}

TEST(Policy, HidesTheStoresOfADeactivatedImageFromAllButAdministrators) {
    Image image;
    image.owner = "owner";
    for (const Who who : kEverybody) {
        image.status = ImageStatus::deactivated;
        EXPECT_EQ(sees_stores(identity_of(who), image), who == Who::admin);
        image.status = ImageStatus::active;
        EXPECT_TRUE(sees_stores(identity_of(who), image));
    }
}

TEST(Policy, ShowsWhereTheBytesLieAsTheOptionsSay) {
    Image image;
    image.owner = "owner";
    image.visibility = public_;
    struct Row {
        LocationVisibility options;
        // Of kEverybody in order: l locations, d direct_url, b both, - none.
        const char* shown;
    };
    for (const Row& row :
         {Row{{true, false, false}, "-----b"},
          Row{{true, true, false}, "lll--b"},
          Row{{true, false, true}, "ddd--b"},
          Row{{true, true, true}, "bbb--b"},
          Row{{false, false, false}, "------"},
          Row{{false, true, true}, "bbb---"}})
        for (std::size_t i = 0; i < kEverybody.size(); ++i) {
            const auto view = location_view(policy, identity_of(kEverybody[i]), image, row.options);
            const char shown = view.locations && view.direct_url ? 'b'
                               : view.locations                  ? 'l'
                               : view.direct_url                 ? 'd'
                                                                 : '-';
            EXPECT_EQ(shown, row.shown[i]) << kNames[i] << " of " << row.shown;
        }
}

TEST(Policy, LetsMembersOfAProjectCreateImagesOfIt) {
    const auto create = [](Who who, const std::optional<std::string>& owner) {
        return answer(policy.authorize(add_image, identity_of(who), {nullptr, false, {}, owner}));
    };
    EXPECT_EQ(create(Who::owner_member, "owner"), 'Y');
    EXPECT_EQ(create(Who::owner_member, "stranger"), 'f');
    EXPECT_EQ(create(Who::owner_member, std::nullopt), 'f');
    EXPECT_EQ(create(Who::owner_reader, "owner"), 'f');
    EXPECT_EQ(create(Who::admin, "owner"), 'Y');
    EXPECT_EQ(create(Who::admin, std::nullopt), 'Y');
}

TEST(Policy, LetsTheProjectMeantAndAdministratorsAcceptAnOffer) {
    Image image;
    image.owner = "owner";
    const auto accept = [&](Who who, bool is_shared) {
        const Target target{&image, is_shared, "partner", {}};
        return answer(policy.authorize(modify_member, identity_of(who), target));
    };
    EXPECT_EQ(accept(Who::admin, false), 'Y');
    EXPECT_EQ(accept(Who::member_project, true), 'Y');
    EXPECT_EQ(accept(Who::owner_member, false), 'f');
    EXPECT_EQ(accept(Who::stranger, true), 'f');
    EXPECT_EQ(accept(Who::stranger, false), 'n');
}

TEST(Policy, TakesNoProjectForNobodysOffer) {
    Image image;
    image.visibility = public_;
    Identity nobody;
    nobody.roles = {"reader", "member"};
    EXPECT_FALSE(policy.allows(modify_member, nobody, {&image, false, {}, {}}));
}

TEST(Policy, TakesNoProjectForNobodysImage) {
    Image image;
    image.visibility = private_;
    Identity nobody;
    nobody.roles = {"reader", "member"};
    EXPECT_EQ(answer(policy.authorize(get_image, nobody, {&image, false, {}, {}})), 'n');
    EXPECT_EQ(answer(policy.authorize(add_image, nobody, {})), 'f');
}

TEST(Policy, OpensListsToReadersAndStoresToWhoRunsThem) {
    const auto own = [](Who who) { return Target{nullptr, false, {}, identity_of(who).project}; };
    struct Row {
        Action action;
        const char* answers;
    };
    for (const Row& row :
         {Row{get_images, "YYYYYY"},
          Row{stores_info_detail, "YffffY"},
          Row{slipway_stores, "Yfffff"}})
        for (std::size_t i = 0; i < kEverybody.size(); ++i)
            EXPECT_EQ(
                answer(policy.authorize(row.action, identity_of(kEverybody[i]), own(kEverybody[i]))
                ),
                row.answers[i]
            ) << kNames[i];
    EXPECT_EQ(answer(policy.authorize(get_images, Identity(), {})), 'f');
}

Policy policy_with(
    const std::vector<PolicyOverride>& overrides, const PolicyOptions& options = {}
) {
    std::vector<PolicyFinding> findings;
    Policy made(options, overrides, findings);
    EXPECT_TRUE(findings.empty()) << findings.front().what;
    return made;
}

TEST(Policy, HasARuleForEveryAction) {
    for (int i = 0; i <= static_cast<int>(slipway_transfers); ++i) {
        const auto action = static_cast<Action>(i);
        EXPECT_EQ(default_of(action).action, action) << to_string(action);
        EXPECT_FALSE(default_of(action).deed.empty()) << to_string(action);
    }
}

TEST(Policy, TakesAFilesRuleInPlaceOfTheDefault) {
    const Policy changed = policy_with({{"delete_image", "role:cleaner", 1}});
    Image image;
    image.owner = "owner";
    image.visibility = public_;
    Identity cleaner = identity_of(Who::stranger);
    cleaner.roles.emplace_back("cleaner");
    EXPECT_EQ(answer(changed.authorize(delete_image, cleaner, {&image, false, {}, {}})), 'Y');
    EXPECT_EQ(
        answer(changed.authorize(delete_image, identity_of(Who::admin), {&image, false, {}, {}})),
        'f'
    );
}

TEST(Policy, AnswersNotFoundWhereSeeingIsRefused) {
    const Policy changed = policy_with({{"get_image", "!", 1}});
    Image image;
    image.owner = "owner";
    image.visibility = public_;
    const Target target{&image, false, {}, {}};
    EXPECT_EQ(answer(changed.authorize(modify_image, identity_of(Who::owner_member), target)), 'Y');
    EXPECT_EQ(answer(changed.authorize(modify_image, identity_of(Who::owner_reader), target)), 'n');
    EXPECT_EQ(answer(changed.authorize(get_image, identity_of(Who::admin), target)), 'n');
}

TEST(Policy, TakesTheRolesOfAnAdministratorFromItsRule) {
    const Policy changed = policy_with({{"context_is_admin", "role:cloud_admin", 1}});
    Identity identity;
    identity.roles = {"admin"};
    EXPECT_TRUE(policy.is_administrator(identity));
    EXPECT_FALSE(changed.is_administrator(identity));
    identity.roles = {"cloud_admin"};
    EXPECT_TRUE(changed.is_administrator(identity));
}

TEST(Policy, RefusesTokensOfTheSystemAndOfDomains) {
    const Policy lenient = policy_with({}, {.new_defaults = true, .enforce_scope = false});
    Image image;
    image.owner = "owner";
    image.visibility = public_;
    const Target target{&image, false, {}, {}};
    Identity of_system = identity_of(Who::admin);
    of_system.project.reset();
    of_system.system_scope = "all";
    Identity of_domain = identity_of(Who::admin);
    of_domain.project.reset();
    of_domain.domain = "default";
    for (const Identity& identity : {of_system, of_domain}) {
        EXPECT_EQ(answer(policy.authorize(get_image, identity, target)), 'n');
        EXPECT_EQ(answer(policy.authorize(add_image, identity, {})), 'f');
        EXPECT_EQ(answer(policy.authorize(get_images, identity, {})), 'f');
        EXPECT_FALSE(policy.allows(get_image, identity, target));
        EXPECT_EQ(answer(lenient.authorize(get_image, identity, target)), 'Y');
    }
}

TEST(Policy, AllowsWhatWasOnceAllowedWhereTheNewDefaultsAreNotEnforced) {
    const Policy old = policy_with({}, {.new_defaults = false, .enforce_scope = true});
    Image image;
    image.owner = "owner";
    struct Row {
        Action action;
        // On a shared image, of somebody without the roles reader and member: the owner, a project
        // that it is shared with, a stranger.
        const char* answers;
    };
    for (const Row& row :
         {Row{get_image, "YYn"},
          Row{download_image, "YYn"},
          Row{modify_image, "Yfn"},
          Row{delete_image, "Yfn"},
          Row{upload_image, "Yfn"},
          Row{add_member, "Yfn"},
          Row{get_members, "YYn"},
          Row{modify_member, "fYn"},
          Row{publicize_image, "ffn"},
          Row{communitize_image, "YYn"}}) {
        const char* expected = row.answers;
        for (const char* project : {"owner", "partner", "stranger"}) {
            Identity identity;
            identity.project = project;
            identity.roles = {"observer"};
            const bool is_partner = identity.project == "partner";
            const Target target{&image, is_partner, {}, {}};
            EXPECT_EQ(answer(old.authorize(row.action, identity, target)), *expected++)
                << to_string(row.action) << " by " << project;
        }
    }
    Identity creator;
    creator.project = "owner";
    EXPECT_EQ(answer(old.authorize(add_image, creator, {nullptr, false, {}, "owner"})), 'Y');
    EXPECT_EQ(answer(old.authorize(add_image, creator, {nullptr, false, {}, "other"})), 'f');
}

TEST(Policy, ShowsNamespacesOfMetadataAsTheTableSays) {
    struct Row {
        Action action;
        const char* visibility;
        const char* answers;  // of kEverybody in order
    };
    for (const Row& row :
         {Row{get_metadef_namespace, "public", "YYYYYY"},
          Row{get_metadef_namespace, "private", "YYYnnn"},
          Row{get_metadef_objects, "private", "YYYnnn"},
          Row{get_metadef_tag, "public", "YYYYYY"},
          Row{modify_metadef_namespace, "public", "Yfffff"},
          Row{modify_metadef_namespace, "private", "Yffnnn"},
          Row{add_metadef_namespace, "private", "Yfffff"},
          Row{delete_metadef_tags, "private", "Yffnnn"}}) {
        const NamespaceTarget metadefs{"OS::Test", "owner", row.visibility};
        for (std::size_t i = 0; i < kEverybody.size(); ++i)
            EXPECT_EQ(
                answer(policy.authorize(
                    row.action, identity_of(kEverybody[i]), {nullptr, false, {}, {}, &metadefs}
                )),
                row.answers[i]
            ) << to_string(row.action)
              << " of a " << row.visibility << " namespace by " << kNames[i];
    }
}

TEST(Policy, AsksOfANamespaceWhatTheActionNeedsAndNoMore) {
    const Policy changed = policy_with({{"metadef_admin", "role:member", 1}});
    const NamespaceTarget metadefs{"OS::Test", "owner", "public"};
    const Target target{nullptr, false, {}, {}, &metadefs};
    Identity writer = identity_of(Who::stranger);
    writer.roles = {"member"};
    EXPECT_EQ(answer(changed.authorize(modify_metadef_namespace, writer, target)), 'Y');
    EXPECT_EQ(answer(changed.authorize(get_metadef_objects, writer, target)), 'n');
    EXPECT_EQ(answer(policy.authorize(modify_metadef_namespace, writer, target)), 'n');
}

TEST(Policy, OpensLocationsTasksAndTheCacheAsTheTableSays) {
    Image image;
    image.owner = "owner";
    image.visibility = public_;
    struct Row {
        Action action;
        const char* answers;  // of kEverybody in order
    };
    for (const Row& row :
         {Row{add_image_location, "YYfffY"},
          Row{set_image_location, "YYffff"},
          Row{delete_image_location, "Yfffff"},
          Row{fetch_image_location, "YffffY"},
          Row{copy_image, "Yfffff"},
          Row{download_from_store, "YYfYYY"},
          Row{tasks_api_access, "Yfffff"},
          Row{get_task, "YYYYYY"},
          Row{cache_list, "Yfffff"},
          Row{cache_image, "Yfffff"},
          Row{list_cached_nodes, "Yfffff"},
          Row{slipway_seed, "YffffY"},
          Row{slipway_object, "YffffY"},
          Row{slipway_evacuate, "Yfffff"}})
        for (std::size_t i = 0; i < kEverybody.size(); ++i)
            EXPECT_EQ(
                answer(policy.authorize(
                    row.action, identity_of(kEverybody[i]), {&image, false, {}, {}}
                )),
                row.answers[i]
            ) << to_string(row.action)
              << " by " << kNames[i];
}

TEST(Policy, LooksAtPropertiesOfImages) {
    const Policy changed = policy_with({{"download_image", "'open':%(site_access)s", 1}});
    Image image;
    image.owner = "owner";
    image.visibility = public_;
    const Target target{&image, false, {}, {}};
    EXPECT_FALSE(changed.allows(download_image, identity_of(Who::stranger), target));
    image.properties["site_access"] = "open";
    EXPECT_TRUE(changed.allows(download_image, identity_of(Who::stranger), target));
}

}  // namespace
}  // namespace slipway::service
