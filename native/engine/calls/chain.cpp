// SPDX-License-Identifier: Apache-2.0
// Frames of the stack as one: a function that jumps to another one in place of calling it and
// returning has a call of its own, but leaves its frame to that.
#include <algorithm>

#include "base/bytes.h"
#include "calls/calls.h"

namespace reven {
namespace {

// An interpreter may be one chain of jumps as long as its run: where it leads is remembered at
// every so many calls that were passed.
constexpr size_t STRIDE = 1024;
constexpr size_t MARKS_KEPT = 1 << 20;

bool has_same_frame(const CallRecord& one, const CallRecord& next) {
    if (next.kind != CallKind::Tail || next.thread != one.thread || next.parent != one.parent ||
        next.stack != one.stack)
        return false;
    // Where the frame of what was there before the trace stands is not known.
    return next.stack_pointer == one.stack_pointer || one.kind == CallKind::Unknown;
}

}  // namespace

std::optional<NumberedCall> Calls::replaced_by(const NumberedCall& at) {
    if (at.call.end == NO_END || at.call.kind == CallKind::Signal) return std::nullopt;
    const uint64_t context = at.call.end + 1;
    if (at.id + 1 < index_.call_count()) {
        const CallRecord next = index_.call(at.id + 1);
        if (next.first_context == context && has_same_frame(at.call, next))
            return NumberedCall{at.id + 1, next};
    }
    const auto number = index_.block_before(context);
    if (!number) return std::nullopt;
    const auto block = index_.block(*number);
    const auto& calls = block->calls;
    auto next = std::lower_bound(
        calls.begin(), calls.end(), context,
        [](const CallRecord& call, uint64_t value) { return call.first_context < value; });
    for (; next != calls.end() && next->first_context == context; ++next)
        if (has_same_frame(at.call, *next))
            return NumberedCall{block->first_id + static_cast<uint64_t>(next - calls.begin()),
                                *next};
    return std::nullopt;
}

std::optional<NumberedCall> Calls::replaced(const NumberedCall& at) {
    if (at.call.kind != CallKind::Tail || at.call.first_context == 0) return std::nullopt;
    const uint64_t jump = at.call.first_context - 1;
    if (at.id > 0) {
        const CallRecord before = index_.call(at.id - 1);
        if (before.end == jump && has_same_frame(before, at.call))
            return NumberedCall{at.id - 1, before};
    }
    const auto before = top(jump, at.call.thread);
    if (before && before->call.end == jump && has_same_frame(before->call, at.call)) return before;
    return std::nullopt;
}

NumberedCall Calls::end_of_chain(uint64_t id, bool forward, const Progress& progress) {
    NumberedCall at{id, index_.call(id)};
    std::vector<uint64_t> passed;
    for (uint64_t steps = 0;; ++steps) {
        {
            const std::lock_guard lock(marks_mutex_);
            const auto mark = marks_[forward].find(at.id);
            if (mark != marks_[forward].end()) at = {mark->second, index_.call(mark->second)};
        }
        const auto next = forward ? replaced_by(at) : replaced(at);
        if (!next) break;
        if (steps % STRIDE == STRIDE - 1) {
            passed.push_back(at.id);
            if (progress) progress(0, 0);
        }
        at = *next;
    }
    if (!passed.empty()) {
        const std::lock_guard lock(marks_mutex_);
        if (marks_[forward].size() + passed.size() > MARKS_KEPT) marks_[forward].clear();
        for (const uint64_t passed_id : passed) marks_[forward][passed_id] = at.id;
    }
    return at;
}

std::optional<uint64_t> Calls::frame_end(uint64_t id, const Progress& progress) {
    std::shared_lock lock(mutex_);
    const uint64_t end = end_of_chain(id, true, progress).call.end;
    return end == NO_END ? std::nullopt : std::optional(end);
}

NumberedCall Calls::frame_start(uint64_t id, const Progress& progress) {
    std::shared_lock lock(mutex_);
    return end_of_chain(id, false, progress);
}

std::optional<NumberedCall> Calls::entered_by(uint64_t transition) {
    const uint64_t context = transition + 1;
    const uint32_t thread = thread_at(context);
    if (thread_at(transition) != thread) return std::nullopt;
    std::optional<NumberedCall> entered;
    {
        std::shared_lock lock(mutex_);
        entered = top(context, thread);
    }
    if (!entered || entered->call.first_context == context) return entered;
    // Through a PLT stub, or by a jump of a function to its own beginning.
    RegisterView registers;
    queries_.trace().registers(context, registers);
    const bool is_there =
        read_as<uint64_t>(registers.data() + REVEN_RIP) == entered->call.function &&
        read_as<uint64_t>(registers.data() + REVEN_RSP) == entered->call.stack_pointer;
    return is_there ? entered : std::nullopt;
}

}  // namespace reven
