// SPDX-License-Identifier: Apache-2.0
// The index of calls of a trace (calls.bin): derived, deletable, built once and
// extended when the trace grows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "calls/chunk.h"
#include "replay/trace.h"

namespace reven {

class CallIndex {
   public:
    explicit CallIndex(TraceReader& trace);

    uint32_t covered() const;
    bool complete() const { return covered() == trace_.store().segment_count(); }
    uint64_t size_on_disk() const { return size_; }
    uint64_t call_count() const { return next_id_; }

    // Covers all segments that the trace has.
    void build(const FunctionStarts& starts, const Progress& progress, uint32_t threads);

    // Throws std::out_of_range.
    CallRecord call(uint64_t id);
    size_t block_count() const { return blocks_.size(); }
    const CallBlockInfo& info(size_t block) const { return blocks_[block]; }
    std::shared_ptr<const CallBlock> block(size_t number);
    // The last block that begins at or before a context, or nothing.
    std::optional<size_t> block_before(uint64_t context) const;
    // Numbers of the blocks with a call of a function in one of the ranges [low, high),
    // ascending.
    std::vector<size_t> blocks_calling(const std::vector<std::pair<uint64_t, uint64_t>>& functions);

   private:
    void read_chunks();
    void flush(CallBuilder& builder, uint32_t first_segment, uint32_t segment_count);
    CallBuilder::State last_state(const FunctionStarts& starts);
    LatestByThread last_latest();

    TraceReader& trace_;
    DerivedFile file_;
    BlockFile tables_;
    uint64_t size_ = 0;
    uint64_t next_id_ = 0;
    struct Chunk {
        CallChunk content;
        size_t first_block;
    };
    std::vector<Chunk> chunks_;
    std::vector<CallBlockInfo> blocks_;
    std::unordered_map<uint64_t, uint64_t> late_ends_;
    SegmentCache<const CallBlock> cache_{24 << 20};
};

}  // namespace reven
