// SPDX-License-Identifier: Apache-2.0
#include "heap/shadow.h"

#include <algorithm>

namespace reven {
namespace {

// Larger blocks are not spread over pages before these are looked at.
constexpr uint64_t LARGE_BLOCK = 64 * PAGE_SIZE;
// Frames leave gaps of this many pages that they never write.
constexpr uint32_t MAX_GAP = 4;

template <typename Visit>
void for_pages(uint64_t address, uint64_t size, Visit visit) {
    while (size != 0) {
        const uint64_t offset = address % PAGE_SIZE;
        const uint64_t count = std::min(size, PAGE_SIZE - offset);
        visit(address / PAGE_SIZE, static_cast<uint32_t>(offset), static_cast<uint32_t>(count));
        address += count;
        size -= count;
    }
}

}  // namespace

HeapShadow::Page* HeapShadow::make(uint64_t number) {
    return (pages_[number] = std::make_unique<Page>()).get();
}

HeapShadow::Page* HeapShadow::look_up(uint64_t number) {
    const auto at = pages_.find(number);
    if (at != pages_.end()) return at->second.get();
    const auto stretch = std::find_if(
        stretches_.begin(), stretches_.end(),
        [&](const Stretch& one) { return one.first_page <= number && number < one.end_page; });
    if (stretch == stretches_.end()) return nullptr;
    Page* page = make(number);
    page->owner.fill(stretch->owner);
    page->has_owner = true;
    page->is_dirty = stretch->written;
    if (stretch->written) page->written.fill(~uint64_t{0});
    return page;
}

HeapShadow::Page& HeapShadow::get(uint64_t number) {
    if (Page* known = find(number)) return *known;
    Page* page = make(number);
    recent_[number % recent_.size()] = {number, page};
    return *page;
}

void HeapShadow::set_owner(uint64_t address, uint64_t size, uint32_t owner) {
    const uint64_t end = address + std::max<uint64_t>(size, 1);
    if (size >= LARGE_BLOCK) {
        const uint64_t first = (address + PAGE_SIZE - 1) / PAGE_SIZE;
        const uint64_t last = end / PAGE_SIZE;
        forget(first * PAGE_SIZE, (last - first) * PAGE_SIZE);
        stretches_.push_back({first, last, owner, false});
        set_owner(address, first * PAGE_SIZE - address, owner);
        if (end % PAGE_SIZE != 0) set_owner(last * PAGE_SIZE, end % PAGE_SIZE, owner);
        return;
    }
    if (address == end) return;
    for (uint64_t at = address / GRANULE * GRANULE; at < end; at += GRANULE) {
        Page& page = get(at / PAGE_SIZE);
        page.owner[at % PAGE_SIZE / GRANULE] = owner;
        page.has_owner = true;
    }
}

void HeapShadow::forget(uint64_t address, uint64_t size) {
    const uint64_t first = address / PAGE_SIZE;
    const uint64_t end = (address + size + PAGE_SIZE - 1) / PAGE_SIZE;
    if (first >= end) return;
    if (end - first < pages_.size()) {
        for (uint64_t number = first; number < end; ++number) pages_.erase(number);
    } else {
        std::erase_if(pages_,
                      [&](const auto& entry) { return first <= entry.first && entry.first < end; });
    }
    recent_.fill({});
    std::vector<Stretch> left;
    for (const Stretch& one : stretches_) {
        if (one.first_page < first)
            left.push_back({one.first_page, std::min(one.end_page, first), one.owner, one.written});
        if (one.end_page > end)
            left.push_back({std::max(one.first_page, end), one.end_page, one.owner, one.written});
    }
    stretches_ = std::move(left);
}

void HeapShadow::set_written(uint64_t address, uint64_t size) {
    for_pages(address, size, [&](uint64_t number, uint32_t begin, uint32_t count) {
        // Of a large block at its beginning, no page exists yet.
        if (count == PAGE_SIZE && !pages_.count(number)) {
            for (Stretch& one : stretches_) {
                if (one.first_page > number || number >= one.end_page) continue;
                if (one.first_page == number && one.end_page * PAGE_SIZE <= address + size) {
                    one.written = true;
                    return;
                }
                if (one.written) return;
            }
        }
        Page& page = get(number);
        page.is_dirty = true;
        set_bits(page.written, begin, count);
    });
}

void HeapShadow::clear_written(uint64_t address, uint64_t size) {
    for_pages(address, size, [&](uint64_t number, uint32_t begin, uint32_t count) {
        Page* page = find(number);
        if (!page || !page->is_dirty) return;
        ByteSet cleared{};
        set_bits(cleared, begin, count);
        for (size_t i = 0; i < cleared.size(); ++i) page->written[i] &= ~cleared[i];
        if (count == PAGE_SIZE) page->is_dirty = false;
    });
}

void HeapShadow::clear_written_below(uint64_t address) {
    uint64_t number = address / PAGE_SIZE;
    clear_written(number * PAGE_SIZE, address % PAGE_SIZE);
    for (uint32_t gap = 0; gap < MAX_GAP && number-- != 0;) {
        Page* page = find(number);
        if (!page || !page->is_dirty) {
            ++gap;
            continue;
        }
        if (page->has_owner) return;
        gap = 0;
        page->written.fill(0);
        page->is_dirty = false;
    }
}

void HeapShadow::copy_written(uint64_t from, uint64_t to, uint64_t size) {
    for (uint64_t at = 0; at < size; at += 64) {
        const auto count = static_cast<uint32_t>(std::min<uint64_t>(64, size - at));
        const uint64_t missing = unwritten(from + at, count);
        for (uint32_t i = 0; i < count; ++i)
            if (!(missing >> i & 1)) set_written(to + at + i, 1);
    }
}

uint64_t HeapShadow::unwritten(uint64_t address, uint32_t size) {
    const uint64_t wanted = size >= 64 ? ~uint64_t{0} : (uint64_t{1} << size) - 1;
    const uint64_t offset = address % PAGE_SIZE;
    const uint32_t here = static_cast<uint32_t>(std::min<uint64_t>(size, PAGE_SIZE - offset));
    uint64_t bits = 0;
    if (const Page* page = find(address / PAGE_SIZE)) {
        const size_t word = offset / 64;
        const uint32_t shift = offset % 64;
        bits = page->written[word] >> shift;
        if (shift != 0 && word + 1 < page->written.size())
            bits |= page->written[word + 1] << (64 - shift);
    }
    if (here < size && here < 64) {
        bits &= (uint64_t{1} << here) - 1;
        bits |= ~unwritten(address + here, size - here) << here;
    }
    return ~bits & wanted;
}

}  // namespace reven
