// SPDX-License-Identifier: Apache-2.0
#include "store/segment_codec.h"

#include "base/bytes.h"
#include "stream/control.h"
#include "stream/limits.h"

namespace reven {

namespace {

// The fastest level: higher ones cost more than they save on these columns.
constexpr int LEVEL = 1;
constexpr size_t PADDING = 64;

// A section's size before compression can exceed that of the values by what
// describes the columns.
constexpr uint32_t MAX_SECTION = 2 * limits::MAX_VALUES;

void unpack(const uint8_t*& at, uint32_t packed, uint8_t* to, uint32_t size) {
    if (!decompress({at, packed}, to, size))
        throw TraceError("a part of it cannot be decompressed");
    at += packed;
}

}  // namespace

SegmentEncoder::SegmentEncoder(const TemplateTable& templates)
    : grouper_(templates), compressor_(LEVEL) {}

EncodedSegment& SegmentEncoder::encode(const Batch& batch, uint32_t template_count) {
    const Grouping& grouping = grouper_.group(batch, template_count);
    format::SegmentHeader& header = encoded_.header;
    header = {};
    header.first_execution = batch.first_execution;
    header.execution_count = static_cast<uint32_t>(batch.headers.size());
    header.transition_count = grouping.transition_count;
    header.template_count = template_count;
    header.values_size = static_cast<uint32_t>(batch.values.size());
    encoded_.sections.clear();
    encoded_.blocks.clear();
    for (const Template* block : grouping.templates) encoded_.blocks.push_back(block->id);
    auto add_section = [&](uint32_t& size, uint32_t& packed) {
        size = static_cast<uint32_t>(section_.size());
        packed = static_cast<uint32_t>(compressor_.append(section_, encoded_.sections));
        section_.clear();
    };

    section_.clear();
    headers_.encode(grouping, section_);
    add_section(header.headers_size, header.headers_packed);

    section_.assign(batch.control.begin(), batch.control.end());
    subtract_key_frames(section_);
    add_section(header.control_size, header.control_packed);

    columns_.encode(grouping, section_);
    add_section(header.columns_size, header.columns_packed);
    return encoded_;
}

format::SegmentHeader segment_header(std::span<const uint8_t> payload) {
    if (payload.size() < sizeof(format::SegmentHeader)) throw TraceError("it is too short");
    auto header = read_as<format::SegmentHeader>(payload.data());
    if (header.execution_count > limits::MAX_EXECUTIONS ||
        header.values_size > limits::MAX_VALUES || header.control_size > limits::MAX_CONTROL ||
        header.headers_size > MAX_SECTION || header.columns_size > MAX_SECTION)
        throw TraceError("its sizes are out of range");
    if (payload.size() - sizeof header !=
        uint64_t{header.headers_packed} + header.control_packed + header.columns_packed)
        throw TraceError("its parts do not fill it");
    return header;
}

Segment decode_segment(std::span<const uint8_t> payload, const TemplateTable& templates,
                       bool with_values) {
    format::SegmentHeader header = segment_header(payload);
    Segment segment;
    segment.info = {header.first_execution, header.first_transition, header.execution_count, 0};
    const uint8_t* at = payload.data() + sizeof header;

    std::vector<uint8_t> section(header.headers_size);
    unpack(at, header.headers_packed, section.data(), header.headers_size);
    decode_headers(section, templates, header.template_count, segment);

    segment.control.resize(header.control_size);
    unpack(at, header.control_packed, segment.control.data(), header.control_size);
    if (std::string wrong =
            check_control(segment.control, header.first_execution, header.execution_count);
        !wrong.empty())
        throw TraceError(wrong);
    add_key_frames(segment.control);
    number_transitions(segment);
    if (segment.info.transition_count != header.transition_count)
        throw TraceError("it does not hold as many transitions as it says");

    if (lay_out_records(segment) != header.values_size)
        throw TraceError("its values do not match its blocks");
    if (with_values) {
        section.resize(header.columns_size);
        unpack(at, header.columns_packed, section.data(), header.columns_size);
        segment.values.resize(header.values_size + PADDING);
        decode_columns(section, segment);
    }
    return segment;
}

}  // namespace reven
