// SPDX-License-Identifier: Apache-2.0
// What is known of each byte of memory while a trace is checked: which block it is or was of,
// and whether it was written since it became the block's, or the stack frame's.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "index/touch.h"

namespace reven {

class HeapShadow {
   public:
    static constexpr uint32_t NOBODY = UINT32_MAX;

    // The block that an address is, or last was, in.
    uint32_t owner(uint64_t address) {
        const Page* page = find(address / PAGE_SIZE);
        return page ? page->owner[address % PAGE_SIZE / GRANULE] : NOBODY;
    }
    // Whether a page is, or was, of blocks.
    bool is_heap(uint64_t address) {
        const Page* page = find(address / PAGE_SIZE);
        return page && page->has_owner;
    }
    void set_owner(uint64_t address, uint64_t size, uint32_t owner);
    // The pages are of something else now.
    void forget(uint64_t address, uint64_t size);

    void set_written(uint64_t address, uint64_t size);
    void clear_written(uint64_t address, uint64_t size);
    // Clears what was written below an address, down to where nothing was.
    void clear_written_below(uint64_t address);
    void copy_written(uint64_t from, uint64_t to, uint64_t size);
    // A bit for each of at most 64 bytes that was not written.
    uint64_t unwritten(uint64_t address, uint32_t size);

   private:
    struct Page {
        std::array<uint32_t, GRANULES_PER_PAGE> owner;
        ByteSet written{};
        bool has_owner = false;
        bool is_dirty = false;  // some byte may be written

        Page() { owner.fill(NOBODY); }
    };
    // Pages that are wholly of one block, as long as nobody looks at them.
    struct Stretch {
        uint64_t first_page;
        uint64_t end_page;
        uint32_t owner;
        bool written;
    };
    struct Recent {
        uint64_t number = UINT64_MAX;
        Page* page = nullptr;
    };

    Page* find(uint64_t number) {
        Recent& recent = recent_[number % recent_.size()];
        if (recent.number != number) recent = {number, look_up(number)};
        return recent.page;
    }
    Page& get(uint64_t number);
    Page* look_up(uint64_t number);
    Page* make(uint64_t number);

    std::unordered_map<uint64_t, std::unique_ptr<Page>> pages_;
    std::vector<Stretch> stretches_;
    std::array<Recent, 256> recent_;
};

}  // namespace reven
