// SPDX-License-Identifier: Apache-2.0
// Block templates compiled to linear programs that replay an execution.
//
// A template is a graph of value nodes and a list of effects. Compiling it drops
// what a purpose does not need: overwritten register writes, and for the
// registers-only program every memory access with the values only it uses.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/bytes.h"
#include "event_stream.h"
#include "stream/template.h"

namespace reven {

enum class OpCode : uint16_t {
    Constant,
    ByteMask,
    Slot1,
    Slot2,
    Slot4,
    Slot8,
    Slot16,
    Slot32,
    Register1,
    Register2,
    Register4,
    Register8,
    Register16,
    Register32,
    CopyMasked,
    Not,
    SignExtend,
    HighHalf,
    CopyHigh,
    ZeroExtendVector,
    PairVectors,
    LowVector,
    HighVector,
    Vector,
    Pair,
    Concatenate,
    Add,
    AddImmediate,
    Sub,
    SubImmediate,
    And,
    AndImmediate,
    Or,
    Xor,
    Mul,
    MulImmediate,
    MulHighSigned,
    MulHighUnsigned,
    LeadingZeros,
    TrailingZeros,
    Shl,
    ShlImmediate,
    Shr,
    ShrImmediate,
    Sar,
    Equal,
    NotEqual,
    LessSigned,
    LessEqualSigned,
    LessUnsigned,
    LessEqualUnsigned,
    Select1,
    Select2,
    Select4,
    Load,
    LoadGuarded,
    Store,
    StoreGuarded,
    CompareAndSwap,
    CompareAndSwapDouble,
    BulkLoad,
    BulkStore,
    Translate,
    Device,
    Instruction,
    Set1,
    Set2,
    Set4,
    Set8,
    Set16,
    Set32,
    Set8Constant,
    Set8Slot,
    SetIndexed,
    End
};

// `dst`, `a`, `b`, `c` are words of the scratch area (or register file offsets).
struct Op {
    OpCode code;
    uint16_t dst = 0;
    uint16_t a = 0;
    uint16_t b = 0;
    uint64_t immediate = 0;
};

inline constexpr size_t SCRATCH_WORDS = 65536;
inline constexpr uint16_t NO_WORD = 0xffff;

// Which effects a program replays, besides final register values.
enum class Effects { Registers, Writes, Accesses };

struct Program {
    std::vector<Op> ops;
};

// What replaying one block needs.
struct CompiledBlock {
    const Template* head = nullptr;
    std::shared_ptr<const TemplateBody> body;
    Program registers;  // final register values of a whole execution
    Program writes;     // what writes memory in order, then final register values
    Program accesses;   // every memory access in order, then final register values
    bool reaches_devices = false;
    Program values;     // what any event mentions: for executions that stop on the way
    std::vector<uint16_t> word_of_node;  // NO_WORD: it has no value

    template <Effects effects>
    const Program& program() const {
        if constexpr (effects == Effects::Registers) return registers;
        if constexpr (effects == Effects::Writes) return writes;
        return accesses;
    }
};

// Throws TraceError if the template cannot be replayed.
std::unique_ptr<CompiledBlock> compile(const Template& head,
                                       std::shared_ptr<const TemplateBody> body);

// Evaluates every node that has a value, also those that only tell where another one
// came from, to the words of `word_of_node`.
Program compile_flow_values(const CompiledBlock& block);

class StoreReader;

// Compiled blocks by template id. Many threads read while some compile: a block
// that is there is found without a lock.
class BlockCache {
   public:
    explicit BlockCache(const StoreReader& store);
    // Throws TraceError for an id that the trace does not have.
    const CompiledBlock& get(uint32_t id);

   private:
    static constexpr size_t CHUNK = 4096;
    static constexpr size_t CHUNKS = (size_t{1} << (32 - REVEN_EXIT_BITS)) / CHUNK;
    using Chunk = std::array<std::atomic<const CompiledBlock*>, CHUNK>;

    const CompiledBlock& compile_now(uint32_t id);

    const StoreReader& store_;
    std::mutex mutex_;
    std::unique_ptr<std::atomic<Chunk*>[]> chunks_{new std::atomic<Chunk*>[CHUNKS]()};
    std::vector<std::unique_ptr<Chunk>> owned_chunks_;
    std::vector<std::unique_ptr<CompiledBlock>> owned_;
};

inline uint64_t mask_of(uint32_t size) {
    return size >= 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * size)) - 1;
}

inline int64_t sign_extended(uint64_t value, uint32_t size) {
    const uint32_t shift = size >= 8 ? 0 : 64 - 8 * size;
    return static_cast<int64_t>(value << shift) >> shift;
}

inline void expand_byte_mask(uint64_t bits, uint32_t size, void* to) {
    auto* bytes = static_cast<uint8_t*>(to);
    for (uint32_t i = 0; i < size; ++i) bytes[i] = (bits >> i) & 1 ? 0xff : 0;
}

}  // namespace reven
