#include "auth/token_cache.h"

namespace slipway::auth {

template <class Value>
const Value* TokenCache::Recent<Value>::find(const std::string& key, Moment now) {
    const auto place = places_.find(key);
    if (place == places_.end()) return nullptr;
    if (place->second->until <= now) {
        drop(place->second);
        return nullptr;
    }
    order_.splice(order_.begin(), order_, place->second);
    return &place->second->value;
}

template <class Value>
void TokenCache::Recent<Value>::put(const std::string& key, Value value, Moment until) {
    if (const auto place = places_.find(key); place != places_.end()) drop(place->second);
    order_.push_front({key, std::move(value), until});
    places_[key] = order_.begin();
    if (places_.size() > entries_) drop(std::prev(order_.end()));
}

template <class Value>
void TokenCache::Recent<Value>::drop(typename Order::iterator entry) {
    places_.erase(entry->key);
    order_.erase(entry);
}

std::optional<Identity> TokenCache::find_good(const std::string& key, Moment now) {
    const Identity* identity = good_.find(key, now);
    return identity == nullptr ? std::nullopt : std::optional(*identity);
}

bool TokenCache::is_bad(const std::string& key, Moment now) {
    return bad_.find(key, now) != nullptr;
}

void TokenCache::put_good(const std::string& key, Identity identity, Moment until) {
    good_.put(key, std::move(identity), until);
}

void TokenCache::put_bad(const std::string& key, Moment until) {
    bad_.put(key, {}, until);
}

}  // namespace slipway::auth
