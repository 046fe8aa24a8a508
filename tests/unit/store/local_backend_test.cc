#include "store/local_backend.h"

#include "tests/fakes/temporary_folder.h"
#include "tests/support/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include <sys/resource.h>
#include <sys/stat.h>

namespace slipway::store {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;

const ImageId kImage("0c1d2e3f-1111-4222-8333-444455556666");
constexpr const char* kDirectory = "0c1d2e3f-1111-4222-8333-444455556666.00112233445566ff";

void put(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

std::string text_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

class LocalBackendTest : public testing::Test {
protected:
    LocalBackendTest() {
        fs::create_directory(objects());
        fs::create_directory(clones());
        options_.id = BackendId("local");
        options_.directories = {{objects(), 0, ""}};
        options_.clone_root = clones();
        progress_.report = [](int) {};
        progress_.save = [](std::string) -> awaitable<Result<void>> { co_return Result<void>(); };
        progress_.cancelled = [] { return false; };
    }

    fs::path objects() const { return folder_.path() / "objects"; }
    fs::path clones() const { return folder_.path() / "clones"; }
    std::unique_ptr<LocalBackend> make() { return LocalBackend::create(options_, pool_).value(); }

    static Location location() {
        Location location;
        location.image_id = kImage;
        location.directory = kDirectory;
        location.data_file = kImage.str() + ".img";
        location.stored_bytes = 5;
        return location;
    }
    // An object of the five bytes "hello".
    void put_object() {
        fs::create_directory(objects() / kDirectory);
        put(objects() / kDirectory / location().data_file, "hello");
    }
    Result<std::string> read(LocalBackend& backend, const Location& from) {
        SLIPWAY_TRY(auto reader, test::run(backend.open_reader(from, {0, 5}, call_)));
        std::string text(5, '\0');
        SLIPWAY_TRY(
            const std::size_t got,
            test::run(read_full(*reader, std::as_writable_bytes(std::span(text))))
        );
        return text.substr(0, got);
    }
    CloneRequest request(const std::string& path) const {
        return {
            location(), {"", "local", path, ""}, TaskId("0c1d2e3f-9999-4222-8333-444455556666")};
    }
    Result<Account> clone(LocalBackend& backend, const std::string& path) {
        return test::run(backend.clone(request(path), "", progress_, call_));
    }

    TemporaryFolder folder_;
    BlockingPool pool_{1};
    LocalBackendOptions options_;
    CloneProgress progress_;
    Call call_;
};

TEST_F(LocalBackendTest, WritesTheDataFileAndThenTheSideFiles) {
    const auto backend = make();
    auto writer = test::run(backend->open_writer(location(), 5, call_)).value();
    ASSERT_TRUE(test::run(writer->write(as_bytes_of("hel"))));
    ASSERT_TRUE(test::run(writer->write(as_bytes_of("lo"))));
    const std::vector<SideFile> side_files = {{"a.vmdk", "text"}, {"a.json", "{}"}};
    ASSERT_TRUE(test::run(writer->commit(5, side_files)));
    EXPECT_EQ(text_of(objects() / kDirectory / location().data_file), "hello");
    EXPECT_EQ(text_of(objects() / kDirectory / "a.vmdk"), "text");
    EXPECT_EQ(text_of(objects() / kDirectory / "a.json"), "{}");
    EXPECT_EQ(std::distance(fs::directory_iterator(objects() / kDirectory), {}), 3);
}

TEST_F(LocalBackendTest, WritesNoSideFileWhenTheSizeIsWrong) {
    const auto backend = make();
    auto writer = test::run(backend->open_writer(location(), 5, call_)).value();
    ASSERT_TRUE(test::run(writer->write(as_bytes_of("hell"))));
    const std::vector<SideFile> side_files = {{"a.json", "{}"}};
    EXPECT_FALSE(test::run(writer->commit(5, side_files)));
    EXPECT_FALSE(fs::exists(objects() / kDirectory / "a.json"));
}

TEST_F(LocalBackendTest, DoesNotReadThroughALinkedFile) {
    put(folder_.file("secret"), "12345");
    fs::create_directory(objects() / kDirectory);
    fs::create_symlink(folder_.file("secret"), objects() / kDirectory / location().data_file);
    EXPECT_EQ(read(*make(), location()).error().code, Errc::forbidden);
}

TEST_F(LocalBackendTest, DoesNotReadThroughALinkedDirectory) {
    fs::create_directory(folder_.file("elsewhere"));
    put(folder_.path() / "elsewhere" / location().data_file, "12345");
    fs::create_directory_symlink(folder_.file("elsewhere"), objects() / kDirectory);
    EXPECT_EQ(read(*make(), location()).error().code, Errc::forbidden);
}

TEST_F(LocalBackendTest, DoesNotWaitForANamedPipe) {
    fs::create_directory(objects() / kDirectory);
    ASSERT_EQ(mkfifo((objects() / kDirectory / location().data_file).c_str(), 0600), 0);
    EXPECT_EQ(read(*make(), location()).error().code, Errc::forbidden);
}

TEST_F(LocalBackendTest, DoesNotReadAFileWhoseNameLeadsOut) {
    put_object();
    put(objects() / "other", "12345");
    Location out = location();
    out.data_file = "../other";
    EXPECT_EQ(read(*make(), out).error().code, Errc::invalid_argument);
}

TEST_F(LocalBackendTest, RemovesFoldersInsideAnObjectButNothingBehindLinks) {
    put_object();
    fs::create_directories(objects() / kDirectory / "clone" / "deep");
    put(objects() / kDirectory / "clone" / "deep" / "file", "x");
    fs::create_directory(folder_.file("elsewhere"));
    put(folder_.file("elsewhere/kept"), "x");
    fs::create_directory_symlink(folder_.file("elsewhere"), objects() / kDirectory / "link");
    ASSERT_TRUE(test::run(make()->remove(location(), call_)));
    EXPECT_FALSE(fs::exists(objects() / kDirectory));
    EXPECT_TRUE(fs::exists(folder_.file("elsewhere/kept")));
}

TEST_F(LocalBackendTest, DoesNotRemoveALinkedDirectory) {
    fs::create_directory(folder_.file("elsewhere"));
    put(folder_.file("elsewhere/kept"), "x");
    fs::create_directory_symlink(folder_.file("elsewhere"), objects() / kDirectory);
    EXPECT_FALSE(test::run(make()->remove(location(), call_)));
    EXPECT_TRUE(fs::exists(folder_.file("elsewhere/kept")));
}

TEST_F(LocalBackendTest, ListsOnlyDirectoriesOfObjects) {
    put_object();
    fs::create_directory(objects() / "lost+found");
    fs::create_directory(objects() / kImage.str());
    const auto list = test::run(make()->list(call_)).value();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list.front().directory, kDirectory);
    EXPECT_EQ(list.front().datastore, objects());
}

TEST_F(LocalBackendTest, PlacesByWeightAndReadsFromEveryFolder) {
    const fs::path heavy = folder_.path() / "heavy";
    fs::create_directory(heavy);
    options_.directories.push_back({heavy, 10, ""});
    const auto backend = make();
    const auto placement = test::run(backend->place({kImage, 1, {}, {}}, call_)).value();
    EXPECT_EQ(placement.datastore, heavy);
    put_object();
    EXPECT_EQ(read(*backend, location()).value(), "hello");
    Location there = location();
    there.datastore = heavy;
    EXPECT_EQ(read(*backend, there).error().code, Errc::not_found);
}

TEST_F(LocalBackendTest, PlacesElsewhereWhenAFolderIsNotMounted) {
    options_.directories.push_back({folder_.path() / "missing", 10, ""});
    EXPECT_EQ(test::run(make()->place({kImage, 1, {}, {}}, call_)).value().datastore, objects());
    options_.directories.erase(options_.directories.begin());
    EXPECT_EQ(test::run(make()->place({kImage, 1, {}, {}}, call_)).error().code, Errc::unavailable);
}

TEST_F(LocalBackendTest, SaysUnavailableWhenItsFolderIsNotMounted) {
    fs::remove(objects());
    const auto backend = make();
    EXPECT_EQ(read(*backend, location()).error().code, Errc::unavailable);
    EXPECT_EQ(test::run(backend->remove(location(), call_)).error().code, Errc::unavailable);
    EXPECT_FALSE(test::run(backend->list(call_)));
    EXPECT_FALSE(test::run(backend->datastores(call_)).value().front().accessible);
}

TEST_F(LocalBackendTest, NamesItsFilesByUrl) {
    const std::string file = std::string(kDirectory) + "/" + kImage.str() + ".img";
    const auto plain = make();
    EXPECT_FALSE(plain->info().publishes_locations);
    EXPECT_EQ(plain->location_url(location()), "file://" + objects().string() + "/" + file);
    for (const char* folder : {"openstack", "openstack/"}) {
        options_.directories.front().published_as =
            std::string("vsphere://vc.example/folder/") + folder + "?dcPath=DC0&dsName=nfs";
        const auto published = make();
        EXPECT_TRUE(published->info().publishes_locations);
        EXPECT_EQ(
            published->location_url(location()),
            "vsphere://vc.example/folder/openstack/" + file + "?dcPath=DC0&dsName=nfs"
        );
    }
}

TEST_F(LocalBackendTest, RefusesOptionsThatDoNotFit) {
    const auto code = [&](auto change) {
        LocalBackendOptions options = options_;
        change(options);
        const auto made = LocalBackend::create(options, pool_);
        return made ? Errc::internal : made.error().code;
    };
    EXPECT_EQ(code([](auto& o) { o.directories.clear(); }), Errc::invalid_argument);
    EXPECT_EQ(code([](auto& o) { o.directories[0].path = "objects"; }), Errc::invalid_argument);
    EXPECT_EQ(code([](auto& o) { o.clone_root = "clones"; }), Errc::invalid_argument);
    EXPECT_EQ(
        code([](auto& o) { o.directories[0].published_as = "file:///x"; }), Errc::invalid_argument
    );
    EXPECT_EQ(
        code([](auto& o) {
            o.directories.push_back({"/other", 0, "vsphere://v/folder/d?dcPath=a&dsName=b"});
        }),
        Errc::invalid_argument
    );
}

TEST_F(LocalBackendTest, ClonesWithHonestAccounts) {
    put_object();
    const auto account = clone(*make(), "vm/disk.img");
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(text_of(clones() / "vm" / "disk.img"), "hello");
    const Account& a = account.value();
    if (a.path == "reflink") EXPECT_EQ(a.bytes_copied + a.bytes_through, 0U);
    if (a.path == "copy_range") EXPECT_EQ(a.bytes_copied, 5U);
    if (a.path == "stream") EXPECT_EQ(a.bytes_through, 5U);
    EXPECT_THAT(a.path, testing::AnyOf("reflink", "copy_range", "stream"));
    EXPECT_EQ(std::distance(fs::directory_iterator(clones() / "vm"), {}), 1);
}

TEST_F(LocalBackendTest, LeavesNothingOfACloneThatIsCancelledAtItsCheckpoint) {
    put_object();
    progress_.save = [](std::string) -> awaitable<Result<void>> {
        co_return Error(Errc::cancelled, "the task was cancelled");
    };
    EXPECT_EQ(clone(*make(), "disk.img").error().code, Errc::cancelled);
    EXPECT_TRUE(fs::is_empty(clones()));
}

TEST_F(LocalBackendTest, LeavesACloneToTheServerThatHasTakenItOver) {
    put_object();
    progress_.save = [](std::string) -> awaitable<Result<void>> {
        co_return Error(Errc::conflict, "the claim was lost");
    };
    EXPECT_EQ(clone(*make(), "disk.img").error().code, Errc::conflict);
    EXPECT_EQ(std::distance(fs::directory_iterator(clones()), {}), 1);
    progress_.lost = [] { return true; };
    EXPECT_EQ(clone(*make(), "disk.img").error().code, Errc::conflict);
}

// A bare extent of 1024 bytes with its descriptor.
class LocalFlatClone : public LocalBackendTest {
protected:
    LocalFlatClone() {
        fs::create_directory(objects() / kDirectory);
        put(objects() / kDirectory / flat().data_file, bytes_);
        put(objects() / kDirectory / flat().descriptor,
            "# Disk DescriptorFile\nversion=1\nRW 2 VMFS \"x-flat.vmdk\"\n"
            "ddb.adapterType = \"ide\"\n");
        progress_.save = [this](std::string checkpoint) -> awaitable<Result<void>> {
            checkpoint_ = std::move(checkpoint);
            co_return Result<void>();
        };
    }

    static Location flat() {
        Location source = location();
        source.form = StoredForm::flat;
        source.data_file = kImage.str() + "-flat.vmdk";
        source.descriptor = kImage.str() + ".vmdk";
        source.stored_bytes = 1024;
        return source;
    }
    CloneRequest flat_request(const std::string& path) const {
        auto what = request(path);
        what.source = flat();
        return what;
    }
    Result<Account> flat_clone(const std::string& path, const std::string& checkpoint = {}) {
        return test::run(make()->clone(flat_request(path), checkpoint, progress_, call_));
    }
    void expect_a_disk() {
        EXPECT_EQ(text_of(clones() / "vm/disk-flat.vmdk"), bytes_);
        const auto descriptor = text_of(clones() / "vm/disk.vmdk");
        EXPECT_THAT(descriptor, testing::HasSubstr("RW 2 VMFS \"disk-flat.vmdk\""));
        EXPECT_THAT(descriptor, testing::HasSubstr("ddb.adapterType = \"ide\""));
        EXPECT_EQ(std::distance(fs::directory_iterator(clones() / "vm"), {}), 2);
    }

    const std::string bytes_ = std::string(1024, 'b');
    std::string checkpoint_;
};

TEST_F(LocalFlatClone, IsAnExtentAndItsDescriptor) {
    const auto account = flat_clone("vm/disk.vmdk");
    ASSERT_TRUE(account) << account.error().message;
    expect_a_disk();
}

TEST_F(LocalFlatClone, GoesOnAfterARestartBetweenItsTwoNames) {
    ASSERT_TRUE(flat_clone("vm/disk.vmdk"));
    ASSERT_TRUE(flat_clone("vm/disk.vmdk", checkpoint_));
    fs::remove(clones() / "vm/disk.vmdk");
    ASSERT_TRUE(flat_clone("vm/disk.vmdk", checkpoint_));
    expect_a_disk();
}

TEST_F(LocalFlatClone, LeavesWhatHasOneOfItsNamesAlone) {
    fs::create_directory(clones() / "vm");
    for (const char* taken : {"vm/disk-flat.vmdk", "vm/disk.vmdk"}) {
        put(clones() / taken, "precious");
        EXPECT_EQ(
            test::run(make()->check_clone(flat_request("vm/disk.vmdk"), call_)).error().code,
            Errc::conflict
        );
        EXPECT_EQ(flat_clone("vm/disk.vmdk").error().code, Errc::conflict);
        EXPECT_EQ(text_of(clones() / taken), "precious");
        EXPECT_EQ(std::distance(fs::directory_iterator(clones() / "vm"), {}), 1);
        fs::remove(clones() / taken);
    }
}

TEST_F(LocalFlatClone, IsNamedByItsDescriptor) {
    for (const char* path : {"vm/disk-flat.vmdk", ".vmdk", "disk.img"})
        EXPECT_EQ(flat_clone(path).error().code, Errc::invalid_argument) << path;
}

TEST_F(LocalBackendTest, DoesNotCloneThroughALinkedFolder) {
    put_object();
    fs::create_directory(folder_.file("elsewhere"));
    fs::create_directory_symlink(folder_.file("elsewhere"), clones() / "vm");
    const auto backend = make();
    EXPECT_FALSE(test::run(backend->check_clone(request("vm/disk.img"), call_)));
    EXPECT_FALSE(clone(*backend, "vm/disk.img"));
    EXPECT_TRUE(fs::is_empty(folder_.file("elsewhere")));
}

TEST_F(LocalBackendTest, LeavesADanglingLinkAtTheTargetAlone) {
    put_object();
    fs::create_symlink(folder_.file("nowhere"), clones() / "disk.img");
    EXPECT_EQ(clone(*make(), "disk.img").error().code, Errc::conflict);
    EXPECT_FALSE(fs::exists(folder_.file("nowhere")));
}

TEST_F(LocalBackendTest, MakesNoClonesWithoutARoot) {
    put_object();
    options_.clone_root.clear();
    EXPECT_EQ(clone(*make(), "disk.img").error().code, Errc::forbidden);
}

TEST_F(LocalBackendTest, DoesNotTurnAnIsoIntoADisk) {
    put_object();
    auto iso = request("disk.vmdk");
    iso.source.data_file = kImage.str() + ".iso";
    EXPECT_EQ(test::run(make()->check_clone(iso, call_)).error().code, Errc::invalid_argument);
}

TEST_F(LocalBackendTest, RefusesAnotherDiskType) {
    put_object();
    auto thick = request("disk.img");
    thick.target.disk_type = "thick";
    EXPECT_EQ(test::run(make()->check_clone(thick, call_)).error().code, Errc::invalid_argument);
}

TEST_F(LocalBackendTest, CopiesAgainWhenTheCheckpointsFileIsGone) {
    put_object();
    const std::string checkpoint =
        R"({"device":1,"inode":2,"path":"reflink","bytes_copied":0,"bytes_through":0})";
    const auto account =
        test::run(make()->clone(request("disk.img"), checkpoint, progress_, call_));
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(text_of(clones() / "disk.img"), "hello");
}

TEST_F(LocalBackendTest, RefusesADamagedCheckpoint) {
    put_object();
    for (const char* checkpoint : {"x", "[]", "{}", R"({"device":"1"})"})
        EXPECT_FALSE(test::run(make()->clone(request("disk.img"), checkpoint, progress_, call_)));
}

// A folder on a file system that is not mounted: the place is there, and empty.
class ClaimedFolder : public LocalBackendTest {
protected:
    Result<void> claim(LocalBackend& backend, const std::string& id, std::vector<Location> held) {
        const auto told = [&held]() -> awaitable<Result<std::vector<Location>>> { co_return held; };
        return test::run(backend.claim(id, told, call_));
    }
    static std::vector<Location> live() {
        Location stored = location();
        stored.state = LocationState::live;
        return {stored};
    }
    void unmount() {
        fs::rename(objects(), folder_.path() / "elsewhere");
        fs::create_directory(objects());
    }
    void mount() {
        fs::remove_all(objects());
        fs::rename(folder_.path() / "elsewhere", objects());
    }
    void expect_unavailable(LocalBackend& backend) {
        const PlaceRequest wanted{kImage, 5, {}, {}};
        EXPECT_EQ(test::run(backend.place(wanted, call_)).error().code, Errc::unavailable);
        EXPECT_EQ(
            test::run(backend.open_writer(location(), 5, call_)).error().code, Errc::unavailable
        );
        EXPECT_EQ(test::run(backend.stat(location(), call_)).error().code, Errc::unavailable);
        EXPECT_EQ(test::run(backend.remove(location(), call_)).error().code, Errc::unavailable);
        EXPECT_EQ(test::run(backend.list(call_)).error().code, Errc::unavailable);
        EXPECT_TRUE(fs::is_empty(objects()));
    }
};

TEST_F(ClaimedFolder, IsUsedAgainWhenItIsMountedAgain) {
    const auto backend = make();
    ASSERT_TRUE(claim(*backend, "catalogue", {}));
    put_object();
    EXPECT_EQ(read(*backend, location()).value(), "hello");
    unmount();
    expect_unavailable(*backend);
    mount();
    EXPECT_EQ(read(*backend, location()).value(), "hello");
    EXPECT_TRUE(test::run(backend->remove(location(), call_)));
}

TEST_F(ClaimedFolder, IsNotTakenForItsMountPoint) {
    put_object();
    ASSERT_TRUE(claim(*make(), "catalogue", live()));
    unmount();
    const auto backend = make();
    ASSERT_TRUE(claim(*backend, "catalogue", live()));
    expect_unavailable(*backend);
    mount();
    EXPECT_EQ(read(*backend, location()).value(), "hello");
}

TEST_F(ClaimedFolder, IsUsedWithoutAMarkWhenNoneCanBeWritten) {
    put_object();
    const auto backend = make();
    rlimit usual{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &usual), 0);
    const rlimit none{0, usual.rlim_max};
    std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);  // as on a disk that is full
    const auto claimed = claim(*backend, "catalogue", live());
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &usual), 0);
    std::signal(SIGXFSZ, SIG_DFL);
    ASSERT_TRUE(claimed);
    EXPECT_EQ(std::distance(fs::directory_iterator(objects()), {}), 1) << "no half mark";
    EXPECT_EQ(read(*backend, location()).value(), "hello");
    EXPECT_TRUE(test::run(backend->remove(location(), call_)));
}

TEST_F(ClaimedFolder, IsNotTakenForAnothersWhenItsMarkCanNotBeRead) {
    const auto backend = make();
    ASSERT_TRUE(claim(*backend, "catalogue", {}));
    fs::remove(objects() / ".slipway-catalog");
    fs::create_symlink("/etc/hostname", objects() / ".slipway-catalog");
    EXPECT_EQ(test::run(backend->stat(location(), call_)).error().code, Errc::unavailable);
}

TEST_F(ClaimedFolder, BelongsToOneCatalogue) {
    ASSERT_TRUE(claim(*make(), "catalogue", {}));
    EXPECT_TRUE(claim(*make(), "catalogue", {}));
    const auto refused = claim(*make(), "another", {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::conflict);
    EXPECT_THAT(refused.error().message, testing::HasSubstr(objects().string()));
    EXPECT_THAT(refused.error().message, testing::HasSubstr(".slipway-catalog"));
}

}  // namespace
}  // namespace slipway::store
