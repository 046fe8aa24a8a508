#pragma once

#include "base/secret.h"
#include "vsphere/xml.h"

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The few vim25 data objects that we use, named and ordered as the WSDL has them.
namespace slipway::vsphere {

// Type and id of an object of the server. Ids are opaque: never parsed, always escaped.
struct ManagedObjectReference {
    std::string type;
    std::string value;

    [[nodiscard]] bool empty() const { return value.empty(); }
    friend auto operator<=>(const ManagedObjectReference&, const ManagedObjectReference&) = default;
};

// An id of 1 to 255 printable characters, and a type that is a name. What comes from a server was
// checked; what was kept elsewhere meanwhile is checked again before it is sent.
bool is_well_formed(const ManagedObjectReference& ref);

// <datacenter type="Datacenter">datacenter-2</datacenter>
void write(xml::Writer& out, std::string_view element, const ManagedObjectReference& ref);
// Errors: corrupt unless it is well-formed.
Result<ManagedObjectReference> read_reference(const xml::Element& element);

struct AboutInfo {
    std::string full_name;
    std::string version;
    std::string api_type;  // VirtualCenter or HostAgent
    std::string api_version;
    std::string instance_uuid;

    [[nodiscard]] bool is_virtual_center() const { return api_type == "VirtualCenter"; }
};

// References that a server does not have are empty.
struct ServiceContent {
    ManagedObjectReference root_folder;
    ManagedObjectReference property_collector;
    ManagedObjectReference view_manager;
    ManagedObjectReference session_manager;
    ManagedObjectReference file_manager;
    ManagedObjectReference virtual_disk_manager;
    ManagedObjectReference search_index;
    ManagedObjectReference datastore_namespace_manager;
    ManagedObjectReference v_storage_object_manager;
    AboutInfo about;
};

Result<ServiceContent> read_service_content(const xml::Element& returnval);

// For CreateVirtualDisk. disk_type: thin, preallocated, eagerZeroedThick; adapter_type: ide,
// busLogic, lsiLogic.
struct FileBackedVirtualDiskSpec {
    std::string disk_type = "thin";
    std::string adapter_type = "lsiLogic";
    std::uint64_t capacity_kib = 0;
};

void write(xml::Writer& out, std::string_view element, const FileBackedVirtualDiskSpec& spec);

// For CopyVirtualDisk on an ESXi host only; vCenter is never sent one.
struct VirtualDiskSpec {
    std::string disk_type;
    std::string adapter_type = "lsiLogic";
};

void write(xml::Writer& out, std::string_view element, const VirtualDiskSpec& spec);

// What a file of a datastore is known by.
struct FileInfo {
    std::string path;                         // relative to the folder searched
    std::optional<std::uint64_t> size_bytes;  // the browser leaves it out for empty files
    std::string modification;                 // ISO 8601 as the server wrote it; empty when unknown
    bool is_folder = false;
};

// One folder's part of a search.
struct DatastoreSearchResult {
    std::string folder_path;  // "[ds] dir", without a final slash
    std::vector<FileInfo> files;
};

Result<DatastoreSearchResult> read_search_result(const xml::Element& result);

// A one-use right to one HTTP request on an ESXi host.
struct GenericServiceTicket {
    Secret id;
    std::string host_name;
    std::vector<std::string> sha256_thumbprints;  // lower-case hex
    std::vector<std::string> sha1_thumbprints;
};

Result<GenericServiceTicket> read_ticket(const xml::Element& returnval);

// Where the bytes of one device of a lease go.
struct HttpNfcLeaseDeviceUrl {
    Secret url;  // it is the credential; its host may be "*": the server we are talking to
    bool is_disk = false;
    std::vector<std::string> sha256_thumbprints;  // lower-case hex
    std::vector<std::string> sha1_thumbprints;
};

struct HttpNfcLeaseInfo {
    ManagedObjectReference entity;  // the machine that is being made
    std::vector<HttpNfcLeaseDeviceUrl> device_urls;
    std::chrono::seconds timeout{300};  // without a word of progress
};

Result<HttpNfcLeaseInfo> read_lease_info(const xml::Element& info);

}  // namespace slipway::vsphere
