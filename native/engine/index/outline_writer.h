// SPDX-License-Identifier: Apache-2.0
// Makes the outline of a trace while that is written: what is known of each segment without
// reading it again.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "index/chunk.h"
#include "store/derived_file.h"
#include "stream/resolve.h"

namespace reven {

class OutlineWriter {
   public:
    // `directory`: of a trace that has no segments yet.
    explicit OutlineWriter(const std::string& directory);

    // The next segment: its batch, as it was encoded, and the templates it runs.
    void add(const Batch& batch, std::span<const uint32_t> blocks, uint64_t first_transition,
             const TemplateTable& templates);
    // Writes what has been gathered. What cannot be written is left to the readers.
    void flush();

   private:
    std::unique_ptr<DerivedFile> file_;  // null: given up
    uint64_t size_ = 0;
    uint32_t segments_ = 0;
    std::vector<SegmentSummary> pending_;
};

}  // namespace reven
