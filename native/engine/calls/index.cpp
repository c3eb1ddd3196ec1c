// SPDX-License-Identifier: Apache-2.0
#include "calls/index.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/parallel.h"

namespace reven {
namespace {

// A chunk ends after so many calls: the memory that building takes.
constexpr size_t CHUNK_CALLS = 200'000;
// Segments that are examined before they are put together.
constexpr uint32_t BATCH = 8;

[[noreturn]] void damaged() {
    throw DamagedIndex("the trace's index of calls is damaged: delete calls.bin, it is built anew");
}

// What consecutive segments hold, found by several threads.
std::vector<SegmentFlow> scan_segments(TraceReader& trace, uint32_t first, uint32_t count,
                                       uint32_t threads, const FunctionStarts& starts) {
    return in_parallel<SegmentFlow>(count, threads, [&](uint32_t i) {
        return scan_flow(*trace.load_view(first + i), trace.blocks(), starts);
    });
}

// Also the destinations of direct calls, which a stripped binary has no symbols for.
FunctionStarts with_call_targets(const FunctionStarts& known, const StoreReader& store) {
    std::vector<uint64_t> targets;
    for (uint32_t id = 1; id <= store.template_count(); ++id) {
        const Template& block = store.find_template(id);
        const reven_instruction& last = block.instructions.back();
        if (block.jump_kind != REVEN_JUMP_CALL || last.size != 5 || last.bytes[0] != 0xe8) continue;
        int32_t distance;
        std::memcpy(&distance, last.bytes + 1, sizeof distance);
        const uint64_t next = last.address + last.size;
        if (distance != 0) targets.push_back(next + static_cast<uint64_t>(int64_t{distance}));
    }
    std::sort(targets.begin(), targets.end());
    targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
    FunctionStarts all;
    std::set_union(known.addresses.begin(), known.addresses.end(), targets.begin(), targets.end(),
                   std::back_inserter(all.addresses));
    for (const uint64_t address : all.addresses) all.stub.push_back(known.is_stub(address));
    return all;
}

}  // namespace

CallIndex::CallIndex(TraceReader& trace)
    : trace_(trace), file_(trace.path(), "calls.bin"), tables_(file_) {
    read_chunks();
}

uint32_t CallIndex::covered() const {
    if (chunks_.empty()) return 0;
    return chunks_.back().content.first_segment + chunks_.back().content.segment_count;
}

void CallIndex::read_chunks() {
    while (const auto head = read_chunk(file_, size_, CALLS_MAGIC, CALLS_VERSION)) {
        try {
            CallChunk chunk = decode_call_chunk(*head);
            const uint64_t segments = uint64_t{chunk.first_segment} + chunk.segment_count;
            if (chunk.first_segment != covered() || chunk.segment_count == 0 ||
                segments > trace_.store().segment_count() ||
                (!chunk.blocks.empty() && chunk.blocks[0].first_id != next_id_))
                return;
            for (const LateEnd& late : chunk.late_ends) late_ends_[late.id] = late.end;
            const size_t first_block = blocks_.size();
            blocks_.insert(blocks_.end(), chunk.blocks.begin(), chunk.blocks.end());
            if (!blocks_.empty()) next_id_ = blocks_.back().first_id + blocks_.back().call_count;
            chunk.blocks.clear();
            if (!chunks_.empty()) chunks_.back().content.state.clear();
            chunks_.push_back({std::move(chunk), first_block});
        } catch (const TraceError&) {
            return;
        }
        size_ = head->end;
    }
}

void CallIndex::build(const FunctionStarts& known, const Progress& progress, uint32_t threads) {
    if (complete()) return;
    if (!file_.prepare(size_)) {
        chunks_.clear();
        blocks_.clear();
        late_ends_.clear();
        tables_.forget();
        cache_.clear();
        size_ = next_id_ = 0;
    }
    const DerivedFile::Lock lock(file_);
    read_chunks();
    file_.truncate(size_);
    const FunctionStarts starts = with_call_targets(known, trace_.store());
    const auto total = static_cast<uint32_t>(trace_.store().segment_count());
    uint32_t first = covered();
    CallBuilder builder(starts, last_state(starts));
    for (uint32_t next = first; next < total;) {
        if (progress) progress(next, total);
        const uint32_t count = std::min(total - next, BATCH * threads);
        for (SegmentFlow& flow : scan_segments(trace_, next, count, threads, starts)) {
            builder.add(std::move(flow));
            ++next;
            const bool is_full =
                builder.output().records.size() + builder.output().changes.size() >= CHUNK_CALLS;
            if (next < total && !(is_full && builder.is_settled())) continue;
            flush(builder, first, next - first);
            first = next;
        }
    }
    if (progress) progress(total, total);
}

void CallIndex::flush(CallBuilder& builder, uint32_t first_segment, uint32_t segment_count) {
    LatestByThread latest = last_latest();
    const auto output = builder.take();
    write_chunk(file_, size_,
                encode_call_chunk(first_segment, segment_count, output, latest, builder.state()));
    // Blocks that were read before have ends now that they had not.
    for (const LateEnd& late : output.late_ends) {
        const auto after = std::upper_bound(
            blocks_.begin(), blocks_.end(), late.id,
            [](uint64_t id, const CallBlockInfo& info) { return id < info.first_id; });
        cache_.forget(static_cast<size_t>(after - blocks_.begin() - 1));
    }
    read_chunks();
}

LatestByThread CallIndex::last_latest() {
    if (blocks_.empty()) return {};
    const auto last = block(blocks_.size() - 1);
    LatestByThread latest = last->latest;
    go_on(latest, *last, UINT64_MAX - 1);
    return latest;
}

CallBuilder::State CallIndex::last_state(const FunctionStarts& starts) {
    if (chunks_.empty()) return {};
    return decode_state(chunks_.back().content.state, [&](uint64_t top, bool is_made) {
        std::vector<CallBuilder::Frame> frames;
        const uint32_t stack = call(top).stack;
        for (uint64_t id = top; id != NO_CALL;) {
            const CallRecord record = call(id);
            if (record.stack != stack) break;
            const bool has_limit =
                record.kind == CallKind::Call || record.kind == CallKind::Tail ||
                (record.kind == CallKind::Start && (is_made || starts.is_start(record.function)));
            CallBuilder::Frame frame{};
            frame.id = id;
            frame.stack_pointer = record.stack_pointer;
            frame.limit = has_limit ? record.stack_pointer : NO_END;
            frame.function = record.function;
            frame.return_address = record.return_address;
            frame.parent = record.parent;
            frame.depth = record.depth;
            frame.kind = record.kind;
            frame.is_stub = starts.is_stub(record.function);
            frames.push_back(frame);
            id = record.parent;
        }
        std::reverse(frames.begin(), frames.end());
        return frames;
    });
}

std::shared_ptr<const CallBlock> CallIndex::block(size_t number) {
    if (auto found = cache_.find(number)) return found;
    const CallBlockInfo& info = blocks_[number];
    if (info.packed > file_.size()) damaged();
    std::vector<uint8_t> packed(info.packed);
    if (!file_.read(info.file_offset, packed) || crc32c(packed.data(), packed.size()) != info.crc)
        damaged();
    const auto bytes = unpack(packed, info.size);
    if (!bytes) damaged();
    auto block = std::make_shared<CallBlock>(decode_call_block(*bytes, info));
    for (size_t i = 0; i < block->calls.size(); ++i) {
        if (block->calls[i].end != NO_END) continue;
        const auto late = late_ends_.find(info.first_id + i);
        if (late != late_ends_.end()) block->calls[i].end = late->second;
    }
    cache_.put(number, block);
    return block;
}

CallRecord CallIndex::call(uint64_t id) {
    if (id >= next_id_) throw std::out_of_range("no such call");
    const auto after = std::upper_bound(
        blocks_.begin(), blocks_.end(), id,
        [](uint64_t value, const CallBlockInfo& info) { return value < info.first_id; });
    auto number = static_cast<size_t>(after - blocks_.begin());
    // A block may hold stack changes only.
    do --number;
    while (blocks_[number].call_count == 0);
    return block(number)->calls.at(id - blocks_[number].first_id);
}

std::optional<size_t> CallIndex::block_before(uint64_t context) const {
    const auto after = std::upper_bound(
        blocks_.begin(), blocks_.end(), context,
        [](uint64_t value, const CallBlockInfo& info) { return value < info.first_context; });
    if (after == blocks_.begin()) return std::nullopt;
    return static_cast<size_t>(after - blocks_.begin() - 1);
}

std::vector<size_t> CallIndex::blocks_calling(
    const std::vector<std::pair<uint64_t, uint64_t>>& functions) {
    std::set<size_t> found;
    for (const Chunk& chunk : chunks_) {
        const auto& keys = chunk.content.functions->keys();
        for (const auto& [low, high] : functions)
            for (auto key = std::lower_bound(keys.begin(), keys.end(), low);
                 key != keys.end() && *key < high; ++key) {
                const TableEntry entry = chunk.content.functions->find(*key, tables_);
                size_t block = chunk.first_block;
                for (ByteReader in(entry.bytes); !in.done();)
                    found.insert(block += in.count(UINT32_MAX));
            }
    }
    return {found.begin(), found.end()};
}

}  // namespace reven
