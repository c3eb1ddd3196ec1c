// SPDX-License-Identifier: Apache-2.0
#include "index/touch.h"

#include <algorithm>

#include "base/bytes.h"

namespace reven {
namespace {

// Calls `run(first, count)` for each run of ones.
template <size_t N, typename Run>
void for_runs(const std::array<uint64_t, N>& set, Run run) {
    const auto next = [&](uint32_t from, bool one) {
        for (uint32_t bit = from; bit < N * 64;) {
            uint64_t word = one ? set[bit >> 6] : ~set[bit >> 6];
            word >>= bit & 63;
            if (word) return bit + static_cast<uint32_t>(std::countr_zero(word));
            bit = (bit | 63) + 1;
        }
        return static_cast<uint32_t>(N * 64);
    };
    for (uint32_t first = next(0, true); first < N * 64;) {
        const uint32_t end = next(first, false);
        run(first, end - first);
        first = next(end, true);
    }
}

template <size_t N>
void encode_runs(const std::array<uint64_t, N>& set, std::vector<uint8_t>& out) {
    uint32_t count = 0;
    for_runs(set, [&](uint32_t, uint32_t) { ++count; });
    put_varint(out, count);
    uint32_t end = 0;
    for_runs(set, [&](uint32_t first, uint32_t length) {
        put_varint(out, first - end);
        put_varint(out, length);
        end = first + length;
    });
}

template <size_t N, typename Run>
void decode_runs(ByteReader& in, Run run) {
    const uint32_t count = in.count(N * 32);
    uint32_t end = 0;
    for (uint32_t i = 0; i < count; ++i) {
        const uint32_t first = end + in.count(N * 64);
        const uint32_t length = in.count(N * 64);
        if (first + length > N * 64)
            throw TraceError("the index is damaged: a run leaves its page");
        run(first, length);
        end = first + length;
    }
}

constexpr size_t BYTE_WORDS = std::tuple_size_v<ByteSet>;
constexpr size_t GRANULE_WORDS = std::tuple_size_v<GranuleSet>;

}  // namespace

void encode_granules(const GranuleSet& set, std::vector<uint8_t>& out) { encode_runs(set, out); }

GranuleSet decode_granules(ByteReader& in) {
    GranuleSet set{};
    decode_runs<GRANULE_WORDS>(
        in, [&](uint32_t first, uint32_t count) { set_bits(set, first, count); });
    return set;
}

void encode_page_bytes(const PageBytes& bytes, std::vector<uint8_t>& out) {
    encode_runs(bytes.known, out);
    for_runs(bytes.known, [&](uint32_t first, uint32_t count) {
        put_bytes(out, bytes.data.data() + first, count);
    });
}

void decode_page_bytes(ByteReader& in, PageBytes& onto) {
    std::vector<std::pair<uint32_t, uint32_t>> runs;
    decode_runs<BYTE_WORDS>(
        in, [&](uint32_t first, uint32_t count) { runs.emplace_back(first, count); });
    for (const auto& [first, count] : runs) onto.write(first, {in.take(count), count});
}

void skip_page_bytes(ByteReader& in) {
    size_t total = 0;
    decode_runs<BYTE_WORDS>(in, [&](uint32_t, uint32_t count) { total += count; });
    in.take(total);
}

RangeChanges range_changes(const RecordView& record) {
    RangeChanges result;
    const auto whole_pages = [&](RangeKind kind, uint64_t address, uint64_t size) {
        const uint64_t end = address + size;
        const uint64_t first = (address + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
        const uint64_t last = end / PAGE_SIZE * PAGE_SIZE;
        if (first >= last) {
            if (kind == RangeKind::Zero && size != 0) result.zeroed.emplace_back(address, size);
            return;
        }
        if (kind == RangeKind::Zero && address < first)
            result.zeroed.emplace_back(address, first - address);
        if (kind == RangeKind::Zero && last < end) result.zeroed.emplace_back(last, end - last);
        result.changes.push_back({kind, first, last - first, 0});
    };
    switch (record.header->type) {
        case REVEN_MAP: {
            const auto& map = record.as<reven_map>();
            whole_pages(map.kind == REVEN_MAP_UNKNOWN ? RangeKind::Unknown : RangeKind::Zero,
                        map.address, map.size);
            break;
        }
        case REVEN_UNMAP:
            whole_pages(RangeKind::Unmapped, record.as<reven_range>().address,
                        record.as<reven_range>().size);
            break;
        case REVEN_REMAP: {
            const auto& move = record.as<reven_remap>();
            result.changes.push_back({RangeKind::Moved, move.to, move.size, move.from});
            result.changes.push_back({RangeKind::Unmapped, move.from, move.size, 0});
            break;
        }
        case REVEN_MEMORY: {
            const auto& memory = record.as<reven_memory>();
            if (memory.cause == REVEN_CAUSE_IMAGE)
                whole_pages(RangeKind::Image, memory.address, record.header->size - sizeof memory);
            break;
        }
        default:
            break;
    }
    return result;
}

void UnknownRanges::add(const RecordView& record) {
    if (record.header->type != REVEN_MAP) return;
    const auto& map = record.as<reven_map>();
    if (map.kind == REVEN_MAP_UNKNOWN) ranges_.emplace_back(map.address, map.size);
}

void TouchCollector::write(uint64_t address, uint64_t size, const uint8_t* value, bool is_access) {
    for_pieces(address, size, [&](PageTouch& touch, uint32_t at, uint32_t count, uint64_t done) {
        if (is_access)
            set_bits(touch.writes, at / GRANULE, (at + count - 1) / GRANULE - at / GRANULE + 1);
        touch.bytes.write(at, {value + done, count});
    });
}

void TouchCollector::read(uint64_t address, uint64_t size) {
    for_pieces(address, size, [&](PageTouch& touch, uint32_t at, uint32_t count, uint64_t) {
        set_bits(touch.reads, at / GRANULE, (at + count - 1) / GRANULE - at / GRANULE + 1);
    });
}

void TouchCollector::record(const RecordPoint&, const RecordView& record) {
    if (record.header->type == REVEN_MEMORY) {
        const auto& memory = record.as<reven_memory>();
        const auto bytes = record.rest(sizeof memory);
        write(memory.address, bytes.size(), bytes.data(), memory.cause != REVEN_CAUSE_IMAGE);
    }
    if (record.header->type == REVEN_KERNEL_READ)
        for (const reven_range& range : ranges_of(record))
            if (range.size <= LARGEST_PAGED_READ) read(range.address, range.size);
    unknown_.add(record);
    const RangeChanges ranges = range_changes(record);
    for (const RangeChange& change : ranges.changes)
        for (auto& [number, touch] : pages_)
            if (number * PAGE_SIZE - change.address < change.size) touch->bytes.known = {};
    static constexpr uint8_t ZEROS[PAGE_SIZE] = {};
    for (const auto& [address, size] : ranges.zeroed) write(address, size, ZEROS, false);
}

std::vector<const PageTouch*> TouchCollector::pages() const {
    std::vector<const PageTouch*> sorted;
    sorted.reserve(pages_.size());
    for (const auto& [number, touch] : pages_) sorted.push_back(touch.get());
    std::sort(sorted.begin(), sorted.end(),
              [](const auto* a, const auto* b) { return a->page < b->page; });
    return sorted;
}

}  // namespace reven
