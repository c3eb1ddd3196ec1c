// SPDX-License-Identifier: Apache-2.0
#include "search/code.h"

#include <algorithm>
#include <set>

namespace reven {
namespace {

// More of them are in most segments anyway.
constexpr size_t MAX_INDEXED_BLOCKS = 512;

std::string code_of(const reven_instruction& instruction) {
    return {reinterpret_cast<const char*>(instruction.bytes), instruction.size};
}

}  // namespace

CodeSearch::CodeSearch(Queries& queries) : queries_(queries) {
    const StoreReader& store = queries.trace().store();
    const auto blocks = static_cast<uint32_t>(store.template_count());
    for (uint32_t id = 1; id <= blocks; ++id)
        for (const auto& instruction : store.find_template(id).instructions)
            instructions_.push_back({instruction.address, code_of(instruction)});
    std::sort(instructions_.begin(), instructions_.end());
    instructions_.erase(std::unique(instructions_.begin(), instructions_.end()),
                        instructions_.end());
    numbers_.resize(blocks + 1);
    for (uint32_t id = 1; id <= blocks; ++id)
        for (const auto& instruction : store.find_template(id).instructions) {
            const auto at =
                std::lower_bound(instructions_.begin(), instructions_.end(),
                                 Instruction{instruction.address, code_of(instruction)});
            numbers_[id].push_back(static_cast<uint32_t>(at - instructions_.begin()));
        }
}

std::vector<uint32_t> CodeSearch::segments(const std::vector<uint32_t>& blocks, uint32_t first,
                                           uint32_t last, const Progress& progress) {
    std::vector<uint32_t> found;
    if (blocks.size() > MAX_INDEXED_BLOCKS) {
        for (uint32_t segment = first; segment <= last; ++segment) found.push_back(segment);
        return found;
    }
    const auto lock = queries_.need_outline(progress);
    Index& index = queries_.outline();
    std::set<uint32_t> ordered;
    for (const auto& chunk : index.chunks()) {
        if (chunk->end_segment() <= first || chunk->first_segment() > last) continue;
        for (const uint32_t id : blocks)
            for (const uint32_t segment : chunk->segments_of_block(id, index.file()))
                if (segment >= first && segment <= last) ordered.insert(segment);
    }
    return {ordered.begin(), ordered.end()};
}

std::vector<uint64_t> CodeSearch::find(const std::vector<uint32_t>& numbers, uint64_t start,
                                       uint64_t stop, bool forward, size_t limit,
                                       const Progress& progress) {
    TraceReader& trace = queries_.trace();
    if (start > stop || stop > trace.transition_count())
        throw std::out_of_range("no such transitions");
    std::vector<bool> wanted(instructions_.size());
    for (const uint32_t number : numbers) {
        if (number >= wanted.size()) throw std::out_of_range("no such instruction");
        wanted[number] = true;
    }
    std::vector<uint32_t> blocks;
    std::vector<bool> is_wanted(numbers_.size());
    for (uint32_t id = 1; id < numbers_.size(); ++id) {
        is_wanted[id] = std::any_of(numbers_[id].begin(), numbers_[id].end(),
                                    [&](uint32_t number) { return wanted[number]; });
        if (is_wanted[id]) blocks.push_back(id);
    }
    std::vector<uint64_t> result;
    if (start == stop || blocks.empty()) return result;
    auto order = segments(blocks, static_cast<uint32_t>(trace.segment_of_context(start)),
                          static_cast<uint32_t>(trace.segment_of_context(stop - 1)), progress);
    if (!forward) std::reverse(order.begin(), order.end());
    std::vector<uint64_t> found;
    for (size_t i = 0; i < order.size(); ++i) {
        if (progress) progress(i, order.size());
        const auto view = trace.load_view(order[i], Parts::WithoutValues);
        found.clear();
        for (uint32_t execution = 0; execution < view->execution_count(); ++execution) {
            const uint32_t id = view->segment().block(execution).id;
            if (id >= is_wanted.size() || !is_wanted[id]) continue;
            const uint64_t first = view->first_transition() + view->start(execution);
            for (uint32_t at = 0; at < view->retired(execution); ++at)
                if (wanted[numbers_[id][at]] && first + at >= start && first + at < stop)
                    found.push_back(first + at);
        }
        if (!forward) std::reverse(found.begin(), found.end());
        for (const uint64_t transition : found) {
            result.push_back(transition);
            if (result.size() == limit) return result;
        }
    }
    return result;
}

}  // namespace reven
