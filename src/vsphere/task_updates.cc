#include "vsphere/task_updates.h"

#include "vsphere/methods.h"

namespace slipway::vsphere {
namespace {

std::optional<int> read_percent(const xml::Element& value) {
    const auto number = xml::parse_unsigned(value.text());
    if (!number || *number > 100) return std::nullopt;
    return static_cast<int>(*number);
}

void read_error(const xml::Element& value, TaskUpdate& into) {
    into.fault = read_localized_fault(value);
}

// The whole TaskInfo, where a server reports that instead of its parts.
void read_info(const xml::Element& info, TaskUpdate& into) {
    into.state = info.child_text("state");
    if (const auto progress = info.child("progress")) into.percent = read_percent(*progress);
    if (const auto error = info.child("error")) read_error(*error, into);
    into.result = info.child("result");
}

void read_change(const xml::Element& change, TaskUpdate& into) {
    const auto value = change.child("val");
    if (!value) return;
    const auto name = change.child_text("name");
    if (name == "info") read_info(*value, into);
    if (name == "info.state") into.state = value->text();
    if (name == "info.progress") into.percent = read_percent(*value);
    if (name == "info.error") read_error(*value, into);
    if (name == "info.result") into.result = *value;
}

bool is_missing(const xml::Element& missing) {
    const auto fault = missing.child("fault");
    return fault && read_localized_fault(*fault).name == "ManagedObjectNotFound";
}

std::optional<TaskUpdate> read_object(const xml::Element& object) {
    const auto obj = object.child("obj");
    if (!obj) return std::nullopt;
    auto ref = read_reference(*obj);
    if (!ref) return std::nullopt;
    TaskUpdate update;
    update.task = std::move(*ref);
    update.gone = object.child_text("kind") == "leave";
    for (const auto& change : object.children("changeSet")) read_change(change, update);
    for (const auto& missing : object.children("missingSet"))
        if (is_missing(missing)) update.gone = true;
    return update;
}

// <missingSet><obj/><fault/></missingSet> of a filter: an object that does not exist any more.
std::optional<TaskUpdate> read_missing_object(const xml::Element& missing) {
    if (!is_missing(missing)) return std::nullopt;
    auto update = read_object(missing);
    if (update) update->gone = true;
    return update;
}

}  // namespace

SoapRequest create_task_filter(
    const ManagedObjectReference& collector, const ManagedObjectReference& task
) {
    xml::Writer out;
    out.open_method("CreateFilter");
    write(out, "_this", collector);
    out.open("spec")
        .open("propSet")
        .text("type", "Task")
        .text("pathSet", "info.state")
        .text("pathSet", "info.progress")
        .text("pathSet", "info.error")
        .text("pathSet", "info.result")
        .close()
        .open("objectSet");
    write(out, "obj", task);
    out.close().close().boolean("partialUpdates", false);
    return methods::make("CreateFilter", out.finish());
}

SoapRequest wait_for_updates_request(
    const ManagedObjectReference& collector, const std::string& version, std::chrono::seconds wait
) {
    xml::Writer out;
    out.open_method("WaitForUpdatesEx");
    write(out, "_this", collector);
    out.text("version", version)
        .open("options")
        .number("maxWaitSeconds", static_cast<std::uint64_t>(wait.count()))
        .close();
    auto request = methods::make("WaitForUpdatesEx", out.finish());
    request.reply_limit_bytes = kPropertyReplyLimitBytes;
    request.patience = wait;
    return request;
}

std::vector<TaskUpdate> read_task_updates(const SoapReply& reply) {
    std::vector<TaskUpdate> updates;
    const auto set = reply.returnval();
    if (!set) return updates;
    for (const auto& filter : set->children("filterSet")) {
        for (const auto& object : filter.children("objectSet"))
            if (auto update = read_object(object)) updates.push_back(std::move(*update));
        for (const auto& missing : filter.children("missingSet"))
            if (auto update = read_missing_object(missing)) updates.push_back(std::move(*update));
    }
    for (auto& update : updates) update.document = reply.document();
    return updates;
}

void TaskState::apply(const TaskUpdate& update) {
    if (finished) return;
    if (update.fault) fault = update.fault;
    if (update.result) {
        result = update.result;
        document = update.document;
    }
    if (update.percent) percent = std::max(percent, *update.percent);
    if (update.state == "success") {
        finished = true;
        percent = 100;
        fault.reset();
    } else if (update.state == "error") {
        finished = true;
        if (!fault) fault = Fault{.name = "MethodFault"};
    } else if (update.gone) {
        vanish();
    }
}

void TaskState::vanish() {
    if (finished) return;
    finished = true;
    vanished = true;
}

}  // namespace slipway::vsphere
