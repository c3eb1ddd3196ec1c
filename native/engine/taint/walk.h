// SPDX-License-Identifier: Apache-2.0
// Taint through the instructions of one execution of a block, either way.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "replay/replay.h"
#include "taint/block.h"
#include "taint/follow.h"
#include "taint/journal.h"
#include "taint/rules.h"
#include "taint/sinks.h"

namespace reven {

class TaintWalk {
   public:
    // What `follow` asks for beyond values needs `blocks` with addresses. `sinks` may be null.
    TaintWalk(TaintBlocks& blocks, TaintState& state, TaintJournal& journal,
              const TaintFollow& follow, TaintSinks* sinks = nullptr)
        : blocks_(blocks),
          state_(state),
          journal_(journal),
          follow_(follow),
          sinks_(follow.sinks ? sinks : nullptr),
          scratch_(SCRATCH_WORDS) {}

    // Instructions [first, end) of an execution; `registers` as it was entered,
    // `transition` that of the block's first instruction.
    void forward(const SegmentView& view, uint32_t execution, const uint8_t* registers,
                 uint32_t first, uint32_t end, uint64_t transition);
    // The same, the last instruction first.
    void backward(const SegmentView& view, uint32_t execution, const uint8_t* registers,
                  uint32_t first, uint32_t end, uint64_t transition);

    // What REVEN_CC_OP holds before instruction `end`.
    uint64_t flag_operation(const SegmentView& view, uint32_t execution, const uint8_t* registers,
                            uint32_t end);

   private:
    struct Execution {
        const TaintBlock* flow;
        uint32_t exit;       // that it left at, or 0
        uint32_t end_event;  // the first one that did not happen
    };

    Execution enter(const SegmentView& view, uint32_t execution, const uint8_t* registers,
                    uint32_t first, uint32_t end);
    void find_flag_operations(const Execution& entered, const uint8_t* registers,
                              const TaintRules& rules);
    void note_reads(const TaintBlock& flow, uint32_t instruction);

    void read_constant(const TaintStep& step, uint32_t size, const TaintRules& rules);
    void give_constant(const TaintStep& step);
    void read_register(uint32_t offset, uint32_t size, uint32_t node);
    void give_register(uint32_t offset, uint32_t size, uint32_t node);
    uint32_t indexed_offset(const reven_node& node, const TaintRules& rules) const;
    // What the running instruction decides: `node` tells which tags had a part in it.
    void note_sink(TaintSink::Kind kind, uint32_t node, uint64_t address, uint64_t size);
    void note_branch(const reven_event& event, const TaintBlock& flow);
    void ask_branch(const reven_event& event, const TaintBlock& flow);
    void note_access(const reven_event& event, const TaintRules& rules);
    void taint_all(uint32_t node, uint32_t from, uint32_t size);
    void ask_all(uint32_t node, const TaintRules& rules);
    void find_asked(uint32_t node);
    // What a guard decides, whether it lets the effect happen or not.
    void guarded(const reven_event& event, const TaintRules& rules);
    void effect(const reven_event& event, uint32_t number, const TaintRules& rules,
                const TaintBlock& flow);
    void effect_back(const reven_event& event, uint32_t number, const TaintRules& rules,
                     const TaintBlock& flow);
    bool swaps(const TaintBlock& flow, uint32_t event, const TaintRules& rules) const;
    void load(uint64_t address, uint32_t size, uint32_t node, bool is_bulk);
    void store(uint64_t address, uint32_t size, uint32_t node, bool is_bulk,
               std::initializer_list<uint32_t> deciders);
    void load_back(uint64_t address, uint32_t size, uint32_t node, bool is_bulk);
    void store_back(uint64_t address, uint32_t size, uint32_t node, bool is_bulk);

    Mask& mask(size_t tag, uint32_t node) { return masks_[tag * nodes_ + node]; }
    size_t tags() const { return state_.tags.size(); }

    TaintBlocks& blocks_;
    TaintState& state_;
    TaintJournal& journal_;
    const TaintFollow& follow_;
    TaintSinks* sinks_;
    uint64_t transition_ = 0;  // the one that is walked
    uint64_t pc_ = 0;
    std::vector<bool> asked_;  // by tag: what an effect made is asked for
    std::vector<uint64_t> scratch_;
    std::vector<Mask> masks_;  // by tag, then node
    size_t nodes_ = 0;
    std::vector<uint64_t> operations_;  // REVEN_CC_OP before each instruction, and at the end
};

}  // namespace reven
