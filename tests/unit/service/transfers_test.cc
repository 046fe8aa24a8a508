#include "service/transfers.h"

#include <gtest/gtest.h>

#include <optional>

namespace slipway::service {
namespace {

const ImageId kImage("image");
const LocationId kLocation("location");

TEST(Transfers, StopEveryUploadOfTheImageAndNoOther) {
    Transfers transfers;
    const auto first = transfers.begin_upload(kImage);
    const auto second = transfers.begin_upload(kImage);
    const auto other = transfers.begin_upload(ImageId("other"));
    EXPECT_FALSE(first->load());
    transfers.stop_uploads(kImage);
    EXPECT_TRUE(first->load());
    EXPECT_TRUE(second->load());
    EXPECT_FALSE(other->load());
}

TEST(Transfers, StopNoUploadThatBeginsLater) {
    Transfers transfers;
    transfers.stop_uploads(kImage);
    auto flag = transfers.begin_upload(kImage);
    EXPECT_FALSE(flag->load());
    flag.reset();
    transfers.stop_uploads(kImage);
    EXPECT_FALSE(transfers.begin_upload(kImage)->load());
}

TEST(Transfers, KeepALocationWhileAnyPinExists) {
    Transfers transfers;
    EXPECT_FALSE(transfers.is_pinned(kLocation));
    std::optional<Transfers::Pin> first;
    std::optional<Transfers::Pin> second;
    first.emplace(transfers, kLocation);
    second.emplace(transfers, kLocation);
    EXPECT_TRUE(transfers.is_pinned(kLocation));
    EXPECT_FALSE(transfers.is_pinned(LocationId("other")));
    first.reset();
    EXPECT_TRUE(transfers.is_pinned(kLocation));
    second.reset();
    EXPECT_FALSE(transfers.is_pinned(kLocation));
}

}  // namespace
}  // namespace slipway::service
