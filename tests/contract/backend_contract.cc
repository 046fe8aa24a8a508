#include "tests/contract/backend_contract.h"

#include "base/digest.h"
#include "format/sparse_layout.h"

#include <algorithm>
#include <random>
#include <span>

namespace slipway::test {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BackendContract);

namespace {

std::vector<std::byte> pattern(std::size_t size) {
    std::mt19937 random(static_cast<unsigned>(size));
    std::vector<std::byte> bytes(size);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random());
    return bytes;
}

std::vector<std::byte> slice(
    const std::vector<std::byte>& bytes, std::size_t first, std::size_t n
) {
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(first);
    return {begin, begin + static_cast<std::ptrdiff_t>(n)};
}

}  // namespace

BackendContract::BackendContract() : fixture_(GetParam().make()) {
    progress_.report = [this](int percent) { percents_.push_back(percent); };
    progress_.save = [this](std::string checkpoint) -> awaitable<Result<void>> {
        checkpoints_.push_back(std::move(checkpoint));
        co_return Result<void>();
    };
    progress_.cancelled = [] { return false; };
}

BackendContract::~BackendContract() = default;

Location BackendContract::placed(std::uint64_t bytes, const std::string& suffix) {
    Location location;
    location.id = LocationId(new_uuid());
    location.image_id = ImageId(new_uuid());
    location.backend = backend().info().id;
    const auto placement =
        await(backend().place({location.image_id, bytes, {}, {}}, call_)).value();
    location.datastore = placement.datastore;
    location.datastore_ref = placement.datastore_ref;
    location.directory = placement.directory;
    location.data_file = location.image_id.str() + suffix;
    location.stored_bytes = bytes;
    return location;
}

Result<void> BackendContract::write(const Location& location, const std::vector<std::byte>& bytes) {
    SLIPWAY_TRY(auto writer, await(backend().open_writer(location, location.stored_bytes, call_)));
    for (std::size_t at = 0; at < bytes.size(); at += kChunkBytes) {
        const auto chunk = std::span(bytes).subspan(at, std::min(kChunkBytes, bytes.size() - at));
        SLIPWAY_CHECK(await(writer->write(chunk)));
    }
    const std::vector<store::SideFile> manifest = {{location.image_id.str() + ".json", "{}\n"}};
    return await(writer->commit(bytes.size(), manifest));
}

Location BackendContract::stored(const std::vector<std::byte>& bytes) {
    Location location = placed(bytes.size());
    const auto written = write(location, bytes);
    EXPECT_TRUE(written) << written.error().message;
    return location;
}

Result<std::vector<std::byte>> BackendContract::read(const Location& location, ByteRange range) {
    SLIPWAY_TRY(auto reader, await(backend().open_reader(location, range, call_)));
    std::vector<std::byte> bytes;
    std::vector<std::byte> buffer(1U << 20U);
    for (;;) {
        SLIPWAY_TRY(const std::size_t got, await(reader->read_some(buffer)));
        if (got == 0) return bytes;
        bytes.insert(
            bytes.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got)
        );
    }
}

bool BackendContract::is_listed(const Location& location) {
    const auto list = await(backend().list(call_)).value();
    return std::any_of(list.begin(), list.end(), [&](const store::Placement& placement) {
        return placement.datastore == location.datastore &&
               placement.directory == location.directory;
    });
}

Location BackendContract::stored_disk(const std::vector<std::byte>& disk) {
    const auto layout =
        format::SparseLayout::create(
            disk.size(), format::AdapterType::lsilogic, format::DiskIdentity::random()
        )
            .value();
    std::vector<std::byte> file(layout.file_bytes());
    layout.read_prefix(0, std::span(file).first(layout.prefix_bytes()));
    std::copy(
        disk.begin(), disk.end(), file.begin() + static_cast<std::ptrdiff_t>(layout.prefix_bytes())
    );
    Location location = placed(file.size(), ".vmdk");
    location.form = StoredForm::sparse;
    location.data_offset = layout.prefix_bytes();
    const auto written = write(location, file);
    EXPECT_TRUE(written) << written.error().message;
    return location;
}

store::CloneRequest BackendContract::clone_request(
    const Location& source, const std::string& path
) {
    return {source, fixture_->clone_target(path), TaskId(new_uuid())};
}

Result<Account> BackendContract::clone(
    const store::CloneRequest& request, const std::string& checkpoint
) {
    return await(backend().clone(request, checkpoint, progress_, call_));
}

std::optional<std::vector<std::byte>> BackendContract::cloned_disk(
    const store::CloneRequest& request, std::size_t bytes
) {
    auto disk = fixture_->cloned_disk(request.target, request.source);
    if (disk && disk->size() > bytes) disk->resize(bytes);
    return disk;
}

store::CopyRequest BackendContract::copy_request(const Location& source) {
    Location target = placed(source.stored_bytes);
    target.image_id = source.image_id;
    target.data_file = source.data_file;
    target.descriptor = source.descriptor;
    const auto placement =
        await(backend().place({source.image_id, source.stored_bytes, {}, {}}, call_)).value();
    target.directory = placement.directory;
    return {source, target, TaskId(new_uuid())};
}

Result<Account> BackendContract::copy(
    const store::CopyRequest& request, const std::string& checkpoint
) {
    store::SideFile manifest{request.target.image_id.str() + ".json", "{}\n"};
    return await(backend().copy(request, std::move(manifest), checkpoint, progress_, call_));
}

TEST_P(BackendContract, ReadsBackWhatWasWritten) {
    const auto bytes = pattern(100'000);
    const Location location = stored(bytes);
    EXPECT_TRUE(read(location, {0, bytes.size()}).value() == bytes);
    EXPECT_EQ(await(backend().stat(location, call_)).value(), bytes.size());
}

TEST_P(BackendContract, ReadsRanges) {
    const auto bytes = pattern(10'000);
    const Location location = stored(bytes);
    EXPECT_TRUE(read(location, {0, 1}).value() == slice(bytes, 0, 1));
    EXPECT_TRUE(read(location, {511, 1025}).value() == slice(bytes, 511, 1025));
    EXPECT_TRUE(read(location, {9'999, 1}).value() == slice(bytes, 9'999, 1));
}

TEST_P(BackendContract, KeepsAnEmptyObject) {
    const Location location = stored({});
    EXPECT_EQ(await(backend().stat(location, call_)).value(), 0U);
}

TEST_P(BackendContract, KeepsEveryByteOfAnObjectOfSeveralChunks) {
    const auto bytes = pattern(2 * kChunkBytes + 12'345);
    const Location location = stored(bytes);
    auto written = Digest::create("sha256").value();
    written.update(bytes);
    auto stored_digest = Digest::create("sha256").value();
    stored_digest.update(read(location, {0, bytes.size()}).value());
    EXPECT_EQ(stored_digest.finish_hex(), written.finish_hex());
}

TEST_P(BackendContract, WritesAnObjectWhoseSizeIsUnknown) {
    const auto bytes = pattern(70'000);
    Location location = placed(0);
    auto writer = await(backend().open_writer(location, std::nullopt, call_)).value();
    ASSERT_TRUE(await(writer->write(bytes)));
    ASSERT_TRUE(await(writer->commit(bytes.size(), {})));
    location.stored_bytes = bytes.size();
    EXPECT_TRUE(read(location, {0, bytes.size()}).value() == bytes);
}

TEST_P(BackendContract, RefusesToCommitAnotherSize) {
    const auto bytes = pattern(1000);
    const Location location = placed(bytes.size());
    auto writer = await(backend().open_writer(location, location.stored_bytes, call_)).value();
    ASSERT_TRUE(await(writer->write(bytes)));
    const auto committed = await(writer->commit(1001, {}));
    ASSERT_FALSE(committed);
    EXPECT_EQ(committed.error().code, Errc::corrupt);
}

TEST_P(BackendContract, DoesNotReadAFileOfAnotherLengthThanTheLocationSays) {
    Location location = stored(pattern(1000));
    location.stored_bytes = 1001;
    const auto refused = await(backend().open_reader(location, {0, 1000}, call_));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::corrupt);
}

TEST_P(BackendContract, SaysNotFoundForAnAbsentObject) {
    const Location location = placed(1000);
    EXPECT_EQ(await(backend().stat(location, call_)).error().code, Errc::not_found);
    const auto reader = await(backend().open_reader(location, {0, 1000}, call_));
    ASSERT_FALSE(reader);
    EXPECT_EQ(reader.error().code, Errc::not_found);
}

TEST_P(BackendContract, NeverWritesOverAnObject) {
    const auto bytes = pattern(1000);
    const Location location = stored(bytes);
    const auto again = await(backend().open_writer(location, 1000, call_));
    EXPECT_FALSE(again);
    EXPECT_TRUE(read(location, {0, 1000}).value() == bytes);
}

TEST_P(BackendContract, GivesEveryAttemptADirectoryOfItsOwn) {
    const ImageId image(new_uuid());
    const auto first = await(backend().place({image, 1, {}, {}}, call_)).value();
    const auto second = await(backend().place({image, 1, {}, {}}, call_)).value();
    EXPECT_NE(first.directory, second.directory);
    const std::string name = first.directory.substr(first.directory.rfind('/') + 1);
    EXPECT_EQ(name.size(), 36U + 1 + 16);
    EXPECT_TRUE(name.starts_with(image.str() + "."));
}

TEST_P(BackendContract, FindsNoRoomForMoreThanThereIs) {
    const auto refused = await(backend().place({ImageId(new_uuid()), 1ULL << 62U, {}, {}}, call_));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::no_space);
}

TEST_P(BackendContract, ListsObjectsUntilTheyAreRemoved) {
    const Location first = stored(pattern(10));
    const Location second = stored(pattern(20));
    EXPECT_TRUE(is_listed(first));
    EXPECT_TRUE(is_listed(second));
    ASSERT_TRUE(await(backend().remove(first, call_)));
    EXPECT_FALSE(is_listed(first));
    EXPECT_TRUE(is_listed(second));
    EXPECT_EQ(await(backend().stat(first, call_)).error().code, Errc::not_found);
}

TEST_P(BackendContract, RemovesTwiceWithoutComplaint) {
    const Location location = stored(pattern(10));
    EXPECT_TRUE(await(backend().remove(location, call_)));
    EXPECT_TRUE(await(backend().remove(location, call_)));
}

TEST_P(BackendContract, RemovesNothingButDirectoriesOfObjects) {
    const auto bytes = pattern(10);
    const Location location = stored(bytes);
    const auto slash = location.directory.rfind('/');
    const std::string parent =
        slash == std::string::npos ? "" : location.directory.substr(0, slash + 1);
    const std::string name = location.directory.substr(parent.size());
    const std::vector<std::string> foreign = {
        "",
        ".",
        "..",
        "/",
        parent,
        parent + ".",
        parent + "..",
        parent + name.substr(0, 36),
        parent + name.substr(0, 52),
        parent + name + "0",
        parent + name + "/",
        parent + name + "/..",
        parent + "../" + name,
        parent + "./" + name,
        parent + "other/" + name,
        "/" + location.directory,
        "elsewhere/" + name,
        parent + std::string(36, 'x') + "." + std::string(16, '0'),
    };
    for (const std::string& directory : foreign) {
        Location other = location;
        other.directory = directory;
        EXPECT_FALSE(await(backend().remove(other, call_))) << directory;
    }
    EXPECT_TRUE(read(location, {0, 10}).value() == bytes);
}

TEST_P(BackendContract, RefusesToRemoveTheDirectoryOfAnotherImage) {
    const Location location = stored(pattern(10));
    Location other = location;
    other.image_id = ImageId(new_uuid());
    EXPECT_FALSE(await(backend().remove(other, call_)));
    EXPECT_TRUE(is_listed(location));
}

TEST_P(BackendContract, RemovesWhatAnAbandonedWriterLeft) {
    const Location location = placed(1000);
    {
        auto writer = await(backend().open_writer(location, 1000, call_)).value();
        (void)await(writer->write(pattern(500)));
    }
    ASSERT_TRUE(await(backend().remove(location, call_)));
    EXPECT_FALSE(is_listed(location));
}

TEST_P(BackendContract, ReportsItsDatastores) {
    const auto datastores = await(backend().datastores(call_)).value();
    ASSERT_FALSE(datastores.empty());
    EXPECT_TRUE(datastores.front().accessible);
    EXPECT_GT(datastores.front().capacity_bytes, 0U);
    EXPECT_LE(datastores.front().free_bytes, datastores.front().capacity_bytes);
}

TEST_P(BackendContract, ClonesADiskIntoAFolderThatItMakes) {
    const auto disk = pattern(196'608);
    const auto request = clone_request(stored_disk(disk), "one/two/disk.vmdk");
    ASSERT_TRUE(await(backend().check_clone(request, call_)));
    const auto account = clone(request);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_FALSE(account.value().path.empty());
    EXPECT_TRUE(cloned_disk(request, disk.size()) == disk);
}

TEST_P(BackendContract, ReportsProgressThatOnlyGrows) {
    const auto request = clone_request(stored_disk(pattern(196'608)), "vm/disk.vmdk");
    ASSERT_TRUE(clone(request));
    EXPECT_TRUE(std::is_sorted(percents_.begin(), percents_.end()));
    for (const int percent : percents_) EXPECT_TRUE(percent >= 0 && percent <= 100) << percent;
}

TEST_P(BackendContract, LeavesAnExistingTargetAsItIs) {
    const auto disk = pattern(65'536);
    const auto first = clone_request(stored_disk(disk), "vm/disk.vmdk");
    ASSERT_TRUE(clone(first));
    const auto second = clone_request(stored_disk(pattern(131'072)), "vm/disk.vmdk");
    EXPECT_EQ(await(backend().check_clone(second, call_)).error().code, Errc::conflict);
    EXPECT_EQ(clone(second).error().code, Errc::conflict);
    EXPECT_TRUE(cloned_disk(first, disk.size()) == disk);
}

TEST_P(BackendContract, RefusesTargetsOutsideItsRoot) {
    const Location source = stored_disk(pattern(65'536));
    for (const char* path :
         {"",
          "/",
          "/vm/disk.vmdk",
          "../disk.vmdk",
          "vm/../../disk.vmdk",
          "vm/../disk.vmdk",
          "vm//disk.vmdk",
          "./disk.vmdk",
          "vm/.vmdk/",
          "vm/disk",
          "vm/\ndisk.vmdk"}) {
        auto request = clone_request(source, "vm/disk.vmdk");
        request.target.path = path;
        EXPECT_FALSE(await(backend().check_clone(request, call_))) << path;
        EXPECT_FALSE(clone(request)) << path;
    }
}

TEST_P(BackendContract, RefusesADatastoreThatItDoesNotKnow) {
    auto request = clone_request(stored_disk(pattern(65'536)), "vm/disk.vmdk");
    request.target.datastore = "no-such-datastore";
    EXPECT_FALSE(await(backend().check_clone(request, call_)));
    EXPECT_FALSE(clone(request));
}

TEST_P(BackendContract, SaysNotFoundForACloneOfNothing) {
    const Location source = placed(65'536, ".vmdk");
    const auto outcome = clone(clone_request(source, "vm/disk.vmdk"));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::not_found);
}

TEST_P(BackendContract, FindsItsOwnCloneAfterARestart) {
    const auto disk = pattern(131'072);
    const auto request = clone_request(stored_disk(disk), "vm/disk.vmdk");
    ASSERT_TRUE(clone(request));
    ASSERT_FALSE(checkpoints_.empty());
    const auto again = clone(request, checkpoints_.back());
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(cloned_disk(request, disk.size()) == disk);
}

TEST_P(BackendContract, GoesOnFromItsCheckpointAfterACrash) {
    const auto disk = pattern(131'072);
    const auto request = clone_request(stored_disk(disk), "vm/disk.vmdk");
    progress_.save = [this](std::string checkpoint) -> awaitable<Result<void>> {
        checkpoints_.push_back(std::move(checkpoint));
        co_return Error(Errc::unavailable, "the process ends here");
    };
    EXPECT_FALSE(clone(request));
    ASSERT_EQ(checkpoints_.size(), 1U);
    const std::string checkpoint = checkpoints_.back();
    progress_.save = [](std::string) -> awaitable<Result<void>> { co_return Result<void>(); };
    const auto resumed = clone(request, checkpoint);
    ASSERT_TRUE(resumed) << resumed.error().message;
    EXPECT_TRUE(cloned_disk(request, disk.size()) == disk);
}

TEST_P(BackendContract, LeavesNothingAtTheTargetOfACancelledClone) {
    const auto request = clone_request(stored_disk(pattern(131'072)), "vm/disk.vmdk");
    progress_.cancelled = [] { return true; };
    const auto outcome = clone(request);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::cancelled);
    EXPECT_FALSE(cloned_disk(request, 1));
}

TEST_P(BackendContract, CopiesAnObjectToAnotherOne) {
    if (backend().copy_domain().empty()) GTEST_SKIP() << "this backend copies nothing";
    const auto bytes = pattern(300'000);
    const auto request = copy_request(stored(bytes));
    const auto account = copy(request);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(account->bytes_copied + account->bytes_through > 0, account->path != "reflink");
    EXPECT_EQ(percents_.back(), 100);
    EXPECT_TRUE(is_listed(request.target));
    EXPECT_TRUE(read(request.target, {0, bytes.size()}).value() == bytes);
    // Neither needs the other.
    ASSERT_TRUE(await(backend().remove(request.source, call_)));
    EXPECT_TRUE(read(request.target, {0, bytes.size()}).value() == bytes);
}

TEST_P(BackendContract, GoesOnWithACopyFromItsCheckpoints) {
    if (backend().copy_domain().empty()) GTEST_SKIP() << "this backend copies nothing";
    const auto bytes = pattern(100'000);
    const Location source = stored(bytes);
    ASSERT_TRUE(copy(copy_request(source)));
    const auto steps = checkpoints_.size();
    for (std::size_t step = 1; step <= steps; ++step) {
        const auto request = copy_request(source);
        checkpoints_.clear();
        auto save = progress_.save;
        progress_.save = [&](std::string checkpoint) -> awaitable<Result<void>> {
            checkpoints_.push_back(std::move(checkpoint));
            if (checkpoints_.size() < step) co_return Result<void>();
            co_return Error(Errc::unavailable, "the process is gone");
        };
        ASSERT_FALSE(copy(request)) << step;
        progress_.save = save;
        const auto account = copy(request, std::string(checkpoints_.back()));
        ASSERT_TRUE(account) << step << ": " << account.error().message;
        EXPECT_TRUE(read(request.target, {0, bytes.size()}).value() == bytes) << step;
    }
}

TEST_P(BackendContract, LeavesNothingOfACopyThatWasCancelled) {
    if (backend().copy_domain().empty()) GTEST_SKIP() << "this backend copies nothing";
    const auto request = copy_request(stored(pattern(1000)));
    progress_.cancelled = [] { return true; };
    const auto outcome = copy(request);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::cancelled);
    EXPECT_FALSE(is_listed(request.target));
}

TEST_P(BackendContract, LeavesAnObjectThatIsWhereACopyShouldGo) {
    if (backend().copy_domain().empty()) GTEST_SKIP() << "this backend copies nothing";
    const auto bytes = pattern(1000);
    auto request = copy_request(stored(bytes));
    ASSERT_TRUE(copy(request));
    request.task = TaskId(new_uuid());
    EXPECT_EQ(copy(request).error().code, Errc::conflict);
    EXPECT_TRUE(read(request.target, {0, bytes.size()}).value() == bytes);
}

TEST_P(BackendContract, CopiesOnlyWhatTheCatalogueSays) {
    if (backend().copy_domain().empty()) GTEST_SKIP() << "this backend copies nothing";
    auto request = copy_request(stored(pattern(1000)));
    request.source.stored_bytes = 999;
    EXPECT_EQ(copy(request).error().code, Errc::corrupt);
    EXPECT_FALSE(is_listed(request.target));
    request.source.directory = "../" + request.source.directory;
    EXPECT_EQ(copy(request).error().code, Errc::invalid_argument);
}

}  // namespace slipway::test
