// SPDX-License-Identifier: Apache-2.0
// The different instructions of a trace, and where those that are wanted execute.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "query/queries.h"

namespace reven {

class CodeSearch {
   public:
    // Takes the instructions that there are now.
    explicit CodeSearch(Queries& queries);

    struct Instruction {
        uint64_t address;
        std::string code;
        bool operator<(const Instruction& other) const {
            return address != other.address ? address < other.address : code < other.code;
        }
        bool operator==(const Instruction&) const = default;
    };
    // Ascending by address.
    const std::vector<Instruction>& instructions() const { return instructions_; }

    // Transitions of [start, stop) that execute one of the instructions with these numbers;
    // the first `limit` in the direction.
    std::vector<uint64_t> find(const std::vector<uint32_t>& numbers, uint64_t start, uint64_t stop,
                               bool forward, size_t limit, const Progress& progress);

   private:
    std::vector<uint32_t> segments(const std::vector<uint32_t>& blocks, uint32_t first,
                                   uint32_t last, const Progress& progress);

    Queries& queries_;
    std::vector<Instruction> instructions_;
    std::vector<std::vector<uint32_t>> numbers_;  // by block: of its instructions
};

}  // namespace reven
