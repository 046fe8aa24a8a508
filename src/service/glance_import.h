#pragma once

#include "service/glance_plan.h"

#include <cstdint>
#include <functional>

namespace slipway::service {

// What became of things of one kind.
struct TakeoverCounts {
    std::uint64_t taken = 0;   // or would be
    std::uint64_t here = 0;    // already, as Glance has them
    std::uint64_t differ = 0;  // here, and not as Glance has them
    std::uint64_t left = 0;
};

struct TakeoverReport {
    TakeoverCounts images;
    TakeoverCounts namespaces;
    // Of the images that were taken.
    std::uint64_t members = 0;
    std::uint64_t tags = 0;
    std::uint64_t properties = 0;
    std::uint64_t locations = 0;
    std::uint64_t remarks = 0;
    std::uint64_t deleted = 0;  // images of which Glance keeps a row only
};

// Takes over what a Glance remembers. No byte of an image is moved, and no store is asked.
class GlanceImport {
public:
    struct Options {
        bool dry_run = false;
        Secret key;  // metadata_encryption_key of the Glance; may be empty
        // Told as it goes, so that nothing has to be kept.
        std::function<void(const TakeoverRemark&)> tell;
        std::function<bool()> interrupted;
    };

    GlanceImport(
        store::GlanceReader& reader,
        store::TakeoverCatalog& catalog,
        const store::BackendSet& backends,
        Options options
    )
        : reader_(reader), catalog_(catalog), backends_(backends), options_(std::move(options)) {}

    // Inside GlanceDatabase::look(). What is here already stays as it is, so that it can be run
    // again, also after it broke off. Errors: cancelled when it was interrupted; those of both
    // databases.
    Result<void> run();
    // So far, also after an error.
    [[nodiscard]] const TakeoverReport& report() const { return report_; }

private:
    Result<void> take_metadefs();
    Result<void> take_namespace(store::GlanceNamespace& source);
    Result<void> take_image(const store::GlanceImage& source);
    // What the catalogue says of an image that could be taken; absent: it can be.
    Result<std::optional<TakeoverRemark>> obstacle(const store::TakenImage& wanted);
    void remark(const TakeoverRemark& remark);
    Result<void> check_interrupt() const;

    store::GlanceReader& reader_;
    store::TakeoverCatalog& catalog_;
    const store::BackendSet& backends_;
    Options options_;
    TakeoverReport report_;
};

}  // namespace slipway::service
