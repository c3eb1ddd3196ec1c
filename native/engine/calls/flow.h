// SPDX-License-Identifier: Apache-2.0
// What of a segment concerns call stacks: calls, returns, jumps between functions,
// moves of the stack pointer, signals and thread switches. Segments are
// examined on their own; CallBuilder puts them together.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "replay/replay.h"

namespace reven {

// Where functions begin.
struct FunctionStarts {
    std::vector<uint64_t> addresses;  // ascending, distinct
    std::vector<bool> stub;           // PLT stubs, which stand for the function behind them

    // Index of the function that an address belongs to, or -1 before the first.
    ptrdiff_t at(uint64_t address) const;
    bool is_start(uint64_t address) const;
    bool is_stub(uint64_t address) const;
};

enum class FlowKind : uint8_t {
    Call,         // `other`: the return address
    Return,       // `other`: where the return address stood
    Enter,        // arrived at a function's start without a call
    Raise,        // rsp passed the top frame, as far as the segment shows
    Move,         // rsp was set to a value not derived from it; `other`: before
    Switch,       // `thread` runs on
    Signal,       // comes at `target`, and goes to a handler
    Handler,      // the handler's registers are there; `other`: rsp before
    Sigreturn,    // the thread asked for it; the registers follow
    KernelMove,   // the kernel changed rsp; `other`: before
    ThreadEnd
};

struct FlowEvent {
    FlowKind kind;
    uint32_t thread;
    uint64_t context;  // after it, in the trace
    uint64_t rsp;      // after it
    uint64_t target;   // program counter after it: Call, Return, Enter, Switch, Handler
    uint64_t other;
};

struct SegmentFlow {
    std::vector<FlowEvent> events;
    // Where the thread that runs at its start goes on: what an open event before is missing.
    std::optional<uint64_t> first_target;
    std::optional<size_t> open;  // the event whose target stands in a later segment
};

SegmentFlow scan_flow(const SegmentView& view, BlockCache& blocks, const FunctionStarts& starts);

}  // namespace reven
