// SPDX-License-Identifier: Apache-2.0
// Block templates (event_stream.h), split in two: what decoding a segment and
// counting its transitions needs, always in memory, and the nodes and events
// that replay needs, loaded on demand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "event_stream.h"

namespace reven {

// A value of a block's record: where it lies, and how wide it is. The columns of
// a template are ascending and cover its record without gaps.
struct Column {
    uint16_t offset;  // in the record
    uint16_t width;   // bytes: 1, 2, 4 or 8, a number; else that many plain bytes
};

// A side exit that has an index.
struct Exit {
    uint16_t instruction;  // index in the template
    uint16_t flags;        // REVEN_EXIT_…
    uint16_t retired;      // instructions of an execution that leaves here
};

struct Template {
    uint32_t id = 0;
    uint32_t values_size = 0;
    uint32_t jump_kind = 0;
    uint32_t flags = 0;
    uint32_t node_count = 0;
    uint32_t event_count = 0;
    std::vector<reven_instruction> instructions;  // at least one
    std::vector<Exit> exits;                      // exit k is exits[k - 1]
    std::vector<Column> columns;

    // Index of the instruction at `address`, or -1.
    int find_instruction(uint64_t address) const;
};

// Nodes and events of a template, validated: operands are earlier nodes,
// offsets and sizes stay inside the record and the register file, node fields
// of events that apply are nodes of the template that have a value of the right size.
struct TemplateBody {
    std::vector<reven_node> nodes;
    std::vector<reven_event> events;
};

// Loads, stores, and what does both; not what reaches a device.
inline bool is_memory_access(const reven_event& event) {
    return event.kind >= REVEN_EVENT_LOAD && event.kind <= REVEN_EVENT_BULK_STORE &&
           event.kind != REVEN_EVENT_EXIT;
}

inline bool is_device_access(const reven_event& event) {
    return event.kind == REVEN_EVENT_IO_LOAD || event.kind == REVEN_EVENT_IO_STORE;
}

// For each node whether it has a value, or only tells where one came from.
std::vector<bool> nodes_with_value(const TemplateBody& body);

// Parses and validates the payload of a REVEN_TEMPLATE record. Returns "" or what
// is wrong with it.
std::string parse_template(std::span<const uint8_t> payload, Template& head, TemplateBody& body);

// Validates a body against its head. Returns "" or what is wrong.
std::string check_body(const Template& head, const TemplateBody& body);

}  // namespace reven
