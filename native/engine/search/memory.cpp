// SPDX-License-Identifier: Apache-2.0
#include "search/memory.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <unordered_set>

#include "search/pages.h"

namespace reven {
namespace {

constexpr size_t MOST_PAGES = 32768;
constexpr uint64_t ASK_EVERY = 1024;  // pages

struct MemoryPage {
    uint64_t number = 0;
    uint32_t last_use = 0;
    PageBytes bytes;

    void fill(const PageBytes& contents) { bytes = contents; }
    void clear(bool is_known) {
        bytes.data.fill(0);
        bytes.known.fill(is_known ? ~uint64_t{0} : 0);
    }
    void copy(const MemoryPage& page) { bytes = page.bytes; }
};

bool is_known(const PageBytes& bytes, uint32_t first, uint32_t count) {
    for (uint32_t i = first; i < first + count; ++i)
        if (!bytes.is_known(i)) return false;
    return true;
}

// Visitor of Replayer::run_accesses: occurrences that stores bring about.
class CreationScan {
   public:
    CreationScan(std::span<const uint8_t> pattern, MovingMemory<MemoryPage>::Fetch fetch,
                 uint32_t first_segment, uint64_t start, uint64_t stop, UnknownRanges unknown)
        : pattern_(pattern),
          memory_(std::move(fetch), first_segment),
          start_(start),
          stop_(stop),
          unknown_(std::move(unknown)) {
        for (const uint8_t byte : pattern) in_pattern_[byte] = true;
    }

    void add(const SegmentView& view, uint32_t segment, BlockCache& blocks) {
        memory_.trim(MOST_PAGES, segment, [](MemoryPage&) {});
        memory_.begin(segment);
        first_transition_ = view.first_transition();
        Replayer(view, blocks).run_accesses(*this);
    }
    // Call it at the end.
    void flush() {
        for (const Pending& match : pending_) {
            if (!matches_now(match.address)) continue;
            found.transition.push_back(transition_);
            found.address.push_back(match.address);
            found.is_mapping.push_back(match.is_mapping);
        }
        pending_.clear();
    }

    void load(uint32_t, uint64_t address, uint32_t size, const uint8_t* value) {
        if (unknown_.touches(address, size)) put(address, size, value);
    }
    void store(uint32_t transition, uint64_t address, uint32_t size, const uint8_t* value) {
        write(first_transition_ + transition, address, size, value, false);
    }
    void record(const RecordPoint& point, const RecordView& record) {
        if (record.header->type == REVEN_MEMORY) {
            const auto& memory = record.as<reven_memory>();
            const auto bytes = record.rest(sizeof memory);
            const uint64_t context = first_transition_ + point.context;
            if (context > 0 && !bytes.empty()) {
                write(context - 1, memory.address, bytes.size(), bytes.data(),
                      memory.cause == REVEN_CAUSE_IMAGE);
            } else {
                put(memory.address, bytes.size(), bytes.data());
            }
        }
        unknown_.add(record);
        const RangeChanges ranges = range_changes(record);
        if (ranges.changes.empty() && ranges.zeroed.empty()) return;
        flush();
        change_ranges(memory_, ranges, [](uint64_t, uint64_t) {});
        static constexpr uint8_t ZEROS[PAGE_SIZE] = {};
        for (const auto& [address, size] : ranges.zeroed) put(address, size, ZEROS);
        const uint64_t context = first_transition_ + point.context;
        if (context == 0 || context - 1 < start_ || context - 1 >= stop_) return;
        transition_ = context - 1;
        for (const RangeChange& range : ranges.changes)
            if (range.kind == RangeKind::Moved) find_moved(range.address, range.size);
    }
    bool done(uint32_t transition) const { return first_transition_ + transition > stop_; }

    CreatedMatches found;

   private:
    struct Pending {
        uint64_t address;
        bool is_mapping;
    };

    void put(uint64_t address, uint64_t size, const uint8_t* value) {
        for_page_pieces(address, size,
                        [&](uint64_t number, uint32_t at, uint32_t count, uint64_t done) {
                            memory_.page(number).bytes.write(at, {value + done, count});
                        });
    }

    void write(uint64_t transition, uint64_t address, uint64_t size, const uint8_t* value,
               bool is_mapping) {
        if (transition != transition_) {
            if (!pending_.empty()) flush();
            transition_ = transition;
        }
        // An occurrence that overlaps has the first byte, or the last one, or lies between.
        const size_t length = pattern_.size();
        const bool may_match =
            transition >= start_ && transition < stop_ &&
            (in_pattern_[value[0]] || in_pattern_[value[size - 1]] ||
             (length + 2 <= size && memmem(value + 1, size - 2, pattern_.data(), length)));
        if (!may_match) {
            put(address, size, value);
            return;
        }
        const uint64_t around = std::min<uint64_t>(length - 1, address);
        before_.resize(around + size + length - 1);
        read(address - around, before_);
        after_ = before_;
        std::memcpy(after_.data() + around, value, size);
        put(address, size, value);
        for (size_t at = 0; at + length <= after_.size(); ++at) {
            const void* hit =
                memmem(after_.data() + at, after_.size() - at, pattern_.data(), length);
            if (!hit) return;
            at = static_cast<size_t>(static_cast<const uint8_t*>(hit) - after_.data());
            if (std::memcmp(before_.data() + at, pattern_.data(), length) != 0)
                pending_.push_back({address - around + at, is_mapping});
        }
    }

    // Contents came to another place.
    void find_moved(uint64_t address, uint64_t size) {
        const size_t reach = pattern_.size() - 1;
        for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
            if (!memory_.find((address + at) / PAGE_SIZE)) continue;
            after_.resize(std::min<uint64_t>(PAGE_SIZE + reach, size - at));
            read(address + at, after_);
            for (size_t i = 0; i + reach < after_.size(); ++i) {
                const void* hit =
                    memmem(after_.data() + i, after_.size() - i, pattern_.data(), pattern_.size());
                if (!hit) break;
                i = static_cast<size_t>(static_cast<const uint8_t*>(hit) - after_.data());
                if (i < PAGE_SIZE) pending_.push_back({address + at + i, true});
            }
        }
    }

    void read(uint64_t address, std::vector<uint8_t>& out) {
        for_page_pieces(address, out.size(),
                        [&](uint64_t number, uint32_t at, uint32_t count, uint64_t done) {
                            const MemoryPage* page = memory_.find(number);
                            if (page) {
                                std::memcpy(out.data() + done, page->bytes.data.data() + at, count);
                            } else {
                                std::memset(out.data() + done, 0, count);
                            }
                        });
    }

    bool matches_now(uint64_t address) {
        bool same = true;
        for_page_pieces(address, pattern_.size(),
                        [&](uint64_t number, uint32_t at, uint32_t count, uint64_t done) {
                            const PageBytes& bytes = memory_.page(number).bytes;
                            same = same && is_known(bytes, at, count) &&
                                   std::memcmp(bytes.data.data() + at, pattern_.data() + done,
                                               count) == 0;
                        });
        return same;
    }

    std::span<const uint8_t> pattern_;
    std::array<bool, 256> in_pattern_{};
    MovingMemory<MemoryPage> memory_;
    uint64_t start_;
    uint64_t stop_;
    UnknownRanges unknown_;
    uint64_t first_transition_ = 0;
    uint64_t transition_ = UINT64_MAX;
    std::vector<Pending> pending_;
    std::vector<uint8_t> before_, after_;
};

}  // namespace

// Many pages at one context: what their segment does not touch before it costs no replay.
class MemorySearch::Snapshot {
   public:
    Snapshot(Queries& queries, MemoryReader& memory, uint64_t context)
        : memory_(memory),
          context_(context),
          segment_(queries.trace().segment_of_context(context)),
          log_(memory.log(segment_)) {
        const auto local = static_cast<uint32_t>(
            context - queries.trace().store().segment(segment_).first_transition);
        for (const WriteLog::Entry& entry : log_->entries()) {
            if (entry.context > local) break;
            if (entry.size == 0) {
                ranges_.push_back(log_->range(entry.data));
                continue;
            }
            const uint64_t last = (entry.address + entry.size - 1) / PAGE_SIZE;
            for (uint64_t page = entry.address / PAGE_SIZE; page <= last; ++page)
                touched_.insert(page);
        }
    }

    // Calls `hit(address)` for occurrences that start in a page, ascending, until it
    // returns false. Returns whether it never did.
    template <typename Hit>
    bool search(uint64_t page, std::span<const uint8_t> pattern, Hit hit) {
        const size_t length = pattern.size();
        data_.clear();
        known_.clear();
        append(page, PAGE_SIZE);
        // As many bytes of the next pages as an occurrence from this one may reach.
        if (std::memchr(data_.data() + PAGE_SIZE - std::min<size_t>(length - 1, PAGE_SIZE),
                        pattern[0], std::min<size_t>(length - 1, PAGE_SIZE)))
            for (size_t left = length - 1, next = page + 1; left > 0 && next != 0; ++next) {
                const size_t count = std::min<size_t>(left, PAGE_SIZE);
                append(next, count);
                left -= count;
            }
        const uint8_t* begin = data_.data();
        const uint8_t* end = begin + data_.size();
        for (const uint8_t* at = begin;; ++at) {
            at = static_cast<const uint8_t*>(
                memmem(at, static_cast<size_t>(end - at), pattern.data(), length));
            if (!at || at - begin >= static_cast<ptrdiff_t>(PAGE_SIZE)) return true;
            if (std::memchr(known_.data() + (at - begin), 0, length)) continue;
            if (!hit(page * PAGE_SIZE + static_cast<uint64_t>(at - begin))) return false;
        }
    }

   private:
    void append(uint64_t page, size_t count) {
        const size_t before = data_.size();
        data_.resize(before + count);
        known_.resize(before + count);
        const bool is_changed =
            touched_.count(page) ||
            std::any_of(ranges_.begin(), ranges_.end(), [&](const RangeChange& range) {
                return page * PAGE_SIZE - range.address < range.size;
            });
        if (is_changed) {
            memory_.read(context_, page * PAGE_SIZE, std::span(data_).subspan(before),
                         std::span(known_).subspan(before));
            return;
        }
        const PageBytes bytes = memory_.page_at_start(page, segment_);
        std::memcpy(data_.data() + before, bytes.data.data(), count);
        for (size_t i = 0; i < count; ++i)
            known_[before + i] = bytes.is_known(static_cast<uint32_t>(i));
    }

    MemoryReader& memory_;
    uint64_t context_;
    size_t segment_;
    std::shared_ptr<const WriteLog> log_;
    std::unordered_set<uint64_t> touched_;
    std::vector<RangeChange> ranges_;
    std::vector<uint8_t> data_, known_;
};

std::vector<uint64_t> MemorySearch::find(std::span<const uint8_t> pattern, uint64_t context,
                                         uint64_t first, uint64_t size, size_t limit,
                                         const Progress& progress) {
    std::vector<uint64_t> found;
    if (size < pattern.size()) return found;
    if (context > queries_.trace().transition_count()) throw std::out_of_range("no such context");
    const auto lock = queries_.need_index(progress);
    Snapshot snapshot(queries_, memory_, context);
    const uint64_t last = first + (size - pattern.size());  // the last one that may match
    for (uint64_t page = first / PAGE_SIZE; page <= last / PAGE_SIZE; ++page) {
        const uint64_t done = page - first / PAGE_SIZE;
        if (progress && done % ASK_EVERY == 0) progress(done, size / PAGE_SIZE);
        const bool go_on = snapshot.search(page, pattern, [&](uint64_t address) {
            if (address > last || found.size() == limit) return false;
            if (address >= first) found.push_back(address);
            return true;
        });
        if (!go_on) break;
    }
    return found;
}

std::vector<uint64_t> MemorySearch::standing(std::span<const uint8_t> pattern, uint64_t context,
                                             uint64_t stop, uint64_t first, size_t limit,
                                             const Progress& progress) {
    std::vector<uint64_t> found;
    TraceReader& trace = queries_.trace();
    if (stop > trace.transition_count() || context > stop)
        throw std::out_of_range("no such transitions");
    const auto lock = queries_.need_index(progress);
    Index& index = queries_.index();
    const auto first_segment = static_cast<uint32_t>(trace.segment_of_context(context));
    const auto last_segment = static_cast<uint32_t>(trace.segment_of_context(stop));
    std::set<uint64_t> pages;
    const auto add_page = [&](uint64_t page) {
        pages.insert(page);
        for (size_t back = 1; back <= (pattern.size() + PAGE_SIZE - 2) / PAGE_SIZE; ++back)
            if (page >= back) pages.insert(page - back);
    };
    for (const auto& chunk : index.chunks())
        if (chunk->end_segment() > first_segment && chunk->first_segment() <= last_segment)
            for (const uint64_t page : chunk->pages()) add_page(page);
    for (const auto& [segment, range] : index.large_reads())
        if (segment >= first_segment && segment <= last_segment)
            for (uint64_t page = range.address / PAGE_SIZE;
                 page <= (range.address + range.size - 1) / PAGE_SIZE; ++page)
                add_page(page);
    Snapshot snapshot(queries_, memory_, context);
    uint64_t done = 0;
    for (auto page = pages.lower_bound(first / PAGE_SIZE); page != pages.end(); ++page) {
        if (progress && done++ % ASK_EVERY == 0) progress(done, pages.size());
        const bool go_on = snapshot.search(*page, pattern, [&](uint64_t address) {
            if (found.size() == limit) return false;
            if (address >= first &&
                index.is_accessed(address, pattern.size(), first_segment, last_segment))
                found.push_back(address);
            return true;
        });
        if (!go_on) break;
    }
    return found;
}

CreatedMatches MemorySearch::created(std::span<const uint8_t> pattern, uint64_t start,
                                     uint64_t stop, size_t limit, const Progress& progress) {
    TraceReader& trace = queries_.trace();
    if (stop > trace.transition_count() || start > stop)
        throw std::out_of_range("no such transitions");
    if (start == stop) return {};
    const auto lock = queries_.need_index(progress);
    const auto first = static_cast<uint32_t>(trace.segment_of_context(start));
    // The kernel's writes during transition stop - 1 may stand at the next segment's start.
    const auto end = static_cast<uint32_t>(trace.segment_of_context(stop)) + 1;
    const auto fetch = [&](uint64_t page, uint32_t segment) {
        return memory_.page_at_start(page, segment);
    };
    CreationScan scan(pattern, fetch, first, start, stop, queries_.index().unknown());
    SegmentStream stream(trace, first, end);
    for (uint32_t segment = first; const auto view = stream.next(); ++segment) {
        if (progress) progress(segment - first, end - first);
        scan.add(*view, segment, trace.blocks());
        if (segment + 1 == end) scan.flush();
        if (scan.found.transition.size() < limit) continue;
        // Later ones of the last transition may stand in the next segment.
        const auto last =
            std::upper_bound(scan.found.transition.begin() + static_cast<ptrdiff_t>(limit) - 1,
                             scan.found.transition.end(), scan.found.transition[limit - 1]);
        if (last == scan.found.transition.end()) continue;
        const auto count = static_cast<size_t>(last - scan.found.transition.begin());
        scan.found.transition.resize(count);
        scan.found.address.resize(count);
        scan.found.is_mapping.resize(count);
        break;
    }
    return std::move(scan.found);
}

}  // namespace reven
