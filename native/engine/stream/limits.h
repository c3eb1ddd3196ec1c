// SPDX-License-Identifier: Apache-2.0
// Limits that keep a damaged stream or trace from asking for unbounded memory.
#pragma once

#include <cstdint>

#include "event_stream.h"

namespace reven::limits {

// Executions of a segment: a recorder whose mapping of the slot is not aligned to the
// key interval notices one interval late that it is full.
constexpr uint32_t MAX_EXECUTIONS = REVEN_SLOT_EXECUTIONS + REVEN_KEY_INTERVAL;
constexpr uint32_t MAX_VALUES = 64u << 20;   // bytes of a segment's records
constexpr uint32_t MAX_CONTROL = 64u << 20;  // bytes of a segment's control records
constexpr uint32_t MAX_INSTRUCTIONS = 4096;  // of a template
constexpr uint32_t MAX_NODES = 65536;
constexpr uint32_t MAX_EVENTS = 65536;
constexpr uint32_t MAX_DEPTH = 8192;  // nodes that are made of each other: they are walked down
constexpr uint32_t MAX_TEMPLATE_ID = (1u << (32 - REVEN_EXIT_BITS)) - 1;

}  // namespace reven::limits
