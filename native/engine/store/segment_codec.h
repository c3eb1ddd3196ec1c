// SPDX-License-Identifier: Apache-2.0
// A segment as bytes: the payload of its frame (docs/trace-format.md).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/zstd.h"
#include "store/column_codec.h"
#include "store/format.h"
#include "store/grouping.h"
#include "store/header_codec.h"
#include "stream/segment.h"
#include "stream/template_table.h"

namespace reven {

// All of a frame's payload; `header.first_transition` is still to be filled in.
struct EncodedSegment {
    format::SegmentHeader header;
    std::vector<uint8_t> sections;
    std::vector<uint32_t> blocks;  // templates that it runs
};

// Encodes batches; reuses its memory from one to the next.
class SegmentEncoder {
   public:
    explicit SegmentEncoder(const TemplateTable& templates);

    // Encodes a resolved batch that needs no more than the first `template_count`
    // templates. Valid until the next call. Throws TraceError when the batch
    // contradicts its templates.
    EncodedSegment& encode(const Batch& batch, uint32_t template_count);

   private:
    Grouper grouper_;
    Compressor compressor_;
    HeaderEncoder headers_;
    ColumnEncoder columns_;
    std::vector<uint8_t> section_;
    EncodedSegment encoded_;
};

// Throws TraceError when there is no whole header with sizes inside the limits.
format::SegmentHeader segment_header(std::span<const uint8_t> payload);

// Throws TraceError saying what is wrong with the bytes.
Segment decode_segment(std::span<const uint8_t> payload, const TemplateTable& templates,
                       bool with_values);

}  // namespace reven
