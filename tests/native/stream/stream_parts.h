// SPDX-License-Identifier: Apache-2.0
// Templates and control records as a recorder sends them.
#pragma once

#include <cstring>
#include <vector>

#include "base/bytes.h"
#include "event_stream.h"
#include "stream/template.h"

namespace reven::testing {

struct TemplateParts {
    reven_template head{};
    std::vector<reven_instruction> instructions;
    std::vector<reven_node> nodes;
    std::vector<reven_event> events;

    std::vector<uint8_t> payload() const {
        std::vector<uint8_t> out;
        reven_template counted = head;
        counted.instruction_count = static_cast<uint32_t>(instructions.size());
        counted.node_count = static_cast<uint32_t>(nodes.size());
        counted.event_count = static_cast<uint32_t>(events.size());
        put_bytes(out, &counted, sizeof counted);
        put_bytes(out, instructions.data(), instructions.size() * sizeof(reven_instruction));
        put_bytes(out, nodes.data(), nodes.size() * sizeof(reven_node));
        put_bytes(out, events.data(), events.size() * sizeof(reven_event));
        return out;
    }
};

inline reven_node slot(uint32_t offset, uint8_t size) {
    return {REVEN_NODE_SLOT, size, 0, offset, REVEN_NO_NODE, 0, 0};
}

inline reven_event effect(uint8_t kind, uint16_t offset, uint16_t size, uint32_t address,
                          uint32_t value) {
    constexpr uint32_t NONE = REVEN_NO_NODE;
    return {kind, 0, 0, offset, size, address, value, NONE, NONE, NONE, NONE};
}

// One instruction that loads `size` bytes, each execution's own, from address 64.
inline TemplateParts loading(uint32_t id, uint8_t size) {
    TemplateParts parts;
    parts.head.id = id;
    parts.head.values_size = size;
    parts.instructions = {{0x1000 + id * 16, 4, {0x0f, 0x1f, 0x40, 0x00}}};
    parts.nodes = {{REVEN_NODE_CONSTANT, 8, 0, 0, 0, 0, 64}, slot(0, size)};
    parts.events = {effect(REVEN_EVENT_LOAD, 0, size, 0, 1)};
    return parts;
}

inline void put_record(std::vector<uint8_t>& out, uint32_t type, uint64_t position,
                       const std::vector<uint8_t>& payload) {
    const reven_record header{type, 1, position, payload.size()};
    put_bytes(out, &header, sizeof header);
    put_bytes(out, payload.data(), payload.size());
    out.resize((out.size() + 7) & ~size_t{7});
}

inline void put_key_frame(std::vector<uint8_t>& out, uint64_t position, uint8_t fill = 0) {
    put_record(out, REVEN_KEY_FRAME, position,
               std::vector<uint8_t>(REVEN_REGISTER_FILE_SIZE, fill));
}

}  // namespace reven::testing
