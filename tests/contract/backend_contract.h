#pragma once

#include "model/location.h"
#include "store/backend.h"
#include "tests/support/run.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

// One suite for everything that is a store::Backend. To run it on another one, link
// backend_contract.cc and, in a file of its own:
//
//   INSTANTIATE_TEST_SUITE_P(
//       Local, BackendContract, testing::Values(BackendUnderTest{"Local", make_local}),
//       backend_name);
namespace slipway::test {

// A backend made for one test, and what the suite must know about its surroundings.
class BackendFixture {
public:
    virtual ~BackendFixture() = default;

    virtual store::Backend& backend() = 0;

    // Runs `body` to its end. Overridden where the backend lives on an event loop of its own.
    virtual void run(awaitable<void> body) { test::run(std::move(body)); }

    // Runs `operation` and returns its result.
    template <class T>
    T await(awaitable<T> operation) {
        std::optional<T> result;
        auto body = [](awaitable<T> inner, std::optional<T>& out) -> awaitable<void> {
            out.emplace(co_await std::move(inner));
        };
        run(body(std::move(operation), result));
        return std::move(*result);
    }

    // A target that the backend takes, `path` below its root ("vm/disk.vmdk").
    virtual CloneTarget clone_target(const std::string& path) = 0;

    // What a VM sees on the disk at `target`, a clone of `source`, from its first byte on; absent
    // when nothing is there.
    virtual std::optional<std::vector<std::byte>> cloned_disk(
        const CloneTarget& target, const Location& source
    ) = 0;
};

struct BackendUnderTest {
    std::string name;
    std::function<std::unique_ptr<BackendFixture>()> make;

    friend void PrintTo(const BackendUnderTest& self, std::ostream* out) { *out << self.name; }
};

inline std::string backend_name(const testing::TestParamInfo<BackendUnderTest>& info) {
    return info.param.name;
}

class BackendContract : public testing::TestWithParam<BackendUnderTest> {
protected:
    BackendContract();
    ~BackendContract() override;

    template <class T>
    T await(awaitable<T> operation) {
        return fixture_->await(std::move(operation));
    }

    store::Backend& backend() { return fixture_->backend(); }

    // A fresh place for an object of `bytes`, its data file named <image id><suffix>.
    Location placed(std::uint64_t bytes, const std::string& suffix = ".img");
    // Writes and commits `bytes` with a manifest.
    Result<void> write(const Location& location, const std::vector<std::byte>& bytes);
    Location stored(const std::vector<std::byte>& bytes);
    Result<std::vector<std::byte>> read(const Location& location, ByteRange range);
    bool is_listed(const Location& location);

    // A stored sparse disk that holds `disk`.
    Location stored_disk(const std::vector<std::byte>& disk);
    store::CloneRequest clone_request(const Location& source, const std::string& path);
    Result<Account> clone(const store::CloneRequest& request, const std::string& checkpoint = {});
    std::optional<std::vector<std::byte>> cloned_disk(
        const store::CloneRequest& request, std::size_t bytes
    );
    // To another object on the same backend.
    store::CopyRequest copy_request(const Location& source);
    Result<Account> copy(const store::CopyRequest& request, const std::string& checkpoint = {});

    std::unique_ptr<BackendFixture> fixture_;
    Call call_{"contract"};
    store::CloneProgress progress_;
    std::vector<std::string> checkpoints_;
    std::vector<int> percents_;
};

}  // namespace slipway::test
