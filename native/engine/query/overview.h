// SPDX-License-Identifier: Apache-2.0
// The whole trace at a glance: how often each instruction ran, and every event that
// is drawn on a timeline.
#pragma once

#include <cstdint>
#include <vector>

#include "query/queries.h"

namespace reven {

// Instructions by ascending address, and how many transitions each of them is.
struct ExecutionCounts {
    std::vector<uint64_t> address;
    std::vector<uint64_t> count;
};

// Decodes every segment's headers, not its values.
ExecutionCounts count_executions(const TraceReader& trace, const Progress& progress);

// Where something happens, ascending, and what: a thread, a system call's or a signal's number.
struct NumberedPoints {
    std::vector<uint64_t> position;
    std::vector<uint32_t> number;
};

NumberedPoints thread_switches(Queries& queries, const Progress& progress);  // by context
NumberedPoints syscall_points(Queries& queries, const Progress& progress);   // by transition
NumberedPoints signal_points(Queries& queries, const Progress& progress);    // by transition

}  // namespace reven
