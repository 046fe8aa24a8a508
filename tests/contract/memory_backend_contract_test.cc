#include "tests/contract/backend_contract.h"
#include "tests/fakes/memory_backend.h"

namespace slipway::test {
namespace {

class MemoryFixture : public BackendFixture {
public:
    store::Backend& backend() override { return backend_; }
    CloneTarget clone_target(const std::string& path) override {
        return {"DC0", "memory", path, ""};
    }
    std::optional<std::vector<std::byte>> cloned_disk(
        const CloneTarget& target, const Location& source
    ) override {
        auto file = backend_.clone_at(target.path);
        if (file)
            file->erase(
                file->begin(), file->begin() + static_cast<std::ptrdiff_t>(source.data_offset)
            );
        return file;
    }

private:
    MemoryBackend backend_;
};

std::unique_ptr<BackendFixture> make_memory() {
    return std::make_unique<MemoryFixture>();
}

INSTANTIATE_TEST_SUITE_P(
    Fake, BackendContract, testing::Values(BackendUnderTest{"Memory", make_memory}), backend_name
);

}  // namespace
}  // namespace slipway::test
