// SPDX-License-Identifier: Apache-2.0
// The indexes of memory and code and of calls: the heads and blocks of their chunks.
#include <stdexcept>

#include "calls/chunk.h"
#include "index/chunk.h"
#include "input.h"
#include "store/derived_chunk.h"

using namespace reven;

namespace {

constexpr uint32_t LARGEST_PAGE = 64;

// A chunk whose tables hold the fuzzer's entries, so that their checksums are right.
std::vector<uint8_t> table_of(fuzz::Input& input, std::vector<uint8_t>& body, uint64_t& offset) {
    TableWriter table;
    static Compressor compressor(1);
    const uint32_t count = input.number() % 8;
    for (uint32_t key = 0; key < count; ++key) table.add(key, input.part());
    std::vector<uint8_t> directory;
    offset = body.size();
    table.finish(compressor, directory, body);
    return directory;
}

void read_index(const IndexChunk& chunk, BlockFile& blocks) {
    for (uint32_t key = 0; key < LARGEST_PAGE; ++key) {
        try {
            chunk.segments_of_block(key, blocks);
        } catch (const TraceError&) {
        }
        try {
            if (chunk.has_page(key)) chunk.visits(key, blocks);
        } catch (const TraceError&) {
        }
        try {
            PageBytes bytes;
            chunk.overlay(key, 0, UINT32_MAX, bytes, blocks);
        } catch (const TraceError&) {
        }
    }
    chunk.syscalls(blocks);
}

void made_index(fuzz::Input& input) {
    std::vector<uint8_t> head, body, directories;
    put_varint(head, input.number() % 4);
    put_varint(head, input.number() % 300);
    for (int i = 0; i < 3; ++i) {
        uint64_t offset = 0;
        const auto directory = table_of(input, body, offset);
        put_varint(head, offset);
        put_bytes(directories, directory.data(), directory.size());
    }
    put_varint(head, directories.size());
    put_bytes(head, directories.data(), directories.size());
    const auto records = input.part();
    put_bytes(head, records.data(), records.size());
    static DerivedFile file(fuzz::folder(), "index.bin");
    static const bool prepared = file.prepare(0);
    if (!prepared) std::abort();
    file.truncate(0);
    write_chunk(file, 0, make_chunk(CHUNK_MAGIC, INDEX_VERSION, head, body));
    if (whole_index(file) > file.size()) std::abort();
    BlockFile blocks(file);
    const auto found = read_chunk(file, 0, CHUNK_MAGIC, INDEX_VERSION);
    if (!found) std::abort();
    read_index(IndexChunk(found->bytes, found->body), blocks);
}

void any_index(std::span<const uint8_t> head, const DerivedFile& file) {
    BlockFile blocks(file);
    read_index(IndexChunk(head, 0), blocks);
}

void any_calls(std::span<const uint8_t> head) {
    const CallChunk chunk = decode_call_chunk({{head.begin(), head.end()}, 0, 0});
    decode_state(chunk.state, [](uint64_t, bool) { return std::vector<CallBuilder::Frame>(); });
}

void any_block(fuzz::Input& input) {
    CallBlockInfo info{};
    info.first_id = input.number();
    info.call_count = input.number() % 5000;
    info.change_count = input.number() % 5000;
    const CallBlock block = decode_call_block(input.part(), info);
    LatestByThread latest = block.latest;
    go_on(latest, block, UINT64_MAX - 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::Input input(data, size);
    static const DerivedFile nothing(fuzz::folder(), "none.bin");
    const auto attempt = [](auto step) {
        try {
            step();
        } catch (const TraceError&) {
        }
    };
    switch (input.number() % 4) {
        case 0:
            attempt([&] { made_index(input); });
            break;
        case 1:
            attempt([&] { any_index(input.part(), nothing); });
            break;
        case 2:
            attempt([&] { any_calls(input.part()); });
            break;
        default:
            attempt([&] { any_block(input); });
            break;
    }
    return 0;
}
