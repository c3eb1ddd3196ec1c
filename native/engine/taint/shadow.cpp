// SPDX-License-Identifier: Apache-2.0
#include "taint/shadow.h"

#include <algorithm>

namespace reven {
namespace {

// Calls `piece(page, offset, count, done)` for each page of a range.
template <typename Piece>
void for_pages(uint64_t address, uint64_t size, Piece piece) {
    for (uint64_t done = 0; done < size;) {
        const uint64_t at = address + done;
        const auto offset = static_cast<uint32_t>(at % MemoryTaint::PAGE);
        const auto count =
            static_cast<uint32_t>(std::min<uint64_t>(size - done, MemoryTaint::PAGE - offset));
        piece(at / MemoryTaint::PAGE, offset, count, done);
        done += count;
    }
}

bool any_byte(const uint8_t* bytes, size_t count) {
    return std::any_of(bytes, bytes + count, [](uint8_t byte) { return byte != 0; });
}

}  // namespace

bool MemoryTaint::any(uint64_t address, uint64_t size) const {
    if (pages_.empty() || size == 0) return false;
    const uint64_t last = (address + (size - 1)) / PAGE;
    if (last - address / PAGE > 4) {
        for (auto at = pages_.lower_bound(address / PAGE); at != pages_.end() && at->first <= last;
             ++at) {
            const uint64_t base = at->first * PAGE;
            const uint64_t low = std::max(base, address) - base;
            const uint64_t high = std::min(base + PAGE, address + size) - base;
            if (any_byte(at->second->mask.data() + low, high - low)) return true;
        }
        return false;
    }
    bool found = false;
    for_pages(address, size, [&](uint64_t number, uint32_t offset, uint32_t count, uint64_t) {
        const Page* page = found ? nullptr : find(number);
        if (page) found = any_byte(page->mask.data() + offset, count);
    });
    return found;
}

void MemoryTaint::read(uint64_t address, uint32_t size, uint8_t* masks) const {
    for_pages(address, size, [&](uint64_t number, uint32_t offset, uint32_t count, uint64_t done) {
        if (const Page* page = find(number))
            std::memcpy(masks + done, page->mask.data() + offset, count);
        else
            std::memset(masks + done, 0, count);
    });
}

MemoryTaint::Page& MemoryTaint::own(uint64_t number) {
    std::shared_ptr<Page>& page = pages_[number];
    if (!page)
        page = std::make_shared<Page>();
    else if (page.use_count() > 1)
        page = std::make_shared<Page>(*page);
    last_number_ = number;
    last_ = page.get();
    return *page;
}

void MemoryTaint::write(uint64_t address, uint32_t size, const uint8_t* masks) {
    for_pages(address, size, [&](uint64_t number, uint32_t offset, uint32_t count, uint64_t done) {
        const Page* known = find(number);
        if (!known && !any_byte(masks + done, count)) return;
        if (known && std::memcmp(known->mask.data() + offset, masks + done, count) == 0) return;
        Page& page = own(number);
        for (uint32_t i = 0; i < count; ++i) {
            uint8_t& mask = page.mask[offset + i];
            page.tainted += (masks[done + i] != 0) - (mask != 0);
            mask = masks[done + i];
        }
        if (page.tainted > 0) return;
        pages_.erase(number);
        forget_last();
    });
}

void MemoryTaint::clear(uint64_t address, uint64_t size) {
    if (size == 0) return;
    static constexpr uint8_t NOTHING[PAGE] = {};
    const uint64_t last = address + (size - 1);
    std::vector<uint64_t> numbers;
    for (auto at = pages_.lower_bound(address / PAGE);
         at != pages_.end() && at->first <= last / PAGE; ++at)
        numbers.push_back(at->first);
    for (const uint64_t number : numbers) {
        const uint64_t low = std::max(number * PAGE, address);
        const uint64_t high = std::min(number * PAGE + (PAGE - 1), last);
        write(low, static_cast<uint32_t>(high - low + 1), NOTHING);
    }
}

void MemoryTaint::move(uint64_t from, uint64_t to, uint64_t size) {
    std::vector<std::pair<uint64_t, uint8_t>> moved;
    for_tainted(from, size, [&](uint64_t address, uint8_t mask) {
        moved.emplace_back(address - from + to, mask);
    });
    clear(from, size);
    clear(to, size);
    for (const auto& [address, mask] : moved) write(address, 1, &mask);
}

void TaintState::find_live() {
    live = {};
    for (const TagTaint& tag : tags)
        for (uint32_t at = 0; at < RegisterWords::COUNT; ++at) {
            uint64_t word;
            std::memcpy(&word, tag.registers.data() + 8 * at, sizeof word);
            if (word) live.add(8 * at, 8);
        }
}

void TaintState::make_filter() {
    filter.clear();
    constexpr uint64_t LINE = 64;
    for (const TagTaint& tag : tags)
        for (const auto& [number, page] : tag.memory.pages())
            for (uint64_t at = 0; at < MemoryTaint::PAGE; at += LINE)
                if (any_byte(page->mask.data() + at, LINE))
                    filter.add(number * MemoryTaint::PAGE + at, LINE);
}

bool TaintState::any_elsewhere() const {
    const auto tainted = [](const RegisterTaint& registers) {
        return any_byte(registers.data(), registers.size());
    };
    for (const TagTaint& tag : tags) {
        for (const auto& [_, registers] : tag.waiting)
            if (tainted(registers)) return true;
        for (const auto& [_, stack] : tag.interrupted)
            if (std::any_of(stack.begin(), stack.end(), tainted)) return true;
    }
    return false;
}

size_t TaintState::bytes() const {
    size_t total = sizeof *this;
    for (const TagTaint& tag : tags) {
        total += sizeof tag + tag.waiting.size() * (sizeof(RegisterTaint) + 48) +
                 tag.memory.pages().size() * 64;
        for (const auto& [_, stack] : tag.interrupted)
            total += 48 + stack.size() * sizeof(RegisterTaint);
    }
    return total;
}

}  // namespace reven
