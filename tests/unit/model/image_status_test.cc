#include "model/image_status.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>

namespace slipway {
namespace {

using enum ImageStatus;

constexpr std::array kEvents{
    ImageEvent::upload_started,
    ImageEvent::upload_finished,
    ImageEvent::upload_failed,
    ImageEvent::deactivate,
    ImageEvent::reactivate,
    ImageEvent::remove};

struct Row {
    ImageStatus from;
    // By event, in the order of kEvents; absent: refused.
    std::array<std::optional<ImageStatus>, kEvents.size()> to;
};

constexpr std::nullopt_t kNo = std::nullopt;

// from             started finished failed  deactivate   reactivate remove
constexpr std::array kTable{
    Row{queued, {saving, kNo, kNo, kNo, kNo, deleted}},
    Row{saving, {kNo, active, queued, kNo, kNo, deleted}},
    Row{uploading, {kNo, kNo, kNo, kNo, kNo, deleted}},
    Row{importing, {kNo, kNo, kNo, kNo, kNo, deleted}},
    Row{active, {kNo, kNo, kNo, deactivated, active, deleted}},
    Row{deactivated, {kNo, kNo, kNo, deactivated, active, deleted}},
    Row{pending_delete, {kNo, kNo, kNo, kNo, kNo, deleted}},
    Row{killed, {kNo, kNo, kNo, kNo, kNo, deleted}},
    Row{deleted, {kNo, kNo, kNo, kNo, kNo, kNo}},
};

TEST(ImageStatus, ChangesAsTheTableSaysAndInNoOtherWay) {
    for (const Row& row : kTable) {
        for (std::size_t i = 0; i < kEvents.size(); ++i) {
            SCOPED_TRACE(
                std::string(to_string(kEvents[i])) + " when " + std::string(to_string(row.from))
            );
            const auto next = next_status(row.from, kEvents[i]);
            if (row.to[i]) {
                ASSERT_TRUE(next);
                EXPECT_EQ(*next, *row.to[i]);
            } else {
                ASSERT_FALSE(next);
                EXPECT_EQ(next.error().code, Errc::conflict);
            }
        }
    }
}

TEST(ImageStatus, IsReadAsItIsWritten) {
    constexpr std::array kWords{
        "queued",
        "saving",
        "uploading",
        "importing",
        "active",
        "deactivated",
        "pending_delete",
        "killed",
        "deleted"};
    for (std::size_t i = 0; i < kTable.size(); ++i) {
        EXPECT_EQ(to_string(kTable[i].from), kWords[i]);
        EXPECT_EQ(parse_image_status(kWords[i]).value(), kTable[i].from);
    }
}

TEST(ImageStatus, RefusesWordsThatAreNone) {
    for (const char* word : {"", "Active", "active ", "gone"}) {
        const auto status = parse_image_status(word);
        ASSERT_FALSE(status) << word;
        EXPECT_EQ(status.error().code, Errc::invalid_argument);
    }
}

TEST(ImageStatus, SaysWhatIsNotAllowed) {
    EXPECT_EQ(
        next_status(active, ImageEvent::upload_started).error().message,
        "Not allowed to upload an image in status 'active'."
    );
}

}  // namespace
}  // namespace slipway
