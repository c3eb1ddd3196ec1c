/* SPDX-License-Identifier: GPL-2.0-or-later
 * A block's template: its instructions, its events, and for each value that they
 * mention an expression over what the reader has: constants, registers at the
 * block's entry, and slots of the record that each execution writes. A value
 * gets a slot only if nothing else tells it. */
#include "pub_tool_libcprint.h"
#include "template_builder.h"

#define MOST_INSTRUCTIONS 128
#define MOST_NODES 8000
#define MOST_EVENTS 4000
#define DEEPEST_EXPRESSION 8

/* What one instruction may need at most, with plenty to spare. */
#define INSTRUCTION_NODES 2000
#define INSTRUCTION_EVENTS 1000
#define INSTRUCTION_EXITS 8
#define INSTRUCTION_VALUES 4096

UInt template_count;

static IRSB* block;
static IRTemp values_cursor;
static UInt values_size, exit_count;

static reven_instruction instructions[MOST_INSTRUCTIONS];
static UInt instruction_count;
static reven_node nodes[MOST_NODES];
static UInt node_count;
static reven_event events[MOST_EVENTS];
static UInt event_count;

static IRExpr* definitions[MOST_TEMPS];
static UInt temp_nodes[MOST_TEMPS];

/* Writes of registers so far, and for each byte of the guest state the number, from 1,
 * of the last one that changed it. */
static struct {
    Int offset;
    UInt size, node;
} writes[MOST_EVENTS];
static UInt write_count;
static UShort written_by[sizeof(VexGuestAMD64State)];

void template_begin(IRSB* sb, UInt id) {
    UInt i;
    block = sb;
    template_count = id;
    values_size = exit_count = instruction_count = node_count = event_count = 0;
    tl_assert(sb->tyenv->types_used < MOST_TEMPS / 2);
    for (i = 0; i < (UInt)sb->tyenv->types_used; i++) {
        definitions[i] = NULL;
        temp_nodes[i] = REVEN_NO_NODE;
    }
    write_count = 0;
    VG_(memset)(written_by, 0, sizeof written_by);
    flow_begin(sb);
}

UInt template_id(void) { return template_count; }

Bool template_has_room(void) {
    return instruction_count < MOST_INSTRUCTIONS && node_count < MOST_NODES - INSTRUCTION_NODES &&
           event_count < MOST_EVENTS - INSTRUCTION_EVENTS &&
           exit_count < REVEN_MAX_EXIT - INSTRUCTION_EXITS &&
           values_size < REVEN_MAX_VALUES - INSTRUCTION_VALUES;
}

void template_instruction(Addr address, UInt size, const UChar* bytes) {
    reven_instruction* instruction = &instructions[instruction_count++];
    /* Valgrind's client requests are one instruction of 19 bytes to VEX. */
    if (size > sizeof instruction->bytes) size = sizeof instruction->bytes;
    VG_(memset)(instruction, 0, sizeof *instruction);
    instruction->address = address;
    instruction->size = size;
    VG_(memcpy)(instruction->bytes, bytes, size);
}

reven_event* template_event(UInt kind) {
    reven_event* event = &events[event_count++];
    tl_assert(event_count < MOST_EVENTS);
    VG_(memset)(event, 0, sizeof *event);
    event->kind = kind;
    event->instruction = instruction_count - 1;
    event->address = event->value = event->guard = REVEN_NO_NODE;
    event->x1 = event->x2 = event->x3 = REVEN_NO_NODE;
    return event;
}

UInt template_event_count(void) { return event_count; }

UInt template_next_exit(void) {
    tl_assert(exit_count < REVEN_MAX_EXIT);
    return ++exit_count;
}

void template_set_cursor(IRTemp values) { values_cursor = values; }

/* ----------------------------------------------------------------- nodes */

UInt type_size(IRType type) {
    switch (type) {
        case Ity_I1:
        case Ity_I8:
            return 1;
        case Ity_I16:
            return 2;
        case Ity_I32:
        case Ity_F32:
            return 4;
        case Ity_I64:
        case Ity_F64:
            return 8;
        case Ity_V128:
            return 16;
        case Ity_V256:
            return 32;
        default:
            return 0;
    }
}

UInt template_node(UInt kind, UInt size, UInt op, UInt a, UInt b, UInt c, ULong immediate) {
    reven_node n = {kind, size, op, a, b, c, immediate};
    tl_assert(node_count < MOST_NODES);
    nodes[node_count] = n;
    return node_count++;
}

static ULong constant_bits(const IRConst* constant) {
    union {
        Double number;
        ULong bits;
    } f64;
    union {
        Float number;
        UInt bits;
    } f32;
    switch (constant->tag) {
        case Ico_U1:
            return constant->Ico.U1;
        case Ico_U8:
            return constant->Ico.U8;
        case Ico_U16:
            return constant->Ico.U16;
        case Ico_U32:
            return constant->Ico.U32;
        case Ico_U64:
            return constant->Ico.U64;
        case Ico_F32:
            f32.number = constant->Ico.F32;
            return f32.bits;
        case Ico_F32i:
            return constant->Ico.F32i;
        case Ico_F64:
            f64.number = constant->Ico.F64;
            return f64.bits;
        case Ico_F64i:
            return constant->Ico.F64i;
        case Ico_V128:
            return constant->Ico.V128;
        case Ico_V256:
            return constant->Ico.V256;
        default:
            VG_(tool_panic)("reven: a constant of an unknown type");
    }
}

UInt template_constant(IRConst* constant) {
    ULong immediate = constant_bits(constant);
    UInt size = type_size(typeOfIRConst(constant)), i;
    UInt mask = constant->tag == Ico_V128 || constant->tag == Ico_V256;
    for (i = 0; i < node_count; i++)
        if (nodes[i].kind == REVEN_NODE_CONSTANT && nodes[i].size == size && nodes[i].op == mask &&
            nodes[i].immediate == immediate)
            return i;
    return template_node(REVEN_NODE_CONSTANT, size, mask, 0, 0, 0, immediate);
}

/* Bytes [at, at + size) of a node's value. */
static UInt part_of(UInt n, UInt at, UInt size) {
    UInt whole = nodes[n].size, half = whole / 2;
    if (at == 0 && size == whole) return n;
    if (whole > 8) {
        if (at < half && at + size > half) return REVEN_NO_NODE;
        n = template_node(REVEN_NODE_UNARY, half,
                          at < half ? REVEN_OP_VECTOR_LOW : REVEN_OP_VECTOR_HIGH, n, 0, 0, 0);
        return part_of(n, at < half ? at : at - half, size);
    }
    if (at > 0)
        n = template_node(REVEN_NODE_BINARY, whole, REVEN_OP_SHR, n,
                          template_constant(IRConst_U8(8 * at)), 0, 0);
    return template_node(REVEN_NODE_UNARY, size, REVEN_OP_TRUNCATE, n, 0, 0, 0);
}

/* Node of what a register holds here, or REVEN_NO_NODE. */
static UInt derive_register(Int guest_offset, UInt size) {
    UInt number = written_by[guest_offset], i, high, low;
    Int file = registers_offset(guest_offset);
    for (i = 1; i < size && written_by[guest_offset + i] == number; i++);
    if (i < size) {
        if (size < 16) return REVEN_NO_NODE;
        high = derive_register(guest_offset + size / 2, size / 2);
        if (high == REVEN_NO_NODE) return REVEN_NO_NODE;
        low = derive_register(guest_offset, size / 2);
        if (low == REVEN_NO_NODE) return REVEN_NO_NODE;
        return template_node(REVEN_NODE_BINARY, size, REVEN_OP_VECTOR_PAIR, high, low, 0, 0);
    }
    if (number != 0) {
        if (writes[number - 1].node == REVEN_NO_NODE) return REVEN_NO_NODE;
        return part_of(writes[number - 1].node, guest_offset - writes[number - 1].offset, size);
    }
    /* The x87 registers are written by index: what a fixed offset holds is not told
     * by the offsets that were written. */
    if (file < 0 || (file >= REVEN_FPU_TAGS && file < REVEN_FPU_REGS + 64)) return REVEN_NO_NODE;
    return template_node(REVEN_NODE_REGISTER, size, 0, file, 0, 0, 0);
}

static UInt derive_temp(IRTemp temp, UInt depth);

static UInt derive(IRExpr* atom, UInt depth) {
    if (atom->tag == Iex_Const) return template_constant(atom->Iex.Const.con);
    tl_assert(atom->tag == Iex_RdTmp);
    return derive_temp(atom->Iex.RdTmp.tmp, depth);
}

/* Node of a value that can be told without another slot, or REVEN_NO_NODE. */
static UInt derive_temp(IRTemp temp, UInt depth) {
    IRExpr* e = definitions[temp];
    IRType type = typeOfIRTemp(block->tyenv, temp);
    if (temp_nodes[temp] != REVEN_NO_NODE) return temp_nodes[temp];
    if (e == NULL || depth > DEEPEST_EXPRESSION) return REVEN_NO_NODE;
    temp_nodes[temp] = e->tag == Iex_Get ? derive_register(e->Iex.Get.offset, type_size(type))
                                         : operation_node(e, type, derive, depth + 1);
    return temp_nodes[temp];
}

/* ----------------------------------------------------------------- slots */

IRExpr* template_slot_address(UInt offset) {
    IRTemp address;
    if (offset == 0) return IRExpr_RdTmp(values_cursor);
    address = newIRTemp(block->tyenv, Ity_I64);
    addStmtToIRSB(block, IRStmt_WrTmp(address, IRExpr_Binop(Iop_Add64, IRExpr_RdTmp(values_cursor),
                                                            IRExpr_Const(IRConst_U64(offset)))));
    return IRExpr_RdTmp(address);
}

UInt template_slot(UInt size, UInt flow, UInt* offset) {
    *offset = values_size;
    values_size += size;
    return template_node(REVEN_NODE_SLOT, size, 0, *offset, flow, 0, 0);
}

UInt template_bulk_slot(UInt size, UInt flow, UInt* offset) {
    *offset = values_size;
    values_size += VG_ROUNDUP(size, 8);
    return template_node(REVEN_NODE_SLOT, 0, 0, *offset, flow, 0, 0);
}

static void store_to_slot(IRTemp temp) {
    IRType type = typeOfIRTemp(block->tyenv, temp);
    IRExpr* value = IRExpr_RdTmp(temp);
    UInt size = type_size(type), offset;
    if (size == 0) VG_(tool_panic)("reven: a value of an unknown type");
    if (type == Ity_I1) {
        IRTemp byte = newIRTemp(block->tyenv, Ity_I8);
        addStmtToIRSB(block, IRStmt_WrTmp(byte, IRExpr_Unop(Iop_1Uto8, value)));
        value = IRExpr_RdTmp(byte);
    }
    temp_nodes[temp] = template_slot(size, flow_of_definition(temp), &offset);
    addStmtToIRSB(block, IRStmt_Store(Iend_LE, template_slot_address(offset), value));
}

/* The value that `temp` is derived from with nothing lost, as far back as can be:
 * one slot for it tells what else comes from it, too. */
static IRTemp origin(IRTemp temp) {
    UInt steps;
    for (steps = 0; steps < DEEPEST_EXPRESSION; steps++) {
        IRExpr *e = definitions[temp], *from = NULL;
        if (e == NULL) break;
        if (e->tag == Iex_RdTmp)
            from = e;
        else if (e->tag == Iex_Unop && operation_is_invertible(e->Iex.Unop.op))
            from = e->Iex.Unop.arg;
        else if (e->tag == Iex_Binop && operation_is_invertible(e->Iex.Binop.op)) {
            IRExpr *x = e->Iex.Binop.arg1, *y = e->Iex.Binop.arg2;
            if (x->tag == Iex_RdTmp && derive(y, DEEPEST_EXPRESSION / 2) != REVEN_NO_NODE)
                from = x;
            else if (y->tag == Iex_RdTmp && derive(x, DEEPEST_EXPRESSION / 2) != REVEN_NO_NODE)
                from = y;
        }
        if (from == NULL || from->tag != Iex_RdTmp) break;
        temp = from->Iex.RdTmp.tmp;
    }
    return temp;
}

UInt template_value(IRExpr* atom) {
    UInt result = derive(atom, 0);
    if (result != REVEN_NO_NODE) return result;
    store_to_slot(origin(atom->Iex.RdTmp.tmp));
    result = derive(atom, 0);
    if (result == REVEN_NO_NODE) {
        store_to_slot(atom->Iex.RdTmp.tmp);
        result = temp_nodes[atom->Iex.RdTmp.tmp];
    }
    return result;
}

UInt template_known(IRExpr* atom) { return derive(atom, 0); }

UInt template_guard(IRExpr* guard) {
    if (guard->tag == Iex_Const && guard->Iex.Const.con->Ico.U1) return REVEN_NO_NODE;
    return template_value(guard);
}

void template_define(IRTemp temp, IRExpr* expression) {
    definitions[temp] = expression;
    flow_define(temp);
    /* Now, before the register is written. */
    if (expression->tag == Iex_Get) derive_temp(temp, 0);
}

IRExpr* template_definition(IRTemp temp) { return definitions[temp]; }

void template_wrote(Int guest_offset, UInt size, UInt value) {
    UInt i;
    if (registers_offset(guest_offset) < 0) return;
    writes[write_count].offset = guest_offset;
    writes[write_count].size = size;
    writes[write_count++].node = value;
    for (i = 0; i < size && guest_offset + i < sizeof written_by; i++)
        written_by[guest_offset + i] = write_count;
}

/* ------------------------------------------------------------------- end */

/* The fields of an event that are nodes. */
static UInt event_nodes(reven_event* event, UInt* fields[5]) {
    UInt count = 0;
    fields[count++] = &event->address;
    fields[count++] = &event->value;
    fields[count++] = &event->guard;
    if (event->kind == REVEN_EVENT_CAS || event->kind == REVEN_EVENT_CAS_HIGH) {
        fields[count++] = &event->x1;
        fields[count++] = &event->x2;
    }
    return count;
}

/* The operands of a node. */
static UInt node_operands(reven_node* node, UInt* fields[3]) {
    UInt count = 0;
    switch (node->kind) {
        case REVEN_NODE_FLOW:
        case REVEN_NODE_SELECT:
            fields[count++] = &node->c;
            /* fall through */
        case REVEN_NODE_BINARY:
            fields[count++] = &node->b;
            /* fall through */
        case REVEN_NODE_UNARY:
            fields[count++] = &node->a;
            break;
        case REVEN_NODE_SLOT:
            fields[count++] = &node->b;
            break;
        case REVEN_NODE_INDEXED_THEN:
            fields[count++] = &node->c;
            break;
        default:
            break;
    }
    return count;
}

static void use(UInt* new_number, UInt n) {
    if (n != REVEN_NO_NODE) new_number[n] = 1;
}

static void renumber(const UInt* new_number, UInt* n) {
    if (*n != REVEN_NO_NODE) *n = new_number[*n];
}

/* Attempts to derive leave nodes that nothing needs: the reader would evaluate
 * them at every execution. */
static void drop_unused_nodes(void) {
    static UInt number[MOST_NODES];
    UInt* fields[5];
    UInt i, j, kept = 0;
    VG_(memset)(number, 0, node_count * sizeof number[0]);
    for (i = 0; i < event_count; i++)
        for (j = event_nodes(&events[i], fields); j-- > 0;) use(number, *fields[j]);
    for (i = node_count; i-- > 0;)
        if (number[i] != 0)
            for (j = node_operands(&nodes[i], fields); j-- > 0;) use(number, *fields[j]);
    for (i = 0; i < node_count; i++) {
        if (number[i] == 0) continue;
        number[i] = kept;
        for (j = node_operands(&nodes[i], fields); j-- > 0;) renumber(number, fields[j]);
        nodes[kept++] = nodes[i];
    }
    node_count = kept;
    for (i = 0; i < event_count; i++)
        for (j = event_nodes(&events[i], fields); j-- > 0;) renumber(number, fields[j]);
}

UInt template_end(UInt jump_kind) {
    static UChar body[sizeof instructions + sizeof nodes + sizeof events];
    reven_template header = {template_count, instruction_count, 0,         event_count,
                             values_size,    exit_count,        jump_kind, 0};
    SizeT size = 0;
    tl_assert(values_size <= REVEN_MAX_VALUES);
    drop_unused_nodes();
    header.node_count = node_count;
    VG_(memcpy)(body, instructions, instruction_count * sizeof instructions[0]);
    size += instruction_count * sizeof instructions[0];
    VG_(memcpy)(body + size, nodes, node_count * sizeof nodes[0]);
    size += node_count * sizeof nodes[0];
    VG_(memcpy)(body + size, events, event_count * sizeof events[0]);
    size += event_count * sizeof events[0];
    template_send(&header, body, size);
    return values_size;
}
