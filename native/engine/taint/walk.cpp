// SPDX-License-Identifier: Apache-2.0
#include "taint/walk.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"

namespace reven {

TaintWalk::Execution TaintWalk::enter(const SegmentView& view, uint32_t execution,
                                      const uint8_t* registers, uint32_t first, uint32_t end) {
    const uint32_t header = view.segment().headers[execution];
    const uint32_t exit = header & ((1u << REVEN_EXIT_BITS) - 1);
    const uint32_t id = header >> REVEN_EXIT_BITS;
    const bool is_part = first > 0 || end < view.retired(execution);
    const TaintBlock& flow = is_part ? blocks_.get_exact(id) : blocks_.get(id);
    // The program only reads the registers.
    NoVisitor none;
    run(flow.values, view.segment().values_of(execution), const_cast<uint8_t*>(registers),
        scratch_.data(), none);
    Execution entered{&flow, exit >= REVEN_CUT ? 0 : exit, 0};
    const auto& events = flow.body().events;
    for (; entered.end_event < events.size(); ++entered.end_event) {
        const reven_event& event = events[entered.end_event];
        if (event.instruction >= end) break;
        if (event.kind == REVEN_EVENT_EXIT && entered.exit != 0 && event.x1 == entered.exit) break;
    }
    nodes_ = flow.body().nodes.size();
    masks_.assign(nodes_ * tags(), {});
    return entered;
}

void TaintWalk::find_flag_operations(const Execution& entered, const uint8_t* registers,
                                     const TaintRules& rules) {
    const auto& body = entered.flow->body();
    operations_.assign(entered.flow->compiled->head->instructions.size() + 1,
                       read_as<uint64_t>(registers + REVEN_CC_OP));
    for (uint32_t i = 0; i < entered.end_event; ++i) {
        const reven_event& event = body.events[i];
        if (event.kind != REVEN_EVENT_SET_REGISTER || event.offset != REVEN_CC_OP) continue;
        std::fill(operations_.begin() + event.instruction + 1, operations_.end(),
                  rules.value(event.value));
    }
}

uint64_t TaintWalk::flag_operation(const SegmentView& view, uint32_t execution,
                                   const uint8_t* registers, uint32_t end) {
    const Execution entered = enter(view, execution, registers, 0, end);
    const TaintRules rules(*entered.flow, scratch_.data());
    find_flag_operations(entered, registers, rules);
    return operations_[end];
}

void TaintWalk::note_reads(const TaintBlock& flow, uint32_t instruction) {
    const auto first = std::lower_bound(
        flow.reads.begin(), flow.reads.end(), instruction,
        [](const RegisterRead& read, uint32_t value) { return read.instruction < value; });
    for (auto at = first; at != flow.reads.end() && at->instruction == instruction; ++at)
        journal_.note_registers(at->offset, at->size);
}

void TaintWalk::forward(const SegmentView& view, uint32_t execution, const uint8_t* registers,
                        uint32_t first, uint32_t end, uint64_t transition) {
    const Execution entered = enter(view, execution, registers, first, end);
    const TaintBlock& flow = *entered.flow;
    const TaintRules rules(flow, scratch_.data());
    find_flag_operations(entered, registers, rules);
    uint32_t current = ~0u;
    for (const TaintStep& step : flow.steps) {
        if (step.instruction < first) continue;
        if (step.instruction >= end) break;
        if (step.kind == TaintStep::Effect && step.number >= entered.end_event) break;
        if (step.instruction != current) {
            current = step.instruction;
            journal_.begin(transition + current, operations_[current]);
            journal_.flag_operation = operations_[current + 1];
            note_reads(flow, current);
        }
        switch (step.kind) {
            case TaintStep::Begin:
                break;
            case TaintStep::ReadRegister:
                read_register(step.offset, flow.body().nodes[step.number].size, step.number);
                break;
            case TaintStep::ReadIndexed: {
                const reven_node& node = flow.body().nodes[step.number];
                read_register(indexed_offset(node, rules), node.size, step.number);
                break;
            }
            case TaintStep::Evaluate:
                for (size_t tag = 0; tag < tags(); ++tag)
                    mask(tag, step.number) = rules.forward(step.number, &mask(tag, 0));
                break;
            case TaintStep::ReadConstant:
                read_constant(step, flow.body().nodes[step.number].size, rules);
                break;
            case TaintStep::Effect:
                effect(flow.body().events[step.number], step.number, rules, flow);
        }
    }
}

void TaintWalk::backward(const SegmentView& view, uint32_t execution, const uint8_t* registers,
                         uint32_t first, uint32_t end, uint64_t transition) {
    const Execution entered = enter(view, execution, registers, first, end);
    const TaintBlock& flow = *entered.flow;
    const TaintRules rules(flow, scratch_.data());
    find_flag_operations(entered, registers, rules);
    uint32_t current = ~0u;
    for (auto at = flow.steps.rbegin(); at != flow.steps.rend(); ++at) {
        const TaintStep& step = *at;
        if (step.instruction >= end) continue;
        if (step.instruction < first) break;
        if (step.kind == TaintStep::Effect && step.number >= entered.end_event) continue;
        if (step.instruction != current) {
            current = step.instruction;
            journal_.begin(transition + current, operations_[current + 1]);
            journal_.flag_operation = operations_[current];
            note_reads(flow, current);
        }
        switch (step.kind) {
            case TaintStep::Begin:
                break;
            case TaintStep::ReadRegister:
                give_register(step.offset, flow.body().nodes[step.number].size, step.number);
                break;
            case TaintStep::ReadIndexed: {
                const reven_node& node = flow.body().nodes[step.number];
                give_register(indexed_offset(node, rules), node.size, step.number);
                break;
            }
            case TaintStep::Evaluate:
                for (size_t tag = 0; tag < tags(); ++tag)
                    rules.backward(step.number, &mask(tag, 0));
                break;
            case TaintStep::ReadConstant:
                give_constant(step);
                break;
            case TaintStep::Effect:
                effect_back(flow.body().events[step.number], step.number, rules, flow);
        }
    }
}

uint32_t TaintWalk::indexed_offset(const reven_node& node, const TaintRules& rules) const {
    const auto count = static_cast<uint32_t>(node.immediate);
    const auto bias = static_cast<uint32_t>(node.immediate >> 32);
    return node.a + (static_cast<uint32_t>(rules.value(node.c)) + bias) % count * node.size;
}

void TaintWalk::read_register(uint32_t offset, uint32_t size, uint32_t node) {
    for (size_t tag = 0; tag < tags(); ++tag) {
        mask(tag, node) = {};
        std::memcpy(mask(tag, node).bytes(), state_.tags[tag].registers.data() + offset, size);
    }
}

void TaintWalk::give_register(uint32_t offset, uint32_t size, uint32_t node) {
    journal_.note_registers(offset, size);
    for (size_t tag = 0; tag < tags(); ++tag) {
        for (uint32_t i = 0; i < size; ++i)
            state_.tags[tag].registers[offset + i] |= mask(tag, node).bytes()[i];
        mask(tag, node) = {};
    }
}

// How the value was computed is not known: every bit may come from every bit, but for the
// zeros that a smaller register is extended by.
void TaintWalk::read_constant(const TaintStep& step, uint32_t size, const TaintRules& rules) {
    if (rules.has_value(step.number)) {
        const auto* value = reinterpret_cast<const uint8_t*>(rules.words(step.number));
        while (size > step.size && value[size - 1] == 0) --size;
    }
    for (size_t tag = 0; tag < tags(); ++tag) {
        const uint8_t* held = state_.tags[tag].registers.data() + step.offset;
        const bool any = std::any_of(held, held + step.size, [](uint8_t byte) { return byte; });
        mask(tag, step.number) |= Mask::all_if(any, size);
    }
}

void TaintWalk::give_constant(const TaintStep& step) {
    journal_.note_registers(step.offset, step.size);
    for (size_t tag = 0; tag < tags(); ++tag)
        if (mask(tag, step.number).any())
            std::memset(state_.tags[tag].registers.data() + step.offset, 0xff, step.size);
}

bool TaintWalk::swaps(const TaintBlock& flow, uint32_t event, const TaintRules& rules) const {
    const auto& events = flow.body().events;
    const auto equal = [&](const reven_event& half) {
        return std::memcmp(rules.words(half.value), rules.words(half.x1), half.size) == 0;
    };
    if (events[event].kind == REVEN_EVENT_CAS_HIGH) return swaps(flow, event - 1, rules);
    const bool is_double =
        event + 1 < events.size() && events[event + 1].kind == REVEN_EVENT_CAS_HIGH;
    return equal(events[event]) && (!is_double || equal(events[event + 1]));
}

namespace {

uint32_t set_offset(const reven_event& event, const TaintRules& rules) {
    if (event.kind == REVEN_EVENT_SET_REGISTER) return event.offset;
    return event.offset +
           (static_cast<uint32_t>(rules.value(event.address)) + event.x2) % event.x1 * event.size;
}

}  // namespace

void TaintWalk::effect(const reven_event& event, uint32_t number, const TaintRules& rules,
                       const TaintBlock& flow) {
    const bool happens = rules.is_set(event.guard);
    const bool is_bulk =
        event.kind == REVEN_EVENT_BULK_LOAD || event.kind == REVEN_EVENT_BULK_STORE;
    switch (event.kind) {
        case REVEN_EVENT_SET_REGISTER:
        case REVEN_EVENT_SET_INDEXED: {
            if (!happens) return;
            const uint32_t offset = set_offset(event, rules);
            journal_.note_registers(offset, event.size);
            for (size_t tag = 0; tag < tags(); ++tag)
                std::memcpy(state_.tags[tag].registers.data() + offset,
                            mask(tag, event.value).bytes(), event.size);
            return;
        }
        case REVEN_EVENT_LOAD:
        case REVEN_EVENT_BULK_LOAD: {
            if (happens) {
                load(rules.value(event.address), event.size, event.value, is_bulk);
                return;
            }
            for (size_t tag = 0; tag < tags(); ++tag)
                mask(tag, event.value) =
                    is_bulk ? Mask{} : rules.forward(event.value, &mask(tag, 0));
            return;
        }
        case REVEN_EVENT_STORE:
        case REVEN_EVENT_BULK_STORE:
            if (happens) store(rules.value(event.address), event.size, event.value, is_bulk);
            return;
        case REVEN_EVENT_CAS:
        case REVEN_EVENT_CAS_HIGH: {
            const uint64_t address =
                rules.value(event.address) + (event.kind == REVEN_EVENT_CAS_HIGH ? event.size : 0);
            load(address, event.size, event.value, false);
            if (swaps(flow, number, rules)) store(address, event.size, event.x2, false);
            return;
        }
        default:
            return;
    }
}

void TaintWalk::effect_back(const reven_event& event, uint32_t number, const TaintRules& rules,
                            const TaintBlock& flow) {
    const bool happens = rules.is_set(event.guard);
    const bool is_bulk =
        event.kind == REVEN_EVENT_BULK_LOAD || event.kind == REVEN_EVENT_BULK_STORE;
    switch (event.kind) {
        case REVEN_EVENT_SET_REGISTER:
        case REVEN_EVENT_SET_INDEXED: {
            if (!happens) return;
            const uint32_t offset = set_offset(event, rules);
            journal_.note_registers(offset, event.size);
            for (size_t tag = 0; tag < tags(); ++tag) {
                uint8_t* held = state_.tags[tag].registers.data() + offset;
                for (uint32_t i = 0; i < event.size; ++i)
                    mask(tag, event.value).bytes()[i] |= held[i];
                std::memset(held, 0, event.size);
            }
            return;
        }
        case REVEN_EVENT_LOAD:
        case REVEN_EVENT_BULK_LOAD:
            if (happens) {
                load_back(rules.value(event.address), event.size, event.value, is_bulk);
                return;
            }
            for (size_t tag = 0; tag < tags(); ++tag) {
                if (is_bulk)
                    mask(tag, event.value) = {};
                else
                    rules.backward(event.value, &mask(tag, 0));
            }
            return;
        case REVEN_EVENT_STORE:
        case REVEN_EVENT_BULK_STORE:
            if (happens) store_back(rules.value(event.address), event.size, event.value, is_bulk);
            return;
        case REVEN_EVENT_CAS:
        case REVEN_EVENT_CAS_HIGH: {
            const uint64_t address =
                rules.value(event.address) + (event.kind == REVEN_EVENT_CAS_HIGH ? event.size : 0);
            if (swaps(flow, number, rules)) store_back(address, event.size, event.x2, false);
            load_back(address, event.size, event.value, false);
            return;
        }
        default:
            return;
    }
}

void TaintWalk::load(uint64_t address, uint32_t size, uint32_t node, bool is_bulk) {
    if (state_.any_memory(address, size)) journal_.note_memory(address, size);
    for (size_t tag = 0; tag < tags(); ++tag) {
        const MemoryTaint& memory = state_.tags[tag].memory;
        if (is_bulk)
            mask(tag, node) = Mask::all_if(memory.any(address, size), 0);
        else {
            mask(tag, node) = {};
            memory.read(address, size, mask(tag, node).bytes());
        }
    }
}

void TaintWalk::store(uint64_t address, uint32_t size, uint32_t node, bool is_bulk) {
    bool any = state_.any_memory(address, size);
    for (size_t tag = 0; tag < tags(); ++tag) any = any || mask(tag, node).any();
    if (!any) return;
    journal_.note_memory(address, size);
    state_.filter.add(address, size);
    for (size_t tag = 0; tag < tags(); ++tag) {
        MemoryTaint& memory = state_.tags[tag].memory;
        if (is_bulk) {
            const std::vector<uint8_t> masks(size, mask(tag, node).any() ? 0xff : 0);
            memory.write(address, size, masks.data());
        } else {
            memory.write(address, size, mask(tag, node).bytes());
        }
    }
}

void TaintWalk::load_back(uint64_t address, uint32_t size, uint32_t node, bool is_bulk) {
    bool any = state_.any_memory(address, size);
    for (size_t tag = 0; tag < tags(); ++tag) any = any || mask(tag, node).any();
    if (!any) return;
    journal_.note_memory(address, size);
    state_.filter.add(address, size);
    for (size_t tag = 0; tag < tags(); ++tag) {
        Mask& asked = mask(tag, node);
        if (!asked.any()) continue;
        MemoryTaint& memory = state_.tags[tag].memory;
        std::vector<uint8_t> masks(size);
        memory.read(address, size, masks.data());
        for (uint32_t i = 0; i < size; ++i) masks[i] |= is_bulk ? 0xff : asked.bytes()[i];
        memory.write(address, size, masks.data());
        asked = {};
    }
}

void TaintWalk::store_back(uint64_t address, uint32_t size, uint32_t node, bool is_bulk) {
    if (!state_.any_memory(address, size)) return;
    journal_.note_memory(address, size);
    for (size_t tag = 0; tag < tags(); ++tag) {
        MemoryTaint& memory = state_.tags[tag].memory;
        if (!memory.any(address, size)) continue;
        Mask& asked = mask(tag, node);
        if (is_bulk) {
            asked |= Mask::all(0);
        } else {
            Mask held;
            memory.read(address, size, held.bytes());
            asked |= held;
        }
        memory.clear(address, size);
    }
}

}  // namespace reven
