#include "vsphere/retries.h"

#include "vsphere/fault.h"

#include <gtest/gtest.h>

namespace slipway::vsphere {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

Error fault(std::string_view name) {
    return to_error(Fault{.name = std::string(name)});
}

// How often `error` is tried again when every try fails at once, and how long that takes.
struct Course {
    int tries = 0;
    std::chrono::milliseconds taken{0};
    std::chrono::milliseconds first{0};
};

Course course_of(const Error& error, Deadline deadline = kNoDeadline) {
    Retries retries;
    Course course;
    const Clock::time_point start{};
    while (true) {
        const auto delay = retries.next(error, 1.0, deadline, start + course.taken);
        if (!delay) return course;
        if (course.tries++ == 0) course.first = *delay;
        course.taken += *delay;
    }
}

TEST(Retries, WaitUpToTwoMinutesForALockedFile) {
    const auto course = course_of(fault("FileLocked"));
    EXPECT_GT(course.taken, 100s);
    EXPECT_LE(course.taken, 2min);
    EXPECT_EQ(course.first, 500ms);
}

TEST(Retries, BackOffForLongFromTooManyNativeClones) {
    const auto course = course_of(fault("TooManyConcurrentNativeClones"));
    EXPECT_EQ(course.first, 10s);
    EXPECT_GT(course.taken, 20min);
    EXPECT_LE(course.taken, 30min);
}

TEST(Retries, TryAFileTroubleOnceMore) {
    for (const auto* name :
         {"CannotAccessFile", "CannotCreateFile", "CannotDeleteFile", "FileFault"})
        EXPECT_EQ(course_of(fault(name)).tries, 1) << name;
}

TEST(Retries, TryTheRestFourTimesInAll) {
    EXPECT_EQ(course_of(fault("HostCommunication")).tries, 3);
    EXPECT_EQ(course_of(Error(Errc::unavailable, "the link broke")).tries, 3);
    EXPECT_EQ(course_of(Error(Errc::unavailable, "lost", std::string(kOutcomeUnknown))).tries, 3);
    EXPECT_EQ(course_of(Error(Errc::not_found, "gone", std::string(kTaskVanished))).tries, 3);
}

TEST(Retries, DoNotRepeatWhatStaysAsItIs) {
    for (const auto* name : {"NoPermission", "NoDiskSpace", "FileNotFound", "RequestCanceled"})
        EXPECT_EQ(course_of(fault(name)).tries, 0) << name;
}

TEST(Retries, EndBeforeTheDeadline) {
    EXPECT_LE(course_of(fault("FileLocked"), Clock::time_point{} + 10s).taken, 10s);
}

TEST(Retries, CountEachTroubleForItself) {
    Retries retries;
    const Clock::time_point now{};
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(retries.next(fault("HostCommunication"), 0, kNoDeadline, now));
    EXPECT_FALSE(retries.next(fault("HostCommunication"), 0, kNoDeadline, now));
    EXPECT_TRUE(retries.next(fault("FileLocked"), 0, kNoDeadline, now));
}

}  // namespace
}  // namespace slipway::vsphere
