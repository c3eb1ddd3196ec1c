/* SPDX-License-Identifier: GPL-2.0-or-later
 * Which of VEX's operations the reader can compute, and how. */
#include "template_builder.h"

#define ROW(name, operation, invertible) {Iop_##name, operation, invertible, 0}
#define WIDTHS(name, operation)                                      \
    ROW(name##8, operation, False), ROW(name##16, operation, False), \
        ROW(name##32, operation, False), ROW(name##64, operation, False)
#define INVERTIBLE_WIDTHS(name, operation)                                                         \
    ROW(name##8, operation, True), ROW(name##16, operation, True), ROW(name##32, operation, True), \
        ROW(name##64, operation, True)
#define LANES(name, operation, element) {Iop_##name, operation, False, element}
/* Of XMM and YMM registers. */
#define LANES_8(name, sign, operation) \
    LANES(name##8##sign##x16, operation, 1), LANES(name##8##sign##x32, operation, 1)
#define LANES_16(name, sign, operation) \
    LANES(name##16##sign##x8, operation, 2), LANES(name##16##sign##x16, operation, 2)
#define LANES_32(name, sign, operation) \
    LANES(name##32##sign##x4, operation, 4), LANES(name##32##sign##x8, operation, 4)
#define LANES_64(name, sign, operation) \
    LANES(name##64##sign##x2, operation, 8), LANES(name##64##sign##x4, operation, 8)
#define LANES_8_32(name, sign, operation) \
    LANES_8(name, sign, operation), LANES_16(name, sign, operation), LANES_32(name, sign, operation)
#define LANES_16_64(name, sign, operation)                            \
    LANES_16(name, sign, operation), LANES_32(name, sign, operation), \
        LANES_64(name, sign, operation)
#define INTERLEAVE(name, operation)                                   \
    LANES(name##8x16, operation, 1), LANES(name##16x8, operation, 2), \
        LANES(name##32x4, operation, 4), LANES(name##64x2, operation, 8)

static const struct {
    IROp vex;
    UChar operation;
    Bool invertible;
    UChar element;
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
    WIDTHS(ExpCmpNE, REVEN_OP_NE),
    ROW(Not1, REVEN_OP_NOT, True),
    ROW(And1, REVEN_OP_AND, False),
    ROW(Or1, REVEN_OP_OR, False),
    ROW(CmpLT32S, REVEN_OP_LT_SIGNED, False),
    ROW(CmpLT64S, REVEN_OP_LT_SIGNED, False),
    ROW(CmpLE32S, REVEN_OP_LE_SIGNED, False),
    ROW(CmpLE64S, REVEN_OP_LE_SIGNED, False),
    ROW(CmpLT32U, REVEN_OP_LT_UNSIGNED, False),
    ROW(CmpLT64U, REVEN_OP_LT_UNSIGNED, False),
    ROW(CmpLE32U, REVEN_OP_LE_UNSIGNED, False),
    ROW(CmpLE64U, REVEN_OP_LE_UNSIGNED, False),
    ROW(64to32, REVEN_OP_TRUNCATE, False),
    ROW(64to16, REVEN_OP_TRUNCATE, False),
    ROW(64to8, REVEN_OP_TRUNCATE, False),
    ROW(64to1, REVEN_OP_TRUNCATE, False),
    ROW(32to16, REVEN_OP_TRUNCATE, False),
    ROW(32to8, REVEN_OP_TRUNCATE, False),
    ROW(32to1, REVEN_OP_TRUNCATE, False),
    ROW(16to8, REVEN_OP_TRUNCATE, False),
    ROW(1Uto8, REVEN_OP_ZERO_EXTEND, True),
    ROW(1Uto32, REVEN_OP_ZERO_EXTEND, True),
    ROW(1Uto64, REVEN_OP_ZERO_EXTEND, True),
    ROW(8Uto16, REVEN_OP_ZERO_EXTEND, True),
    ROW(8Uto32, REVEN_OP_ZERO_EXTEND, True),
    ROW(8Uto64, REVEN_OP_ZERO_EXTEND, True),
    ROW(16Uto32, REVEN_OP_ZERO_EXTEND, True),
    ROW(16Uto64, REVEN_OP_ZERO_EXTEND, True),
    ROW(32Uto64, REVEN_OP_ZERO_EXTEND, True),
    ROW(8Sto16, REVEN_OP_SIGN_EXTEND, True),
    ROW(8Sto32, REVEN_OP_SIGN_EXTEND, True),
    ROW(8Sto64, REVEN_OP_SIGN_EXTEND, True),
    ROW(16Sto32, REVEN_OP_SIGN_EXTEND, True),
    ROW(16Sto64, REVEN_OP_SIGN_EXTEND, True),
    ROW(32Sto64, REVEN_OP_SIGN_EXTEND, True),
    ROW(ReinterpF64asI64, REVEN_OP_SAME_BITS, True),
    ROW(ReinterpI64asF64, REVEN_OP_SAME_BITS, True),
    ROW(ReinterpF32asI32, REVEN_OP_SAME_BITS, True),
    ROW(ReinterpI32asF32, REVEN_OP_SAME_BITS, True),
    ROW(64HIto32, REVEN_OP_HIGH_HALF, False),
    ROW(32HLto64, REVEN_OP_CONCATENATE, False),
    ROW(V128to64, REVEN_OP_VECTOR_LOW, False),
    ROW(V128HIto64, REVEN_OP_VECTOR_HIGH, False),
    ROW(64HLtoV128, REVEN_OP_VECTOR_PAIR, False),
    ROW(64UtoV128, REVEN_OP_VECTOR_ZERO_EXTEND, True),
    ROW(32UtoV128, REVEN_OP_VECTOR_ZERO_EXTEND, True),
    ROW(Clz32, REVEN_OP_LEADING_ZEROS, False),
    ROW(Clz64, REVEN_OP_LEADING_ZEROS, False),
    ROW(ClzNat32, REVEN_OP_LEADING_ZEROS, False),
    ROW(ClzNat64, REVEN_OP_LEADING_ZEROS, False),
    ROW(Ctz32, REVEN_OP_TRAILING_ZEROS, False),
    ROW(Ctz64, REVEN_OP_TRAILING_ZEROS, False),
    ROW(CtzNat32, REVEN_OP_TRAILING_ZEROS, False),
    ROW(CtzNat64, REVEN_OP_TRAILING_ZEROS, False),

    ROW(AndV128, REVEN_OP_AND, False),
    ROW(AndV256, REVEN_OP_AND, False),
    ROW(OrV128, REVEN_OP_OR, False),
    ROW(OrV256, REVEN_OP_OR, False),
    ROW(XorV128, REVEN_OP_XOR, True),
    ROW(XorV256, REVEN_OP_XOR, True),
    ROW(NotV128, REVEN_OP_NOT, True),
    ROW(NotV256, REVEN_OP_NOT, True),
    ROW(V128HLtoV256, REVEN_OP_VECTOR_PAIR, False),
    ROW(V256toV128_0, REVEN_OP_VECTOR_LOW, False),
    ROW(V256toV128_1, REVEN_OP_VECTOR_HIGH, False),
    ROW(GetMSBs8x16, REVEN_OP_SIGN_MASK, False),
    ROW(Perm8x16, REVEN_OP_PERMUTE, False),
    ROW(PermOrZero8x16, REVEN_OP_PERMUTE, False),
    LANES_8_32(Add, , REVEN_OP_LANES_ADD),
    LANES_64(Add, , REVEN_OP_LANES_ADD),
    LANES_8_32(Sub, , REVEN_OP_LANES_SUB),
    LANES_64(Sub, , REVEN_OP_LANES_SUB),
    LANES_16(Mul, , REVEN_OP_LANES_MUL),
    LANES_32(Mul, , REVEN_OP_LANES_MUL),
    LANES(MullEven32Ux4, REVEN_OP_LANES_MUL_LOW_HALVES, 8),
    LANES_8_32(CmpEQ, , REVEN_OP_LANES_EQ),
    LANES_64(CmpEQ, , REVEN_OP_LANES_EQ),
    LANES_8_32(CmpGT, S, REVEN_OP_LANES_GT_SIGNED),
    LANES_64(CmpGT, S, REVEN_OP_LANES_GT_SIGNED),
    LANES_8_32(Min, S, REVEN_OP_LANES_MIN_SIGNED),
    LANES_8_32(Max, S, REVEN_OP_LANES_MAX_SIGNED),
    LANES_8_32(Min, U, REVEN_OP_LANES_MIN_UNSIGNED),
    LANES_8_32(Max, U, REVEN_OP_LANES_MAX_UNSIGNED),
    LANES(ShlN8x16, REVEN_OP_LANES_SHL, 1),
    LANES(ShrN8x16, REVEN_OP_LANES_SHR, 1),
    LANES(SarN8x16, REVEN_OP_LANES_SAR, 1),
    LANES_16_64(ShlN, , REVEN_OP_LANES_SHL),
    LANES_16_64(ShrN, , REVEN_OP_LANES_SHR),
    LANES_16(SarN, , REVEN_OP_LANES_SAR),
    LANES_32(SarN, , REVEN_OP_LANES_SAR),
    LANES(SarN64x2, REVEN_OP_LANES_SAR, 8),
    INTERLEAVE(InterleaveLO, REVEN_OP_INTERLEAVE_LOW),
    INTERLEAVE(InterleaveHI, REVEN_OP_INTERLEAVE_HIGH),
};
#define ROWS (sizeof rows / sizeof rows[0])

/* Row of each operation, from 1. */
static UShort row_of[Iop_LAST - Iop_INVALID];

void operations_init(void) {
    UInt i;
    for (i = 0; i < ROWS; i++) row_of[rows[i].vex - Iop_INVALID] = i + 1;
}

static UInt operation(IROp vex, UInt* element) {
    UInt row = row_of[vex - Iop_INVALID];
    if (row == 0) return 0;
    *element = rows[row - 1].element;
    return rows[row - 1].operation;
}

Bool operation_is_invertible(IROp vex) {
    UInt row = row_of[vex - Iop_INVALID];
    return row != 0 && rows[row - 1].invertible;
}

static UInt unary(UInt size, UInt op, UInt a) {
    return a == REVEN_NO_NODE ? a : template_node(REVEN_NODE_UNARY, size, op, a, 0, 0, 0);
}

static UInt binary(UInt size, UInt op, UInt a, UInt b, UInt element) {
    if (a == REVEN_NO_NODE || b == REVEN_NO_NODE) return REVEN_NO_NODE;
    return template_node(REVEN_NODE_BINARY, size, op, a, b, 0, element);
}

/* Half of a product of 64-bit numbers. */
static UInt half_product(IRExpr* product, Bool high, Operand operand, UInt depth) {
    IRExpr* e = product->tag == Iex_RdTmp ? template_definition(product->Iex.RdTmp.tmp) : NULL;
    UInt op = REVEN_OP_MUL;
    if (e == NULL || e->tag != Iex_Binop ||
        (e->Iex.Binop.op != Iop_MullU64 && e->Iex.Binop.op != Iop_MullS64))
        return REVEN_NO_NODE;
    if (high)
        op = e->Iex.Binop.op == Iop_MullU64 ? REVEN_OP_MUL_HIGH_UNSIGNED : REVEN_OP_MUL_HIGH_SIGNED;
    return binary(8, op, operand(e->Iex.Binop.arg1, depth), operand(e->Iex.Binop.arg2, depth), 0);
}

/* A product of twice the operands' size, up to 64 bits. */
static UInt whole_product(IRExpr* e, UInt size, UInt extend, Operand operand, UInt depth) {
    UInt a = unary(size, extend, operand(e->Iex.Binop.arg1, depth));
    return binary(size, REVEN_OP_MUL, a, unary(size, extend, operand(e->Iex.Binop.arg2, depth)), 0);
}

static UInt unary_node(IRExpr* e, UInt size, Bool is_bit, Operand operand, UInt depth) {
    IRExpr* argument = e->Iex.Unop.arg;
    UInt element, op = operation(e->Iex.Unop.op, &element), a;
    if (op != 0) {
        a = operand(argument, depth);
        return a == REVEN_NO_NODE ? a : template_node(REVEN_NODE_UNARY, size, op, a, 0, 0, is_bit);
    }
    switch (e->Iex.Unop.op) {
        case Iop_128to64:
            return half_product(argument, False, operand, depth);
        case Iop_128HIto64:
            return half_product(argument, True, operand, depth);
        case Iop_V256to64_0:
        case Iop_V256to64_1:
            a = unary(16, REVEN_OP_VECTOR_LOW, operand(argument, depth));
            break;
        case Iop_V256to64_2:
        case Iop_V256to64_3:
            a = unary(16, REVEN_OP_VECTOR_HIGH, operand(argument, depth));
            break;
        default:
            return REVEN_NO_NODE;
    }
    if (e->Iex.Unop.op == Iop_V256to64_0 || e->Iex.Unop.op == Iop_V256to64_2)
        return unary(size, REVEN_OP_VECTOR_LOW, a);
    return unary(size, REVEN_OP_VECTOR_HIGH, a);
}

static UInt binary_node(IRExpr* e, UInt size, Operand operand, UInt depth) {
    UInt element, op = operation(e->Iex.Binop.op, &element), a;
    if (op != 0) {
        a = operand(e->Iex.Binop.arg1, depth);
        if (a == REVEN_NO_NODE) return a;
        return binary(size, op, a, operand(e->Iex.Binop.arg2, depth), element);
    }
    switch (e->Iex.Binop.op) {
        case Iop_MullU8:
        case Iop_MullU16:
        case Iop_MullU32:
            return whole_product(e, size, REVEN_OP_ZERO_EXTEND, operand, depth);
        case Iop_MullS8:
        case Iop_MullS16:
        case Iop_MullS32:
            return whole_product(e, size, REVEN_OP_SIGN_EXTEND, operand, depth);
        default:
            return REVEN_NO_NODE;
    }
}

UInt operation_node(IRExpr* e, IRType type, Operand operand, UInt depth) {
    UInt size = type_size(type), a, b, c;
    switch (e->tag) {
        case Iex_RdTmp:
        case Iex_Const:
            return operand(e, depth);
        case Iex_Unop:
            return unary_node(e, size, type == Ity_I1, operand, depth);
        case Iex_Binop:
            return binary_node(e, size, operand, depth);
        case Iex_ITE:
            if ((c = operand(e->Iex.ITE.cond, depth)) == REVEN_NO_NODE ||
                (a = operand(e->Iex.ITE.iftrue, depth)) == REVEN_NO_NODE ||
                (b = operand(e->Iex.ITE.iffalse, depth)) == REVEN_NO_NODE)
                return REVEN_NO_NODE;
            return template_node(REVEN_NODE_SELECT, size, 0, a, b, c, 0);
        case Iex_Qop: {
            const IRQop* qop = e->Iex.Qop.details;
            if (qop->op != Iop_64x4toV256) return REVEN_NO_NODE;
            a = binary(16, REVEN_OP_VECTOR_PAIR, operand(qop->arg1, depth),
                       operand(qop->arg2, depth), 0);
            b = binary(16, REVEN_OP_VECTOR_PAIR, operand(qop->arg3, depth),
                       operand(qop->arg4, depth), 0);
            return binary(32, REVEN_OP_VECTOR_PAIR, a, b, 0);
        }
        default:
            return REVEN_NO_NODE;
    }
}
