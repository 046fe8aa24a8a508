#pragma once

#include "base/error.h"
#include "vsphere/xml.h"

#include <string>
#include <string_view>
#include <vector>

namespace slipway::vsphere {

// What is worth doing after a failure.
enum class RetryClass {
    session,           // log in once more, then retry
    retry,             // back off and retry
    conflict,          // look at the state, then decide
    permanent,         // report
    operator_problem,  // take the datastore or host out of rotation, retry elsewhere
};

// A fault as the server reported it, with what it hides inside.
struct Fault {
    std::string name;                 // local name of its type: "FileNotFound"
    std::string text;                 // localizedMessage or faultstring; for logs
    std::vector<std::string> texts;   // faultMessage and the texts of inner causes; for logs
    std::string file;                 // the datastore path it is about, where it names one
    std::string privilege;            // missing privilege of a NoPermission
    std::vector<std::string> causes;  // names of the inner faults, outermost first
};

// A fault object: a child of <detail>, or <fault> inside a LocalizedMethodFault.
Fault read_fault(const xml::Element& fault);
// LocalizedMethodFault: <fault xsi:type="…"/><localizedMessage>…</localizedMessage>.
Fault read_localized_fault(const xml::Element& localized);

// The one table. Error.reason is the fault's name; a name that is not in the table is
// `unavailable`. Texts of the server, which may name hosts, stay out of the message.
Error to_error(const Fault& fault);

// Of an error made by this folder: by its reason, else by its code.
RetryClass retry_class(const Error& error);

// Reasons of ours, beside the faults' names.
inline constexpr std::string_view kOutcomeUnknown = "OutcomeUnknown";
inline constexpr std::string_view kTaskVanished = "TaskVanished";
inline constexpr std::string_view kTaskUnseen = "TaskUnseen";  // it may go on: ask again later
inline constexpr std::string_view kSessionReplaced = "SessionReplaced";
inline constexpr std::string_view kNotSent = "NotSent";        // not a byte of the body left us
inline constexpr std::string_view kHttpStatus = "HttpStatus";  // followed by the code
inline constexpr std::string_view kNotSoap = "NotSoap";
inline constexpr std::string_view kTls =
    "Tls";  // begins the link's reasons for not believing a peer
inline constexpr std::string_view kXmlLimit = "XmlLimit";

}  // namespace slipway::vsphere
