#include "tests/unit/vsphere/fake_server.h"
#include "vsphere/datastore_browser.h"
#include "vsphere/inventory.h"
#include "vsphere/methods.h"
#include "vsphere/namespace_manager.h"
#include "vsphere/virtual_disk.h"

#include <gtest/gtest.h>

// The exact XML of the calls that open, keep and end a session, and of those that requests_test.cc
// has no room for.
namespace slipway::vsphere {
namespace {

using test::FakeServer;
using test::kCall;
using test::soap;

const ManagedObjectReference kDatacenter{"Datacenter", "datacenter-2"};
const ManagedObjectReference kDatastore{"Datastore", "datastore-31"};

FileRef ref(std::string_view text) {
    return {DatastorePath::parse(text).value(), kDatacenter};
}

TEST(SessionRequests, OpenKeepAndEndASession) {
    FakeServer server;
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        const auto probe = methods::current_time();
        EXPECT_TRUE(co_await client.call(probe, kCall));
    });
    ASSERT_EQ(server.count("RetrieveServiceContent"), 1U);
    EXPECT_EQ(
        server.calls("RetrieveServiceContent").front().soap_body(),
        R"(<RetrieveServiceContent xmlns="urn:vim25">)"
        R"(<_this type="ServiceInstance">ServiceInstance</_this></RetrieveServiceContent>)"
    );
    ASSERT_EQ(server.count("CurrentTime"), 1U);
    EXPECT_EQ(
        server.calls("CurrentTime").front().soap_body(),
        R"(<CurrentTime xmlns="urn:vim25"><_this type="ServiceInstance">ServiceInstance</_this>)"
        R"(</CurrentTime>)"
    );
    ASSERT_EQ(server.count("Logout"), 1U);
    EXPECT_EQ(
        server.calls("Logout").front().soap_body(),
        R"(<Logout xmlns="urn:vim25"><_this type="SessionManager">SessionManager</_this></Logout>)"
    );
}

TEST(SessionRequests, RefreshDatastore) {
    FakeServer server;
    server.on("RefreshDatastore", soap("RefreshDatastore"));
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        EXPECT_TRUE(co_await refresh_datastore(client, kDatastore, kCall));
    });
    ASSERT_EQ(server.count("RefreshDatastore"), 1U);
    EXPECT_EQ(
        server.calls("RefreshDatastore").front().soap_body(),
        R"(<RefreshDatastore xmlns="urn:vim25"><_this type="Datastore">datastore-31</_this>)"
        R"(</RefreshDatastore>)"
    );
}

TEST(SessionRequests, SearchDatastoreSubFolders) {
    FakeServer server;
    server.on("SearchDatastoreSubFolders_Task", test::soap_fault("FileNotFound"));
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        const auto found = co_await search_subfolders(
            client,
            {"HostDatastoreBrowser", "browser-1"},
            DatastorePath::make("images", "slipway").value(),
            {"*"},
            kCall
        );
        EXPECT_EQ(found.error().code, Errc::not_found);
    });
    ASSERT_EQ(server.count("SearchDatastoreSubFolders_Task"), 1U);
    EXPECT_EQ(
        server.calls("SearchDatastoreSubFolders_Task").front().soap_body(),
        R"(<SearchDatastoreSubFolders_Task xmlns="urn:vim25">)"
        R"(<_this type="HostDatastoreBrowser">browser-1</_this>)"
        R"(<datastorePath>[images] slipway</datastorePath><searchSpec><details>)"
        R"(<fileType>true</fileType><fileSize>true</fileSize><modification>true</modification>)"
        R"(<fileOwner>false</fileOwner></details><matchPattern>*</matchPattern></searchSpec>)"
        R"(</SearchDatastoreSubFolders_Task>)"
    );
}

TEST(SessionRequests, SearchAgainWhenTheAnswerIsLost) {
    FakeServer server;
    server.next(
        "SearchDatastore_Task", test::Answer{.failure = Error(Errc::unavailable, "the link broke")}
    );
    server.on("SearchDatastore_Task", test::soap_fault("FileNotFound"));
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        const auto found = co_await search_folder(
            client,
            {"HostDatastoreBrowser", "browser-1"},
            DatastorePath::make("images", "slipway").value(),
            {"*"},
            kCall
        );
        EXPECT_EQ(found.error().reason, "FileNotFound");
    });
    EXPECT_EQ(server.count("SearchDatastore_Task"), 2U);
}

TEST(SessionRequests, CreateDirectoryOfASize) {
    FakeServer server;
    server.on(
        "CreateDirectory", soap("CreateDirectory", "<returnval>/vmfs/volumes/vsan/u</returnval>")
    );
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        EXPECT_TRUE(
            co_await create_namespace_directory(client, kDatastore, "slipway", 262144, kCall)
        );
    });
    ASSERT_EQ(server.count("CreateDirectory"), 1U);
    EXPECT_EQ(
        server.calls("CreateDirectory").front().soap_body(),
        R"(<CreateDirectory xmlns="urn:vim25">)"
        R"(<_this type="DatastoreNamespaceManager">DatastoreNamespaceManager</_this>)"
        R"(<datastore type="Datastore">datastore-31</datastore><displayName>slipway</displayName>)"
        R"(<size>262144</size></CreateDirectory>)"
    );
}

TEST(SessionRequests, CopyVirtualDiskWithASpecToAHost) {
    FakeServer server;
    server.on(
        "RetrieveServiceContent",
        soap(
            "RetrieveServiceContent",
            R"(<returnval><rootFolder type="Folder">ha-folder-root</rootFolder>)"
            R"(<propertyCollector type="PropertyCollector">ha-property-collector</propertyCollector>)"
            R"(<about><name>VMware ESXi</name><fullName>VMware ESXi 8</fullName>)"
            R"(<version>8.0.2</version><apiType>HostAgent</apiType><apiVersion>8.0.2.0</apiVersion>)"
            R"(</about><sessionManager type="SessionManager">ha-sessionmgr</sessionManager>)"
            R"(<virtualDiskManager type="VirtualDiskManager">ha-vdiskmanager</virtualDiskManager>)"
            R"(<fileManager type="FileManager">ha-nfc-file-manager</fileManager>)"
            R"(<searchIndex type="SearchIndex">ha-searchindex</searchIndex></returnval>)"
        )
    );
    server.on(
        "CopyVirtualDisk_Task",
        soap("CopyVirtualDisk_Task", R"(<returnval type="Task">haTask-42</returnval>)")
    );
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        const VirtualDiskSpec spec{.disk_type = "thin"};
        EXPECT_TRUE(co_await start_copy_disk(
            client, ref("[images] a/a.vmdk"), ref("[work] b.vmdk"), spec, kCall
        ));
    });
    ASSERT_EQ(server.count("CopyVirtualDisk_Task"), 1U);
    EXPECT_EQ(
        server.calls("CopyVirtualDisk_Task").front().soap_body(),
        R"(<CopyVirtualDisk_Task xmlns="urn:vim25">)"
        R"(<_this type="VirtualDiskManager">ha-vdiskmanager</_this>)"
        R"(<sourceName>[images] a/a.vmdk</sourceName>)"
        R"(<sourceDatacenter type="Datacenter">datacenter-2</sourceDatacenter>)"
        R"(<destName>[work] b.vmdk</destName>)"
        R"(<destDatacenter type="Datacenter">datacenter-2</destDatacenter>)"
        R"(<destSpec xsi:type="VirtualDiskSpec"><diskType>thin</diskType>)"
        R"(<adapterType>lsiLogic</adapterType></destSpec><force>false</force>)"
        R"(</CopyVirtualDisk_Task>)"
    );
}

}  // namespace
}  // namespace slipway::vsphere
