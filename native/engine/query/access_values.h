// SPDX-License-Identifier: Apache-2.0
// Accesses with what they read and wrote, for those who carry a trace elsewhere.
#pragma once

#include <cstdint>
#include <vector>

#include "query/queries.h"

namespace reven {

// Columns of accesses in program order; `data` holds their bytes one after the other.
struct AccessValues {
    std::vector<uint64_t> transition;
    std::vector<uint64_t> address;
    std::vector<uint32_t> size;
    std::vector<uint8_t> is_write;
    std::vector<uint8_t> data;
};

// Of transitions [start, stop). Memory that the kernel changed is a write of the transition
// during which it happened, as in Queries::accesses.
AccessValues access_values(TraceReader& trace, uint64_t start, uint64_t stop);

}  // namespace reven
