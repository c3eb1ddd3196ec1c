// SPDX-License-Identifier: Apache-2.0
#include "taint/walk.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "taint/branch.h"

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

namespace {

bool is_exit(const TaintBlock& flow, const TaintStep& step) {
    return flow.body().events[step.number].kind == REVEN_EVENT_EXIT;
}

}  // namespace

void TaintWalk::forward(const SegmentView& view, uint32_t execution, const uint8_t* registers,
                        uint32_t first, uint32_t end, uint64_t transition) {
    const Execution entered = enter(view, execution, registers, first, end);
    const TaintBlock& flow = *entered.flow;
    const TaintRules rules(flow, scratch_.data(), follow_.pointers);
    find_flag_operations(entered, registers, rules);
    uint32_t current = ~0u;
    for (const TaintStep& step : flow.steps) {
        if (step.instruction < first) continue;
        if (step.instruction >= end) break;
        if (step.kind == TaintStep::Effect && step.number > entered.end_event) break;
        if (step.kind == TaintStep::Effect && step.number == entered.end_event &&
            !is_exit(flow, step))
            break;
        if (step.instruction != current) {
            current = step.instruction;
            transition_ = transition + current;
            pc_ = flow.compiled->head->instructions[current].address;
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
    const TaintRules rules(flow, scratch_.data(), follow_.pointers);
    find_flag_operations(entered, registers, rules);
    uint32_t current = ~0u;
    for (auto at = flow.steps.rbegin(); at != flow.steps.rend(); ++at) {
        const TaintStep& step = *at;
        if (step.instruction >= end) continue;
        if (step.instruction < first) break;
        if (step.kind == TaintStep::Effect && step.number >= entered.end_event &&
            !(step.number == entered.end_event && is_exit(flow, step)))
            continue;
        if (step.instruction != current) {
            current = step.instruction;
            transition_ = transition + current;
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
    if (follow_.drops(offset, size)) {
        for (size_t tag = 0; tag < tags(); ++tag) mask(tag, node) = {};
        return;
    }
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

void TaintWalk::note_sink(TaintSink::Kind kind, uint32_t node, uint64_t address, uint64_t size) {
    if (!sinks_ || node == REVEN_NO_NODE) return;
    uint16_t found = 0;
    for (size_t tag = 0; tag < tags(); ++tag)
        found |= static_cast<uint16_t>(mask(tag, node).any() << tag);
    if (found) sinks_->add_at(pc_, {kind, found, transition_, address, size});
}

void TaintWalk::note_branch(const reven_event& event, const TaintBlock& flow) {
    if (!sinks_) return;
    BranchCondition condition =
        branch_condition(flow.compiled->head->instructions[event.instruction]);
    if (event.x2 == REVEN_EXIT_REPEAT_END) condition = {0, true};
    if (!condition.any()) return;
    uint16_t found = 0;
    for (size_t tag = 0; tag < tags(); ++tag) {
        const RegisterTaint& held = state_.tags[tag].registers;
        const bool counted =
            condition.counts && std::any_of(held.begin() + REVEN_RCX, held.begin() + REVEN_RCX + 8,
                                            [](uint8_t byte) { return byte != 0; });
        const uint64_t flags =
            flag_taint(held.data() + REVEN_CC_OP, operations_[event.instruction]);
        found |= static_cast<uint16_t>((counted || (flags & condition.flags) != 0) << tag);
    }
    if (found) sinks_->add_at(pc_, {TaintSink::Branch, found, transition_, 0, 0});
}

// The first tag asks, of several.
void TaintWalk::ask_branch(const reven_event& event, const TaintBlock& flow) {
    const BranchCondition condition =
        branch_condition(flow.compiled->head->instructions[event.instruction]);
    RegisterTaint& held = state_.tags[0].registers;
    if (condition.flags) {
        journal_.note_registers(REVEN_CC_OP, REVEN_DFLAG - REVEN_CC_OP);
        seed_flags(held, operations_[event.instruction], condition.flags);
    }
    if (condition.counts) {
        journal_.note_registers(REVEN_RCX, 8);
        std::fill_n(held.begin() + REVEN_RCX, 8, uint8_t{0xff});
    }
}

void TaintWalk::note_access(const reven_event& event, const TaintRules& rules) {
    const bool loads = event.kind == REVEN_EVENT_LOAD || event.kind == REVEN_EVENT_BULK_LOAD;
    note_sink(loads ? TaintSink::LoadAddress : TaintSink::StoreAddress, event.address,
              rules.value(event.address), event.size);
}

// All of a value, for the tags that `from` holds.
void TaintWalk::taint_all(uint32_t node, uint32_t from, uint32_t size) {
    if (from == REVEN_NO_NODE) return;
    for (size_t tag = 0; tag < tags(); ++tag)
        if (mask(tag, from).any()) mask(tag, node) |= Mask::all(size);
}

// All of `node`, for the tags that ask for anything of what it decides.
void TaintWalk::ask_all(uint32_t node, const TaintRules& rules) {
    if (node == REVEN_NO_NODE) return;
    for (size_t tag = 0; tag < tags(); ++tag)
        if (asked_[tag]) mask(tag, node) |= Mask::all(rules.size_of(node));
}

void TaintWalk::guarded(const reven_event& event, const TaintRules& rules) {
    if (!follow_.pointers || event.guard == REVEN_NO_NODE) return;
    switch (event.kind) {
        case REVEN_EVENT_SET_REGISTER:
        case REVEN_EVENT_SET_INDEXED: {
            const uint32_t offset = set_offset(event, rules);
            for (size_t tag = 0; tag < tags(); ++tag)
                if (mask(tag, event.guard).any() && !follow_.drops(offset, event.size)) {
                    journal_.note_registers(offset, event.size);
                    std::memset(state_.tags[tag].registers.data() + offset, 0xff, event.size);
                }
            return;
        }
        case REVEN_EVENT_STORE:
        case REVEN_EVENT_BULK_STORE:
            for (size_t tag = 0; tag < tags(); ++tag) {
                if (!mask(tag, event.guard).any()) continue;
                const uint64_t address = rules.value(event.address);
                const std::vector<uint8_t> whole(event.size, 0xff);
                journal_.note_memory(address, event.size);
                state_.filter.add(address, event.size);
                state_.tags[tag].memory.write(address, event.size, whole.data());
            }
            return;
        default:
            return;
    }
}

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
            if (offset == REVEN_RIP) note_sink(TaintSink::Jump, event.value, 0, event.size);
            journal_.note_registers(offset, event.size);
            for (size_t tag = 0; tag < tags(); ++tag) {
                uint8_t* held = state_.tags[tag].registers.data() + offset;
                if (follow_.drops(offset, event.size))
                    std::memset(held, 0, event.size);
                else
                    std::memcpy(held, mask(tag, event.value).bytes(), event.size);
            }
            guarded(event, rules);
            return;
        }
        case REVEN_EVENT_LOAD:
        case REVEN_EVENT_BULK_LOAD: {
            if (happens) {
                const uint64_t address = rules.value(event.address);
                note_access(event, rules);
                load(address, event.size, event.value, is_bulk);
                if (follow_.through_load(address))
                    taint_all(event.value, event.address, is_bulk ? 0 : event.size);
                if (follow_.pointers) taint_all(event.value, event.guard, is_bulk ? 0 : event.size);
                return;
            }
            for (size_t tag = 0; tag < tags(); ++tag)
                mask(tag, event.value) =
                    is_bulk ? Mask{} : rules.forward(event.value, &mask(tag, 0));
            return;
        }
        case REVEN_EVENT_STORE:
        case REVEN_EVENT_BULK_STORE:
            if (happens) {
                note_access(event, rules);
                store(rules.value(event.address), event.size, event.value, is_bulk,
                      {event.address});
            }
            guarded(event, rules);
            return;
        case REVEN_EVENT_CAS:
        case REVEN_EVENT_CAS_HIGH: {
            const uint64_t address =
                rules.value(event.address) + (event.kind == REVEN_EVENT_CAS_HIGH ? event.size : 0);
            note_access(event, rules);
            load(address, event.size, event.value, false);
            if (follow_.through_load(address)) taint_all(event.value, event.address, event.size);
            // Whether it is swapped depends on what is compared.
            if (swaps(flow, number, rules))
                store(address, event.size, event.x2, false, {event.address, event.value, event.x1});
            return;
        }
        case REVEN_EVENT_EXIT:
            note_branch(event, flow);
            return;
        default:
            return;
    }
}

void TaintWalk::effect_back(const reven_event& event, uint32_t number, const TaintRules& rules,
                            const TaintBlock& flow) {
    const bool happens = rules.is_set(event.guard);
    const bool is_bulk =
        event.kind == REVEN_EVENT_BULK_LOAD || event.kind == REVEN_EVENT_BULK_STORE;
    asked_.assign(tags(), false);
    switch (event.kind) {
        case REVEN_EVENT_SET_REGISTER:
        case REVEN_EVENT_SET_INDEXED: {
            const bool is_choice = follow_.pointers && event.guard != REVEN_NO_NODE;
            if (!happens && !is_choice) return;
            const uint32_t offset = set_offset(event, rules);
            if (happens) journal_.note_registers(offset, event.size);
            for (size_t tag = 0; tag < tags(); ++tag) {
                uint8_t* held = state_.tags[tag].registers.data() + offset;
                for (uint32_t i = 0; i < event.size; ++i) {
                    asked_[tag] = asked_[tag] || held[i] != 0;
                    if (happens) mask(tag, event.value).bytes()[i] |= held[i];
                }
                if (happens) std::memset(held, 0, event.size);
            }
            if (is_choice) ask_all(event.guard, rules);
            return;
        }
        case REVEN_EVENT_LOAD:
        case REVEN_EVENT_BULK_LOAD:
            find_asked(event.value);
            if (happens) {
                const uint64_t address = rules.value(event.address);
                load_back(address, event.size, event.value, is_bulk);
                if (follow_.through_load(address)) ask_all(event.address, rules);
                if (follow_.pointers) ask_all(event.guard, rules);
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
        case REVEN_EVENT_BULK_STORE: {
            const uint64_t address = rules.value(event.address);
            if (follow_.pointers) {
                for (size_t tag = 0; tag < tags(); ++tag)
                    asked_[tag] = state_.tags[tag].memory.any(address, event.size);
                ask_all(event.guard, rules);
                if (happens) ask_all(event.address, rules);
            }
            if (happens) store_back(address, event.size, event.value, is_bulk);
            return;
        }
        case REVEN_EVENT_CAS:
        case REVEN_EVENT_CAS_HIGH: {
            const uint64_t address =
                rules.value(event.address) + (event.kind == REVEN_EVENT_CAS_HIGH ? event.size : 0);
            if (follow_.pointers) {
                for (size_t tag = 0; tag < tags(); ++tag)
                    asked_[tag] = state_.tags[tag].memory.any(address, event.size);
                // Whether it was swapped depends on what is compared.
                ask_all(event.value, rules);
                ask_all(event.x1, rules);
            }
            if (swaps(flow, number, rules)) store_back(address, event.size, event.x2, false);
            find_asked(event.value);
            if (follow_.through_load(address)) ask_all(event.address, rules);
            load_back(address, event.size, event.value, false);
            return;
        }
        case REVEN_EVENT_EXIT:
            if (event.x2 == REVEN_EXIT_RETIRED && follow_.asks(transition_))
                ask_branch(event, flow);
            return;
        default:
            return;
    }
}

void TaintWalk::find_asked(uint32_t node) {
    for (size_t tag = 0; tag < tags(); ++tag) asked_[tag] = mask(tag, node).any();
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

// `deciders`: nodes that decide where it goes, or whether.
void TaintWalk::store(uint64_t address, uint32_t size, uint32_t node, bool is_bulk,
                      std::initializer_list<uint32_t> deciders) {
    const auto decided = [&](size_t tag) {
        return follow_.pointers && std::any_of(deciders.begin(), deciders.end(),
                                               [&](uint32_t one) { return mask(tag, one).any(); });
    };
    bool any = state_.any_memory(address, size);
    for (size_t tag = 0; tag < tags(); ++tag) any = any || mask(tag, node).any() || decided(tag);
    if (!any) return;
    journal_.note_memory(address, size);
    state_.filter.add(address, size);
    for (size_t tag = 0; tag < tags(); ++tag) {
        MemoryTaint& memory = state_.tags[tag].memory;
        if (is_bulk || decided(tag)) {
            const std::vector<uint8_t> masks(size,
                                             mask(tag, node).any() || decided(tag) ? 0xff : 0);
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
