#include "vsphere/datastore_files.h"

#include "tests/unit/vsphere/fake_server.h"
#include "vsphere/transfer.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace slipway::vsphere {
namespace {

using test::FakeServer;
using test::kCall;
using test::soap;
using test::soap_fault;

FileTarget target() {
    FileTarget file{
        .datacenter = {.ref = {"Datacenter", "datacenter-2"}, .path = "Lab/DC 1"},
        .datastore = {},
        .path = DatastorePath::make("images", "slipway/a b+c.vmdk").value(),
    };
    file.datastore.ref = {"Datastore", "datastore-1"};
    file.datastore.name = "images";
    file.datastore.accessible = true;
    file.datastore.browser = {"HostDatastoreBrowser", "browser-1"};
    file.datastore.hosts = {
        {.host = {"HostSystem", "host-7"},
         .access_mode = "readWrite",
         .mounted = true,
         .accessible = true},
        {.host = {"HostSystem", "host-8"},
         .access_mode = "readOnly",
         .mounted = true,
         .accessible = true},
    };
    return file;
}

constexpr std::string_view kHost =
    R"(<returnval><objects><obj type="HostSystem">host-7</obj>)"
    R"(<propSet><name>name</name><val xsi:type="xsd:string">esx7.example</val></propSet>)"
    R"(<propSet><name>runtime.connectionState</name>)"
    R"(<val xsi:type="HostSystemConnectionState">connected</val></propSet>)"
    R"(<propSet><name>runtime.inMaintenanceMode</name><val xsi:type="xsd:boolean">false</val></propSet>)"
    R"(</objects></returnval>)";

constexpr std::string_view kTicket =
    R"(<returnval><id>cst=VCT-1</id><hostName>esx7.example</hostName>)"
    R"(<sslThumbprint>AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA</sslThumbprint>)"
    R"(<certThumbprintList><thumbprint>)"
    R"(BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB)"
    R"(</thumbprint><hashAlgorithm>sha256</hashAlgorithm></certThumbprintList></returnval>)";

constexpr std::string_view kByVCenter =
    "/folder/slipway/a%20b%2Bc.vmdk?dcPath=Lab%2FDC%201&dsName=images";
constexpr std::string_view kByHost =
    "/folder/slipway/a%20b%2Bc.vmdk?dcPath=ha-datacenter&dsName=images";

struct FilesServer : FakeServer {
    FilesServer() {
        on("RetrievePropertiesEx", soap("RetrievePropertiesEx", kHost));
        on("AcquireGenericServiceTicket", soap("AcquireGenericServiceTicket", kTicket));
    }

    [[nodiscard]] std::vector<test::Seen> transfers() const {
        std::vector<test::Seen> found;
        for (const auto& request : seen)
            if (request.target.starts_with("/folder")) found.push_back(request);
        return found;
    }
};

DatastoreFilesOptions by_vcenter() {
    DatastoreFilesOptions options;
    options.direct_to_host = false;
    return options;
}

void with_files(
    FilesServer& server,
    DatastoreFilesOptions options,
    std::function<awaitable<void>(DatastoreFiles&)> body
) {
    test::with_client(server, [&](VimClient& client) -> awaitable<void> {
        DatastoreFiles files(client, options);
        co_await body(files);
    });
}

TEST(FolderTarget, EncodesEachSegmentOnItsOwn) {
    EXPECT_EQ(
        folder_target("DC0", DatastorePath::make("d s", "a/b c/%+#?&é").value()),
        "/folder/a/b%20c/%25%2B%23%3F%26%C3%A9?dcPath=DC0&dsName=d%20s"
    );
}

TEST(DatastoreFiles, PutsThroughVCenterInTheSession) {
    FilesServer server;
    server.on_http([](const test::Seen&) { return test::Answer{.status = 201}; });
    with_files(server, by_vcenter(), [](DatastoreFiles& files) -> awaitable<void> {
        TextSource body("the bytes");
        const auto route = co_await files.put(target(), body, kCall);
        EXPECT_EQ(route.value(), TransferRoute::vcenter);
    });
    ASSERT_EQ(server.transfers().size(), 1U);
    const auto put = server.transfers().front();
    EXPECT_EQ(put.http_method, "PUT");
    EXPECT_EQ(put.host, "vc.example");
    EXPECT_EQ(put.target, kByVCenter);
    EXPECT_EQ(put.body, "the bytes");
    EXPECT_EQ(put.header("Cookie"), "vmware_soap_session=\"s1\"");
    EXPECT_TRUE(put.fresh_connection);
    // The session was made sure of.
    EXPECT_EQ(server.count("CurrentTime"), 1U);
}

TEST(DatastoreFiles, PutsStraightToAHostWithATicketForThatUrl) {
    FilesServer server;
    server.on_http([](const test::Seen&) { return test::Answer{.status = 200}; });
    with_files(server, {.esx_port = 8443}, [](DatastoreFiles& files) -> awaitable<void> {
        TextSource body("the bytes");
        const auto route = co_await files.put(target(), body, kCall);
        EXPECT_EQ(route.value(), TransferRoute::host);
    });
    ASSERT_EQ(server.count("AcquireGenericServiceTicket"), 1U);
    EXPECT_EQ(
        server.calls("AcquireGenericServiceTicket").front().soap_body(),
        R"(<AcquireGenericServiceTicket xmlns="urn:vim25">)"
        R"(<_this type="SessionManager">SessionManager</_this>)"
        R"(<spec xsi:type="SessionManagerHttpServiceRequestSpec"><method>httpPut</method>)"
        R"(<url>https://esx7.example:8443/folder/slipway/a%20b%2Bc.vmdk?dcPath=ha-datacenter&amp;)"
        R"(dsName=images</url></spec></AcquireGenericServiceTicket>)"
    );
    const auto put = server.transfers().front();
    EXPECT_EQ(put.host, "esx7.example:8443");
    EXPECT_EQ(put.target, kByHost);
    EXPECT_EQ(put.header("Cookie"), "vmware_cgi_ticket=\"cst=VCT-1\"");
    EXPECT_EQ(put.trust.sha256_thumbprints, std::vector{std::string(64, 'b')});
    EXPECT_TRUE(put.trust.sha1_thumbprints.empty());
    EXPECT_TRUE(put.fresh_connection);
}

TEST(DatastoreFiles, FallsBackToVCenterAndRemembersTheHost) {
    FilesServer server;
    server.on_http([](const test::Seen& request) {
        if (request.host == "esx7.example")
            return test::Answer{
                .failure = Error(Errc::unavailable, "no route"), .body_unread = true};
        return test::Answer{.status = 201};
    });
    with_files(server, {}, [](DatastoreFiles& files) -> awaitable<void> {
        TextSource first("one");
        EXPECT_EQ((co_await files.put(target(), first, kCall)).value(), TransferRoute::vcenter);
        TextSource second("two");
        EXPECT_EQ((co_await files.put(target(), second, kCall)).value(), TransferRoute::vcenter);
    });
    EXPECT_EQ(server.count("AcquireGenericServiceTicket"), 1U);
    EXPECT_EQ(server.transfers().back().body, "two");
}

TEST(DatastoreFiles, RemembersAHostThatBrokeOffOrRefusedABegunBody) {
    const test::Answer broken{.failure = Error(Errc::unavailable, "the connection broke")};
    for (const auto& from_host :
         {broken, test::Answer{.status = 401}, test::Answer{.status = 503}}) {
        FilesServer server;
        server.on_http([&](const test::Seen& request) {
            return request.host == "esx7.example" ? from_host : test::Answer{.status = 201};
        });
        with_files(server, {}, [](DatastoreFiles& files) -> awaitable<void> {
            TextSource first("one");
            EXPECT_EQ((co_await files.put(target(), first, kCall)).error().code, Errc::unavailable);
            TextSource second("two");
            EXPECT_EQ(
                (co_await files.put(target(), second, kCall)).value(), TransferRoute::vcenter
            );
        });
        EXPECT_EQ(server.transfers().back().body, "two");
    }
}

TEST(DatastoreFiles, DoesNotBlameTheHostForABodyThatBreaksOff) {
    class BrokenSource final : public ByteSource {
    public:
        awaitable<Result<std::size_t>> read_some(std::span<std::byte> /*into*/) override {
            co_return Error(Errc::cancelled, "the client went away");
        }
    };
    FilesServer server;
    server.on_http([](const test::Seen&) { return test::Answer{.status = 201}; });
    with_files(server, {}, [](DatastoreFiles& files) -> awaitable<void> {
        BrokenSource broken;
        EXPECT_EQ((co_await files.put(target(), broken, kCall)).error().code, Errc::cancelled);
        TextSource body("two");
        EXPECT_EQ((co_await files.put(target(), body, kCall)).value(), TransferRoute::host);
    });
}

TEST(DatastoreFiles, FallsBackToVCenterWithoutATicket) {
    FilesServer server;
    server.on("AcquireGenericServiceTicket", soap_fault("NoPermission"));
    server.on_http([](const test::Seen&) { return test::Answer{.status = 201}; });
    with_files(server, {}, [](DatastoreFiles& files) -> awaitable<void> {
        TextSource body("x");
        EXPECT_EQ((co_await files.put(target(), body, kCall)).value(), TransferRoute::vcenter);
    });
}

TEST(DatastoreFiles, NeverSendsABegunBodyTwice) {
    FilesServer server;
    server.on_http([](const test::Seen&) {
        return test::Answer{.failure = Error(Errc::unavailable, "the connection broke")};
    });
    with_files(server, {}, [](DatastoreFiles& files) -> awaitable<void> {
        TextSource body("x");
        const auto route = co_await files.put(target(), body, kCall);
        EXPECT_EQ(route.error().message, "the connection broke");
    });
    EXPECT_EQ(server.transfers().size(), 1U);
}

TEST(DatastoreFiles, LogsInOnceMoreOn401WhenTheBodyWasNotBegun) {
    FilesServer server;
    server.on_http([&](const test::Seen&) {
        if (server.logins == 1) return test::Answer{.status = 401, .body_unread = true};
        return test::Answer{.status = 201};
    });
    with_files(server, by_vcenter(), [](DatastoreFiles& files) -> awaitable<void> {
        TextSource body("x");
        EXPECT_TRUE(co_await files.put(target(), body, kCall));
    });
    EXPECT_EQ(server.logins, 2);
    EXPECT_EQ(server.transfers().back().header("Cookie"), "vmware_soap_session=\"s2\"");
}

TEST(DatastoreFiles, ReportsA401ThatCutABodyShort) {
    FilesServer server;
    server.on_http([](const test::Seen&) { return test::Answer{.status = 401}; });
    with_files(server, by_vcenter(), [](DatastoreFiles& files) -> awaitable<void> {
        TextSource body("x");
        const auto route = co_await files.put(target(), body, kCall);
        EXPECT_EQ(route.error().code, Errc::unavailable);
        EXPECT_EQ(route.error().reason, "NotAuthenticated");
    });
    EXPECT_EQ(server.transfers().size(), 1U);
}

TEST(DatastoreFiles, SendsATextAgainOn401) {
    FilesServer server;
    server.on_http([&](const test::Seen&) {
        return test::Answer{.status = server.logins == 1 ? 401 : 201};
    });
    with_files(server, by_vcenter(), [](DatastoreFiles& files) -> awaitable<void> {
        EXPECT_TRUE(co_await files.put_text(target(), "manifest", kCall));
    });
    ASSERT_EQ(server.transfers().size(), 2U);
    EXPECT_EQ(server.transfers()[1].body, "manifest");
}

TEST(DatastoreFiles, MapsStatuses) {
    const std::pair<int, Errc> cases[] = {
        {403, Errc::forbidden},
        {404, Errc::not_found},
        {409, Errc::conflict},
        {503, Errc::unavailable},
        {302, Errc::unavailable}};
    for (const auto& [status, code] : cases) {
        FilesServer server;
        server.on_http([status = status](const test::Seen&) {
            return test::Answer{.status = status};
        });
        with_files(server, by_vcenter(), [code = code](DatastoreFiles& files) -> awaitable<void> {
            TextSource body("x");
            const auto route = co_await files.put(target(), body, kCall);
            EXPECT_EQ(route.error().code, code);
        });
    }
}

TEST(DatastoreFiles, FindsOutThatA500MeansAFullDatastore) {
    FilesServer server;
    server.on("RefreshDatastore", soap("RefreshDatastore"));
    server.on(
        "RetrievePropertiesEx",
        soap(
            "RetrievePropertiesEx",
            R"(<returnval><objects><obj type="Datastore">datastore-1</obj><propSet><name>summary</name>)"
            R"(<val xsi:type="DatastoreSummary"><capacity>1000000000</capacity><freeSpace>5</freeSpace>)"
            R"(<accessible>true</accessible><type>VMFS</type></val></propSet><propSet>)"
            R"(<name>browser</name><val type="HostDatastoreBrowser">b</val></propSet></objects>)"
            R"(</returnval>)"
        )
    );
    server.on_http([](const test::Seen&) { return test::Answer{.status = 500}; });
    with_files(server, by_vcenter(), [](DatastoreFiles& files) -> awaitable<void> {
        TextSource body("x");
        const auto route = co_await files.put(target(), body, kCall);
        EXPECT_EQ(route.error().code, Errc::no_space);
    });
}

awaitable<Result<std::string>> read_all(ByteSource& source) {
    std::string text;
    std::array<std::byte, 4> buffer{};
    while (true) {
        SLIPWAY_CO_TRY(const auto count, co_await source.read_some(buffer));
        if (count == 0) co_return text;
        text.append(reinterpret_cast<const char*>(buffer.data()), count);
    }
}

TEST(DatastoreFiles, GetsAWholeFile) {
    FilesServer server;
    server.on_http([](const test::Seen&) { return test::Answer{.body = "all of it"}; });
    with_files(server, by_vcenter(), [](DatastoreFiles& files) -> awaitable<void> {
        const auto source = co_await files.get(target(), {}, kCall);
        EXPECT_EQ((*source)->size_bytes(), 9U);
        EXPECT_EQ((co_await read_all(**source)).value(), "all of it");
    });
    EXPECT_EQ(server.transfers().front().header("Range"), "");
}

TEST(DatastoreFiles, GetsAPart) {
    FilesServer server;
    server.on_http([](const test::Seen&) {
        return test::Answer{
            .status = 206, .body = "cde", .headers = {{"Content-Range", "bytes 2-4/10"}}};
    });
    with_files(server, by_vcenter(), [](DatastoreFiles& files) -> awaitable<void> {
        const FileRange range{.first = 2, .length = 3};
        const auto source = co_await files.get(target(), range, kCall);
        EXPECT_EQ((co_await read_all(**source)).value(), "cde");
    });
    EXPECT_EQ(server.transfers().front().header("Range"), "bytes=2-4");
}

TEST(DatastoreFiles, RefusesAnotherPartThanAsked) {
    for (const auto* range_given :
         {"bytes 0-2/10", "bytes 2-5/10", "", "bytes */10", "bytes 4-2/10"}) {
        FilesServer server;
        server.on_http([&](const test::Seen&) {
            return test::Answer{
                .status = 206, .body = "cde", .headers = {{"Content-Range", range_given}}};
        });
        with_files(server, by_vcenter(), [](DatastoreFiles& files) -> awaitable<void> {
            const FileRange range{.first = 2, .length = 3};
            const auto source = co_await files.get(target(), range, kCall);
            EXPECT_EQ(source.error().code, Errc::corrupt);
        });
    }
}

TEST(DatastoreFiles, NoticesABodyOfTheWrongLength) {
    for (const auto* announced : {"5", "12"}) {
        FilesServer server;
        server.on_http([&](const test::Seen&) {
            return test::Answer{.body = "all of it", .headers = {{"Content-Length", announced}}};
        });
        with_files(server, by_vcenter(), [](DatastoreFiles& files) -> awaitable<void> {
            const auto source = co_await files.get(target(), {}, kCall);
            EXPECT_EQ((co_await read_all(**source)).error().code, Errc::corrupt);
        });
    }
}

TEST(DatastoreFiles, TellsTheLengthOfAFile) {
    FilesServer server;
    server.on_http([](const test::Seen&) {
        return test::Answer{.headers = {{"Content-Length", "123456789012"}}};
    });
    with_files(server, {}, [](DatastoreFiles& files) -> awaitable<void> {
        EXPECT_EQ((co_await files.size(target(), kCall)).value(), 123456789012U);
    });
    EXPECT_EQ(server.transfers().front().http_method, "HEAD");
    EXPECT_EQ(server.transfers().front().host, "vc.example");
}

TEST(DatastoreFiles, AsksAHostWhatVCenterDoesNotShow) {
    FilesServer server;
    server.on_http([](const test::Seen& request) {
        if (request.host == "vc.example") return test::Answer{.status = 404};
        return test::Answer{.headers = {{"Content-Length", "77"}}};
    });
    with_files(server, {}, [](DatastoreFiles& files) -> awaitable<void> {
        EXPECT_EQ((co_await files.size(target(), kCall)).value(), 77U);
    });
}

}  // namespace
}  // namespace slipway::vsphere
