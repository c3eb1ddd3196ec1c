// SPDX-License-Identifier: Apache-2.0
// How a CallBuilder's state is stored, so that it goes on where it stopped.
#include "base/bytes.h"
#include "calls/chunk.h"

namespace reven {
namespace {

void put_event(std::vector<uint8_t>& out, const FlowEvent& event) {
    out.push_back(static_cast<uint8_t>(event.kind));
    put_varint(out, event.thread);
    for (const uint64_t value : {event.context, event.rsp, event.target, event.other})
        put_varint(out, value);
}

FlowEvent take_event(ByteReader& in) {
    FlowEvent event{};
    event.kind = static_cast<FlowKind>(in.byte());
    event.thread = in.count(UINT32_MAX);
    for (uint64_t* value : {&event.context, &event.rsp, &event.target, &event.other})
        *value = in.varint();
    return event;
}

void put_stack(std::vector<uint8_t>& out, const CallBuilder::Stack& stack) {
    for (const uint64_t value : {stack.high, stack.left_at, stack.moved_from, stack.moved_to})
        put_varint(out, value);
    out.push_back(static_cast<uint8_t>(stack.is_made | stack.is_changed_to << 1));
    put_varint(out, stack.depth);
    put_varint(out, stack.frames.empty() ? 0 : stack.frames.back().id + 1);
    std::vector<const CallBuilder::Frame*> signals;
    for (const auto& frame : stack.frames)
        if (frame.kind == CallKind::Signal) signals.push_back(&frame);
    put_varint(out, signals.size());
    for (const auto* frame : signals)
        for (const uint64_t value :
             {frame->id, frame->limit, uint64_t{frame->previous_stack}, frame->rsp_before})
            put_varint(out, value);
}

CallBuilder::Stack take_stack(ByteReader& in, const FramesOf& frames) {
    CallBuilder::Stack stack;
    for (uint64_t* value : {&stack.high, &stack.left_at, &stack.moved_from, &stack.moved_to})
        *value = in.varint();
    const uint8_t flags = in.byte();
    stack.is_made = flags & 1;
    stack.is_changed_to = flags >> 1 & 1;
    stack.depth = in.count(UINT32_MAX);
    const uint64_t top = in.varint() - 1;
    if (top != NO_CALL) stack.frames = frames(top, stack.is_made);
    for (uint32_t left = in.count(in.left()); left > 0; --left) {
        const uint64_t id = in.varint();
        const uint64_t limit = in.varint();
        const uint32_t previous = in.count(UINT32_MAX);
        const uint64_t before = in.varint();
        for (auto& frame : stack.frames) {
            if (frame.id != id) continue;
            frame.limit = limit;
            frame.previous_stack = previous;
            frame.rsp_before = before;
        }
    }
    return stack;
}

}  // namespace

std::vector<uint8_t> encode_state(const CallBuilder::State& state) {
    std::vector<uint8_t> out;
    put_varint(out, state.next_id);
    put_varint(out, state.thread);
    put_varint(out, state.threads.size());
    for (const auto& [number, thread] : state.threads) {
        put_varint(out, number);
        out.push_back(static_cast<uint8_t>(thread.has_ended | thread.returns_from_signal << 1));
        for (const uint64_t value : {uint64_t{thread.current}, thread.signal_context,
                                     thread.signal_ip, thread.expected_rsp})
            put_varint(out, value);
        put_varint(out, thread.stacks.size());
        for (const auto& stack : thread.stacks) put_stack(out, stack);
    }
    put_varint(out, state.waiting.size() + state.open.has_value());
    if (state.open) put_event(out, *state.open);
    for (const FlowEvent& event : state.waiting) put_event(out, event);
    return out;
}

CallBuilder::State decode_state(std::span<const uint8_t> bytes, const FramesOf& frames) {
    ByteReader in(bytes);
    CallBuilder::State state;
    state.next_id = in.varint();
    state.thread = in.count(UINT32_MAX);
    for (uint32_t left = in.count(in.left()); left > 0; --left) {
        CallBuilder::Thread& thread = state.threads[in.count(UINT32_MAX)];
        const uint8_t flags = in.byte();
        thread.has_ended = flags & 1;
        thread.returns_from_signal = flags >> 1 & 1;
        thread.current = in.count(UINT32_MAX);
        thread.signal_context = in.varint();
        thread.signal_ip = in.varint();
        thread.expected_rsp = in.varint();
        for (uint32_t stacks = in.count(in.left()); stacks > 0; --stacks)
            thread.stacks.push_back(take_stack(in, frames));
        if (!thread.stacks.empty() && thread.current >= thread.stacks.size())
            throw TraceError("a thread in it has no such stack");
    }
    uint32_t events = in.count(in.left());
    if (events > 0) state.open = take_event(in);
    for (; events > 1; --events) state.waiting.push_back(take_event(in));
    return state;
}

}  // namespace reven
