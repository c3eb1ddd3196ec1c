// SPDX-License-Identifier: Apache-2.0
// What each transition did to taint, for the list of accesses.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "taint/shadow.h"

namespace reven {

inline constexpr size_t MAX_TAINT_TAGS = 16;

// Some data that a transition touched. `before` and `after` (in the direction of the
// taint): a bit for each tag that holds it.
struct TaintItem {
    uint64_t address;  // memory: the first byte; register: first bit in the register view
    uint32_t size;     // bytes, or bits
    uint16_t before;
    uint16_t after;
    bool is_memory;
};

struct TaintedTransition {
    uint64_t transition;
    size_t first_item;
    size_t item_count;
    bool changes;
};

struct TaintAccesses {
    std::vector<TaintedTransition> transitions;
    std::vector<TaintItem> items;

    void clear() {
        transitions.clear();
        items.clear();
    }
};

// Which bits of rflags depend on tainted operands of the thunk; `thunk`: the register
// file's taint from REVEN_CC_OP on, `operation`: what REVEN_CC_OP holds.
uint64_t flag_taint(const uint8_t* thunk, uint64_t operation);
// The reverse: taints the operands that make the bits `wanted` of rflags.
void taint_flags(uint8_t* thunk, uint64_t operation, uint64_t wanted);

// The same for a whole register file, with the flags that stand for themselves.
void seed_flags(RegisterTaint& registers, uint64_t operation, uint64_t wanted);

// All that is tainted in registers as items with `after` only; memory likewise.
void list_registers(const TaintState& state, uint64_t operation, std::vector<TaintItem>& out);
void list_memory(const TaintState& state, uint64_t address, size_t limit,
                 std::vector<TaintItem>& out);

class TaintJournal {
   public:
    explicit TaintJournal(TaintState& state) : state_(state) {}

    // What follows happens in this transition; `operation`: what REVEN_CC_OP holds.
    void begin(uint64_t transition, uint64_t operation) {
        if (transition == transition_) return;
        finish();
        transition_ = transition;
        is_event_ = false;
        first_operation_ = flag_operation = operation;
    }
    void begin(uint64_t transition) { begin(transition, flag_operation); }
    // The same; the transition is no instruction, and so not listed.
    void begin_event(uint64_t transition) {
        begin(transition);
        is_event_ = true;
    }
    // Ends the transition: adds it to `found` if it touched tainted data.
    void finish();

    void clear();

    // Before bytes are written, or when they are read.
    void note_registers(uint32_t offset, uint32_t size);
    void note_memory(uint64_t address, uint64_t size);
    // The same for what is tainted of a range, whatever its size.
    void note_tainted_memory(uint64_t address, uint64_t size);

    // What REVEN_CC_OP holds once the transition is done.
    uint64_t flag_operation = 0;
    TaintAccesses found;

   private:
    struct MemoryNote {
        uint64_t address;
        std::array<uint8_t, MAX_TAINT_TAGS> old;
    };

    void note_byte(uint64_t address);
    void keep_registers();
    void add_memory();
    // Is a part of the registers tainted, before or after?
    bool any_register(uint32_t offset, uint32_t end) const;
    void add_registers();
    void add_flags();
    void add(bool is_memory, uint64_t address, uint32_t size, uint16_t before, uint16_t after);

    TaintState& state_;
    bool is_event_ = false;
    uint64_t transition_ = ~uint64_t{0};
    std::vector<MemoryNote> memory_;
    RegisterWords touched_;
    std::vector<RegisterTaint> old_registers_;  // by tag, if anything is touched
    uint64_t first_operation_ = 0;
    size_t first_item_ = 0;
};

}  // namespace reven
