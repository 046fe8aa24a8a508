#include "vsphere/xml.h"

#include "base/handle.h"

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include <charconv>
#include <cstring>
#include <limits>
#include <mutex>

namespace slipway::vsphere::xml {
namespace {

using XmlDocument = std::unique_ptr<xmlDoc, FreeWith<&xmlFreeDoc>>;
using XmlParser = std::unique_ptr<xmlParserCtxt, FreeWith<&xmlFreeParserCtxt>>;

std::string_view view(const xmlChar* text) {
    return text ? std::string_view(reinterpret_cast<const char*>(text)) : std::string_view();
}

std::string_view namespace_of(const xmlNs* ns) {
    return ns ? view(ns->href) : std::string_view();
}

// Counts what the parser builds, and stops it at the first thing that we do not take.
struct Guard {
    Limits limits;
    std::size_t depth = 0;
    std::size_t nodes = 0;
    std::size_t text_bytes = 0;
    const char* refused = nullptr;  // why it was stopped
    bool over_limit = false;
};

Guard& guard_of(void* context) {
    return *static_cast<Guard*>(static_cast<xmlParserCtxt*>(context)->_private);
}

void refuse(void* context, const char* why, bool over_limit) {
    auto& guard = guard_of(context);
    if (!guard.refused) {
        guard.refused = why;
        guard.over_limit = over_limit;
    }
    xmlStopParser(static_cast<xmlParserCtxt*>(context));
}

bool count_node(void* context, std::size_t how_many = 1) {
    auto& guard = guard_of(context);
    guard.nodes += how_many;
    if (guard.nodes <= guard.limits.nodes) return true;
    refuse(context, "it has too many elements", true);
    return false;
}

// Called at "<!DOCTYPE", before anything inside it is read.
void on_doctype(void* context, const xmlChar*, const xmlChar*, const xmlChar*) {
    refuse(context, "it has a DOCTYPE", false);
}

void on_start(
    void* context,
    const xmlChar* name,
    const xmlChar* prefix,
    const xmlChar* uri,
    int namespace_count,
    const xmlChar** namespaces,
    int attribute_count,
    int defaulted_count,
    const xmlChar** attributes
) {
    auto& guard = guard_of(context);
    guard.text_bytes = 0;
    if (++guard.depth > guard.limits.depth) {
        refuse(context, "its elements are nested too deeply", true);
        return;
    }
    if (!count_node(context, 1 + static_cast<std::size_t>(attribute_count + namespace_count)))
        return;
    xmlSAX2StartElementNs(
        context,
        name,
        prefix,
        uri,
        namespace_count,
        namespaces,
        attribute_count,
        defaulted_count,
        attributes
    );
}

void on_end(void* context, const xmlChar* name, const xmlChar* prefix, const xmlChar* uri) {
    auto& guard = guard_of(context);
    guard.text_bytes = 0;
    --guard.depth;
    xmlSAX2EndElementNs(context, name, prefix, uri);
}

void on_text(void* context, const xmlChar* text, int length) {
    auto& guard = guard_of(context);
    guard.text_bytes += static_cast<std::size_t>(length);
    if (guard.text_bytes > guard.limits.text_bytes) {
        refuse(context, "one of its texts is too long", true);
        return;
    }
    xmlSAX2Characters(context, text, length);
}

void on_comment(void* context, const xmlChar*) {
    count_node(context);
}
void on_instruction(void* context, const xmlChar*, const xmlChar*) {
    count_node(context);
}

xmlParserInput* load_nothing(const char*, const char*, xmlParserCtxt*) {
    return nullptr;
}

void prepare_library() {
    static std::once_flag once;
    std::call_once(once, [] {
        xmlInitParser();
        xmlSetExternalEntityLoader(&load_nothing);
    });
}

XmlParser make_parser(Guard& guard) {
    XmlParser parser(xmlNewParserCtxt());
    if (!parser) throw std::bad_alloc();
    parser->_private = &guard;
    auto& sax = *parser->sax;
    sax.internalSubset = &on_doctype;
    sax.externalSubset = &on_doctype;
    sax.startElementNs = &on_start;
    sax.endElementNs = &on_end;
    sax.characters = &on_text;
    sax.ignorableWhitespace = &on_text;
    sax.cdataBlock = &on_text;
    sax.comment = &on_comment;
    sax.processingInstruction = &on_instruction;
    return parser;
}

const xmlNode* as_node(const void* node) {
    return static_cast<const xmlNode*>(node);
}

std::string text_of(const xmlNode* first) {
    std::string text;
    for (const auto* node = first; node; node = node->next)
        if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
            text += view(node->content);
    return text;
}

}  // namespace

struct Document::Impl {
    XmlDocument document;
};

Document::Document(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Result<Document> Document::parse(std::string_view bytes, const Limits& limits) {
    if (bytes.size() > limits.bytes || bytes.size() > std::numeric_limits<int>::max())
        return Error(Errc::corrupt, "the XML text is too long", "XmlLimit");
    prepare_library();
    Guard guard{.limits = limits};
    auto parser = make_parser(guard);
    // NONET alone: without NOENT, DTDLOAD and their like, nothing is fetched and nothing expanded.
    XmlDocument document(xmlCtxtReadMemory(
        parser.get(),
        bytes.data(),
        static_cast<int>(bytes.size()),
        nullptr,
        nullptr,
        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING
    ));
    // A stopped parser leaves its half-built tree in the context.
    if (!document && parser->myDoc) xmlFreeDoc(std::exchange(parser->myDoc, nullptr));
    if (guard.refused) {
        return Error(
            Errc::corrupt,
            std::string("the XML text is refused: ") + guard.refused,
            guard.over_limit ? "XmlLimit" : ""
        );
    }
    if (!document || !xmlDocGetRootElement(document.get()))
        return Error(Errc::corrupt, "the text is not well-formed XML");
    return Document(std::make_unique<Impl>(Impl{std::move(document)}));
}

Element Document::root() const {
    return Element(xmlDocGetRootElement(impl_->document.get()));
}

std::string_view Element::name() const {
    return view(as_node(node_)->name);
}

std::string_view Element::ns() const {
    return namespace_of(as_node(node_)->ns);
}

bool Element::is(std::string_view wanted_ns, std::string_view wanted_name) const {
    return name() == wanted_name && ns() == wanted_ns;
}

std::string Element::text() const {
    return text_of(as_node(node_)->children);
}

std::optional<Element> Element::child(std::string_view wanted) const {
    return child(ns(), wanted);
}

std::optional<Element> Element::child(std::string_view wanted_ns, std::string_view wanted) const {
    for (const auto* node = as_node(node_)->children; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE) continue;
        const Element element(node);
        if (element.is(wanted_ns, wanted)) return element;
    }
    return std::nullopt;
}

std::vector<Element> Element::children(std::string_view wanted) const {
    std::vector<Element> found;
    for (const auto& element : children())
        if (element.is(ns(), wanted)) found.push_back(element);
    return found;
}

std::vector<Element> Element::children() const {
    std::vector<Element> found;
    for (const auto* node = as_node(node_)->children; node; node = node->next)
        if (node->type == XML_ELEMENT_NODE) found.emplace_back(node);
    return found;
}

std::string Element::child_text(std::string_view wanted) const {
    const auto element = child(wanted);
    return element ? element->text() : std::string();
}

Result<std::uint64_t> Element::child_unsigned(std::string_view wanted) const {
    return parse_unsigned(child_text(wanted));
}

bool Element::child_bool(std::string_view wanted, bool otherwise) const {
    return parse_bool(child_text(wanted)).value_or(otherwise);
}

std::string Element::attribute(std::string_view wanted) const {
    for (const auto* at = as_node(node_)->properties; at; at = at->next)
        if (!at->ns && view(at->name) == wanted) return text_of(at->children);
    return {};
}

std::optional<QName> Element::type() const {
    const auto* node = as_node(node_);
    for (const auto* at = node->properties; at; at = at->next) {
        if (view(at->name) != "type" || namespace_of(at->ns) != kSchemaInstance) continue;
        const auto text = text_of(at->children);
        const auto colon = text.find(':');
        const bool prefixed = colon != std::string::npos;
        const auto prefix = prefixed ? text.substr(0, colon) : std::string();
        // Looks upwards from the element; changes nothing in the tree.
        const auto* found = xmlSearchNs(
            node->doc,
            const_cast<xmlNode*>(node),
            prefixed ? reinterpret_cast<const xmlChar*>(prefix.c_str()) : nullptr
        );
        return QName{std::string(namespace_of(found)), prefixed ? text.substr(colon + 1) : text};
    }
    return std::nullopt;
}

Result<std::uint64_t> parse_unsigned(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() ||
        number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return Error(Errc::corrupt, "the server sent a number that is missing or out of range");
    return number;
}

std::optional<bool> parse_bool(std::string_view text) {
    if (text == "true" || text == "1") return true;
    if (text == "false" || text == "0") return false;
    return std::nullopt;
}

}  // namespace slipway::vsphere::xml
