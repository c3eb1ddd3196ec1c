// SPDX-License-Identifier: Apache-2.0
#include "index/chunk.h"

#include <algorithm>
#include <functional>
#include <map>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "store/derived_chunk.h"
#include "stream/control.h"
#include "stream/limits.h"

namespace reven {
namespace {

constexpr size_t BLOCK_SIZE = 32 << 10;
constexpr int LEVEL = 3;
constexpr uint64_t LARGEST_BLOCK = 256u << 20;

[[noreturn]] void damaged() {
    throw DamagedIndex("the trace's index is damaged: delete index.bin, it is built anew");
}

void put_record(const IndexedRecord& record, uint32_t& segment, uint64_t& context,
                std::vector<uint8_t>& out) {
    put_varint(out, record.segment - segment);
    put_varint(out, record.context - context);
    put_varint(out, record.type);
    put_varint(out, record.thread);
    put_varint(out, record.size);
    put_varint(out, record.payload.size());
    put_bytes(out, record.payload.data(), record.payload.size());
    segment = record.segment;
    context = record.context;
}

IndexedRecord take_record(ByteReader& in, uint32_t& segment, uint64_t& context) {
    IndexedRecord record;
    record.segment = segment += in.count(UINT32_MAX);
    record.context = context += in.varint();
    record.type = in.count(UINT32_MAX);
    record.thread = in.count(UINT32_MAX);
    record.size = in.varint();
    const uint32_t size = in.count(1u << 20);
    const uint8_t* bytes = in.take(size);
    record.payload.assign(bytes, bytes + size);
    return record;
}

// Whoever reads a record takes its payload for what its type says.
void check_kept(const IndexedRecord& record) {
    const reven_record header{record.type, record.thread, 0, record.size};
    const size_t kept = record.payload.size();
    if (record.size < kept || record.size > limits::MAX_CONTROL) damaged();
    if (record.type == REVEN_SWITCH || record.type == REVEN_MEMORY) {
        const size_t needed =
            record.type == REVEN_SWITCH ? sizeof(reven_switch) : sizeof(reven_memory);
        if (kept != needed) damaged();
    } else if (record.size != kept || !check_record({&header, record.payload.data()}).empty()) {
        damaged();
    }
}

std::vector<IndexedRecord> take_records(ByteReader& in, uint32_t segment) {
    uint64_t context = 0;
    std::vector<IndexedRecord> records;
    while (!in.done()) {
        records.push_back(take_record(in, segment, context));
        check_kept(records.back());
    }
    return records;
}

bool is_syscall(uint32_t type) { return type == REVEN_SYSCALL_ENTER || type == REVEN_SYSCALL_EXIT; }

// Records that the index keeps, with how much of their payload.
bool keeps(const RecordView& record, size_t& size) {
    size = static_cast<size_t>(record.header->size);
    switch (record.header->type) {
        case REVEN_SWITCH:
            size = sizeof(reven_switch);
            return true;
        case REVEN_MEMORY:
            size = sizeof(reven_memory);
            return record.as<reven_memory>().cause == REVEN_CAUSE_IMAGE;
        case REVEN_KERNEL_READ: {
            const auto ranges = ranges_of(record);
            return std::any_of(ranges.begin(), ranges.end(), [](const reven_range& range) {
                return range.size > LARGEST_PAGED_READ;
            });
        }
        case REVEN_MAP:
        case REVEN_UNMAP:
        case REVEN_PROTECT:
        case REVEN_REMAP:
        case REVEN_SIGNAL:
        case REVEN_THREAD_START:
        case REVEN_THREAD_EXIT:
        case REVEN_END:
        case REVEN_SYSCALL_ENTER:
        case REVEN_SYSCALL_EXIT:
            return true;
        default:
            return false;
    }
}

}  // namespace

void TableWriter::add(uint64_t key, std::span<const uint8_t> entry) {
    if (blocks_.empty() || blocks_.back().bytes.size() + entry.size() > BLOCK_SIZE)
        blocks_.push_back({total_, {}});
    put_bytes(blocks_.back().bytes, entry.data(), entry.size());
    entries_.emplace_back(key, entry.size());
    total_ += entry.size();
}

void TableWriter::finish(Compressor& compressor, std::vector<uint8_t>& directory,
                         std::vector<uint8_t>& blocks) {
    put_varint(directory, entries_.size());
    uint64_t last = 0;
    for (const auto& [key, size] : entries_) {
        put_varint(directory, key - last);
        put_varint(directory, size);
        last = key;
    }
    put_varint(directory, blocks_.size());
    for (const Block& block : blocks_) {
        const size_t start = blocks.size();
        const size_t packed = compressor.append(block.bytes, blocks);
        put_varint(directory, block.raw_offset);
        put_varint(directory, packed);
        put_varint(directory, crc32c(blocks.data() + start, packed));
    }
}

TableReader::TableReader(ByteReader& directory, uint64_t blocks_offset) {
    const uint32_t count = directory.count(directory.left());
    keys_.reserve(count);
    offsets_.reserve(count + 1);
    uint64_t key = 0;
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; ++i) {
        key += directory.varint();
        keys_.push_back(key);
        offsets_.push_back(total);
        total += directory.count(LARGEST_BLOCK);
    }
    offsets_.push_back(total);
    const uint32_t blocks = directory.count(directory.left());
    for (uint32_t i = 0; i < blocks; ++i) {
        const uint64_t raw_offset = directory.varint();
        const uint32_t packed = directory.count(LARGEST_BLOCK);
        const uint32_t crc = directory.count(UINT32_MAX);
        if (raw_offset > total || (!blocks_.empty() && raw_offset < blocks_.back().raw_offset))
            damaged();
        blocks_.push_back({raw_offset, blocks_offset, packed, crc});
        blocks_offset += packed;
    }
}

TableEntry TableReader::find(uint64_t key, BlockFile& file) const {
    const auto at = std::lower_bound(keys_.begin(), keys_.end(), key);
    if (at == keys_.end() || *at != key) return {};
    const auto index = static_cast<size_t>(at - keys_.begin());
    const uint64_t offset = offsets_[index];
    const auto after = std::upper_bound(
        blocks_.begin(), blocks_.end(), offset,
        [](uint64_t value, const Block& block) { return value < block.raw_offset; });
    if (after == blocks_.begin()) damaged();
    const Block& block = *(after - 1);
    const uint64_t end = after == blocks_.end() ? offsets_.back() : after->raw_offset;
    const uint64_t size = offsets_[index + 1] - offset;
    if (offset + size > end || end - block.raw_offset > LARGEST_BLOCK) damaged();
    TableEntry entry{file.read(block.file_offset, block.packed, end - block.raw_offset, block.crc),
                     {}};
    entry.bytes =
        std::span(*entry.owner)
            .subspan(static_cast<size_t>(offset - block.raw_offset), static_cast<size_t>(size));
    return entry;
}

bool TableReader::is_whole(const DerivedFile& file) const {
    return std::all_of(blocks_.begin(), blocks_.end(), [&](const Block& block) {
        return is_whole_part(file, block.file_offset, block.packed, block.crc);
    });
}

bool is_whole_part(const DerivedFile& file, uint64_t offset, uint64_t packed, uint32_t crc) {
    if (packed > file.size()) return false;
    std::vector<uint8_t> bytes(packed);
    return file.read(offset, bytes) && crc32c(bytes.data(), packed) == crc;
}

uint64_t whole_index(const DerivedFile& file) {
    uint64_t size = 0;
    try {
        while (const auto head = read_chunk(file, size, CHUNK_MAGIC, INDEX_VERSION)) {
            if (!IndexChunk(head->bytes, head->body).is_whole(file)) break;
            size = head->end;
        }
    } catch (const TraceError&) {
    }
    return size;
}

bool IndexChunk::is_whole(const DerivedFile& file) const {
    return blocks_->is_whole(file) && pages_->is_whole(file) && syscalls_->is_whole(file);
}

SharedBytes BlockFile::read(uint64_t offset, uint32_t packed, uint64_t size, uint32_t crc) {
    {
        std::lock_guard lock(mutex_);
        if (const auto at = entries_.find(offset); at != entries_.end()) {
            order_.splice(order_.begin(), order_, at->second);
            return at->second->bytes;
        }
    }
    // The file itself says how much of it there can be.
    if (packed > file_.size()) damaged();
    std::vector<uint8_t> frame(packed);
    if (!file_.read(offset, frame) || crc32c(frame.data(), packed) != crc) damaged();
    auto unpacked = unpack(frame, size);
    if (!unpacked) damaged();
    auto bytes = std::make_shared<std::vector<uint8_t>>(std::move(*unpacked));
    std::lock_guard lock(mutex_);
    if (!entries_.count(offset)) {
        used_ += size;
        order_.push_front({offset, bytes});
        entries_[offset] = order_.begin();
        while (used_ > CAPACITY && order_.size() > 1) {
            used_ -= order_.back().bytes->size();
            entries_.erase(order_.back().offset);
            order_.pop_back();
        }
    }
    return bytes;
}

void BlockFile::forget() {
    std::lock_guard lock(mutex_);
    entries_.clear();
    order_.clear();
    used_ = 0;
}

SegmentSummary summarise(const SegmentView& view, uint32_t segment, BlockCache& blocks,
                         const UnknownRanges& unknown) {
    SegmentSummary summary = summarise_outline(view, segment);
    TouchCollector touches(unknown);
    Replayer(view, blocks).run_accesses(touches);
    for (const PageTouch* touch : touches.pages()) {
        if (touch->reads == GranuleSet{} && touch->writes == GranuleSet{} && touch->bytes.empty())
            continue;
        const auto offset = static_cast<uint32_t>(summary.encoded.size());
        encode_granules(touch->reads, summary.encoded);
        encode_granules(touch->writes, summary.encoded);
        encode_page_bytes(touch->bytes, summary.encoded);
        summary.pages.push_back(
            {touch->page, offset, static_cast<uint32_t>(summary.encoded.size()) - offset});
    }
    return summary;
}

SegmentSummary summarise_outline(const SegmentView& view, uint32_t segment) {
    SegmentSummary summary;
    summary.segment = segment;
    for (const SegmentTemplate& used : view.segment().templates)
        summary.blocks.push_back(used.block->id);
    std::sort(summary.blocks.begin(), summary.blocks.end());
    add_records(view, summary);
    return summary;
}

bool has_indexed_records(std::span<const uint8_t> control) {
    size_t size = 0;
    for (RecordCursor at(control); !at.done(); at.next())
        if (keeps(at.view(), size)) return true;
    return false;
}

void add_records(const SegmentView& view, SegmentSummary& summary) {
    for (const RecordPoint& point : view.records()) {
        const RecordView record = view.record(point);
        size_t size = 0;
        if (!keeps(record, size)) continue;
        summary.records.push_back({summary.segment,
                                   record.header->type,
                                   record.header->thread,
                                   view.first_transition() + point.context,
                                   record.header->size,
                                   {record.payload, record.payload + size}});
    }
}

namespace {

void encode_blocks_table(const std::vector<SegmentSummary>& segments, TableWriter& table) {
    std::map<uint32_t, std::vector<uint32_t>> postings;
    for (const SegmentSummary& summary : segments)
        for (const uint32_t id : summary.blocks) postings[id].push_back(summary.segment);
    std::vector<uint8_t> entry;
    for (const auto& [id, list] : postings) {
        entry.clear();
        uint32_t last = segments.front().segment;
        for (const uint32_t segment : list) {
            put_varint(entry, segment - last);
            last = segment;
        }
        table.add(id, entry);
    }
}

void encode_pages_table(const std::vector<SegmentSummary>& segments, const PageImage& image,
                        TableWriter& table) {
    struct Visit {
        uint64_t page;
        const SegmentSummary* summary;
        const SegmentSummary::Page* touch;
    };
    std::vector<Visit> visits;
    for (const SegmentSummary& summary : segments)
        for (const auto& touch : summary.pages) visits.push_back({touch.page, &summary, &touch});
    std::stable_sort(visits.begin(), visits.end(),
                     [](const Visit& a, const Visit& b) { return a.page < b.page; });
    std::vector<uint8_t> entry;
    for (size_t i = 0; i < visits.size();) {
        const uint64_t page = visits[i].page;
        entry.clear();
        const size_t begin = i;
        while (i < visits.size() && visits[i].page == page) ++i;
        const auto leaves_bytes = [&](const Visit& visit) {
            ByteReader in({visit.summary->encoded.data() + visit.touch->offset, visit.touch->size});
            decode_granules(in);
            decode_granules(in);
            return in.byte() != 0;
        };
        const bool is_written =
            std::any_of(visits.begin() + static_cast<ptrdiff_t>(begin),
                        visits.begin() + static_cast<ptrdiff_t>(i), leaves_bytes);
        encode_page_bytes(is_written ? image(page) : PageBytes{}, entry);
        put_varint(entry, i - begin);
        uint32_t last = segments.front().segment;
        for (size_t visit = begin; visit < i; ++visit) {
            const auto& [_, summary, touch] = visits[visit];
            put_varint(entry, summary->segment - last);
            put_varint(entry, touch->size);
            put_bytes(entry, summary->encoded.data() + touch->offset, touch->size);
            last = summary->segment;
        }
        // A page that is only read here gives no state: bit 0 says so.
        entry.insert(entry.begin(), is_written ? 1 : 0);
        table.add(page, entry);
    }
}

void encode_records(const std::vector<SegmentSummary>& segments, std::vector<uint8_t>& records,
                    TableWriter& syscalls) {
    uint32_t segment = segments.front().segment, syscall_segment = segment;
    uint64_t context = 0, syscall_context = 0;
    std::vector<uint8_t> calls;
    for (const SegmentSummary& summary : segments)
        for (const IndexedRecord& record : summary.records) {
            if (is_syscall(record.type))
                put_record(record, syscall_segment, syscall_context, calls);
            else
                put_record(record, segment, context, records);
        }
    syscalls.add(0, calls);
}

}  // namespace

std::vector<uint8_t> encode_chunk(const std::vector<SegmentSummary>& segments,
                                  const PageImage& image) {
    TableWriter blocks, pages, syscalls;
    std::vector<uint8_t> records;
    encode_blocks_table(segments, blocks);
    encode_pages_table(segments, image, pages);
    encode_records(segments, records, syscalls);

    Compressor compressor(LEVEL);
    std::vector<uint8_t> head, body, directory;
    put_varint(head, segments.front().segment);
    put_varint(head, segments.size());
    for (TableWriter* table : {&blocks, &pages, &syscalls}) {
        put_varint(head, body.size());
        table->finish(compressor, directory, body);
    }
    put_varint(head, directory.size());
    put_bytes(head, directory.data(), directory.size());
    put_bytes(head, records.data(), records.size());

    return make_chunk(CHUNK_MAGIC, INDEX_VERSION, head, body);
}

IndexChunk::IndexChunk(std::span<const uint8_t> head, uint64_t body) {
    ByteReader in(head);
    first_segment_ = in.count(UINT32_MAX);
    segment_count_ = in.count(UINT32_MAX);
    const uint64_t offsets[] = {body + in.varint(), body + in.varint(), body + in.varint()};
    const uint32_t directory_size = in.count(in.left());
    ByteReader directory({in.take(directory_size), directory_size});
    blocks_ = std::make_unique<TableReader>(directory, offsets[0]);
    pages_ = std::make_unique<TableReader>(directory, offsets[1]);
    syscalls_ = std::make_unique<TableReader>(directory, offsets[2]);
    records_ = take_records(in, first_segment_);
}

std::vector<uint32_t> IndexChunk::segments_of_block(uint32_t id, BlockFile& file) const {
    std::vector<uint32_t> segments;
    const TableEntry entry = blocks_->find(id, file);
    if (!entry) return segments;
    uint32_t segment = first_segment_;
    for (ByteReader in(entry.bytes); !in.done();)
        segments.push_back(segment += in.count(UINT32_MAX));
    return segments;
}

bool IndexChunk::has_page(uint64_t page) const {
    return std::binary_search(pages_->keys().begin(), pages_->keys().end(), page);
}

std::vector<PageVisit> IndexChunk::visits(uint64_t page, BlockFile& file) const {
    std::vector<PageVisit> result;
    const TableEntry entry = pages_->find(page, file);
    if (!entry) return result;
    ByteReader in(entry.bytes);
    in.byte();
    skip_page_bytes(in);
    const uint32_t count = in.count(segment_count_);
    uint32_t segment = first_segment_;
    for (uint32_t i = 0; i < count; ++i) {
        segment += in.count(segment_count_);
        const uint32_t size = in.count(in.left());
        ByteReader touch({in.take(size), size});
        PageVisit visit{segment, decode_granules(touch), {}, false};
        visit.writes = decode_granules(touch);
        visit.leaves_bytes = touch.byte() != 0;
        result.push_back(visit);
    }
    return result;
}

bool IndexChunk::overlay(uint64_t page, uint32_t from, uint32_t to, PageBytes& onto,
                         BlockFile& file) const {
    const TableEntry entry = pages_->find(page, file);
    if (!entry) return false;
    ByteReader in(entry.bytes);
    if (in.byte() == 0) return false;
    if (from < first_segment_)
        decode_page_bytes(in, onto);
    else
        skip_page_bytes(in);
    const uint32_t count = in.count(segment_count_);
    uint32_t segment = first_segment_;
    for (uint32_t i = 0; i < count; ++i) {
        segment += in.count(segment_count_);
        const uint32_t size = in.count(in.left());
        ByteReader touch({in.take(size), size});
        if (segment >= to) break;
        if (segment < from) continue;
        decode_granules(touch);
        decode_granules(touch);
        decode_page_bytes(touch, onto);
    }
    return true;
}

std::vector<IndexedRecord> IndexChunk::syscalls(BlockFile& file) const {
    const TableEntry entry = syscalls_->find(0, file);
    if (!entry) return {};
    ByteReader in(entry.bytes);
    return take_records(in, first_segment_);
}

}  // namespace reven
