// SPDX-License-Identifier: Apache-2.0
// What a conditional jump decides by, from its encoding: a template does not say.
// Source: Intel SDM, volume 2, Jcc, LOOP/LOOPcc, JrCXZ.
#pragma once

#include <array>
#include <cstdint>

#include "event_stream.h"

namespace reven {

struct BranchCondition {
    uint64_t flags = 0;    // bits of rflags
    bool counts = false;   // rcx
    bool any() const { return flags != 0 || counts; }
};

inline BranchCondition branch_condition(const reven_instruction& instruction) {
    constexpr uint64_t CF = 1, PF = 1 << 2, ZF = 1 << 6, SF = 1 << 7, OF = 1 << 11;
    constexpr std::array<uint64_t, 8> FLAGS{OF, CF, ZF, CF | ZF, SF, PF, SF | OF, ZF | SF | OF};
    const uint8_t* code = instruction.bytes;
    const uint8_t* end = code + instruction.size;
    const auto is_prefix = [](uint8_t byte) {
        return (byte & 0xf0) == 0x40 || byte == 0x2e || byte == 0x3e || byte == 0x66 ||
               byte == 0x67 || byte == 0xf2 || byte == 0xf3;
    };
    while (code < end && is_prefix(*code)) ++code;
    if (code == end) return {};
    if ((*code & 0xf0) == 0x70) return {FLAGS[*code >> 1 & 7], false};
    if (*code == 0x0f && code + 1 < end && (code[1] & 0xf0) == 0x80)
        return {FLAGS[code[1] >> 1 & 7], false};
    if (*code == 0xe0 || *code == 0xe1) return {ZF, true};
    if (*code == 0xe2 || *code == 0xe3) return {0, true};
    return {};
}

}  // namespace reven
