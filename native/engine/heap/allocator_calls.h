// SPDX-License-Identifier: Apache-2.0
// Calls of the functions that allocate and free memory.
#pragma once

#include <cstdint>
#include <vector>

#include "query/queries.h"

namespace reven {

inline constexpr uint64_t NEVER = UINT64_MAX;

// One call, the outermost of its thread: what allocators call of each other is part of it.
struct AllocatorCall {
    uint32_t function;  // index in the list of functions
    uint32_t thread;
    uint64_t enter;         // first context in the function
    uint64_t leave;         // first context after it, or NEVER
    uint64_t arguments[3];  // rdi, rsi, rdx
    uint64_t result;        // rax when it returned; 0 if it never did, or was unwound
    uint64_t stack_pointer;  // in `enter`: where its return address stands
    uint64_t return_address;  // 0 if it never returned
};

// Calls of functions by the addresses of their entries, which are distinct; in the order of
// `enter`.
std::vector<AllocatorCall> allocator_calls(Queries& queries, const std::vector<uint64_t>& functions,
                                           const Progress& progress);

}  // namespace reven
