#pragma once

#include "vsphere/soap.h"
#include "vsphere/vim_types.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// What the property collector says about tasks, as pure functions.
namespace slipway::vsphere {

// The requests of the watcher.
SoapRequest create_task_filter(
    const ManagedObjectReference& collector, const ManagedObjectReference& task
);
SoapRequest wait_for_updates_request(
    const ManagedObjectReference& collector, const std::string& version, std::chrono::seconds wait
);

// What one update tells about one task. Properties that did not change are absent.
struct TaskUpdate {
    ManagedObjectReference task;
    bool gone = false;
    std::string state;  // queued, running, success, error; empty when unchanged
    std::optional<int> percent;
    std::optional<Fault> fault;
    std::optional<xml::Element> result;
    std::shared_ptr<const xml::Document> document;
};

// Reads an UpdateSet:
//
//   <filterSet><objectSet><kind>modify</kind><obj type="Task">task-42</obj>
//     <changeSet><name>info.progress</name><op>assign</op><val
//     xsi:type="xsd:int">40</val></changeSet>
//   </objectSet></filterSet>
//
// A change without <val> means that the property is unset. What is not understood is left out.
std::vector<TaskUpdate> read_task_updates(const SoapReply& reply);

// What is known of one task. Once it is finished nothing changes it any more.
struct TaskState {
    bool finished = false;
    bool vanished = false;
    int percent = 0;
    std::optional<Fault> fault;
    std::optional<xml::Element> result;
    std::shared_ptr<const xml::Document> document;

    void apply(const TaskUpdate& update);
    void vanish();
};

}  // namespace slipway::vsphere
