// SPDX-License-Identifier: Apache-2.0
// Chunks of calls.bin: the calls that began in consecutive segments
// (docs/index-format.md).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "calls/builder.h"
#include "index/chunk.h"
#include "store/derived_chunk.h"

namespace reven {

inline constexpr uint32_t CALLS_MAGIC = 0x4c414352;  // "RCAL"
inline constexpr uint32_t CALLS_VERSION = 2;

using LatestByThread = std::map<uint32_t, Latest>;

// Calls and stack changes that are stored together.
struct CallBlock {
    uint64_t first_id = 0;
    std::vector<CallRecord> calls;
    std::vector<StackChange> changes;
    LatestByThread latest;  // before the block

    size_t bytes() const {
        return sizeof *this + calls.size() * sizeof(CallRecord) +
               changes.size() * sizeof(StackChange) + latest.size() * 64;
    }
};

// What a chunk's head says of a block.
struct CallBlockInfo {
    uint64_t first_id;
    uint32_t call_count;
    uint32_t change_count;
    uint64_t first_context;  // of its first call or stack change
    uint64_t file_offset;
    uint32_t packed;
    uint32_t size;
    uint32_t crc;
    uint64_t last_end;  // of its calls; NO_END if one has no end in the chunk
    uint64_t longest;   // transitions, of those that have one
    uint32_t lowest;    // depth
};

struct CallChunk {
    uint32_t first_segment = 0;
    uint32_t segment_count = 0;
    std::vector<CallBlockInfo> blocks;
    std::vector<LateEnd> late_ends;
    std::unique_ptr<TableReader> functions;  // numbers of the blocks, by the function entered
    std::vector<uint8_t> state;
};

// How many bytes of calls.bin are whole, of its chunks and all that is in them.
uint64_t whole_calls(const DerivedFile& file);

// A block's calls for which the head gives no end have NO_END.
CallBlock decode_call_block(std::span<const uint8_t> bytes, const CallBlockInfo& info);

// Throws TraceError when the head is damaged.
CallChunk decode_call_chunk(const ChunkHead& head);

// Also takes `latest` on to the chunk's end.
std::vector<uint8_t> encode_call_chunk(uint32_t first_segment, uint32_t segment_count,
                                       const CallBuilder::Output& output, LatestByThread& latest,
                                       const CallBuilder::State& state);

// Takes in what happened in a block up to a context, included.
void go_on(LatestByThread& latest, const CallBlock& block, uint64_t context);

// The state of a builder. Frames are stored as the id of the top one; `frames` gives
// the rest from the calls.
using FramesOf = std::function<std::vector<CallBuilder::Frame>(uint64_t top, bool is_made)>;
std::vector<uint8_t> encode_state(const CallBuilder::State& state);
CallBuilder::State decode_state(std::span<const uint8_t> bytes, const FramesOf& frames);

}  // namespace reven
