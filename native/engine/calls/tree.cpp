// SPDX-License-Identifier: Apache-2.0
// Calls by their place in the tree, with counts and durations.
#include <algorithm>
#include <map>
#include <tuple>

#include "calls/calls.h"

namespace reven {
namespace {

// A thread and its stack.
using Place = std::pair<uint32_t, uint32_t>;

// How many transitions a thread made on a stack before a moment.
class StackClock {
   public:
    // Takes in that a thread is on a stack from a moment on; moments ascend.
    void change(uint64_t moment, Place place) {
        stop(moment);
        stretches_[place].push_back({moment, 0, before(place)});
        current_ = place;
    }
    void stop(uint64_t moment) {
        if (!current_) return;
        Stretch& last = stretches_[*current_].back();
        last.length = moment - last.begin;
    }
    uint64_t at(Place place, uint64_t moment) const {
        const auto found = stretches_.find(place);
        if (found == stretches_.end()) return 0;
        const auto after = std::upper_bound(
            found->second.begin(), found->second.end(), moment,
            [](uint64_t value, const Stretch& stretch) { return value < stretch.begin; });
        if (after == found->second.begin()) return 0;
        const Stretch& stretch = *(after - 1);
        return stretch.before + std::min(moment - stretch.begin, stretch.length);
    }

   private:
    struct Stretch {
        uint64_t begin;
        uint64_t length;
        uint64_t before;
    };
    uint64_t before(Place place) {
        const auto& stretches = stretches_[place];
        return stretches.empty() ? 0 : stretches.back().before + stretches.back().length;
    }
    std::optional<Place> current_;
    std::map<Place, std::vector<Stretch>> stretches_;
};

StackClock make_clock(const std::vector<ThreadSwitch>& switches, CallIndex& index, uint64_t count) {
    StackClock clock;
    std::map<uint32_t, uint32_t> stack_of;
    uint32_t thread = 1;
    size_t next = 0;
    const auto switch_until = [&](uint64_t context) {
        for (; next < switches.size() && switches[next].context <= context; ++next) {
            thread = switches[next].thread;
            clock.change(switches[next].context, {thread, stack_of[thread]});
        }
    };
    for (size_t number = 0; number < index.block_count(); ++number) {
        if (index.info(number).change_count == 0) continue;
        for (const StackChange& change : index.block(number)->changes) {
            switch_until(change.context);
            stack_of[change.thread] = change.stack;
            if (change.thread == thread) clock.change(change.context, {thread, change.stack});
        }
    }
    switch_until(count);
    clock.stop(count);
    return clock;
}

constexpr uint32_t LEFT_OUT = UINT32_MAX - 1;

struct OpenCall {
    uint64_t id;
    uint32_t node;   // or LEFT_OUT: below what is shown
    uint32_t depth;  // below the root
    uint32_t stack;
};

}  // namespace

bool Calls::tree(const CallTreeQuery& query, std::vector<CallTreeNode>& nodes,
                 const Progress& progress) {
    const uint64_t count = queries_.trace().transition_count();
    std::vector<ThreadSwitch> switches;
    {
        const auto lock = queries_.need_outline({});
        switches = queries_.outline().switches();
    }
    std::shared_lock lock(mutex_);
    const StackClock clock = make_clock(switches, index_, count);
    constexpr uint32_t ROOT = UINT32_MAX;
    std::map<std::tuple<uint32_t, uint32_t, uint64_t>, uint32_t> known;  // thread, parent, function
    std::map<Place, std::vector<OpenCall>> open;
    bool is_cut = false;
    const auto find_open = [&](const CallRecord& call) -> const OpenCall* {
        if (call.parent == NO_CALL) return nullptr;
        auto& own = open[{call.thread, call.stack}];
        while (!own.empty() && own.back().id > call.parent) own.pop_back();
        if (!own.empty() && own.back().id == call.parent) return &own.back();
        for (auto at = open.lower_bound({call.thread, 0});
             at != open.end() && at->first.first == call.thread; ++at)
            for (const OpenCall& candidate : at->second)
                if (candidate.id == call.parent) return &candidate;
        return nullptr;
    };
    const auto is_root = [&](const CallRecord& call) {
        return query.roots.empty() ||
               std::any_of(query.roots.begin(), query.roots.end(), [&](const auto& range) {
                   return call.function >= range.first && call.function < range.second;
               });
    };
    for (size_t number = 0; number < index_.block_count(); ++number) {
        const CallBlockInfo& info = index_.info(number);
        if (info.first_context >= query.stop) break;
        if (info.last_end < query.start) continue;
        if (progress) progress(number, index_.block_count());
        const auto block = index_.block(number);
        for (size_t i = 0; i < block->calls.size(); ++i) {
            const CallRecord& call = block->calls[i];
            if (call.first_context >= query.stop || call.end < query.start) continue;
            if (query.thread && call.thread != *query.thread) continue;
            const OpenCall* parent = find_open(call);
            if (!parent && !is_root(call)) continue;
            const uint32_t depth = parent ? parent->depth + 1 : 0;
            const uint32_t above = parent ? parent->node : ROOT;
            const auto key = std::tuple(call.thread, above, call.function);
            auto at = known.find(key);
            const bool is_new = at == known.end();
            const bool fits = !is_new || nodes.size() < query.limit;
            if (above == LEFT_OUT || depth > query.deepest || !fits) {
                is_cut |= above != LEFT_OUT && depth <= query.deepest;
                open[{call.thread, call.stack}].push_back(
                    {block->first_id + i, LEFT_OUT, depth, call.stack});
                continue;
            }
            if (is_new) {
                at = known.emplace(key, static_cast<uint32_t>(nodes.size())).first;
                CallTreeNode node{};
                if (parent) node.parent = above;
                node.thread = call.thread;
                node.function = call.function;
                node.kind = call.kind;
                node.first_call = block->first_id + i;
                nodes.push_back(node);
            }
            const uint64_t end = call.end == NO_END ? count : call.end + 1;
            const Place place{call.thread, call.stack};
            const uint64_t length = clock.at(place, std::min(end, query.stop)) -
                                    clock.at(place, std::max(call.first_context, query.start));
            CallTreeNode& node = nodes[at->second];
            ++node.count;
            node.total += length;
            if (parent && parent->stack == call.stack) nodes[above].children += length;
            open[{call.thread, call.stack}].push_back(
                {block->first_id + i, at->second, depth, call.stack});
        }
    }
    return is_cut;
}

}  // namespace reven
