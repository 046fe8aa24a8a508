#include "service/policy.h"

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
    Case{get_image, private_, "YYYnnn"},         Case{get_image, shared, "YYYYnn"},
    Case{get_image, community, "YYYYYY"},        Case{get_image, public_, "YYYYYY"},

    Case{download_image, private_, "YYfnnn"},    Case{download_image, shared, "YYfYnn"},
    Case{download_image, community, "YYfYYY"},   Case{download_image, public_, "YYfYYY"},

    Case{modify_image, private_, "YYfnnn"},      Case{modify_image, shared, "YYffnn"},
    Case{modify_image, community, "YYffff"},     Case{modify_image, public_, "YYffff"},

    Case{delete_image, private_, "YYfnnn"},      Case{delete_image, shared, "YYffnn"},
    Case{delete_image, public_, "YYffff"},       Case{upload_image, private_, "YYfnnn"},
    Case{upload_image, shared, "YYffnn"},        Case{upload_image, public_, "YYffff"},
    Case{deactivate, shared, "YYffnn"},          Case{deactivate, public_, "YYffff"},
    Case{reactivate, shared, "YYffnn"},          Case{reactivate, public_, "YYffff"},
    Case{communitize_image, private_, "YYfnnn"}, Case{communitize_image, public_, "YYffff"},
    Case{publicize_image, private_, "Yffnnn"},   Case{publicize_image, public_, "Yfffff"},

    Case{get_image_location, shared, "YYYfnn"},  Case{get_image_location, public_, "YYYfff"},
    Case{add_member, shared, "YYffnn"},          Case{delete_member, shared, "YYffnn"},
    Case{get_member, shared, "YYYYnn"},          Case{get_members, shared, "YYYYnn"},
    Case{get_members, public_, "YYYfff"},

    Case{slipway_clone, private_, "Yffnnn"},     Case{slipway_clone, shared, "Yfffnn"},
    Case{slipway_clone, public_, "YffffY"},      Case{slipway_transfers, shared, "YYYfnn"},
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
                answer(authorize(expected.action, identity_of(kEverybody[i]), target)),
                expected.answers[i]
            ) << "action "
              << static_cast<int>(expected.action) << " on a " << to_string(image.visibility)
              << " image by " << kNames[i];
        }
    }
}

TEST(Policy, LetsMembersOfAProjectCreateImagesOfIt) {
    const auto create = [](Who who, const std::optional<std::string>& owner) {
        return answer(authorize(add_image, identity_of(who), {nullptr, false, {}, owner}));
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
        return answer(authorize(modify_member, identity_of(who), target));
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
    EXPECT_FALSE(may(modify_member, nobody, {&image, false, {}, {}}));
}

TEST(Policy, TakesNoProjectForNobodysImage) {
    Image image;
    image.visibility = private_;
    Identity nobody;
    nobody.roles = {"reader", "member"};
    EXPECT_EQ(answer(authorize(get_image, nobody, {&image, false, {}, {}})), 'n');
    EXPECT_EQ(answer(authorize(add_image, nobody, {})), 'f');
}

TEST(Policy, OpensListsToReadersAndStoresToWhoRunsThem) {
    struct Row {
        Action action;
        const char* answers;
    };
    for (const Row& row :
         {Row{get_images, "YYYYYY"},
          Row{stores_info_detail, "YffffY"},
          Row{slipway_stores, "Yfffff"}})
        for (std::size_t i = 0; i < kEverybody.size(); ++i)
            EXPECT_EQ(answer(authorize(row.action, identity_of(kEverybody[i]), {})), row.answers[i])
                << kNames[i];
    EXPECT_EQ(answer(authorize(get_images, Identity(), {})), 'f');
}

}  // namespace
}  // namespace slipway::service
