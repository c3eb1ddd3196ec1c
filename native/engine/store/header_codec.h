// SPDX-License-Identifier: Apache-2.0
// Which blocks a segment executes, in order. docs/trace-format.md specifies the
// encoding.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "store/grouping.h"
#include "stream/segment.h"
#include "stream/template_table.h"

namespace reven {

class HeaderEncoder {
   public:
    void encode(const Grouping& grouping, std::vector<uint8_t>& out);

   private:
    std::vector<uint8_t> runs_;
    std::vector<uint16_t> misses_;
};

// Fills `headers`, `template_index`, and `templates` with their counts. `info.execution_count` says
// how many executions there are, all of templates up to `template_count`. Throws TraceError.
void decode_headers(std::span<const uint8_t> bytes, const TemplateTable& templates,
                    uint32_t template_count, Segment& segment);

}  // namespace reven
