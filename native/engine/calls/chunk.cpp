// SPDX-License-Identifier: Apache-2.0
#include "calls/chunk.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/crc32c.h"

namespace reven {
namespace {

constexpr int LEVEL = 3;
constexpr size_t BLOCK_CALLS = 2048;

void put_optional(std::vector<uint8_t>& out, uint64_t value) { put_varint(out, value + 1); }
uint64_t take_optional(ByteReader& in) { return in.varint() - 1; }

void put_difference(std::vector<uint8_t>& out, uint64_t value, uint64_t& last) {
    put_varint(out, zigzag(static_cast<int64_t>(value - last)));
    last = value;
}
uint64_t take_difference(ByteReader& in, uint64_t& last) {
    return last += static_cast<uint64_t>(unzigzag(in.varint()));
}

void put_latest(std::vector<uint8_t>& out, const LatestByThread& latest) {
    put_varint(out, latest.size());
    for (const auto& [thread, last] : latest) {
        put_varint(out, thread);
        put_optional(out, last.id);
        put_varint(out, last.stack);
    }
}

LatestByThread take_latest(ByteReader& in) {
    LatestByThread latest;
    for (uint32_t left = in.count(in.left()); left > 0; --left) {
        const uint32_t thread = in.count(UINT32_MAX);
        const uint64_t id = take_optional(in);
        latest[thread] = {id, in.count(UINT32_MAX)};
    }
    return latest;
}

void put_changes(std::vector<uint8_t>& out, std::span<const StackChange> changes) {
    uint64_t context = 0;
    for (const StackChange& change : changes) {
        put_difference(out, change.context, context);
        put_varint(out, change.thread);
        put_varint(out, change.stack);
        put_optional(out, change.top);
    }
}

// Each kind of value stands together, which packs better.
std::vector<uint8_t> encode_block(uint64_t first_id, std::span<const CallRecord> calls,
                                  std::span<const StackChange> changes,
                                  const LatestByThread& latest) {
    std::vector<uint8_t> out;
    put_latest(out, latest);
    put_changes(out, changes);
    std::map<std::pair<uint64_t, uint64_t>, uint32_t> sites;
    for (const CallRecord& call : calls) sites.try_emplace({call.function, call.return_address});
    put_varint(out, sites.size());
    uint64_t function = 0, return_address = 0;
    uint32_t number = 0;
    for (auto& [site, index] : sites) {
        index = number++;
        put_difference(out, site.first, function);
        put_difference(out, site.second, return_address);
    }
    uint64_t context = 0, rsp = 0, depth = 0, id = first_id;
    for (const CallRecord& call : calls) put_difference(out, call.first_context, context);
    for (const CallRecord& call : calls)
        put_varint(out, call.end == NO_END ? 0 : call.end + 2 - call.first_context);
    for (const CallRecord& call : calls)
        put_varint(out, sites.at({call.function, call.return_address}));
    for (const CallRecord& call : calls) put_difference(out, call.stack_pointer, rsp);
    for (const CallRecord& call : calls) {
        put_varint(out, call.parent == NO_CALL ? 0 : id - call.parent);
        ++id;
    }
    for (const CallRecord& call : calls) put_difference(out, call.depth, depth);
    for (const CallRecord& call : calls) out.push_back(static_cast<uint8_t>(call.kind));
    for (const CallRecord& call : calls) put_varint(out, call.thread);
    for (const CallRecord& call : calls) put_varint(out, call.stack);
    return out;
}

// Of the encoded block, in the chunk's head.
struct Summary {
    uint64_t last_end = 0;
    uint64_t longest = 0;
    uint32_t lowest = UINT32_MAX;
};

Summary summarise_calls(std::span<const CallRecord> calls) {
    Summary summary;
    for (const CallRecord& call : calls) {
        summary.last_end = std::max(summary.last_end, call.end);
        summary.lowest = std::min(summary.lowest, call.depth);
        if (call.end != NO_END)
            summary.longest = std::max(summary.longest, call.end + 1 - call.first_context);
    }
    return summary;
}

}  // namespace

CallBlock decode_call_block(std::span<const uint8_t> bytes, const CallBlockInfo& info) {
    ByteReader in(bytes);
    CallBlock block;
    block.first_id = info.first_id;
    block.latest = take_latest(in);
    block.changes.resize(info.change_count);
    uint64_t context = 0;
    for (StackChange& change : block.changes) {
        change.context = take_difference(in, context);
        change.thread = in.count(UINT32_MAX);
        change.stack = in.count(UINT32_MAX);
        change.top = take_optional(in);
    }
    std::vector<std::pair<uint64_t, uint64_t>> sites(in.count(in.left()));
    uint64_t function = 0, return_address = 0;
    for (auto& site : sites) {
        site.first = take_difference(in, function);
        site.second = take_difference(in, return_address);
    }
    block.calls.resize(info.call_count);
    context = 0;
    uint64_t rsp = 0, depth = 0, id = info.first_id;
    for (CallRecord& call : block.calls) call.first_context = take_difference(in, context);
    for (CallRecord& call : block.calls) {
        const uint64_t length = in.varint();
        call.end = length == 0 ? NO_END : call.first_context + length - 2;
    }
    for (CallRecord& call : block.calls) {
        const uint64_t site = in.varint();
        if (site >= sites.size()) throw TraceError("a call in it has no site");
        std::tie(call.function, call.return_address) = sites[site];
    }
    for (CallRecord& call : block.calls) call.stack_pointer = take_difference(in, rsp);
    for (CallRecord& call : block.calls) {
        const uint64_t back = in.varint();
        if (back > id) throw TraceError("a call in it has no caller");
        call.parent = back == 0 ? NO_CALL : id - back;
        ++id;
    }
    for (CallRecord& call : block.calls)
        call.depth = static_cast<uint32_t>(take_difference(in, depth));
    for (CallRecord& call : block.calls) call.kind = static_cast<CallKind>(in.byte());
    for (CallRecord& call : block.calls) call.thread = in.count(UINT32_MAX);
    for (CallRecord& call : block.calls) call.stack = in.count(UINT32_MAX);
    return block;
}

void go_on(LatestByThread& latest, const CallBlock& block, uint64_t context) {
    size_t call = 0, change = 0;
    for (;;) {
        const uint64_t next_call =
            call < block.calls.size() ? block.calls[call].first_context : UINT64_MAX;
        const uint64_t next_change =
            change < block.changes.size() ? block.changes[change].context : UINT64_MAX;
        if (std::min(next_call, next_change) > context ||
            std::min(next_call, next_change) == UINT64_MAX)
            return;
        // A change comes before the call that it leads to.
        if (next_change <= next_call) {
            const StackChange& at = block.changes[change++];
            latest[at.thread] = {at.top, at.stack};
        } else {
            const CallRecord& at = block.calls[call];
            latest[at.thread] = {block.first_id + call++, at.stack};
        }
    }
}

std::vector<uint8_t> encode_call_chunk(uint32_t first_segment, uint32_t segment_count,
                                       const CallBuilder::Output& output, LatestByThread& latest,
                                       const CallBuilder::State& state) {
    Compressor compressor(LEVEL);
    std::vector<uint8_t> head, body, directory, postings;
    std::map<uint64_t, std::vector<uint32_t>> blocks_of;
    uint32_t number = 0;
    const auto& calls = output.records;
    const auto& changes = output.changes;
    for (size_t call = 0, change = 0; call < calls.size() || change < changes.size(); ++number) {
        CallBlock block;
        block.first_id = output.first_id + call;
        while ((call < calls.size() || change < changes.size()) &&
               block.calls.size() + block.changes.size() < BLOCK_CALLS) {
            if (call == calls.size() ||
                (change < changes.size() && changes[change].context <= calls[call].first_context)) {
                block.changes.push_back(changes[change++]);
            } else {
                block.calls.push_back(calls[call++]);
                auto& numbers = blocks_of[block.calls.back().function];
                if (numbers.empty() || numbers.back() != number) numbers.push_back(number);
            }
        }
        const auto bytes = encode_block(block.first_id, block.calls, block.changes, latest);
        go_on(latest, block, UINT64_MAX - 1);
        const Summary summary = summarise_calls(block.calls);
        uint64_t first_context = UINT64_MAX;
        if (!block.calls.empty()) first_context = block.calls.front().first_context;
        if (!block.changes.empty())
            first_context = std::min(first_context, block.changes.front().context);
        const size_t start = body.size();
        const size_t packed = compressor.append(bytes, body);
        put_varint(directory, block.calls.size());
        put_varint(directory, block.changes.size());
        put_varint(directory, first_context);
        put_varint(directory, packed);
        put_varint(directory, bytes.size());
        put_varint(directory, crc32c(body.data() + start, packed));
        put_optional(directory, summary.last_end);
        put_varint(directory, summary.longest);
        put_varint(directory, summary.lowest);
    }
    put_varint(head, first_segment);
    put_varint(head, segment_count);
    put_varint(head, output.first_id);
    put_varint(head, number);
    put_bytes(head, directory.data(), directory.size());
    put_varint(head, output.late_ends.size());
    for (const LateEnd& late : output.late_ends) {
        put_varint(head, late.id);
        put_varint(head, late.end);
    }
    TableWriter functions;
    for (const auto& [function, numbers] : blocks_of) {
        postings.clear();
        uint32_t last = 0;
        for (const uint32_t block : numbers) {
            put_varint(postings, block - last);
            last = block;
        }
        functions.add(function, postings);
    }
    put_varint(head, body.size());
    functions.finish(compressor, head, body);
    const auto going_on = encode_state(state);
    put_varint(head, going_on.size());
    put_bytes(head, going_on.data(), going_on.size());
    return make_chunk(CALLS_MAGIC, CALLS_VERSION, head, body);
}

CallChunk decode_call_chunk(const ChunkHead& head) {
    ByteReader in(head.bytes);
    CallChunk chunk;
    chunk.first_segment = in.count(UINT32_MAX);
    chunk.segment_count = in.count(UINT32_MAX);
    uint64_t id = in.varint();
    uint64_t offset = head.body;
    chunk.blocks.resize(in.count(in.left()));
    for (CallBlockInfo& block : chunk.blocks) {
        block.first_id = id;
        block.call_count = in.count(BLOCK_CALLS);
        block.change_count = in.count(BLOCK_CALLS);
        block.first_context = in.varint();
        block.file_offset = offset;
        block.packed = in.count(UINT32_MAX);
        block.size = in.count(1u << 26);
        block.crc = in.count(UINT32_MAX);
        block.last_end = take_optional(in);
        block.longest = in.varint();
        block.lowest = in.count(UINT32_MAX);
        id += block.call_count;
        offset += block.packed;
    }
    chunk.late_ends.resize(in.count(in.left()));
    for (LateEnd& late : chunk.late_ends) {
        late.id = in.varint();
        late.end = in.varint();
    }
    const uint64_t functions = head.body + in.varint();
    chunk.functions = std::make_unique<TableReader>(in, functions);
    const uint32_t size = in.count(in.left());
    const uint8_t* state = in.take(size);
    chunk.state.assign(state, state + size);
    return chunk;
}

uint64_t whole_calls(const DerivedFile& file) {
    uint64_t size = 0;
    try {
        while (const auto head = read_chunk(file, size, CALLS_MAGIC, CALLS_VERSION)) {
            const CallChunk chunk = decode_call_chunk(*head);
            const bool is_whole =
                chunk.functions->is_whole(file) &&
                std::all_of(chunk.blocks.begin(), chunk.blocks.end(), [&](const auto& block) {
                    return is_whole_part(file, block.file_offset, block.packed, block.crc);
                });
            if (!is_whole) break;
            size = head->end;
        }
    } catch (const TraceError&) {
    }
    return size;
}

}  // namespace reven
