// SPDX-License-Identifier: Apache-2.0
#include "strings/scan.h"

#include <emmintrin.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.h"

namespace reven {
namespace {

// What is no string may become part of one when something this near changes:
// less than five characters of at most four bytes.
constexpr uint32_t REACH = 20;
constexpr uint32_t NO_ENTRY = UINT32_MAX;
constexpr uint64_t NEVER = UINT64_MAX;

template <size_t N>
void clear_bits(std::array<uint64_t, N>& set, uint32_t first, uint32_t count) {
    for (uint32_t bit = first; bit < first + count;) {
        const uint32_t in_word = bit & 63;
        const uint32_t span = std::min(64 - in_word, first + count - bit);
        const uint64_t ones = span == 64 ? ~uint64_t{0} : (uint64_t{1} << span) - 1;
        set[bit >> 6] &= ~(ones << in_word);
        bit += span;
    }
}

bool is_set(const ByteSet& set, uint32_t bit) { return set[bit >> 6] >> (bit & 63) & 1; }

// Bits of a set from one on, at most 64, beyond the page's end 0.
uint64_t bits_from(const ByteSet& set, uint32_t first, uint32_t count) {
    const uint32_t word = first >> 6, shift = first & 63;
    uint64_t bits = set[word] >> shift;
    if (shift != 0 && word + 1 < set.size()) bits |= set[word + 1] << (64 - shift);
    return count >= 64 ? bits : bits & ((uint64_t{1} << count) - 1);
}

bool all_set(const ByteSet& set, uint32_t first, uint32_t count) {
    if (count > 64) return false;
    const uint64_t ones = count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
    return bits_from(set, first, count) == ones;
}

bool any_set(const ByteSet& set, uint32_t first, uint32_t count) {
    for (; count > 64; first += 64, count -= 64)
        if (bits_from(set, first, 64)) return true;
    return bits_from(set, first, count) != 0;
}

// One bit for each of 16 bytes that is_text_byte accepts.
uint32_t text_mask(const uint8_t* at) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    // Signed: above 0x1f, or negative.
    const __m128i low = _mm_cmpgt_epi8(bytes, _mm_set1_epi8(0x1f));
    const __m128i high = _mm_cmplt_epi8(bytes, _mm_setzero_si128());
    const __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
    const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
    const __m128i text = _mm_andnot_si128(del, _mm_or_si128(_mm_or_si128(low, high), tab));
    return static_cast<uint32_t>(_mm_movemask_epi8(text));
}

uint32_t zero_mask(const uint8_t* at) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    return static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128())));
}

// Whether a string may touch bytes of a page: false only if certainly none does.
bool may_be_text(const uint8_t* page, uint32_t offset, uint32_t size) {
    constexpr uint32_t BEFORE = 9;
    if (size > 8 || offset < BEFORE || offset + 32 - BEFORE > PAGE_SIZE) return true;
    const uint8_t* from = page + offset - BEFORE;
    const uint32_t text = text_mask(from) | text_mask(from + 16) << 16;
    if (text & text >> 1 & text >> 2 & text >> 3 & text >> 4) return true;
    const uint32_t unit = text & (zero_mask(from) | zero_mask(from + 16) << 16) >> 1;
    return unit & unit >> 2 & unit >> 4 & unit >> 6 & unit >> 8;
}

uint64_t mix(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 29;
}

}  // namespace

uint8_t StringScan::byte(uint64_t address) {
    const Page* page = memory_.find(address / PAGE_SIZE);
    return page ? page->data[address % PAGE_SIZE] : 0;
}

void StringScan::add(const SegmentView& view, uint32_t segment, BlockCache& blocks) {
    memory_.trim(most_pages_, segment, [this](Page& page) { leave(page); });
    memory_.begin(segment);
    first_transition_ = view.first_transition();
    Replayer(view, blocks).run_accesses(*this);
}

void StringScan::finish() {
    std::vector<Page*> pages;
    memory_.for_all_pages([&](Page& page) { pages.push_back(&page); });
    std::sort(pages.begin(), pages.end(), [](auto* a, auto* b) { return a->number < b->number; });
    for (Page* page : pages) take_fresh(*page, 0, PAGE_SIZE, NEVER);
}

void StringScan::load(uint32_t transition, uint64_t address, uint32_t size, const uint8_t* value) {
    const uint64_t now = first_transition_ + transition;
    if (unknown_.touches(address, size)) {
        for_page_pieces(address, size,
                        [&](uint64_t number, uint32_t at, uint32_t count, uint64_t done) {
                            Page& page = memory_.page(number);
                            if (std::memcmp(page.data.data() + at, value + done, count) != 0)
                                change(page, at, count, value + done);
                        });
    }
    read(address, size, now);
}

void StringScan::read(uint64_t address, uint32_t size, uint64_t now) {
    const auto offset = static_cast<uint32_t>(address % PAGE_SIZE);
    if (offset + size <= PAGE_SIZE) [[likely]] {
        read(memory_.page(address / PAGE_SIZE), offset, size, now);
        return;
    }
    for_page_pieces(address, size, [&](uint64_t number, uint32_t at, uint32_t count, uint64_t) {
        read(memory_.page(number), at, count, now);
    });
}

void StringScan::read(Page& page, uint32_t offset, uint32_t size, uint64_t transition) {
    if (!all_set(page.settled, offset, size)) {
        if (may_be_text(page.data.data(), offset, size)) {
            TextFinder finder([this](uint64_t at) { return byte(at); });
            const uint64_t begin = page.number * PAGE_SIZE;
            for (uint32_t i = offset; i < offset + size; ++i) {
                if (is_set(page.settled, i)) continue;
                // The high byte of a UTF-16 unit is no text by itself.
                const bool is_high = page.data[i] == 0 && is_text_unit(byte(begin + i - 1));
                if (!is_high && !is_text_byte(page.data[i])) continue;
                const auto run = finder.at(begin + i - is_high);
                if (is_high && run && run->encoding != TextEncoding::Utf16) continue;
                if (run && run->characters >= SHORTEST_STRING) {
                    recognise(*run, true, transition);
                } else if (run) {
                    settle(run->address, run->size, true);
                }
            }
        }
        set_bits(page.settled, offset, size);
    }
    if (page.owner) touch(page, offset, size, transition);
}

void StringScan::store(uint32_t transition, uint64_t address, uint32_t size, const uint8_t* value) {
    write(address, size, value, first_transition_ + transition, true);
}

void StringScan::write(uint64_t address, uint32_t size, const uint8_t* value, uint64_t transition,
                       bool is_access) {
    const auto take = [&](Page& page, uint32_t at, uint32_t count) {
        if (any_set(page.fresh, at, count)) take_fresh(page, at, count, transition);
    };
    const auto put = [&](Page& page, uint32_t at, uint32_t count, const uint8_t* bytes) {
        if (std::memcmp(page.data.data() + at, bytes, count) != 0) change(page, at, count, bytes);
        if (!is_access) return;
        if (page.owner) touch(page, at, count, transition);
        mark_fresh(page, at, count, transition);
    };
    const auto offset = static_cast<uint32_t>(address % PAGE_SIZE);
    if (offset + size <= PAGE_SIZE) [[likely]] {
        Page& page = memory_.page(address / PAGE_SIZE);
        take(page, offset, size);
        put(page, offset, size, value);
        return;
    }
    for_page_pieces(address, size, [&](uint64_t number, uint32_t at, uint32_t count, uint64_t) {
        take(memory_.page(number), at, count);
    });
    for_page_pieces(address, size,
                    [&](uint64_t number, uint32_t at, uint32_t count, uint64_t done) {
                        put(memory_.page(number), at, count, value + done);
                    });
}

void StringScan::change(Page& page, uint32_t offset, uint32_t size, const uint8_t* value) {
    const uint64_t address = page.number * PAGE_SIZE + offset;
    const bool is_inner = offset >= REACH && offset + size + REACH <= PAGE_SIZE;
    if (page.owner || !is_inner) retire(address - 2, size + 4);
    std::memcpy(page.data.data() + offset, value, size);
    if (is_inner) {
        clear_bits(page.settled, offset - REACH, size + 2 * REACH);
    } else {
        settle(address - REACH, size + 2 * REACH, false);
    }
    clear_bits(page.fresh, offset, size);
}

// Text that was written and is not part of a recognised string.
void StringScan::mark_fresh(Page& page, uint32_t offset, uint32_t size, uint64_t transition) {
    for (uint32_t begin = offset; begin < offset + size; begin += 16) {
        const uint32_t count = std::min(offset + size - begin, 16u);
        uint8_t bytes[16] = {};
        std::memcpy(bytes, page.data.data() + begin, count);
        uint32_t text = text_mask(bytes);
        if (text == 0) continue;
        if (page.owner)
            for (uint32_t i = 0; i < count; ++i)
                if ((*page.owner)[begin + i]) text &= ~(1u << i);
        if (text == 0) continue;
        if (!page.times) {
            page.times = std::make_unique<std::array<uint32_t, PAGE_SIZE>>();
            page.base = transition;
        }
        if (transition - page.base > UINT32_MAX) {
            take_fresh(page, 0, PAGE_SIZE, NEVER);
            page.fresh = {};
            page.base = transition;
        }
        const auto time = static_cast<uint32_t>(transition - page.base);
        for (; text; text &= text - 1) {
            const uint32_t at = begin + static_cast<uint32_t>(std::countr_zero(text));
            set_bits(page.fresh, at, 1);
            (*page.times)[at] = time;
        }
    }
}

void StringScan::touch(Page& page, uint32_t offset, uint32_t size, uint64_t transition) {
    const auto& owner = *page.owner;
    for (uint32_t i = offset; i < offset + size;) {
        if (owner[i] == 0) {
            ++i;
            continue;
        }
        StringEntry& entry = entries_[page.live[owner[i] - 1u]];
        entry.last_access = std::max(entry.last_access, transition);
        entry.first_access = std::min(entry.first_access, transition);
        i = static_cast<uint32_t>(
            std::min<uint64_t>(entry.address + entry.size - page.number * PAGE_SIZE, PAGE_SIZE));
    }
}

// Recognises the strings that fresh bytes of a range are part of.
void StringScan::take_fresh(Page& page, uint32_t offset, uint32_t size, uint64_t now) {
    if (size <= 8 && !may_be_text(page.data.data(), offset, size)) return;
    TextFinder finder([this](uint64_t at) { return byte(at); });
    const uint64_t begin = page.number * PAGE_SIZE;
    for (uint32_t i = offset; i < offset + size; ++i) {
        if (!is_set(page.fresh, i)) continue;
        const auto run = finder.at(begin + i);
        if (run && run->characters >= SHORTEST_STRING) recognise(*run, false, now);
    }
}

// `now`: the transition that reads it, or is about to write it.
void StringScan::recognise(const TextRun& run, bool is_read, uint64_t now) {
    uint64_t first = is_read ? now : NEVER;
    uint64_t last = is_read ? now : 0;
    const auto for_fresh = [&](auto use) {
        for_page_pieces(run.address, run.size,
                        [&](uint64_t number, uint32_t at, uint32_t count, uint64_t) {
                            Page& page = memory_.page(number);
                            for (uint32_t i = at; i < at + count; ++i)
                                if (is_set(page.fresh, i)) use(page, i);
                        });
    };
    for_fresh([&](Page& page, uint32_t i) {
        const uint64_t time = page.base + (*page.times)[i];
        first = std::min(first, time);
        last = std::max(last, time);
    });
    // What an instruction has half written when it goes on stood at no moment.
    if (!is_read && last == now) return;
    for_fresh([](Page& page, uint32_t i) { clear_bits(page.fresh, i, 1); });
    own(run, entry_of(run, first, last));
    settle(run.address, run.size, true);
}

uint32_t StringScan::entry_of(const TextRun& run, uint64_t first, uint64_t last) {
    text_.clear();
    const uint32_t step = run.encoding == TextEncoding::Utf16 ? 2 : 1;
    for (uint32_t i = 0; i < run.size; i += step) {
        const uint8_t value = byte(run.address + i);
        if (run.encoding == TextEncoding::Utf16 && value >= 0x80) {
            text_.push_back(static_cast<uint8_t>(0xc0 | value >> 6));
            text_.push_back(static_cast<uint8_t>(0x80 | (value & 0x3f)));
        } else {
            text_.push_back(value);
        }
    }
    uint64_t hash = mix(run.address, run.size << 1 | static_cast<uint32_t>(run.encoding));
    const size_t whole = text_.size() / 8 * 8;
    for (size_t i = 0; i < whole; i += 8) hash = mix(hash, read_as<uint64_t>(text_.data() + i));
    uint64_t rest = 0;
    std::memcpy(&rest, text_.data() + whole, text_.size() - whole);
    hash = mix(mix(hash, rest), text_.size());
    const auto [begin, end] = known_.equal_range(hash);
    for (auto at = begin; at != end; ++at) {
        StringEntry& entry = entries_[at->second];
        if (entry.address != run.address || entry.size != run.size) continue;
        entry.first_access = std::min(entry.first_access, first);
        entry.last_access = std::max(entry.last_access, last);
        return at->second;
    }
    const auto number = static_cast<uint32_t>(entries_.size());
    entries_.push_back({run.address, first, last, run.size, run.encoding});
    known_.emplace(hash, number);
    sink_(text_);
    return number;
}

void StringScan::own(const TextRun& run, uint32_t entry) {
    for_page_pieces(
        run.address, run.size, [&](uint64_t number, uint32_t at, uint32_t count, uint64_t) {
            Page& page = memory_.page(number);
            if (!page.owner) page.owner = std::make_unique<std::array<uint16_t, PAGE_SIZE>>();
            uint16_t place;
            if (page.free_places.empty()) {
                place = static_cast<uint16_t>(page.live.size());
                page.live.push_back(entry);
            } else {
                place = page.free_places.back();
                page.free_places.pop_back();
                page.live[place] = entry;
            }
            std::fill_n(page.owner->begin() + at, count, static_cast<uint16_t>(place + 1));
        });
}

// Strings that have a byte in a range are not what they were any more.
void StringScan::retire(uint64_t address, uint64_t size) {
    for_page_pieces(address, size, [&](uint64_t number, uint32_t at, uint32_t count, uint64_t) {
        Page* page = memory_.find(number);
        if (!page || !page->owner) return;
        for (uint32_t i = at; i < at + count; ++i)
            if (const uint16_t owner = (*page->owner)[i]; owner != 0)
                retire_entry(page->live[owner - 1u]);
    });
}

void StringScan::retire_entry(uint32_t number) {
    const StringEntry& entry = entries_[number];
    for_page_pieces(entry.address, entry.size,
                    [&](uint64_t page_number, uint32_t at, uint32_t count, uint64_t) {
                        Page* page = memory_.find(page_number);
                        if (!page || !page->owner) return;
                        const uint16_t owner = (*page->owner)[at];
                        if (owner == 0 || page->live[owner - 1u] != number) return;
                        page->live[owner - 1u] = NO_ENTRY;
                        page->free_places.push_back(static_cast<uint16_t>(owner - 1));
                        std::fill_n(page->owner->begin() + at, count, uint16_t{0});
                        clear_bits(page->settled, at, count);
                    });
}

void StringScan::settle(uint64_t address, uint64_t size, bool is_settled) {
    for_page_pieces(address, size, [&](uint64_t number, uint32_t at, uint32_t count, uint64_t) {
        Page* page = memory_.find(number);
        if (!page) return;
        if (is_settled) {
            set_bits(page->settled, at, count);
        } else {
            clear_bits(page->settled, at, count);
        }
    });
}

// Before a page loses its contents, or is let go.
void StringScan::leave(Page& page) {
    take_fresh(page, 0, PAGE_SIZE, NEVER);
    page.fresh = {};
    if (page.owner) retire(page.number * PAGE_SIZE, PAGE_SIZE);
    page.settled = {};
}

void StringScan::record(const RecordPoint& point, const RecordView& record) {
    if (record.header->type == REVEN_MEMORY) {
        const auto& memory = record.as<reven_memory>();
        const auto bytes = record.rest(sizeof memory);
        const uint64_t context = first_transition_ + point.context;
        const bool is_access = memory.cause != REVEN_CAUSE_IMAGE && context > 0;
        write(memory.address, static_cast<uint32_t>(bytes.size()), bytes.data(),
              is_access ? context - 1 : NEVER, is_access);
    }
    if (record.header->type == REVEN_KERNEL_READ && first_transition_ + point.context > 0)
        for (const reven_range& range : ranges_of(record))
            if (range.size <= LARGEST_PAGED_READ)
                read(range.address, static_cast<uint32_t>(range.size),
                     first_transition_ + point.context - 1);
    unknown_.add(record);
    change_ranges(record);
}

void StringScan::change_ranges(const RecordView& record) {
    const RangeChanges ranges = range_changes(record);
    reven::change_ranges(memory_, ranges, [&](uint64_t first, uint64_t count) {
        std::vector<Page*> pages;
        memory_.for_pages(first, count, [&](Page& page) { pages.push_back(&page); });
        std::sort(pages.begin(), pages.end(),
                  [](auto* a, auto* b) { return a->number < b->number; });
        for (Page* page : pages) leave(*page);
        // What stands right beside the range may be part of other text now.
        settle(first * PAGE_SIZE - REACH, REACH, false);
        settle((first + count) * PAGE_SIZE, REACH, false);
    });
    static constexpr uint8_t ZEROS[PAGE_SIZE] = {};
    for (const auto& [address, size] : ranges.zeroed)
        write(address, static_cast<uint32_t>(size), ZEROS, NEVER, false);
}

}  // namespace reven
