#include "vsphere/property_collector.h"

#include "vsphere/methods.h"

namespace slipway::vsphere {
namespace {

constexpr std::uint64_t kPageObjects = 100;
constexpr int kRestarts = 3;

// <propSet>: the properties; then <objectSet>: where they are read.
void write_prop_set(
    xml::Writer& out, const std::string& type, const std::vector<std::string>& paths
) {
    out.open("propSet").text("type", type);
    for (const auto& path : paths) out.text("pathSet", path);
    out.close();
}

SoapRequest property_request(std::string_view method, Result<std::string> body) {
    auto request = methods::make(method, std::move(body));
    request.reply_limit_bytes = kPropertyReplyLimitBytes;
    return request;
}

void open_retrieve(xml::Writer& out, const ManagedObjectReference& collector) {
    out.open_method("RetrievePropertiesEx");
    write(out, "_this", collector);
    out.open("specSet");
}

SoapRequest close_retrieve(xml::Writer& out) {
    out.boolean("reportMissingObjectsInResults", true).close();
    out.open("options").number("maxObjects", kPageObjects).close();
    return property_request("RetrievePropertiesEx", out.finish());
}

SoapRequest continue_request(
    const ManagedObjectReference& collector, const std::string& token, std::uint64_t generation
) {
    xml::Writer out;
    out.open_method("ContinueRetrievePropertiesEx");
    write(out, "_this", collector);
    out.text("token", token);
    auto request = property_request("ContinueRetrievePropertiesEx", out.finish());
    request.generation = generation;
    // Each token can be used once.
    request.idempotent = false;
    return request;
}

Result<void> append_objects(const SoapReply& reply, std::vector<ObjectContent>& into) {
    const auto value = reply.returnval();
    if (!value) return {};
    for (const auto& objects : value->children("objects")) {
        SLIPWAY_TRY(auto content, read_object_content(objects, reply.document()));
        into.push_back(std::move(content));
    }
    return {};
}

// One read with all its pages. `generation` is that of the session it was begun in.
awaitable<Result<std::vector<ObjectContent>>> read_pages(
    VimClient& client,
    const ManagedObjectReference& collector,
    const SoapRequest& request,
    const Call& call
) {
    std::vector<ObjectContent> found;
    SLIPWAY_CO_TRY(auto reply, co_await client.call(request, call));
    while (true) {
        SLIPWAY_CO_CHECK(append_objects(reply, found));
        const auto value = reply.returnval();
        const auto token = value ? value->child_text("token") : std::string();
        if (token.empty()) co_return found;
        const auto next = continue_request(collector, token, reply.generation);
        SLIPWAY_CO_TRY(reply, co_await client.call(next, call));
    }
}

// A page that was lost, or a session that ended between two pages: begin again.
bool worth_restarting(const Error& error) {
    return error.reason == kSessionReplaced || error.reason == kOutcomeUnknown;
}

SoapRequest create_view(
    const ManagedObjectReference& manager,
    const ManagedObjectReference& container,
    const std::string& type
) {
    xml::Writer out;
    out.open_method("CreateContainerView");
    write(out, "_this", manager);
    write(out, "container", container);
    out.text("type", type).boolean("recursive", true);
    return methods::make("CreateContainerView", out.finish());
}

SoapRequest read_view(
    const ManagedObjectReference& collector,
    const ManagedObjectReference& view,
    const std::string& type,
    const std::vector<std::string>& paths
) {
    xml::Writer out;
    open_retrieve(out, collector);
    write_prop_set(out, type, paths);
    out.open("objectSet");
    write(out, "obj", view);
    out.boolean("skip", true)
        .open("selectSet", "TraversalSpec")
        .text("type", "ContainerView")
        .text("path", "view")
        .boolean("skip", false)
        .close()
        .close();
    return close_retrieve(out);
}

awaitable<Result<std::vector<ObjectContent>>> read_below_once(
    VimClient& client,
    const ManagedObjectReference& container,
    const std::string& type,
    const std::vector<std::string>& paths,
    const Call& call
) {
    SLIPWAY_CO_TRY(const auto content, co_await client.service_content(call));
    const auto create = create_view(content->view_manager, container, type);
    SLIPWAY_CO_TRY(const auto created, co_await client.call(create, call));
    SLIPWAY_CO_TRY(const auto value, created.required_returnval());
    SLIPWAY_CO_TRY(const auto view, read_reference(value));

    auto request = read_view(content->property_collector, view, type, paths);
    request.generation = created.generation;
    auto found = co_await read_pages(client, content->property_collector, request, call);

    auto destroy = methods::bare("DestroyView", view);
    destroy.generation = created.generation;
    // A view that can not be destroyed goes with its session.
    const auto destroyed = co_await client.call(destroy, call);
    static_cast<void>(destroyed);
    co_return found;
}

}  // namespace

std::optional<xml::Element> ObjectContent::find(std::string_view path) const {
    const auto at = properties.find(path);
    if (at == properties.end()) return std::nullopt;
    return at->second;
}

std::string ObjectContent::text(std::string_view path) const {
    const auto value = find(path);
    return value ? value->text() : std::string();
}

Result<ManagedObjectReference> ObjectContent::reference(std::string_view path) const {
    if (const auto value = find(path)) return read_reference(*value);
    return Error(Errc::corrupt, "vSphere did not give a property that every such object has");
}

Result<std::vector<ManagedObjectReference>> ObjectContent::references(std::string_view path) const {
    std::vector<ManagedObjectReference> refs;
    const auto value = find(path);
    if (!value) return refs;
    for (const auto& element : value->children("ManagedObjectReference")) {
        SLIPWAY_TRY(auto member, read_reference(element));
        refs.push_back(std::move(member));
    }
    return refs;
}

Result<ObjectContent> read_object_content(
    const xml::Element& objects, std::shared_ptr<const xml::Document> document
) {
    ObjectContent content;
    const auto obj = objects.child("obj");
    if (!obj) return Error(Errc::corrupt, "vSphere sent properties of no object");
    SLIPWAY_TRY(content.ref, read_reference(*obj));
    for (const auto& property : objects.children("propSet"))
        if (const auto val = property.child("val"))
            content.properties.emplace(property.child_text("name"), *val);
    for (const auto& missing : objects.children("missingSet")) {
        const auto fault = missing.child("fault");
        content.missing.emplace(
            missing.child_text("path"), fault ? read_localized_fault(*fault).name : std::string()
        );
    }
    content.document = std::move(document);
    return content;
}

awaitable<Result<std::vector<ObjectContent>>> retrieve(
    VimClient& client,
    std::string type,
    std::vector<ManagedObjectReference> refs,
    std::vector<std::string> paths,
    const Call& call
) {
    if (refs.empty()) co_return std::vector<ObjectContent>();
    SLIPWAY_CO_TRY(const auto content, co_await client.service_content(call));
    xml::Writer out;
    open_retrieve(out, content->property_collector);
    write_prop_set(out, type, paths);
    for (const auto& ref : refs) {
        if (!is_well_formed(ref))
            co_return Error(Errc::invalid_argument, "this is not a reference to a vSphere object");
        out.open("objectSet");
        write(out, "obj", ref);
        out.close();
    }
    const auto request = close_retrieve(out);
    for (int attempt = 1;; ++attempt) {
        auto found = co_await read_pages(client, content->property_collector, request, call);
        if (found || !worth_restarting(found.error()) || attempt >= kRestarts) co_return found;
    }
}

awaitable<Result<ObjectContent>> retrieve_one(
    VimClient& client, ManagedObjectReference ref, std::vector<std::string> paths, const Call& call
) {
    SLIPWAY_CO_TRY(auto found, co_await retrieve(client, ref.type, {ref}, std::move(paths), call));
    if (found.empty()) co_return to_error(Fault{.name = "ManagedObjectNotFound"});
    auto& content = found.front();
    for (const auto& [name, fault] : content.missing) {
        if (fault == "NoPermission" || fault == "ManagedObjectNotFound")
            co_return to_error(Fault{.name = fault});
    }
    co_return std::move(content);
}

awaitable<Result<std::vector<ObjectContent>>> retrieve_below(
    VimClient& client,
    ManagedObjectReference container,
    std::string type,
    std::vector<std::string> paths,
    const Call& call
) {
    for (int attempt = 1;; ++attempt) {
        auto found = co_await read_below_once(client, container, type, paths, call);
        if (found || !worth_restarting(found.error()) || attempt >= kRestarts) co_return found;
    }
}

}  // namespace slipway::vsphere
