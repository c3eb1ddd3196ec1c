// SPDX-License-Identifier: Apache-2.0
// A block template as data flow, one instruction at a time.
//
// A template tells what a block does from the registers at its entry. Taint wants
// what each instruction does from the registers at its own start: so wherever a
// register still holds a value that an instruction uses, the instruction is taken
// to read it there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "replay/program.h"
#include "taint/shadow.h"

namespace reven {

struct TaintStep {
    enum Kind : uint8_t {
        Begin,         // of an instruction
        ReadRegister,  // node = register file [offset, node's size)
        ReadIndexed,   // node = an element of the register file, by its index node
        Evaluate,      // node, from its operands
        ReadConstant,  // adds to node, that the recorder computed from a known register
        Effect         // of an event of the template
    };
    Kind kind;
    uint16_t offset;       // ReadRegister, ReadConstant
    uint16_t instruction;
    uint32_t number;       // of the node or event
    uint16_t size = 0;     // ReadConstant
};

// A part of the register file that an instruction reads.
struct RegisterRead {
    uint16_t instruction;
    uint16_t offset;
    uint16_t size;
};

struct TaintBlock {
    const CompiledBlock* compiled = nullptr;
    Program values;                  // gives every value that taint asks for
    std::vector<TaintStep> steps;    // in program order
    std::vector<RegisterRead> reads;  // what instructions read, for their values or addresses
    RegisterWords touched;           // registers that it reads or writes
    RegisterWords written;

    const TemplateBody& body() const { return *compiled->body; }
    bool has_value(uint32_t node) const;
};

// Ranges of the register file (offset, size) that an instruction reads, by its encoding.
using FileRanges = std::vector<std::pair<uint16_t, uint16_t>>;
using InstructionReads = std::function<FileRanges(const reven_instruction&)>;

// `reads` tells registers apart that hold the same value, and finds those whose value the
// recorder knew beforehand (`mov ecx, 3; dec ecx`). It may be empty: who enters a block at
// its start, and leaves it at its end, finds the same without.
// `with_addresses`: with the flow into addresses, conditions and choices, and steps for exits.
std::unique_ptr<TaintBlock> flow_of(const CompiledBlock& block, const InstructionReads& reads,
                                    bool with_addresses = false);

class TaintBlocks {
   public:
    TaintBlocks(BlockCache& blocks, InstructionReads reads, bool with_addresses = false)
        : blocks_(blocks), reads_(std::move(reads)), with_addresses_(with_addresses) {}

    const TaintBlock& get(uint32_t id) { return get(known_, id, {}); }
    // For parts of a block.
    const TaintBlock& get_exact(uint32_t id) { return get(exact_, id, reads_); }
    BlockCache& compiled() { return blocks_; }

   private:
    using Known = std::vector<std::unique_ptr<TaintBlock>>;
    const TaintBlock& get(Known& known, uint32_t id, const InstructionReads& reads) {
        if (id >= known.size()) known.resize(id + 1024);
        if (!known[id]) known[id] = flow_of(blocks_.get(id), reads, with_addresses_);
        return *known[id];
    }

    BlockCache& blocks_;
    InstructionReads reads_;
    bool with_addresses_;
    Known known_, exact_;
};

}  // namespace reven
