#pragma once

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

}  // namespace slipway::test
