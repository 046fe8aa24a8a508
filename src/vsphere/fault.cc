#include "vsphere/fault.h"

#include <algorithm>
#include <array>

namespace slipway::vsphere {
namespace {

struct Row {
    std::string_view name;
    Errc code;
    RetryClass retry;
    std::string_view sentence;
};

using enum Errc;

// In the order of the things they are about: session, files, datastores, hosts, calls.
constexpr Row kTable[] = {
    {"NotAuthenticated",
     unavailable,
     RetryClass::session,
     "the session at vSphere is over; try again"},
    {"SecurityError",
     unavailable,
     RetryClass::session,
     "vSphere did not accept the session; try again"},
    {"InvalidLogin",
     unavailable,
     RetryClass::permanent,
     "vSphere refused the configured user name or password; correct the configuration"},
    {"PasswordExpired",
     unavailable,
     RetryClass::permanent,
     "the password of the vSphere account has expired; renew it and correct the configuration"},
    {"InvalidLocale",
     internal,
     RetryClass::permanent,
     "vSphere does not know the locale of the login"},
    {"NoPermission",
     forbidden,
     RetryClass::permanent,
     "the vSphere account lacks a privilege; grant it"},
    {"RestrictedByAdministrator",
     forbidden,
     RetryClass::permanent,
     "vSphere's administrator has forbidden the operation"},

    {"FileNotFound", not_found, RetryClass::conflict, "the datastore has no such file or folder"},
    {"FileAlreadyExists",
     conflict,
     RetryClass::conflict,
     "a file or folder of that name exists already; use another name"},
    {"FileLocked",
     conflict,
     RetryClass::retry,
     "the file is in use by a virtual machine or another operation; try again later"},
    {"NoDiskSpace",
     no_space,
     RetryClass::operator_problem,
     "the datastore is full; make room or use another one"},
    {"FileTooLarge",
     too_large,
     RetryClass::operator_problem,
     "the file is too large for the datastore; use another one"},
    {"CannotAccessFile",
     unavailable,
     RetryClass::retry,
     "the host can not access the file; check the datastore"},
    {"CannotCreateFile",
     unavailable,
     RetryClass::retry,
     "the file can not be created; check the datastore"},
    {"CannotDeleteFile",
     unavailable,
     RetryClass::retry,
     "the file can not be deleted; check the datastore"},
    {"FileFault",
     unavailable,
     RetryClass::retry,
     "the file could not be worked on; check the datastore"},
    {"FileNotWritable",
     forbidden,
     RetryClass::permanent,
     "the file can not be written; check its permissions"},
    {"FileNameTooLong",
     invalid_argument,
     RetryClass::permanent,
     "the file's name is too long; use a shorter one"},
    {"DirectoryNotEmpty", conflict, RetryClass::conflict, "the folder is not empty"},
    {"NotADirectory", invalid_argument, RetryClass::permanent, "the path leads through a file"},
    {"NotAFile", invalid_argument, RetryClass::permanent, "the path names a folder, not a file"},
    {"InvalidDiskFormat",
     unsupported,
     RetryClass::permanent,
     "the file is not a disk that vSphere can read"},
    {"UnsupportedDatastore",
     unsupported,
     RetryClass::permanent,
     "the datastore does not support this; use another one"},

    {"InvalidDatastore",
     not_found,
     RetryClass::permanent,
     "there is no such datastore in the datacenter; check its name"},
    {"InvalidDatastorePath",
     invalid_argument,
     RetryClass::permanent,
     "the datastore path is not valid"},
    {"InvalidDatastoreState",
     unavailable,
     RetryClass::operator_problem,
     "the datastore is not in a state to be used; check it"},
    {"DatastoreNotWritableOnHost",
     unavailable,
     RetryClass::operator_problem,
     "the host can not write to the datastore; check its mount"},
    {"InaccessibleDatastore",
     unavailable,
     RetryClass::operator_problem,
     "the datastore is not accessible; check its hosts and storage"},

    {"HostCommunication",
     unavailable,
     RetryClass::retry,
     "vCenter can not talk to the host; try again or check the host"},
    {"HostNotConnected",
     unavailable,
     RetryClass::retry,
     "the host is not connected; try again or check it"},
    {"HostNotReachable",
     unavailable,
     RetryClass::retry,
     "the host is not reachable; try again or check it"},
    {"HostConnectFault",
     unavailable,
     RetryClass::retry,
     "vCenter can not connect to the host; try again or check the host"},
    {"NoHost",
     unavailable,
     RetryClass::operator_problem,
     "no host can reach the datastore; check its mounts"},
    {"TaskInProgress",
     unavailable,
     RetryClass::retry,
     "another task is at work on it; try again later"},
    {"ConcurrentAccess",
     unavailable,
     RetryClass::retry,
     "somebody else changed it meanwhile; try again"},
    {"ResourceInUse", conflict, RetryClass::retry, "it is in use; try again later"},
    {"InvalidState", conflict, RetryClass::retry, "it is not in a state for this; try again later"},
    {"InsufficientResourcesFault",
     unavailable,
     RetryClass::retry,
     "vSphere lacks the resources for this now; try again later"},
    {"TooManyConcurrentNativeClones",
     unavailable,
     RetryClass::retry,
     "too many clones are being made at once; try again later"},
    {"Timedout", unavailable, RetryClass::retry, "vSphere gave up waiting; try again"},
    {"SystemError",
     unavailable,
     RetryClass::retry,
     "vSphere met an internal error; try again, then see its logs"},
    {"RuntimeFault",
     unavailable,
     RetryClass::retry,
     "vSphere met an error; try again, then see its logs"},
    {"MethodFault",
     unavailable,
     RetryClass::retry,
     "vSphere met an error; try again, then see its logs"},
    {"HostConfigFault",
     unavailable,
     RetryClass::retry,
     "the host met an error; try again, then see its logs"},
    {"PlatformConfigFault",
     unavailable,
     RetryClass::retry,
     "the host met an error; try again, then see its logs"},
    {"RequestCanceled", cancelled, RetryClass::permanent, "the operation was cancelled in vSphere"},
    {"NotSupported", unsupported, RetryClass::permanent, "vSphere does not support this here"},
    {"NotImplemented",
     unsupported,
     RetryClass::permanent,
     "this server does not offer the operation"},
    {"MethodNotFound",
     unsupported,
     RetryClass::permanent,
     "this server does not know the operation"},
    {"InvalidRequest", internal, RetryClass::permanent, "vSphere did not understand the request"},
    {"InvalidArgument",
     invalid_argument,
     RetryClass::permanent,
     "vSphere refused an argument of the request"},
    {"InvalidName",
     invalid_argument,
     RetryClass::permanent,
     "vSphere refused the name; use another one"},
    {"InvalidProperty",
     internal,
     RetryClass::permanent,
     "vSphere does not know a property that was asked for"},
    {"InvalidType",
     internal,
     RetryClass::permanent,
     "vSphere does not know a type that was asked for"},
    {"ManagedObjectNotFound",
     not_found,
     RetryClass::conflict,
     "the vSphere object does not exist any more"},
    {"NotFound", not_found, RetryClass::conflict, "vSphere has no such object"},
    {"DuplicateName", conflict, RetryClass::conflict, "the name is taken; use another one"},
    {"AlreadyExists", conflict, RetryClass::conflict, "it exists already"},
    {"InvalidCollectorVersion",
     unavailable,
     RetryClass::retry,
     "the property collector must be built anew"},
};

const Row* find(std::string_view name) {
    const auto* row = std::ranges::find(kTable, name, &Row::name);
    return row == std::end(kTable) ? nullptr : row;
}

// The local name of the element's type, if it is one of vSphere's; else the element's name.
std::string name_of(const xml::Element& fault) {
    const auto type = fault.type();
    if (type && !type->name.empty() && (type->ns == xml::kVim25 || type->ns.empty()))
        return type->name;
    std::string name(fault.name());
    if (name.size() > 5 && name.ends_with("Fault") && !find(name)) name.resize(name.size() - 5);
    return name == "Fault" || name == "fault" ? "MethodFault" : name;
}

void read_messages(const xml::Element& fault, Fault& into) {
    for (const auto& message : fault.children("faultMessage"))
        if (auto text = message.child_text("message"); !text.empty())
            into.texts.push_back(std::move(text));
}

void read_privilege(const xml::Element& fault, Fault& into) {
    into.privilege = fault.child_text("privilegeId");
    if (!into.privilege.empty()) return;
    for (const auto& missing : fault.children("missingPrivileges"))
        for (const auto& id : missing.children("privilegeIds")) {
            if (!into.privilege.empty()) into.privilege += ", ";
            into.privilege += id.text();
        }
}

}  // namespace

Fault read_fault(const xml::Element& element) {
    Fault fault;
    fault.name = name_of(element);
    fault.file = element.child_text("file");
    read_privilege(element, fault);
    read_messages(element, fault);
    if (const auto cause = element.child("faultCause")) {
        auto inner = read_localized_fault(*cause);
        fault.causes.push_back(inner.name);
        fault.causes.insert(fault.causes.end(), inner.causes.begin(), inner.causes.end());
        if (!inner.text.empty()) fault.texts.push_back(std::move(inner.text));
        fault.texts.insert(fault.texts.end(), inner.texts.begin(), inner.texts.end());
    }
    return fault;
}

Fault read_localized_fault(const xml::Element& localized) {
    Fault fault;
    if (const auto inner = localized.child("fault")) fault = read_fault(*inner);
    if (fault.name.empty()) fault.name = "MethodFault";
    fault.text = localized.child_text("localizedMessage");
    return fault;
}

Error to_error(const Fault& fault) {
    const auto name = fault.name.empty() ? std::string("MethodFault") : fault.name;
    const auto* row = find(name);
    if (!row) return Error(unavailable, "vSphere reported " + name + "; see its logs", name);
    std::string message(row->sentence);
    if (!fault.file.empty()) message += " (" + fault.file + ")";
    if (!fault.privilege.empty()) message += " (" + fault.privilege + ")";
    return Error(row->code, std::move(message), name);
}

RetryClass retry_class(const Error& error) {
    if (const auto* row = find(error.reason)) return row->retry;
    if (error.reason == kOutcomeUnknown || error.reason == kTaskVanished)
        return RetryClass::conflict;
    // The certificate does not get better by asking again.
    if (error.reason.starts_with(kTls)) return RetryClass::permanent;
    switch (error.code) {
        case unavailable:
        case timeout:
            return RetryClass::retry;
        case conflict:
        case not_found:
            return RetryClass::conflict;
        case no_space:
            return RetryClass::operator_problem;
        default:
            return RetryClass::permanent;
    }
}

}  // namespace slipway::vsphere
