// SPDX-License-Identifier: Apache-2.0
// The executions of a batch in the two ways that encoding them needs: as a sequence
// of symbols, and by template.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "stream/resolve.h"
#include "stream/template_table.h"

namespace reven {

struct Grouping {
    std::vector<const Template*> templates;  // in order of first appearance
    std::vector<uint32_t> counts;            // executions of each
    // What execution i's header is: names[symbols[i]] = index in `templates` << 6 | k.
    // Symbols are numbers in order of first appearance.
    std::vector<uint16_t> symbols;
    std::vector<uint32_t> names;
    std::vector<const uint8_t*> records;  // of the first template's executions, …
    uint32_t transition_count = 0;
};

// Reuses its memory from batch to batch.
class Grouper {
   public:
    explicit Grouper(const TemplateTable& templates) : templates_(templates) {}

    // Groups a resolved batch of the first `template_count` templates. Valid until the
    // next call. Throws TraceError for other templates or unknown exits, or when the
    // records of the executions do not fill the batch's values exactly.
    const Grouping& group(const Batch& batch, uint32_t template_count);

   private:
    uint16_t new_symbol(uint32_t header);
    void count_transitions(const Batch& batch);
    void find_records(const Batch& batch);

    const TemplateTable& templates_;
    uint32_t template_count_ = 0;
    Grouping grouping_;
    std::vector<uint16_t> indexes_;  // by template id: index in `templates`, plus one
    std::vector<uint16_t> symbols_;  // by name: symbol, plus one
    std::vector<uint32_t> symbol_counts_, next_, sizes_;
};

}  // namespace reven
