#pragma once

#include <filesystem>
#include <string>
#include <vector>

// The reference reader of disk formats. A test that needs it fails where it is not installed.
namespace slipway::test {

struct QemuImgOutcome {
    int status = -1;
    std::string output;
};

// Runs qemu-img with `arguments`, without a shell.
QemuImgOutcome qemu_img(std::vector<std::string> arguments);

// A folder that goes with the test.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

}  // namespace slipway::test
