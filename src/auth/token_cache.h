#pragma once

#include "model/caller.h"

#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace slipway::auth {

// Who is behind a token, or that it is none, for a while. Good and bad tokens have room of their
// own: any number of bad ones pushes out no good one. The oldest in use goes first.
//
// Keys are digests of tokens, never tokens. Not safe across threads.
class TokenCache {
public:
    using Moment = std::chrono::steady_clock::time_point;

    // `entries` good ones, and as many bad ones.
    explicit TokenCache(std::size_t entries) : good_(entries), bad_(entries) {}

    // Absent: not known (any more).
    std::optional<Identity> find_good(const std::string& key, Moment now);
    bool is_bad(const std::string& key, Moment now);

    void put_good(const std::string& key, Identity identity, Moment until);
    void put_bad(const std::string& key, Moment until);

    [[nodiscard]] std::size_t size() const { return good_.size() + bad_.size(); }

private:
    // Keeps the most recently used entries.
    template <class Value>
    class Recent {
    public:
        explicit Recent(std::size_t entries) : entries_(entries) {}

        const Value* find(const std::string& key, Moment now);
        void put(const std::string& key, Value value, Moment until);
        [[nodiscard]] std::size_t size() const { return places_.size(); }

    private:
        struct Entry {
            std::string key;
            Value value;
            Moment until;
        };
        using Order = std::list<Entry>;

        void drop(typename Order::iterator entry);

        std::size_t entries_;
        Order order_;  // most recently used first
        std::unordered_map<std::string, typename Order::iterator> places_;
    };
    struct Nothing {};

    Recent<Identity> good_;
    Recent<Nothing> bad_;
};

}  // namespace slipway::auth
