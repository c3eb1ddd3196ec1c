// SPDX-License-Identifier: Apache-2.0
#include "calls/builder.h"

#include <algorithm>

namespace reven {
namespace {

constexpr uint64_t NO_LIMIT = UINT64_MAX;
constexpr uint32_t NO_STACK = UINT32_MAX;
// A stack pointer that is set to a lower value than this far away is on another stack; so is
// a signal handler whose frame is further away.
constexpr uint64_t FAR = 64 << 10;
// How far above the first rsp of a thread its own stack is taken to reach.
constexpr uint64_t ABOVE_FIRST = 1 << 20;
// A stack is gone on with a little below or above where it was left.
constexpr uint64_t NEAR = 4096;

}  // namespace

void CallBuilder::add(SegmentFlow&& flow) {
    auto event = flow.events.begin();
    if (state_.open && flow.first_target) {
        state_.open->target = *flow.first_target;
        process(*state_.open);
        state_.open.reset();
        for (const FlowEvent& waiting : state_.waiting) process(waiting);
        state_.waiting.clear();
    }
    const auto ready = state_.open ? flow.events.begin()
                       : flow.open ? flow.events.begin() + static_cast<ptrdiff_t>(*flow.open)
                                   : flow.events.end();
    for (; event != ready; ++event) process(*event);
    if (event == flow.events.end()) return;
    if (!state_.open) state_.open = *event++;
    state_.waiting.insert(state_.waiting.end(), event, flow.events.end());
}

bool CallBuilder::is_settled() const {
    const auto running = state_.threads.find(state_.thread);
    if (running == state_.threads.end()) return true;
    const auto& frames = running->second.stacks[running->second.current].frames;
    return frames.empty() || !frames.back().is_stub;
}

CallBuilder::Output CallBuilder::take() {
    Output output = std::move(output_);
    output.first_id = first_id_;
    output_ = {};
    first_id_ = state_.next_id;
    return output;
}

void CallBuilder::process(const FlowEvent& event) {
    if (event.kind == FlowKind::ThreadEnd) {
        state_.threads[event.thread].has_ended = true;
        return;
    }
    if (event.kind == FlowKind::Switch) return switch_thread(event);
    switch (event.kind) {
        case FlowKind::Call:
            return call(event);
        case FlowKind::Return:
            return come_back(event);
        case FlowKind::Enter:
            return enter(event);
        case FlowKind::Raise:
            return drop(event.rsp, event.context - 1);
        case FlowKind::Move:
            return move(event);
        case FlowKind::Signal:
            thread().signal_context = event.context;
            thread().signal_ip = event.target;
            return;
        case FlowKind::Handler:
            return handle_signal(event);
        case FlowKind::Sigreturn:
            return return_from_signal(event);
        case FlowKind::KernelMove:
            return thread().returns_from_signal ? restore_rsp(event) : move(event);
        default:
            return;
    }
}

CallBuilder::Frame& CallBuilder::push(CallKind kind, uint64_t context, uint64_t rsp, uint64_t limit,
                                      uint64_t function, uint64_t return_address) {
    Stack& onto = stack();
    const bool has_parent = !onto.frames.empty();
    if (!has_parent) onto.high = std::max(onto.high, rsp);
    onto.is_changed_to = false;
    Frame frame{};
    frame.id = state_.next_id++;
    frame.stack_pointer = rsp;
    frame.limit = limit;
    frame.function = function;
    frame.return_address = return_address;
    frame.parent = has_parent ? onto.frames.back().id : NO_CALL;
    frame.depth = has_parent ? onto.frames.back().depth + 1 : onto.depth;
    frame.kind = kind;
    frame.is_stub = starts_.is_stub(function);
    output_.records.push_back({context, NO_END, frame.parent, function, return_address, rsp,
                               state_.thread, thread().current, frame.depth, kind});
    onto.frames.push_back(frame);
    return onto.frames.back();
}

void CallBuilder::push_unknown(uint64_t context, uint64_t rsp, uint64_t function) {
    push(CallKind::Unknown, context, rsp, NO_LIMIT, function, 0);
}

void CallBuilder::pop(uint64_t end) {
    const uint64_t id = stack().frames.back().id;
    if (id >= first_id_)
        output_.records[id - first_id_].end = end;
    else
        output_.late_ends.push_back({id, end});
    stack().frames.pop_back();
}

void CallBuilder::drop(uint64_t rsp, uint64_t end) {
    while (!stack().frames.empty() && stack().frames.back().limit < rsp) pop(end);
}

void CallBuilder::set_function(Frame& frame, uint64_t function) {
    frame.function = function;
    if (frame.id >= first_id_) output_.records[frame.id - first_id_].function = function;
}

void CallBuilder::call(const FlowEvent& event) {
    drop(event.rsp + 1, event.context - 1);
    if (stack().frames.empty()) push_unknown(event.context - 1, event.rsp + 8, event.other);
    push(CallKind::Call, event.context, event.rsp, event.rsp, event.target, event.other);
}

void CallBuilder::come_back(const FlowEvent& event) {
    const uint64_t slot = event.other;
    const uint64_t end = event.context - 1;
    drop(slot, end);
    auto& frames = stack().frames;
    if (!frames.empty() && frames.back().stack_pointer == slot) {
        // A handler lasts until sigreturn.
        if (frames.back().kind == CallKind::Signal) return;
        stack().is_changed_to = false;
        const bool as_called = frames.back().return_address == event.target;
        pop(end);
        if (frames.empty()) return push_unknown(event.context, event.rsp, event.target);
        if (!as_called) enter(event);
        return;
    }
    if (!frames.empty() && frames.back().limit == NO_LIMIT &&
        frames.back().kind != CallKind::Signal && slot >= frames.back().stack_pointer) {
        pop(end);
        return push_unknown(event.context, event.rsp, event.target);
    }
    // The address was pushed: a jump, perhaps to what waits on another stack.
    Stack& from = stack();
    if (from.moved_from != 0 && slot >= from.moved_to && slot < from.moved_from) {
        const uint64_t left_at = from.moved_from;
        from.moved_from = from.moved_to = 0;
        use_stack(new_stack(event.rsp), left_at, event.context);
    }
    if (stack().frames.empty() && !starts_.is_start(event.target))
        return push_unknown(event.context, event.rsp, event.target);
    enter(event);
    stack().is_changed_to = false;
}

void CallBuilder::enter(const FlowEvent& event) {
    if (event.target == 0 || !starts_.is_start(event.target)) return;
    auto& frames = stack().frames;
    // Nothing that was interrupted goes on at a function's start: a new life of the stack.
    if (stack().is_changed_to)
        while (!frames.empty()) pop(event.context - 1);
    if (frames.empty()) {
        push(CallKind::Start, event.context, event.rsp, event.rsp, event.target, 0);
        return;
    }
    Frame& top = frames.back();
    if (top.function == event.target) return;
    if (top.is_stub) {
        const bool is_there = event.rsp == top.stack_pointer;
        if (is_there || starts_.is_stub(top.function)) set_function(top, event.target);
        if (is_there) top.is_stub = starts_.is_stub(event.target);
        return;
    }
    const bool is_there = event.rsp == top.stack_pointer;
    // What was there before the trace has its return address somewhere above, aligned as a
    // function finds it.
    const bool may_be =
        top.kind == CallKind::Unknown && event.rsp >= top.stack_pointer && event.rsp % 16 == 8;
    const bool has_place = top.limit != NO_LIMIT || top.kind == CallKind::Signal;
    if (!may_be && !(has_place && is_there)) return;
    // A handler returns to what the kernel has put there, not to what it interrupted.
    const uint64_t return_address = top.kind == CallKind::Signal ? 0 : top.return_address;
    if (top.kind != CallKind::Signal) pop(event.context - 1);
    push(CallKind::Tail, event.context, event.rsp, event.rsp, event.target, return_address);
}

uint32_t CallBuilder::stack_holding(uint64_t rsp) {
    const auto& stacks = thread().stacks;
    uint32_t found = NO_STACK;
    uint64_t nearest = UINT64_MAX;
    for (uint32_t number = 0; number < stacks.size(); ++number) {
        const Stack& other = stacks[number];
        if (number == thread().current || rsp + NEAR < other.left_at || rsp > other.high) continue;
        const uint64_t distance = rsp > other.left_at ? rsp - other.left_at : other.left_at - rsp;
        if (distance >= nearest) continue;
        nearest = distance;
        found = number;
    }
    return found;
}

uint32_t CallBuilder::new_stack(uint64_t rsp) {
    Stack stack;
    stack.high = rsp;
    stack.is_made = true;
    thread().stacks.push_back(std::move(stack));
    return static_cast<uint32_t>(thread().stacks.size() - 1);
}

void CallBuilder::use_stack(uint32_t number, uint64_t left_at, uint64_t context) {
    const Stack& left = stack();
    const uint32_t depth = left.frames.empty() ? left.depth : left.frames.back().depth + 1;
    stack().left_at = left_at;
    thread().current = number;
    const auto& frames = stack().frames;
    if (frames.empty()) stack().depth = depth;
    stack().is_changed_to = true;
    output_.changes.push_back(
        {context, state_.thread, number, frames.empty() ? NO_CALL : frames.back().id});
}

void CallBuilder::move(const FlowEvent& event) {
    const uint64_t from = event.other;
    const uint64_t to = event.rsp;
    const uint64_t end = event.context - 1;
    Stack& here = stack();
    const uint64_t highest = here.is_made ? here.high : here.high + ABOVE_FIRST;
    uint32_t other = stack_holding(to);
    if (other == NO_STACK) {
        if (to >= from && to <= highest) return drop(to, end);
        if (to < from && from - to < FAR) {
            here.moved_from = from;
            here.moved_to = to;
            return;
        }
        other = new_stack(to);
    } else {
        // A handler that jumps back to what it interrupted does not come back.
        auto& frames = here.frames;
        const auto left = std::find_if(frames.begin(), frames.end(), [&](const Frame& frame) {
            return frame.kind == CallKind::Signal && frame.limit == NO_LIMIT &&
                   frame.previous_stack == other;
        });
        for (size_t count = static_cast<size_t>(frames.end() - left); count > 0; --count) pop(end);
    }
    use_stack(other, from, event.context);
    drop(to, end);
}

void CallBuilder::switch_thread(const FlowEvent& event) {
    if (state_.thread != 0 && thread().has_ended) {
        for (Stack& stack : thread().stacks) {
            thread().current = static_cast<uint32_t>(&stack - thread().stacks.data());
            while (!stack.frames.empty()) pop(event.context - 1);
        }
    }
    state_.thread = event.thread;
    Thread& now = thread();
    if (now.stacks.empty()) {
        now.stacks.emplace_back();
        now.stacks[0].high = event.rsp;
        const bool is_entry = starts_.is_start(event.target);
        push(CallKind::Start, event.context, event.rsp, is_entry ? event.rsp : NO_LIMIT,
             event.target, 0);
        return;
    }
    if (now.returns_from_signal) restore_rsp(event);
    enter(event);
}

void CallBuilder::handle_signal(const FlowEvent& event) {
    const uint64_t before = event.other;
    const uint32_t previous = thread().current;
    const bool same_stack = event.rsp < before && before - event.rsp < FAR;
    uint64_t parent = NO_CALL;
    uint32_t depth = 0;
    if (!stack().frames.empty()) {
        parent = stack().frames.back().id;
        depth = stack().frames.back().depth + 1;
    }
    const uint64_t context = std::max<uint64_t>(thread().signal_context, 1);
    if (!same_stack) {
        uint32_t number = stack_holding(event.rsp);
        if (number == NO_STACK) number = new_stack(event.rsp);
        use_stack(number, before, context);
        drop(event.rsp, context - 1);
    }
    Frame& frame = push(CallKind::Signal, context, event.rsp, same_stack ? before - 1 : NO_LIMIT,
                        event.target, thread().signal_ip);
    frame.previous_stack = previous;
    frame.rsp_before = before;
    frame.parent = parent;
    frame.depth = depth;
    CallRecord& record = output_.records[frame.id - first_id_];
    record.parent = parent;
    record.depth = depth;
}

void CallBuilder::restore_rsp(const FlowEvent& event) {
    thread().returns_from_signal = false;
    FlowEvent restored = event;
    restored.other = thread().expected_rsp;
    if (restored.other != restored.rsp) move(restored);
}

void CallBuilder::return_from_signal(const FlowEvent& event) {
    const uint64_t end = event.context - 1;
    auto& frames = stack().frames;
    while (!frames.empty() && frames.back().kind != CallKind::Signal) pop(end);
    thread().returns_from_signal = true;
    thread().expected_rsp = event.rsp;
    if (frames.empty()) return push_unknown(event.context, event.rsp, 0);
    const uint32_t previous = frames.back().previous_stack;
    thread().expected_rsp = frames.back().rsp_before;
    pop(end);
    if (previous != thread().current) use_stack(previous, event.rsp, event.context);
}

}  // namespace reven
