// SPDX-License-Identifier: Apache-2.0
// What passes over consecutive segments share: the segments, decoded ahead, and
// memory as the pass moves on.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <future>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "index/touch.h"
#include "replay/trace.h"

namespace reven {

// Gives the views of segments one after the other; the next one is decoded meanwhile.
class SegmentStream {
   public:
    SegmentStream(const TraceReader& trace, uint32_t first, uint32_t stop)
        : trace_(trace), next_(first), stop_(stop) {
        load();
    }
    // Null at the end.
    std::shared_ptr<const SegmentView> next() {
        if (!coming_.valid()) return nullptr;
        auto view = coming_.get();
        load();
        return view;
    }

   private:
    void load() {
        if (next_ == stop_) return;
        coming_ = std::async(std::launch::async,
                             [this, segment = next_++] { return trace_.load_view(segment); });
    }

    const TraceReader& trace_;
    uint32_t next_;
    uint32_t stop_;
    std::future<std::shared_ptr<const SegmentView>> coming_;
};

// Pages that a pass has come across, each as it is now; others are fetched as they were
// when the pass last let them go, or when it began. `Page` has `number`, `last_use` (a
// segment), `fill(bytes)`, `clear(is_known)` (to zeros, or to nothing known) and `copy(page)`.
template <typename Page>
class MovingMemory {
   public:
    // Contents of a page at the start of a segment.
    using Fetch = std::function<PageBytes(uint64_t page, uint32_t segment)>;

    MovingMemory(Fetch fetch, uint32_t first_segment)
        : fetch_(std::move(fetch)), first_segment_(first_segment), segment_(first_segment) {}

    void begin(uint32_t segment) {
        segment_ = segment;
        recent_ = {};
    }

    Page& page(uint64_t number) {
        auto& recent = recent_[number % recent_.size()];
        if (recent && recent->number == number) [[likely]]
            return *recent;
        auto& entry = pages_[number];
        if (!entry) entry = make(number);
        entry->last_use = segment_;
        recent = entry.get();
        return *entry;
    }
    // Null where nothing is but zeros or unknown bytes.
    Page* find(uint64_t number) {
        const auto& recent = recent_[number % recent_.size()];
        if (recent && recent->number == number) return recent;
        return pages_.count(number) || is_elsewhere(number) ? &page(number) : nullptr;
    }
    // Calls `use(page)` for the pages of [first, first + count) that are here.
    template <typename Use>
    void for_pages(uint64_t first, uint64_t count, Use use) {
        if (count > pages_.size()) {
            for (auto& [number, page] : pages_)
                if (number - first < count) use(*page);
            return;
        }
        for (uint64_t i = 0; i < count; ++i)
            if (const auto at = pages_.find(first + i); at != pages_.end()) use(*at->second);
    }
    template <typename Use>
    void for_all_pages(Use use) {
        for (auto& [number, page] : pages_) use(*page);
    }
    // Whole pages lose their contents: all zeros then, or nothing known.
    void clear(uint64_t first, uint64_t count, bool is_known) {
        for_pages(first, count, [&](Page& page) { page.clear(is_known); });
        std::erase_if(gone_, [&](const auto& entry) { return entry.first - first < count; });
        cleared_.push_back({first, count, is_known});
    }
    void copy(uint64_t to, uint64_t from, uint64_t count) {
        clear(to, count, true);
        for (uint64_t i = 0; i < count; ++i)
            if (const Page* source = find(from + i)) page(to + i).copy(*source);
    }
    // Lets go of pages that the segment before did not use, from a number of pages on.
    // `leave(page)` is asked first. Call it between segments, before `begin(segment)`.
    template <typename Leave>
    void trim(size_t most, uint32_t segment, Leave leave) {
        if (pages_.size() <= most) return;
        std::vector<Page*> old;
        for (auto& [number, page] : pages_)
            if (page->last_use < segment_) old.push_back(page.get());
        for (Page* page : old) leave(*page);
        for (Page* page : old) {
            const uint64_t number = page->number;
            gone_[number] = segment;
            pages_.erase(number);
        }
        recent_ = {};
    }

   private:
    struct Cleared {
        uint64_t first;
        uint64_t count;
        bool is_known;
    };

    // The last time that a page was cleared which is neither here nor gone.
    const Cleared* cleared(uint64_t number) const {
        const auto at = std::find_if(cleared_.rbegin(), cleared_.rend(), [&](const auto& range) {
            return number - range.first < range.count;
        });
        return at == cleared_.rend() ? nullptr : &*at;
    }
    bool is_elsewhere(uint64_t number) const {
        return gone_.count(number) || (first_segment_ > 0 && !cleared(number));
    }
    std::unique_ptr<Page> make(uint64_t number) {
        auto made = std::make_unique<Page>();
        made->number = number;
        const auto gone = gone_.find(number);
        if (gone != gone_.end()) {
            made->fill(fetch_(number, gone->second));
            gone_.erase(gone);
        } else if (const Cleared* range = cleared(number)) {
            made->clear(range->is_known);
        } else if (first_segment_ > 0) {
            made->fill(fetch_(number, first_segment_));
        }
        return made;
    }

    Fetch fetch_;
    uint32_t first_segment_;
    uint32_t segment_;
    std::array<Page*, 64> recent_{};
    std::unordered_map<uint64_t, std::unique_ptr<Page>> pages_;
    std::unordered_map<uint64_t, uint32_t> gone_;              // by page: the segment after
    std::vector<Cleared> cleared_;
};

// Carries out what a record does to whole pages. `before(first page, count)` is asked about
// each range that is to lose its contents.
template <typename Page, typename Before>
void change_ranges(MovingMemory<Page>& memory, const RangeChanges& ranges, Before before) {
    for (const RangeChange& range : ranges.changes) {
        if (range.kind == RangeKind::Image) continue;
        const uint64_t first = range.address / PAGE_SIZE, count = range.size / PAGE_SIZE;
        before(first, count);
        if (range.kind == RangeKind::Moved) {
            memory.copy(first, range.from / PAGE_SIZE, count);
        } else {
            memory.clear(first, count, range.kind == RangeKind::Zero);
        }
    }
}

// Calls `piece(page number, offset in it, size, bytes before it)` for each page of a range.
template <typename Piece>
void for_page_pieces(uint64_t address, uint64_t size, Piece piece) {
    for (uint64_t done = 0; done < size;) {
        const uint64_t at = address + done;
        const auto offset = static_cast<uint32_t>(at % PAGE_SIZE);
        const auto count = static_cast<uint32_t>(std::min(size - done, PAGE_SIZE - offset));
        piece(at / PAGE_SIZE, offset, count, done);
        done += count;
    }
}

}  // namespace reven
