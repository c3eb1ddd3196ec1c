// SPDX-License-Identifier: Apache-2.0
// The taint of flags. They are kept as a thunk (flags.h): an operation, two operands and
// the old flags, from which each flag is computed.
#include <algorithm>
#include <cstring>

#include "event_stream.h"
#include "taint/journal.h"

namespace reven {
namespace {

constexpr uint64_t CARRY = 1 << 0, PARITY = 1 << 2, ADJUST = 1 << 4, ZERO = 1 << 6, SIGN = 1 << 7,
                   OVERFLOW = 1 << 11;
constexpr uint64_t ARITHMETIC = CARRY | PARITY | ADJUST | ZERO | SIGN | OVERFLOW;
constexpr uint64_t OF_RESULT = PARITY | ZERO | SIGN;

// What each part of the thunk decides. Of `old`, bits decide the flags at their own
// places, and bit 0 also those of `carry`.
struct Influence {
    uint64_t first = 0, second = 0, carry = 0, kept = 0;
    bool is_copy = false;
    uint32_t width = 64;
};

// The numbering is VEX's (VEX/priv/guest_amd64_defs.h): groups of four widths, then BMI.
Influence influence_of(uint64_t operation) {
    if (operation == 0) return {0, 0, 0, 0, true};
    if (operation > 52) {
        const uint32_t width = (operation - 53) % 2 == 0 ? 32 : 64;
        if (operation <= 54) return {ZERO | SIGN, 0, 0, 0, false, width};
        if (operation <= 60) return {ZERO | SIGN, CARRY | ZERO, 0, 0, false, width};
        const uint64_t flag = operation <= 62 ? CARRY : OVERFLOW;
        return {flag, flag, 0, ARITHMETIC, false, width};
    }
    const uint32_t width = 8u << ((operation - 1) & 3);
    switch ((operation - 1) / 4) {
        case 2:  // ADC
        case 3:  // SBB
            return {ARITHMETIC, ARITHMETIC, ARITHMETIC, 0, false, width};
        case 4:  // LOGIC
            return {OF_RESULT, 0, 0, 0, false, width};
        case 5:  // INC
        case 6:  // DEC
            return {ARITHMETIC & ~CARRY, 0, 0, CARRY, false, width};
        case 7:  // SHL
        case 8:  // SHR
            return {OF_RESULT | OVERFLOW, CARRY | OVERFLOW, 0, 0, false, width};
        case 9:   // ROL
        case 10:  // ROR
            return {CARRY | OVERFLOW, 0, 0, ARITHMETIC & ~(CARRY | OVERFLOW), false, width};
        default:  // ADD, SUB, UMUL, SMUL
            return {ARITHMETIC, ARITHMETIC, 0, 0, false, width};
    }
}

uint64_t word_at(const uint8_t* thunk, uint32_t offset) {
    uint64_t word;
    std::memcpy(&word, thunk + offset - REVEN_CC_OP, sizeof word);
    return word;
}

}  // namespace

uint64_t flag_taint(const uint8_t* thunk, uint64_t operation) {
    const Influence influence = influence_of(operation);
    const uint64_t first = word_at(thunk, REVEN_CC_DEP1);
    const uint64_t second = word_at(thunk, REVEN_CC_DEP2);
    const uint64_t old = word_at(thunk, REVEN_CC_NDEP);
    if (word_at(thunk, REVEN_CC_OP)) return ARITHMETIC;
    if (influence.is_copy) return first & ARITHMETIC;
    const uint64_t used = ~uint64_t{0} >> (64 - influence.width);
    uint64_t flags = old & influence.kept;
    if (first & used) flags |= influence.first;
    if (second & used) flags |= influence.second;
    if (old & CARRY) flags |= influence.carry;
    return flags;
}

void taint_flags(uint8_t* thunk, uint64_t operation, uint64_t wanted) {
    const Influence influence = influence_of(operation);
    const uint64_t used = ~uint64_t{0} >> (64 - influence.width);
    const auto add = [&](uint32_t offset, uint64_t bits) {
        const uint64_t word = word_at(thunk, offset) | bits;
        std::memcpy(thunk + offset - REVEN_CC_OP, &word, sizeof word);
    };
    wanted &= ARITHMETIC;
    if (influence.is_copy) {
        add(REVEN_CC_DEP1, wanted);
        return;
    }
    if (wanted & influence.first) add(REVEN_CC_DEP1, used);
    if (wanted & influence.second) add(REVEN_CC_DEP2, used);
    if (wanted & influence.carry) add(REVEN_CC_NDEP, CARRY);
    add(REVEN_CC_NDEP, wanted & influence.kept);
}

void seed_flags(RegisterTaint& registers, uint64_t operation, uint64_t wanted) {
    taint_flags(registers.data() + REVEN_CC_OP, operation, wanted);
    const auto whole = [&](uint32_t bit, uint32_t offset) {
        if (wanted >> bit & 1) std::fill_n(registers.begin() + offset, 8, 0xff);
    };
    whole(10, REVEN_DFLAG);
    whole(18, REVEN_ACFLAG);
    whole(21, REVEN_IDFLAG);
}

}  // namespace reven
