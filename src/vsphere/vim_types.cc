#include "vsphere/vim_types.h"

#include "net/tls.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/digest.h"
#include "base/handle.h"

#include <algorithm>
#include <array>

namespace slipway::vsphere {
namespace {

bool is_printable_id(std::string_view text) {
    return !text.empty() && text.size() <= 255 && std::ranges::all_of(text, [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
    });
}

bool is_type_name(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    });
}

Result<ManagedObjectReference> optional_reference(
    const xml::Element& parent, std::string_view name
) {
    const auto element = parent.child(name);
    if (!element) return ManagedObjectReference{};
    return read_reference(*element);
}

// SHA-256 of the certificate's DER form; empty for what is no certificate.
std::string sha256_of_pem(const std::string& pem) {
    const std::unique_ptr<BIO, FreeWith<&BIO_free_all>> bio(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))
    );
    if (!bio) return {};
    const std::unique_ptr<X509, FreeWith<&X509_free>> certificate(
        PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)
    );
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned length = 0;
    if (!certificate || X509_digest(certificate.get(), EVP_sha256(), hash.data(), &length) != 1)
        return {};
    return to_hex(std::as_bytes(std::span(hash)).first(length));
}

std::string without_final_slash(std::string text) {
    while (text.ends_with('/')) text.pop_back();
    return text;
}

}  // namespace

bool is_well_formed(const ManagedObjectReference& ref) {
    return is_printable_id(ref.value) && is_type_name(ref.type);
}

void write(xml::Writer& out, std::string_view element, const ManagedObjectReference& ref) {
    out.reference(element, ref.type, ref.value);
}

Result<ManagedObjectReference> read_reference(const xml::Element& element) {
    ManagedObjectReference ref{.type = element.attribute("type"), .value = element.text()};
    if (!is_well_formed(ref))
        return Error(Errc::corrupt, "the server sent an object reference that is none");
    return ref;
}

Result<ServiceContent> read_service_content(const xml::Element& returnval) {
    ServiceContent content;
    const std::pair<std::string_view, ManagedObjectReference*> members[] = {
        {"rootFolder", &content.root_folder},
        {"propertyCollector", &content.property_collector},
        {"viewManager", &content.view_manager},
        {"sessionManager", &content.session_manager},
        {"fileManager", &content.file_manager},
        {"virtualDiskManager", &content.virtual_disk_manager},
        {"searchIndex", &content.search_index},
        {"datastoreNamespaceManager", &content.datastore_namespace_manager},
        {"vStorageObjectManager", &content.v_storage_object_manager},
    };
    for (const auto& [name, ref] : members) {
        SLIPWAY_TRY(*ref, optional_reference(returnval, name));
    }
    const auto about = returnval.child("about");
    if (!about || content.root_folder.empty() || content.property_collector.empty() ||
        content.session_manager.empty())
        return Error(
            Errc::corrupt, "the server's ServiceContent lacks what every vSphere server has"
        );
    content.about = AboutInfo{
        .full_name = about->child_text("fullName"),
        .version = about->child_text("version"),
        .api_type = about->child_text("apiType"),
        .api_version = about->child_text("apiVersion"),
        .instance_uuid = about->child_text("instanceUuid"),
    };
    return content;
}

void write(xml::Writer& out, std::string_view element, const FileBackedVirtualDiskSpec& spec) {
    out.open(element, "FileBackedVirtualDiskSpec")
        .text("diskType", spec.disk_type)
        .text("adapterType", spec.adapter_type)
        .number("capacityKb", spec.capacity_kib)
        .close();
}

void write(xml::Writer& out, std::string_view element, const VirtualDiskSpec& spec) {
    out.open(element, "VirtualDiskSpec")
        .text("diskType", spec.disk_type)
        .text("adapterType", spec.adapter_type)
        .close();
}

Result<DatastoreSearchResult> read_search_result(const xml::Element& result) {
    DatastoreSearchResult found;
    found.folder_path = without_final_slash(result.child_text("folderPath"));
    for (const auto& file : result.children("file")) {
        FileInfo info;
        info.path = without_final_slash(file.child_text("path"));
        if (info.path.empty())
            return Error(Errc::corrupt, "a search result has a file without name");
        if (file.child("fileSize")) {
            SLIPWAY_TRY(info.size_bytes, file.child_unsigned("fileSize"));
        }
        info.modification = file.child_text("modification");
        const auto type = file.type();
        info.is_folder = type && type->name == "FolderFileInfo";
        found.files.push_back(std::move(info));
    }
    return found;
}

Result<GenericServiceTicket> read_ticket(const xml::Element& returnval) {
    GenericServiceTicket ticket;
    const auto id = returnval.child_text("id");
    // It becomes part of a header line.
    if (!is_printable_id(id) || id.find_first_of("\";,\\ ") != std::string::npos)
        return Error(Errc::corrupt, "the server sent a ticket that can not be used");
    ticket.id = Secret(id);
    ticket.host_name = returnval.child_text("hostName");
    for (const auto& print : returnval.children("certThumbprintList")) {
        const bool sha256 = print.child_text("hashAlgorithm") == "sha256";
        auto hex = net::parse_thumbprint(print.child_text("thumbprint"), sha256 ? 32 : 20);
        if (hex) (sha256 ? ticket.sha256_thumbprints : ticket.sha1_thumbprints).push_back(*hex);
    }
    if (const auto pem = returnval.child_text("sslCertificate"); !pem.empty()) {
        if (auto hex = sha256_of_pem(pem); !hex.empty())
            ticket.sha256_thumbprints.push_back(std::move(hex));
    }
    if (const auto text = returnval.child_text("sslThumbprint"); !text.empty()) {
        if (auto hex = net::parse_thumbprint(text, 20)) ticket.sha1_thumbprints.push_back(*hex);
    }
    return ticket;
}

Result<HttpNfcLeaseInfo> read_lease_info(const xml::Element& info) {
    HttpNfcLeaseInfo lease;
    const auto entity = info.child("entity");
    if (!entity) return Error(Errc::corrupt, "the server sent a lease for no machine");
    SLIPWAY_TRY(lease.entity, read_reference(*entity));
    SLIPWAY_TRY(const auto seconds, info.child_unsigned("leaseTimeout"));
    lease.timeout =
        std::chrono::seconds(std::min<std::uint64_t>(seconds, std::uint64_t{24} * 3600));
    for (const auto& device : info.children("deviceUrl")) {
        HttpNfcLeaseDeviceUrl url;
        url.url = Secret(device.child_text("url"));
        url.is_disk = device.child_bool("disk", false);
        const auto print = device.child_text("sslThumbprint");
        if (auto sha1 = net::parse_thumbprint(print, 20)) url.sha1_thumbprints.push_back(*sha1);
        if (auto sha256 = net::parse_thumbprint(print, 32))
            url.sha256_thumbprints.push_back(*sha256);
        if (auto hex = sha256_of_pem(device.child_text("sslCertificate")); !hex.empty())
            url.sha256_thumbprints.push_back(std::move(hex));
        lease.device_urls.push_back(std::move(url));
    }
    return lease;
}

}  // namespace slipway::vsphere
