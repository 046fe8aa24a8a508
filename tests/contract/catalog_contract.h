#pragma once

#include "store/catalog.h"
#include "store/db.h"
#include "tests/support/manual_clock.h"
#include "tests/support/results.h"
#include "tests/support/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace slipway::test {

// What every catalogue promises, on both engines; each test has a database of its own.
class CatalogContract : public testing::TestWithParam<store::Engine> {
protected:
    CatalogContract();
    ~CatalogContract() override;

    [[nodiscard]] bool on_sqlite() const { return GetParam() == store::Engine::sqlite; }
    // Another catalogue on the same database.
    [[nodiscard]] Result<std::unique_ptr<store::Catalog>> open_another();
    // The process ends without a word, and the next one opens the database.
    void restart();
    // A session beside the catalogue; SQLite: in place of it.
    std::unique_ptr<store::Db> open_db();

    Image create(Image image);
    // A queued image of project "p".
    Image create(const std::string& name = "image");
    // The same, with an upload begun; location ids are "l1", "l2", … in the order of asking.
    Location begin_upload(const ImageId& image, const std::string& server = "s1");
    Location begin_upload(store::Catalog& catalog, const ImageId& image, const std::string& server);
    // An active image with one live location.
    Image create_active(const std::string& name = "image", std::uint64_t stored_bytes = 100);
    TaskRecord create_task(const Image& image, const std::string& id);

    std::vector<std::string> names(const ImageQuery& query);
    std::vector<std::string> garbage();
    ImageStatus status_of(const ImageId& id);
    LocationState state_of(const LocationId& id);

    std::string folder_;
    store::CatalogOptions options_;
    ManualClock clock_;
    std::unique_ptr<store::Catalog> catalog_;
    int uploads_ = 0;
};

// An id that sorts by its number.
ImageId image_id(int number);
store::UploadOutcome outcome_of(std::uint64_t bytes);
ImageQuery everything();

template <class T>
Errc code_of(const Result<T>& result) {
    return result ? Errc::internal : result.error().code;
}

}  // namespace slipway::test
