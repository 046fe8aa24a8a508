#pragma once

#include "base/async.h"
#include "base/stream.h"
#include "format/inspector.h"
#include "model/image.h"
#include "model/location.h"
#include "service/stored_layout.h"
#include "service/taps.h"
#include "service/transfers.h"
#include "store/backend.h"
#include "store/catalog.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace slipway::service {

// Image data that lie on a datastore, and what their bytes have shown while they passed.
struct StoredData {
    Location location;
    std::uint64_t size_bytes = 0;
    std::string checksum;
    std::string os_hash_algo;
    std::string os_hash_value;
    // Of the whole data file, where it is a disk round the upload; capacity 0: it is not.
    std::uint64_t capacity_bytes = 0;
    std::string file_checksum;
    std::string file_os_hash_value;
    format::Inspection found;
    // What a plug-in has made of them: the image's disk_format from now on. Empty: nothing.
    std::string converted_to;

    // All but the location, for the catalogue, and back.
    [[nodiscard]] std::string facts() const;
    static Result<StoredData> read(const store::StagedData& staged);
};

// What an image is when these are its data; `mode`: of its store, for this image.
// Errors: unsupported when the content is not what the image says it is, or is not safe.
Result<store::UploadOutcome> outcome_of(
    const Image& image,
    const StoredData& data,
    BootFormMode mode,
    const format::FormatPolicy& formats
);
// The image's formats, when a plug-in has made data of another one.
void apply_conversion(Image& image, const StoredData& data);
// `image` with that.
void describe(Image& image, const store::UploadOutcome& outcome);

// What a store answers about its files and its account is no answer about the image.
Error of_store(const Call& call, const Error& error);

// Takes one stream of image data into a directory of its own on a datastore: places it, writes it,
// digests and inspects it, all in one pass.
//
//   Intake intake(with, call, image, Intake::Purpose::upload, allowed_bytes);
//   begin(): reads the head and tells the catalogue; move(): the bytes; seal(): the manifest
//
// After an error of any of them, begun() says whether the catalogue may have a row to be given up.
class Intake {
public:
    enum class Purpose {
        upload,  // queued -> saving; refused as soon as the content does not fit the image
        stage,   // queued -> uploading; anything is taken
        fetch,   // for an image that is being imported; anything is taken
    };
    struct Dependencies {
        store::Catalog& catalog;
        Transfers& transfers;
        BlockingPool& pool;
        std::string server;
        std::string hashing_algorithm;
        format::FormatPolicy formats;
    };

    Intake(Dependencies with, Call call, Image image, Purpose purpose, std::uint64_t allowance);

    // Reads the head of `body`, decides on the layout and writes the intent into the catalogue.
    awaitable<Result<void>> begin(
        store::Backend& backend, std::optional<std::uint64_t> expected, ByteSource& body
    );
    // Moves the bytes. `watch` sees those of the user.
    awaitable<Result<void>> move(
        store::Backend& backend, ByteSource& body, std::vector<Tap*> watch = {}
    );
    // Ends the files: descriptor of a flat disk, then the manifest, with which they are complete.
    awaitable<Result<void>> seal(const Image& described);

    [[nodiscard]] bool begun() const { return begun_; }
    [[nodiscard]] const StoredData& data() const { return data_; }
    void note_conversion(std::string disk_format) { data_.converted_to = std::move(disk_format); }
    [[nodiscard]] const Image& image() const { return image_; }
    // Set when the image was deleted meanwhile.
    [[nodiscard]] const Transfers::StopFlag& stop() const { return stop_; }
    // What went through so far.
    [[nodiscard]] Account account() const;
    [[nodiscard]] Error image_gone() const;

private:
    Dependencies with_;
    Call call_;
    Image image_;
    Purpose purpose_;
    std::uint64_t allowance_;
    std::optional<std::uint64_t> expected_;
    std::vector<std::byte> head_;
    StoredLayout layout_;
    StoredData data_;
    std::unique_ptr<store::ObjectWriter> writer_;
    Transfers::StopFlag stop_;
    std::unique_ptr<Transfers::Pin> pin_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    bool begun_ = false;
};

}  // namespace slipway::service
