#include "vsphere/xml.h"

#include <libxml/xmlstring.h>

namespace slipway::vsphere::xml {
namespace {

bool fits_xml(std::string_view value) {
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') return false;
        if (byte == 0x7f) return false;
    }
    // U+FFFE and U+FFFF are the only other characters that XML knows nothing of.
    if (value.find("\xEF\xBF\xBE") != value.npos || value.find("\xEF\xBF\xBF") != value.npos)
        return false;
    return xmlCheckUTF8(reinterpret_cast<const unsigned char*>(std::string(value).c_str())) != 0;
}

}  // namespace

Writer& Writer::open(std::string_view name, std::string_view type) {
    out_.append("<").append(name);
    if (!type.empty()) {
        out_ += " xsi:type=\"";
        append_escaped(type);
        out_ += "\"";
    }
    out_ += ">";
    open_.emplace_back(name);
    return *this;
}

Writer& Writer::open_method(std::string_view name) {
    out_.append("<").append(name).append(" xmlns=\"").append(kVim25).append("\">");
    open_.emplace_back(name);
    return *this;
}

Writer& Writer::close() {
    out_.append("</").append(open_.back()).append(">");
    open_.pop_back();
    return *this;
}

Writer& Writer::text(std::string_view name, std::string_view value) {
    out_.append("<").append(name).append(">");
    append_escaped(value);
    out_.append("</").append(name).append(">");
    return *this;
}

Writer& Writer::boolean(std::string_view name, bool value) {
    return text(name, value ? "true" : "false");
}

Writer& Writer::number(std::string_view name, std::uint64_t value) {
    return text(name, std::to_string(value));
}

Writer& Writer::reference(std::string_view name, std::string_view type, std::string_view value) {
    out_.append("<").append(name).append(" type=\"");
    append_escaped(type);
    out_ += "\">";
    append_escaped(value);
    out_.append("</").append(name).append(">");
    return *this;
}

Result<std::string> Writer::finish() {
    while (!open_.empty()) close();
    if (bad_text_)
        return Error(
            Errc::invalid_argument, "a name holds characters that vSphere can not be sent"
        );
    return std::move(out_);
}

void Writer::append_escaped(std::string_view value) {
    if (!fits_xml(value)) {
        bad_text_ = true;
        return;
    }
    for (const char c : value) {
        switch (c) {
            case '&':
                out_ += "&amp;";
                break;
            case '<':
                out_ += "&lt;";
                break;
            case '>':
                out_ += "&gt;";
                break;
            case '"':
                out_ += "&quot;";
                break;
            case '\r':
                out_ += "&#13;";
                break;
            default:
                out_ += c;
        }
    }
}

}  // namespace slipway::vsphere::xml
