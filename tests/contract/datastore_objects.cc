#include "tests/contract/datastore_objects.h"

#include "format/sparse_layout.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

namespace slipway::test {

DatastoreObjects::DatastoreObjects() {
    for (std::size_t i = 0; i < disk_.size(); ++i) disk_[i] = static_cast<std::byte>(i * 7 / 3);
    progress_.report = [this](int percent) { percents_.push_back(percent); };
    progress_.save = [this](std::string checkpoint) -> awaitable<Result<void>> {
        checkpoints_.push_back(std::move(checkpoint));
        co_return Result<void>();
    };
    progress_.cancelled = [this] { return cancelled_; };
}

bool DatastoreObjects::end_at_the_second_checkpoint(awaitable<Result<Account>> operation) {
    const auto usual =
        std::exchange(progress_.save, [this](std::string checkpoint) -> awaitable<Result<void>> {
            checkpoints_.push_back(std::move(checkpoint));
            if (checkpoints_.size() == 2) co_await sleep_for(std::chrono::hours(1));
            co_return Result<void>();
        });
    auto ended = [this](awaitable<Result<Account>> running) -> awaitable<bool> {
        const auto executor = co_await asio::this_coro::executor;
        TaskGroup group(executor);
        bool is_over = false;
        group.spawn_on(executor, "operation", [&]() -> awaitable<void> {
            static_cast<void>(co_await std::move(running));
            is_over = true;
        });
        while (checkpoints_.size() < 2 && !is_over)
            co_await sleep_for(std::chrono::milliseconds(5));
        const bool in_time = !is_over;
        group.cancel(asio::cancellation_type::terminal);
        co_await group.wait(kNoDeadline);
        co_return in_time;
    };
    const bool in_time = await(ended(std::move(operation)));
    progress_.save = usual;
    return in_time;
}

Location DatastoreObjects::stored(
    const std::vector<std::byte>& bytes,
    const std::string& suffix,
    const std::vector<store::SideFile>& side_files
) {
    Location location;
    location.image_id = ImageId(new_uuid());
    const auto placement =
        await(backend().place({location.image_id, bytes.size(), {}, {}}, call_)).value();
    location.datastore = placement.datastore;
    location.datastore_ref = placement.datastore_ref;
    location.directory = placement.directory;
    location.data_file = location.image_id.str() + suffix;
    location.stored_bytes = bytes.size();
    auto writer = await(backend().open_writer(location, bytes.size(), call_)).value();
    EXPECT_TRUE(await(writer->write(bytes)));
    EXPECT_TRUE(await(writer->commit(bytes.size(), side_files)));
    return location;
}

Location DatastoreObjects::stored_disk() {
    const auto layout =
        format::SparseLayout::create(
            disk_.size(), format::AdapterType::lsilogic, format::DiskIdentity::random()
        )
            .value();
    std::vector<std::byte> file(layout.file_bytes());
    layout.read_prefix(0, std::span(file).first(layout.prefix_bytes()));
    std::ranges::copy(disk_, file.begin() + static_cast<std::ptrdiff_t>(layout.prefix_bytes()));
    return stored(file, ".vmdk");
}

Location DatastoreObjects::stored_flat_disk() {
    auto location = stored(disk_, "-flat.vmdk");
    location.form = StoredForm::flat;
    location.descriptor = location.image_id.str() + ".vmdk";
    std::ofstream(fixture_->stored_file(location).parent_path() / location.descriptor)
        << "# Disk DescriptorFile\nversion=1\nCID=5e1f0a2b\nparentCID=ffffffff\n"
           "createType=\"vmfs\"\n\n# Extent description\nRW "
        << disk_.size() / 512 << " VMFS \"" << location.data_file
        << "\"\n\n# The Disk Data Base\n#DDB\n\nddb.adapterType = \"lsilogic\"\n"
           "ddb.virtualHWVersion = \"8\"\n";
    return location;
}

void DatastoreObjects::fault_once(
    const std::string& kind, const std::string& method, const std::string& rest
) {
    vcenter().fault(
        R"({"match":{"kind":")" + kind + R"(","method":")" + method + R"("},"count":1,)" + rest +
        "}"
    );
}

std::filesystem::path DatastoreObjects::on(const std::string& datastore, const std::string& path)
    const {
    return fixture_->vcenter().datastore("DC0", datastore).directory / path;
}

std::vector<std::byte> DatastoreObjects::bytes_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::vector<std::byte> bytes;
    for (std::istreambuf_iterator<char> at(in), end; at != end; ++at)
        bytes.push_back(static_cast<std::byte>(*at));
    return bytes;
}

std::set<std::string> DatastoreObjects::names_in(const std::filesystem::path& folder) {
    std::set<std::string> names;
    std::error_code missing;
    for (const auto& entry : std::filesystem::directory_iterator(folder, missing))
        names.insert(entry.path().filename());
    return names;
}

}  // namespace slipway::test
