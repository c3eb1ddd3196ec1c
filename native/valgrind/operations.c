/* SPDX-License-Identifier: GPL-2.0-or-later
 * Which of VEX's operations the reader can compute, and how. */
#include "recorder.h"

#define WIDTHS(name, operation)                                            \
    {Iop_##name##8, operation, False}, {Iop_##name##16, operation, False}, \
        {Iop_##name##32, operation, False}, {                              \
        Iop_##name##64, operation, False                                   \
    }
#define INVERTIBLE_WIDTHS(name, operation)                               \
    {Iop_##name##8, operation, True}, {Iop_##name##16, operation, True}, \
        {Iop_##name##32, operation, True}, {                             \
        Iop_##name##64, operation, True                                  \
    }

static const struct {
    IROp vex;
    UChar operation;
    Bool invertible;
} rows[] = {
    INVERTIBLE_WIDTHS(Add, REVEN_OP_ADD),
    INVERTIBLE_WIDTHS(Sub, REVEN_OP_SUB),
    INVERTIBLE_WIDTHS(Xor, REVEN_OP_XOR),
    INVERTIBLE_WIDTHS(Not, REVEN_OP_NOT),
    WIDTHS(And, REVEN_OP_AND),
    WIDTHS(Or, REVEN_OP_OR),
    WIDTHS(Shl, REVEN_OP_SHL),
    WIDTHS(Shr, REVEN_OP_SHR),
    WIDTHS(Sar, REVEN_OP_SAR),
    WIDTHS(Mul, REVEN_OP_MUL),
    WIDTHS(CmpEQ, REVEN_OP_EQ),
    WIDTHS(CmpNE, REVEN_OP_NE),
    WIDTHS(CasCmpEQ, REVEN_OP_EQ),
    WIDTHS(CasCmpNE, REVEN_OP_NE),
    {Iop_Not1, REVEN_OP_NOT, True},
    {Iop_And1, REVEN_OP_AND, False},
    {Iop_Or1, REVEN_OP_OR, False},
    {Iop_CmpLT32S, REVEN_OP_LT_SIGNED, False},
    {Iop_CmpLT64S, REVEN_OP_LT_SIGNED, False},
    {Iop_CmpLE32S, REVEN_OP_LE_SIGNED, False},
    {Iop_CmpLE64S, REVEN_OP_LE_SIGNED, False},
    {Iop_CmpLT32U, REVEN_OP_LT_UNSIGNED, False},
    {Iop_CmpLT64U, REVEN_OP_LT_UNSIGNED, False},
    {Iop_CmpLE32U, REVEN_OP_LE_UNSIGNED, False},
    {Iop_CmpLE64U, REVEN_OP_LE_UNSIGNED, False},
    {Iop_64to32, REVEN_OP_TRUNCATE, False},
    {Iop_64to16, REVEN_OP_TRUNCATE, False},
    {Iop_64to8, REVEN_OP_TRUNCATE, False},
    {Iop_64to1, REVEN_OP_TRUNCATE, False},
    {Iop_32to16, REVEN_OP_TRUNCATE, False},
    {Iop_32to8, REVEN_OP_TRUNCATE, False},
    {Iop_32to1, REVEN_OP_TRUNCATE, False},
    {Iop_16to8, REVEN_OP_TRUNCATE, False},
    {Iop_1Uto8, REVEN_OP_ZERO_EXTEND, True},
    {Iop_1Uto32, REVEN_OP_ZERO_EXTEND, True},
    {Iop_1Uto64, REVEN_OP_ZERO_EXTEND, True},
    {Iop_8Uto16, REVEN_OP_ZERO_EXTEND, True},
    {Iop_8Uto32, REVEN_OP_ZERO_EXTEND, True},
    {Iop_8Uto64, REVEN_OP_ZERO_EXTEND, True},
    {Iop_16Uto32, REVEN_OP_ZERO_EXTEND, True},
    {Iop_16Uto64, REVEN_OP_ZERO_EXTEND, True},
    {Iop_32Uto64, REVEN_OP_ZERO_EXTEND, True},
    {Iop_8Sto16, REVEN_OP_SIGN_EXTEND, True},
    {Iop_8Sto32, REVEN_OP_SIGN_EXTEND, True},
    {Iop_8Sto64, REVEN_OP_SIGN_EXTEND, True},
    {Iop_16Sto32, REVEN_OP_SIGN_EXTEND, True},
    {Iop_16Sto64, REVEN_OP_SIGN_EXTEND, True},
    {Iop_32Sto64, REVEN_OP_SIGN_EXTEND, True},
    {Iop_ReinterpF64asI64, REVEN_OP_SAME_BITS, True},
    {Iop_ReinterpI64asF64, REVEN_OP_SAME_BITS, True},
    {Iop_ReinterpF32asI32, REVEN_OP_SAME_BITS, True},
    {Iop_ReinterpI32asF32, REVEN_OP_SAME_BITS, True},
    {Iop_64HIto32, REVEN_OP_HIGH_HALF, False},
    {Iop_32HLto64, REVEN_OP_CONCATENATE, False},
    {Iop_V128to64, REVEN_OP_VECTOR_LOW, False},
    {Iop_V128HIto64, REVEN_OP_VECTOR_HIGH, False},
    {Iop_64HLtoV128, REVEN_OP_VECTOR_PAIR, False},
    {Iop_64UtoV128, REVEN_OP_VECTOR_ZERO_EXTEND, True},
    {Iop_32UtoV128, REVEN_OP_VECTOR_ZERO_EXTEND, True},
};
#define ROWS (sizeof rows / sizeof rows[0])

/* Row of each operation, from 1. */
static UChar row_of[Iop_LAST - Iop_INVALID];

void operations_init(void) {
    UInt i;
    for (i = 0; i < ROWS; i++) row_of[rows[i].vex - Iop_INVALID] = i + 1;
}

UInt operation(IROp vex, Bool* invertible) {
    UInt row = row_of[vex - Iop_INVALID];
    *invertible = row != 0 && rows[row - 1].invertible;
    return row == 0 ? 0 : rows[row - 1].operation;
}
