// SPDX-License-Identifier: Apache-2.0
// Control records: validation, and their part in numbering transitions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "stream/segment.h"

namespace reven {

// Checks one record: known type, payload as large as the type needs, ranges that
// do not wrap. Returns "" or what is wrong.
std::string check_record(const RecordView& record);

// Checks the control area of a segment with `execution_count` executions from
// `first_execution` on: whole valid records, positions ascending and inside the
// segment, a key frame first. Returns "" or what is wrong.
std::string check_control(std::span<const uint8_t> control, uint64_t first_execution,
                          uint32_t execution_count);

// Fills `retired` and `info.transition_count` of a segment whose other fields are
// complete. Throws TraceError when the headers and the
// records contradict each other.
void number_transitions(Segment& segment);

// Register files of key frames as differences (exclusive or) to the one before, in
// place, and back.
void subtract_key_frames(std::span<uint8_t> control);
void add_key_frames(std::span<uint8_t> control);

}  // namespace reven
