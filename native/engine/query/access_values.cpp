// SPDX-License-Identifier: Apache-2.0
#include "query/access_values.h"

#include <algorithm>
#include <stdexcept>

#include "base/bytes.h"

namespace reven {
namespace {

// Visitor of Replayer::run_accesses.
struct ValueCollector {
    uint64_t start, stop, first_transition;
    AccessValues& found;

    void add(uint64_t transition, uint64_t address, uint64_t size, bool is_write,
             const uint8_t* value) {
        if (size == 0 || transition < start || transition >= stop) return;
        found.transition.push_back(transition);
        found.address.push_back(address);
        found.size.push_back(static_cast<uint32_t>(size));
        found.is_write.push_back(is_write);
        put_bytes(found.data, value, size);
    }
    void load(uint32_t transition, uint64_t address, uint32_t size, const uint8_t* value) {
        add(first_transition + transition, address, size, false, value);
    }
    void store(uint32_t transition, uint64_t address, uint32_t size, const uint8_t* value) {
        add(first_transition + transition, address, size, true, value);
    }
    void record(const RecordPoint& point, const RecordView& record) {
        if (record.header->type != REVEN_MEMORY) return;
        const auto& memory = record.as<reven_memory>();
        const uint64_t context = first_transition + point.context;
        if (memory.cause == REVEN_CAUSE_IMAGE || context == 0) return;
        const auto bytes = record.rest(sizeof memory);
        add(context - 1, memory.address, bytes.size(), true, bytes.data());
    }
    bool done(uint32_t transition) const { return first_transition + transition > stop; }
};

}  // namespace

AccessValues access_values(TraceReader& trace, uint64_t start, uint64_t stop) {
    if (start > stop || stop > trace.transition_count())
        throw std::out_of_range("no such transitions");
    AccessValues found;
    if (start == stop) return found;
    // The kernel's writes during transition stop - 1 may stand at the next segment's start.
    const auto last = trace.segment_of_context(stop);
    for (auto segment = trace.segment_of_context(start); segment <= last; ++segment) {
        const auto view = trace.view(segment);
        ValueCollector collector{start, stop, view->first_transition(), found};
        const uint64_t from = std::max(start, view->first_transition()) - view->first_transition();
        Replayer(*view, trace.blocks()).run_accesses(collector, static_cast<uint32_t>(from));
    }
    return found;
}

}  // namespace reven
