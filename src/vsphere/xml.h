#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// XML in and out over libxml2, which stays in xml.cc. Pure functions; no network, no files.
namespace slipway::vsphere::xml {

inline constexpr std::string_view kVim25 = "urn:vim25";
inline constexpr std::string_view kSoapEnvelope = "http://schemas.xmlsoap.org/soap/envelope/";
inline constexpr std::string_view kSchemaInstance = "http://www.w3.org/2001/XMLSchema-instance";

// What a reply may hold; more is `corrupt` with reason "XmlLimit".
struct Limits {
    std::size_t bytes = 8U << 20U;
    std::size_t depth = 64;
    std::size_t nodes = 1'000'000;
    std::size_t text_bytes = 1U << 20U;  // of one element
};

// A name resolved by its namespace, as in xsi:type="ns1:FileNotFound".
struct QName {
    std::string ns;
    std::string name;

    friend bool operator==(const QName&, const QName&) = default;
};

// An element inside a Document, which must outlive it. Cheap to copy.
class Element {
public:
    explicit Element(const void* node) : node_(node) {}

    [[nodiscard]] std::string_view name() const;  // local name
    [[nodiscard]] std::string_view ns() const;    // namespace URI; empty for none
    [[nodiscard]] bool is(std::string_view ns, std::string_view name) const;

    // The element's own text, without that of its children.
    [[nodiscard]] std::string text() const;

    // Children in this element's own namespace, as vim25 has them.
    [[nodiscard]] std::optional<Element> child(std::string_view name) const;
    [[nodiscard]] std::vector<Element> children(std::string_view name) const;
    [[nodiscard]] std::optional<Element> child(std::string_view ns, std::string_view name) const;
    // Every child element.
    [[nodiscard]] std::vector<Element> children() const;

    // Text of a child; empty when there is none.
    [[nodiscard]] std::string child_text(std::string_view name) const;
    // Errors: corrupt when it is missing, no number, or out of range.
    [[nodiscard]] Result<std::uint64_t> child_unsigned(std::string_view name) const;
    // True, false, or `otherwise` when it is absent or something else.
    [[nodiscard]] bool child_bool(std::string_view name, bool otherwise) const;

    // An attribute without namespace; empty when absent.
    [[nodiscard]] std::string attribute(std::string_view name) const;
    // xsi:type, its prefix resolved where it stands; an undeclared prefix yields an empty
    // namespace.
    [[nodiscard]] std::optional<QName> type() const;

private:
    const void* node_;
};

class Document {
public:
    // Errors: corrupt for anything that is no well-formed XML within `limits`, and for any DOCTYPE:
    // it is refused before an entity can exist. Nothing is ever loaded.
    static Result<Document> parse(std::string_view bytes, const Limits& limits = {});

    Document(Document&&) noexcept;
    Document& operator=(Document&&) noexcept;
    ~Document();

    [[nodiscard]] Element root() const;

private:
    struct Impl;
    explicit Document(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// 0 to 2^63-1 in decimal. Errors: corrupt.
Result<std::uint64_t> parse_unsigned(std::string_view text);
// "true"/"1" and "false"/"0".
std::optional<bool> parse_bool(std::string_view text);

// Writes elements in the order of the calls, without white space, every text escaped.
class Writer {
public:
    // `type` is written as xsi:type; the envelope declares the prefix.
    Writer& open(std::string_view name, std::string_view type = {});
    // The outermost element of a SOAP body: declares the default namespace urn:vim25.
    Writer& open_method(std::string_view name);
    Writer& close();

    Writer& text(std::string_view name, std::string_view value);
    Writer& boolean(std::string_view name, bool value);
    Writer& number(std::string_view name, std::uint64_t value);
    // <name type="Datacenter">datacenter-2</name>
    Writer& reference(std::string_view name, std::string_view type, std::string_view value);

    // The text so far, all elements closed.
    // Errors: invalid_argument when a value can not stand in XML (control characters, no UTF-8).
    [[nodiscard]] Result<std::string> finish();

private:
    void append_escaped(std::string_view value);

    std::string out_;
    std::vector<std::string> open_;
    bool bad_text_ = false;
};

}  // namespace slipway::vsphere::xml
