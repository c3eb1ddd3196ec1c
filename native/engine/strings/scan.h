// SPDX-License-Identifier: Apache-2.0
// Recognises the strings that a trace accesses (docs/string-index-format.md), in one pass
// over all its segments.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "search/pages.h"
#include "strings/text.h"

namespace reven {

// A text that stood at an address, and was accessed there.
struct StringEntry {
    uint64_t address;
    uint64_t first_access;  // transitions
    uint64_t last_access;
    uint32_t size;  // bytes in memory
    TextEncoding encoding;
};

// Told of each new string, in the order of their numbers; `text` is UTF-8.
using StringSink = std::function<void(std::span<const uint8_t> text)>;

class StringScan {
   public:
    using Fetch = std::function<PageBytes(uint64_t page, uint32_t segment)>;

    // Keeps about `most_pages` pages of memory.
    StringScan(Fetch fetch, StringSink sink, size_t most_pages)
        : memory_(std::move(fetch), 0), sink_(std::move(sink)), most_pages_(most_pages) {}

    // Segments in order, each once.
    void add(const SegmentView& view, uint32_t segment, BlockCache& blocks);
    // Takes what was written last; then `entries` is complete.
    void finish();
    const std::vector<StringEntry>& entries() const { return entries_; }

    // Visitor of Replayer::run_accesses.
    void load(uint32_t transition, uint64_t address, uint32_t size, const uint8_t* value);
    void store(uint32_t transition, uint64_t address, uint32_t size, const uint8_t* value);
    void record(const RecordPoint& point, const RecordView& record);
    bool done(uint32_t) { return false; }

   private:
    // `fresh`: text written since it was last part of a recognised string, at `times` (after
    // `base`). `settled`: looked at and unchanged since. `owner`: 1 + the place in `live` of
    // the string that a byte is part of, 0 of none.
    struct Page {
        uint64_t number = 0;
        uint32_t last_use = 0;
        std::array<uint8_t, PAGE_SIZE> data{};
        ByteSet fresh{};
        ByteSet settled{};
        uint64_t base = 0;
        std::unique_ptr<std::array<uint32_t, PAGE_SIZE>> times;
        std::unique_ptr<std::array<uint16_t, PAGE_SIZE>> owner;
        std::vector<uint32_t> live;
        std::vector<uint16_t> free_places;

        void fill(const PageBytes& bytes) { data = bytes.data; }
        void clear(bool) { data.fill(0); }
        void copy(const Page& page) { data = page.data; }
    };

    uint8_t byte(uint64_t address);
    void read(uint64_t address, uint32_t size, uint64_t transition);
    void read(Page& page, uint32_t offset, uint32_t size, uint64_t transition);
    void write(uint64_t address, uint32_t size, const uint8_t* value, uint64_t transition,
               bool is_access);
    void change(Page& page, uint32_t offset, uint32_t size, const uint8_t* value);
    void mark_fresh(Page& page, uint32_t offset, uint32_t size, uint64_t transition);
    void touch(Page& page, uint32_t offset, uint32_t size, uint64_t transition);
    void take_fresh(Page& page, uint32_t offset, uint32_t size, uint64_t now);
    void recognise(const TextRun& run, bool is_read, uint64_t now);
    uint32_t entry_of(const TextRun& run, uint64_t first, uint64_t last);
    void own(const TextRun& run, uint32_t entry);
    void retire(uint64_t address, uint64_t size);
    void retire_entry(uint32_t entry);
    void settle(uint64_t address, uint64_t size, bool is_settled);
    void leave(Page& page);
    void change_ranges(const RecordView& record);

    MovingMemory<Page> memory_;
    StringSink sink_;
    size_t most_pages_;
    uint64_t first_transition_ = 0;
    UnknownRanges unknown_;
    std::vector<StringEntry> entries_;
    std::unordered_multimap<uint64_t, uint32_t> known_;  // by hash of what a string is
    std::vector<uint8_t> text_;
};

}  // namespace reven
