// SPDX-License-Identifier: Apache-2.0
// What a recorder leaves open in its stream: which executions a fault cut, which
// only ended a repeat, and where a limit of transitions falls.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "stream/segment.h"
#include "stream/template_table.h"

namespace reven {

// What becomes one segment: executions, their values as the recorder wrote them,
// and control records without templates.
struct Batch {
    uint64_t first_execution = 0;
    std::vector<uint32_t> headers;
    std::span<const uint8_t> values;
    std::vector<uint8_t> control;
};

// Executions and templates of a batch, without values: a segment that can be
// numbered. Throws TraceError for unknown templates, or when the records of the
// executions do not fill `values` exactly.
Segment outline(const Batch& batch, const TemplateTable& templates);

// Resolves the headers of a stream's batches, which must come in order.
class Resolver {
   public:
    explicit Resolver(const TemplateTable& templates) : templates_(templates) {}

    // Requires a batch whose control passed check_control.
    void resolve(Batch& batch);

   private:
    const Template& block(uint32_t header) const;
    uint32_t resolve_repeat(const std::vector<uint32_t>& headers, uint32_t run, uint32_t execution);
    uint64_t last_address(const std::vector<uint32_t>& headers, uint32_t run, uint32_t end) const;
    void end_run(const std::vector<uint32_t>& headers, uint32_t run, uint32_t end);

    const TemplateTable& templates_;
    uint32_t thread_ = 0;
    std::map<uint32_t, uint64_t> last_retired_;  // thread: address of its last instruction
};

// Ends a resolved batch after `limit` transitions with an END record of reason
// LIMIT. False, with the batch unchanged, if it has no more than `limit`
// transitions and may go on. `outlined` is the batch's outline, numbered.
bool cut_at_limit(Batch& batch, const Segment& outlined, uint64_t limit);

}  // namespace reven
