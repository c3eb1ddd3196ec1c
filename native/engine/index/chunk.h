// SPDX-License-Identifier: Apache-2.0
// One chunk of the index: what consecutive segments executed, touched and were
// told by the kernel (docs/trace-format.md, "index").
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/zstd.h"
#include "index/touch.h"
#include "store/derived_file.h"

namespace reven {

// An entry of the sorted tables: bytes by a 64-bit key, in compressed blocks.
class TableWriter {
   public:
    // Keys ascend.
    void add(uint64_t key, std::span<const uint8_t> entry);
    // Appends the directory and the blocks to their sections.
    void finish(Compressor& compressor, std::vector<uint8_t>& directory,
                std::vector<uint8_t>& blocks);

   private:
    struct Block {
        uint64_t raw_offset;
        std::vector<uint8_t> bytes;
    };
    std::vector<std::pair<uint64_t, uint64_t>> entries_;  // key, size
    std::vector<Block> blocks_;
    uint64_t total_ = 0;
};

using SharedBytes = std::shared_ptr<const std::vector<uint8_t>>;

// An entry's bytes; `owner` keeps them alive.
struct TableEntry {
    SharedBytes owner;
    std::span<const uint8_t> bytes;
    explicit operator bool() const { return owner != nullptr; }
};

class BlockFile;

class TableReader {
   public:
    // `blocks_offset`: of this table's blocks in the file.
    TableReader(ByteReader& directory, uint64_t blocks_offset);
    // Empty if there is no such key.
    TableEntry find(uint64_t key, BlockFile& file) const;
    const std::vector<uint64_t>& keys() const { return keys_; }
    // Whether all its blocks have their checksums.
    bool is_whole(const DerivedFile& file) const;

   private:
    struct Block {
        uint64_t raw_offset;
        uint64_t file_offset;
        uint32_t packed;
        uint32_t crc;
    };
    std::vector<uint64_t> keys_;
    std::vector<uint64_t> offsets_;  // of each entry in the uncompressed whole, and the end
    std::vector<Block> blocks_;
};

// Reads compressed blocks of the index file and keeps the recently used ones.
class BlockFile {
   public:
    explicit BlockFile(const DerivedFile& file) : file_(file) {}
    // Throws TraceError when the bytes are damaged.
    SharedBytes read(uint64_t offset, uint32_t packed, uint64_t size, uint32_t crc);
    // Drops what is kept, when the file is another one.
    void forget();

   private:
    static constexpr size_t CAPACITY = 24 << 20;
    struct Entry {
        uint64_t offset;
        SharedBytes bytes;
    };
    const DerivedFile& file_;
    std::mutex mutex_;
    size_t used_ = 0;
    std::list<Entry> order_;
    std::unordered_map<uint64_t, std::list<Entry>::iterator> entries_;
};

// A control record that concerns the whole trace, with where it stands.
struct IndexedRecord {
    uint32_t segment;
    uint32_t type;
    uint32_t thread;
    uint64_t context;  // of the trace
    uint64_t size;     // of the payload in the trace; what follows may be only its start
    std::vector<uint8_t> payload;
};

// What one segment contributes.
struct SegmentSummary {
    struct Page {
        uint64_t page;
        uint32_t offset;  // of its encoded touch in `encoded`
        uint32_t size;
    };
    uint32_t segment = 0;
    std::vector<uint32_t> blocks;  // template ids executed, ascending
    std::vector<Page> pages;       // ascending
    std::vector<uint8_t> encoded;
    std::vector<IndexedRecord> records;
};

// One segment's touch of a page, decoded lazily: see decode_* in touch.h.
struct PageVisit {
    uint32_t segment;
    GranuleSet reads;
    GranuleSet writes;
    bool leaves_bytes;
};

class IndexChunk {
   public:
    // Throws TraceError when the head is damaged. `body`: where that begins in the file.
    IndexChunk(std::span<const uint8_t> head, uint64_t body);

    uint32_t first_segment() const { return first_segment_; }
    uint32_t segment_count() const { return segment_count_; }
    uint32_t end_segment() const { return first_segment_ + segment_count_; }

    // Segments of the chunk that executed a block, ascending.
    std::vector<uint32_t> segments_of_block(uint32_t id, BlockFile& file) const;
    // Who touched a page, ascending; empty if nobody.
    std::vector<PageVisit> visits(uint64_t page, BlockFile& file) const;
    // Overlays what the segments [from, to) of this chunk left in a page, on top of the
    // chunk's image of it if `from` lies before the chunk. False if the page
    // does not occur here.
    bool overlay(uint64_t page, uint32_t from, uint32_t to, PageBytes& onto, BlockFile& file) const;
    bool has_page(uint64_t page) const;
    const std::vector<uint64_t>& pages() const { return pages_->keys(); }

    const std::vector<IndexedRecord>& records() const { return records_; }
    bool is_whole(const DerivedFile& file) const;
    std::vector<IndexedRecord> syscalls(BlockFile& file) const;

   private:
    uint32_t first_segment_;
    uint32_t segment_count_;
    std::unique_ptr<TableReader> blocks_;
    std::unique_ptr<TableReader> pages_;
    std::unique_ptr<TableReader> syscalls_;
    std::vector<IndexedRecord> records_;
};

// Whether a piece of a file has its checksum.
bool is_whole_part(const DerivedFile& file, uint64_t offset, uint64_t packed, uint32_t crc);

// How many bytes of index.bin are whole, of its chunks and all that is in them.
uint64_t whole_index(const DerivedFile& file);

// Gives the known bytes of a page before the chunk; called for pages that the chunk writes.
using PageImage = std::function<PageBytes(uint64_t page)>;

// The bytes of a chunk, ready to append to the index file.
std::vector<uint8_t> encode_chunk(const std::vector<SegmentSummary>& segments,
                                  const PageImage& image);

inline constexpr uint32_t CHUNK_MAGIC = 0x58444952;  // "RIDX"
inline constexpr uint32_t INDEX_VERSION = 1;

// Whether the index keeps any of these control records; adds those of a segment.
bool has_indexed_records(std::span<const uint8_t> control);
void add_records(const SegmentView& view, SegmentSummary& summary);

// Summarises one segment without replaying it: no pages. It may have been read without values.
SegmentSummary summarise_outline(const SegmentView& view, uint32_t segment);

// Summarises one segment by replaying it.
SegmentSummary summarise(const SegmentView& view, uint32_t segment, BlockCache& blocks,
                         const UnknownRanges& unknown);

}  // namespace reven
