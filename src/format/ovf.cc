#include "format/ovf.h"

#include "base/handle.h"
#include "format/detector.h"
#include "format/disk_formats.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <cstring>
#include <memory>
#include <new>
#include <optional>

namespace slipway::format {

namespace {

using XmlDocument = std::unique_ptr<xmlDoc, FreeWith<&xmlFreeDoc>>;
using XmlParser = std::unique_ptr<xmlParserCtxt, FreeWith<&xmlFreeParserCtxt>>;

std::string_view view(const xmlChar* text) {
    return text ? std::string_view(reinterpret_cast<const char*>(text)) : std::string_view();
}

// Stops before an entity can exist.
void on_doctype(void* context, const xmlChar*, const xmlChar*, const xmlChar*) {
    xmlStopParser(static_cast<xmlParserCtxt*>(context));
}

// NONET alone: without NOENT, DTDLOAD and their like, nothing is fetched and nothing expanded.
// Depth is bounded by the library, the rest by the length of the text.
XmlDocument parse(std::string_view text) {
    const XmlParser parser(xmlNewParserCtxt());
    if (!parser) throw std::bad_alloc();
    parser->sax->internalSubset = &on_doctype;
    parser->sax->externalSubset = &on_doctype;
    XmlDocument document(xmlCtxtReadMemory(
        parser.get(),
        text.data(),
        static_cast<int>(text.size()),
        nullptr,
        nullptr,
        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING
    ));
    // A stopped parser leaves its half-built tree in the context.
    if (!document && parser->myDoc) xmlFreeDoc(std::exchange(parser->myDoc, nullptr));
    return document;
}

const xmlNode* next_named(const xmlNode* node, std::string_view name) {
    while (node && (node->type != XML_ELEMENT_NODE || view(node->name) != name)) node = node->next;
    return node;
}

const xmlNode* child_named(const xmlNode* node, std::string_view name) {
    return node ? next_named(node->children, name) : nullptr;
}

std::string attribute(const xmlNode* node, std::string_view name) {
    for (const auto* at = node->properties; at; at = at->next)
        if (view(at->name) == name && at->children) return std::string(view(at->children->content));
    return {};
}

Error refused(std::string_view why) {
    return not_accepted("ova", why);
}

}  // namespace

Result<std::string> first_disk_file(std::string_view ovf) {
    if (ovf.size() > kMaxOvfBytes) return damaged("ova", "its .ovf is longer than 1 MiB");
    const XmlDocument document = parse(ovf);
    const xmlNode* envelope = document ? xmlDocGetRootElement(document.get()) : nullptr;
    if (!envelope) return damaged("ova", "its .ovf is no XML that is taken");

    const xmlNode* disk = child_named(child_named(envelope, "DiskSection"), "Disk");
    // Disks without a file are empty; they say nothing about the others.
    while (disk && attribute(disk, "fileRef").empty()) disk = next_named(disk->next, "Disk");
    if (!disk) return refused("its .ovf describes no disk with a file");
    if (!attribute(disk, "parentRef").empty()) return refused("its disk has a parent");
    const std::string wanted = attribute(disk, "fileRef");

    const xmlNode* file = child_named(child_named(envelope, "References"), "File");
    while (file && attribute(file, "id") != wanted) file = next_named(file->next, "File");
    if (!file) return refused("its .ovf does not say in which file its disk lies");
    const std::string compression = attribute(file, "compression");
    if (!compression.empty() && compression != "identity")
        return refused("its disk is compressed as a whole; export it without compression");
    if (!attribute(file, "chunkSize").empty())
        return refused("its disk is split into several files; export it as one");
    const std::string href = attribute(file, "href");
    if (href.empty()) return refused("its .ovf does not say in which file its disk lies");
    return href;
}

}  // namespace slipway::format
