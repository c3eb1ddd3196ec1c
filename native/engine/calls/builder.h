// SPDX-License-Identifier: Apache-2.0
// Follows the stacks of all threads through a trace and gives every activation
// of a function its record.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "calls/flow.h"

namespace reven {

inline constexpr uint64_t NO_CALL = UINT64_MAX;
inline constexpr uint64_t NO_END = UINT64_MAX;

enum class CallKind : uint8_t { Call, Tail, Signal, Start, Unknown };

struct CallRecord {
    uint64_t first_context;
    uint64_t end;  // transition that left it, or NO_END
    uint64_t parent;
    uint64_t function;
    // Where its caller goes on; for a signal the interrupted instruction; 0: unknown.
    uint64_t return_address;
    uint64_t stack_pointer;
    uint32_t thread;
    uint32_t stack;  // numbered per thread
    uint32_t depth;
    CallKind kind;
};

// From `context` on, a thread is on another of its stacks.
struct StackChange {
    uint64_t context;
    uint32_t thread;
    uint32_t stack;
    uint64_t top;  // the call that was last on top of it, or NO_CALL
};

// The end of a call whose record has been taken out before.
struct LateEnd {
    uint64_t id;
    uint64_t end;
};

// The last call that began in a thread, or the top of the stack it changed to since.
struct Latest {
    uint64_t id = NO_CALL;
    uint32_t stack = 0;
};

class CallBuilder {
   public:
    struct Frame {
        uint64_t id;
        uint64_t stack_pointer;
        uint64_t limit;  // rsp beyond this has left it
        uint64_t function;
        uint64_t return_address;
        uint64_t parent;
        uint32_t depth;
        CallKind kind;
        bool is_stub = false;  // entered through a PLT stub whose function is not reached yet
        uint32_t previous_stack = 0;  // of a signal: which was interrupted …
        uint64_t rsp_before = 0;  // … and where
    };
    struct Stack {
        std::vector<Frame> frames;
        uint64_t high = 0;  // rsp when it was first seen
        uint64_t left_at = 0;  // rsp when it was left
        // rsp was moved down to `moved_to`; a return from there shows that it is another stack.
        uint64_t moved_from = 0;
        uint64_t moved_to = 0;
        bool is_made = false;  // by the program, during the trace
        bool is_changed_to = false;  // just now
        uint32_t depth = 0;  // of its first frame
    };
    struct Thread {
        std::vector<Stack> stacks;
        uint32_t current = 0;
        bool has_ended = false;
        bool returns_from_signal = false;
        uint64_t signal_context = 0;
        uint64_t signal_ip = 0;
        uint64_t expected_rsp = 0;  // when it returns from a signal
    };
    // What going on needs, besides the records.
    struct State {
        std::map<uint32_t, Thread> threads;
        uint32_t thread = 0;
        uint64_t next_id = 0;
        std::optional<FlowEvent> open;
        std::vector<FlowEvent> waiting;  // events after the open one
    };

    CallBuilder(const FunctionStarts& starts, State&& state)
        : starts_(starts), state_(std::move(state)), first_id_(state_.next_id) {}

    void add(SegmentFlow&& flow);
    const State& state() const { return state_; }
    // Nothing of what the records say so far will still change, but for ends.
    bool is_settled() const;

    struct Output {
        uint64_t first_id = 0;
        std::vector<CallRecord> records;
        std::vector<StackChange> changes;
        std::vector<LateEnd> late_ends;
    };
    const Output& output() const { return output_; }
    // What has been added since the last time.
    Output take();

   private:
    void process(const FlowEvent& event);
    void call(const FlowEvent& event);
    void come_back(const FlowEvent& event);
    void enter(const FlowEvent& event);
    void move(const FlowEvent& event);
    void switch_thread(const FlowEvent& event);
    void handle_signal(const FlowEvent& event);
    void return_from_signal(const FlowEvent& event);
    void restore_rsp(const FlowEvent& event);

    Thread& thread() { return state_.threads[state_.thread]; }
    Stack& stack() { return thread().stacks[thread().current]; }
    Frame& push(CallKind kind, uint64_t context, uint64_t rsp, uint64_t limit, uint64_t function,
                uint64_t return_address);
    void push_unknown(uint64_t context, uint64_t rsp, uint64_t function);
    void pop(uint64_t end);
    void drop(uint64_t rsp, uint64_t end);
    void set_function(Frame& frame, uint64_t function);
    void use_stack(uint32_t number, uint64_t left_at, uint64_t context);
    uint32_t stack_holding(uint64_t rsp);
    uint32_t new_stack(uint64_t rsp);

    const FunctionStarts& starts_;
    State state_;
    uint64_t first_id_;
    Output output_;
};

}  // namespace reven
