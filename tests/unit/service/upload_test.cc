#include "tests/unit/service/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <new>

namespace slipway::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr std::size_t kBytes = 100'000;
constexpr const char* kMd5 = "6e4722a292e77c84f5d9244407cd3719";
constexpr const char* kSha512 =
    "27a49193f13521707ed36091bab7e1097fa3f0d9558b050d70b9ceb9e1d596fb"
    "edc1f4f42302a5f801cb7c788e10e2272786c5b7a2fb79873bafaef041f0b815";
constexpr const char* kMd5OfNothing = "d41d8cd98f00b204e9800998ecf8427e";
constexpr const char* kSha512OfNothing =
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";

// A store whose files hosts can reach, so that disks are kept in a form that can be cloned.
ServicesOptions reachable(BootFormMode boot_form = BootFormMode::sparse) {
    ServicesOptions options;
    options.store.publishes_locations = true;
    options.store.boot_form = boot_form;
    return options;
}

// Whatever failed: the image can be uploaded again, and nothing of the attempt can be read or
// stays.
void expect_nothing_left(Services& services, const ImageId& id) {
    EXPECT_EQ(services.image(id).status, ImageStatus::queued);
    EXPECT_EQ(services.image(id).size_bytes, std::nullopt);
    EXPECT_EQ(services.image(id).checksum, std::nullopt);
    EXPECT_THAT(services.live_locations(id), IsEmpty());
    const auto offer = services.await(services.data.offer(member_of("owner"), id));
    ASSERT_OK(offer);
    EXPECT_THAT(offer->locations, IsEmpty());
    EXPECT_OK(services.await(services.collector.collect_once()));
    EXPECT_THAT(services.memory.directories(), IsEmpty());
}

TEST(Upload, MakesARawImageOfKnownSizeActive) {
    Services services(reachable());
    const ImageId id = services.create_image("raw");

    ASSERT_OK(services.upload(id, pattern(kBytes)));

    const Image image = services.image(id);
    EXPECT_EQ(image.status, ImageStatus::active);
    EXPECT_EQ(image.size_bytes, kBytes);
    EXPECT_EQ(image.virtual_size_bytes, kBytes);
    EXPECT_EQ(image.checksum, kMd5);
    EXPECT_EQ(image.os_hash_algo, "sha512");
    EXPECT_EQ(image.os_hash_value, kSha512);
    EXPECT_EQ(image.disk_format, "raw");
    EXPECT_EQ(services.garbage_notices, 0);
}

// A disk with a boot flag that is none.
std::string disk_with_bad_table() {
    std::string disk(4096, '\0');
    disk[446] = '\x01';
    disk[450] = '\x83';
    disk.replace(510, 2, "\x55\xAA");
    return disk;
}

TEST(Upload, TakesABadPartitionTableOnlyWhereThatIsConfigured) {
    Services strict(reachable());
    const ImageId refused = strict.create_image("raw");
    const auto outcome = strict.upload(refused, disk_with_bad_table());
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::unsupported);
    expect_nothing_left(strict, refused);

    ServicesOptions options = reachable();
    options.rules.formats.tolerates_bad_partition_tables = true;
    Services tolerant(options);
    const ImageId taken = tolerant.create_image("raw");
    ASSERT_OK(tolerant.upload(taken, disk_with_bad_table()));
    EXPECT_EQ(tolerant.image(taken).status, ImageStatus::active);
    EXPECT_EQ(tolerant.image(taken).virtual_size_bytes, 4096U);
}

TEST(Upload, KeepsARawDiskInASparseFile) {
    Services services(reachable());
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.upload(id, pattern(kBytes)));

    const auto locations = services.live_locations(id);
    ASSERT_THAT(locations, SizeIs(1));
    const Location& location = locations.front();
    EXPECT_EQ(location.form, StoredForm::sparse);
    EXPECT_EQ(location.data_file, id.str() + ".vmdk");
    EXPECT_EQ(location.descriptor, "");
    const auto file = services.memory.file(location.directory, location.data_file);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->size(), location.stored_bytes);
    EXPECT_EQ(file->substr(0, 4), "KDMV");
    EXPECT_EQ(file->substr(location.data_offset, kBytes), pattern(kBytes));
    EXPECT_TRUE(services.memory.file(location.directory, id.str() + ".json"));

    const auto form = services.image(id).boot_form;
    ASSERT_TRUE(form);
    EXPECT_EQ(form->disk_type, "sparse");
    EXPECT_EQ(form->size_bytes, location.stored_bytes);
    EXPECT_EQ(form->capacity_bytes, 131072U);
}

TEST(Upload, GivesUsersTheirBytesBack) {
    Services services(reachable());
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.upload(id, pattern(kBytes)));
    const Caller owner = member_of("owner");

    EXPECT_EQ(services.await(services.data.offer(owner, id)).value().size_bytes, kBytes);
    EXPECT_EQ(services.download(owner, id).value(), pattern(kBytes));
    const ByteRange middle{70'000, 10};
    EXPECT_EQ(services.download(owner, id, middle).value(), pattern(kBytes).substr(70'000, 10));
    const ByteRange last{kBytes - 1, 1};
    EXPECT_EQ(services.download(owner, id, last).value(), pattern(kBytes).substr(kBytes - 1));
}

TEST(Upload, GivesServicesTheWholeFileOfTheBootForm) {
    Services services(reachable());
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.upload(id, pattern(kBytes)));
    const Caller nova = service_of("owner");
    const Location location = services.live_locations(id).at(0);
    const auto file = services.memory.file(location.directory, location.data_file);

    const auto offer = services.await(services.data.offer(nova, id));
    ASSERT_OK(offer);
    EXPECT_EQ(offer->size_bytes, file->size());
    EXPECT_EQ(offer->face.disk_format, "vmdk");
    EXPECT_EQ(offer->face.property("vmware_disktype"), "sparse");
    const auto whole = services.download(nova, id);
    ASSERT_OK(whole);
    EXPECT_EQ(*whole, *file);
    EXPECT_EQ(md5_of(*whole), services.image(id).boot_form->checksum);
    EXPECT_EQ(md5_of(*whole), offer->face.checksum);
    const ByteRange header{0, 4};
    EXPECT_EQ(services.download(nova, id, header).value(), "KDMV");
}

TEST(Upload, KeepsARawDiskFlatWhereTheStoreWantsIt) {
    Services services(reachable(BootFormMode::flat));
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.upload(id, pattern(102'400)));

    const Location location = services.live_locations(id).at(0);
    EXPECT_EQ(location.form, StoredForm::flat);
    EXPECT_EQ(services.memory.file(location.directory, id.str() + "-flat.vmdk"), pattern(102'400));
    const auto descriptor = services.memory.file(location.directory, id.str() + ".vmdk");
    ASSERT_TRUE(descriptor);
    EXPECT_THAT(*descriptor, testing::HasSubstr("RW 200 VMFS \"" + id.str() + "-flat.vmdk\""));
    const auto form = services.image(id).boot_form;
    ASSERT_TRUE(form);
    EXPECT_EQ(form->disk_type, "preallocated");
    EXPECT_EQ(form->checksum, md5_of(pattern(102'400)));
    EXPECT_EQ(services.download(service_of("owner"), id).value(), pattern(102'400));
}

TEST(Upload, ReadsADiskOfUnknownSizeBackIntoOneFileForBothFaces) {
    Services services(reachable());
    const ImageId id = services.create_image("raw");
    PiecewiseSource body(pattern(kBytes));
    ASSERT_OK(services.upload(id, body, std::nullopt));

    const Image image = services.image(id);
    EXPECT_EQ(image.status, ImageStatus::active);
    EXPECT_EQ(image.size_bytes, kBytes);
    EXPECT_EQ(image.checksum, kMd5);
    EXPECT_EQ(image.os_hash_value, kSha512);
    ASSERT_TRUE(image.boot_form);
    EXPECT_EQ(image.boot_form->disk_type, "sparse");
    EXPECT_EQ(image.boot_form->capacity_bytes, 131'072U);
    const auto live = services.live_locations(id);
    ASSERT_THAT(live, SizeIs(1));
    EXPECT_EQ(live[0].form, StoredForm::sparse);
    const auto file = services.memory.file(live[0].directory, id.str() + ".vmdk");
    ASSERT_TRUE(file);
    EXPECT_EQ(image.boot_form->size_bytes, file->size());
    EXPECT_EQ(image.boot_form->checksum, md5_of(*file));
    EXPECT_EQ(services.download(member_of("owner"), id).value(), pattern(kBytes));
    EXPECT_EQ(services.download(service_of("owner"), id).value(), *file);
    // The original goes.
    EXPECT_OK(services.await(services.collector.collect_once()));
    EXPECT_THAT(services.memory.directories(), SizeIs(1));
}

TEST(Upload, TakesAnEmptyBody) {
    for (const auto announced : {std::optional<std::uint64_t>(0), std::optional<std::uint64_t>()}) {
        Services services(reachable());
        const ImageId id = services.create_image("raw");
        PiecewiseSource body("");
        ASSERT_OK(services.upload(id, body, announced));

        const Image image = services.image(id);
        EXPECT_EQ(image.status, ImageStatus::active);
        EXPECT_EQ(image.size_bytes, 0U);
        EXPECT_EQ(image.checksum, kMd5OfNothing);
        EXPECT_EQ(image.os_hash_value, kSha512OfNothing);
        EXPECT_FALSE(image.boot_form);
        EXPECT_EQ(services.download(member_of("owner"), id).value(), "");
    }
}

struct Announcement {
    std::uint64_t announced;
    std::size_t sent;
};

class WrongAnnouncement : public testing::TestWithParam<Announcement> {};

TEST_P(WrongAnnouncement, LeavesTheImageQueued) {
    for (const bool publishes : {false, true}) {
        ServicesOptions options;
        options.store.publishes_locations = publishes;
        Services services(options);
        const ImageId id = services.create_image("raw");
        PiecewiseSource body(pattern(GetParam().sent));
        EXPECT_ERROR(Errc::invalid_argument, services.upload(id, body, GetParam().announced));
        expect_nothing_left(services, id);
        EXPECT_OK(services.upload(id, pattern(kBytes)));
    }
}

INSTANTIATE_TEST_SUITE_P(
    LongerAndShorter,
    WrongAnnouncement,
    testing::Values(
        Announcement{kBytes + 1, kBytes},
        Announcement{kBytes - 1, kBytes},
        Announcement{131'072, kBytes},
        Announcement{kBytes, 131'072},
        Announcement{0, 1},
        Announcement{1, 0},
        Announcement{5'000'000, 4'500'000},
        Announcement{4'500'000, 5'000'000}
    ),
    [](const testing::TestParamInfo<Announcement>& info) {
        return std::to_string(info.param.announced) + "Announced" +
               std::to_string(info.param.sent) + "Sent";
    }
);

TEST(Upload, RefusesWhatIsLargerThanTheCap) {
    ServicesOptions options = reachable();
    options.rules.image_size_cap = static_cast<std::int64_t>(kBytes) - 1;
    Services services(options);
    const ImageId id = services.create_image("raw");
    EXPECT_ERROR(Errc::too_large, services.upload(id, pattern(kBytes)));
    expect_nothing_left(services, id);
    PiecewiseSource body(pattern(kBytes));
    EXPECT_ERROR(Errc::too_large, services.upload(id, body, std::nullopt));
    expect_nothing_left(services, id);
    PiecewiseSource right(pattern(kBytes - 1));
    EXPECT_OK(services.upload(id, right, std::nullopt));
}

TEST(Upload, RefusesWhatIsBeyondTheQuotaOfTheProject) {
    ServicesOptions options;
    options.rules.user_storage_quota = 150'000;
    Services services(options);
    EXPECT_OK(services.upload(services.create_image("raw"), pattern(kBytes)));
    const ImageId id = services.create_image("raw");
    EXPECT_ERROR(Errc::too_large, services.upload(id, pattern(50'001)));
    PiecewiseSource body(pattern(50'001));
    EXPECT_ERROR(Errc::too_large, services.upload(id, body, std::nullopt));
    EXPECT_EQ(services.image(id).status, ImageStatus::queued);
    EXPECT_OK(services.await(services.collector.collect_once()));
    EXPECT_OK(services.upload(id, pattern(50'000)));
}

TEST(Upload, RefusesWhatTheStoreHasNoRoomFor) {
    ServicesOptions options;
    options.store.capacity_bytes = kBytes - 1;
    Services services(options);
    const ImageId id = services.create_image("raw");
    EXPECT_ERROR(Errc::no_space, services.upload(id, pattern(kBytes)));
    expect_nothing_left(services, id);
}

TEST(Upload, RefusesContentThatIsNotWhatItIsSaidToBe) {
    std::string qcow2 = pattern(kBytes);
    // Magic, version 2, no backing file, 64 KiB clusters, 1 GiB, no encryption, tables in
    // cluster 1.
    constexpr std::string_view kHeader(
        "QFI\xfb\0\0\0\2"
        "\0\0\0\0\0\0\0\0"
        "\0\0\0\0\0\0\0\x10"
        "\0\0\0\0\x40\0\0\0"
        "\0\0\0\0\0\0\0\2"
        "\0\0\0\0\0\1\0\0"
        "\0\0\0\0\0\1\0\0"
        "\0\0\0\1\0\0\0\0"
        "\0\0\0\0\0\0\0\0",
        72
    );
    qcow2.replace(0, kHeader.size(), kHeader);
    const std::array<std::pair<const char*, std::string>, 4> cases{{
        {"raw", qcow2},
        {"qcow2", pattern(kBytes)},
        {"vmdk", pattern(kBytes)},
        {"iso", pattern(kBytes)},
    }};
    for (const auto& [declared, body] : cases) {
        Services services(reachable());
        const ImageId id = services.create_image(declared);
        EXPECT_ERROR(Errc::unsupported, services.upload(id, body)) << declared;
        expect_nothing_left(services, id);
    }
}

TEST(Upload, RefusesAnImageWithoutFormats) {
    Services services;
    Image image;
    image.disk_format = "raw";
    const ImageId id = services.create_image(std::move(image));
    EXPECT_ERROR(Errc::invalid_argument, services.upload(id, pattern(kBytes)));
    expect_nothing_left(services, id);
}

TEST(Upload, ReadsNothingBeforeItIsAllowed) {
    Services services;
    const ImageId id = services.create_image("raw");
    bool has_read = false;
    PiecewiseSource body(pattern(kBytes), [&](std::size_t) -> awaitable<Result<void>> {
        has_read = true;
        co_return Result<void>();
    });
    const service::UploadRequest request{id, kBytes, std::nullopt};
    const Caller stranger = member_of("stranger");
    EXPECT_ERROR(Errc::not_found, services.await(services.data.upload(stranger, request, body)));
    EXPECT_FALSE(has_read);
}

TEST(Upload, RefusesASecondUpload) {
    Services services;
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.upload(id, pattern(kBytes)));
    EXPECT_ERROR(Errc::conflict, services.upload(id, "other bytes"));
    EXPECT_EQ(services.download(member_of("owner"), id).value(), pattern(kBytes));
    EXPECT_EQ(services.image(id).checksum, kMd5);
}

TEST(Upload, LosesToAnotherOneThatBeganMeanwhile) {
    Services services;
    const ImageId id = services.create_image("raw");
    bool is_first = true;
    PiecewiseSource slow(pattern(kBytes), [&](std::size_t) -> awaitable<Result<void>> {
        if (!std::exchange(is_first, false)) co_return Result<void>();
        PiecewiseSource quick("quick");
        const Caller owner = member_of("owner");
        const service::UploadRequest request{id, 5, std::nullopt};
        co_return co_await services.data.upload(owner, request, quick);
    });
    EXPECT_ERROR(Errc::conflict, services.upload(id, slow, kBytes));
    EXPECT_EQ(services.image(id).status, ImageStatus::active);
    EXPECT_EQ(services.download(member_of("owner"), id).value(), "quick");
}

// A body whose image is deleted when so many of its bytes have been read.
class DeletedDuringUpload : public testing::TestWithParam<std::size_t> {};

TEST_P(DeletedDuringUpload, IsGoneAndLeavesNothing) {
    Services services(reachable());
    const ImageId id = services.create_image("raw");
    const Caller owner = member_of("owner");
    bool is_deleted = false;
    PiecewiseSource body(pattern(9U << 20U), [&](std::size_t read) -> awaitable<Result<void>> {
        if (read < GetParam() || std::exchange(is_deleted, true)) co_return Result<void>();
        co_return co_await services.images.remove(owner, id);
    });
    EXPECT_ERROR(Errc::gone, services.upload(id, body, 9U << 20U));

    EXPECT_TRUE(is_deleted);
    EXPECT_ERROR(Errc::not_found, services.await(services.catalog->find_image(id)));
    EXPECT_THAT(services.live_locations(id), IsEmpty());
    services.clock.advance(std::chrono::minutes(1));
    EXPECT_OK(services.await(services.collector.collect_once()));
    EXPECT_THAT(services.memory.directories(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    AtByte,
    DeletedDuringUpload,
    testing::Values(0, 1, 5U << 20U, 9U << 20U),
    testing::PrintToStringParamName()
);

TEST(Upload, PassesOnTheErrorOfABodyThatBreaksOff) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{5} << 20U}) {
        Services services(reachable());
        const ImageId id = services.create_image("raw");
        PiecewiseSource body(pattern(9U << 20U), [&](std::size_t read) -> awaitable<Result<void>> {
            if (read < at) co_return Result<void>();
            co_return Error(Errc::cancelled, "the client has gone");
        });
        EXPECT_ERROR(Errc::cancelled, services.upload(id, body, 9U << 20U));
        expect_nothing_left(services, id);
    }
}

struct FailingStore {
    FailureMoment moment;
    bool publishes_locations;
    int calls;  // that an upload of three chunks makes
};

class FailingUpload : public testing::TestWithParam<FailingStore> {};

TEST_P(FailingUpload, LeavesTheImageQueuedWhicheverCallFails) {
    const std::string body = pattern(9U << 20U);
    int n = 0;
    for (;; ++n) {
        ASSERT_LT(n, 100) << "the upload never succeeded";
        ServicesOptions options;
        options.store.publishes_locations = GetParam().publishes_locations;
        options.failing_call = n;
        options.moment = GetParam().moment;
        Services services(options);
        const ImageId id = services.create_image("raw");
        const auto outcome = services.upload(id, body);
        if (outcome) {
            EXPECT_EQ(services.image(id).status, ImageStatus::active);
            EXPECT_THAT(services.live_locations(id), SizeIs(1));
            break;
        }
        SCOPED_TRACE("call " + std::to_string(n));
        EXPECT_ERROR(Errc::unavailable, outcome);
        expect_nothing_left(services, id);
        EXPECT_OK(services.upload(id, "again"));
    }
    EXPECT_EQ(n, GetParam().calls);
}

INSTANTIATE_TEST_SUITE_P(
    EveryCall,
    FailingUpload,
    testing::Values(
        FailingStore{FailureMoment::before, false, 6},
        FailingStore{FailureMoment::after, false, 6},
        FailingStore{FailureMoment::before, true, 6},
        FailingStore{FailureMoment::after, true, 6}
    )
);

TEST(Upload, IsRecordedWithWhatItCost) {
    Services services;
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.upload(id, pattern(kBytes)));
    EXPECT_OK(services.download(member_of("owner"), id));
    const auto transfers = services.await(services.catalog->list_transfers(id, 10)).value();
    ASSERT_THAT(transfers, SizeIs(2));
    EXPECT_EQ(transfers[0].account.bytes_through, kBytes);
    EXPECT_EQ(transfers[1].account.bytes_through, kBytes);
    EXPECT_EQ(transfers[1].request_id, "req-test");
}

TEST(Download, OfADeactivatedImageIsForAdministrators) {
    Services services;
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.upload(id, "bytes"));
    const Caller owner = member_of("owner");
    ASSERT_OK(services.await(services.images.change_activity(owner, id, ImageEvent::deactivate)));
    EXPECT_ERROR(Errc::forbidden, services.await(services.data.offer(owner, id)));
    EXPECT_EQ(services.download(administrator(), id).value(), "bytes");
}

TEST(Download, TellsLostDataFromAStoreThatDoesNotAnswer) {
    Services services;
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.upload(id, "bytes"));
    const Caller owner = member_of("owner");
    const auto offer = services.await(services.data.offer(owner, id)).value();
    const ByteRange first{0, 1};
    auto elsewhere = offer;
    elsewhere.locations.front().backend = BackendId("nowhere");
    EXPECT_ERROR(Errc::unavailable, services.await(services.data.open(owner, elsewhere, first)));

    ASSERT_OK(services.await(services.memory.remove(offer.locations.front(), Call())));
    EXPECT_ERROR(Errc::not_found, services.await(services.data.open(owner, offer, first)));
}

TEST(Download, KeepsItsBytesFromTheCollector) {
    Services services;
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.upload(id, "bytes"));
    const Caller owner = member_of("owner");
    const auto offer = services.await(services.data.offer(owner, id)).value();
    const ByteRange whole{0, offer.size_bytes};
    auto source = services.await(services.data.open(owner, offer, whole));
    ASSERT_OK(source);
    ASSERT_OK(services.await(services.images.remove(owner, id)));
    services.clock.advance(std::chrono::minutes(1));
    EXPECT_EQ(services.await(services.collector.collect_once()).value(), 0U);
    EXPECT_THAT(services.memory.directories(), SizeIs(1));

    source->reset();
    services.clock.advance(std::chrono::minutes(1));
    EXPECT_EQ(services.await(services.collector.collect_once()).value(), 1U);
    EXPECT_THAT(services.memory.directories(), IsEmpty());
}

// Memory is short for a moment.
awaitable<Result<void>> throw_bad_alloc(std::size_t read_bytes) {
    if (read_bytes > 0) throw std::bad_alloc();
    co_return Result<void>();
}

TEST(Upload, ThatThrowsLeavesNothing) {
    Services services(reachable());
    const ImageId id = services.create_image("raw");
    PiecewiseSource body(pattern(kBytes * 10), throw_bad_alloc);
    EXPECT_ERROR(Errc::internal, services.upload(id, body, std::nullopt));
    expect_nothing_left(services, id);
    EXPECT_OK(services.upload(id, "again"));
}

TEST(Stage, ThatThrowsLeavesNothing) {
    Services services(reachable());
    const ImageId id = services.create_image("raw");
    PiecewiseSource body(pattern(kBytes * 10), throw_bad_alloc);
    const service::UploadRequest request{id, std::nullopt, std::nullopt};
    EXPECT_ERROR(
        Errc::internal, services.await(services.data.stage(member_of("owner"), request, body))
    );
    expect_nothing_left(services, id);
}

}  // namespace
}  // namespace slipway::test
