/* SPDX-License-Identifier: GPL-2.0-or-later
 * Which bits of the result of VEX's operations come from which bits of their
 * operands, where it is not all from all. */
#include "template_builder.h"

#define ELEMENTS(name, bytes) {Iop_##name, FLOW_ELEMENTS, bytes, 0}
#define LOWEST(name, bytes) {Iop_##name, FLOW_LOWEST, bytes, 0}
#define COUNTED(name, bytes) {Iop_##name, FLOW_COUNTED, bytes, 0}
#define PART(name, bytes, index) {Iop_##name, FLOW_PART, bytes, index}
#define BINARY(name, op, bytes) {Iop_##name, FLOW_BINARY, bytes, REVEN_FLOW_##op}

#define MMX_8_16_32(name, E) E(name##8x8, 1), E(name##16x4, 2), E(name##32x2, 4)
#define XMM_8_16(name, E) E(name##8x16, 1), E(name##16x8, 2)
#define XMM_8_16_32(name, E) XMM_8_16(name, E), E(name##32x4, 4)
#define XMM_16_32_64(name, E) E(name##16x8, 2), E(name##32x4, 4), E(name##64x2, 8)
#define YMM_16_32_64(name, E) E(name##16x16, 2), E(name##32x8, 4), E(name##64x4, 8)
#define XMM_SIGN(name, sign, E) E(name##8##sign##x16, 1), E(name##16##sign##x8, 2)
#define YMM_SIGN(name, sign, E) E(name##8##sign##x32, 1), E(name##16##sign##x16, 2)
#define FLOATS(name) ELEMENTS(name##32Fx4, 4), ELEMENTS(name##64Fx2, 8)
#define WIDE_FLOATS(name) ELEMENTS(name##32Fx8, 4), ELEMENTS(name##64Fx4, 8)
#define LOWEST_FLOATS(name) LOWEST(name##32F0x4, 4), LOWEST(name##64F0x2, 8)

static const struct {
    IROp vex;
    UChar flow, element, part;
} rows[] = {
    {Iop_ReinterpV128asI128, FLOW_BITS, 0, 0},
    {Iop_ReinterpI128asV128, FLOW_BITS, 0, 0},
    {Iop_NegF64, FLOW_BITS, 0, 0},
    {Iop_AbsF64, FLOW_BITS, 0, 0},
    {Iop_NegF32, FLOW_BITS, 0, 0},
    {Iop_AbsF32, FLOW_BITS, 0, 0},
    {Iop_AndV128, FLOW_BITS, 0, 0},
    {Iop_OrV128, FLOW_BITS, 0, 0},
    {Iop_XorV128, FLOW_BITS, 0, 0},
    {Iop_NotV128, FLOW_BITS, 0, 0},
    {Iop_AndV256, FLOW_BITS, 0, 0},
    {Iop_OrV256, FLOW_BITS, 0, 0},
    {Iop_XorV256, FLOW_BITS, 0, 0},
    {Iop_NotV256, FLOW_BITS, 0, 0},

    MMX_8_16_32(Add, ELEMENTS),
    MMX_8_16_32(Sub, ELEMENTS),
    MMX_8_16_32(CmpEQ, ELEMENTS),
    MMX_8_16_32(ShlN, COUNTED),
    MMX_8_16_32(ShrN, COUNTED),
    MMX_8_16_32(SarN, COUNTED),
    ELEMENTS(CmpGT8Sx8, 1),
    ELEMENTS(CmpGT16Sx4, 2),
    ELEMENTS(CmpGT32Sx2, 4),
    ELEMENTS(QAdd8Ux8, 1),
    ELEMENTS(QAdd16Ux4, 2),
    ELEMENTS(QAdd8Sx8, 1),
    ELEMENTS(QAdd16Sx4, 2),
    ELEMENTS(QSub8Ux8, 1),
    ELEMENTS(QSub16Ux4, 2),
    ELEMENTS(QSub8Sx8, 1),
    ELEMENTS(QSub16Sx4, 2),
    ELEMENTS(Mul16x4, 2),
    ELEMENTS(MulHi16Ux4, 2),
    ELEMENTS(MulHi16Sx4, 2),
    ELEMENTS(Avg8Ux8, 1),
    ELEMENTS(Avg16Ux4, 2),
    ELEMENTS(Max16Sx4, 2),
    ELEMENTS(Max8Ux8, 1),
    ELEMENTS(Min16Sx4, 2),
    ELEMENTS(Min8Ux8, 1),
    BINARY(InterleaveHI8x8, INTERLEAVE_HIGH, 1),
    BINARY(InterleaveHI16x4, INTERLEAVE_HIGH, 2),
    BINARY(InterleaveHI32x2, INTERLEAVE_HIGH, 4),
    BINARY(InterleaveLO8x8, INTERLEAVE_LOW, 1),
    BINARY(InterleaveLO16x4, INTERLEAVE_LOW, 2),
    BINARY(InterleaveLO32x2, INTERLEAVE_LOW, 4),
    {Iop_QNarrowBin16Sto8Ux8, FLOW_NARROW, 2, 0},
    {Iop_QNarrowBin16Sto8Sx8, FLOW_NARROW, 2, 0},
    {Iop_QNarrowBin32Sto16Sx4, FLOW_NARROW, 4, 0},
    BINARY(Perm8x8, PERMUTE, 1),

    XMM_8_16_32(Add, ELEMENTS),
    ELEMENTS(Add64x2, 8),
    XMM_8_16_32(Sub, ELEMENTS),
    ELEMENTS(Sub64x2, 8),
    XMM_8_16_32(CmpEQ, ELEMENTS),
    ELEMENTS(CmpEQ64x2, 8),
    XMM_SIGN(CmpGT, S, ELEMENTS),
    ELEMENTS(CmpGT32Sx4, 4),
    ELEMENTS(CmpGT64Sx2, 8),
    XMM_SIGN(QAdd, U, ELEMENTS),
    XMM_SIGN(QAdd, S, ELEMENTS),
    XMM_SIGN(QSub, U, ELEMENTS),
    XMM_SIGN(QSub, S, ELEMENTS),
    XMM_SIGN(Avg, U, ELEMENTS),
    XMM_SIGN(Max, S, ELEMENTS),
    XMM_SIGN(Max, U, ELEMENTS),
    XMM_SIGN(Min, S, ELEMENTS),
    XMM_SIGN(Min, U, ELEMENTS),
    ELEMENTS(Max32Sx4, 4),
    ELEMENTS(Max32Ux4, 4),
    ELEMENTS(Min32Sx4, 4),
    ELEMENTS(Min32Ux4, 4),
    ELEMENTS(Mul16x8, 2),
    ELEMENTS(Mul32x4, 4),
    ELEMENTS(MulHi16Ux8, 2),
    ELEMENTS(MulHi16Sx8, 2),
    ELEMENTS(MullEven32Ux4, 8),
    ELEMENTS(MullEven32Sx4, 8),
    XMM_8_16_32(Abs, ELEMENTS),
    XMM_16_32_64(ShlN, COUNTED),
    XMM_16_32_64(ShrN, COUNTED),
    COUNTED(ShlN8x16, 1),
    COUNTED(ShrN8x16, 1),
    COUNTED(SarN8x16, 1),
    XMM_16_32_64(SarN, COUNTED),
    ELEMENTS(Shl32x4, 4),
    ELEMENTS(Shl64x2, 8),
    ELEMENTS(Shr32x4, 4),
    ELEMENTS(Shr64x2, 8),
    ELEMENTS(Sar32x4, 4),
    {Iop_ShlV128, FLOW_SHIFT, 0, REVEN_FLOW_SHIFT_LEFT},
    {Iop_ShrV128, FLOW_SHIFT, 0, REVEN_FLOW_SHIFT_RIGHT},
    BINARY(InterleaveHI8x16, INTERLEAVE_HIGH, 1),
    BINARY(InterleaveHI16x8, INTERLEAVE_HIGH, 2),
    BINARY(InterleaveHI32x4, INTERLEAVE_HIGH, 4),
    BINARY(InterleaveHI64x2, INTERLEAVE_HIGH, 8),
    BINARY(InterleaveLO8x16, INTERLEAVE_LOW, 1),
    BINARY(InterleaveLO16x8, INTERLEAVE_LOW, 2),
    BINARY(InterleaveLO32x4, INTERLEAVE_LOW, 4),
    BINARY(InterleaveLO64x2, INTERLEAVE_LOW, 8),
    {Iop_QNarrowBin16Sto8Ux16, FLOW_NARROW, 2, 0},
    {Iop_QNarrowBin16Sto8Sx16, FLOW_NARROW, 2, 0},
    {Iop_QNarrowBin32Sto16Sx8, FLOW_NARROW, 4, 0},
    {Iop_QNarrowBin32Sto16Ux8, FLOW_NARROW, 4, 0},
    {Iop_NarrowBin16to8x16, FLOW_NARROW, 2, 0},
    {Iop_NarrowBin32to16x8, FLOW_NARROW, 4, 0},
    {Iop_NarrowUn16to8x8, FLOW_NARROW, 2, 0},
    {Iop_NarrowUn32to16x4, FLOW_NARROW, 4, 0},
    {Iop_NarrowUn64to32x2, FLOW_NARROW, 8, 0},
    {Iop_Widen8Uto16x8, FLOW_UNARY, 1, REVEN_FLOW_WIDEN},
    {Iop_Widen16Uto32x4, FLOW_UNARY, 2, REVEN_FLOW_WIDEN},
    {Iop_Widen32Uto64x2, FLOW_UNARY, 4, REVEN_FLOW_WIDEN},
    {Iop_Widen8Sto16x8, FLOW_UNARY, 1, REVEN_FLOW_WIDEN},
    {Iop_Widen16Sto32x4, FLOW_UNARY, 2, REVEN_FLOW_WIDEN},
    {Iop_Widen32Sto64x2, FLOW_UNARY, 4, REVEN_FLOW_WIDEN},
    BINARY(Perm8x16, PERMUTE, 1),
    BINARY(PermOrZero8x16, PERMUTE, 1),
    BINARY(Perm32x4, PERMUTE, 4),
    {Iop_SetV128lo32, FLOW_INSERT, 4, 0},
    {Iop_SetV128lo64, FLOW_INSERT, 8, 0},

    ELEMENTS(Add8x32, 1),
    YMM_16_32_64(Add, ELEMENTS),
    ELEMENTS(Sub8x32, 1),
    YMM_16_32_64(Sub, ELEMENTS),
    ELEMENTS(CmpEQ8x32, 1),
    YMM_16_32_64(CmpEQ, ELEMENTS),
    YMM_SIGN(CmpGT, S, ELEMENTS),
    ELEMENTS(CmpGT32Sx8, 4),
    ELEMENTS(CmpGT64Sx4, 8),
    YMM_SIGN(QAdd, U, ELEMENTS),
    YMM_SIGN(QAdd, S, ELEMENTS),
    YMM_SIGN(QSub, U, ELEMENTS),
    YMM_SIGN(QSub, S, ELEMENTS),
    YMM_SIGN(Avg, U, ELEMENTS),
    YMM_SIGN(Max, S, ELEMENTS),
    YMM_SIGN(Max, U, ELEMENTS),
    YMM_SIGN(Min, S, ELEMENTS),
    YMM_SIGN(Min, U, ELEMENTS),
    ELEMENTS(Max32Sx8, 4),
    ELEMENTS(Max32Ux8, 4),
    ELEMENTS(Min32Sx8, 4),
    ELEMENTS(Min32Ux8, 4),
    ELEMENTS(Mul16x16, 2),
    ELEMENTS(Mul32x8, 4),
    ELEMENTS(MulHi16Ux16, 2),
    ELEMENTS(MulHi16Sx16, 2),
    YMM_16_32_64(ShlN, COUNTED),
    YMM_16_32_64(ShrN, COUNTED),
    COUNTED(SarN16x16, 2),
    COUNTED(SarN32x8, 4),
    BINARY(Perm32x8, PERMUTE, 4),

    FLOATS(Add),
    FLOATS(Sub),
    FLOATS(Mul),
    FLOATS(Div),
    FLOATS(Max),
    FLOATS(Min),
    FLOATS(Sqrt),
    FLOATS(CmpEQ),
    FLOATS(CmpLT),
    FLOATS(CmpLE),
    FLOATS(CmpUN),
    ELEMENTS(RecipEst32Fx4, 4),
    ELEMENTS(RSqrtEst32Fx4, 4),
    WIDE_FLOATS(Add),
    WIDE_FLOATS(Sub),
    WIDE_FLOATS(Mul),
    WIDE_FLOATS(Div),
    WIDE_FLOATS(Max),
    WIDE_FLOATS(Min),
    WIDE_FLOATS(Sqrt),
    ELEMENTS(RecipEst32Fx8, 4),
    ELEMENTS(RSqrtEst32Fx8, 4),
    LOWEST_FLOATS(Add),
    LOWEST_FLOATS(Sub),
    LOWEST_FLOATS(Mul),
    LOWEST_FLOATS(Div),
    LOWEST_FLOATS(Max),
    LOWEST_FLOATS(Min),
    LOWEST_FLOATS(Sqrt),
    LOWEST_FLOATS(CmpEQ),
    LOWEST_FLOATS(CmpLT),
    LOWEST_FLOATS(CmpLE),
    LOWEST_FLOATS(CmpUN),
    LOWEST(RecipEst32F0x4, 4),
    LOWEST(RSqrtEst32F0x4, 4),

    PART(16HIto8, 1, 1),
    PART(32HIto16, 2, 1),
    PART(128to64, 8, 0),
    PART(128HIto64, 8, 1),
    PART(V256to64_0, 8, 0),
    PART(V256to64_1, 8, 1),
    PART(V256to64_2, 8, 2),
    PART(V256to64_3, 8, 3),
    PART(V256toV128_0, 16, 0),
    PART(V256toV128_1, 16, 1),
    PART(V128to32, 4, 0),
    BINARY(8HLto16, CONCATENATE, 0),
    BINARY(16HLto32, CONCATENATE, 0),
    BINARY(64HLto128, CONCATENATE, 0),
    BINARY(V128HLtoV256, CONCATENATE, 0),
    {Iop_64x4toV256, FLOW_FOUR, 0, 0},
};
#define ROWS (sizeof rows / sizeof rows[0])

/* Row of each operation, from 1. */
static UShort row_of[Iop_LAST - Iop_INVALID];

void flow_operations_init(void) {
    UInt i;
    for (i = 0; i < ROWS; i++) row_of[rows[i].vex - Iop_INVALID] = i + 1;
}

Flow flow_operation(IROp vex, UInt* element, UInt* part) {
    UInt row = row_of[vex - Iop_INVALID];
    *element = *part = 0;
    if (row == 0) return FLOW_ALL;
    *element = rows[row - 1].element;
    *part = rows[row - 1].part;
    return rows[row - 1].flow;
}
