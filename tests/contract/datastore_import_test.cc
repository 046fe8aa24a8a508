#include "tests/contract/datastore_objects.h"

#include "store/datastore_layout.h"
#include "tests/fakes/temporary_folder.h"
#include "tests/unit/format/qemu_img.h"

#include <algorithm>
#include <fstream>
#include <regex>

namespace slipway::test {
namespace {

using namespace std::chrono_literals;
using Names = std::set<std::string>;

class Bytes final : public ByteSource {
public:
    Bytes(std::vector<std::byte> bytes, bool tells_size)
        : bytes_(std::move(bytes)), tells_size_(tells_size) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        if (fail_at && at_ >= *fail_at) co_return Error(Errc::corrupt, "the source is broken");
        if (pause.count() > 0) co_await sleep_for(pause);
        const auto n = std::min<std::size_t>({into.size(), bytes_.size() - at_, 16U << 10U});
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), n, into.begin());
        at_ += n;
        co_return n;
    }
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override {
        if (tells_size_) return bytes_.size();
        return std::nullopt;
    }

    std::optional<std::size_t> fail_at;
    std::chrono::milliseconds pause{0};

private:
    std::vector<std::byte> bytes_;
    bool tells_size_;
    std::size_t at_ = 0;
};

// Disks that come in by import, on a datastore that keeps them as objects.
class DatastoreImports : public DatastoreObjects {
protected:
    void SetUp() override {
        use({.datastore = "vsan1"});
        std::ofstream(folder_.file("disk.raw"), std::ios::binary)
            .write(
                reinterpret_cast<const char*>(disk_.data()),
                static_cast<std::streamsize>(disk_.size())
            );
        const auto made = qemu_img(
            {"convert",
             "-f",
             "raw",
             "-O",
             "vmdk",
             "-o",
             "subformat=streamOptimized",
             folder_.file("disk.raw"),
             folder_.file("disk.vmdk")}
        );
        ASSERT_EQ(made.status, 0) << made.output;
        stream_ = bytes_of(folder_.file("disk.vmdk"));
    }

    Location target() {
        Location location;
        location.image_id = ImageId(new_uuid());
        location.datastore = "DC0/vsan1";
        location.directory = store::new_object_directory(fixture_->store_dir(), location.image_id);
        location.data_file = location.descriptor = location.image_id.str() + ".vmdk";
        location.form = StoredForm::boot;
        return location;
    }
    Result<Account> import_disk(const Location& location, Bytes& stream) {
        return await(backend().import_disk(
            location, stream, disk_.size(), {{"manifest.json", "{}\n"}}, call_
        ));
    }
    Names object(const Location& location) { return names_in(on("vsan1", location.directory)); }
    // Neither machine nor folder of one.
    void expect_no_machine(const Location& location) {
        const auto id = location.image_id.str();
        EXPECT_EQ(vcenter().get("/machines").find(id), std::string::npos);
        for (const auto& name : names_in(on("vsan1", "")))
            EXPECT_EQ(name.find(id), std::string::npos) << name;
    }
    // What is on the disk: copied to a datastore where a disk is a file.
    std::vector<std::byte> content(const Location& location) {
        std::ifstream in(on("vsan1", location.directory + '/' + location.data_file));
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        std::smatch object;
        if (!std::regex_search(text, object, std::regex("vsan://([-0-9a-f]+)"))) return {};
        for (const auto& entry : std::filesystem::recursive_directory_iterator(on("vsan1", "")))
            if (entry.path().filename() == object[1].str()) return bytes_of(entry.path());
        return {};
    }

    TemporaryFolder folder_;
    std::vector<std::byte> stream_;
};

TEST_F(DatastoreImports, KeepTheDiskAndNothingElse) {
    const auto location = target();
    EXPECT_TRUE(await(backend().keeps_disks_as_objects(location, call_)).value());
    Bytes stream(stream_, true);
    const auto account = import_disk(location, stream);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(account->path, "nfc");
    EXPECT_EQ(account->bytes_through, stream_.size());
    EXPECT_EQ(account->bytes_copied, 0U);
    EXPECT_EQ(object(location), (Names{location.data_file, "manifest.json"}));
    EXPECT_TRUE(content(location) == disk_);
    expect_no_machine(location);

    ASSERT_TRUE(await(backend().remove(location, call_)));
    EXPECT_EQ(object(location), Names());
}

TEST_F(DatastoreImports, MakeDisksThatTheCacheAndCopiesTake) {
    const auto location = target();
    Bytes stream(stream_, false);
    ASSERT_TRUE(import_disk(location, stream));

    store::CopyRequest copy{location, target(), TaskId(new_uuid())};
    copy.target.image_id = location.image_id;
    copy.target.data_file = copy.target.descriptor = location.data_file;
    copy.target.directory = store::new_object_directory(fixture_->store_dir(), location.image_id);
    const auto copied =
        await(backend().copy(copy, {"manifest.json", "{}\n"}, "", progress_, call_));
    ASSERT_TRUE(copied) << copied.error().message;
    EXPECT_EQ(copied->path, "copy_disk");
    EXPECT_TRUE(content(copy.target) == disk_);

    store::SeedRequest seed;
    seed.source = location;
    seed.datacenter = "DC0";
    seed.datastore = "vsan1";
    seed.base_folder = "prod" + random_hex(8) + "_base";
    seed.name = location.image_id.str();
    seed.capacity_bytes = disk_.size();
    seed.sizes_gib = {1};
    seed.task = TaskId(new_uuid());
    percents_.clear();
    const auto seeded = await(backend().seed(seed, "", progress_, call_));
    ASSERT_TRUE(seeded) << seeded.error().message;
    EXPECT_EQ(
        names_in(on("vsan1", seed.base_folder + '/' + seed.name)),
        (Names{seed.name + ".vmdk", seed.name + ".1.vmdk"})
    );
    EXPECT_EQ(names_in(on("vsan1", fixture_->store_dir() + "_seeding")), Names());
    EXPECT_TRUE(await(backend().remove_seed(seed, call_)));

    const std::string path = "vm" + random_hex(8) + "/disk.vmdk";
    for (const std::string datastore : {"vsan1", "work"}) {
        const store::CloneRequest clone{location, {"DC0", datastore, path, ""}, TaskId(new_uuid())};
        const auto cloned = await(backend().clone(clone, "", progress_, call_));
        ASSERT_TRUE(cloned) << datastore << ": " << cloned.error().message;
        EXPECT_TRUE(std::filesystem::exists(on(datastore, path))) << datastore;
    }
    EXPECT_EQ(names_in(on("vsan1", seed.base_folder)), Names());
}

TEST_F(DatastoreImports, AreSentToWhereverTheLeaseSays) {
    for (const std::string host : {"vcenter", "*"}) {
        vcenter().set(R"({"nfc_host":")" + host + "\"}");
        const auto location = target();
        Bytes stream(stream_, true);
        const auto account = import_disk(location, stream);
        ASSERT_TRUE(account) << host << ": " << account.error().message;
        EXPECT_TRUE(content(location) == disk_);
    }
}

TEST_F(DatastoreImports, KeepAShortLeaseAlive) {
    vcenter().set(R"({"lease_seconds":4})");
    const auto location = target();
    Bytes stream(stream_, true);
    stream.pause = 1500ms;
    const auto before = vcenter().calls("HttpNfcLeaseProgress");
    const auto account = import_disk(location, stream);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_GE(vcenter().calls("HttpNfcLeaseProgress"), before + 4);
    EXPECT_TRUE(content(location) == disk_);
}

TEST_F(DatastoreImports, LeaveNothingBehindWhenTheSourceBreaks) {
    const auto location = target();
    Bytes stream(stream_, true);
    stream.fail_at = 32U << 10U;
    const auto account = import_disk(location, stream);
    ASSERT_FALSE(account);
    EXPECT_EQ(account.error().code, Errc::corrupt) << account.error().message;
    EXPECT_EQ(object(location), Names());
    expect_no_machine(location);
}

TEST_F(DatastoreImports, LeaveNothingBehindWhenTheyAreCutShort) {
    const auto location = target();
    Bytes stream(stream_, true);
    stream.pause = 500ms;
    auto cut = [&]() -> awaitable<Result<Account>> {
        co_return co_await with_deadline(
            after(1500ms), backend().import_disk(location, stream, disk_.size(), {}, call_)
        );
    };
    EXPECT_FALSE(await(cut()));
    EXPECT_EQ(object(location), Names());
    expect_no_machine(location);
}

TEST_F(DatastoreImports, LeaveNothingBehindWhenTheConnectionIsCut) {
    vcenter().fault(R"({"match":{"kind":"nfc"},"action":"reset","at_byte":70000,"count":1})");
    const auto location = target();
    Bytes stream(stream_, true);
    const auto account = import_disk(location, stream);
    ASSERT_FALSE(account);
    EXPECT_EQ(account.error().code, Errc::unavailable) << account.error().message;
    EXPECT_EQ(object(location), Names());
    expect_no_machine(location);
}

// Nobody hears that we are still at work.
TEST_F(DatastoreImports, LeaveNothingBehindWhenTheLeaseRunsOut) {
    vcenter().set(R"({"lease_seconds":1})");
    vcenter().fault(
        R"({"match":{"kind":"soap","method":"HttpNfcLeaseProgress"},"action":"soap_fault","fault":"HostCommunication"})"
    );
    const auto location = target();
    Bytes stream(stream_, true);
    stream.pause = 500ms;
    const auto account = import_disk(location, stream);
    ASSERT_FALSE(account);
    EXPECT_EQ(object(location), Names());
    expect_no_machine(location);
}

// The machine is there, and vSphere does not want it any more.
TEST_F(DatastoreImports, LeaveNothingBehindWhenTheLeaseFails) {
    fault_once(
        "task", "ImportVApp", R"("action":"task_fault","fault":"NoDiskSpace","at_end":true)"
    );
    const auto location = target();
    Bytes stream(stream_, true);
    const auto account = import_disk(location, stream);
    ASSERT_FALSE(account);
    EXPECT_EQ(account.error().code, Errc::no_space) << account.error().message;
    EXPECT_EQ(object(location), Names());
    expect_no_machine(location);
}

TEST_F(DatastoreImports, LeaveADiskThatIsThereAsItIs) {
    const auto location = target();
    Bytes stream(stream_, true);
    ASSERT_TRUE(import_disk(location, stream));
    Bytes again(stream_, true);
    EXPECT_EQ(import_disk(location, again).error().code, Errc::conflict);
    EXPECT_TRUE(content(location) == disk_);
}

TEST_F(DatastoreImports, AreNotNeededWhereADiskIsAFile) {
    auto location = target();
    location.datastore = "DC0/images";
    EXPECT_FALSE(await(backend().keeps_disks_as_objects(location, call_)).value());
}

}  // namespace
}  // namespace slipway::test
