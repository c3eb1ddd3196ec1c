// SPDX-License-Identifier: Apache-2.0
// Questions to the calls of a trace.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "calls/index.h"
#include "query/queries.h"

namespace reven {

struct NumberedCall {
    uint64_t id;
    CallRecord call;
};

struct CallPageResult {
    std::vector<NumberedCall> calls;
    std::optional<uint64_t> next;
};

enum class FrameType : uint8_t { Call, Interrupt, Manual, Damaged, Unknown };

struct FrameInfo {
    FrameType type;
    uint64_t id;  // of the call, or NO_CALL
    uint64_t pc;
    CallRecord call;
};

struct CallQuery {
    uint64_t start;  // transitions [start, stop)
    uint64_t stop;
    std::optional<uint32_t> thread;
    uint64_t shortest;
    uint32_t deepest;
    std::optional<uint64_t> parent;  // only what it called
    uint64_t first;  // id; backward those below it
    size_t limit;
    bool forward;
};

struct CallsOfQuery {
    std::vector<std::pair<uint64_t, uint64_t>> functions;  // [low, high)
    uint64_t start;  // transitions [start, stop)
    uint64_t stop;
    bool forward;
    size_t limit;
};

// Calls of a function from the same place of the tree, taken together.
struct CallTreeNode {
    std::optional<uint32_t> parent;  // index
    uint32_t thread;
    uint64_t function;
    CallKind kind;
    uint64_t first_call;  // id
    uint64_t count = 0;
    uint64_t total = 0;     // transitions of its thread
    uint64_t children = 0;  // of these, in the nodes below
};

struct CallTreeQuery {
    uint64_t start;
    uint64_t stop;
    std::optional<uint32_t> thread;
    uint32_t deepest;  // nodes below a root
    std::vector<std::pair<uint64_t, uint64_t>> roots;  // functions [low, high); none: all
    size_t limit;      // nodes
};

class Calls {
   public:
    explicit Calls(Queries& queries) : queries_(queries), index_(queries.trace()) {}

    bool complete();
    uint64_t size_on_disk();
    void build(const FunctionStarts& starts, const Progress& progress, uint32_t threads);

    uint64_t count();
    NumberedCall call(uint64_t id);
    std::optional<NumberedCall> call_at(uint64_t context);
    std::vector<FrameInfo> frames(uint64_t context);
    // The context at which the thread that runs came to its stack, or will leave it for another.
    std::optional<uint64_t> stack_change(uint64_t context, bool forward);
    CallPageResult calls(const CallQuery& query, const Progress& progress);
    CallPageResult calls_of(const CallsOfQuery& query, const Progress& progress);
    // True if nodes beyond the limit are left out.
    bool tree(const CallTreeQuery& query, std::vector<CallTreeNode>& nodes,
              const Progress& progress);
    // The neighbour of a transition in its thread; with `over`, past what it calls.
    std::optional<uint64_t> step(uint64_t transition, bool forward, bool over,
                                 const Progress& progress);
    // The transition that ends the frame of a call: its end, or that of the last function that
    // jumps replaced it by.
    std::optional<uint64_t> frame_end(uint64_t id, const Progress& progress);
    // The first function of the frame of a call.
    NumberedCall frame_start(uint64_t id, const Progress& progress);
    // The call whose function a transition goes to the beginning of, with the stack as a call
    // leaves it.
    std::optional<NumberedCall> entered_by(uint64_t transition);

   private:
    uint32_t thread_at(uint64_t context);
    Latest latest(uint64_t context, uint32_t thread);
    std::optional<NumberedCall> top(uint64_t context, uint32_t thread);
    bool is_damaged(const CallRecord& call, uint64_t context);
    std::optional<StackChange> change_before(uint64_t context, uint32_t thread);
    std::optional<uint64_t> neighbour(uint64_t transition, bool forward);
    // What a jump replaced it by, or what it replaced, in the same frame.
    std::optional<NumberedCall> replaced_by(const NumberedCall& at);
    std::optional<NumberedCall> replaced(const NumberedCall& at);
    NumberedCall end_of_chain(uint64_t id, bool forward, const Progress& progress);

    Queries& queries_;
    std::shared_mutex mutex_;
    CallIndex index_;
    std::mutex marks_mutex_;
    std::unordered_map<uint64_t, uint64_t> marks_[2];  // in long chains: where they lead
};

}  // namespace reven
