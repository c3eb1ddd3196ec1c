// SPDX-License-Identifier: Apache-2.0
// Memory at any context: page state from the index, then the segment's own writes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "index/index.h"
#include "index/touch.h"
#include "replay/trace.h"

namespace reven {

// Everything that a segment writes, in order.
class WriteLog {
   public:
    struct Entry {
        uint64_t address;
        uint32_t context;  // local: in force from here on
        uint32_t size;     // 0: `data` is the number of a range change
        uint32_t data;     // offset of the bytes
    };

    WriteLog(const SegmentView& view, BlockCache& blocks, const UnknownRanges& unknown);

    const std::vector<Entry>& entries() const { return entries_; }
    const RangeChange& range(uint32_t number) const { return ranges_[number]; }
    std::span<const uint8_t> bytes_of(const Entry& entry) const {
        return {bytes_.data() + entry.data, entry.size};
    }
    size_t bytes() const {
        return entries_.size() * sizeof(Entry) + bytes_.size() +
               ranges_.size() * sizeof(RangeChange);
    }

   private:
    struct Visitor;
    std::vector<Entry> entries_;
    std::vector<uint8_t> bytes_;
    std::vector<RangeChange> ranges_;
};

class MemoryReader {
   public:
    MemoryReader(TraceReader& trace, Index& index, size_t cache_bytes)
        : trace_(trace), index_(index), logs_(cache_bytes) {}

    // Copies [address, address + size) as of a context; known[i] says whether byte i
    // was ever recorded (0 in `data` otherwise). Requires the index to cover the trace.
    void read(uint64_t context, uint64_t address, std::span<uint8_t> data,
              std::span<uint8_t> known);
    // A page when a segment starts.
    PageBytes page_at_start(uint64_t number, size_t segment);
    std::shared_ptr<const WriteLog> log(size_t segment);
    void forget(size_t segment) { logs_.forget(segment); }

   private:
    PageBytes page(uint64_t number, uint64_t context);
    // As of a local context of a segment; without one, of its start, before all its records.
    PageBytes page_in(uint64_t number, size_t segment, std::optional<uint32_t> local);

    TraceReader& trace_;
    Index& index_;
    SegmentCache<const WriteLog> logs_;
};

}  // namespace reven
