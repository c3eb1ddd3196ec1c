// SPDX-License-Identifier: Apache-2.0
#include "taint/taint.h"

#include <algorithm>
#include <stdexcept>

#include "base/bytes.h"
#include "base/lock_asking.h"
#include "taint/syscalls.h"

namespace reven {
namespace {

// What the kept states may take; then every second one is dropped.
constexpr size_t MOST_KEPT_BYTES = size_t{64} << 20;

constexpr uint64_t FLAGS_AT = uint64_t{REVEN_RFLAGS} * 8;

}  // namespace

TaintRun::TaintRun(Queries& queries, TaintQuery query, const InstructionReads& reads)
    : queries_(queries),
      query_(std::move(query)),
      reached_(query_.forward ? query_.first : query_.last),
      pass_blocks_(queries.trace().blocks(), reads, query_.follow.needs_addresses()),
      query_blocks_(queries.trace().blocks(), reads, query_.follow.needs_addresses()) {
    TraceReader& trace = queries_.trace();
    if (query_.first > query_.last || query_.last > trace.transition_count())
        throw std::out_of_range("no such contexts");
    if (query_.tag_count == 0 || query_.tag_count > MAX_TAINT_TAGS)
        throw std::invalid_argument("a taint has 1 to 16 tags");
    for (const TaintSeed& seed : query_.seeds)
        query_.follow.stack_pointer |= !seed.is_memory && seed.address < (REVEN_RSP + 8) * 8 &&
                                       seed.address + seed.size > REVEN_RSP * 8;
    const size_t low = trace.segment_of_context(query_.first);
    const size_t high = trace.segment_of_context(query_.last);
    first_segment_ = query_.forward ? low : high;
    segment_count_ = high - low + 1;
    counts_.resize(segment_count_);
    kept_[0] = {seeded(), 0};
    finished_ = query_.first == query_.last;
}

TaintRun::Tags TaintRun::seeded() {
    Tags tags(query_.tag_count);
    RegisterView view;
    queries_.trace().registers(query_.forward ? query_.first : query_.last, view);
    for (const TaintSeed& seed : query_.seeds) {
        if (seed.tag >= query_.tag_count) throw std::invalid_argument("a seed has no such tag");
        TagTaint& tag = tags[seed.tag];
        if (seed.is_memory) {
            if (seed.size == 0 || seed.size > KERNEL_STREAMS ||
                seed.address > KERNEL_STREAMS - seed.size)
                throw std::invalid_argument("no program has memory there");
            const std::vector<uint8_t> whole(MemoryTaint::PAGE, 0xff);
            for (uint64_t done = 0; done < seed.size; done += MemoryTaint::PAGE)
                tag.memory.write(
                    seed.address + done,
                    static_cast<uint32_t>(std::min(seed.size - done, MemoryTaint::PAGE)),
                    whole.data());
            continue;
        }
        if (seed.size > 256 || seed.address + seed.size > FLAGS_AT + 64)
            throw std::invalid_argument("there are no such registers");
        uint64_t flags = 0;
        for (uint64_t bit = seed.address; bit < seed.address + seed.size; ++bit) {
            if (bit >= FLAGS_AT)
                flags |= uint64_t{1} << (bit - FLAGS_AT);
            else
                tag.registers[bit / 8] |= static_cast<uint8_t>(1 << (bit % 8));
        }
        if (flags) seed_flags(tag.registers, read_as<uint64_t>(view.data() + REVEN_CC_OP), flags);
    }
    return tags;
}

size_t TaintRun::number_of(uint64_t context) const {
    const size_t found = queries_.trace().segment_of_context(context);
    return query_.forward ? found - first_segment_ : first_segment_ - found;
}

void TaintRun::pass(TaintScan& scan, const SegmentView& view, size_t number, uint64_t stop) {
    const uint64_t first = view.first_transition();
    const uint64_t last = first + view.transition_count();
    const auto local = [&](uint64_t context) {
        return static_cast<uint32_t>(std::clamp(context, first, last) - first);
    };
    const bool starts = number == 0;
    if (query_.forward) {
        scan.forward(view, starts ? local(query_.first) : 0, local(stop), starts);
    } else {
        const bool ends = stop >= first && number == number_of(stop);
        scan.backward(view, starts ? local(query_.last) : local(last), local(stop), ends);
    }
    scan.journal.finish();
}

void TaintRun::keep(size_t number, const TaintState& state) {
    if (number % spacing_ != 0) return;
    kept_[number] = {state.tags, number};
    kept_bytes_ += state.bytes();
    for (const TagTaint& tag : state.tags)
        // A page that changed since it was kept last is not shared.
        for (const auto& [_, page] : tag.memory.pages())
            if (page.use_count() <= 2) kept_bytes_ += sizeof *page;
    if (kept_bytes_ <= MOST_KEPT_BYTES) return;
    spacing_ *= 2;
    kept_bytes_ /= 2;
    std::erase_if(kept_, [&](const auto& entry) {
        return entry.first % spacing_ != 0 && entry.second.same_until < entry.first + spacing_;
    });
}

void TaintRun::run(const Progress& progress) {
    if (finished_) return;
    {
        const auto lock = lock_asking(query_mutex_, progress);
        effects_ = find_syscall_effects(queries_, progress);
    }
    TaintState state(query_.tag_count);
    state.tags = kept_[0].tags;
    state.find_live();
    TaintScan scan(pass_blocks_, state, effects_, query_.follow, &sinks_);
    const uint64_t end = query_.forward ? query_.last : query_.first;
    const uint64_t total = query_.last - query_.first;
    size_t number = 0;
    const auto is_over = [&] { return state.is_empty() && query_.follow.conditions.empty(); };
    for (; number < segment_count_ && !is_over(); ++number) {
        if (progress) {
            const uint64_t at = reached_;
            progress(query_.forward ? at - query_.first : query_.last - at, total);
        }
        const auto view = queries_.trace().load_view(segment(number));
        scan.quiet = true;
        pass(scan, *view, number, end);
        std::lock_guard lock(mutex_);
        Count& count = counts_[number];
        count.accesses = static_cast<uint32_t>(scan.journal.found.transitions.size());
        count.changes = static_cast<uint32_t>(std::count_if(
            scan.journal.found.transitions.begin(), scan.journal.found.transitions.end(),
            [](const TaintedTransition& one) { return one.changes; }));
        access_count_ += count.accesses;
        change_count_ += count.changes;
        scan.journal.clear();
        warnings_.insert(warnings_.end(), scan.records.warnings.begin(),
                         scan.records.warnings.end());
        scan.records.warnings.clear();
        Kept& last = kept_.rbegin()->second;
        if (scan.quiet && last.same_until == number)
            last.same_until = number + 1;
        else
            keep(number + 1, state);
        const uint64_t first = view->first_transition();
        // The last transition's system call may go on in the next segment.
        const uint64_t last_whole = first + std::max(view->transition_count(), 1u) - 1;
        reached_ =
            query_.forward ? std::clamp<uint64_t>(last_whole, reached_, end) : std::max(first, end);
    }
    std::lock_guard lock(mutex_);
    // Nothing comes after an empty state: it stands for all segments that are left.
    if (number < segment_count_) kept_[number] = {state.tags, segment_count_};
    reached_ = end;
    finished_ = true;
}

std::vector<TaintWarning> TaintRun::warnings(size_t start, size_t limit) const {
    std::lock_guard lock(mutex_);
    if (start >= warnings_.size()) return {};
    const auto first = warnings_.begin() + static_cast<ptrdiff_t>(start);
    return {first, first + static_cast<ptrdiff_t>(std::min(limit, warnings_.size() - start))};
}

TaintState TaintRun::before(size_t number, const Progress& progress) {
    TaintState state(query_.tag_count);
    size_t from;
    {
        std::lock_guard lock(mutex_);
        const auto at = std::prev(kept_.upper_bound(number));
        state.tags = at->second.tags;
        from = std::min(number, at->second.same_until);
    }
    state.find_live();
    TaintScan scan(query_blocks_, state, effects_, query_.follow);
    for (; from < number; ++from) {
        if (progress) progress(from, number);
        pass(scan, *queries_.trace().load_view(segment(from)), from,
             query_.forward ? query_.last : query_.first);
        scan.journal.clear();
    }
    return state;
}

void TaintRun::load_accesses(size_t number, const Progress& progress) {
    if (loaded_ == number) return;
    TaintState state = before(number, progress);
    TaintScan scan(query_blocks_, state, effects_, query_.follow);
    pass(scan, *queries_.trace().view(segment(number)), number,
         query_.forward ? query_.last : query_.first);
    loaded_accesses_ = std::move(scan.journal.found);
    loaded_ = number;
}

TaintPage TaintRun::accesses(uint64_t start, size_t limit, bool changes_only,
                             const Progress& progress) {
    const auto query_lock = lock_asking(query_mutex_, progress);
    TaintPage page;
    {
        std::lock_guard lock(mutex_);
        page.reached = reached_;
        page.finished = finished_;
    }
    const auto is_whole = [&](uint64_t transition) {
        return page.finished ||
               (query_.forward ? transition < page.reached : transition >= page.reached);
    };
    const uint64_t begin =
        query_.forward ? std::max(start, query_.first) : std::min(start + 1, query_.last);
    if (begin > query_.last || begin < query_.first) return page;
    auto& results = page.accesses;
    for (size_t number = number_of(begin); number < segment_count_; ++number) {
        {
            std::lock_guard lock(mutex_);
            const Count& count = counts_[number];
            if ((changes_only ? count.changes : count.accesses) == 0) continue;
        }
        load_accesses(number, progress);
        for (const TaintedTransition& one : loaded_accesses_.transitions) {
            if (query_.forward ? one.transition < start : one.transition > start) continue;
            if (changes_only && !one.changes) continue;
            if (!is_whole(one.transition)) return page;
            const bool goes_on = !results.transitions.empty() &&
                                 results.transitions.back().transition == one.transition;
            if (results.transitions.size() >= limit && !goes_on) {
                page.next = one.transition;
                return page;
            }
            // What the kernel did may stand in the segment after its system call.
            if (!goes_on)
                results.transitions.push_back({one.transition, results.items.size(), 0, 0});
            results.transitions.back().item_count += one.item_count;
            results.transitions.back().changes |= one.changes;
            const auto items =
                loaded_accesses_.items.begin() + static_cast<ptrdiff_t>(one.first_item);
            results.items.insert(results.items.end(), items,
                                 items + static_cast<ptrdiff_t>(one.item_count));
        }
    }
    return page;
}

std::vector<TaintItem> TaintRun::state(uint64_t context, uint64_t address, size_t limit,
                                       const Progress& progress) {
    if (context < query_.first || context > query_.last || !is_reached(context))
        throw std::out_of_range("the taint did not reach that context");
    const auto query_lock = lock_asking(query_mutex_, progress);
    const size_t number = number_of(context);
    TaintState state = before(number, progress);
    TaintScan scan(query_blocks_, state, effects_, query_.follow);
    pass(scan, *queries_.trace().view(segment(number)), number, context);
    RegisterView view;
    queries_.trace().registers(context, view);
    std::vector<TaintItem> items;
    if (address == 0) list_registers(state, read_as<uint64_t>(view.data() + REVEN_CC_OP), items);
    list_memory(state, address, limit, items);
    return items;
}

}  // namespace reven
