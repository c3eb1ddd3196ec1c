// SPDX-License-Identifier: Apache-2.0
// A block template as data flow, one instruction at a time.
//
// A template tells what a block does from the registers at its entry. Taint wants
// what each instruction does from the registers at its own start: so wherever a
// register still holds a value that an instruction uses, the instruction is taken
// to read it there.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "program.h"
#include "taint_shadow.h"

namespace reven {

struct TaintStep {
    enum Kind : uint8_t {
        Begin,         // of an instruction
        ReadRegister,  // node = register file [offset, node's size)
        ReadIndexed,   // node = an element of the register file, by its index node
        Evaluate,      // node, from its operands
        Effect         // of an event of the template
    };
    Kind kind;
    uint16_t offset;       // ReadRegister
    uint16_t instruction;
    uint32_t number;       // of the node or event
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

std::unique_ptr<TaintBlock> flow_of(const CompiledBlock& block);

class TaintBlocks {
   public:
    explicit TaintBlocks(BlockCache& blocks) : blocks_(blocks) {}

    const TaintBlock& get(uint32_t id) {
        if (id >= known_.size()) known_.resize(id + 1024);
        if (!known_[id]) known_[id] = flow_of(blocks_.get(id));
        return *known_[id];
    }
    BlockCache& compiled() { return blocks_; }

   private:
    BlockCache& blocks_;
    std::vector<std::unique_ptr<TaintBlock>> known_;
};

}  // namespace reven
