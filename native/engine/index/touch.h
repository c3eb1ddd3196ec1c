// SPDX-License-Identifier: Apache-2.0
// What a segment does to each page of memory, for the index: which 8-byte
// granules it reads and writes, and the bytes it leaves behind.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "replay/replay.h"

namespace reven {

inline constexpr uint64_t PAGE_SIZE = 4096;
inline constexpr uint32_t GRANULE = 8;
inline constexpr uint32_t GRANULES_PER_PAGE = PAGE_SIZE / GRANULE;

// What the kernel reads at once, if it is more, stands in the index as a range.
inline constexpr uint64_t LARGEST_PAGED_READ = 64 << 10;

using GranuleSet = std::array<uint64_t, GRANULES_PER_PAGE / 64>;
using ByteSet = std::array<uint64_t, PAGE_SIZE / 64>;

template <size_t N>
void set_bits(std::array<uint64_t, N>& set, uint32_t first, uint32_t count) {
    for (uint32_t bit = first; bit < first + count;) {
        const uint32_t in_word = bit & 63;
        const uint32_t span = std::min(64 - in_word, first + count - bit);
        const uint64_t ones = span == 64 ? ~uint64_t{0} : (uint64_t{1} << span) - 1;
        set[bit >> 6] |= ones << in_word;
        bit += span;
    }
}

template <size_t N>
bool any_bit(const std::array<uint64_t, N>& set, uint32_t first, uint32_t count) {
    std::array<uint64_t, N> wanted{};
    set_bits(wanted, first, count);
    for (size_t i = 0; i < N; ++i)
        if (set[i] & wanted[i]) return true;
    return false;
}

// Known bytes of a page, newest first or last as the caller overlays them.
struct PageBytes {
    std::array<uint8_t, PAGE_SIZE> data{};
    ByteSet known{};

    void write(uint32_t offset, std::span<const uint8_t> bytes) {
        std::memcpy(data.data() + offset, bytes.data(), bytes.size());
        set_bits(known, offset, static_cast<uint32_t>(bytes.size()));
    }
    bool is_known(uint32_t offset) const { return known[offset >> 6] >> (offset & 63) & 1; }
    bool empty() const {
        for (const uint64_t word : known)
            if (word) return false;
        return true;
    }
};

struct PageTouch {
    uint64_t page = 0;
    GranuleSet reads{};
    GranuleSet writes{};
    PageBytes bytes;
};

// Encoded forms, for the index (docs/trace-format.md).
void encode_granules(const GranuleSet& set, std::vector<uint8_t>& out);
GranuleSet decode_granules(ByteReader& in);
void encode_page_bytes(const PageBytes& bytes, std::vector<uint8_t>& out);
void decode_page_bytes(ByteReader& in, PageBytes& onto);
void skip_page_bytes(ByteReader& in);

// What happened to a whole range of memory.
// Image: contents of a mapping, which stand in the trace itself and are not repeated in the index.
enum class RangeKind : uint8_t { Zero, Unknown, Unmapped, Moved, Image };

struct RangeChange {
    RangeKind kind = RangeKind::Zero;
    uint64_t address = 0;
    uint64_t size = 0;
    uint64_t from = 0;  // MOVED: where the contents were
};

// The range changes that a record makes, 0 to 2 of them; partial pages at the
// ends of a zeroed range are left out: their bytes are in `zeroed`.
struct RangeChanges {
    std::vector<RangeChange> changes;
    std::vector<std::pair<uint64_t, uint64_t>> zeroed;  // address, size; less than a page each
};
RangeChanges range_changes(const RecordView& record);

// Ranges that were mapped with contents the recorder did not store. What the
// program loads from them is all that is known of them.
class UnknownRanges {
   public:
    void add(const RecordView& record);
    bool touches(uint64_t address, uint32_t size) const {
        for (const auto& [first, count] : ranges_)
            if (address < first + count && address + size > first) return true;
        return false;
    }
    size_t count() const { return ranges_.size(); }

   private:
    std::vector<std::pair<uint64_t, uint64_t>> ranges_;
};

// Visitor of Replayer::run_accesses.
class TouchCollector {
   public:
    explicit TouchCollector(UnknownRanges unknown) : unknown_(std::move(unknown)) {}

    void load(uint32_t, uint64_t address, uint32_t size, const uint8_t* value) {
        if (unknown_.touches(address, size)) write(address, size, value, false);
        const uint64_t offset = address % PAGE_SIZE;
        if (offset + size <= PAGE_SIZE) [[likely]] {
            set_bits(page(address / PAGE_SIZE).reads, static_cast<uint32_t>(offset / GRANULE),
                     static_cast<uint32_t>((offset + size - 1) / GRANULE - offset / GRANULE + 1));
            return;
        }
        read(address, size);
    }
    void store(uint32_t, uint64_t address, uint32_t size, const uint8_t* value) {
        write(address, size, value, true);
    }
    void record(const RecordPoint&, const RecordView& record);
    bool done(uint32_t) { return false; }

    // Pages touched, ascending.
    std::vector<const PageTouch*> pages() const;

   private:
    template <typename Piece>
    void for_pieces(uint64_t address, uint64_t size, Piece piece) {
        for (uint64_t done = 0; done < size;) {
            const uint64_t at = address + done;
            const auto offset = static_cast<uint32_t>(at % PAGE_SIZE);
            const auto count = static_cast<uint32_t>(std::min(size - done, PAGE_SIZE - offset));
            piece(page(at / PAGE_SIZE), offset, count, done);
            done += count;
        }
    }
    void read(uint64_t address, uint64_t size);
    void write(uint64_t address, uint64_t size, const uint8_t* value, bool is_access);

    PageTouch& page(uint64_t number) {
        auto& recent = recent_[number % recent_.size()];
        if (recent && recent->page == number) [[likely]]
            return *recent;
        auto& entry = pages_[number];
        if (!entry) {
            entry = std::make_unique<PageTouch>();
            entry->page = number;
        }
        recent = entry.get();
        return *entry;
    }

    UnknownRanges unknown_;
    std::array<PageTouch*, 16> recent_{};
    std::unordered_map<uint64_t, std::unique_ptr<PageTouch>> pages_;
};

}  // namespace reven
