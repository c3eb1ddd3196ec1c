// SPDX-License-Identifier: Apache-2.0
// What a taint follows besides values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "event_stream.h"

namespace reven {

struct TaintFollow {
    // What decides where a value is loaded from or stored to, and which of two is taken, counts
    // as a part of it.
    bool pointers = false;
    // The same, for loads from these ranges only; ascending, apart from one another.
    std::vector<reven_range> tables;
    // Addresses that are made of the stack pointer alone say nothing of the data, and would join
    // everything to everything; unless it is what is asked about.
    bool stack_pointer = false;
    // Note where forward taint leaves the program, or decides something.
    bool sinks = false;
    // Branches, by transition and ascending, whose condition a backward taint asks for as well.
    std::vector<uint64_t> conditions;

    // Whether the flow into addresses and conditions is wanted.
    bool needs_addresses() const {
        return pointers || sinks || !tables.empty() || !conditions.empty();
    }
    bool through_load(uint64_t address) const {
        if (pointers || tables.empty()) return pointers;
        const auto after = std::upper_bound(
            tables.begin(), tables.end(), address,
            [](uint64_t value, const reven_range& table) { return value < table.address; });
        return after != tables.begin() &&
               address - std::prev(after)->address < std::prev(after)->size;
    }
    bool drops(uint32_t offset, uint32_t size) const {
        return (pointers || !tables.empty()) && !stack_pointer && offset < REVEN_RSP + 8 &&
               REVEN_RSP < offset + size;
    }
    bool asks(uint64_t transition) const { return asks_between(transition, transition + 1); }
    // Of the transitions [first, end).
    bool asks_between(uint64_t first, uint64_t end) const {
        const auto at = std::lower_bound(conditions.begin(), conditions.end(), first);
        return at != conditions.end() && *at < end;
    }
};

}  // namespace reven
