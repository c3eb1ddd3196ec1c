// SPDX-License-Identifier: Apache-2.0
// A decoded segment: what one key-framed piece of a trace holds, ready to replay.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "event_stream.h"
#include "stream/template.h"

namespace reven {

// What the segment directory says without decoding anything.
struct SegmentInfo {
    uint64_t first_execution = 0;
    uint64_t first_transition = 0;
    uint32_t execution_count = 0;
    uint32_t transition_count = 0;
};

// A template that a segment uses. Its executions' records lie one after the other
// in `values`, from `values_offset`.
struct SegmentTemplate {
    const Template* block = nullptr;
    uint32_t count = 0;  // executions in the segment
    uint32_t values_offset = 0;
};

struct Segment {
    SegmentInfo info;
    std::vector<uint32_t> headers;  // one per execution, REVEN_CUT / REVEN_NOTHING resolved
    std::vector<uint32_t> value_offsets;  // of each execution's record in `values`
    std::vector<uint8_t> values;  // padded by 64 readable bytes; empty without values
    std::vector<uint16_t> template_index;  // of each execution, in `templates`
    std::vector<uint16_t> retired;  // instructions that each execution completed
    std::vector<SegmentTemplate> templates;
    // reven_record headers with padded payloads, in order, without templates;
    // validated: every payload is as large as its type needs.
    std::vector<uint8_t> control;

    uint32_t execution_count() const { return static_cast<uint32_t>(headers.size()); }
    const Template& block(size_t execution) const {
        return *templates[template_index[execution]].block;
    }
    const uint8_t* values_of(size_t execution) const {
        return values.data() + value_offsets[execution];
    }
    size_t memory_size() const {  // bytes
        return sizeof *this + headers.size() * 12 + templates.size() * sizeof(SegmentTemplate) +
               values.size() + control.size();
    }
};

// A view of one control record.
struct RecordView {
    const reven_record* header;
    const uint8_t* payload;

    template <typename T>
    const T& as() const {
        return *reinterpret_cast<const T*>(payload);
    }
    std::span<const uint8_t> rest(size_t skip) const {
        return {payload + skip, static_cast<size_t>(header->size) - skip};
    }
};

// The memory that a REVEN_KERNEL_READ names.
inline std::span<const reven_range> ranges_of(const RecordView& record) {
    return {&record.as<reven_range>(),
            static_cast<size_t>(record.header->size) / sizeof(reven_range)};
}

// The register file that a record carries; empty if it carries none.
inline std::span<const uint8_t> register_file(const RecordView& record) {
    switch (record.header->type) {
        case REVEN_KEY_FRAME:
        case REVEN_REGISTERS:
            return record.rest(0);
        case REVEN_SWITCH:
            return record.rest(sizeof(reven_switch));
        default:
            return {};
    }
}

// Walks the records of a validated control area.
class RecordCursor {
   public:
    explicit RecordCursor(std::span<const uint8_t> control)
        : at_(control.data()), end_(at_ + control.size()) {}

    bool done() const { return at_ == end_; }
    RecordView view() const {
        return {reinterpret_cast<const reven_record*>(at_), at_ + sizeof(reven_record)};
    }
    void next() {
        const auto* record = reinterpret_cast<const reven_record*>(at_);
        at_ += sizeof(reven_record) + ((record->size + 7) & ~uint64_t{7});
    }

   private:
    const uint8_t* at_;
    const uint8_t* end_;
};

// Does this record stand for a transition of its own?
inline bool is_transition(const RecordView& record) {
    switch (record.header->type) {
        case REVEN_SIGNAL:
        case REVEN_INTERRUPT:
            return true;
        case REVEN_SWITCH:
            return record.as<reven_switch>().previous_thread != 0;
        case REVEN_END:
            return record.as<reven_end>().reason == REVEN_END_SIGNAL;
        default:
            return false;
    }
}

}  // namespace reven
