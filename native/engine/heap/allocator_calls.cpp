// SPDX-License-Identifier: Apache-2.0
#include "heap/allocator_calls.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/bytes.h"

namespace reven {
namespace {

uint64_t rax(const uint8_t* registers) { return read_as<uint64_t>(registers + REVEN_RAX); }
uint64_t rsp(const uint8_t* registers) { return read_as<uint64_t>(registers + REVEN_RSP); }

class CallFinder {
   public:
    explicit CallFinder(const std::vector<uint64_t>& functions) {
        for (uint32_t i = 0; i < functions.size(); ++i) function_at_[functions[i]] = i;
    }

    bool is_entry(const Template& block) const {
        return function_at_.count(block.instructions[0].address) != 0;
    }
    bool waits_for_return() const { return !open_.empty(); }

    // A block starts. Functions are entered, and returned from, at the start of one.
    void at_block(const Template& block, uint64_t context, uint32_t thread,
                  const uint8_t* registers) {
        const auto open = open_.empty() ? open_.end() : open_.find(thread);
        if (open != open_.end()) {
            AllocatorCall& call = calls_[open->second];
            if (rsp(registers) <= call.stack_pointer) return;
            call.leave = context;
            if (rsp(registers) == call.stack_pointer + 8) {
                call.return_address = block.instructions[0].address;
                call.result = rax(registers);
            }
            open_.erase(open);
        }
        const auto function = function_at_.find(block.instructions[0].address);
        if (function == function_at_.end()) return;
        open_[thread] = calls_.size();
        calls_.push_back(
            {function->second,
             thread,
             context,
             NEVER,
             {read_as<uint64_t>(registers + REVEN_RDI), read_as<uint64_t>(registers + REVEN_RSI),
              read_as<uint64_t>(registers + REVEN_RDX)},
             0,
             rsp(registers),
             0});
    }

    std::vector<AllocatorCall> take() { return std::move(calls_); }

   private:
    std::unordered_map<uint64_t, uint32_t> function_at_;
    std::map<uint32_t, size_t> open_;  // by thread: index of the call that it is in
    std::vector<AllocatorCall> calls_;
};

void scan(const SegmentView& view, BlockCache& blocks, CallFinder& finder) {
    const Segment& segment = view.segment();
    const auto& records = view.records();
    Replayer replayer(view, blocks);
    replayer.start_at(0);
    NoVisitor none;
    size_t next = 0;
    for (uint32_t execution = 0;; ++execution) {
        for (; next < records.size() && records[next].position <= execution; ++next) {
            const RecordView record = view.record(records[next]);
            if (record.header->type != REVEN_KEY_FRAME) replayer.apply(record);
        }
        if (execution == view.execution_count()) return;
        if (view.retired(execution) != 0)
            finder.at_block(segment.block(execution),
                            view.first_transition() + view.start(execution), replayer.thread(),
                            replayer.registers());
        replayer.run_execution<Effects::Registers>(execution, none);
    }
}

}  // namespace

std::vector<AllocatorCall> allocator_calls(Queries& queries, const std::vector<uint64_t>& functions,
                                           const Progress& progress) {
    TraceReader& trace = queries.trace();
    CallFinder finder(functions);
    std::vector<bool> has_entry(trace.store().segment_count());
    {
        const auto lock = queries.need_outline(progress);
        std::vector<uint32_t> entries;
        for (uint32_t id = 1; id <= trace.store().template_count(); ++id)
            if (finder.is_entry(trace.store().find_template(id))) entries.push_back(id);
        for (const auto& chunk : queries.outline().chunks())
            for (const uint32_t id : entries)
                for (const uint32_t segment :
                     chunk->segments_of_block(id, queries.outline().file()))
                    if (segment < has_entry.size()) has_entry[segment] = true;
    }
    for (size_t segment = 0; segment < has_entry.size(); ++segment) {
        if (progress) progress(segment, has_entry.size());
        if (has_entry[segment] || finder.waits_for_return())
            scan(*trace.load_view(segment), trace.blocks(), finder);
    }
    return finder.take();
}

}  // namespace reven
