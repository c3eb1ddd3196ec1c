// SPDX-License-Identifier: Apache-2.0
// Who wrote a part of a thread's registers last.
#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "taint/origin.h"

namespace reven {

inline constexpr uint64_t FLAGS_AT = uint64_t{REVEN_RFLAGS} * 8;

inline bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size) {
    return a < b + b_size && b < a + a_size;
}

// Bytes of the register file that decide a place that is no memory.
struct FileRange {
    uint32_t offset;
    uint32_t size;
};

inline FileRange file_range(const TaintPlace& place) {
    if (place.address < FLAGS_AT) {
        const auto first = static_cast<uint32_t>(place.address / 8);
        const auto end = static_cast<uint32_t>((place.address + place.size + 7) / 8);
        return {first, end - first};
    }
    switch (place.address - FLAGS_AT) {
        case 10:
            return {REVEN_DFLAG, 8};
        case 18:
            return {REVEN_ACFLAG, 8};
        case 21:
            return {REVEN_IDFLAG, 8};
        default:
            return {REVEN_CC_OP, REVEN_DFLAG - REVEN_CC_OP};
    }
}

inline FileRange written_by(const reven_event& event) {
    if (event.kind == REVEN_EVENT_SET_REGISTER) return {event.offset, event.size};
    if (event.kind == REVEN_EVENT_SET_INDEXED) return {event.offset, event.size * event.x1};
    return {0, 0};
}

inline bool patches(const RecordView& record, const FileRange& range) {
    for (size_t at = 0; at + 8 <= record.header->size;) {
        const auto offset = read_as<uint16_t>(record.payload + at);
        const auto size = read_as<uint16_t>(record.payload + at + 2);
        if (overlap(offset, size, range.offset, range.size)) return true;
        at += 8 + ((size + 7u) & ~size_t{7});
    }
    return false;
}

// Follows a range of one thread's register file back through records and executions.
class RegisterSearch {
   public:
    enum Outcome { Nothing, Instruction, Kernel, Signal };

    RegisterSearch(const FileRange& range, uint32_t thread, BlockCache& blocks,
                   const SyscallEffects& effects)
        : range_(range), thread_(thread), blocks_(blocks), effects_(effects) {}

    uint64_t transition = 0;

    // Through a segment, from a context of the trace that is not before it.
    Outcome run(const SegmentView& view, uint64_t context) {
        const uint64_t first = view.first_transition();
        const auto& points = view.records();
        size_t next = points.size();
        uint32_t running = view.thread_before(points.size());
        for (uint32_t execution = view.execution_count();; --execution) {
            for (; next > 0 && points[next - 1].position >= execution; --next) {
                const RecordView record = view.record(points[next - 1]);
                if (record.header->type == REVEN_SWITCH)
                    running = record.as<reven_switch>().previous_thread;
                if (first + points[next - 1].context + is_transition(record) > context) continue;
                if (const Outcome found = look(view, next - 1, record); found != Nothing)
                    return found;
            }
            if (execution == 0) return Nothing;
            const uint64_t start = first + view.start(execution - 1);
            if (running != thread_ || interrupted_ > 0 || start >= context) continue;
            const uint32_t id = view.segment().headers[execution - 1] >> REVEN_EXIT_BITS;
            const auto end = static_cast<uint32_t>(
                std::min<uint64_t>(view.retired(execution - 1), context - start));
            const auto& instructions = writers(id);
            const auto at = std::lower_bound(instructions.begin(), instructions.end(), end);
            if (at == instructions.begin()) continue;
            transition = start + *(at - 1);
            return Instruction;
        }
    }

   private:
    Outcome look(const SegmentView& view, size_t number, const RecordView& record) {
        transition = view.first_transition() + view.records()[number].context - 1;
        if (record.header->type == REVEN_THREAD_START && record.as<uint64_t>() == thread_) {
            thread_ = record.header->thread;
            return overlap(range_.offset, range_.size, REVEN_RAX, 8) ? Kernel : Nothing;
        }
        if (record.header->thread != thread_) return Nothing;
        switch (record.header->type) {
            case REVEN_SYSCALL_ENTER:
                if (record.as<uint64_t>() == RT_SIGRETURN) ++interrupted_;
                return Nothing;
            case REVEN_REGISTERS:
                if (interrupted_ > 0) {
                    --interrupted_;
                    return Nothing;
                }
                for (const uint32_t offset : HANDLER_ARGUMENTS)
                    if (overlap(range_.offset, range_.size, offset, 8)) return Signal;
                return Nothing;
            case REVEN_REGISTER_PATCH:
                return interrupted_ == 0 && !effects_.restores.count({transition + 1, thread_}) &&
                               patches(record, range_)
                           ? Kernel
                           : Nothing;
            default:
                return Nothing;
        }
    }

    // Instructions of a block that write the range, ascending.
    const std::vector<uint32_t>& writers(uint32_t id) {
        const auto [at, is_new] = writers_.try_emplace(id);
        if (!is_new) return at->second;
        for (const reven_event& event : blocks_.get(id).body->events) {
            const FileRange written = written_by(event);
            if (overlap(written.offset, written.size, range_.offset, range_.size) &&
                (at->second.empty() || at->second.back() != event.instruction))
                at->second.push_back(event.instruction);
        }
        return at->second;
    }

    FileRange range_;
    uint32_t thread_;
    uint32_t interrupted_ = 0;  // by so many signals whose handlers returned
    BlockCache& blocks_;
    const SyscallEffects& effects_;
    std::unordered_map<uint32_t, std::vector<uint32_t>> writers_;
};

}  // namespace reven
