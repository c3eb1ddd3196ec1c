// SPDX-License-Identifier: Apache-2.0
// The index of a trace: derived, deletable, extended when the trace grows or more of it is
// asked for. It answers which segments can matter and what pages hold at a segment's start.
// The outline is the same without the pages: quickly made, mostly while recording.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "index/chunk.h"
#include "replay/trace.h"
#include "store/derived_file.h"

namespace reven {

// A change of a whole range, with the segment where it stands.
struct PlacedRange {
    uint32_t segment;
    uint32_t order;  // among the range changes of its segment
    RangeChange change;
};

struct ThreadSwitch {
    uint64_t context;  // the first in which `thread` runs
    uint32_t thread;
    uint32_t previous_thread;
};

// Memory that the kernel read at once, too large to be noted by pages.
struct PlacedRead {
    uint32_t segment;
    reven_range range;
};
inline constexpr const char* INDEX_FILE = "index.bin";
inline constexpr const char* OUTLINE_FILE = "outline.bin";

class Index {
   public:
    enum class Kind { Whole, Outline };

    // Opens what there is; a damaged tail is left out (and built again).
    Index(TraceReader& trace, Kind kind);
    Index(const Index&) = delete;
    Index& operator=(const Index&) = delete;

    // Segments covered: the first `covered()` ones.
    uint32_t covered() const { return chunks_.empty() ? 0 : chunks_.back()->end_segment(); }
    bool complete() const { return covered() == trace_.store().segment_count(); }
    uint64_t size_on_disk() const { return size_; }

    // Covers the first `wanted` segments, and perhaps some more. Other processes may do the
    // same at the same time: one works, the others wait. Whoever reads meanwhile holds
    // `readers`, and sees what is covered.
    void build(const Progress& progress, uint32_t threads, uint32_t wanted,
               std::shared_mutex& readers);

    const std::vector<std::unique_ptr<IndexChunk>>& chunks() const { return chunks_; }
    BlockFile& file() { return blocks_; }

    // Number of the last range change before (segment, order) that covers a page,
    // or -1.
    ptrdiff_t last_range(uint64_t page, uint32_t segment, uint32_t order) const;
    const PlacedRange& range(size_t number) const { return ranges_[number]; }
    const std::vector<PlacedRange>& ranges() const { return ranges_; }
    // Bytes left in a page by the segments [from, to); `from` at or after the page's last range
    // change.
    PageBytes overlay(uint64_t page, uint32_t from, uint32_t to);
    const std::vector<ThreadSwitch>& switches() const { return switches_; }
    const std::vector<PlacedRead>& large_reads() const { return large_reads_; }
    // Whether segments of [first, last] access bytes of the granules that the range touches.
    bool is_accessed(uint64_t address, uint64_t size, uint32_t first, uint32_t last);
    const UnknownRanges& unknown() const { return unknown_; }

   private:
    void read_chunks();
    void add_chunk(std::unique_ptr<IndexChunk> chunk);
    PageBytes page_before(uint64_t page, uint32_t segment);

    std::vector<SegmentSummary> summarise_segments(uint32_t first, uint32_t count, uint32_t threads,
                                                   const UnknownRanges& unknown);

    TraceReader& trace_;
    Kind kind_;
    DerivedFile file_;
    BlockFile blocks_;
    uint64_t size_ = 0;
    std::vector<std::unique_ptr<IndexChunk>> chunks_;
    std::vector<PlacedRange> ranges_;
    std::vector<ThreadSwitch> switches_;
    std::vector<PlacedRead> large_reads_;
    UnknownRanges unknown_;
};

}  // namespace reven
