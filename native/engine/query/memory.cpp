// SPDX-License-Identifier: Apache-2.0
#include "query/memory.h"

#include <algorithm>
#include <cstring>

namespace reven {

struct WriteLog::Visitor {
    WriteLog& log;
    UnknownRanges unknown;

    void add(uint32_t context, uint64_t address, size_t size, const uint8_t* value) {
        log.entries_.push_back({address, context, static_cast<uint32_t>(size),
                                static_cast<uint32_t>(log.bytes_.size())});
        log.bytes_.insert(log.bytes_.end(), value, value + size);
    }
    void load(uint32_t transition, uint64_t address, uint32_t size, const uint8_t* value) {
        if (unknown.touches(address, size)) add(transition, address, size, value);
    }
    void store(uint32_t transition, uint64_t address, uint32_t size, const uint8_t* value) {
        add(transition + 1, address, size, value);
    }
    void record(const RecordPoint& point, const RecordView& record) {
        if (record.header->type == REVEN_MEMORY) {
            const auto bytes = record.rest(sizeof(reven_memory));
            if (!bytes.empty())
                add(point.context, record.as<reven_memory>().address, bytes.size(), bytes.data());
        }
        unknown.add(record);
        const RangeChanges ranges = range_changes(record);
        for (const RangeChange& change : ranges.changes) {
            log.entries_.push_back(
                {change.address, point.context, 0, static_cast<uint32_t>(log.ranges_.size())});
            log.ranges_.push_back(change);
        }
        static constexpr uint8_t ZEROS[PAGE_SIZE] = {};
        for (const auto& [address, size] : ranges.zeroed) add(point.context, address, size, ZEROS);
    }
    bool done(uint32_t) { return false; }
};

WriteLog::WriteLog(const SegmentView& view, BlockCache& blocks, const UnknownRanges& unknown) {
    Visitor visitor{*this, unknown};
    Replayer replayer(view, blocks);
    // Loads matter only where they are all that is known.
    const bool maps_unknown =
        std::any_of(view.records().begin(), view.records().end(), [&](const RecordPoint& point) {
            UnknownRanges ranges;
            ranges.add(view.record(point));
            return ranges.count() != 0;
        });
    if (unknown.count() != 0 || maps_unknown)
        replayer.run_accesses(visitor);
    else
        replayer.run_accesses<Effects::Writes>(visitor);
}

std::shared_ptr<const WriteLog> MemoryReader::log(size_t segment) {
    if (auto found = logs_.find(segment)) return found;
    auto built =
        std::make_shared<const WriteLog>(*trace_.view(segment), trace_.blocks(), index_.unknown());
    logs_.put(segment, built);
    return built;
}

namespace {

// Copies to `page` the bytes of `older` that it does not know.
void fill_unknown(PageBytes& page, const PageBytes& older) {
    for (size_t word = 0; word < page.known.size(); ++word) {
        uint64_t missing = older.known[word] & ~page.known[word];
        if (missing == ~uint64_t{0}) {
            std::memcpy(page.data.data() + word * 64, older.data.data() + word * 64, 64);
        } else {
            for (uint64_t bits = missing; bits; bits &= bits - 1) {
                const size_t at = word * 64 + static_cast<size_t>(std::countr_zero(bits));
                page.data[at] = older.data[at];
            }
        }
        page.known[word] |= missing;
    }
}

// The part of a page that a segment wrote up to a context, or up to a range change.
struct PageInSegment {
    PageBytes bytes;
    ptrdiff_t range = -1;  // the last range change that covers the page
};

PageInSegment replay_page(const WriteLog& log, uint64_t number, uint32_t context,
                          uint32_t range_limit) {
    PageInSegment result;
    const uint64_t begin = number * PAGE_SIZE;
    for (const WriteLog::Entry& entry : log.entries()) {
        if (entry.context > context) break;
        if (entry.size == 0) {
            if (entry.data >= range_limit) break;
            const RangeChange& change = log.range(entry.data);
            if (change.kind == RangeKind::Image || begin - change.address >= change.size) continue;
            result.bytes.known = {};
            result.range = entry.data;
            continue;
        }
        if (entry.address >= begin + PAGE_SIZE || entry.address + entry.size <= begin) continue;
        const auto bytes = log.bytes_of(entry);
        const uint64_t first = std::max(entry.address, begin);
        const uint64_t last = std::min(entry.address + entry.size, begin + PAGE_SIZE);
        result.bytes.write(static_cast<uint32_t>(first - begin),
                           bytes.subspan(first - entry.address, last - first));
    }
    return result;
}

}  // namespace

PageBytes MemoryReader::page(uint64_t number, uint64_t context) {
    const size_t segment = trace_.segment_of_context(context);
    return page_in(
        number, segment,
        static_cast<uint32_t>(context - trace_.store().segment(segment).first_transition));
}

PageBytes MemoryReader::page_at_start(uint64_t number, size_t segment) {
    return page_in(number, segment, std::nullopt);
}

PageBytes MemoryReader::page_in(uint64_t number, size_t segment, std::optional<uint32_t> local) {
    uint32_t range_limit = UINT32_MAX;
    PageBytes result;
    // Contents that moved are followed back to where they were before.
    for (;;) {
        std::shared_ptr<const WriteLog> changes;
        PageInSegment here;
        if (local) {
            changes = log(segment);
            here = replay_page(*changes, number, *local, range_limit);
            fill_unknown(result, here.bytes);
        }
        RangeChange range;
        if (here.range >= 0) {
            range = changes->range(static_cast<uint32_t>(here.range));
            range_limit = static_cast<uint32_t>(here.range);
        } else {
            const auto at = static_cast<uint32_t>(segment);
            const ptrdiff_t last = index_.last_range(number, at, 0);
            const uint32_t from = last < 0 ? 0 : index_.range(static_cast<size_t>(last)).segment;
            fill_unknown(result, index_.overlay(number, from, at));
            if (last < 0) return result;
            range = index_.range(static_cast<size_t>(last)).change;
            range_limit = index_.range(static_cast<size_t>(last)).order;
            segment = from;
            local = UINT32_MAX;
        }
        if (range.kind == RangeKind::Zero) {
            PageBytes zeros;
            zeros.known.fill(~uint64_t{0});
            fill_unknown(result, zeros);
        }
        if (range.kind == RangeKind::Image) continue;
        if (range.kind != RangeKind::Moved) return result;
        number = (range.from + (number * PAGE_SIZE - range.address)) / PAGE_SIZE;
    }
}

void MemoryReader::read(uint64_t context, uint64_t address, std::span<uint8_t> data,
                        std::span<uint8_t> known) {
    for (size_t done = 0; done < data.size();) {
        const uint64_t at = address + done;
        const auto offset = static_cast<uint32_t>(at % PAGE_SIZE);
        const size_t count = std::min<size_t>(data.size() - done, PAGE_SIZE - offset);
        const PageBytes bytes = page(at / PAGE_SIZE, context);
        std::memcpy(data.data() + done, bytes.data.data() + offset, count);
        for (size_t i = 0; i < count; ++i) {
            known[done + i] = bytes.is_known(offset + static_cast<uint32_t>(i));
            if (!known[done + i]) data[done + i] = 0;
        }
        done += count;
    }
}

}  // namespace reven
