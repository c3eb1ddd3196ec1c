// SPDX-License-Identifier: Apache-2.0
#include "store/template_codec.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/bytes.h"
#include "base/zstd.h"
#include "stream/limits.h"

namespace reven {

namespace {

// What the parts of a group's largest templates take.
constexpr uint32_t MAX_GROUP_SIZE = 64u << 20;

// Fields of nodes and events go to a stream each, because like compresses with
// like.
enum Stream {
    NODE_KIND,
    NODE_OP,
    NODE_A,
    NODE_B,
    NODE_C,
    NODE_IMMEDIATE,
    NODE_WIDE,
    EVENT_KIND,
    EVENT_FLAGS,
    EVENT_INSTRUCTION,
    EVENT_OFFSET,
    EVENT_SIZE,
    EVENT_FIELDS,  // address, value, guard, x1, x2, x3
    STREAMS = EVENT_FIELDS + 6
};

// Which of its forms an immediate has: the low bits of its varint.
enum { IMMEDIATE_SMALL = 0, IMMEDIATE_NEAR = 1, IMMEDIATE_WIDE = 2 };
constexpr uint64_t MAX_SMALL = uint64_t{1} << 62;

// What the values of one template are predicted from.
struct History {
    uint32_t slot_end = 0;
    uint32_t instruction = 0;
    std::array<uint32_t, 6> fields{};
};

uint64_t difference(uint32_t value, uint32_t base) {
    return zigzag(static_cast<int32_t>(value - base));
}

uint32_t undo_difference(uint64_t coded, uint32_t base) {
    return base + static_cast<uint32_t>(unzigzag(coded));
}

// What an operand field of a node holds, and so what it is predicted from.
enum class Operand {
    Plain,  // as it is
    Slot,   // an offset after the end of the last slot
    Node,   // a node before this one
    Maybe   // a node before this one, or none
};

std::array<Operand, 3> operands_of(uint8_t kind) {
    switch (kind) {
        case REVEN_NODE_SLOT:
            return {Operand::Slot, Operand::Maybe, Operand::Plain};
        case REVEN_NODE_UNARY:
            return {Operand::Node, Operand::Plain, Operand::Plain};
        case REVEN_NODE_BINARY:
            return {Operand::Node, Operand::Node, Operand::Plain};
        case REVEN_NODE_SELECT:
            return {Operand::Node, Operand::Node, Operand::Node};
        case REVEN_NODE_FLOW:
            return {Operand::Maybe, Operand::Maybe, Operand::Maybe};
        case REVEN_NODE_INDEXED_THEN:
            return {Operand::Plain, Operand::Plain, Operand::Node};
        default:
            return {Operand::Plain, Operand::Plain, Operand::Plain};
    }
}

constexpr std::array<uint32_t reven_node::*, 3> OPERANDS = {&reven_node::a, &reven_node::b,
                                                            &reven_node::c};

uint64_t code_operand(Operand form, uint32_t value, uint32_t index, uint32_t slot_end) {
    switch (form) {
        case Operand::Slot:
            return difference(value, slot_end);
        case Operand::Node:
            return difference(value, index);
        case Operand::Maybe:
            return value == REVEN_NO_NODE ? 0 : difference(value, index) + 1;
        default:
            return difference(value, 0);
    }
}

uint32_t decode_operand(Operand form, uint64_t coded, uint32_t index, uint32_t slot_end) {
    switch (form) {
        case Operand::Slot:
            return undo_difference(coded, slot_end);
        case Operand::Node:
            return undo_difference(coded, index);
        case Operand::Maybe:
            return coded == 0 ? REVEN_NO_NODE : undo_difference(coded - 1, index);
        default:
            return undo_difference(coded, 0);
    }
}

std::array<uint32_t reven_event::*, 6> event_fields() {
    return {&reven_event::address, &reven_event::value, &reven_event::guard,
            &reven_event::x1,      &reven_event::x2,    &reven_event::x3};
}

}  // namespace

std::vector<uint8_t> encode_heads(std::span<const Template> heads) {
    std::vector<uint8_t> out;
    uint64_t address = 0;
    for (const Template& head : heads) {
        put_varint(out, head.jump_kind);
        put_varint(out, head.flags);
        put_varint(out, head.node_count);
        put_varint(out, head.event_count);
        put_varint(out, head.instructions.size());
        put_varint(out, head.exits.size());
        put_varint(out, head.columns.size());
        for (const auto& instruction : head.instructions) {
            put_varint(out, zigzag(static_cast<int64_t>(instruction.address - address)));
            out.push_back(instruction.size);
            put_bytes(out, instruction.bytes, instruction.size);
            address = instruction.address + instruction.size;
        }
        for (const Exit& exit : head.exits) {
            put_varint(out, exit.instruction);
            put_varint(out, exit.flags);
        }
        for (const Column& column : head.columns) put_varint(out, column.width);
    }
    return out;
}

std::vector<Template> decode_heads(std::span<const uint8_t> bytes, uint32_t first_id,
                                   uint32_t count) {
    ByteReader in(bytes);
    std::vector<Template> heads(count);
    uint64_t address = 0;
    for (Template& head : heads) {
        head.id = first_id++;
        head.jump_kind = in.count(REVEN_JUMP_OTHER);
        head.flags = in.count(UINT32_MAX);
        head.node_count = in.count(limits::MAX_NODES);
        head.event_count = in.count(limits::MAX_EVENTS);
        uint32_t instructions = in.count(std::min<uint64_t>(limits::MAX_INSTRUCTIONS, in.left()));
        head.exits.resize(in.count(REVEN_MAX_EXIT));
        head.columns.resize(in.count(std::min<uint64_t>(REVEN_MAX_VALUES, in.left())));
        if (instructions == 0) throw TraceError("a block in it has no instructions");
        head.instructions.resize(instructions);
        for (auto& instruction : head.instructions) {
            instruction.address = address + unzigzag(in.varint());
            instruction.size = static_cast<uint8_t>(in.count(sizeof instruction.bytes));
            std::memcpy(instruction.bytes, in.take(instruction.size), instruction.size);
            address = instruction.address + instruction.size;
        }
        for (Exit& exit : head.exits) {
            exit.instruction = static_cast<uint16_t>(in.count(instructions - 1));
            exit.flags = static_cast<uint16_t>(in.count(REVEN_EXIT_REPEAT_END));
            exit.retired =
                static_cast<uint16_t>(exit.instruction + (exit.flags != REVEN_EXIT_NOT_RETIRED));
        }
        for (Column& column : head.columns) {
            column.offset = static_cast<uint16_t>(head.values_size);
            column.width = static_cast<uint16_t>(in.count(REVEN_MAX_VALUES - head.values_size));
            if (column.width == 0) throw TraceError("a column in it is empty");
            head.values_size += column.width;
        }
    }
    if (!in.done()) throw TraceError("there are bytes after its end");
    return heads;
}

std::vector<uint8_t> encode_bodies(std::span<const Template> heads,
                                   std::span<const TemplateBody> bodies) {
    std::array<std::vector<uint8_t>, STREAMS> to;
    for (size_t t = 0; t < heads.size(); t++) {
        History past;
        uint64_t address = heads[t].instructions[0].address;
        for (size_t i = 0; i < bodies[t].nodes.size(); i++) {
            const reven_node& node = bodies[t].nodes[i];
            auto index = static_cast<uint32_t>(i);
            to[NODE_KIND].push_back(
                static_cast<uint8_t>(node.kind | std::bit_width(node.size) << 4));
            put_varint(to[NODE_OP], node.op);
            const auto forms = operands_of(node.kind);
            for (size_t f = 0; f < 3; f++)
                put_varint(to[NODE_A + f],
                           code_operand(forms[f], node.*OPERANDS[f], index, past.slot_end));
            if (node.kind == REVEN_NODE_SLOT) past.slot_end = node.a + node.size;
            uint64_t small = zigzag(static_cast<int64_t>(node.immediate));
            uint64_t near = zigzag(static_cast<int64_t>(node.immediate - address));
            if (small < MAX_SMALL && small <= near) {
                put_varint(to[NODE_IMMEDIATE], small << 2 | IMMEDIATE_SMALL);
            } else if (near < MAX_SMALL) {
                put_varint(to[NODE_IMMEDIATE], near << 2 | IMMEDIATE_NEAR);
            } else {
                put_varint(to[NODE_IMMEDIATE], IMMEDIATE_WIDE);
                put_bytes(to[NODE_WIDE], &node.immediate, 8);
            }
        }
        for (const reven_event& event : bodies[t].events) {
            to[EVENT_KIND].push_back(event.kind);
            to[EVENT_FLAGS].push_back(event.flags);
            put_varint(to[EVENT_INSTRUCTION], difference(event.instruction, past.instruction));
            past.instruction = event.instruction;
            put_varint(to[EVENT_OFFSET], event.offset);
            put_varint(to[EVENT_SIZE], event.size);
            for (size_t f = 0; f < 6; f++) {
                uint32_t field = event.*event_fields()[f];
                auto& stream = to[EVENT_FIELDS + f];
                if (field == REVEN_NO_NODE) {
                    stream.push_back(0);
                } else {
                    put_varint(stream, difference(field, past.fields[f]) + 1);
                    past.fields[f] = field;
                }
            }
        }
    }
    std::vector<uint8_t> out;
    for (const auto& stream : to) put_varint(out, stream.size());
    for (const auto& stream : to) put_bytes(out, stream.data(), stream.size());
    return out;
}

std::vector<TemplateBody> decode_bodies(std::span<const uint8_t> bytes,
                                        std::span<const Template* const> heads) {
    ByteReader in(bytes);
    std::array<uint32_t, STREAMS> sizes;
    for (uint32_t& size : sizes) size = in.count(in.left());
    std::vector<ByteReader> from;
    for (uint32_t size : sizes) from.emplace_back(std::span(in.take(size), size));
    auto narrow = [](uint64_t value, uint64_t limit) {
        if (value > limit) throw TraceError("a number in it is out of range");
        return static_cast<uint16_t>(value);
    };
    std::vector<TemplateBody> bodies;
    for (const Template* head : heads) {
        History past;
        TemplateBody body;
        if (head->node_count > from[NODE_KIND].left() ||
            head->event_count > from[EVENT_KIND].left())
            throw TraceError("its data end too early");
        body.nodes.resize(head->node_count);
        body.events.resize(head->event_count);
        uint64_t address = head->instructions[0].address;
        for (uint32_t i = 0; i < head->node_count; i++) {
            reven_node& node = body.nodes[i];
            uint8_t kind = from[NODE_KIND].byte();
            node.kind = kind & 15;
            node.size = static_cast<uint8_t>(1u << (kind >> 4) >> 1);
            node.op = narrow(from[NODE_OP].varint(), UINT16_MAX);
            const auto forms = operands_of(node.kind);
            for (size_t f = 0; f < 3; f++)
                node.*OPERANDS[f] =
                    decode_operand(forms[f], from[NODE_A + f].varint(), i, past.slot_end);
            if (node.kind == REVEN_NODE_SLOT) past.slot_end = node.a + node.size;
            uint64_t coded = from[NODE_IMMEDIATE].varint();
            if ((coded & 3) == IMMEDIATE_WIDE)
                node.immediate = read_as<uint64_t>(from[NODE_WIDE].take(8));
            else
                node.immediate =
                    unzigzag(coded >> 2) + ((coded & 3) == IMMEDIATE_NEAR ? address : 0);
        }
        for (reven_event& event : body.events) {
            event.kind = from[EVENT_KIND].byte();
            event.flags = from[EVENT_FLAGS].byte();
            past.instruction = undo_difference(from[EVENT_INSTRUCTION].varint(), past.instruction);
            event.instruction = narrow(past.instruction, UINT16_MAX);
            event.offset = narrow(from[EVENT_OFFSET].varint(), UINT16_MAX);
            event.size = narrow(from[EVENT_SIZE].varint(), UINT16_MAX);
            for (size_t f = 0; f < 6; f++) {
                uint64_t coded = from[EVENT_FIELDS + f].varint();
                if (coded) past.fields[f] = undo_difference(coded - 1, past.fields[f]);
                event.*event_fields()[f] = coded ? past.fields[f] : REVEN_NO_NODE;
            }
        }
        if (std::string wrong = check_body(*head, body); !wrong.empty())
            throw TraceError("in template " + std::to_string(head->id) + " " + wrong);
        bodies.push_back(std::move(body));
    }
    return bodies;
}

TemplateGroup parse_group(std::span<const uint8_t> payload) {
    if (payload.size() < sizeof(format::TemplateGroupHeader)) throw TraceError("it is too short");
    TemplateGroup group{read_as<format::TemplateGroupHeader>(payload.data()), {}};
    const auto& header = group.header;
    if (header.first_id == 0 || header.count == 0 || header.count > format::GROUP_TEMPLATES ||
        header.first_id > limits::MAX_TEMPLATE_ID - header.count || header.size > MAX_GROUP_SIZE)
        throw TraceError("its sizes are out of range");
    std::vector<uint8_t> raw(header.size);
    if (!decompress(payload.subspan(sizeof header), raw.data(), raw.size()))
        throw TraceError("it cannot be decompressed");
    group.heads = decode_heads(raw, header.first_id, header.count);
    return group;
}

std::vector<TemplateBody> parse_bodies(std::span<const uint8_t> payload,
                                       std::span<const Template* const> heads) {
    if (payload.size() < sizeof(uint32_t)) throw TraceError("it is too short");
    auto size = read_as<uint32_t>(payload.data());
    if (size > MAX_GROUP_SIZE) throw TraceError("its size is out of range");
    std::vector<uint8_t> raw(size);
    if (!decompress(payload.subspan(sizeof size), raw.data(), size))
        throw TraceError("it cannot be decompressed");
    return decode_bodies(raw, heads);
}

}  // namespace reven
