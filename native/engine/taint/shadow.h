// SPDX-License-Identifier: Apache-2.0
// The taint of a whole process at one moment: which bits of registers and memory.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "event_stream.h"
#include "taint/mask.h"

namespace reven {

// No program's memory lies from here on: data on its way through pipes and files does.
inline constexpr uint64_t KERNEL_STREAMS = uint64_t{1} << 63;

using RegisterTaint = std::array<uint8_t, REVEN_REGISTER_FILE_SIZE>;

// One bit for each 8 bytes of the register file.
struct RegisterWords {
    static constexpr uint32_t COUNT = REVEN_REGISTER_FILE_SIZE / 8;
    uint64_t low = 0, high = 0;

    void add(uint32_t offset, uint32_t size) {
        for (uint32_t at = offset / 8; at <= (offset + size - 1) / 8; ++at)
            (at < 64 ? low : high) |= uint64_t{1} << (at & 63);
    }
    bool meets(const RegisterWords& other) const {
        return ((low & other.low) | (high & other.high)) != 0;
    }
    bool any() const { return (low | high) != 0; }
};

// Sparse; one mask byte for each byte of memory. Copies share their pages.
class MemoryTaint {
   public:
    static constexpr uint64_t PAGE = 4096;
    struct Page {
        std::array<uint8_t, PAGE> mask{};
        uint32_t tainted = 0;  // bytes
    };
    using Pages = std::map<uint64_t, std::shared_ptr<Page>>;

    const Pages& pages() const { return pages_; }
    bool empty() const { return pages_.empty(); }
    bool any(uint64_t address, uint64_t size) const;
    void read(uint64_t address, uint32_t size, uint8_t* masks) const;
    void write(uint64_t address, uint32_t size, const uint8_t* masks);
    void clear(uint64_t address, uint64_t size);
    void move(uint64_t from, uint64_t to, uint64_t size);
    // Calls `visit(address, mask)` for each tainted byte, ascending, of [address, address + size).
    template <typename Visit>
    void for_tainted(uint64_t address, uint64_t size, Visit visit) const {
        if (size == 0) return;
        const uint64_t last = address + (size - 1);
        for (auto at = pages_.lower_bound(address / PAGE); at != pages_.end(); ++at) {
            const uint64_t base = at->first * PAGE;
            if (base > last) return;
            for (uint64_t i = 0; i < PAGE; ++i)
                if (at->second->mask[i] && base + i >= address && base + i <= last)
                    visit(base + i, at->second->mask[i]);
        }
    }

   private:
    Page& own(uint64_t number);
    const Page* find(uint64_t number) const {
        if (number == last_number_) return last_;
        const auto at = pages_.find(number);
        last_number_ = number;
        last_ = at == pages_.end() ? nullptr : at->second.get();
        return last_;
    }
    void forget_last() { last_number_ = ~uint64_t{0}, last_ = nullptr; }

    Pages pages_;
    mutable uint64_t last_number_ = ~uint64_t{0};
    mutable const Page* last_ = nullptr;
};

// What one tag holds.
struct TagTaint {
    RegisterTaint registers{};  // of the thread that runs
    std::map<uint32_t, RegisterTaint> waiting;  // of the others
    std::map<uint32_t, std::vector<RegisterTaint>> interrupted;  // by signals, by thread
    MemoryTaint memory;
};

// Says quickly that memory holds no taint; wrong now and then the other way.
class LineFilter {
   public:
    bool may_hold(uint64_t address, uint32_t size) const {
        const uint64_t first = address / LINE, last = (address + (size - 1)) / LINE;
        if (holds(first)) return true;
        for (uint64_t line = first; line != last;)
            if (holds(++line)) return true;
        return false;
    }
    void add(uint64_t address, uint64_t size) {
        const uint64_t last = (address + (size - 1)) / LINE;
        for (uint64_t line = address / LINE; line <= last; ++line)
            bits_[line / 64 % bits_.size()] |= uint64_t{1} << (line & 63);
    }
    void clear() { bits_ = {}; }

   private:
    static constexpr uint64_t LINE = 64;
    bool holds(uint64_t line) const { return bits_[line / 64 % bits_.size()] >> (line & 63) & 1; }
    std::array<uint64_t, 1024> bits_{};
};

struct TaintState {
    std::vector<TagTaint> tags;
    LineFilter filter;
    RegisterWords live;  // words of the running thread's registers that any tag holds

    explicit TaintState(size_t count = 0) : tags(count) {}
    void find_live();
    void make_filter();
    bool any_elsewhere() const;  // in other threads or interrupted code
    bool any_memory(uint64_t address, uint64_t size) const {
        for (const TagTaint& tag : tags)
            if (tag.memory.any(address, size)) return true;
        return false;
    }
    bool memory_is_empty() const {
        for (const TagTaint& tag : tags)
            if (!tag.memory.empty()) return false;
        return true;
    }
    bool is_empty() const { return !live.any() && memory_is_empty() && !any_elsewhere(); }
    size_t bytes() const;  // less the pages
};

}  // namespace reven
