// SPDX-License-Identifier: Apache-2.0
#include "store/grouping.h"

#include "base/error.h"
#include "stream/control.h"

namespace reven {

namespace {

constexpr uint32_t EXIT_MASK = (1u << REVEN_EXIT_BITS) - 1;

}  // namespace

const Grouping& Grouper::group(const Batch& batch, uint32_t template_count) {
    const size_t executions = batch.headers.size();
    template_count_ = template_count;
    if (indexes_.size() <= template_count) indexes_.resize(2 * size_t{template_count} + 4096);
    for (const Template* block : grouping_.templates) indexes_[block->id] = 0;
    for (uint32_t name : grouping_.names) symbols_[name] = 0;
    grouping_.templates.clear();
    grouping_.names.clear();
    grouping_.symbols.resize(executions);
    symbol_counts_.clear();
    for (size_t i = 0; i < executions; i++) {
        uint32_t header = batch.headers[i];
        uint32_t id = header >> REVEN_EXIT_BITS;
        uint32_t index = id <= template_count ? indexes_[id] : 0;
        uint16_t symbol = 0;
        if (index) symbol = symbols_[((index - 1) << REVEN_EXIT_BITS) | (header & EXIT_MASK)];
        if (symbol == 0) symbol = new_symbol(header);
        symbol--;
        grouping_.symbols[i] = symbol;
        symbol_counts_[symbol]++;
    }
    grouping_.counts.assign(grouping_.templates.size(), 0);
    for (size_t s = 0; s < grouping_.names.size(); s++)
        grouping_.counts[grouping_.names[s] >> REVEN_EXIT_BITS] += symbol_counts_[s];
    count_transitions(batch);
    find_records(batch);
    return grouping_;
}

uint16_t Grouper::new_symbol(uint32_t header) {
    uint32_t id = header >> REVEN_EXIT_BITS;
    uint32_t k = header & EXIT_MASK;
    const Template* block = id <= template_count_ ? templates_.find(id) : nullptr;
    if (!block) throw TraceError("the recorder's stream refers to a template it has not sent");
    if (k > block->exits.size() && k != REVEN_CUT && k != REVEN_NOTHING)
        throw TraceError("a block is left at an exit that it does not have");
    if (indexes_[id] == 0) {
        grouping_.templates.push_back(block);
        indexes_[id] = static_cast<uint16_t>(grouping_.templates.size());
        if (symbols_.size() < grouping_.templates.size() << REVEN_EXIT_BITS)
            symbols_.resize(2 * grouping_.templates.size() << REVEN_EXIT_BITS);
    }
    uint32_t name = ((indexes_[id] - 1u) << REVEN_EXIT_BITS) | k;
    grouping_.names.push_back(name);
    symbol_counts_.push_back(0);
    return symbols_[name] = static_cast<uint16_t>(grouping_.names.size());
}

void Grouper::count_transitions(const Batch& batch) {
    uint32_t count = 0;
    for (size_t s = 0; s < grouping_.names.size(); s++) {
        const Template& block = *grouping_.templates[grouping_.names[s] >> REVEN_EXIT_BITS];
        uint32_t k = grouping_.names[s] & EXIT_MASK;
        if (k == REVEN_CUT) {
            // How far depends on each execution's own fault.
            Segment segment = outline(batch, templates_);
            number_transitions(segment);
            grouping_.transition_count = segment.info.transition_count;
            return;
        }
        if (k == 0) count += symbol_counts_[s] * static_cast<uint32_t>(block.instructions.size());
        if (k > 0 && k <= block.exits.size())
            count += symbol_counts_[s] * block.exits[k - 1].retired;
    }
    for (RecordCursor at(batch.control); !at.done(); at.next()) count += is_transition(at.view());
    grouping_.transition_count = count;
}

void Grouper::find_records(const Batch& batch) {
    next_.clear();
    sizes_.clear();
    uint32_t start = 0;
    uint64_t size = 0;
    for (size_t t = 0; t < grouping_.templates.size(); t++) {
        next_.push_back(start);
        sizes_.push_back(grouping_.templates[t]->values_size);
        start += grouping_.counts[t];
        size += uint64_t{grouping_.counts[t]} * sizes_[t];
    }
    if (size != batch.values.size())
        throw TraceError("the recorder's values do not match its block executions");
    grouping_.records.resize(batch.headers.size());
    const uint8_t* at = batch.values.data();
    for (uint16_t symbol : grouping_.symbols) {
        uint32_t index = grouping_.names[symbol] >> REVEN_EXIT_BITS;
        grouping_.records[next_[index]++] = at;
        at += sizes_[index];
    }
}

}  // namespace reven
