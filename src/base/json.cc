#include "base/json.h"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cmath>
#include <unordered_set>

namespace slipway::json {

namespace {

using rapidjson::SizeType;

const rapidjson::Value& at(const void* node) {
    return *static_cast<const rapidjson::Value*>(node);
}

// Builds a document and refuses what RapidJSON would take: too deep, too many, twice the same key.
class GuardedHandler {
public:
    GuardedHandler(rapidjson::Document& document, const Limits& limits)
        : document_(document), limits_(limits) {}

    [[nodiscard]] const char* refusal() const { return refusal_; }

    bool Null() { return count() && document_.Null(); }
    bool Bool(bool value) { return count() && document_.Bool(value); }
    bool Int(int value) { return count() && document_.Int(value); }
    bool Uint(unsigned value) { return count() && document_.Uint(value); }
    bool Int64(std::int64_t value) { return count() && document_.Int64(value); }
    bool Uint64(std::uint64_t value) { return count() && document_.Uint64(value); }
    bool Double(double value) {
        if (!std::isfinite(value)) return refuse("a number is out of range");
        return count() && document_.Double(value);
    }
    bool RawNumber(const char* text, SizeType length, bool copy) {
        return document_.RawNumber(text, length, copy);
    }
    bool String(const char* text, SizeType length, bool copy) {
        return count() && document_.String(text, length, copy);
    }
    bool Key(const char* text, SizeType length, bool copy) {
        if (!keys_.back().insert(std::string(text, length)).second)
            return refuse("a key stands twice");
        return count() && document_.Key(text, length, copy);
    }
    bool StartObject() {
        keys_.emplace_back();
        return open() && document_.StartObject();
    }
    bool EndObject(SizeType members) {
        keys_.pop_back();
        --depth_;
        return document_.EndObject(members);
    }
    bool StartArray() { return open() && document_.StartArray(); }
    bool EndArray(SizeType elements) {
        --depth_;
        return document_.EndArray(elements);
    }

private:
    bool refuse(const char* why) {
        refusal_ = why;
        return false;
    }
    bool count() { return ++values_ <= limits_.values || refuse("too many values"); }
    bool open() { return (++depth_ <= limits_.depth || refuse("nested too deep")) && count(); }

    rapidjson::Document& document_;
    const Limits& limits_;
    std::vector<std::unordered_set<std::string>> keys_;
    std::size_t depth_ = 0;
    std::size_t values_ = 0;
    const char* refusal_ = nullptr;
};

// Lets GuardedHandler feed Document::Populate.
struct Generator {
    rapidjson::MemoryStream& stream;
    rapidjson::Reader& reader;
    const Limits& limits;
    rapidjson::Document& document;
    rapidjson::ParseResult result;
    const char* refusal = nullptr;

    bool operator()(rapidjson::Document& target) {
        GuardedHandler handler(target, limits);
        constexpr unsigned kFlags = rapidjson::kParseIterativeFlag |
                                    rapidjson::kParseValidateEncodingFlag |
                                    rapidjson::kParseFullPrecisionFlag;
        result = reader.Parse<kFlags>(stream, handler);
        refusal = handler.refusal();
        return !result.IsError();
    }
};

}  // namespace

struct Document::Impl {
    rapidjson::Document document;
};

Document::Document(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Result<Document> Document::parse(std::string_view text, const Limits& limits) {
    if (text.size() > limits.bytes) return Error(Errc::too_large, "the JSON body is too large");
    // RapidJSON takes a NUL for the end of the text.
    if (text.find('\0') != std::string_view::npos)
        return Error(
            Errc::invalid_argument, "Malformed JSON in request body: it holds a NUL byte."
        );
    auto impl = std::make_unique<Impl>();
    rapidjson::MemoryStream stream(text.data(), text.size());
    rapidjson::Reader reader;
    Generator generator{stream, reader, limits, impl->document, {}, nullptr};
    impl->document.Populate(generator);
    if (generator.result.IsError()) {
        const std::string why = generator.refusal != nullptr
                                    ? generator.refusal
                                    : rapidjson::GetParseError_En(generator.result.Code());
        return Error(
            Errc::invalid_argument,
            "Malformed JSON in request body, at byte " + std::to_string(generator.result.Offset()) +
                ": " + why
        );
    }
    return Document(std::move(impl));
}

Value Document::root() const {
    return Value(static_cast<const rapidjson::Value*>(&impl_->document));
}

bool Value::is_null() const {
    return at(node_).IsNull();
}
bool Value::is_object() const {
    return at(node_).IsObject();
}
bool Value::is_array() const {
    return at(node_).IsArray();
}
bool Value::is_string() const {
    return at(node_).IsString();
}
bool Value::is_bool() const {
    return at(node_).IsBool();
}
bool Value::is_integer() const {
    return at(node_).IsInt64();
}

std::string_view Value::string() const {
    return {at(node_).GetString(), at(node_).GetStringLength()};
}
bool Value::boolean() const {
    return at(node_).GetBool();
}
std::int64_t Value::integer() const {
    return at(node_).GetInt64();
}

std::optional<Value> Value::find(std::string_view key) const {
    const auto& object = at(node_);
    const auto found =
        object.FindMember(rapidjson::Value(rapidjson::StringRef(key.data(), key.size())));
    if (found == object.MemberEnd()) return std::nullopt;
    return Value(&found->value);
}

std::vector<std::pair<std::string_view, Value>> Value::members() const {
    std::vector<std::pair<std::string_view, Value>> all;
    for (const auto& member : at(node_).GetObject())
        all.emplace_back(
            std::string_view(member.name.GetString(), member.name.GetStringLength()),
            Value(&member.value)
        );
    return all;
}

std::vector<Value> Value::elements() const {
    std::vector<Value> all;
    for (const auto& element : at(node_).GetArray()) all.emplace_back(&element);
    return all;
}

Result<std::optional<std::string>> Value::optional_string(std::string_view key) const {
    const auto found = find(key);
    if (!found || found->is_null()) return std::optional<std::string>();
    if (!found->is_string())
        return Error(Errc::invalid_argument, "\"" + std::string(key) + "\" must be a string");
    return std::optional<std::string>(found->string());
}

Result<std::string> Value::required_string(std::string_view key) const {
    SLIPWAY_TRY(auto text, optional_string(key));
    if (!text || text->empty())
        return Error(Errc::invalid_argument, "\"" + std::string(key) + "\" is missing or empty");
    return std::move(*text);
}

struct Writer::Impl {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
};

Writer::Writer() : impl_(std::make_unique<Impl>()) {}
Writer::~Writer() = default;

Writer& Writer::begin_object() {
    impl_->writer.StartObject();
    return *this;
}
Writer& Writer::end_object() {
    impl_->writer.EndObject();
    return *this;
}
Writer& Writer::begin_array() {
    impl_->writer.StartArray();
    return *this;
}
Writer& Writer::end_array() {
    impl_->writer.EndArray();
    return *this;
}
Writer& Writer::key(std::string_view name) {
    impl_->writer.Key(name.data(), static_cast<SizeType>(name.size()));
    return *this;
}
Writer& Writer::string(std::string_view value) {
    impl_->writer.String(value.data(), static_cast<SizeType>(value.size()));
    return *this;
}
Writer& Writer::integer(std::int64_t value) {
    impl_->writer.Int64(value);
    return *this;
}
Writer& Writer::number(double value) {
    impl_->writer.Double(value);
    return *this;
}
Writer& Writer::boolean(bool value) {
    impl_->writer.Bool(value);
    return *this;
}
Writer& Writer::null() {
    impl_->writer.Null();
    return *this;
}
Writer& Writer::raw(std::string_view json) {
    impl_->writer.RawValue(json.data(), json.size(), rapidjson::kObjectType);
    return *this;
}
Writer& Writer::value(const Value& value) {
    at(value.node()).Accept(impl_->writer);
    return *this;
}

std::string Writer::text() const {
    return {impl_->buffer.GetString(), impl_->buffer.GetSize()};
}

}  // namespace slipway::json
