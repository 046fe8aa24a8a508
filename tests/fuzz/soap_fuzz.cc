#include "vsphere/soap.h"
#include "vsphere/xml.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

using slipway::vsphere::xml::Element;

void look_at_all(const Element& element) {
    (void)element.text();
    (void)element.type();
    (void)element.attribute("type");
    (void)element.child_unsigned("capacity");
    for (const Element& child : element.children()) look_at_all(child);
}

}  // namespace

// An answer of a vCenter, whatever it is: read as XML, as the answer to a call, and as its
// versions.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace slipway::vsphere;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto document = xml::Document::parse(text)) look_at_all(document->root());
    if (const auto reply = parse_reply("Login", 200, text)) look_at_all(reply->response());
    (void)parse_reply("CopyVirtualDisk_Task", 500, text);
    (void)choose_api_version(text);
    return 0;
}
