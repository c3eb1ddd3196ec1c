// SPDX-License-Identifier: Apache-2.0
// Whether the instructions that ran are those that memory held at that moment.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "index/index.h"
#include "stream/template.h"

namespace reven {

// A block that has been compared is compared again only after its pages were written.
class CodeCheck {
   public:
    // Compares a block's first `retired` instructions with memory. `page(number)` gives
    // the PageBytes of a page. Returns the first instruction that differs, else nullptr.
    template <typename Pages>
    const reven_instruction* run(const Template& block, uint32_t retired, Pages page) {
        if (block.id < same_.size() && same_[block.id]) [[likely]]
            return nullptr;
        compared_++;
        for (uint32_t i = 0; i < retired; i++)
            if (!same(block.instructions[i], page)) return &block.instructions[i];
        if (retired == block.instructions.size()) remember(block);
        return nullptr;
    }
    void written(uint64_t address, uint64_t size) {
        if (size == 0) return;
        const uint64_t last = (address + (size - 1)) / PAGE_SIZE;
        for (uint64_t number = address / PAGE_SIZE; number <= last; number++)
            if (with_code_[number % with_code_.size()]) [[unlikely]]
                forget(number);
    }
    void forget_all() {
        same_.clear();
        blocks_.clear();
        with_code_.reset();
    }
    uint64_t compared() const { return compared_; }

   private:
    template <typename Pages>
    static bool same(const reven_instruction& instruction, Pages page) {
        for (uint32_t i = 0; i < instruction.size; i++) {
            const uint64_t address = instruction.address + i;
            PageBytes& bytes = page(address / PAGE_SIZE);
            const auto at = static_cast<uint32_t>(address % PAGE_SIZE);
            // What was never recorded is learnt from what ran.
            if (!bytes.is_known(at)) bytes.write(at, {&instruction.bytes[i], 1});
            if (bytes.data[at] != instruction.bytes[i]) return false;
        }
        return true;
    }
    void remember(const Template& block) {
        if (block.id >= same_.size())
            same_.resize(std::max<size_t>(2 * same_.size(), block.id + 1));
        same_[block.id] = true;
        uint64_t last = ~uint64_t{0};
        for (const reven_instruction& instruction : block.instructions)
            for (const uint64_t address :
                 {instruction.address, instruction.address + instruction.size - 1}) {
                const uint64_t number = address / PAGE_SIZE;
                if (number == last) continue;
                last = number;
                blocks_[number].push_back(block.id);
                with_code_[number % with_code_.size()] = true;
            }
    }
    void forget(uint64_t number) {
        const auto found = blocks_.find(number);
        if (found == blocks_.end()) return;
        for (const uint32_t id : found->second)
            if (id < same_.size()) same_[id] = false;
        blocks_.erase(found);
    }

    std::vector<bool> same_;  // by template: it is what memory holds
    std::unordered_map<uint64_t, std::vector<uint32_t>> blocks_;  // by page
    std::bitset<1 << 16> with_code_;  // a page that is not here has no blocks
    uint64_t compared_ = 0;
};

}  // namespace reven
