// SPDX-License-Identifier: Apache-2.0
#include "stream/template.h"

#include <algorithm>
#include <bit>

#include "base/bytes.h"
#include "stream/limits.h"

namespace reven {

static_assert(sizeof(reven_template) == 32 && sizeof(reven_instruction) == 24);
static_assert(sizeof(reven_node) == 32 || sizeof(reven_node) == 24);
static_assert(sizeof(reven_event) == 32);

int Template::find_instruction(uint64_t address) const {
    for (size_t i = 0; i < instructions.size(); i++)
        if (instructions[i].address == address) return static_cast<int>(i);
    return -1;
}

namespace {

bool is_size(uint64_t bytes) { return bytes <= 32 && std::has_single_bit(bytes); }

// A flow's operands may be missing, and what they are is checked where they are used:
// only numbers of elements must be known here.
std::string bad_flow(const std::vector<reven_node>& nodes, size_t i) {
    const reven_node& node = nodes[i];
    for (uint32_t operand : {node.a, node.b, node.c})
        if (operand != REVEN_NO_NODE && operand >= i) return "refers to a later node";
    const uint64_t element = node.immediate;
    switch (node.op) {
        case REVEN_FLOW_ALL:
        case REVEN_FLOW_BITS:
        case REVEN_FLOW_CONCATENATE:
            return "";
        case REVEN_FLOW_SHIFT_LEFT:
        case REVEN_FLOW_SHIFT_RIGHT:
            if (node.c == REVEN_NO_NODE || nodes[node.c].kind != REVEN_NODE_CONSTANT)
                return "shifts by no constant";
            return "";
        case REVEN_FLOW_ELEMENTS:
        case REVEN_FLOW_INTERLEAVE_LOW:
        case REVEN_FLOW_INTERLEAVE_HIGH:
        case REVEN_FLOW_NARROW:
        case REVEN_FLOW_WIDEN:
        case REVEN_FLOW_PERMUTE:
            return is_size(element) ? "" : "has elements of an impossible size";
        case REVEN_FLOW_EXTRACT:
        case REVEN_FLOW_INSERT: {
            if (!is_size(element)) return "has elements of an impossible size";
            if (node.c == REVEN_NO_NODE || nodes[node.c].kind != REVEN_NODE_CONSTANT ||
                node.a == REVEN_NO_NODE || nodes[node.c].immediate >= nodes[node.a].size / element)
                return "names no element";
            return "";
        }
        default:
            return "has no known flow";
    }
}

std::string bad_node(const Template& head, const TemplateBody& body, size_t i) {
    const auto& nodes = body.nodes;
    const reven_node& node = nodes[i];
    auto wrong = [i](const std::string& what) { return "node " + std::to_string(i) + " " + what; };
    if (!is_size(node.size) && !(node.kind == REVEN_NODE_SLOT && node.size == 0))
        return wrong("has an impossible size");
    switch (node.kind) {
        case REVEN_NODE_CONSTANT:
            if (node.op > 1 || (node.op == 0 && node.size > 8)) return wrong("is no constant");
            return "";
        case REVEN_NODE_SLOT:
            if (node.a > head.values_size || node.size > head.values_size - node.a)
                return wrong("lies outside of the record");
            if (node.b != REVEN_NO_NODE && node.b >= i) return wrong("refers to a later node");
            return "";
        case REVEN_NODE_REGISTER:
        case REVEN_NODE_REGISTER_THEN:
            if (node.a > REVEN_MACHINE_FILE_SIZE || node.size > REVEN_MACHINE_FILE_SIZE - node.a)
                return wrong("lies outside of the register file");
            if (node.kind == REVEN_NODE_REGISTER_THEN && node.b > body.events.size())
                return wrong("refers to a later event");
            return "";
        case REVEN_NODE_UNARY:
        case REVEN_NODE_BINARY:
            if (node.op == 0 || node.op >= REVEN_OP_COUNT) return wrong("has no known operation");
            if (node.a >= i || (node.kind == REVEN_NODE_BINARY && node.b >= i))
                return wrong("refers to a later node");
            return "";
        case REVEN_NODE_SELECT:
            if (node.a >= i || node.b >= i || node.c >= i) return wrong("refers to a later node");
            return "";
        case REVEN_NODE_FLOW:
            if (std::string what = bad_flow(nodes, i); !what.empty()) return wrong(what);
            return "";
        case REVEN_NODE_INDEXED_THEN: {
            const uint64_t elements = node.immediate & UINT32_MAX;
            if (elements == 0 || elements > REVEN_MACHINE_FILE_SIZE ||
                node.a + elements * node.size > REVEN_MACHINE_FILE_SIZE)
                return wrong("lies outside of the register file");
            if (node.c >= i) return wrong("refers to a later node");
            if (node.b > body.events.size()) return wrong("refers to a later event");
            return "";
        }
        default:
            return wrong("has an unknown kind");
    }
}

std::string bad_event(const Template& head, const TemplateBody& body,
                      const std::vector<bool>& has_value, size_t i) {
    const reven_event& event = body.events[i];
    const auto& nodes = body.nodes;
    auto wrong = [i](const char* what) { return "event " + std::to_string(i) + " " + what; };
    auto node = [&](uint32_t index) { return index < nodes.size() && has_value[index]; };
    auto holds = [&](uint32_t index, size_t size) {
        return node(index) && size > 0 && size <= nodes[index].size;
    };
    auto is_linear = [&](uint32_t index) { return index == REVEN_NO_NODE || node(index); };
    if (event.instruction >= head.instructions.size()) return wrong("belongs to no instruction");
    if (i > 0 && event.instruction < body.events[i - 1].instruction)
        return wrong("is out of program order");
    if (event.guard != REVEN_NO_NODE && !node(event.guard)) return wrong("has no such guard");
    if (is_memory_access(event) && !is_linear(event.x3)) return wrong("has no such linear address");
    switch (event.kind) {
        case REVEN_EVENT_SET_REGISTER:
            if (event.offset + event.size > REVEN_MACHINE_FILE_SIZE)
                return wrong("writes outside of the register file");
            if (!holds(event.value, event.size)) return wrong("has no value of its size");
            return "";
        case REVEN_EVENT_SET_INDEXED:
            if (event.x1 == 0 || event.x1 > REVEN_MACHINE_FILE_SIZE ||
                event.offset + uint64_t{event.x1} * event.size > REVEN_MACHINE_FILE_SIZE)
                return wrong("writes outside of the register file");
            if (!node(event.address) || !holds(event.value, event.size))
                return wrong("has no value of its size");
            return "";
        case REVEN_EVENT_LOAD:
        case REVEN_EVENT_STORE:
            if (!node(event.address) || !holds(event.value, event.size))
                return wrong("has no address, or no value of its size");
            return "";
        case REVEN_EVENT_CAS:
        case REVEN_EVENT_CAS_HIGH:
            if (!node(event.address) || !holds(event.value, event.size) ||
                !holds(event.x1, event.size) || !holds(event.x2, event.size))
                return wrong("has no address, or no values of its size");
            if (event.kind == REVEN_EVENT_CAS_HIGH &&
                (i == 0 || body.events[i - 1].kind != REVEN_EVENT_CAS ||
                 body.events[i - 1].size != event.size))
                return wrong("is the high half of nothing");
            return "";
        case REVEN_EVENT_EXIT:
            if (event.x1 > head.exits.size() || event.x2 > REVEN_EXIT_REPEAT_END)
                return wrong("is an exit with an unknown number or flag");
            if (!node(event.value) || nodes[event.value].kind != REVEN_NODE_CONSTANT)
                return wrong("is an exit to nowhere");
            return "";
        case REVEN_EVENT_BULK_LOAD:
        case REVEN_EVENT_BULK_STORE:
            if (!node(event.address) || !node(event.value) ||
                nodes[event.value].kind != REVEN_NODE_SLOT ||
                nodes[event.value].a + uint64_t{event.size} > head.values_size)
                return wrong("moves bytes outside of the record");
            return "";
        case REVEN_EVENT_IO_LOAD:
        case REVEN_EVENT_IO_STORE:
            if (!node(event.address) || !holds(event.value, event.size) || event.size > 8)
                return wrong("has no address, or no value of its size");
            if (event.flags > REVEN_IO_MEMORY) return wrong("reaches a device in no known way");
            return "";
        default:
            return wrong("has an unknown kind");
    }
}

// Every exit number once; what leaving there means.
std::string find_exits(Template& head, const TemplateBody& body) {
    std::vector<bool> seen(head.exits.size());
    for (const reven_event& event : body.events) {
        if (event.kind != REVEN_EVENT_EXIT || event.x1 == 0) continue;
        if (event.x1 > seen.size() || seen[event.x1 - 1]) return "an exit number comes twice";
        seen[event.x1 - 1] = true;
        bool retired = event.x2 != REVEN_EXIT_NOT_RETIRED;
        head.exits[event.x1 - 1] = {event.instruction, static_cast<uint16_t>(event.x2),
                                    static_cast<uint16_t>(event.instruction + retired)};
    }
    if (std::find(seen.begin(), seen.end(), false) != seen.end()) return "an exit is missing";
    return "";
}

void find_columns(Template& head, const TemplateBody& body) {
    std::vector<std::pair<uint32_t, uint32_t>> slots;  // offset, size
    for (const reven_node& node : body.nodes)
        if (node.kind == REVEN_NODE_SLOT && node.size > 0) slots.emplace_back(node.a, node.size);
    std::sort(slots.begin(), slots.end());
    uint32_t end = 0;
    auto add = [&](uint32_t width) {
        head.columns.push_back({static_cast<uint16_t>(end), static_cast<uint16_t>(width)});
        end += width;
    };
    for (auto [offset, size] : slots) {
        if (offset < end) continue;
        if (offset > end) add(offset - end);
        for (; size > 8; size -= 8) add(8);
        add(size);
    }
    if (end < head.values_size) add(head.values_size - end);
}

}  // namespace

std::vector<bool> nodes_with_value(const TemplateBody& body) {
    std::vector<bool> has_value(body.nodes.size());
    for (size_t i = 0; i < body.nodes.size(); i++) {
        const reven_node& node = body.nodes[i];
        switch (node.kind) {
            case REVEN_NODE_UNARY:
                has_value[i] = has_value[node.a];
                break;
            case REVEN_NODE_BINARY:
                has_value[i] = has_value[node.a] && has_value[node.b];
                break;
            case REVEN_NODE_SELECT:
                has_value[i] = has_value[node.a] && has_value[node.b] && has_value[node.c];
                break;
            default:
                has_value[i] = node.kind < REVEN_NODE_FLOW;
        }
    }
    return has_value;
}

// How deep nodes are made of each other is bounded.
std::string bad_depth(const TemplateBody& body) {
    std::vector<uint32_t> depth(body.nodes.size());
    for (size_t i = 0; i < body.nodes.size(); i++) {
        const reven_node& node = body.nodes[i];
        const auto below = [&](uint32_t operand) {
            if (operand < i) depth[i] = std::max(depth[i], depth[operand] + 1);
        };
        switch (node.kind) {
            case REVEN_NODE_SLOT:
                below(node.b);
                break;
            case REVEN_NODE_UNARY:
                below(node.a);
                break;
            case REVEN_NODE_INDEXED_THEN:
                below(node.c);
                break;
            case REVEN_NODE_BINARY:
            case REVEN_NODE_SELECT:
            case REVEN_NODE_FLOW:
                below(node.a);
                below(node.b);
                if (node.kind != REVEN_NODE_BINARY) below(node.c);
                break;
            default:
                break;
        }
        if (depth[i] > limits::MAX_DEPTH)
            return "node " + std::to_string(i) + " is made of others too deeply";
    }
    return "";
}

std::string check_body(const Template& head, const TemplateBody& body) {
    for (size_t i = 0; i < body.nodes.size(); i++)
        if (std::string wrong = bad_node(head, body, i); !wrong.empty()) return wrong;
    if (std::string wrong = bad_depth(body); !wrong.empty()) return wrong;
    const auto has_value = nodes_with_value(body);
    for (size_t i = 0; i < body.events.size(); i++)
        if (std::string wrong = bad_event(head, body, has_value, i); !wrong.empty()) return wrong;
    return "";
}

std::string parse_template(std::span<const uint8_t> payload, Template& head, TemplateBody& body) {
    if (payload.size() < sizeof(reven_template)) return "it is too short";
    auto start = read_as<reven_template>(payload.data());
    if (start.id == 0 || start.id > limits::MAX_TEMPLATE_ID) return "its id is out of range";
    if (start.instruction_count == 0 || start.instruction_count > limits::MAX_INSTRUCTIONS ||
        start.node_count > limits::MAX_NODES || start.event_count > limits::MAX_EVENTS)
        return "it has too many or no parts";
    if (start.values_size > REVEN_MAX_VALUES || start.exit_count > REVEN_MAX_EXIT ||
        start.jump_kind > REVEN_JUMP_OTHER)
        return "its record size, exits or jump kind are out of range";
    size_t instructions = start.instruction_count * sizeof(reven_instruction);
    size_t nodes = start.node_count * sizeof(reven_node);
    size_t events = start.event_count * sizeof(reven_event);
    if (payload.size() != sizeof start + instructions + nodes + events)
        return "its size does not match its parts";

    head = {};
    head.id = start.id;
    head.values_size = start.values_size;
    head.jump_kind = start.jump_kind;
    head.flags = start.flags;
    head.node_count = start.node_count;
    head.event_count = start.event_count;
    head.instructions.resize(start.instruction_count);
    head.exits.resize(start.exit_count);
    body.nodes.resize(start.node_count);
    body.events.resize(start.event_count);
    const uint8_t* at = payload.data() + sizeof start;
    auto copy = [&at](auto& to, size_t size) {
        if (size) std::memcpy(to.data(), at, size);
        at += size;
    };
    copy(head.instructions, instructions);
    copy(body.nodes, nodes);
    copy(body.events, events);
    for (const auto& instruction : head.instructions)
        if (instruction.size > sizeof instruction.bytes) return "an instruction is too long";
    if (std::string wrong = check_body(head, body); !wrong.empty()) return wrong;
    if (std::string wrong = find_exits(head, body); !wrong.empty()) return wrong;
    find_columns(head, body);
    return "";
}

}  // namespace reven
