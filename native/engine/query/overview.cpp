// SPDX-License-Identifier: Apache-2.0
#include "query/overview.h"

#include <algorithm>

#include "base/bytes.h"

namespace reven {
namespace {

// Of one template: executions by how many of its instructions they completed.
using Completed = std::vector<uint64_t>;

void add_counts(const Template& block, const Completed& completed,
                std::vector<std::pair<uint64_t, uint64_t>>& counts) {
    uint64_t reached = 0;
    for (size_t i = block.instructions.size(); i-- > 0;) {
        if (i + 1 < completed.size()) reached += completed[i + 1];
        if (reached != 0) counts.emplace_back(block.instructions[i].address, reached);
    }
}

}  // namespace

ExecutionCounts count_executions(const TraceReader& trace, const Progress& progress) {
    const StoreReader& store = trace.store();
    std::vector<Completed> by_template(store.template_count() + 1);
    const size_t segments = store.segment_count();
    for (size_t i = 0; i < segments; ++i) {
        if (progress) progress(i, segments);
        const auto segment = store.load(i, Parts::WithoutValues);
        std::vector<uint64_t*> rows;
        for (const SegmentTemplate& used : segment->templates) {
            Completed& completed = by_template.at(used.block->id);
            completed.resize(used.block->instructions.size() + 1);
            rows.push_back(completed.data());
        }
        for (size_t execution = 0; execution < segment->headers.size(); ++execution)
            ++rows[segment->template_index[execution]][segment->retired[execution]];
    }
    std::vector<std::pair<uint64_t, uint64_t>> counts;
    for (uint32_t id = 1; id < by_template.size(); ++id)
        if (!by_template[id].empty()) add_counts(store.find_template(id), by_template[id], counts);
    std::sort(counts.begin(), counts.end());
    ExecutionCounts result;
    for (const auto& [address, count] : counts) {
        if (!result.address.empty() && result.address.back() == address) {
            result.count.back() += count;
        } else {
            result.address.push_back(address);
            result.count.push_back(count);
        }
    }
    return result;
}

NumberedPoints thread_switches(Queries& queries, const Progress& progress) {
    const auto lock = queries.need_outline(progress);
    NumberedPoints points;
    for (const ThreadSwitch& change : queries.outline().switches()) {
        points.position.push_back(change.context);
        points.number.push_back(change.thread);
    }
    return points;
}

NumberedPoints syscall_points(Queries& queries, const Progress& progress) {
    const auto lock = queries.need_outline(progress);
    NumberedPoints points;
    for (const auto& chunk : queries.outline().chunks())
        for (const IndexedRecord& record : chunk->syscalls(queries.outline().file())) {
            if (record.type != REVEN_SYSCALL_ENTER || record.context == 0) continue;
            points.position.push_back(record.context - 1);
            points.number.push_back(
                static_cast<uint32_t>(read_as<uint64_t>(record.payload.data())));
        }
    return points;
}

NumberedPoints signal_points(Queries& queries, const Progress& progress) {
    const auto lock = queries.need_outline(progress);
    NumberedPoints points;
    for (const auto& chunk : queries.outline().chunks())
        for (const IndexedRecord& record : chunk->records()) {
            if (record.type != REVEN_SIGNAL && record.type != REVEN_END) continue;
            const reven_record header{record.type, record.thread, 0, record.size};
            const RecordView view{&header, record.payload.data()};
            if (!is_transition(view)) continue;
            points.position.push_back(record.context);
            points.number.push_back(record.type == REVEN_SIGNAL
                                        ? view.as<reven_signal>().number
                                        : static_cast<uint32_t>(view.as<reven_end>().code));
        }
    return points;
}

}  // namespace reven
