#include "service/member_service.h"

#include "tests/unit/service/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::test {
namespace {

using service::MemberService;
using testing::ElementsAre;

// A shared image of "owner" with two members, and what each caller is told about it.
class MemberServiceTest : public testing::Test {
protected:
    MemberServiceTest()
        : members(*services.catalog, services.policy), id(make_image(Visibility::shared)) {
        EXPECT_OK(services.await(members.add(owner, id, "partner")));
        EXPECT_OK(services.await(members.add(owner, id, "other")));
    }

    ImageId make_image(Visibility visibility) {
        Image image;
        image.id = ImageId(new_uuid());
        image.owner = "owner";
        image.visibility = visibility;
        return services.await(services.catalog->create_image(image)).value().id;
    }
    std::vector<std::string> listed(const Caller& caller) {
        std::vector<std::string> projects;
        for (const Member& member : services.await(members.list(caller, id)).value())
            projects.push_back(member.project);
        return projects;
    }
    Result<Member> show(const Caller& caller, const ImageId& image, const std::string& project) {
        return services.await(members.show(caller, image, project));
    }
    Result<Member> answer(const Caller& caller, const std::string& project) {
        return services.await(members.set_status(caller, id, project, "accepted"));
    }
    Result<Member> add(const Caller& caller, const ImageId& image) {
        return services.await(members.add(caller, image, "third"));
    }
    Result<void> remove(const Caller& caller, const ImageId& image) {
        return services.await(members.remove(caller, image, "partner"));
    }

    Services services;
    MemberService members;
    const Caller owner = member_of("owner");
    const Caller partner = member_of("partner");
    const Caller stranger = member_of("stranger");
    const Caller admin = administrator();
    const ImageId id;
};

TEST_F(MemberServiceTest, ListsAllToTheOwnerAndToAMemberItself) {
    EXPECT_THAT(listed(owner), testing::UnorderedElementsAre("partner", "other"));
    EXPECT_THAT(listed(admin), testing::UnorderedElementsAre("partner", "other"));
    EXPECT_THAT(listed(partner), ElementsAre("partner"));
    EXPECT_ERROR(Errc::not_found, services.await(members.list(stranger, id)));
}

TEST_F(MemberServiceTest, ShowsARowToTheOwnerAndToThatMember) {
    EXPECT_OK(show(owner, id, "partner"));
    EXPECT_OK(show(admin, id, "partner"));
    EXPECT_OK(show(partner, id, "partner"));
    EXPECT_ERROR(Errc::not_found, show(partner, id, "other"));
    EXPECT_ERROR(Errc::not_found, show(stranger, id, "partner"));
    EXPECT_ERROR(Errc::not_found, show(owner, id, "stranger"));
}

TEST_F(MemberServiceTest, FindsNoRowOfAnImageThatIsNotShared) {
    for (const Visibility visibility :
         {Visibility::public_, Visibility::community, Visibility::private_}) {
        const ImageId image = make_image(visibility);
        for (const Caller& caller : {owner, partner, stranger, admin})
            EXPECT_ERROR(Errc::not_found, show(caller, image, "partner"))
                << to_string(visibility) << " to " << *caller.identity.project;
    }
}

TEST_F(MemberServiceTest, LetsTheMemberAnswerAndNobodyElseButAdministrators) {
    EXPECT_ERROR(Errc::forbidden, answer(owner, "partner"));
    EXPECT_ERROR(Errc::not_found, answer(partner, "other"));
    EXPECT_ERROR(Errc::not_found, answer(stranger, "partner"));
    EXPECT_EQ(show(owner, id, "partner").value().status, "pending");
    EXPECT_EQ(answer(partner, "partner").value().status, "accepted");
    EXPECT_EQ(answer(admin, "other").value().status, "accepted");
    EXPECT_ERROR(Errc::not_found, answer(admin, "stranger"));
}

TEST_F(MemberServiceTest, LetsOnlyTheOwnerChangeWhomAnImageIsSharedWith) {
    EXPECT_ERROR(Errc::forbidden, add(partner, id));
    EXPECT_ERROR(Errc::not_found, add(stranger, id));
    EXPECT_ERROR(Errc::forbidden, remove(partner, id));
    EXPECT_ERROR(Errc::not_found, remove(stranger, id));
    EXPECT_OK(add(owner, id));
    EXPECT_ERROR(Errc::conflict, add(owner, id));
    EXPECT_OK(remove(owner, id));
    EXPECT_ERROR(Errc::not_found, remove(owner, id));
    EXPECT_OK(services.await(members.remove(admin, id, "other")));
    EXPECT_THAT(listed(owner), ElementsAre("third"));
}

TEST_F(MemberServiceTest, SharesNothingThatIsOpenOrPrivate) {
    for (const Visibility visibility :
         {Visibility::public_, Visibility::community, Visibility::private_}) {
        const ImageId image = make_image(visibility);
        EXPECT_ERROR(Errc::forbidden, services.await(members.list(owner, image)));
        EXPECT_ERROR(Errc::forbidden, add(owner, image));
        EXPECT_ERROR(Errc::forbidden, remove(owner, image));
    }
    EXPECT_ERROR(Errc::forbidden, add(stranger, make_image(Visibility::public_)));
    EXPECT_ERROR(
        Errc::forbidden, services.await(members.list(stranger, make_image(Visibility::public_)))
    );
}

}  // namespace
}  // namespace slipway::test
