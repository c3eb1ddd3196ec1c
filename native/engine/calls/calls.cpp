// SPDX-License-Identifier: Apache-2.0
#include "calls/calls.h"

#include <algorithm>
#include <stdexcept>

#include "base/bytes.h"

namespace reven {
namespace {

// rsp this far above a frame is on another stack.
constexpr uint64_t FAR = 64 << 10;

// Transitions inside, up to the end of the trace if it has no other.
uint64_t length_of(const CallRecord& call, uint64_t count) {
    return (call.end == NO_END ? count : call.end + 1) - call.first_context;
}

bool is_active(const CallRecord& call, uint64_t context) {
    return call.first_context <= context && context <= call.end;
}

}  // namespace

bool Calls::complete() {
    std::shared_lock lock(mutex_);
    return index_.complete();
}

void Calls::build(const FunctionStarts& starts, const Progress& progress, uint32_t threads) {
    std::unique_lock lock(mutex_);
    index_.build(starts, progress, threads);
}

uint64_t Calls::size_on_disk() {
    std::shared_lock lock(mutex_);
    return index_.size_on_disk();
}

uint64_t Calls::count() {
    std::shared_lock lock(mutex_);
    return index_.call_count();
}

NumberedCall Calls::call(uint64_t id) {
    std::shared_lock lock(mutex_);
    return {id, index_.call(id)};
}

uint32_t Calls::thread_at(uint64_t context) {
    if (context > queries_.trace().transition_count()) throw std::out_of_range("no such context");
    const auto lock = queries_.need_outline({});
    const auto& switches = queries_.outline().switches();
    const auto after = std::upper_bound(
        switches.begin(), switches.end(), context,
        [](uint64_t value, const ThreadSwitch& change) { return value < change.context; });
    return after == switches.begin() ? 1 : (after - 1)->thread;
}

Latest Calls::latest(uint64_t context, uint32_t thread) {
    const auto number = index_.block_before(context);
    if (!number) return {};
    const auto block = index_.block(*number);
    LatestByThread latest = block->latest;
    go_on(latest, *block, context);
    const auto found = latest.find(thread);
    return found == latest.end() ? Latest{} : found->second;
}

std::optional<NumberedCall> Calls::top(uint64_t context, uint32_t thread) {
    for (uint64_t id = latest(context, thread).id; id != NO_CALL;) {
        const CallRecord call = index_.call(id);
        if (is_active(call, context)) return NumberedCall{id, call};
        id = call.parent;
    }
    return std::nullopt;
}

std::optional<NumberedCall> Calls::call_at(uint64_t context) {
    const uint32_t thread = thread_at(context);
    std::shared_lock lock(mutex_);
    return top(context, thread);
}

std::optional<StackChange> Calls::change_before(uint64_t context, uint32_t thread) {
    for (auto number = index_.block_before(context); number; --*number) {
        if (index_.info(*number).change_count != 0) {
            const auto block = index_.block(*number);
            for (auto change = block->changes.rbegin(); change != block->changes.rend(); ++change)
                if (change->thread == thread && change->context <= context) return *change;
        }
        if (*number == 0) break;
    }
    return std::nullopt;
}

bool Calls::is_damaged(const CallRecord& call, uint64_t context) {
    if (call.kind != CallKind::Call && call.kind != CallKind::Tail) return false;
    if (call.return_address == 0) return false;
    uint8_t data[8], known[8];
    queries_.read_memory(context, call.stack_pointer, data, known, {});
    return std::all_of(known, known + 8, [](uint8_t byte) { return byte != 0; }) &&
           read_as<uint64_t>(data) != call.return_address;
}

std::vector<FrameInfo> Calls::frames(uint64_t context) {
    RegisterView registers;
    const uint32_t thread = queries_.trace().registers(context, registers);
    const auto rsp = read_as<uint64_t>(registers.data() + REVEN_RSP);
    uint64_t pc = read_as<uint64_t>(registers.data() + REVEN_RIP);
    std::vector<FrameInfo> frames;
    std::optional<StackChange> change;
    {
        std::shared_lock lock(mutex_);
        auto at = top(context, thread);
        // Within a block rsp may have passed frames that end with it.
        while (at && (at->call.kind == CallKind::Call || at->call.kind == CallKind::Tail) &&
               at->call.stack_pointer < rsp && rsp - at->call.stack_pointer < FAR &&
               at->call.parent != NO_CALL)
            at = NumberedCall{at->call.parent, index_.call(at->call.parent)};
        if (at && at->call.stack != 0) change = change_before(context, thread);
        while (at) {
            const CallRecord& call = at->call;
            FrameType type = FrameType::Call;
            const bool is_first = call.kind == CallKind::Start || call.parent == NO_CALL;
            if (is_first && call.stack != 0) type = FrameType::Manual;
            if (call.kind == CallKind::Signal) type = FrameType::Interrupt;
            if (call.kind == CallKind::Unknown) type = FrameType::Unknown;
            frames.push_back({type, at->id, pc, call});
            pc = call.return_address;
            if (call.parent == NO_CALL) break;
            const CallRecord below = index_.call(call.parent);
            if (below.stack != call.stack) break;
            at = NumberedCall{call.parent, below};
        }
        if (!change && !frames.empty() && frames[0].call.stack == 0)
            change = change_before(context, thread);
    }
    if (frames.empty()) {
        CallRecord unknown{context, NO_END, NO_CALL, 0, 0, rsp, thread, 0, 0, CallKind::Unknown};
        frames.push_back({FrameType::Unknown, NO_CALL, pc, unknown});
    }
    // A signal handler that jumped to another function goes on where the kernel has put.
    for (size_t i = 1; i < frames.size(); ++i) {
        if (frames[i].pc != 0) continue;
        uint8_t data[8], known[8];
        queries_.read_memory(context, frames[i - 1].call.stack_pointer, data, known, {});
        frames[i].pc = read_as<uint64_t>(data);
    }
    // What was there when the thread came back to the stack may have been overwritten meanwhile.
    if (change)
        for (FrameInfo& frame : frames)
            if (frame.call.first_context < change->context &&
                is_damaged(frame.call, change->context))
                frame.type = FrameType::Damaged;
    return frames;
}

std::optional<uint64_t> Calls::stack_change(uint64_t context, bool forward) {
    const uint32_t thread = thread_at(context);
    std::shared_lock lock(mutex_);
    if (!forward) {
        const auto change = change_before(context, thread);
        return change ? std::optional(change->context) : std::nullopt;
    }
    for (size_t number = index_.block_before(context).value_or(0); number < index_.block_count();
         ++number) {
        if (index_.info(number).change_count == 0) continue;
        for (const StackChange& change : index_.block(number)->changes)
            if (change.thread == thread && change.context > context) return change.context;
    }
    return std::nullopt;
}

CallPageResult Calls::calls(const CallQuery& query, const Progress& progress) {
    std::shared_lock lock(mutex_);
    const uint64_t count = queries_.trace().transition_count();
    CallPageResult page;
    for (size_t done = 0; done < index_.block_count(); ++done) {
        const size_t number = query.forward ? done : index_.block_count() - 1 - done;
        const CallBlockInfo& info = index_.info(number);
        if (info.first_context >= query.stop) {
            if (query.forward) break;
            continue;
        }
        if (query.forward ? info.first_id + info.call_count <= query.first
                          : info.first_id >= query.first)
            continue;
        const bool all_end = info.last_end != NO_END;
        if ((all_end && (info.last_end < query.start || info.longest < query.shortest)) ||
            info.lowest > query.deepest)
            continue;
        if (progress) progress(done, index_.block_count());
        const auto block = index_.block(number);
        for (size_t i = 0; i < block->calls.size(); ++i) {
            const size_t at = query.forward ? i : block->calls.size() - 1 - i;
            const CallRecord& call = block->calls[at];
            const uint64_t id = block->first_id + at;
            if ((query.forward ? id < query.first : id >= query.first) ||
                call.first_context >= query.stop || call.end < query.start ||
                call.depth > query.deepest || (query.thread && call.thread != *query.thread) ||
                (query.parent && call.parent != *query.parent) ||
                length_of(call, count) < query.shortest)
                continue;
            if (page.calls.size() == query.limit) {
                page.next = query.forward ? id : id + 1;
                return page;
            }
            page.calls.push_back({id, call});
        }
    }
    return page;
}

CallPageResult Calls::calls_of(const CallsOfQuery& query, const Progress& progress) {
    std::shared_lock lock(mutex_);
    auto blocks = index_.blocks_calling(query.functions);
    if (!query.forward) std::reverse(blocks.begin(), blocks.end());
    CallPageResult page;
    const auto is_wanted = [&](const CallRecord& call) {
        const uint64_t creation = call.first_context == 0 ? 0 : call.first_context - 1;
        return creation >= query.start && creation < query.stop &&
               std::any_of(query.functions.begin(), query.functions.end(), [&](const auto& range) {
                   return call.function >= range.first && call.function < range.second;
               });
    };
    for (size_t done = 0; done < blocks.size(); ++done) {
        const CallBlockInfo& info = index_.info(blocks[done]);
        if (info.first_context > query.stop) {
            if (query.forward) break;
            continue;
        }
        if (progress) progress(done, blocks.size());
        const auto block = index_.block(blocks[done]);
        for (size_t i = 0; i < block->calls.size(); ++i) {
            const size_t at = query.forward ? i : block->calls.size() - 1 - i;
            const CallRecord& call = block->calls[at];
            if (!is_wanted(call)) continue;
            if (page.calls.size() == query.limit) {
                const uint64_t last = page.calls.back().call.first_context;
                page.next = query.forward ? last : last - 1;
                return page;
            }
            page.calls.push_back({block->first_id + at, call});
        }
    }
    return page;
}

std::optional<uint64_t> Calls::neighbour(uint64_t transition, bool forward) {
    const uint64_t count = queries_.trace().transition_count();
    const uint32_t thread = thread_at(transition);
    const auto lock = queries_.need_outline({});
    const auto& switches = queries_.outline().switches();
    if (forward) {
        auto after = std::upper_bound(
            switches.begin(), switches.end(), transition,
            [](uint64_t value, const ThreadSwitch& change) { return value < change.context; });
        // The last transition of a stretch is the switch itself.
        if (after == switches.end())
            return transition + 1 < count ? std::optional(transition + 1) : std::nullopt;
        if (transition + 2 < after->context) return transition + 1;
        for (; after != switches.end(); ++after)
            if (after->thread == thread && after->context < count) return after->context;
        return std::nullopt;
    }
    auto begin = std::upper_bound(
        switches.begin(), switches.end(), transition,
        [](uint64_t value, const ThreadSwitch& change) { return value < change.context; });
    if (begin == switches.begin())
        return transition > 0 ? std::optional(transition - 1) : std::nullopt;
    --begin;
    if (transition > begin->context) return transition - 1;
    while (begin != switches.begin()) {
        if (begin->previous_thread == thread && begin->context >= 2) {
            const auto start = (begin - 1)->context;
            if (begin->context - 1 > start) return begin->context - 2;
        }
        --begin;
    }
    return std::nullopt;
}

std::optional<uint64_t> Calls::step(uint64_t transition, bool forward, bool over,
                                    const Progress& progress) {
    if (!over) return neighbour(transition, forward);
    const uint32_t thread = thread_at(transition);
    if (forward) {
        std::optional<NumberedCall> created;
        {
            std::shared_lock lock(mutex_);
            const auto inside = top(transition + 1, thread);
            if (inside && inside->call.first_context == transition + 1 &&
                inside->call.thread == thread && inside->call.kind != CallKind::Start &&
                inside->call.kind != CallKind::Unknown)
                // What it jumps to in place of returning belongs to it.
                created = end_of_chain(inside->id, true, progress);
        }
        if (!created) return neighbour(transition, true);
        if (created->call.end == NO_END) return std::nullopt;
        return neighbour(created->call.end, true);
    }
    const auto before = neighbour(transition, false);
    if (!before) return std::nullopt;
    std::shared_lock lock(mutex_);
    // Was something left there that had not been entered yet where this function is now?
    const auto here = top(transition, thread);
    auto left = top(*before, thread);
    if (!left || !here || left->id == here->id || left->call.end != *before) return before;
    // Up to the frame that `here` called.
    while (left->call.parent != NO_CALL && left->call.parent != here->id) {
        const CallRecord parent = index_.call(left->call.parent);
        if (parent.end != *before) return before;
        left = NumberedCall{left->call.parent, parent};
    }
    if (left->call.parent != here->id) return before;
    return end_of_chain(left->id, false, progress).call.first_context - 1;
}

}  // namespace reven
