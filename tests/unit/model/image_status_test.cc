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
constexpr std::array kImportEvents{
    ImageEvent::stage_started,
    ImageEvent::import_started,
    ImageEvent::import_finished,
    ImageEvent::import_failed,
    ImageEvent::import_put_back,
    ImageEvent::located};

constexpr std::nullopt_t kNo = std::nullopt;

template <std::size_t N>
struct Row {
    ImageStatus from;
    // By event, in the order of the events; absent: refused.
    std::array<std::optional<ImageStatus>, N> to;
};

// from             started finished failed  deactivate   reactivate remove
constexpr std::array kTable{
    Row<6>{queued, {saving, kNo, kNo, kNo, kNo, deleted}},
    Row<6>{saving, {kNo, active, queued, kNo, kNo, deleted}},
    Row<6>{uploading, {kNo, kNo, queued, kNo, kNo, deleted}},
    Row<6>{importing, {kNo, kNo, kNo, kNo, kNo, deleted}},
    Row<6>{active, {kNo, kNo, kNo, deactivated, active, deleted}},
    Row<6>{deactivated, {kNo, kNo, kNo, deactivated, active, deleted}},
    Row<6>{pending_delete, {kNo, kNo, kNo, kNo, kNo, deleted}},
    Row<6>{killed, {kNo, kNo, kNo, kNo, kNo, deleted}},
    Row<6>{deleted, {kNo, kNo, kNo, kNo, kNo, kNo}},
};

// from                stage      import     finished failed put back   located
constexpr std::array kImports{
    Row<6>{queued, {uploading, importing, kNo, kNo, kNo, active}},
    Row<6>{saving, {kNo, kNo, kNo, kNo, kNo, kNo}},
    Row<6>{uploading, {kNo, importing, kNo, kNo, kNo, kNo}},
    Row<6>{importing, {kNo, kNo, active, queued, uploading, kNo}},
    Row<6>{active, {kNo, kNo, kNo, kNo, kNo, kNo}},
    Row<6>{deactivated, {kNo, kNo, kNo, kNo, kNo, kNo}},
    Row<6>{deleted, {kNo, kNo, kNo, kNo, kNo, kNo}},
};

template <std::size_t N>
void expect_row(const Row<N>& row, const std::array<ImageEvent, N>& events) {
    for (std::size_t i = 0; i < N; ++i) {
        SCOPED_TRACE(
            std::string(to_string(events[i])) + " when " + std::string(to_string(row.from))
        );
        const auto next = next_status(row.from, events[i]);
        if (row.to[i]) {
            ASSERT_TRUE(next);
            EXPECT_EQ(*next, *row.to[i]);
        } else {
            ASSERT_FALSE(next);
            EXPECT_EQ(next.error().code, Errc::conflict);
        }
    }
}

TEST(ImageStatus, ChangesAsTheTableSaysAndInNoOtherWay) {
    for (const auto& row : kTable) expect_row(row, kEvents);
    for (const auto& row : kImports) expect_row(row, kImportEvents);
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
