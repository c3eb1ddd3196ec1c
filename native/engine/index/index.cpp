// SPDX-License-Identifier: Apache-2.0
#include "index/index.h"

#include "base/bytes.h"
#include "base/parallel.h"
#include "store/derived_chunk.h"

namespace reven {
namespace {

// A chunk ends after so many segments or encoded bytes: the memory that building takes.
constexpr size_t CHUNK_SEGMENTS = 256;
constexpr size_t CHUNK_BYTES = 24 << 20;
// Of an outline, which is small.
constexpr size_t OUTLINE_SEGMENTS = 4096;
// What is asked for is rounded up to so many: chunks of less would be many.
constexpr uint32_t STEP = 32;

void add_unknown(const IndexedRecord& record, UnknownRanges& unknown) {
    const reven_record header{record.type, record.thread, 0, record.size};
    unknown.add({&header, record.payload.data()});
}

}  // namespace

Index::Index(TraceReader& trace, Kind kind)
    : trace_(trace),
      kind_(kind),
      file_(trace.path(), kind == Kind::Whole ? INDEX_FILE : OUTLINE_FILE),
      blocks_(file_) {
    read_chunks();
}

// Of consecutive segments, by several threads.
std::vector<SegmentSummary> Index::summarise_segments(uint32_t first, uint32_t count,
                                                      uint32_t threads,
                                                      const UnknownRanges& unknown) {
    return in_parallel<SegmentSummary>(count, threads, [&](uint32_t i) {
        if (kind_ == Kind::Outline)
            return summarise_outline(*trace_.load_view(first + i, Parts::WithoutValues), first + i);
        return summarise(*trace_.load_view(first + i), first + i, trace_.blocks(), unknown);
    });
}

void Index::read_chunks() {
    while (const auto head = read_chunk(file_, size_, CHUNK_MAGIC, INDEX_VERSION)) {
        try {
            auto chunk = std::make_unique<IndexChunk>(head->bytes, head->body);
            const uint64_t end = uint64_t{chunk->first_segment()} + chunk->segment_count();
            if (chunk->first_segment() != covered() || chunk->segment_count() == 0 ||
                end > trace_.store().segment_count())
                return;
            add_chunk(std::move(chunk));
        } catch (const TraceError&) {
            return;
        }
        size_ = head->end;
    }
}

void Index::add_chunk(std::unique_ptr<IndexChunk> chunk) {
    uint32_t segment = UINT32_MAX;
    uint32_t order = 0;
    for (const IndexedRecord& record : chunk->records()) {
        const reven_record header{record.type, record.thread, 0, record.size};
        const RecordView view{&header, record.payload.data()};
        if (record.segment != segment) order = 0;
        segment = record.segment;
        unknown_.add(view);
        for (const RangeChange& change : range_changes(view).changes)
            ranges_.push_back({segment, order++, change});
        if (record.type == REVEN_KERNEL_READ)
            for (const reven_range& range : ranges_of(view))
                if (range.size > LARGEST_PAGED_READ)
                    large_reads_.push_back({record.segment, range});
        if (record.type != REVEN_SWITCH) continue;
        const uint32_t previous = view.as<reven_switch>().previous_thread;
        switches_.push_back({record.context + (previous != 0), record.thread, previous});
    }
    chunks_.push_back(std::move(chunk));
}

bool Index::is_accessed(uint64_t address, uint64_t size, uint32_t first, uint32_t last) {
    for (const auto& [segment, range] : large_reads_)
        if (segment >= first && segment <= last && address < range.address + range.size &&
            range.address < address + size)
            return true;
    for (const auto& chunk : chunks_) {
        if (chunk->end_segment() <= first || chunk->first_segment() > last) continue;
        for (uint64_t done = 0; done < size;) {
            const uint64_t at = address + done, offset = at % PAGE_SIZE;
            const uint64_t count = std::min(size - done, PAGE_SIZE - offset);
            const auto low = static_cast<uint32_t>(offset / GRANULE);
            const auto high = static_cast<uint32_t>((offset + count - 1) / GRANULE);
            done += count;
            if (!chunk->has_page(at / PAGE_SIZE)) continue;
            for (const PageVisit& visit : chunk->visits(at / PAGE_SIZE, blocks_))
                if (visit.segment >= first && visit.segment <= last &&
                    (any_bit(visit.reads, low, high - low + 1) ||
                     any_bit(visit.writes, low, high - low + 1)))
                    return true;
        }
    }
    return false;
}

ptrdiff_t Index::last_range(uint64_t page, uint32_t segment, uint32_t order) const {
    auto at =
        std::lower_bound(ranges_.begin(), ranges_.end(), std::pair(segment, order),
                         [](const PlacedRange& range, const std::pair<uint32_t, uint32_t>& value) {
                             return std::pair(range.segment, range.order) < value;
                         });
    const uint64_t address = page * PAGE_SIZE;
    while (at != ranges_.begin()) {
        --at;
        if (address - at->change.address < at->change.size) return at - ranges_.begin();
    }
    return -1;
}

PageBytes Index::overlay(uint64_t page, uint32_t from, uint32_t to) {
    // Newest chunk first: its image of the page makes older ones needless.
    auto chunk = std::lower_bound(
        chunks_.begin(), chunks_.end(), to,
        [](const auto& value, uint32_t segment) { return value->first_segment() < segment; });
    PageBytes bytes;
    while (chunk != chunks_.begin()) {
        --chunk;
        if ((*chunk)->end_segment() <= from) break;
        if ((*chunk)->has_page(page) && (*chunk)->overlay(page, from, to, bytes, blocks_)) break;
    }
    return bytes;
}

PageBytes Index::page_before(uint64_t page, uint32_t segment) {
    const ptrdiff_t last = last_range(page, segment, 0);
    return overlay(page, last < 0 ? 0 : ranges_[static_cast<size_t>(last)].segment, segment);
}

void Index::build(const Progress& progress, uint32_t threads, uint32_t wanted,
                  std::shared_mutex& readers) {
    const size_t most = kind_ == Kind::Whole ? CHUNK_SEGMENTS : OUTLINE_SEGMENTS;
    {
        const std::unique_lock changing(readers);
        if (!file_.prepare(size_)) {
            chunks_.clear();
            ranges_.clear();
            switches_.clear();
            large_reads_.clear();
            unknown_ = {};
            blocks_.forget();
            size_ = 0;
        }
    }
    const DerivedFile::Lock lock(file_);
    {
        const std::unique_lock changing(readers);
        read_chunks();
    }
    file_.truncate(size_);
    const auto count = static_cast<uint32_t>(trace_.store().segment_count());
    const uint32_t total = std::min(count, (wanted + STEP - 1) / STEP * STEP);
    std::vector<SegmentSummary> pending;
    size_t pending_bytes = 0;
    UnknownRanges unknown = unknown_;
    const auto flush = [&] {
        const uint32_t first = pending.front().segment;
        const auto chunk =
            encode_chunk(pending, [&](uint64_t page) { return page_before(page, first); });
        write_chunk(file_, size_, chunk);
        pending.clear();
        pending_bytes = 0;
        const std::unique_lock changing(readers);
        read_chunks();
    };
    for (uint32_t next = covered(); next < total;) {
        if (progress) progress(next, total);
        const uint32_t step = std::min<uint32_t>(
            {total - next, 8 * threads, static_cast<uint32_t>(most - pending.size())});
        const size_t unknown_before = unknown.count();
        for (SegmentSummary& summary : summarise_segments(next, step, threads, unknown)) {
            // Segments after one that maps unknown contents have to know of it.
            if (kind_ == Kind::Whole && unknown.count() != unknown_before) break;
            for (const IndexedRecord& record : summary.records) add_unknown(record, unknown);
            pending_bytes += summary.encoded.size();
            pending.push_back(std::move(summary));
            ++next;
        }
        if (pending.size() == most || pending_bytes > CHUNK_BYTES || next == total) flush();
    }
    if (progress) progress(total, total);
}

}  // namespace reven
