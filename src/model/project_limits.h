#pragma once

#include <cstdint>

namespace slipway {

// What a project may have; a negative one is no limit.
struct ProjectLimits {
    std::int64_t bytes = -1;         // stored, of all its images
    std::int64_t staged_bytes = -1;  // of data that wait for their import
    std::int64_t images = -1;
    std::int64_t uploads = -1;  // images that are being filled
    // As oslo.limit counts: data of unknown length are taken while nothing is exceeded, and may
    // exceed it; what was deleted counts no longer. Else every byte counts that lies in a store.
    bool like_oslo_limit = false;

    friend bool operator==(const ProjectLimits&, const ProjectLimits&) = default;
};

// What it has.
struct ProjectUsage {
    std::uint64_t bytes = 0;
    std::uint64_t staged_bytes = 0;
    std::uint64_t images = 0;
    std::uint64_t uploads = 0;

    friend bool operator==(const ProjectUsage&, const ProjectUsage&) = default;
};

}  // namespace slipway
