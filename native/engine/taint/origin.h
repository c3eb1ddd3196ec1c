// SPDX-License-Identifier: Apache-2.0
// Where a value came from: the chain of transitions back.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "query/queries.h"
#include "taint/records.h"
#include "taint/walk.h"

namespace reven {

// Some data: as TaintItem.
struct TaintPlace {
    bool is_memory;
    uint64_t address;
    uint64_t size;
};

enum class HopKind : uint8_t {
    Copy = 1,      // from a register to another
    Load,          // from memory to a register
    Store,         // from a register to memory
    Arithmetic,    // computed
    Constant,      // of the instruction itself
    KernelMove,    // through a pipe, a socket pair or a file
    Processor,     // made by the processor: rdtsc, cpuid …
    SyscallInput,  // memory written by a system call
    SyscallResult, // a register that a system call left
    SignalFrame,   // written to deliver a signal
    Mapping,       // contents of a mapping
    Start,         // there since the trace's start
    OtherMapping,  // stored to the same page at another address, by what is not followed
    Outside,       // written by another process or the kernel, dated when it was first seen
    NotRecorded    // by code that was left out of the record
};

struct OriginHop {
    HopKind kind;
    uint64_t transition;  // that gave `after` its value; without meaning for Start
    TaintPlace after;
    std::optional<TaintPlace> before;  // what it came from, in …
    uint64_t context = 0;              // … this context
    std::vector<TaintPlace> others;    // what else flows in
    bool ends() const { return !before; }
};

class OriginFinder {
   public:
    OriginFinder(Queries& queries, const InstructionReads& reads)
        : queries_(queries), blocks_(queries.trace().blocks(), reads), scratch_(SCRATCH_WORDS) {}

    // The hops back from data in a context, at most `limit` of them: the last may not end.
    //
    // Of several sources, the one followed has the most bits; of equals, memory comes
    // before registers, and what the instruction does not overwrite before what it does.
    std::vector<OriginHop> find(uint64_t context, const TaintPlace& place, size_t limit,
                                const Progress& progress);

   private:
    // Who gave a place its value last.
    struct Writer {
        uint64_t transition = 0;
        HopKind kind = HopKind::Start;  // Arithmetic: an instruction
        uint64_t moved_from = 0;  // KernelMove by mremap
    };
    struct Instruction;

    OriginHop hop(uint64_t context, const TaintPlace& place, const Progress& progress);
    // False if it does not write there after all.
    bool through_instruction(uint64_t transition, const TaintPlace& place, OriginHop& hop);
    bool through_move(uint64_t transition, const TaintPlace& place, OriginHop& hop);
    Writer last_register_write(uint64_t context, const TaintPlace& place, const Progress& progress);
    Writer last_memory_write(uint64_t context, const TaintPlace& place, const Progress& progress);
    std::optional<TaintPlace> stored_elsewhere(uint64_t transition, const TaintPlace& place);
    static HopKind kind_of(uint32_t cause);

    Queries& queries_;
    std::mutex mutex_;
    TaintBlocks blocks_;
    std::vector<uint64_t> scratch_;
    SyscallEffects effects_;
    bool effects_known_ = false;
};

}  // namespace reven
