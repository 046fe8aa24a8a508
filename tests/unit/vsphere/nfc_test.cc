#include "vsphere/nfc.h"
#include "tests/unit/vsphere/fake_server.h"

#include <gtest/gtest.h>

#include <algorithm>

// Imports and machines: the exact XML, and what is cleaned up when.
namespace slipway::vsphere {
namespace {

using test::FakeServer;
using test::kCall;
using test::soap;
using test::soap_fault;

const MachinePlace kPlace{
    .resource_pool = {"ResourcePool", "resgroup-8"},
    .folder = {"Folder", "group-v3"},
    .host = {"HostSystem", "host-9"},
};
const DiskImport kImport{
    .machine = "slipway-3f1c", .datastore = "images", .capacity_bytes = 1ULL << 30U};
const ManagedObjectReference kMachine{"VirtualMachine", "vm-55"};
const std::string kLeaseRef = R"(<_this type="HttpNfcLease">lease-1</_this>)";
const std::string kThumbprint = "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD";

class Words final : public ByteSource {
public:
    explicit Words(std::string text) : text_(std::move(text)) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        const auto n = std::min(into.size(), text_.size() - at_);
        std::ranges::copy(as_bytes_of(std::string_view(text_).substr(at_, n)), into.begin());
        at_ += n;
        co_return n;
    }
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override { return text_.size(); }

private:
    std::string text_;
    std::size_t at_ = 0;
};

// Properties of one object, as RetrievePropertiesEx sends them.
test::Answer properties(const std::string& ref, const std::string& sets) {
    return soap(
        "RetrievePropertiesEx",
        "<returnval><objects><obj " + ref + "</obj>" + sets + "</objects></returnval>"
    );
}

test::Answer lease_properties(const std::string& state, const std::string& url) {
    return properties(
        R"(type="HttpNfcLease">lease-1)",
        "<propSet><name>state</name><val xsi:type=\"HttpNfcLeaseState\">" + state +
            "</val></propSet><propSet><name>info</name><val xsi:type=\"HttpNfcLeaseInfo\">"
            R"(<lease type="HttpNfcLease">lease-1</lease>)"
            R"(<entity type="VirtualMachine">vm-55</entity><deviceUrl><key>/vm-55/0</key>)"
            "<importKey>/x/0</importKey><url>" +
            url + "</url><sslThumbprint>" + kThumbprint +
            "</sslThumbprint><disk>true</disk><targetId>disk-0.vmdk</targetId></deviceUrl>"
            "<totalDiskCapacityInKB>1048576</totalDiskCapacityInKB>"
            "<leaseTimeout>300</leaseTimeout></val></propSet>"
    );
}

test::Answer machine_properties(std::uint64_t kib) {
    return properties(
        R"(type="VirtualMachine">vm-55)",
        "<propSet><name>config.hardware.device</name><val xsi:type=\"ArrayOfVirtualDevice\">"
        "<VirtualDevice xsi:type=\"VirtualLsiLogicController\"><key>1000</key></VirtualDevice>"
        "<VirtualDevice xsi:type=\"VirtualDisk\"><key>2000</key>"
        "<backing xsi:type=\"VirtualDiskFlatVer2BackingInfo\">"
        "<fileName>[images] slipway-3f1c/slipway-3f1c.vmdk</fileName>"
        "<diskMode>persistent</diskMode></backing><controllerKey>1000</controllerKey>"
        "<unitNumber>0</unitNumber><capacityInKB>" +
            std::to_string(kib) + "</capacityInKB></VirtualDevice></val></propSet>"
    );
}

// A vCenter that imports.
class Imports : public testing::Test {
protected:
    Imports() {
        server.on("FindChild", [this](const test::Seen&) {
            return soap(
                "FindChild",
                machine_exists ? R"(<returnval type="VirtualMachine">vm-55</returnval>)" : ""
            );
        });
        server.on("ImportVApp", [this](const test::Seen&) {
            machine_exists = true;
            return soap("ImportVApp", R"(<returnval type="HttpNfcLease">lease-1</returnval>)");
        });
        server.on("RetrievePropertiesEx", [this](const test::Seen& request) {
            if (request.body.find("<type>HttpNfcLease</type>") != std::string::npos)
                return lease_properties(state, url);
            if (request.body.find("<type>VirtualMachine</type>") != std::string::npos)
                return machine_properties(capacity_kib);
            return properties(
                R"(type="Task">task-7)",
                "<propSet><name>info.state</name><val "
                "xsi:type=\"TaskInfoState\">success</val></propSet>"
            );
        });
        server.on("HttpNfcLeaseProgress", soap("HttpNfcLeaseProgress"));
        server.on("HttpNfcLeaseComplete", soap("HttpNfcLeaseComplete"));
        server.on("HttpNfcLeaseAbort", [this](const test::Seen&) {
            machine_exists = false;
            return soap("HttpNfcLeaseAbort");
        });
        server.on_http([this](const test::Seen&) { return test::Answer{.status = status}; });
    }

    Result<ImportedDisk> import(const std::string& bytes = "stream") {
        std::optional<Result<ImportedDisk>> outcome;
        test::with_client(server, [&](VimClient& client) -> awaitable<void> {
            Words stream(bytes);
            outcome = co_await import_disk(client, kPlace, kImport, stream, kCall);
        });
        return std::move(*outcome);
    }
    std::string sent(const std::string& method) {
        const auto calls = server.calls(method);
        return calls.empty() ? "not sent" : calls.front().soap_body();
    }
    // Positions among all requests; -1 for one that was not sent.
    std::ptrdiff_t position(const std::function<bool(const test::Seen&)>& wanted) {
        const auto at = std::ranges::find_if(server.seen, wanted);
        return at == server.seen.end() ? -1 : at - server.seen.begin();
    }

    FakeServer server;
    bool machine_exists = false;
    std::string state = "ready";
    std::string url = "https://*/nfc/52ab/disk-0.vmdk";
    std::uint64_t capacity_kib = 1048576;
    int status = 200;
};

TEST_F(Imports, SendOneMachineWithOneDisk) {
    ASSERT_TRUE(import());
    EXPECT_EQ(
        sent("ImportVApp"),
        R"(<ImportVApp xmlns="urn:vim25"><_this type="ResourcePool">resgroup-8</_this>)"
        R"(<spec xsi:type="VirtualMachineImportSpec"><configSpec>)"
        R"(<name>slipway-3f1c</name><guestId>otherGuest</guestId>)"
        R"(<files><vmPathName>[images]</vmPathName></files>)"
        R"(<numCPUs>1</numCPUs><memoryMB>128</memoryMB>)"
        R"(<deviceChange><operation>add</operation>)"
        R"(<device xsi:type="VirtualLsiLogicController"><key>-100</key><busNumber>0</busNumber>)"
        R"(<sharedBus>noSharing</sharedBus></device></deviceChange>)"
        R"(<deviceChange><operation>add</operation><fileOperation>create</fileOperation>)"
        R"(<device xsi:type="VirtualDisk"><key>-101</key>)"
        R"(<backing xsi:type="VirtualDiskFlatVer2BackingInfo"><fileName>[images]</fileName>)"
        R"(<diskMode>persistent</diskMode><thinProvisioned>true</thinProvisioned></backing>)"
        R"(<controllerKey>-100</controllerKey><unitNumber>0</unitNumber>)"
        R"(<capacityInKB>1048576</capacityInKB></device></deviceChange>)"
        R"(</configSpec></spec><folder type="Folder">group-v3</folder>)"
        R"(<host type="HostSystem">host-9</host></ImportVApp>)"
    );
    // How far it is depends on when it is asked.
    EXPECT_TRUE(
        sent("HttpNfcLeaseProgress")
            .starts_with(R"(<HttpNfcLeaseProgress xmlns="urn:vim25">)" + kLeaseRef + "<percent>")
    );
    EXPECT_EQ(
        sent("HttpNfcLeaseComplete"),
        R"(<HttpNfcLeaseComplete xmlns="urn:vim25">)" + kLeaseRef + "</HttpNfcLeaseComplete>"
    );
    EXPECT_EQ(server.count("HttpNfcLeaseAbort"), 0U);
}

TEST_F(Imports, UploadToTheServerThatTheThumbprintNames) {
    const auto imported = import("the stream");
    ASSERT_TRUE(imported) << imported.error().message;
    EXPECT_EQ(imported->bytes_sent, 10U);
    EXPECT_EQ(imported->machine, kMachine);
    EXPECT_EQ(imported->disk.file.str(), "[images] slipway-3f1c/slipway-3f1c.vmdk");
    EXPECT_EQ(imported->disk.key, 2000U);
    const auto upload =
        position([](const test::Seen& request) { return request.target.starts_with("/nfc/"); });
    ASSERT_GE(upload, 0);
    const auto& request = server.seen[static_cast<std::size_t>(upload)];
    EXPECT_EQ(request.http_method, "POST");
    EXPECT_EQ(request.host, "vc.example");
    EXPECT_EQ(request.target, "/nfc/52ab/disk-0.vmdk");
    EXPECT_EQ(request.header("Content-Type"), "application/x-vnd.vmware-streamVmdk");
    EXPECT_EQ(request.body, "the stream");
    EXPECT_EQ(request.header("Cookie"), "");
    EXPECT_EQ(
        request.trust.sha1_thumbprints,
        std::vector<std::string>{"aabbccddeeff00112233445566778899aabbccdd"}
    );
    EXPECT_TRUE(request.trust.sha256_thumbprints.empty());
    EXPECT_FALSE(request.trust.insecure);
}

TEST_F(Imports, CompleteOnlyAfterTheAnswerToTheUpload) {
    ASSERT_TRUE(import());
    const auto upload =
        position([](const test::Seen& request) { return request.target.starts_with("/nfc/"); });
    const auto completion = position([](const test::Seen& request) {
        return request.soap_method() == "HttpNfcLeaseComplete";
    });
    EXPECT_GE(upload, 0);
    EXPECT_GT(completion, upload);
}

TEST_F(Imports, AbortWhenTheHostRefusesTheDisk) {
    status = 500;
    const auto imported = import();
    ASSERT_FALSE(imported);
    EXPECT_EQ(imported.error().code, Errc::unavailable);
    EXPECT_EQ(
        sent("HttpNfcLeaseAbort"),
        R"(<HttpNfcLeaseAbort xmlns="urn:vim25">)" + kLeaseRef + "</HttpNfcLeaseAbort>"
    );
    EXPECT_EQ(server.count("HttpNfcLeaseComplete"), 0U);
}

TEST_F(Imports, RefuseADiskOfAnotherSize) {
    capacity_kib = 4000;
    const auto imported = import();
    ASSERT_FALSE(imported);
    EXPECT_EQ(imported.error().code, Errc::corrupt);
    EXPECT_EQ(server.count("HttpNfcLeaseAbort"), 1U);
}

TEST_F(Imports, DoNotTouchAMachineOfThatName) {
    machine_exists = true;
    const auto imported = import();
    ASSERT_FALSE(imported);
    EXPECT_EQ(imported.error().reason, "DuplicateName");
    EXPECT_EQ(server.count("ImportVApp"), 0U);
}

TEST_F(Imports, DoNotBelieveALeaseWithoutTls) {
    url = "http://*/nfc/52ab/disk-0.vmdk";
    EXPECT_EQ(import().error().code, Errc::corrupt);
    EXPECT_EQ(server.count("HttpNfcLeaseAbort"), 1U);
}

TEST(LeaseTarget, ReplacesTheStarByTheServer) {
    net::Url server;
    server.host = "vc.example";
    server.port = 8443;
    const auto target = [&](const std::string& url) {
        const auto parsed = lease_target(url, server);
        return parsed ? parsed->str() : to_string(parsed.error().code).data();
    };
    EXPECT_EQ(target("https://*/nfc/1/d.vmdk"), "https://vc.example:8443/nfc/1/d.vmdk");
    EXPECT_EQ(target("https://*:443/nfc/1/d.vmdk"), "https://vc.example/nfc/1/d.vmdk");
    EXPECT_EQ(target("https://esx1.example/nfc/1/d.vmdk"), "https://esx1.example/nfc/1/d.vmdk");
    EXPECT_EQ(target("https://[2001:db8::1]/nfc/1"), "https://[2001:db8::1]/nfc/1");
    for (const auto* bad : {"http://*/x", "ftp://a/x", "", "https://", "*", "https://*evil/x"})
        EXPECT_FALSE(lease_target(bad, server)) << bad;
}

// ---------------------------------------------------------------------------------- machines

std::string sent(
    const std::string& method, test::Answer answer, std::function<awaitable<void>(VimClient&)> body
) {
    FakeServer server;
    server.on(method, std::move(answer));
    server.on("CreatePropertyCollector", soap_fault("NotSupported"));
    test::with_client(server, std::move(body));
    const auto calls = server.calls(method);
    return calls.size() == 1 ? calls.front().soap_body() : "not sent once";
}

TEST(Machines, FindChild) {
    EXPECT_EQ(
        sent(
            "FindChild",
            soap("FindChild", R"(<returnval type="VirtualMachine">vm-55</returnval>)"),
            [](VimClient& client) -> awaitable<void> {
                const auto found = co_await find_machine(client, kPlace.folder, "a & b", kCall);
                EXPECT_EQ(found.value(), kMachine);
            }
        ),
        R"(<FindChild xmlns="urn:vim25"><_this type="SearchIndex">SearchIndex</_this>)"
        R"(<entity type="Folder">group-v3</entity><name>a &amp; b</name></FindChild>)"
    );
}

TEST(Machines, AreNotWhatElseHasTheName) {
    sent(
        "FindChild",
        soap("FindChild", R"(<returnval type="Folder">group-v9</returnval>)"),
        [](VimClient& client) -> awaitable<void> {
            const auto found = co_await find_machine(client, kPlace.folder, "a", kCall);
            EXPECT_FALSE(found.value());
        }
    );
}

TEST(Machines, DetachADisk) {
    EXPECT_EQ(
        sent(
            "ReconfigVM_Task",
            soap_fault("NoPermission"),
            [](VimClient& client) -> awaitable<void> {
                const AttachedDisk disk{
                    .file = DatastorePath::parse("[images] a/a.vmdk").value(),
                    .capacity_bytes = 1ULL << 30U,
                    .key = 2000,
                    .controller_key = 1000,
                    .unit_number = 0,
                };
                EXPECT_FALSE(co_await detach_disk(client, kMachine, disk, kCall));
            }
        ),
        R"(<ReconfigVM_Task xmlns="urn:vim25"><_this type="VirtualMachine">vm-55</_this>)"
        R"(<spec><deviceChange><operation>remove</operation>)"
        R"(<device xsi:type="VirtualDisk"><key>2000</key><controllerKey>1000</controllerKey>)"
        R"(<unitNumber>0</unitNumber><capacityInKB>1048576</capacityInKB></device>)"
        R"(</deviceChange></spec></ReconfigVM_Task>)"
    );
}

TEST(Machines, Destroy) {
    EXPECT_EQ(
        sent(
            "Destroy_Task",
            soap_fault("ManagedObjectNotFound"),
            [](VimClient& client) -> awaitable<void> {
                EXPECT_TRUE(co_await destroy_machine(client, kMachine, kCall));
            }
        ),
        R"(<Destroy_Task xmlns="urn:vim25"><_this type="VirtualMachine">vm-55</_this>)"
        R"(</Destroy_Task>)"
    );
}

TEST(Machines, TellEveryFileThatTheyNeed) {
    FakeServer server;
    server.on(
        "CreateContainerView",
        soap("CreateContainerView", R"(<returnval type="ContainerView">view-1</returnval>)")
    );
    server.on("DestroyView", soap("DestroyView"));
    server.on(
        "RetrievePropertiesEx",
        properties(
            R"(type="VirtualMachine">vm-55)",
            "<propSet><name>name</name><val xsi:type=\"xsd:string\">guest</val></propSet>"
            "<propSet><name>config.hardware.device</name><val xsi:type=\"ArrayOfVirtualDevice\">"
            "<VirtualDevice xsi:type=\"VirtualDisk\"><key>2000</key>"
            "<backing xsi:type=\"VirtualDiskFlatVer2BackingInfo\">"
            "<fileName>[work] vm/vm-2.vmdk</fileName>"
            "<datastore type=\"Datastore\">datastore-11</datastore>"
            "<parent><fileName>[work] vm/vm-1.vmdk</fileName><parent>"
            "<fileName>[work] base/id/id.40.vmdk</fileName></parent></parent></backing>"
            "</VirtualDevice>"
            "<VirtualDevice xsi:type=\"VirtualCdrom\"><key>3000</key>"
            "<backing xsi:type=\"VirtualCdromIsoBackingInfo\">"
            "<fileName>[work] base/id/id.iso</fileName></backing></VirtualDevice></val></propSet>"
            "<propSet><name>layoutEx.file</name>"
            "<val xsi:type=\"ArrayOfVirtualMachineFileLayoutExFileInfo\">"
            "<VirtualMachineFileLayoutExFileInfo><key>1</key><name>[work] vm/snap.vmdk</name>"
            "<type>diskDescriptor</type></VirtualMachineFileLayoutExFileInfo></val></propSet>"
        )
    );
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        const auto users = (co_await machine_files(client, kCall)).value();
        EXPECT_EQ(users.size(), 1U);
        EXPECT_EQ(users.front().name, "guest");
        EXPECT_FALSE(users.front().is_unknown);
        std::vector<std::string> names;
        for (const auto& file : users.front().files) names.push_back(file.name);
        EXPECT_EQ(
            names,
            (std::vector<std::string>{
                "[work] vm/vm-2.vmdk",
                "[work] vm/vm-1.vmdk",
                "[work] base/id/id.40.vmdk",
                "[work] base/id/id.iso",
                "[work] vm/snap.vmdk"})
        );
        EXPECT_EQ(
            users.front().files.front().datastore,
            (ManagedObjectReference{"Datastore", "datastore-11"})
        );
    });
}

TEST(Machines, ShareTheDatastoreWithRegisteredDisks) {
    FakeServer server;
    server.on(
        "ListVStorageObject",
        soap(
            "ListVStorageObject",
            "<returnval><id>disk-1</id></returnval><returnval><id>disk-2</id></returnval>"
        )
    );
    server.on(
        "RetrieveVStorageObject",
        soap(
            "RetrieveVStorageObject",
            "<returnval xsi:type=\"VStorageObject\"><config><id><id>disk-1</id></id>"
            "<name>volume-7</name><backing xsi:type=\"BaseConfigInfoDiskFileBackingInfo\">"
            "<datastore type=\"Datastore\">datastore-11</datastore>"
            "<filePath>[work] fcd/a.vmdk</filePath></backing></config></returnval>"
        )
    );
    // The second one goes while we look.
    server.next("RetrieveVStorageObject", soap_fault("NotFound"));
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        const ManagedObjectReference datastore{"Datastore", "datastore-11"};
        const auto users = (co_await registered_disks(client, datastore, kCall)).value();
        EXPECT_EQ(users.size(), 1U);
        EXPECT_EQ(users.front().name, "volume-7");
        EXPECT_EQ(users.front().files.front().name, "[work] fcd/a.vmdk");
    });
    const std::string manager =
        R"(<_this type="VcenterVStorageObjectManager">VStorageObjectManager</_this>)";
    const std::string datastore = R"(<datastore type="Datastore">datastore-11</datastore>)";
    EXPECT_EQ(
        server.calls("ListVStorageObject").front().soap_body(),
        R"(<ListVStorageObject xmlns="urn:vim25">)" + manager + datastore + "</ListVStorageObject>"
    );
    EXPECT_EQ(
        server.calls("RetrieveVStorageObject").front().soap_body(),
        R"(<RetrieveVStorageObject xmlns="urn:vim25">)" + manager + "<id><id>disk-1</id></id>" +
            datastore + "</RetrieveVStorageObject>"
    );
}

TEST(Machines, AreUnknownWithoutTheirConfiguration) {
    FakeServer server;
    server.on(
        "CreateContainerView",
        soap("CreateContainerView", R"(<returnval type="ContainerView">view-1</returnval>)")
    );
    server.on("DestroyView", soap("DestroyView"));
    server.on(
        "RetrievePropertiesEx",
        properties(
            R"(type="VirtualMachine">vm-55)",
            "<propSet><name>name</name><val xsi:type=\"xsd:string\">new</val></propSet>"
        )
    );
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        const auto users = (co_await machine_files(client, kCall)).value();
        EXPECT_TRUE(users.front().is_unknown);
    });
}

}  // namespace
}  // namespace slipway::vsphere
