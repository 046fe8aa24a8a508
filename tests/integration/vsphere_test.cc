#include <gtest/gtest.h>

#include "tests/integration/vsphere_fixture.h"
#include "tests/support/run.h"
#include "tests/support/sources.h"
#include "vsphere/datastore_browser.h"
#include "vsphere/namespace_manager.h"
#include "vsphere/property_collector.h"
#include "vsphere/virtual_disk.h"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace slipway::vsphere::test {
namespace {

using namespace std::chrono_literals;
using slipway::test::pattern_byte;
using slipway::test::PatternSource;

// Bytes of `source` if they are the pattern from `first` on; else the first position that is not.
awaitable<Result<std::uint64_t>> count_pattern(ByteSource& source, std::uint64_t first) {
    std::vector<std::byte> buffer(64U << 10U);
    std::uint64_t total = 0;
    while (true) {
        SLIPWAY_CO_TRY(const auto count, co_await source.read_some(buffer));
        if (count == 0) co_return total;
        for (std::size_t i = 0; i < count; ++i, ++total)
            if (buffer[i] != pattern_byte(first + total)) co_return total;
    }
}

FileRef ref(const FileTarget& file) {
    return {file.path, file.datacenter.ref};
}

FileRef ref(const FileTarget& file, std::string_view relative) {
    return {DatastorePath::make(file.datastore.name, relative).value(), file.datacenter.ref};
}

template <class T>
void expect_success(const Result<T>& result) {
    EXPECT_TRUE(result) << (result ? "" : result.error().reason + ": " + result.error().message);
}

DatastoreFilesOptions route(bool direct) {
    DatastoreFilesOptions options;
    options.direct_to_host = direct;
    return options;
}

TEST_F(VSphere, KnowsWhatItTalksTo) {
    with_client([](VimClient& client) -> awaitable<void> {
        const auto content = co_await client.service_content(call);
        expect_success(content);
        EXPECT_TRUE((*content)->about.is_virtual_center());
        EXPECT_EQ((*content)->about.instance_uuid.size(), 36U);
        EXPECT_EQ(client.generation(), 0U);
    });
}

TEST_F(VSphere, FindsDatacentersAndDatastores) {
    with_client([](VimClient& client) -> awaitable<void> {
        const auto nested = co_await find_datacenter(client, "/F0/DC1", call);
        expect_success(nested);
        const auto datacenter = co_await find_datacenter(client, "DC0", call);
        expect_success(datacenter);
        const auto all = co_await datastores_of(client, datacenter->ref, call);
        expect_success(all);
        EXPECT_EQ(all->size(), 5U);
        const auto odd =
            co_await find_datastore(client, datacenter->ref, "ds with space+%&ü", call);
        expect_success(odd);
        const auto images = co_await find_datastore(client, datacenter->ref, "images", call);
        expect_success(images);
        EXPECT_EQ(images->type, "VMFS");
        EXPECT_TRUE(images->accessible);
        EXPECT_GT(images->free_bytes, 0U);
        EXPECT_FALSE(images->hosts.empty());
        expect_success(co_await refresh_datastore(client, images->ref, call));
        const auto home = co_await datacenter_of(client, images->ref, call);
        expect_success(home);
        EXPECT_EQ(home->path, "DC0");
        EXPECT_EQ(home->ref, datacenter->ref);

        const auto other = co_await find_datastore(client, nested->ref, "images", call);
        expect_success(other);
        EXPECT_EQ((co_await datacenter_of(client, other->ref, call))->path, "F0/DC1");
        const auto none = co_await find_datastore(client, datacenter->ref, "nothing", call);
        EXPECT_EQ(none.error().code, Errc::not_found);
    });
}

TEST_F(VSphere, ReadsHostsThroughAView) {
    with_client([](VimClient& client) -> awaitable<void> {
        const auto content = co_await client.service_content(call);
        const auto found =
            co_await retrieve_below(client, (*content)->root_folder, "HostSystem", {"name"}, call);
        expect_success(found);
        EXPECT_EQ(found->size(), 5U);
        std::vector<ManagedObjectReference> refs;
        for (const auto& object : *found) refs.push_back(object.ref);
        const auto hosts = co_await read_hosts(client, refs, call);
        expect_success(hosts);
        for (const auto& host : *hosts) EXPECT_TRUE(host.usable() && !host.address.empty());
    });
}

TEST_F(VSphere, ReadsManyObjectsPageByPage) {
    with_client([](VimClient& client) -> awaitable<void> {
        vcenter().post("/settings", R"({"page_size": 2})");
        const auto content = co_await client.service_content(call);
        const auto found = co_await retrieve_below(
            client, (*content)->root_folder, "Datastore", {"name", "summary"}, call
        );
        vcenter().post("/settings", R"({"page_size": 100})");
        expect_success(found);
        EXPECT_EQ(found->size(), 6U);
    });
}

TEST_F(VSphere, MakesSearchesAndDeletesFolders) {
    with_client([](VimClient& client) -> awaitable<void> {
        const auto file = (co_await VSphere::file(client, "images", "folders/a/b")).value();
        expect_success(co_await make_directory(client, ref(file), {}, call));
        expect_success(co_await make_directory(client, ref(file), {}, call));
        const MakeDirectoryOptions strict{.create_parents = true, .exists_ok = false};
        const auto again = co_await make_directory(client, ref(file), strict, call);
        EXPECT_EQ(again.error().reason, "FileAlreadyExists");

        DatastoreFiles files(client, route(false));
        const auto text = (co_await VSphere::file(client, "images", "folders/a/x.txt")).value();
        expect_success(co_await files.put_text(text, "hello", call));
        const auto found =
            co_await search_folder(client, file.datastore.browser, file.path.parent(), {"*"}, call);
        expect_success(found);
        EXPECT_EQ(found->files.size(), 2U);
        for (const auto& entry : found->files) {
            EXPECT_EQ(entry.is_folder, entry.path == "b") << entry.path;
            if (!entry.is_folder) EXPECT_EQ(entry.size_bytes, 5U);
        }
        const auto tree = co_await search_subfolders(
            client, file.datastore.browser, ref(file, "folders").path, {"*.txt"}, call
        );
        expect_success(tree);
        EXPECT_TRUE(std::ranges::any_of(*tree, [](const DatastoreSearchResult& result) {
            const auto path = DatastorePath::parse(result.folder_path);
            return path && path->str() == "[images] folders/a" && result.files.size() == 1;
        }));

        expect_success(co_await delete_file(client, ref(file, "folders"), call));
        const auto gone =
            co_await search_folder(client, file.datastore.browser, file.path.parent(), {"*"}, call);
        EXPECT_EQ(gone.error().code, Errc::not_found);
        const auto twice = co_await delete_file(client, ref(file, "folders"), call);
        EXPECT_EQ(twice.error().reason, "FileNotFound");
    });
}

TEST_F(VSphere, CreatesAndCopiesDisks) {
    with_client([](VimClient& client) -> awaitable<void> {
        const auto source = (co_await VSphere::file(client, "images", "disks/a.vmdk")).value();
        const auto target = (co_await VSphere::file(client, "work", "disks/b.vmdk")).value();
        expect_success(co_await make_directory(client, ref(source, "disks"), {}, call));
        expect_success(co_await make_directory(client, ref(target, "disks"), {}, call));
        const FileBackedVirtualDiskSpec spec{.capacity_kib = 4096};
        expect_success(co_await create_disk(client, ref(source), spec, call));

        int last = -1;
        TaskCallbacks callbacks;
        callbacks.progress = [&](int percent) { last = percent; };
        expect_success(co_await copy_disk(client, ref(source), ref(target), {}, call, callbacks));
        EXPECT_GE(last, 0);
        const auto uuid = co_await query_disk_uuid(client, ref(target), call);
        expect_success(uuid);
        const auto exists = co_await copy_disk(client, ref(source), ref(target), {}, call);
        EXPECT_EQ(exists.error().reason, "FileAlreadyExists");

        expect_success(co_await extend_disk(client, ref(target), 8192, call));
        const auto moved = ref(target, "disks/c.vmdk");
        expect_success(co_await move_disk(client, ref(target), moved, call));
        expect_success(co_await delete_disk(client, moved, call));
        const auto missing = co_await query_disk_uuid(client, moved, call);
        EXPECT_EQ(missing.error().code, Errc::not_found);
        const auto copied = ref(source, "disks/copy-flat.vmdk");
        expect_success(
            co_await copy_file(client, ref(source, "disks/a-flat.vmdk"), copied, false, call)
        );
        expect_success(
            co_await move_file(client, copied, ref(source, "disks/moved.img"), false, call)
        );
    });
}

TEST_F(VSphere, WaitsForATaskThatAnotherProcessStarted) {
    ManagedObjectReference task;
    with_client([&](VimClient& client) -> awaitable<void> {
        const auto source = (co_await VSphere::file(client, "images", "adopt/a.vmdk")).value();
        expect_success(co_await make_directory(client, ref(source, "adopt"), {}, call));
        const FileBackedVirtualDiskSpec spec{.capacity_kib = 1024};
        const auto started = co_await start_create_disk(client, ref(source), spec, call);
        expect_success(started);
        task = *started;
    });
    with_client([&](VimClient& client) -> awaitable<void> {
        expect_success(co_await wait_for_task(client, task, call));
    });
}

TEST_F(VSphere, SaysThatATaskVanished) {
    with_client([](VimClient& client) -> awaitable<void> {
        const auto result = co_await wait_for_task(client, {"Task", "task-0"}, call);
        EXPECT_EQ(result.error().reason, kTaskVanished);
    });
}

TEST_F(VSphere, CancelsATaskThatHangs) {
    with_client([](VimClient& client) -> awaitable<void> {
        const auto source = (co_await VSphere::file(client, "images", "hang/a.vmdk")).value();
        expect_success(co_await make_directory(client, ref(source, "hang"), {}, call));
        const FileBackedVirtualDiskSpec spec{.capacity_kib = 1024};
        expect_success(co_await create_disk(client, ref(source), spec, call));
        vcenter().post(
            "/faults",
            R"({"match": {"kind": "task", "method": "CopyVirtualDisk_Task"}, "action": "task_hangs",)"
            R"( "count": 1})"
        );
        TaskCallbacks callbacks;
        callbacks.cancelled = [] { return true; };
        const auto copied = co_await copy_disk(
            client, ref(source), ref(source, "hang/b.vmdk"), {}, call, callbacks
        );
        EXPECT_EQ(copied.error().code, Errc::cancelled);
    });
}

TEST_F(VSphere, TellsThatAnAnswerWasLost) {
    with_client([](VimClient& client) -> awaitable<void> {
        const auto disk = (co_await VSphere::file(client, "images", "lost/a.vmdk")).value();
        expect_success(co_await make_directory(client, ref(disk, "lost"), {}, call));
        vcenter().post(
            "/faults",
            R"({"match": {"kind": "soap", "method": "CreateVirtualDisk_Task"},)"
            R"( "action": "lost_answer", "count": 1})"
        );
        const FileBackedVirtualDiskSpec spec{.capacity_kib = 1024};
        const auto started = co_await start_create_disk(client, ref(disk), spec, call);
        EXPECT_EQ(started.error().reason, kOutcomeUnknown);
    });
}

class Routes : public VSphere, public ::testing::WithParamInterface<bool> {};

TEST_P(Routes, CarryBytesUpAndDown) {
    with_client([](VimClient& client) -> awaitable<void> {
        auto options = route(GetParam());
        options.esx_port = vcenter().esx_port();
        DatastoreFiles files(client, options);
        for (const std::string datastore : {"images", "ds with space+%&ü"}) {
            const std::string name =
                GetParam() ? "up & down/direct é.img" : "up & down/relayed é.img";
            const auto file = (co_await VSphere::file(client, datastore, name)).value();
            expect_success(co_await make_directory(client, ref(file, "up & down"), {}, call));
            constexpr std::uint64_t kSize = (3U << 20U) + 17;
            PatternSource body(kSize);
            const auto put = co_await files.put(file, body, call);
            expect_success(put);
            EXPECT_EQ(*put, GetParam() ? TransferRoute::host : TransferRoute::vcenter);
            EXPECT_EQ((co_await files.size(file, call)).value(), kSize);

            auto whole = co_await files.get(file, {}, call);
            expect_success(whole);
            EXPECT_EQ((*whole)->size_bytes(), kSize);
            EXPECT_EQ((co_await count_pattern(**whole, 0)).value(), kSize);
            const FileRange range{.first = 1000, .length = 70000};
            auto part = co_await files.get(file, range, call);
            expect_success(part);
            EXPECT_EQ((co_await count_pattern(**part, 1000)).value(), 70000U);

            const auto absent = (co_await VSphere::file(client, datastore, "up & down/no")).value();
            EXPECT_EQ((co_await files.size(absent, call)).error().code, Errc::not_found);
            EXPECT_EQ((co_await files.get(absent, {}, call)).error().code, Errc::not_found);
            const auto homeless = (co_await VSphere::file(client, datastore, "no/x")).value();
            const auto refused = co_await files.put_text(homeless, "x", call);
            EXPECT_EQ(refused.error().code, Errc::not_found);
        }
    });
}

INSTANTIATE_TEST_SUITE_P(, Routes, ::testing::Bool(), [](const auto& param) {
    return param.param ? "StraightToAHost" : "ThroughVCenter";
});

TEST_F(VSphere, GoesThroughVCenterWhenNoHostAnswers) {
    with_client([](VimClient& client) -> awaitable<void> {
        vcenter().post("/settings", R"({"esx": "refuse"})");
        auto options = route(true);
        options.esx_port = vcenter().esx_port();
        DatastoreFiles files(client, options);
        const auto file = (co_await VSphere::file(client, "images", "x.txt")).value();
        const auto put = co_await files.put_text(file, "hello", call);
        vcenter().post("/settings", R"({"esx": "up"})");
        expect_success(put);
        EXPECT_EQ(*put, TransferRoute::vcenter);
    });
}

TEST_F(VSphere, OutlivesItsSessionInEveryShape) {
    for (const std::string shape : {"fault", "missing", "empty"}) {
        with_client([&](VimClient& client) -> awaitable<void> {
            const auto file = (co_await VSphere::file(client, "images", "expiry.txt")).value();
            const auto before = client.generation();
            vcenter().post("/sessions/expire", R"({"shape": ")" + shape + R"("})");
            const auto again = co_await read_datastore(client, file.datastore.ref, call);
            expect_success(again);
            EXPECT_EQ(client.generation(), before + 1) << shape;

            vcenter().post("/sessions/expire", R"({"shape": ")" + shape + R"("})");
            DatastoreFiles files(client, route(false));
            expect_success(co_await files.put_text(file, "hello", call));
            EXPECT_EQ(client.generation(), before + 2) << shape;
        });
    }
}

TEST_F(VSphere, WaitsOnThroughTheEndOfASession) {
    with_client([](VimClient& client) -> awaitable<void> {
        const auto disk = (co_await VSphere::file(client, "images", "through/a.vmdk")).value();
        expect_success(co_await make_directory(client, ref(disk, "through"), {}, call));
        vcenter().post("/settings", R"({"task_base_ms": 900})");
        const FileBackedVirtualDiskSpec spec{.capacity_kib = 1024};
        const auto started = co_await start_create_disk(client, ref(disk), spec, call);
        expect_success(started);
        bool expired = false;
        TaskCallbacks callbacks;
        callbacks.progress = [&](int) { expired = true; };
        vcenter().post("/sessions/expire", "{}");
        expect_success(co_await wait_for_task(client, *started, call, callbacks));
        vcenter().post("/settings", R"({"task_base_ms": 6})");
        EXPECT_TRUE(expired);
        EXPECT_EQ(client.generation(), 2U);
    });
}

// A PUT alone does not keep a session: one that lasts longer than the server's patience would end
// in a new login.
TEST_F(VSphere, KeepsItsSessionDuringALongUpload) {
    auto body = [](VimClientOptions options) -> awaitable<void> {
        options.keep_alive_every = 200ms;
        const auto executor = co_await asio::this_coro::executor;
        VimClient client(executor, std::move(options));
        TaskGroup group(executor);
        group.spawn_on(executor, "keep-alive", [&client] { return client.keep_alive(); });
        const auto file = (co_await VSphere::file(client, "images", "long.img")).value();
        vcenter().set(R"({"session_idle_seconds": 5})");
        vcenter().fault(R"({"match": {"kind": "folder", "method": "PUT"}, "action": "slow_drip",)"
                        R"( "rate": 125000, "count": 1})");
        DatastoreFiles files(client, route(false));
        PatternSource bytes(1'000'000);
        const auto put = co_await files.put(file, bytes, call);
        const auto size = co_await files.size(file, call);
        vcenter().set(R"({"session_idle_seconds": 1800})");
        expect_success(put);
        EXPECT_EQ(size.value(), 1'000'000U);
        EXPECT_EQ(client.generation(), 1U);
        group.cancel(asio::cancellation_type::terminal);
        co_await group.wait(after(5s));
        co_await client.close(call);
    };
    slipway::test::run(body(client_options()));
}

TEST_F(VSphere, RefusesAWrongPasswordOnce) {
    auto options = client_options();
    options.password = Secret("wrong");
    auto body = [](VimClientOptions wrong) -> awaitable<void> {
        VimClient client(co_await asio::this_coro::executor, std::move(wrong));
        for (int i = 0; i < 3; ++i) {
            const auto found = co_await find_datacenter(client, "DC0", call);
            EXPECT_EQ(found.error().reason, "InvalidLogin");
        }
        co_await client.close(call);
    };
    slipway::test::run(body(options));
}

TEST_F(VSphere, MakesNamespacesOnVsan) {
    with_client([](VimClient& client) -> awaitable<void> {
        const auto file = (co_await VSphere::file(client, "vsan1", "store/x.txt")).value();
        EXPECT_TRUE(file.datastore.has_namespaces());
        const auto made =
            co_await create_namespace_directory(client, file.datastore.ref, "store", {}, call);
        expect_success(made);
        EXPECT_TRUE(made->starts_with("/vmfs/volumes/")) << *made;
        const auto again =
            co_await create_namespace_directory(client, file.datastore.ref, "store", {}, call);
        EXPECT_EQ(again.error().code, Errc::conflict);
        DatastoreFiles files(client, route(false));
        expect_success(co_await files.put_text(file, "hello", call));
        const auto path = co_await namespace_uuid_path(
            client, file.datacenter.ref, file.datastore.url + "store/x.txt", call
        );
        expect_success(path);
        expect_success(co_await delete_file(client, ref(file), call));
        expect_success(co_await delete_namespace_directory(client, file.datacenter.ref, *made, call)
        );
    });
}

}  // namespace
}  // namespace slipway::vsphere::test
