// SPDX-License-Identifier: Apache-2.0
// A segment as bytes: the payload of its frame (docs/trace-format.md).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "column_codec.h"
#include "format.h"
#include "grouping.h"
#include "header_codec.h"
#include "segment.h"
#include "template_table.h"
#include "zstd.h"

namespace reven {

class SegmentEncoder {
   public:
    SegmentEncoder();

    // Encodes a resolved batch. The result is valid until the next call.
    std::span<const uint8_t> encode(const Batch& batch, const Grouping& grouping,
                                    uint64_t first_transition, uint32_t template_count);

   private:
    Compressor compressor_;
    HeaderEncoder headers_;
    ColumnEncoder columns_;
    std::vector<uint8_t> section_, payload_;
};

// Throws TraceError when there is no whole header with sizes inside the limits.
format::SegmentHeader segment_header(std::span<const uint8_t> payload);

// Throws TraceError saying what is wrong with the bytes.
Segment decode_segment(std::span<const uint8_t> payload, const TemplateTable& templates,
                       bool with_values);

}  // namespace reven
