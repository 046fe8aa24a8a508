#include "service/metadef_service.h"

#include "tests/unit/service/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::test {
namespace {

using service::MetadefService;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kText = R"({"title":"T","type":"string"})";

MetadefNamespace space_of(const std::string& name, Visibility visibility) {
    MetadefNamespace space;
    space.name = name;
    space.owner = "owner";
    space.visibility = visibility;
    space.associations = {{"OS::Glance::Image", "hw_", {}, {}, {}}};
    space.properties = {{"a", kText}};
    MetadefObject object;
    object.name = "o";
    object.required = {"x"};
    object.properties = {{"x", kText}};
    space.objects = {object};
    space.tags = {{"t", {}, {}}};
    return space;
}

// A public and a private namespace of "owner".
class MetadefServiceTest : public testing::Test {
protected:
    MetadefServiceTest() : metadefs(services.catalog->metadefs(), policy) {
        for (const auto& space :
             {space_of("open", Visibility::public_), space_of("closed", Visibility::private_)})
            EXPECT_OK(services.await(metadefs.create(admin, space)));
    }

    template <class T>
    T await(awaitable<T> operation) {
        return services.await(std::move(operation));
    }
    std::vector<std::string> listed(const Caller& caller) {
        MetadefQuery query;
        query.sort_key = MetadefSortKey::name;
        query.direction = SortDirection::ascending;
        std::vector<std::string> names;
        for (const auto& space : await(metadefs.list(caller, query)).value().namespaces)
            names.push_back(space.name);
        return names;
    }

    Services services;
    service::Policy policy;
    MetadefService metadefs;
    const Caller owner = member_of("owner");
    const Caller stranger = member_of("stranger");
    const Caller admin = administrator();
};

TEST_F(MetadefServiceTest, ShowsPrivateNamespacesToTheirOwnerAndToAdministrators) {
    EXPECT_THAT(listed(owner), ElementsAre("closed", "open"));
    EXPECT_THAT(listed(admin), ElementsAre("closed", "open"));
    EXPECT_THAT(listed(stranger), ElementsAre("open"));
    EXPECT_OK(await(metadefs.show(owner, "closed", "")));
    EXPECT_OK(await(metadefs.show(admin, "closed", "")));
    EXPECT_OK(await(metadefs.show(stranger, "open", "")));
    EXPECT_ERROR(Errc::not_found, await(metadefs.show(stranger, "closed", "")));
    EXPECT_ERROR(Errc::not_found, await(metadefs.show(admin, "missing", "")));
}

TEST_F(MetadefServiceTest, TellsNobodyElseWhetherAPrivateNamespaceIsThere) {
    const auto words = [&](const Caller& caller, const char* name) {
        const auto shown = await(metadefs.show(caller, name, ""));
        std::string text = shown.error().message;
        if (const auto at = text.find(name); at != std::string::npos)
            text.erase(at, std::string_view(name).size());
        return std::pair(shown.error().code, text);
    };
    EXPECT_EQ(words(stranger, "closed"), words(stranger, "missing"));
    Caller of_domain = administrator();
    of_domain.identity.project.reset();
    of_domain.identity.domain = "default";
    EXPECT_EQ(words(of_domain, "closed").first, Errc::forbidden);
    EXPECT_EQ(words(of_domain, "closed"), words(of_domain, "missing"));
}

TEST_F(MetadefServiceTest, ListsWhatTheRuleOfOneNamespaceShows) {
    std::vector<service::PolicyFinding> findings;
    policy = service::Policy({}, {{"get_metadef_namespace", "project_id:%(owner)s", 1}}, findings);
    EXPECT_THAT(listed(owner), ElementsAre("closed", "open"));
    EXPECT_THAT(listed(stranger), IsEmpty());
}

TEST_F(MetadefServiceTest, HidesWhatAPrivateNamespaceHolds) {
    EXPECT_ERROR(Errc::not_found, await(metadefs.associations(stranger, "closed")));
    EXPECT_ERROR(Errc::not_found, await(metadefs.properties(stranger, "closed")));
    EXPECT_ERROR(Errc::not_found, await(metadefs.property(stranger, "closed", "a", "")));
    EXPECT_ERROR(Errc::not_found, await(metadefs.objects(stranger, "closed")));
    EXPECT_ERROR(Errc::not_found, await(metadefs.object(stranger, "closed", "o")));
    EXPECT_ERROR(Errc::not_found, await(metadefs.tags(stranger, "closed", {})));
    EXPECT_ERROR(Errc::not_found, await(metadefs.tag(stranger, "closed", "t")));
    EXPECT_ERROR(Errc::not_found, await(metadefs.add_tag(stranger, "closed", "u")));
    EXPECT_OK(await(metadefs.tags(owner, "closed", {})));
}

TEST_F(MetadefServiceTest, LetsAdministratorsOnlyChangeAnything) {
    const MetadefNamespace space = space_of("open", Visibility::public_);
    EXPECT_ERROR(
        Errc::forbidden, await(metadefs.create(owner, space_of("new", Visibility::private_)))
    );
    EXPECT_ERROR(Errc::forbidden, await(metadefs.replace(owner, "open", space)));
    EXPECT_ERROR(Errc::forbidden, await(metadefs.remove(owner, "open")));
    EXPECT_ERROR(Errc::forbidden, await(metadefs.associate(owner, "open", {"X", {}, {}, {}, {}})));
    EXPECT_ERROR(Errc::forbidden, await(metadefs.dissociate(owner, "open", "OS::Glance::Image")));
    EXPECT_ERROR(Errc::forbidden, await(metadefs.add_property(owner, "open", {"b", kText})));
    EXPECT_ERROR(
        Errc::forbidden, await(metadefs.replace_property(owner, "open", "a", {"b", kText}))
    );
    EXPECT_ERROR(Errc::forbidden, await(metadefs.remove_property(owner, "open", "a")));
    EXPECT_ERROR(Errc::forbidden, await(metadefs.remove_properties(owner, "open")));
    EXPECT_ERROR(Errc::forbidden, await(metadefs.add_object(owner, "open", space.objects[0])));
    EXPECT_ERROR(
        Errc::forbidden, await(metadefs.replace_object(owner, "open", "o", space.objects[0]))
    );
    EXPECT_ERROR(Errc::forbidden, await(metadefs.remove_object(owner, "open", "o")));
    EXPECT_ERROR(Errc::forbidden, await(metadefs.remove_objects(owner, "open")));
    EXPECT_ERROR(Errc::forbidden, await(metadefs.add_tag(owner, "open", "u")));
    EXPECT_ERROR(Errc::forbidden, await(metadefs.add_tags(owner, "open", {"u"}, true)));
    EXPECT_ERROR(Errc::forbidden, await(metadefs.rename_tag(owner, "open", "t", "u")));
    EXPECT_ERROR(Errc::forbidden, await(metadefs.remove_tag(owner, "open", "t")));
    EXPECT_ERROR(Errc::forbidden, await(metadefs.remove_tags(owner, "open")));
}

TEST_F(MetadefServiceTest, HidesAllFromAMemberWhoIsNoReader) {
    Caller member = owner;
    member.identity.roles = {"member"};
    EXPECT_ERROR(Errc::forbidden, await(metadefs.list(member, {})));
    EXPECT_ERROR(Errc::forbidden, await(metadefs.resource_types(member)));
    EXPECT_ERROR(Errc::not_found, await(metadefs.show(member, "open", "")));
    EXPECT_ERROR(Errc::not_found, await(metadefs.remove(member, "open")));
}

TEST_F(MetadefServiceTest, MakesTheCallersProjectTheOwner) {
    MetadefNamespace space;
    space.name = "new";
    EXPECT_EQ(await(metadefs.create(admin, space)).value().owner, "admins");
    space.owner = "somebody";
    EXPECT_EQ(await(metadefs.replace(admin, "new", space)).value().owner, "somebody");
    space.owner.reset();
    EXPECT_EQ(await(metadefs.replace(admin, "new", space)).value().owner, "admins");
}

TEST_F(MetadefServiceTest, PrefixesNamesForAResourceType) {
    const auto shown = await(metadefs.show(owner, "open", "OS::Glance::Image")).value();
    EXPECT_EQ(shown.properties[0].name, "hw_a");
    EXPECT_EQ(shown.objects[0].name, "o");
    EXPECT_EQ(shown.objects[0].properties[0].name, "hw_x");
    EXPECT_THAT(shown.objects[0].required, ElementsAre("hw_x"));
    EXPECT_EQ(
        await(metadefs.show(owner, "open", "OS::Nova::Flavor")).value().properties[0].name, "a"
    );
}

TEST_F(MetadefServiceTest, FindsAPropertyByTheNameThatAResourceTypeGivesIt) {
    const auto find = [&](const std::string& name, const std::string& type) {
        return await(metadefs.property(owner, "open", name, type));
    };
    EXPECT_EQ(find("hw_a", "OS::Glance::Image").value().name, "a");
    EXPECT_ERROR(Errc::not_found, find("a", "OS::Glance::Image"));
    EXPECT_ERROR(Errc::not_found, find("hw_a", ""));
    EXPECT_ERROR(Errc::not_found, find("hw_a", "OS::Nova::Flavor"));
}

TEST_F(MetadefServiceTest, SaysWhetherThereMayBeMore) {
    MetadefQuery query;
    query.limit = 1;
    auto page = await(metadefs.list(owner, query)).value();
    EXPECT_EQ(page.namespaces.size(), 1U);
    EXPECT_TRUE(page.more);
    query.limit = 3;
    EXPECT_FALSE(await(metadefs.list(owner, query)).value().more);
    query.limit = 0;
    page = await(metadefs.list(owner, query)).value();
    EXPECT_THAT(page.namespaces, IsEmpty());
    EXPECT_FALSE(page.more);
}

}  // namespace
}  // namespace slipway::test
