#include "store/local_backend.h"
#include "tests/contract/backend_contract.h"
#include "tests/fakes/temporary_folder.h"

#include <fstream>
#include <iterator>

namespace slipway::test {
namespace {

class LocalFixture : public BackendFixture {
public:
    explicit LocalFixture(bool published) {
        store::LocalBackendOptions options;
        options.id = BackendId("local");
        std::filesystem::create_directory(folder_.file("objects"));
        std::filesystem::create_directory(folder_.file("clones"));
        options.directories = {{folder_.file("objects"), 0, ""}};
        if (published)
            options.directories.front().published_as =
                "vsphere://vc.example/folder/images?dcPath=DC0&dsName=nfs";
        options.clone_root = folder_.file("clones");
        backend_ = store::LocalBackend::create(std::move(options), pool_).value();
    }

    store::Backend& backend() override { return *backend_; }
    CloneTarget clone_target(const std::string& path) override { return {"", "local", path, ""}; }
    std::optional<std::vector<std::byte>> cloned_disk(
        const CloneTarget& target, const Location& source
    ) override {
        std::ifstream file(folder_.path() / "clones" / target.path, std::ios::binary);
        if (!file) return std::nullopt;
        file.seekg(static_cast<std::streamoff>(source.data_offset));
        std::vector<std::byte> bytes;
        for (std::istreambuf_iterator<char> at(file), end; at != end; ++at)
            bytes.push_back(static_cast<std::byte>(*at));
        return bytes;
    }

private:
    TemporaryFolder folder_;
    BlockingPool pool_{2};
    std::unique_ptr<store::LocalBackend> backend_;
};

std::unique_ptr<BackendFixture> make_local() {
    return std::make_unique<LocalFixture>(false);
}
std::unique_ptr<BackendFixture> make_published() {
    return std::make_unique<LocalFixture>(true);
}

INSTANTIATE_TEST_SUITE_P(
    Local,
    BackendContract,
    testing::Values(
        BackendUnderTest{"Folder", make_local}, BackendUnderTest{"PublishedFolder", make_published}
    ),
    backend_name
);

}  // namespace
}  // namespace slipway::test
