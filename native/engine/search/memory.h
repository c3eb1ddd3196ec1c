// SPDX-License-Identifier: Apache-2.0
// Byte patterns in memory: at one context, and as they come into being.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/queries.h"

namespace reven {

struct CreatedMatches {
    std::vector<uint64_t> transition;  // ascending
    std::vector<uint64_t> address;
    std::vector<uint8_t> is_mapping;  // contents of a new mapping, which is no access
};

class MemorySearch {
   public:
    explicit MemorySearch(Queries& queries)
        : queries_(queries), memory_(queries.trace(), queries.index(), 32 << 20) {}

    // Addresses of occurrences that lie within [first, first + size) at a context, of known
    // bytes only, ascending.
    std::vector<uint64_t> find(std::span<const uint8_t> pattern, uint64_t context, uint64_t first,
                               uint64_t size, size_t limit, const Progress& progress);
    // The same from an address on anywhere, of those whose surroundings [address & ~7, …)
    // are accessed in the segments of the transitions [context, stop).
    std::vector<uint64_t> standing(std::span<const uint8_t> pattern, uint64_t context,
                                   uint64_t stop, uint64_t first, size_t limit,
                                   const Progress& progress);
    // Occurrences that transitions of [start, stop) bring about; those of one transition stay
    // together.
    CreatedMatches created(std::span<const uint8_t> pattern, uint64_t start, uint64_t stop,
                           size_t limit, const Progress& progress);

   private:
    class Snapshot;

    Queries& queries_;
    MemoryReader memory_;
};

}  // namespace reven
