// SPDX-License-Identifier: Apache-2.0
// The values of a segment: for each template, column by column, the values of all
// its executions. docs/trace-format.md specifies the encoding.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "store/grouping.h"
#include "stream/segment.h"

namespace reven {

class ColumnEncoder {
   public:
    void encode(const Grouping& grouping, std::vector<uint8_t>& out);

   private:
    std::vector<uint64_t> column_, differences_;
    std::vector<uint8_t> modes_, plain_, residuals_;
};

// Fills `value_offsets` and the templates' `values_offset`; returns the size of all
// records. Throws TraceError when it is over the limit.
uint64_t lay_out_records(Segment& segment);

// Fills `values` of a segment whose records are laid out and whose `values` has the
// room for them. Throws TraceError.
void decode_columns(std::span<const uint8_t> bytes, Segment& segment);

}  // namespace reven
