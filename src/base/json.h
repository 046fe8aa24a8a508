#pragma once

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// JSON in and out over RapidJSON, which stays in json.cc.
namespace slipway::json {

// What a body may hold; more is invalid_argument.
struct Limits {
    std::size_t bytes = 1U << 20U;
    std::size_t depth = 16;
    std::size_t values = 10'000;
};

// A value inside a Document, which must outlive it.
class Value {
public:
    explicit Value(const void* node) : node_(node) {}

    [[nodiscard]] bool is_null() const;
    [[nodiscard]] bool is_object() const;
    [[nodiscard]] bool is_array() const;
    [[nodiscard]] bool is_string() const;
    [[nodiscard]] bool is_bool() const;
    // Whole numbers that fit 64 bits; 5.0 is not one.
    [[nodiscard]] bool is_integer() const;

    [[nodiscard]] std::string_view string() const;  // needs is_string()
    [[nodiscard]] bool boolean() const;             // needs is_bool()
    [[nodiscard]] std::int64_t integer() const;     // needs is_integer()

    [[nodiscard]] std::optional<Value> find(std::string_view key) const;  // of an object
    [[nodiscard]] std::vector<std::pair<std::string_view, Value>> members() const;
    [[nodiscard]] std::vector<Value> elements() const;

    // The text of the member `key`; absent when it is missing or null.
    // Errors: invalid_argument when it is something else.
    [[nodiscard]] Result<std::optional<std::string>> optional_string(std::string_view key) const;
    // Errors: invalid_argument when it is missing, empty, or no string.
    [[nodiscard]] Result<std::string> required_string(std::string_view key) const;

    [[nodiscard]] const void* node() const { return node_; }

private:
    const void* node_;
};

class Document {
public:
    // Errors: invalid_argument for anything that is no JSON text within `limits`: also duplicate
    // keys, invalid UTF-8, lone surrogates, numbers that are not finite.
    static Result<Document> parse(std::string_view text, const Limits& limits = {});

    Document(Document&&) noexcept;
    Document& operator=(Document&&) noexcept;
    ~Document();

    [[nodiscard]] Value root() const;

private:
    struct Impl;
    explicit Document(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Writes one JSON text. The caller keeps keys and values in balance.
class Writer {
public:
    Writer();
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    Writer& begin_object();
    Writer& end_object();
    Writer& begin_array();
    Writer& end_array();
    Writer& key(std::string_view name);
    Writer& string(std::string_view value);
    Writer& integer(std::int64_t value);
    Writer& number(double value);
    Writer& boolean(bool value);
    Writer& null();
    // A JSON text made elsewhere, as one value.
    Writer& raw(std::string_view json);
    Writer& value(const Value& value);

    // key() and value in one.
    Writer& member(std::string_view name, std::string_view value) {
        return key(name).string(value);
    }
    Writer& member(std::string_view name, const char* value) { return key(name).string(value); }
    Writer& member(std::string_view name, const std::string& value) {
        return key(name).string(value);
    }
    Writer& member(std::string_view name, bool value) { return key(name).boolean(value); }
    Writer& member(std::string_view name, std::int64_t value) { return key(name).integer(value); }
    Writer& member_or_null(std::string_view name, const std::optional<std::string>& value) {
        return value ? key(name).string(*value) : key(name).null();
    }
    Writer& member_or_null(std::string_view name, const std::optional<std::uint64_t>& value) {
        return value ? key(name).integer(static_cast<std::int64_t>(*value)) : key(name).null();
    }

    [[nodiscard]] std::string text() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::json
