#include "tests/unit/vsphere/fake_server.h"
#include "vsphere/datastore_browser.h"
#include "vsphere/file_manager.h"
#include "vsphere/inventory.h"
#include "vsphere/namespace_manager.h"
#include "vsphere/property_collector.h"
#include "vsphere/virtual_disk.h"

#include <gtest/gtest.h>

// The exact XML of every call that is sent: order, namespaces and types are what servers insist on.
namespace slipway::vsphere {
namespace {

using test::FakeServer;
using test::kCall;
using test::soap;
using test::soap_fault;

const ManagedObjectReference kDatacenter{"Datacenter", "datacenter-2"};

FileRef ref(std::string_view text) {
    return {DatastorePath::parse(text).value(), kDatacenter};
}

test::Answer task_answer(std::string_view method) {
    return soap(method, R"(<returnval type="Task">task-42</returnval>)");
}

// The body of the one call of `method` that `body` makes.
std::string sent(
    const std::string& method, test::Answer answer, std::function<awaitable<void>(VimClient&)> body
) {
    FakeServer server;
    server.on(method, std::move(answer));
    test::with_client(server, std::move(body));
    const auto calls = server.calls(method);
    return calls.size() == 1 ? calls.front().soap_body() : "not sent once";
}

TEST(Requests, MakeDirectory) {
    EXPECT_EQ(
        sent(
            "MakeDirectory",
            soap("MakeDirectory"),
            [](VimClient& client) -> awaitable<void> {
                EXPECT_TRUE(co_await make_directory(client, ref("[images] slipway/3f1c"), {}, kCall)
                );
            }
        ),
        R"(<MakeDirectory xmlns="urn:vim25"><_this type="FileManager">FileManager</_this>)"
        R"(<name>[images] slipway/3f1c</name><datacenter type="Datacenter">datacenter-2</datacenter>)"
        R"(<createParentDirectories>true</createParentDirectories></MakeDirectory>)"
    );
}

TEST(Requests, MakeDirectoryMayFindItThere) {
    sent(
        "MakeDirectory",
        soap_fault("FileAlreadyExists"),
        [](VimClient& client) -> awaitable<void> {
            EXPECT_TRUE(co_await make_directory(client, ref("[images] a"), {}, kCall));
        }
    );
    sent(
        "MakeDirectory",
        soap_fault("FileAlreadyExists"),
        [](VimClient& client) -> awaitable<void> {
            const MakeDirectoryOptions strict{.create_parents = true, .exists_ok = false};
            const auto made = co_await make_directory(client, ref("[images] a"), strict, kCall);
            EXPECT_EQ(made.error().code, Errc::conflict);
        }
    );
}

TEST(Requests, CopyDatastoreFile) {
    EXPECT_EQ(
        sent(
            "CopyDatastoreFile_Task",
            task_answer("CopyDatastoreFile_Task"),
            [](VimClient& client) -> awaitable<void> {
                const auto task = co_await start_copy_file(
                    client, ref("[images] a/x-flat.vmdk"), ref("[work] b & c/x"), false, kCall
                );
                EXPECT_EQ(task.value(), (ManagedObjectReference{"Task", "task-42"}));
            }
        ),
        R"(<CopyDatastoreFile_Task xmlns="urn:vim25"><_this type="FileManager">FileManager</_this>)"
        R"(<sourceName>[images] a/x-flat.vmdk</sourceName>)"
        R"(<sourceDatacenter type="Datacenter">datacenter-2</sourceDatacenter>)"
        R"(<destinationName>[work] b &amp; c/x</destinationName>)"
        R"(<destinationDatacenter type="Datacenter">datacenter-2</destinationDatacenter>)"
        R"(<force>false</force></CopyDatastoreFile_Task>)"
    );
}

TEST(Requests, MoveDatastoreFile) {
    EXPECT_EQ(
        sent(
            "MoveDatastoreFile_Task",
            task_answer("MoveDatastoreFile_Task"),
            [](VimClient& client) -> awaitable<void> {
                EXPECT_TRUE(co_await start_move_file(
                    client, ref("[images] a"), ref("[images] b"), true, kCall
                ));
            }
        ),
        R"(<MoveDatastoreFile_Task xmlns="urn:vim25"><_this type="FileManager">FileManager</_this>)"
        R"(<sourceName>[images] a</sourceName>)"
        R"(<sourceDatacenter type="Datacenter">datacenter-2</sourceDatacenter>)"
        R"(<destinationName>[images] b</destinationName>)"
        R"(<destinationDatacenter type="Datacenter">datacenter-2</destinationDatacenter>)"
        R"(<force>true</force></MoveDatastoreFile_Task>)"
    );
}

TEST(Requests, DeleteDatastoreFile) {
    EXPECT_EQ(
        sent(
            "DeleteDatastoreFile_Task",
            task_answer("DeleteDatastoreFile_Task"),
            [](VimClient& client) -> awaitable<void> {
                EXPECT_TRUE(co_await start_delete_file(client, ref("[images] slipway/3f1c"), kCall)
                );
            }
        ),
        R"(<DeleteDatastoreFile_Task xmlns="urn:vim25"><_this type="FileManager">FileManager</_this>)"
        R"(<name>[images] slipway/3f1c</name>)"
        R"(<datacenter type="Datacenter">datacenter-2</datacenter></DeleteDatastoreFile_Task>)"
    );
}

TEST(Requests, NeverDeleteAWholeDatastore) {
    FakeServer server;
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        const auto deleted = co_await delete_file(client, ref("[images]"), kCall);
        EXPECT_EQ(deleted.error().code, Errc::invalid_argument);
    });
    EXPECT_TRUE(server.seen.empty());
}

TEST(Requests, CreateVirtualDisk) {
    EXPECT_EQ(
        sent(
            "CreateVirtualDisk_Task",
            task_answer("CreateVirtualDisk_Task"),
            [](VimClient& client) -> awaitable<void> {
                const FileBackedVirtualDiskSpec spec{.capacity_kib = 1048576};
                EXPECT_TRUE(
                    co_await start_create_disk(client, ref("[images] a/a.vmdk"), spec, kCall)
                );
            }
        ),
        R"(<CreateVirtualDisk_Task xmlns="urn:vim25">)"
        R"(<_this type="VirtualDiskManager">virtualDiskManager</_this><name>[images] a/a.vmdk</name>)"
        R"(<datacenter type="Datacenter">datacenter-2</datacenter>)"
        R"(<spec xsi:type="FileBackedVirtualDiskSpec"><diskType>thin</diskType>)"
        R"(<adapterType>lsiLogic</adapterType><capacityKb>1048576</capacityKb></spec>)"
        R"(</CreateVirtualDisk_Task>)"
    );
}

TEST(Requests, CopyVirtualDisk) {
    EXPECT_EQ(
        sent(
            "CopyVirtualDisk_Task",
            task_answer("CopyVirtualDisk_Task"),
            [](VimClient& client) -> awaitable<void> {
                EXPECT_TRUE(co_await start_copy_disk(
                    client, ref("[images] a/a.vmdk"), ref("[work] vm7/vm7.vmdk"), {}, kCall
                ));
            }
        ),
        R"(<CopyVirtualDisk_Task xmlns="urn:vim25">)"
        R"(<_this type="VirtualDiskManager">virtualDiskManager</_this>)"
        R"(<sourceName>[images] a/a.vmdk</sourceName>)"
        R"(<sourceDatacenter type="Datacenter">datacenter-2</sourceDatacenter>)"
        R"(<destName>[work] vm7/vm7.vmdk</destName>)"
        R"(<destDatacenter type="Datacenter">datacenter-2</destDatacenter>)"
        R"(<force>false</force></CopyVirtualDisk_Task>)"
    );
}

TEST(Requests, CopyVirtualDiskWithASpecIsNotForVCenter) {
    FakeServer server;
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        const VirtualDiskSpec thick{.disk_type = "preallocated"};
        const auto started = co_await start_copy_disk(
            client, ref("[images] a/a.vmdk"), ref("[work] b.vmdk"), thick, kCall
        );
        EXPECT_EQ(started.error().code, Errc::unsupported);
    });
    EXPECT_EQ(server.count("CopyVirtualDisk_Task"), 0U);
}

TEST(Requests, MoveVirtualDisk) {
    EXPECT_EQ(
        sent(
            "MoveVirtualDisk_Task",
            task_answer("MoveVirtualDisk_Task"),
            [](VimClient& client) -> awaitable<void> {
                EXPECT_TRUE(co_await start_move_disk(
                    client, ref("[images] a.vmdk"), ref("[images] b.vmdk"), kCall
                ));
            }
        ),
        R"(<MoveVirtualDisk_Task xmlns="urn:vim25">)"
        R"(<_this type="VirtualDiskManager">virtualDiskManager</_this>)"
        R"(<sourceName>[images] a.vmdk</sourceName>)"
        R"(<sourceDatacenter type="Datacenter">datacenter-2</sourceDatacenter>)"
        R"(<destName>[images] b.vmdk</destName>)"
        R"(<destDatacenter type="Datacenter">datacenter-2</destDatacenter>)"
        R"(<force>false</force></MoveVirtualDisk_Task>)"
    );
}

TEST(Requests, DeleteExtendInflateVirtualDisk) {
    constexpr std::string_view kDisk =
        R"(<_this type="VirtualDiskManager">virtualDiskManager</_this><name>[images] a.vmdk</name>)"
        R"(<datacenter type="Datacenter">datacenter-2</datacenter>)";
    EXPECT_EQ(
        sent(
            "DeleteVirtualDisk_Task",
            task_answer("DeleteVirtualDisk_Task"),
            [](VimClient& client) -> awaitable<void> {
                EXPECT_TRUE(co_await start_delete_disk(client, ref("[images] a.vmdk"), kCall));
            }
        ),
        R"(<DeleteVirtualDisk_Task xmlns="urn:vim25">)" + std::string(kDisk) +
            "</DeleteVirtualDisk_Task>"
    );
    EXPECT_EQ(
        sent(
            "ExtendVirtualDisk_Task",
            task_answer("ExtendVirtualDisk_Task"),
            [](VimClient& client) -> awaitable<void> {
                EXPECT_TRUE(co_await start_extend_disk(client, ref("[images] a.vmdk"), 2048, kCall)
                );
            }
        ),
        R"(<ExtendVirtualDisk_Task xmlns="urn:vim25">)" + std::string(kDisk) +
            "<newCapacityKb>2048</newCapacityKb><eagerZero>false</eagerZero></"
            "ExtendVirtualDisk_Task>"
    );
    EXPECT_EQ(
        sent(
            "InflateVirtualDisk_Task",
            task_answer("InflateVirtualDisk_Task"),
            [](VimClient& client) -> awaitable<void> {
                EXPECT_TRUE(co_await start_inflate_disk(client, ref("[images] a.vmdk"), kCall));
            }
        ),
        R"(<InflateVirtualDisk_Task xmlns="urn:vim25">)" + std::string(kDisk) +
            "</InflateVirtualDisk_Task>"
    );
}

TEST(Requests, QueryVirtualDiskUuid) {
    EXPECT_EQ(
        sent(
            "QueryVirtualDiskUuid",
            soap("QueryVirtualDiskUuid", "<returnval>60 00 C2 90</returnval>"),
            [](VimClient& client) -> awaitable<void> {
                const auto uuid = co_await query_disk_uuid(client, ref("[images] a.vmdk"), kCall);
                EXPECT_EQ(uuid.value(), "60 00 C2 90");
            }
        ),
        R"(<QueryVirtualDiskUuid xmlns="urn:vim25">)"
        R"(<_this type="VirtualDiskManager">virtualDiskManager</_this><name>[images] a.vmdk</name>)"
        R"(<datacenter type="Datacenter">datacenter-2</datacenter></QueryVirtualDiskUuid>)"
    );
}

TEST(Requests, DisksAreNamedByTheirDescriptor) {
    FakeServer server;
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        for (const auto* name : {"[images] a-flat.vmdk", "[images] a.img", "[images] .vmdk"}) {
            const auto uuid = co_await query_disk_uuid(client, ref(name), kCall);
            EXPECT_EQ(uuid.error().code, Errc::invalid_argument) << name;
        }
    });
}

TEST(Requests, SearchDatastore) {
    EXPECT_EQ(
        sent(
            "SearchDatastore_Task",
            soap_fault("FileNotFound"),
            [](VimClient& client) -> awaitable<void> {
                const auto found = co_await search_folder(
                    client,
                    {"HostDatastoreBrowser", "browser-1"},
                    DatastorePath::make("images", "slipway").value(),
                    {"*.vmdk", "x"},
                    kCall
                );
                EXPECT_EQ(found.error().code, Errc::not_found);
            }
        ),
        R"(<SearchDatastore_Task xmlns="urn:vim25"><_this type="HostDatastoreBrowser">browser-1</_this>)"
        R"(<datastorePath>[images] slipway</datastorePath><searchSpec><details>)"
        R"(<fileType>true</fileType><fileSize>true</fileSize><modification>true</modification>)"
        R"(<fileOwner>false</fileOwner></details><matchPattern>*.vmdk</matchPattern>)"
        R"(<matchPattern>x</matchPattern></searchSpec></SearchDatastore_Task>)"
    );
}

TEST(Requests, SearchAlwaysHasAPattern) {
    FakeServer server;
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        const auto found = co_await search_subfolders(
            client, {"HostDatastoreBrowser", "b"}, DatastorePath::make("ds", "").value(), {}, kCall
        );
        EXPECT_EQ(found.error().code, Errc::invalid_argument);
    });
}

TEST(Requests, FindByInventoryPath) {
    EXPECT_EQ(
        sent(
            "FindByInventoryPath",
            soap("FindByInventoryPath", R"(<returnval type="Datacenter">datacenter-2</returnval>)"),
            [](VimClient& client) -> awaitable<void> {
                const auto found = co_await find_datacenter(client, "/Lab/DC 1%2fa/", kCall);
                EXPECT_EQ(found->ref, kDatacenter);
                EXPECT_EQ(found->path, "Lab/DC 1%2fa");
            }
        ),
        R"(<FindByInventoryPath xmlns="urn:vim25"><_this type="SearchIndex">SearchIndex</_this>)"
        R"(<inventoryPath>Lab/DC 1%2fa</inventoryPath></FindByInventoryPath>)"
    );
    sent(
        "FindByInventoryPath",
        soap("FindByInventoryPath"),
        [](VimClient& client) -> awaitable<void> {
            EXPECT_EQ(
                (co_await find_datacenter(client, "DC9", kCall)).error().code, Errc::not_found
            );
        }
    );
}

TEST(Requests, NamespaceManager) {
    constexpr std::string_view kThis =
        R"(<_this type="DatastoreNamespaceManager">DatastoreNamespaceManager</_this>)";
    EXPECT_EQ(
        sent(
            "CreateDirectory",
            soap("CreateDirectory", "<returnval>/vmfs/volumes/vsan/u</returnval>"),
            [](VimClient& client) -> awaitable<void> {
                const auto made = co_await create_namespace_directory(
                    client, {"Datastore", "datastore-31"}, "slipway", {}, kCall
                );
                EXPECT_EQ(made.value(), "/vmfs/volumes/vsan/u");
            }
        ),
        R"(<CreateDirectory xmlns="urn:vim25">)" + std::string(kThis) +
            R"(<datastore type="Datastore">datastore-31</datastore>)"
            R"(<displayName>slipway</displayName></CreateDirectory>)"
    );
    EXPECT_EQ(
        sent(
            "DeleteDirectory",
            soap("DeleteDirectory"),
            [](VimClient& client) -> awaitable<void> {
                EXPECT_TRUE(
                    co_await delete_namespace_directory(client, kDatacenter, "/vmfs/u", kCall)
                );
            }
        ),
        R"(<DeleteDirectory xmlns="urn:vim25">)" + std::string(kThis) +
            R"(<datacenter type="Datacenter">datacenter-2</datacenter>)"
            R"(<datastorePath>/vmfs/u</datastorePath></DeleteDirectory>)"
    );
    EXPECT_EQ(
        sent(
            "ConvertNamespacePathToUuidPath",
            soap("ConvertNamespacePathToUuidPath", "<returnval>ds:///u</returnval>"),
            [](VimClient& client) -> awaitable<void> {
                const auto path =
                    co_await namespace_uuid_path(client, kDatacenter, "ds:///n", kCall);
                EXPECT_EQ(path.value(), "ds:///u");
            }
        ),
        R"(<ConvertNamespacePathToUuidPath xmlns="urn:vim25">)" + std::string(kThis) +
            R"(<datacenter type="Datacenter">datacenter-2</datacenter>)"
            R"(<namespaceUrl>ds:///n</namespaceUrl></ConvertNamespacePathToUuidPath>)"
    );
}

constexpr std::string_view kOneObject =
    R"(<objects><obj type="Datastore">d-1</obj><propSet><name>name</name>)"
    R"(<val xsi:type="xsd:string">images</val></propSet></objects>)";

TEST(Properties, AreReadPageByPage) {
    FakeServer server;
    server.on(
        "RetrievePropertiesEx",
        soap(
            "RetrievePropertiesEx",
            "<returnval><token>t&amp;1</token>" + std::string(kOneObject) + "</returnval>"
        )
    );
    server.on(
        "ContinueRetrievePropertiesEx",
        soap(
            "ContinueRetrievePropertiesEx", "<returnval>" + std::string(kOneObject) + "</returnval>"
        )
    );
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        const std::vector<ManagedObjectReference> refs = {
            {"Datastore", "d-1"}, {"Datastore", "d-2"}};
        const auto found = co_await retrieve(client, "Datastore", refs, {"name", "host"}, kCall);
        EXPECT_EQ(found->size(), 2U);
    });
    EXPECT_EQ(
        server.calls("RetrievePropertiesEx").front().soap_body(),
        R"(<RetrievePropertiesEx xmlns="urn:vim25">)"
        R"(<_this type="PropertyCollector">propertyCollector</_this><specSet><propSet>)"
        R"(<type>Datastore</type><pathSet>name</pathSet><pathSet>host</pathSet></propSet>)"
        R"(<objectSet><obj type="Datastore">d-1</obj></objectSet>)"
        R"(<objectSet><obj type="Datastore">d-2</obj></objectSet>)"
        R"(<reportMissingObjectsInResults>true</reportMissingObjectsInResults></specSet>)"
        R"(<options><maxObjects>100</maxObjects></options></RetrievePropertiesEx>)"
    );
    EXPECT_EQ(
        server.calls("ContinueRetrievePropertiesEx").front().soap_body(),
        R"(<ContinueRetrievePropertiesEx xmlns="urn:vim25">)"
        R"(<_this type="PropertyCollector">propertyCollector</_this><token>t&amp;1</token>)"
        R"(</ContinueRetrievePropertiesEx>)"
    );
}

TEST(Properties, AreReadThroughAViewThatIsDestroyed) {
    FakeServer server;
    server.on(
        "CreateContainerView",
        soap("CreateContainerView", R"(<returnval type="ContainerView">s[1]v</returnval>)")
    );
    server.on(
        "RetrievePropertiesEx",
        soap("RetrievePropertiesEx", "<returnval>" + std::string(kOneObject) + "</returnval>")
    );
    server.on("DestroyView", soap("DestroyView"));
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        const ManagedObjectReference root{"Folder", "group-d1"};
        const auto found = co_await retrieve_below(client, root, "Datastore", {"name"}, kCall);
        EXPECT_EQ(found->front().text("name"), "images");
    });
    EXPECT_EQ(
        server.calls("CreateContainerView").front().soap_body(),
        R"(<CreateContainerView xmlns="urn:vim25"><_this type="ViewManager">ViewManager</_this>)"
        R"(<container type="Folder">group-d1</container><type>Datastore</type>)"
        R"(<recursive>true</recursive></CreateContainerView>)"
    );
    EXPECT_EQ(
        server.calls("RetrievePropertiesEx").front().soap_body(),
        R"(<RetrievePropertiesEx xmlns="urn:vim25">)"
        R"(<_this type="PropertyCollector">propertyCollector</_this><specSet><propSet>)"
        R"(<type>Datastore</type><pathSet>name</pathSet></propSet>)"
        R"(<objectSet><obj type="ContainerView">s[1]v</obj><skip>true</skip>)"
        R"(<selectSet xsi:type="TraversalSpec"><type>ContainerView</type><path>view</path>)"
        R"(<skip>false</skip></selectSet></objectSet>)"
        R"(<reportMissingObjectsInResults>true</reportMissingObjectsInResults></specSet>)"
        R"(<options><maxObjects>100</maxObjects></options></RetrievePropertiesEx>)"
    );
    EXPECT_EQ(
        server.calls("DestroyView").front().soap_body(),
        R"(<DestroyView xmlns="urn:vim25"><_this type="ContainerView">s[1]v</_this></DestroyView>)"
    );
}

TEST(Properties, WithheldForLackOfAPrivilegeAreForbidden) {
    FakeServer server;
    server.on(
        "RetrievePropertiesEx",
        soap(
            "RetrievePropertiesEx",
            R"(<returnval><objects><obj type="Datastore">d-1</obj><missingSet><path>name</path><fault>)"
            R"(<fault xsi:type="NoPermission"/><localizedMessage/></fault></missingSet></objects>)"
            R"(</returnval>)"
        )
    );
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        const auto content = co_await retrieve_one(client, {"Datastore", "d-1"}, {"name"}, kCall);
        EXPECT_EQ(content.error().code, Errc::forbidden);
    });
}

std::string datastore_xml(std::string_view capacity) {
    return R"(<returnval><objects><obj type="Datastore">d-1</obj>)"
           R"(<propSet><name>browser</name><val type="HostDatastoreBrowser">browser-1</val></propSet>)"
           R"(<propSet><name>host</name><val xsi:type="ArrayOfDatastoreHostMount"><DatastoreHostMount>)"
           R"(<key type="HostSystem">host-7</key><mountInfo><path>/vmfs/volumes/x</path>)"
           R"(<accessMode>readWrite</accessMode><accessible>true</accessible></mountInfo>)"
           R"(</DatastoreHostMount></val></propSet>)"
           R"(<propSet><name>name</name><val xsi:type="xsd:string">images</val></propSet>)"
           R"(<propSet><name>summary</name><val xsi:type="DatastoreSummary"><name>images</name>)"
           R"(<url>ds:///vmfs/volumes/x/</url><capacity>)" +
           std::string(capacity) +
           R"(</capacity><freeSpace>500</freeSpace><accessible>true</accessible>)"
           R"(<type>VMFS</type><maintenanceMode>normal</maintenanceMode></val></propSet>)"
           R"(</objects></returnval>)";
}

TEST(Inventory, ReadsADatastore) {
    FakeServer server;
    server.on("RetrievePropertiesEx", soap("RetrievePropertiesEx", datastore_xml("1000")));
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        const auto found = co_await read_datastore(client, {"Datastore", "d-1"}, kCall);
        EXPECT_EQ(found->name, "images");
        EXPECT_EQ(found->type, "VMFS");
        EXPECT_EQ(found->capacity_bytes, 1000U);
        EXPECT_EQ(found->free_bytes, 500U);
        EXPECT_TRUE(found->accessible);
        EXPECT_FALSE(found->in_maintenance());
        EXPECT_EQ(found->browser.value, "browser-1");
        EXPECT_EQ(found->hosts.size(), 1U);
        EXPECT_TRUE(found->hosts.front().usable());
    });
}

TEST(Inventory, RefusesNumbersOutOfRange) {
    for (const auto* capacity : {"-1", "9223372036854775808", "", "many"}) {
        FakeServer server;
        server.on("RetrievePropertiesEx", soap("RetrievePropertiesEx", datastore_xml(capacity)));
        test::with_client(server, [](VimClient& client) -> awaitable<void> {
            const auto found = co_await read_datastore(client, {"Datastore", "d-1"}, kCall);
            EXPECT_EQ(found.error().code, Errc::corrupt);
        });
    }
}

TEST(Inventory, EncodesNamesAsVCenterStoresThem) {
    EXPECT_EQ(encode_inventory_name("a/b\\c%d e"), "a%2fb%5cc%25d e");
}

}  // namespace
}  // namespace slipway::vsphere
