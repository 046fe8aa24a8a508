#include "service/image_service.h"

#include "tests/unit/service/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <exception>
#include <set>

namespace slipway::test {
namespace {

using service::ImagePatch;
using service::PatchDialect;
using service::PatchVerb;

// The image gets another owner after the request was allowed and before it changes anything: the
// catalogue's thread takes one call after the other, and the new owner's is second.
Result<void> race_with_a_new_owner(Services& services, const ImageId& id, auto operation) {
    std::optional<Result<void>> outcome;
    const auto rethrow = [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
    };
    auto slow = [&]() -> awaitable<void> {
        const auto done = co_await operation();
        outcome = done ? Result<void>() : Result<void>(done.error());
    };
    auto give_away = [](Image& image) -> Result<void> {
        image.owner = "stranger";
        return {};
    };
    auto quick = [&]() -> awaitable<void> {
        EXPECT_OK(co_await services.catalog->update_image(id, give_away));
    };
    asio::co_spawn(services.context, slow(), rethrow);
    asio::co_spawn(services.context, quick(), rethrow);
    services.context.restart();
    services.context.run();
    return outcome.value();
}

TEST(ImageService, ChangesNothingOfAnImageThatGotAnotherOwnerMeanwhile) {
    Services services;
    const Caller caller = member_of("owner");
    const ImagePatch patch{
        PatchDialect::v2_1, {{PatchVerb::replace, "name", std::string("mine")}}, {}};

    const ImageId patched = services.create_image("raw");
    EXPECT_ERROR(Errc::not_found, race_with_a_new_owner(services, patched, [&] {
                     return services.images.update(caller, patched, patch);
                 }));
    EXPECT_EQ(services.image(patched).name, std::nullopt);

    const ImageId tagged = services.create_image("raw");
    EXPECT_ERROR(Errc::not_found, race_with_a_new_owner(services, tagged, [&] {
                     return services.images.add_tag(caller, tagged, "mine");
                 }));
    EXPECT_TRUE(services.image(tagged).tags.empty());

    Image with_tag;
    with_tag.tags = {"theirs"};
    const ImageId untagged = services.create_image(with_tag);
    EXPECT_ERROR(Errc::not_found, race_with_a_new_owner(services, untagged, [&] {
                     return services.images.remove_tag(caller, untagged, "theirs");
                 }));
    EXPECT_EQ(services.image(untagged).tags, with_tag.tags);
}

Caller caller_of(const std::optional<std::string>& project, bool admin) {
    Caller caller = admin ? administrator() : member_of("");
    caller.identity.project = project;
    return caller;
}

// The catalogue repeats the policy's visibility in SQL; both must say the same of every caller,
// visibility and membership.
TEST(ImageService, ListsWhatThePolicyShows) {
    Services services;
    // So that a caller without a project may ask.
    std::vector<service::PolicyFinding> findings;
    services.policy = service::Policy({}, {{"get_images", "role:reader", 1}}, findings);
    struct Made {
        ImageId id;
        bool shared_with_partner;
    };
    std::vector<Made> made;
    for (const Visibility visibility :
         {Visibility::private_, Visibility::shared, Visibility::community, Visibility::public_})
        for (const char* const owner : {"owner", "partner", "stranger"})
            for (const char* const membership : {"", "pending", "accepted", "rejected"}) {
                Image image;
                image.id = ImageId(new_uuid());
                image.owner = owner;
                image.visibility = visibility;
                ASSERT_OK(services.await(services.catalog->create_image(image)));
                if (*membership) {
                    ASSERT_OK(services.await(services.catalog->add_member(image.id, "partner")));
                    ASSERT_OK(services.await(
                        services.catalog->set_member_status(image.id, "partner", membership)
                    ));
                }
                made.push_back({image.id, *membership != 0});
            }
    const std::array callers{
        caller_of("owner", false),
        caller_of("partner", false),
        caller_of("somebody", false),
        caller_of(std::nullopt, false),
        caller_of("partner", true),
        caller_of(std::nullopt, true)};
    for (std::size_t i = 0; i < callers.size(); ++i) {
        ImageQuery query;
        query.limit = 1000;
        query.visibility = "all";
        query.scope.member_status = "all";
        std::set<ImageId> listed;
        for (const auto& record :
             services.await(services.images.list(callers[i], query)).value().images)
            listed.insert(record.image.id);
        for (const Made& one : made) {
            const Image image = services.image(one.id);
            const bool is_shared =
                one.shared_with_partner && callers[i].identity.project == "partner";
            const bool visible = service::is_visible(callers[i].identity, image, is_shared);
            // Community images are found by who looks for them from a project.
            const Identity& identity = callers[i].identity;
            const bool unlisted = image.visibility == Visibility::community && !identity.project &&
                                  !service::sees_all_members(identity, image);
            EXPECT_EQ(listed.contains(one.id), visible && !unlisted)
                << "caller " << i << ", a " << to_string(image.visibility) << " image of "
                << *image.owner << (one.shared_with_partner ? ", shared with partner" : "");
            EXPECT_EQ(
                services.await(services.images.show(callers[i], one.id)).has_value(), visible
            );
            query.marker = one.id;
            EXPECT_EQ(services.await(services.images.list(callers[i], query)).has_value(), visible)
                << "as a marker, caller " << i << ", a " << to_string(image.visibility);
        }
    }
}

TEST(ImageService, ListsLocationsForAdministratorsAndNoneForServices) {
    ServicesOptions options;
    options.store.publishes_locations = true;
    options.store.boot_form = BootFormMode::off;
    Services services(options);
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.upload(id, "hello"));
    const auto locations = [&](const Caller& caller) {
        return services.await(services.images.locations(caller, id));
    };
    EXPECT_ERROR(Errc::forbidden, locations(member_of("owner")));
    EXPECT_ERROR(Errc::not_found, locations(member_of("stranger")));
    EXPECT_TRUE(locations(service_of("owner")).value().empty());
    ASSERT_EQ(locations(administrator()).value().size(), 1U);
    EXPECT_EQ(locations(administrator()).value().front().store, "");
}

TEST(ImageService, NamesTheStoreOfALocationWhereThereAreSeveral) {
    ServicesOptions options;
    options.store.publishes_locations = true;
    options.store.boot_form = BootFormMode::off;
    options.more_stores.emplace_back();
    options.more_stores.back().id = BackendId("other");
    options.more_stores.back().is_default = false;
    Services services(options);
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.upload(id, "hello"));
    const auto shown = services.await(services.images.locations(administrator(), id)).value();
    ASSERT_EQ(shown.size(), 1U);
    EXPECT_EQ(shown.front().store, "memory");
}

TEST(ImageService, TellsAServiceWithItsRoleAloneOfAnOpenImage) {
    Services services;
    Caller service;
    service.identity.project = "services";
    service.identity.roles = {"service"};
    const auto create = [&](Visibility visibility) {
        Image image;
        image.id = ImageId(new_uuid());
        image.owner = "owner";
        image.visibility = visibility;
        return services.await(services.catalog->create_image(image)).value().id;
    };
    const ImageId open = create(Visibility::public_);
    const ImageId closed = create(Visibility::private_);
    EXPECT_OK(services.await(services.images.locations(service, open)));
    EXPECT_ERROR(Errc::not_found, services.await(services.images.locations(service, closed)));
    EXPECT_ERROR(Errc::not_found, services.await(services.images.show(service, open)));
}

// What a member without the role reader may do is all that it may: it can not see the image.
TEST(ImageService, LetsAMemberWithoutReaderUseItsImage) {
    Services services;
    Caller member = member_of("owner");
    member.identity.roles = {"member"};
    for (const Visibility visibility : {Visibility::shared, Visibility::community}) {
        Image image;
        image.id = ImageId(new_uuid());
        image.owner = "owner";
        image.visibility = visibility;
        EXPECT_OK(services.await(services.images.create(member, image))) << to_string(visibility);
        EXPECT_ERROR(Errc::not_found, services.await(services.images.show(member, image.id)));
        EXPECT_OK(services.await(services.images.add_tag(member, image.id, "t")));
        EXPECT_OK(services.await(services.images.remove(member, image.id)));
    }
    Image image;
    image.id = ImageId(new_uuid());
    image.owner = "owner";
    image.visibility = Visibility::public_;
    EXPECT_ERROR(Errc::forbidden, services.await(services.images.create(member, image)));
}

TEST(ImageService, ShowsASharedImageOfNobodyByItsIdAndListsItNot) {
    Services services;
    Image image;
    image.id = ImageId(new_uuid());
    image.visibility = Visibility::shared;
    ASSERT_OK(services.await(services.catalog->create_image(image)));
    const Caller stranger = member_of("stranger");
    EXPECT_OK(services.await(services.images.show(stranger, image.id)));
    ImageQuery query;
    query.scope.member_status = "all";
    EXPECT_TRUE(services.await(services.images.list(stranger, query)).value().images.empty());
    query.marker = image.id;
    EXPECT_OK(services.await(services.images.list(stranger, query)));
}

// A rule that hides an image hides it from lists, too; they go on behind what is left of a page.
TEST(ImageService, ListsWhatTheRuleOfOneImageShows) {
    Services services;
    std::vector<service::PolicyFinding> findings;
    services.policy = service::Policy(
        {},
        {{"get_image", "role:admin or project_id:%(owner)s or project_id:%(member_id)s", 1}},
        findings
    );
    const auto create = [&](const char* owner, Visibility visibility) {
        services.clock.advance(std::chrono::seconds(1));
        Image image;
        image.id = ImageId(new_uuid());
        image.owner = owner;
        image.visibility = visibility;
        return services.await(services.catalog->create_image(image)).value().id;
    };
    const ImageId own = create("partner", Visibility::private_);
    const ImageId offered = create("owner", Visibility::shared);
    ASSERT_OK(services.await(services.catalog->add_member(offered, "partner")));
    create("owner", Visibility::public_);
    const Caller partner = member_of("partner");
    ImageQuery query;
    query.scope.member_status = "all";
    const auto listed = [&](const Caller& caller) {
        std::vector<ImageId> ids;
        const auto page = services.await(services.images.list(caller, query)).value();
        for (const auto& record : page.images) ids.push_back(record.image.id);
        return std::pair(ids, page.more);
    };
    query.limit = 3;
    EXPECT_EQ(listed(administrator()).first.size(), 3U);
    EXPECT_EQ(listed(partner), std::pair(std::vector({offered, own}), true));
    query.limit = 2;
    EXPECT_EQ(listed(partner), std::pair(std::vector({offered}), true));
    query.limit = 1;
    EXPECT_EQ(listed(partner), std::pair(std::vector<ImageId>(), false)) << "nothing to go on from";
}

}  // namespace
}  // namespace slipway::test
