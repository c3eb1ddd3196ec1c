// SPDX-License-Identifier: Apache-2.0
#include "taint/records.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "index/touch.h"

namespace reven {
namespace {

constexpr size_t MAX_WARNINGS = 100'000;

void forget_handler_arguments(RegisterTaint& registers) {
    for (const uint32_t offset : HANDLER_ARGUMENTS) std::memset(registers.data() + offset, 0, 8);
}

void add(RegisterTaint& to, const RegisterTaint& from) {
    for (size_t i = 0; i < to.size(); ++i) to[i] |= from[i];
}

}  // namespace

bool TaintRecords::is_restore(const SegmentView& view, const RecordPoint& point,
                              const RecordView& record) const {
    return effects_.restores.count(
               {view.first_transition() + point.context, record.header->thread}) > 0;
}

// What a record does counts as done by the transition before it.
void TaintRecords::begin(const SegmentView& view, const RecordPoint& point) {
    const uint64_t context = view.first_transition() + point.context;
    if (context == 0 || is_transition(view.record(point))) return;
    if (point.context > 0 && view.event_at(point.context - 1))
        journal_.begin_event(context - 1);
    else
        journal_.begin(context - 1);
}

void TaintRecords::forget_memory(uint64_t address, uint64_t size) {
    journal_.note_tainted_memory(address, size);
    for (TagTaint& tag : state_.tags) tag.memory.clear(address, size);
}

uint16_t TaintRecords::tags_of(uint64_t address) const {
    uint16_t tags = 0;
    for (size_t tag = 0; tag < state_.tags.size(); ++tag)
        tags |= static_cast<uint16_t>(state_.tags[tag].memory.any(address, 1) << tag);
    return tags;
}

// Where taint leaves the program.
void TaintRecords::note_reads(const SegmentView& view, const RecordPoint& point,
                              const RecordView& record) {
    const uint64_t context = view.first_transition() + point.context;
    for (const reven_range& range : ranges_of(record)) {
        if (!state_.any_memory(range.address, range.size)) continue;
        journal_.note_tainted_memory(range.address, range.size);
        if (!sinks_ || context == 0) continue;
        std::map<uint64_t, uint16_t> bytes;
        for (const TagTaint& tag : state_.tags)
            tag.memory.for_tainted(range.address, range.size,
                                   [&](uint64_t at, uint8_t) { bytes.emplace(at, tags_of(at)); });
        for (auto at = bytes.begin(); at != bytes.end();) {
            TaintSink sink{TaintSink::KernelRead, at->second, context - 1, at->first, 0};
            for (; at != bytes.end() && at->first == sink.address + sink.size &&
                   at->second == sink.tags;
                 ++at)
                ++sink.size;
            sinks_->add(sink);
        }
    }
}

// Registers that the kernel takes arguments from.
void TaintRecords::note_arguments(const SegmentView& view, const RecordPoint& point) {
    static constexpr uint32_t ARGUMENTS[] = {REVEN_RDI, REVEN_RSI, REVEN_RDX,
                                             REVEN_R10, REVEN_R8,  REVEN_R9};
    const uint64_t context = view.first_transition() + point.context;
    if (!sinks_ || context == 0) return;
    for (const uint32_t offset : ARGUMENTS) {
        uint16_t tags = 0;
        for (size_t tag = 0; tag < state_.tags.size(); ++tag) {
            const uint8_t* held = state_.tags[tag].registers.data() + offset;
            const bool any = std::any_of(held, held + 8, [](uint8_t byte) { return byte; });
            tags |= static_cast<uint16_t>(any << tag);
        }
        if (tags) sinks_->add({TaintSink::Argument, tags, context - 1, offset, 8});
    }
}

void TaintRecords::clear_registers(const RecordView& patch) {
    for (size_t at = 0; at + 8 <= patch.header->size;) {
        const auto offset = read_as<uint16_t>(patch.payload + at);
        const auto size = read_as<uint16_t>(patch.payload + at + 2);
        // No data flows through the registers of the system.
        if (offset + size <= REVEN_REGISTER_FILE_SIZE) {
            journal_.note_registers(offset, size);
            for (TagTaint& tag : state_.tags) std::memset(tag.registers.data() + offset, 0, size);
        }
        at += 8 + ((size + 7u) & ~size_t{7});
    }
}

void TaintRecords::move(uint64_t from, uint64_t to, uint64_t size, bool forward) {
    if (!forward) std::swap(from, to);
    if (!state_.any_memory(from, size) && !state_.any_memory(to, size)) return;
    if (to < KERNEL_STREAMS) journal_.note_tainted_memory(to, size);
    if (from < KERNEL_STREAMS) journal_.note_tainted_memory(from, size);
    for (TagTaint& tag : state_.tags) {
        std::vector<uint8_t> masks(size);
        for (uint64_t done = 0; done < size; done += MemoryTaint::PAGE) {
            const auto count =
                static_cast<uint32_t>(std::min<uint64_t>(size - done, MemoryTaint::PAGE));
            tag.memory.read(from + done, count, masks.data() + done);
            if (to < KERNEL_STREAMS && !tag.memory.any(to + done, count))
                for (uint32_t i = 0; i < count; ++i)
                    if (masks[done + i]) journal_.note_memory(to + done + i, 1);
        }
        if (!forward) {
            // What is asked of the copy is asked of the original, besides what is already.
            tag.memory.clear(from, size);
            tag.memory.for_tainted(to, size,
                                   [&](uint64_t at, uint8_t mask) { masks[at - to] |= mask; });
        }
        tag.memory.write(to, static_cast<uint32_t>(size), masks.data());
    }
    if (size > 0) state_.filter.add(to, size);
}

void TaintRecords::moves_of(const SegmentView& view, const RecordPoint& point,
                            const RecordView& record, bool forward) {
    const bool returns = record.header->type == REVEN_SYSCALL_EXIT;
    const auto at = effects_.moves.find(
        {view.first_transition() + point.context, record.header->thread, returns});
    if (at == effects_.moves.end()) return;
    for (const KernelMove& one : at->second) move(one.from, one.to, one.size, forward);
}

void TaintRecords::overwritten(const SegmentView& view, const RecordPoint& point,
                               const RecordView& record) {
    const auto& memory = record.as<reven_memory>();
    const uint64_t size = record.header->size - sizeof memory;
    if (!state_.any_memory(memory.address, size)) return;
    const uint64_t context = view.first_transition() + point.context;
    if (memory.cause != REVEN_CAUSE_IMAGE && context > 0 && warnings.size() < MAX_WARNINGS) {
        auto kind = TaintWarning::KernelWrite;
        if (memory.cause == REVEN_CAUSE_SIGNAL_FRAME) kind = TaintWarning::SignalFrame;
        if (memory.cause == REVEN_CAUSE_OUTSIDE || memory.cause == REVEN_CAUSE_FILE)
            kind = TaintWarning::Outside;
        if (memory.cause == REVEN_CAUSE_NOT_RECORDED) kind = TaintWarning::NotRecorded;
        warnings.push_back({context - 1, memory.address, size, kind});
    }
    forget_memory(memory.address, size);
}

// What was stored to a page at another address stands here as well.
bool TaintRecords::is_same_page(const RecordView& record, bool forward) {
    const auto& memory = record.as<reven_memory>();
    if (memory.cause != REVEN_CAUSE_ALIAS || memory.alias == 0) return false;
    const auto stored = memory.address + static_cast<uint64_t>(int64_t{memory.alias}) * PAGE_SIZE;
    move(stored, memory.address, record.header->size - sizeof memory, forward);
    return true;
}

bool TaintRecords::forward(const SegmentView& view, size_t number) {
    const RecordPoint& point = view.records()[number];
    const RecordView record = view.record(point);
    const uint32_t thread = record.header->thread;
    begin(view, point);
    switch (record.header->type) {
        case REVEN_MEMORY:
            if (!is_same_page(record, true)) overwritten(view, point, record);
            break;
        case REVEN_KERNEL_READ:
            note_reads(view, point, record);
            return false;
        case REVEN_MAP:
            forget_memory(record.as<reven_map>().address, record.as<reven_map>().size);
            break;
        case REVEN_UNMAP:
            forget_memory(record.as<reven_range>().address, record.as<reven_range>().size);
            break;
        case REVEN_REMAP: {
            const auto& remap = record.as<reven_remap>();
            for (TagTaint& tag : state_.tags) tag.memory.move(remap.from, remap.to, remap.size);
            state_.make_filter();
            break;
        }
        case REVEN_REGISTER_PATCH:
            if (!is_restore(view, point, record)) clear_registers(record);
            break;
        case REVEN_SYSCALL_ENTER:
            note_arguments(view, point);
            if (record.as<uint64_t>() == RT_SIGRETURN)
                for (TagTaint& tag : state_.tags) {
                    auto& stack = tag.interrupted[thread];
                    tag.registers = stack.empty() ? RegisterTaint{} : stack.back();
                    if (!stack.empty()) stack.pop_back();
                }
            moves_of(view, point, record, true);
            break;
        case REVEN_SYSCALL_EXIT:
            moves_of(view, point, record, true);
            break;
        case REVEN_REGISTERS:
            for (TagTaint& tag : state_.tags) {
                tag.interrupted[thread].push_back(tag.registers);
                forget_handler_arguments(tag.registers);
            }
            break;
        case REVEN_SWITCH:
            journal_.finish();
            for (TagTaint& tag : state_.tags) {
                tag.waiting[record.as<reven_switch>().previous_thread] = tag.registers;
                tag.registers = tag.waiting[thread];
            }
            break;
        case REVEN_THREAD_START:
            for (TagTaint& tag : state_.tags) {
                RegisterTaint& child = tag.waiting[static_cast<uint32_t>(record.as<uint64_t>())];
                child = tag.registers;
                std::memset(child.data() + REVEN_RAX, 0, 8);
            }
            break;
        default:
            return false;
    }
    state_.find_live();
    return true;
}

bool TaintRecords::backward(const SegmentView& view, size_t number) {
    const RecordPoint& point = view.records()[number];
    const RecordView record = view.record(point);
    const uint32_t thread = record.header->thread;
    begin(view, point);
    switch (record.header->type) {
        case REVEN_MEMORY:
            if (!is_same_page(record, false)) overwritten(view, point, record);
            break;
        case REVEN_KERNEL_READ:
            note_reads(view, point, record);
            return false;
        case REVEN_MAP:
            forget_memory(record.as<reven_map>().address, record.as<reven_map>().size);
            break;
        case REVEN_REMAP: {
            const auto& remap = record.as<reven_remap>();
            for (TagTaint& tag : state_.tags) tag.memory.move(remap.to, remap.from, remap.size);
            state_.make_filter();
            break;
        }
        case REVEN_REGISTER_PATCH:
            if (!is_restore(view, point, record)) clear_registers(record);
            break;
        case REVEN_SYSCALL_ENTER:
            if (record.as<uint64_t>() == RT_SIGRETURN)
                for (TagTaint& tag : state_.tags) {
                    tag.interrupted[thread].push_back(tag.registers);
                    tag.registers = {};
                }
            moves_of(view, point, record, false);
            break;
        case REVEN_SYSCALL_EXIT:
            moves_of(view, point, record, false);
            break;
        case REVEN_REGISTERS:
            for (TagTaint& tag : state_.tags) {
                forget_handler_arguments(tag.registers);
                auto& stack = tag.interrupted[thread];
                if (stack.empty()) continue;
                add(tag.registers, stack.back());
                stack.pop_back();
            }
            break;
        case REVEN_SWITCH:
            journal_.finish();
            for (TagTaint& tag : state_.tags) {
                tag.waiting[thread] = tag.registers;
                tag.registers = tag.waiting[record.as<reven_switch>().previous_thread];
            }
            break;
        case REVEN_THREAD_START:
            for (TagTaint& tag : state_.tags) {
                RegisterTaint& child = tag.waiting[static_cast<uint32_t>(record.as<uint64_t>())];
                std::memset(child.data() + REVEN_RAX, 0, 8);
                add(tag.registers, child);
                child = {};
            }
            break;
        default:
            return false;
    }
    state_.find_live();
    return true;
}

}  // namespace reven
