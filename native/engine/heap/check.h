// SPDX-License-Identifier: Apache-2.0
// Looks at every memory access of a trace for those that no correct program makes:
// beyond a block, in a freed block, and reads of bytes that were never written.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "query/queries.h"

namespace reven {

enum class HeapErrorKind : uint8_t { Outside = 0, Freed = 1, Unwritten = 2 };

inline constexpr uint32_t NO_BLOCK = UINT32_MAX;

// What a block holds at first.
enum class Contents : uint8_t { Unwritten = 0, Written = 1, Moved = 2 };

struct HeapBlock {
    uint64_t address;
    uint64_t size;
    uint64_t first;  // context from which it exists
    uint64_t end;    // and from which it no more does, or UINT64_MAX
    Contents contents;
    uint32_t moved_from;  // of Moved: the block whose bytes it took over
};

// A thread is in the allocator during [enter, leave): what it does there is right.
struct AllocatorSpan {
    uint32_t thread;
    uint64_t enter;
    uint64_t leave;
};

struct HeapError {
    HeapErrorKind kind;
    bool is_write;
    uint32_t thread;
    uint32_t size;
    uint32_t block;  // index, or NO_BLOCK: the stack, or what never was of a block
    uint32_t count;  // how often the instruction did it to the block
    uint64_t transition;
    uint64_t pc;
    uint64_t address;
    uint64_t bytes;  // of Unwritten: a bit for each byte of the access that was not
};

struct HeapCheckInput {
    std::vector<HeapBlock> blocks;     // by ascending `first`
    std::vector<AllocatorSpan> spans;  // by ascending `enter`
    // Code of the C library, whose string functions read ahead as far as an aligned group of
    // vectors goes, and throw away what is too much.
    std::vector<std::pair<uint64_t, uint64_t>> library_code;
    // The trace begins before the heap does: what is between blocks is nobody's.
    bool from_the_beginning = false;
    bool find_unwritten = false;  // else Outside and Freed
    size_t limit = 100000;        // different errors
};

// Errors by ascending first transition, each instruction and block once.
std::vector<HeapError> check_heap(Queries& queries, const HeapCheckInput& input,
                                  const Progress& progress);

}  // namespace reven
