#include "service/glance_import.h"

#include "service/location_cipher.h"
#include "store/datastore_backend.h"
#include "tests/fakes/temporary_folder.h"
#include "tests/support/manual_clock.h"
#include "tests/support/results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

namespace slipway::service {
namespace {

using test::succeeds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kOne = "11111111-1111-4111-8111-111111111111";
constexpr const char* kTwo = "22222222-2222-4222-8222-222222222222";
constexpr const char* kThree = "33333333-3333-4333-8333-333333333333";

std::string url_of(const std::string& file, const std::string& datastore = "images") {
    return "vsphere://vc.example/folder/openstack_glance/" + file + "?dsName=" + datastore +
           "&dcPath=DC0";
}

// A Glance's database as its migrations leave it, in SQLite; and a catalogue to fill.
class GlanceImportTest : public testing::Test {
protected:
    GlanceImportTest() {
        glance_ =
            store::Db::open({store::Engine::sqlite, folder_.file("glance.sqlite"), {}}).value();
        for (const char* statement :
             {"create table images (id varchar(36) primary key, name varchar(255), disk_format "
              "varchar(20), container_format varchar(20), size integer, virtual_size integer, "
              "status varchar(30) not null, visibility varchar(9) default 'shared', checksum "
              "varchar(32), os_hash_algo varchar(64), os_hash_value varchar(128), min_disk integer "
              "not null default 0, min_ram integer not null default 0, owner varchar(255), "
              "protected boolean default 0, os_hidden boolean default 0, created_at datetime, "
              "updated_at datetime, deleted_at datetime, deleted boolean default 0)",
              "create table image_properties (id integer primary key, image_id varchar(36), name "
              "varchar(255), value text, deleted boolean default 0)",
              "create table image_tags (id integer primary key, image_id varchar(36), value "
              "varchar(255), deleted boolean default 0)",
              "create table image_members (id integer primary key, image_id varchar(36), member "
              "varchar(255), status varchar(20), created_at datetime, updated_at datetime, deleted "
              "boolean default 0)",
              "create table image_locations (id integer primary key, image_id varchar(36), value "
              "text, meta_data text, status varchar(30) default 'active', deleted boolean default "
              "0)",
              "create table metadef_resource_types (id integer primary key, name varchar(80), "
              "created_at datetime, updated_at datetime)",
              "create table metadef_namespaces (id integer primary key, namespace varchar(80), "
              "display_name varchar(80), description text, visibility varchar(32), protected "
              "boolean, owner varchar(255), created_at datetime, updated_at datetime)",
              "create table metadef_namespace_resource_types (resource_type_id integer, "
              "namespace_id integer, prefix varchar(80), properties_target varchar(80), created_at "
              "datetime, updated_at datetime)",
              "create table metadef_properties (id integer primary key, namespace_id integer, name "
              "varchar(80), json_schema text)",
              "create table metadef_objects (id integer primary key, namespace_id integer, name "
              "varchar(80), description text, required text, json_schema text, created_at "
              "datetime, updated_at datetime)",
              "create table metadef_tags (id integer primary key, namespace_id integer, name "
              "varchar(80), created_at datetime, updated_at datetime)"})
            say(statement);

        vsphere::VimClientOptions center;
        center.server.host = "vc.example";
        client_ = std::make_unique<vsphere::VimClient>(io_.get_executor(), center);
        store::DatastoreBackendOptions options;
        options.id = BackendId("vcenter");
        options.is_default = true;
        options.published_host = "vc.example";
        options.datastores = {{"DC0", "images", 0}, {"DC0", "other", 0}};
        std::vector<std::unique_ptr<store::Backend>> backends;
        backends.push_back(
            store::DatastoreBackend::create(io_.get_executor(), options, *client_).value()
        );
        backends_ = std::make_unique<store::BackendSet>(std::move(backends), true);
        catalog_options_.connection = "sqlite:///" + folder_.file("catalog.sqlite");
    }

    void say(std::string_view sql, const store::DbValues& values = {}) {
        glance_->execute(sql, values).value();
    }
    void add_image(const std::string& id, const std::string& status, int size = 100) {
        say("insert into images (id, name, status, size, disk_format, container_format, owner, "
            "created_at, updated_at, visibility, protected, checksum) values (?, 'it', ?, ?, "
            "'vmdk', 'bare', 'p', '2026-01-02 03:04:05.678901', null, 'public', 1, 'abc')",
            {id, status, size});
    }
    void add_location(const std::string& id, const std::string& value) {
        say("insert into image_locations (image_id, value, meta_data) values (?, ?, ?)",
            {id, value, R"({"store": "theirs", "k": "v"})"});
    }

    Result<TakeoverReport> import(bool dry_run = false, const std::string& key = {}) {
        remarks_.clear();
        SLIPWAY_TRY(
            const auto database,
            store::GlanceDatabase::open("sqlite:///" + folder_.file("glance.sqlite"))
        );
        SLIPWAY_TRY(
            const auto catalog,
            dry_run ? store::TakeoverCatalog::look(catalog_options_)
                    : store::TakeoverCatalog::open(catalog_options_, clock_)
        );
        store::GlanceReader reader(*database);
        GlanceImport import(
            reader,
            *catalog,
            *backends_,
            {dry_run,
             Secret(key),
             [this](const TakeoverRemark& remark) {
                 remarks_.push_back(
                     remark.kind + " " + remark.id.substr(0, 4) + ": " + remark.reason
                 );
             },
             {}}
        );
        SLIPWAY_CHECK(database->look([&] { return import.run(); }));
        return import.report();
    }
    store::KnownImage known(const std::string& id) {
        const auto catalog = store::TakeoverCatalog::look(catalog_options_).value();
        return catalog->find(ImageId(id)).value().value();
    }

    test::TemporaryFolder folder_;
    std::unique_ptr<store::Db> glance_;
    asio::io_context io_;
    std::unique_ptr<vsphere::VimClient> client_;
    std::unique_ptr<store::BackendSet> backends_;
    store::CatalogOptions catalog_options_;
    test::ManualClock clock_;
    std::vector<std::string> remarks_;
};

TEST_F(GlanceImportTest, TakesAnImageWithAllThatBelongsToIt) {
    add_image(kOne, "active");
    add_location(kOne, url_of(kOne));
    say("insert into image_properties (image_id, name, value) values (?, 'a', '1'), (?, "
        "'os_glance_failed_import', ''), (?, 'size', '7')",
        {kOne, kOne, kOne});
    say("insert into image_properties (image_id, name, value, deleted) values (?, 'gone', '', 1)",
        {kOne});
    say("insert into image_tags (image_id, value) values (?, 'z'), (?, 'b')", {kOne, kOne});
    say("insert into image_members (image_id, member, status, created_at) values (?, 'q', "
        "'accepted', '2026-01-03 00:00:00')",
        {kOne});
    const auto report = import();
    ASSERT_OK(report);
    EXPECT_EQ(report->images.taken, 1U);
    EXPECT_EQ(report->locations, 1U);
    EXPECT_THAT(remarks_, ElementsAre(HasSubstr("property 1111: the property size")));

    const auto here = known(kOne).whole;
    EXPECT_EQ(here.image.status, ImageStatus::active);
    EXPECT_EQ(here.image.visibility, Visibility::public_);
    EXPECT_TRUE(here.image.is_protected);
    EXPECT_EQ(here.image.size_bytes, 100U);
    EXPECT_EQ(here.image.created_at, parse_iso8601("2026-01-02T03:04:05.678901Z").value());
    EXPECT_EQ(here.image.updated_at, here.image.created_at);
    EXPECT_THAT(here.image.tags, ElementsAre("b", "z"));
    EXPECT_THAT(here.image.properties, ElementsAre(testing::Pair("a", "1")));
    ASSERT_THAT(here.members, SizeIs(1));
    EXPECT_EQ(here.members[0].status, "accepted");
    ASSERT_THAT(here.locations, SizeIs(1));
    const Location& location = here.locations[0];
    EXPECT_EQ(location.url, url_of(kOne));
    EXPECT_TRUE(location.is_owned);
    EXPECT_EQ(location.datastore, "DC0/images");
    EXPECT_EQ(location.directory, "openstack_glance");
    EXPECT_EQ(location.data_file, kOne);
    EXPECT_EQ(location.stored_bytes, 100U);
    EXPECT_EQ(location.metadata, R"({"k":"v"})");
}

TEST_F(GlanceImportTest, ChangesNothingTheSecondTimeAndTellsWhatDiffers) {
    for (const char* id : {kOne, kTwo}) {
        add_image(id, "active");
        add_location(id, url_of(id));
    }
    ASSERT_OK(import());
    say("update images set name = 'renamed', updated_at = '2026-02-01 00:00:00' where id = ?",
        {kTwo});
    const auto again = import();
    ASSERT_OK(again);
    EXPECT_EQ(again->images.taken, 0U);
    EXPECT_EQ(again->images.here, 1U);
    EXPECT_EQ(again->images.differ, 1U);
    EXPECT_THAT(remarks_, ElementsAre("image 2222: name"));
    EXPECT_EQ(known(kTwo).whole.image.name, "it");
}

TEST_F(GlanceImportTest, OnlyTellsInADryRun) {
    add_image(kOne, "active");
    add_location(kOne, url_of(kOne));
    const auto report = import(true);
    ASSERT_OK(report);
    EXPECT_EQ(report->images.taken, 1U);
    EXPECT_FALSE(std::filesystem::exists(folder_.file("catalog.sqlite")));
}

TEST_F(GlanceImportTest, LeavesWhatGlanceHasNotFinishedWith) {
    int number = 0;
    for (const char* status : {"saving", "importing", "uploading", "killed", "pending_delete"})
        add_image("0000000" + std::to_string(++number) + "-0000-4000-8000-000000000000", status);
    add_image(kOne, "queued");
    add_image(kTwo, "deleted");
    say("update images set deleted = 1 where id = ?", {kTwo});
    const auto report = import();
    ASSERT_OK(report);
    EXPECT_EQ(report->images.left, 5U);
    EXPECT_EQ(report->images.taken, 1U);
    EXPECT_EQ(report->deleted, 1U);
    EXPECT_THAT(remarks_, SizeIs(5));
    EXPECT_THAT(remarks_[0], HasSubstr("its status is saving"));
}

TEST_F(GlanceImportTest, TellsWhichLocationsAreNotServedHere) {
    add_image(kOne, "active");
    add_location(kOne, "file:///var/lib/glance/images/x");
    add_location(kOne, url_of(kOne));
    add_image(kTwo, "active");
    add_location(kTwo, url_of(kTwo, "unknown"));
    add_location(kTwo, "swift+https://u:secret@h/c");
    add_image(kThree, "active", 0);  // Nova's snapshot of a volume
    const auto report = import();
    ASSERT_OK(report);
    EXPECT_EQ(report->images.taken, 2U);
    EXPECT_THAT(
        remarks_,
        ElementsAre(
            "location 1111: no store here reads file:// locations",
            "image 2222: none of its locations is served here: no store here is for datastore "
            "DC0/unknown of vc.example; no store here reads swift+https:// locations"
        )
    );
}

TEST_F(GlanceImportTest, OwnsOnlyFilesThatBearTheImagesName) {
    add_image(kOne, "active");
    add_location(kOne, url_of("template.vmdk"));
    add_image(kTwo, "active");
    add_location(kTwo, url_of(std::string(kTwo) + ".0123456789abcdef/" + kTwo + ".vmdk"));
    ASSERT_OK(import());
    EXPECT_FALSE(known(kOne).whole.locations.at(0).is_owned);
    const Location ours = known(kTwo).whole.locations.at(0);
    EXPECT_FALSE(ours.is_foreign()) << "an object as slipway writes it";
    EXPECT_EQ(ours.directory, "openstack_glance/" + std::string(kTwo) + ".0123456789abcdef");
}

TEST_F(GlanceImportTest, TakesAnEncryptedLocationWithItsKeyOnly) {
    // By Glance's own crypt.urlsafe_encrypt, with the URL "vsphere://vc.example/…" of kOne.
    const std::string key = "0123456789abcdef";
    add_image(kOne, "active");
    add_location(
        kOne,
        "AqnRmjgM2DC5_S2YiNlrotIk-Ex2V-6St31h35mb6XM2ucWNFVUs_u1maY-A"
        "rpQclO_Ow4YVnbBXv5o4NJhFAXpkNc2KSKWOamTMd1dhcA4Nppxd40ip9wpB"
        "2glkqqHnVP1XAwHAxHiR7TxsKRzAKcl3WiiumDGcm3dOhfd_g-U="
    );
    EXPECT_EQ(import(true)->images.left, 1U);
    EXPECT_THAT(remarks_, ElementsAre(HasSubstr("encrypted")));
    EXPECT_EQ(import(true, "fedcba9876543210")->images.left, 1U);
    EXPECT_EQ(import(true, "short")->images.left, 1U);
    ASSERT_OK(import(false, key));
    EXPECT_EQ(known(kOne).whole.locations.at(0).url, url_of(kOne));
}

TEST_F(GlanceImportTest, TakesMetadataDefinitions) {
    say("insert into metadef_resource_types values (1, 'OS::Nova::Server', '2026-01-01 00:00:00', "
        "null)");
    say("insert into metadef_namespaces values (1, 'N', 'Name', 'Text', 'public', 1, 'admin', "
        "'2026-01-01 00:00:00', '2026-01-02 00:00:00'), (2, 'bad', null, null, 'odd', 0, 'admin', "
        "'2026-01-01 00:00:00', null)");
    say("insert into metadef_namespace_resource_types values (1, 1, 'hw_', 'image', '2026-01-01 "
        "00:00:00', null)");
    say("insert into metadef_properties values (1, 1, 'p', ?)",
        {R"({"title": "P", "type": "string"})"});
    say("insert into metadef_objects values (1, 1, 'o', 'Text', 'a,b', ?, '2026-01-01 00:00:00', "
        "null)",
        {R"({"a": {"title": "A", "type": "integer"}, "b": {"title": "B", "type": "string"}})"});
    say("insert into metadef_tags values (1, 1, 't', '2026-01-01 00:00:00', null)");
    const auto report = import();
    ASSERT_OK(report);
    EXPECT_EQ(report->namespaces.taken, 1U);
    EXPECT_EQ(report->namespaces.left, 1U);
    const auto space = store::TakeoverCatalog::look(catalog_options_).value()->find_namespace("N");
    ASSERT_TRUE(space.value());
    const MetadefNamespace& here = **space;
    EXPECT_TRUE(here.is_protected);
    EXPECT_EQ(here.updated_at, parse_iso8601("2026-01-02").value());
    ASSERT_THAT(here.associations, SizeIs(1));
    EXPECT_EQ(here.associations[0].prefix, "hw_");
    ASSERT_THAT(here.objects, SizeIs(1));
    EXPECT_THAT(here.objects[0].required, ElementsAre("a", "b"));
    EXPECT_THAT(here.tags, SizeIs(1));
    EXPECT_EQ(import()->namespaces.here, 1U);
}

TEST_F(GlanceImportTest, GoesThroughMoreThanAPage) {
    for (int i = 0; i < 250; ++i) {
        const std::string id = "44444444-4444-4444-8444-000000000" + std::to_string(100 + i);
        add_image(id, "active");
        add_location(id, url_of(id));
    }
    EXPECT_EQ(import()->images.taken, 250U);
    EXPECT_EQ(import()->images.here, 250U);
}

TEST_F(GlanceImportTest, KnowsWhatIsNoDatabaseOfAGlance) {
    say("drop table images");
    EXPECT_EQ(import().error().code, Errc::unsupported);
    glance_.reset();
    std::filesystem::remove(folder_.file("glance.sqlite"));
    EXPECT_EQ(import().error().code, Errc::not_found);
}

TEST_F(GlanceImportTest, SharesAFileThatAnotherImageOwns) {
    for (const char* id : {kOne, kTwo}) {
        add_image(id, "active");
        add_location(id, url_of(kOne));
    }
    EXPECT_EQ(import()->images.taken, 2U);
    EXPECT_TRUE(known(kOne).whole.locations.at(0).is_owned);
    EXPECT_FALSE(known(kTwo).whole.locations.at(0).is_owned);
}

TEST_F(GlanceImportTest, LeavesAnImageWhoseFileIsAnotherOnesHere) {
    add_image(kTwo, "active");
    add_location(kTwo, url_of(kOne));
    ASSERT_OK(import());
    add_image(kOne, "active");
    add_location(kOne, url_of(kOne));
    const auto report = import();
    ASSERT_OK(report);
    EXPECT_EQ(report->images.left, 1U);
    EXPECT_THAT(remarks_, ElementsAre(HasSubstr("has its file on DC0/images")));
}

}  // namespace
}  // namespace slipway::service
