/* SPDX-License-Identifier: GPL-2.0-or-later
 * Where a value that is stored to the record came from: nodes without a value,
 * for who follows data through the trace. */
#include "pub_tool_libcbase.h"
#include "template_builder.h"

#define MOST_OPERANDS 4

static IRSB* block;
static UInt flows[MOST_TEMPS];
static UInt events_before[MOST_TEMPS];

void flow_begin(IRSB* sb) {
    UInt i;
    block = sb;
    for (i = 0; i < (UInt)sb->tyenv->types_used; i++) flows[i] = REVEN_NO_NODE;
}

void flow_define(IRTemp temp) { events_before[temp] = template_event_count(); }

void flow_set(IRTemp temp, UInt flow) { flows[temp] = flow; }

static UInt size_of(IRType type) {
    switch (type) {
        case Ity_I128:
        case Ity_F128:
        case Ity_D128:
            return 16;
        case Ity_D64:
            return 8;
        case Ity_D32:
            return 4;
        case Ity_F16:
            return 2;
        default:
            return type_size(type);
    }
}

static UInt flow_node(UInt size, UInt op, UInt element, UInt a, UInt b, UInt c) {
    return template_node(REVEN_NODE_FLOW, size, op, a, b, c, element);
}

static UInt number(UInt value) { return template_constant(IRConst_U8(value)); }

/* Every bit from every bit of all of them. */
static UInt all_of(UInt size, const UInt* operands, UInt count) {
    UInt sum =
        flow_node(size, REVEN_FLOW_ALL, 0, count > 0 ? operands[0] : REVEN_NO_NODE,
                  count > 1 ? operands[1] : REVEN_NO_NODE, count > 2 ? operands[2] : REVEN_NO_NODE);
    UInt i;
    for (i = 3; i < count; i += 2)
        sum = flow_node(size, REVEN_FLOW_ALL, 0, sum, operands[i],
                        i + 1 < count ? operands[i + 1] : REVEN_NO_NODE);
    return sum;
}

static Bool is_constant(const IRExpr* atom) { return atom->tag == Iex_Const; }

/* ------------------------------------------------------------ operations */

static Bool is_floating(IRType type) {
    return type == Ity_F16 || type == Ity_F32 || type == Ity_F64 || type == Ity_F128 ||
           type == Ity_V128 || type == Ity_V256;
}

/* VEX's floating-point operations may take a rounding mode first. */
static Bool takes_rounding_mode(IROp op, UInt count) {
    IRType result, types[4];
    if (count < 2) return False;
    typeOfPrimop(op, &result, &types[0], &types[1], &types[2], &types[3]);
    return types[0] == Ity_I32 && (is_floating(types[1]) || is_floating(result));
}

/* The lowest elements of the operands make the lowest element; the others are a's. */
static UInt lowest(UInt size, UInt element, const UInt* operands, UInt count) {
    UInt zero = number(0), parts[MOST_OPERANDS], i;
    for (i = 0; i < count; i++)
        parts[i] =
            flow_node(element, REVEN_FLOW_EXTRACT, element, operands[i], REVEN_NO_NODE, zero);
    return flow_node(size, REVEN_FLOW_INSERT, element, operands[0], all_of(element, parts, count),
                     zero);
}

static UInt flow_of_operation(IROp op, UInt size, IRExpr** arguments, UInt count) {
    UInt operands[MOST_OPERANDS], element, part, i;
    Flow flow = flow_operation(op, &element, &part);
    if (takes_rounding_mode(op, count)) {
        arguments++;
        count--;
    }
    for (i = 0; i < count; i++) operands[i] = flow_of(arguments[i]);
    switch (flow) {
        case FLOW_ELEMENTS:
            return flow_node(size, REVEN_FLOW_ELEMENTS, element, operands[0],
                             count > 1 ? operands[1] : REVEN_NO_NODE,
                             count > 2 ? operands[2] : REVEN_NO_NODE);
        case FLOW_COUNTED: {
            UInt lanes = flow_node(size, REVEN_FLOW_ELEMENTS, element, operands[0], REVEN_NO_NODE,
                                   REVEN_NO_NODE);
            if (is_constant(arguments[1])) return lanes;
            return flow_node(size, REVEN_FLOW_BITS, 0, lanes, all_of(size, &operands[1], 1),
                             REVEN_NO_NODE);
        }
        case FLOW_LOWEST:
            return lowest(size, element, operands, count);
        case FLOW_BITS:
            return flow_node(size, REVEN_FLOW_BITS, 0, operands[0],
                             count > 1 ? operands[1] : REVEN_NO_NODE, REVEN_NO_NODE);
        case FLOW_BINARY:
            return flow_node(size, part, element, operands[0], operands[1], REVEN_NO_NODE);
        case FLOW_NARROW:
            if (count == 1)
                return flow_node(size, REVEN_FLOW_NARROW, element, REVEN_NO_NODE, operands[0],
                                 REVEN_NO_NODE);
            return flow_node(size, REVEN_FLOW_NARROW, element, operands[0], operands[1],
                             REVEN_NO_NODE);
        case FLOW_UNARY:
            return flow_node(size, part, element, operands[0], REVEN_NO_NODE, REVEN_NO_NODE);
        case FLOW_PART:
            return flow_node(size, REVEN_FLOW_EXTRACT, element, operands[0], REVEN_NO_NODE,
                             number(part));
        case FLOW_INSERT:
            return flow_node(size, REVEN_FLOW_INSERT, element, operands[0], operands[1], number(0));
        case FLOW_SHIFT:
            if (is_constant(arguments[1]))
                return flow_node(size, part, 0, operands[0], REVEN_NO_NODE, operands[1]);
            break;
        case FLOW_FOUR:
            return flow_node(size, REVEN_FLOW_CONCATENATE, 0,
                             flow_node(size / 2, REVEN_FLOW_CONCATENATE, 0, operands[0],
                                       operands[1], REVEN_NO_NODE),
                             flow_node(size / 2, REVEN_FLOW_CONCATENATE, 0, operands[2],
                                       operands[3], REVEN_NO_NODE),
                             REVEN_NO_NODE);
        case FLOW_ALL:
            break;
    }
    return all_of(size, operands, count);
}

/* ---------------------------------------------------------------- values */

/* Of a helper without side effects. Its type says which arguments do not matter; but
 * the last one of a computation of flags holds the old ones. */
static UInt flow_of_call(const IRExpr* call, UInt size) {
    const IRCallee* callee = call->Iex.CCall.cee;
    UInt operands[16], count = 0, arguments = 0, ignored = callee->mcx_mask, i;
    while (call->Iex.CCall.args[arguments] != NULL) arguments++;
    if (VG_(strncmp)(callee->name, "amd64g_calculate_", 17) == 0)
        ignored &= ~(1u << (arguments - 1));
    for (i = 0; i < arguments && count < 16; i++)
        if (!(ignored >> i & 1) && !is_constant(call->Iex.CCall.args[i]))
            operands[count++] = flow_of(call->Iex.CCall.args[i]);
    return all_of(size, operands, count);
}

/* What the register file holds after the events so far; nothing if it is not in it. */
static UInt register_then(Int guest_offset, UInt size, UInt events) {
    Int file = registers_offset(guest_offset);
    if (file < 0 || registers_offset(guest_offset + size - 1) != file + (Int)size - 1)
        return all_of(size, NULL, 0);
    return template_node(REVEN_NODE_REGISTER_THEN, size, 0, file, events, 0, 0);
}

static UInt flow_of_operand(IRExpr* atom, UInt depth) {
    (void)depth;
    return flow_of(atom);
}

UInt flow_of_definition(IRTemp temp) {
    IRExpr* e = template_definition(temp);
    IRType type = typeOfIRTemp(block->tyenv, temp);
    UInt size = size_of(type), index;
    if (flows[temp] != REVEN_NO_NODE || e == NULL) return flows[temp];
    flows[temp] = operation_node(e, type, flow_of_operand, 0);
    if (flows[temp] != REVEN_NO_NODE) return flows[temp];
    switch (e->tag) {
        case Iex_Get:
            flows[temp] = register_then(e->Iex.Get.offset, size, events_before[temp]);
            break;
        case Iex_GetI: {
            const IRRegArray* array = e->Iex.GetI.descr;
            Int file = registers_offset(array->base);
            if (file < 0) {
                flows[temp] = all_of(size, NULL, 0);
                break;
            }
            index = template_value(e->Iex.GetI.ix);
            flows[temp] =
                template_node(REVEN_NODE_INDEXED_THEN, size, 0, file, events_before[temp], index,
                              (UInt)array->nElems | (ULong)(UInt)e->Iex.GetI.bias << 32);
            break;
        }
        case Iex_Unop:
            flows[temp] = flow_of_operation(e->Iex.Unop.op, size, &e->Iex.Unop.arg, 1);
            break;
        case Iex_Binop: {
            IRExpr* arguments[] = {e->Iex.Binop.arg1, e->Iex.Binop.arg2};
            flows[temp] = flow_of_operation(e->Iex.Binop.op, size, arguments, 2);
            break;
        }
        case Iex_Triop: {
            const IRTriop* triop = e->Iex.Triop.details;
            IRExpr* arguments[] = {triop->arg1, triop->arg2, triop->arg3};
            flows[temp] = flow_of_operation(triop->op, size, arguments, 3);
            break;
        }
        case Iex_Qop: {
            const IRQop* qop = e->Iex.Qop.details;
            IRExpr* arguments[] = {qop->arg1, qop->arg2, qop->arg3, qop->arg4};
            flows[temp] = flow_of_operation(qop->op, size, arguments, 4);
            break;
        }
        case Iex_CCall:
            flows[temp] = flow_of_call(e, size);
            break;
        default:
            break;
    }
    return flows[temp];
}

UInt flow_of(IRExpr* atom) {
    UInt known = template_known(atom);
    if (known != REVEN_NO_NODE) return known;
    known = flow_of_definition(atom->Iex.RdTmp.tmp);
    /* Operands of operations must be nodes. */
    return known != REVEN_NO_NODE ? known
                                  : all_of(size_of(typeOfIRExpr(block->tyenv, atom)), NULL, 0);
}

/* --------------------------------------------------------------- helpers */

typedef struct {
    UInt operands[3], count;
} Sum;

static void sum_add(Sum* sum, UInt operand) {
    if (sum->count == 3) {
        sum->operands[0] = all_of(8, sum->operands, 3);
        sum->count = 1;
    }
    sum->operands[sum->count++] = operand;
}

static void sum_add_registers(Sum* sum, Int guest_offset, Int size) {
    while (size > 0) {
        Int n = size >= 32   ? 32
                : size >= 16 ? 16
                : size >= 8  ? 8
                : size >= 4  ? 4
                : size >= 2  ? 2
                             : 1;
        if (registers_offset(guest_offset) >= 0)
            sum_add(sum, register_then(guest_offset, n, template_event_count()));
        guest_offset += n;
        size -= n;
    }
}

UInt flow_of_helper(const IRDirty* helper, UInt memory) {
    Sum sum = {{0}, 0};
    Bool always = is_constant(helper->guard) && helper->guard->Iex.Const.con->Ico.U1;
    Int i, repeat;
    for (i = 0; helper->args[i] != NULL; i++) {
        IRExpr* argument = helper->args[i];
        if (argument->tag != Iex_RdTmp) continue;
        if (helper->mFx != Ifx_None && eqIRAtom(argument, helper->mAddr)) continue;
        sum_add(&sum, flow_of(argument));
    }
    for (i = 0; i < helper->nFxState; i++)
        if (helper->fxState[i].fx != Ifx_Write || !always)
            for (repeat = 0; repeat <= helper->fxState[i].nRepeats; repeat++)
                sum_add_registers(&sum,
                                  helper->fxState[i].offset + repeat * helper->fxState[i].repeatLen,
                                  helper->fxState[i].size);
    if (memory != REVEN_NO_NODE) sum_add(&sum, memory);
    return all_of(8, sum.operands, sum.count);
}
