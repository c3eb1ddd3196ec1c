/* SPDX-License-Identifier: GPL-2.0-or-later
 * What is added to a block: at its start, a header and the space of its record;
 * then stores of the values that nothing else tells; before a side exit, how far
 * it got. The block's template tells the reader what they mean. */
#include "pub_tool_machine.h"
#include "recorder.h"

#define MOST_TEMPLATES (1u << (32 - REVEN_EXIT_BITS))

static IRTemp header_cursor;

/* The instruction being copied is the block's first, and accesses are checked. */
static Bool checking_first;

static IRExpr* u64(ULong value) { return IRExpr_Const(IRConst_U64(value)); }

static IRTemp add_temp(IRSB* sb, IRType type, IRExpr* value) {
    IRTemp temp = newIRTemp(sb->tyenv, type);
    addStmtToIRSB(sb, IRStmt_WrTmp(temp, value));
    return temp;
}

static void add_header(IRSB* sb, UInt k) {
    addStmtToIRSB(sb,
                  IRStmt_Store(Iend_LE, IRExpr_RdTmp(header_cursor),
                               IRExpr_Const(IRConst_U32(template_id() << REVEN_EXIT_BITS | k))));
}

/* Returns the constant to which the size of the record must be set. */
static IRConst* add_prologue(IRSB* sb) {
    IRTemp headers = add_temp(sb, Ity_I64, IRExpr_Get(CURSOR_HEADERS, Ity_I64));
    IRTemp within =
        add_temp(sb, Ity_I64,
                 IRExpr_Binop(Iop_And64, IRExpr_RdTmp(headers), u64(REVEN_KEY_INTERVAL * 4 - 1)));
    IRTemp at_key = add_temp(sb, Ity_I1, IRExpr_Binop(Iop_CmpEQ64, IRExpr_RdTmp(within), u64(0)));
    IRDirty* key =
        unsafeIRDirty_0_N(0, "reven_key_point", VG_(fnptr_to_fnentry)((void*)stream_key_point),
                          mkIRExprVec_1(IRExpr_GSPTR()));
    IRConst* values_size = IRConst_U64(0);
    IRTemp values, next;
    key->guard = IRExpr_RdTmp(at_key);
    key->nFxState = 1;
    key->fxState[0].fx = Ifx_Modify;
    key->fxState[0].offset = CURSOR_HEADERS;
    key->fxState[0].size = 16;
    key->fxState[0].nRepeats = key->fxState[0].repeatLen = 0;
    addStmtToIRSB(sb, IRStmt_Dirty(key));
    header_cursor = add_temp(sb, Ity_I64, IRExpr_Get(CURSOR_HEADERS, Ity_I64));
    values = add_temp(sb, Ity_I64, IRExpr_Get(CURSOR_VALUES, Ity_I64));
    template_set_cursor(values);
    add_header(sb, 0);
    next = add_temp(sb, Ity_I64, IRExpr_Binop(Iop_Add64, IRExpr_RdTmp(header_cursor), u64(4)));
    addStmtToIRSB(sb, IRStmt_Put(CURSOR_HEADERS, IRExpr_RdTmp(next)));
    next = add_temp(sb, Ity_I64,
                    IRExpr_Binop(Iop_Add64, IRExpr_RdTmp(values), IRExpr_Const(values_size)));
    addStmtToIRSB(sb, IRStmt_Put(CURSOR_VALUES, IRExpr_RdTmp(next)));
    return values_size;
}

/* ---------------------------------------------------------------- events */

static void set_register(Int guest_offset, UInt size, UInt value) {
    Int file = registers_offset(guest_offset);
    template_wrote(guest_offset, size, value);
    if (file >= 0) {
        reven_event* event = template_event(REVEN_EVENT_SET_REGISTER);
        event->offset = file;
        event->size = size;
        event->value = value;
    }
}

static void set_indexed(IRPutI* put) {
    Int size = type_size(put->descr->elemTy);
    UInt index = template_value(put->ix), value = template_value(put->data);
    reven_event* event = template_event(REVEN_EVENT_SET_INDEXED);
    event->offset = registers_offset(put->descr->base);
    event->size = size;
    event->address = index;
    event->value = value;
    event->x1 = put->descr->nElems;
    event->x2 = put->bias;
    template_wrote(put->descr->base, put->descr->nElems * size, REVEN_NO_NODE);
}

static reven_event* access(UInt kind, UInt address, UInt size, UInt value, UInt guard) {
    reven_event* event = template_event(kind);
    event->address = address;
    event->size = size;
    event->value = value;
    event->guard = guard;
    return event;
}

static void compare_and_swap(IRSB* sb, IRStmt* statement) {
    IRCAS* cas = statement->Ist.CAS.details;
    UInt size = type_size(typeOfIRExpr(sb->tyenv, cas->dataLo));
    UInt address = template_value(cas->addr);
    UInt expected = template_value(cas->expdLo), data = template_value(cas->dataLo);
    UInt expected_high = REVEN_NO_NODE, data_high = REVEN_NO_NODE, old, old_high;
    Bool is_double = cas->oldHi != IRTemp_INVALID;
    reven_event* event;
    if (is_double) {
        expected_high = template_value(cas->expdHi);
        data_high = template_value(cas->dataHi);
    }
    addStmtToIRSB(sb, statement);
    old = template_value(IRExpr_RdTmp(cas->oldLo));
    old_high = is_double ? template_value(IRExpr_RdTmp(cas->oldHi)) : REVEN_NO_NODE;
    event = access(REVEN_EVENT_CAS, address, size, old, REVEN_NO_NODE);
    event->x1 = expected;
    event->x2 = data;
    if (is_double) {
        event = access(REVEN_EVENT_CAS_HIGH, address, size, old_high, REVEN_NO_NODE);
        event->x1 = expected_high;
        event->x2 = data_high;
    }
}

static void copy_bytes(UChar* to, const UChar* from, ULong size) { VG_(memcpy)(to, from, size); }

/* Memory that a helper reads or writes, copied to the record. */
static UInt bulk_access(IRSB* sb, IRDirty* helper, UInt kind, UInt guard, UInt flow) {
    UInt offset, address = template_value(helper->mAddr);
    UInt slot = template_bulk_slot(helper->mSize, flow, &offset);
    IRDirty* copy;
    access(kind, address, helper->mSize, slot, guard);
    copy = unsafeIRDirty_0_N(
        0, "reven_copy_bytes", VG_(fnptr_to_fnentry)((void*)copy_bytes),
        mkIRExprVec_3(template_slot_address(offset), helper->mAddr, u64(helper->mSize)));
    copy->guard = helper->guard;
    addStmtToIRSB(sb, IRStmt_Dirty(copy));
    if (checking_first)
        checks_bulk(sb, helper, kind == REVEN_EVENT_BULK_STORE, template_slot_address(offset));
    return slot;
}

/* What a helper left in [guest_offset, guest_offset + size). */
static void helper_registers(IRSB* sb, Int guest_offset, Int size, UInt flow) {
    while (size > 0) {
        Int n = size >= 8 ? 8 : size >= 4 ? 4 : size >= 2 ? 2 : 1;
        IRType type = n == 8 ? Ity_I64 : n == 4 ? Ity_I32 : n == 2 ? Ity_I16 : Ity_I8;
        if (registers_offset(guest_offset) >= 0) {
            UInt offset, slot = template_slot(n, flow, &offset);
            IRTemp value = add_temp(sb, type, IRExpr_Get(guest_offset, type));
            addStmtToIRSB(
                sb, IRStmt_Store(Iend_LE, template_slot_address(offset), IRExpr_RdTmp(value)));
            set_register(guest_offset, n, slot);
        }
        guest_offset += n;
        size -= n;
    }
}

static void call_helper(IRSB* sb, IRStmt* statement) {
    IRDirty* helper = statement->Ist.Dirty.details;
    UInt guard = REVEN_NO_NODE, memory = REVEN_NO_NODE, flow;
    Int i, repeat;
    if (helper->mFx != Ifx_None) guard = template_guard(helper->guard);
    if (helper->mFx == Ifx_Read || helper->mFx == Ifx_Modify)
        memory = bulk_access(sb, helper, REVEN_EVENT_BULK_LOAD, guard, REVEN_NO_NODE);
    flow = flow_of_helper(helper, memory);
    if (helper->tmp != IRTemp_INVALID) flow_set(helper->tmp, flow);
    addStmtToIRSB(sb, statement);
    for (i = 0; i < helper->nFxState; i++)
        if (helper->fxState[i].fx != Ifx_Read)
            for (repeat = 0; repeat <= helper->fxState[i].nRepeats; repeat++)
                helper_registers(sb,
                                 helper->fxState[i].offset + repeat * helper->fxState[i].repeatLen,
                                 helper->fxState[i].size, flow);
    if (helper->mFx == Ifx_Write || helper->mFx == Ifx_Modify)
        bulk_access(sb, helper, REVEN_EVENT_BULK_STORE, guard, flow);
}

/* Whether the reader must know that the statement was reached. */
static Bool matters(const IRStmt* statement) {
    switch (statement->tag) {
        case Ist_Put:
            return registers_offset(statement->Ist.Put.offset) >= 0;
        case Ist_WrTmp:
            return statement->Ist.WrTmp.data->tag == Iex_Load;
        case Ist_NoOp:
        case Ist_AbiHint:
        case Ist_MBE:
        case Ist_Exit:
            return False;
        default:
            return True;
    }
}

/* ----------------------------------------------------------------- exits */

/* The instruction being copied. */
static Addr instruction_address, instruction_end;
static Bool instruction_repeats, instruction_swaps;

static Bool is_repeated_string_instruction(const UChar* bytes, UInt size) {
    Bool repeated = False;
    UInt i;
    for (i = 0; i < size; i++) {
        UChar byte = bytes[i];
        if (byte == 0xf2 || byte == 0xf3)
            repeated = True;
        else if (byte != 0x66 && byte != 0x67 && (byte & 0xf0) != 0x40 && byte != 0x2e &&
                 byte != 0x36 && byte != 0x3e && byte != 0x26 && byte != 0x64 && byte != 0x65)
            return repeated && ((byte >= 0xa4 && byte <= 0xa7) || (byte >= 0xaa && byte <= 0xaf) ||
                                (byte >= 0x6c && byte <= 0x6f));
    }
    return False;
}

static void begin_instruction(Addr address, UInt size) {
    template_instruction(address, size, (const UChar*)address);
    instruction_address = address;
    instruction_end = address + size;
    instruction_repeats = is_repeated_string_instruction((const UChar*)address, size);
    instruction_swaps = False;
}

static Bool is_fault(IRJumpKind kind) {
    return kind == Ijk_NoDecode || (kind >= Ijk_SigILL && kind <= Ijk_SigFPE_IntOvf);
}

static UInt exit_flags(IRJumpKind kind, Addr destination) {
    if (destination == instruction_address && (is_fault(kind) || instruction_swaps))
        return REVEN_EXIT_NOT_RETIRED;
    if (destination == instruction_end && instruction_repeats) return REVEN_EXIT_REPEAT_END;
    return REVEN_EXIT_RETIRED;
}

/* Says in the template, and if `indexed` in the header, that the block may end
 * here. Returns whether the header was written. */
static Bool add_exit(IRSB* sb, IRJumpKind kind, IRConst* destination, UInt flags, Bool indexed) {
    UInt k = indexed || flags != REVEN_EXIT_RETIRED ? template_next_exit() : 0;
    UInt value = template_constant(destination);
    reven_event* event = template_event(REVEN_EVENT_EXIT);
    event->x1 = k;
    event->x2 = flags;
    event->value = value;
    if (k == 0) return False;
    add_header(sb, k);
    if (is_fault(kind)) threads_exit_faults(template_id(), k);
    return True;
}

static UInt jump_kind(IRJumpKind kind) {
    switch (kind) {
        case Ijk_Boring:
            return REVEN_JUMP_BORING;
        case Ijk_Call:
            return REVEN_JUMP_CALL;
        case Ijk_Ret:
            return REVEN_JUMP_RET;
        case Ijk_Sys_syscall:
            return REVEN_JUMP_SYSCALL;
        default:
            return REVEN_JUMP_OTHER;
    }
}

/* ------------------------------------------------- blocks that store into themselves */

/* The block being copied, if it may do so; whether the instruction being copied did. */
static Addr block_start;
static UInt block_size;
static IRTemp block_written;

static void note_store(IRSB* sb, IRExpr* address, UInt size, IRExpr* guard) {
    IRTemp distance, hit;
    if (block_size == 0) return;
    distance = add_temp(sb, Ity_I64, IRExpr_Binop(Iop_Sub64, address, u64(block_start - size + 1)));
    hit = add_temp(sb, Ity_I1,
                   IRExpr_Binop(Iop_CmpLT64U, IRExpr_RdTmp(distance), u64(block_size + size - 1)));
    if (guard != NULL) hit = add_temp(sb, Ity_I1, IRExpr_Binop(Iop_And1, IRExpr_RdTmp(hit), guard));
    if (block_written != IRTemp_INVALID)
        hit = add_temp(sb, Ity_I1,
                       IRExpr_Binop(Iop_Or1, IRExpr_RdTmp(block_written), IRExpr_RdTmp(hit)));
    block_written = hit;
}

/* Before the instruction at `next`: if the one before it has written to the block, what
 * follows may be something else by now. It is looked up, and so looked at, anew. */
static void leave_if_written(IRSB* sb, Addr next) {
    IRConst* destination = IRConst_U64(next);
    UInt k, value;
    reven_event* event;
    if (block_written == IRTemp_INVALID) return;
    k = template_next_exit();
    value = template_constant(destination);
    event = template_event(REVEN_EVENT_EXIT);
    event->x1 = k;
    event->x2 = REVEN_EXIT_RETIRED;
    event->value = value;
    addStmtToIRSB(sb, IRStmt_StoreG(Iend_LE, IRExpr_RdTmp(header_cursor),
                                    IRExpr_Const(IRConst_U32(template_id() << REVEN_EXIT_BITS | k)),
                                    IRExpr_RdTmp(block_written)));
    addStmtToIRSB(sb, IRStmt_Exit(IRExpr_RdTmp(block_written), Ijk_Boring, destination,
                                  offsetof(VexGuestAMD64State, guest_RIP)));
    block_written = IRTemp_INVALID;
}

/* --------------------------------------------------------- floating point */

/* The program's control register is in force. */
static Bool float_begun;
/* Set if, after the instruction being copied, everything must be translated again. */
static IRExpr* float_changed;

static void float_leave(IRSB* sb) {
    if (float_begun) float_add_end(sb);
    float_begun = False;
}

/* True if the statement has been copied. */
static Bool float_copy(IRSB* sb, IRStmt* s) {
    if (float_reads_control(s)) {
        IRTemp result = s->Ist.WrTmp.tmp;
        flow_set(result, template_node(REVEN_NODE_FLOW, 8, REVEN_FLOW_ALL, REVEN_NO_NODE,
                                       REVEN_NO_NODE, REVEN_NO_NODE, 8));
        float_add_read(sb, result);
        return True;
    }
    float_note(s, instruction_address);
    if (float_writes_control(s))
        float_changed = float_add_write(sb, s->Ist.WrTmp.data->Iex.CCall.args[0]);
    if (float_followed && !float_begun && float_computes(s)) {
        float_add_begin(sb);
        float_begun = True;
    }
    return False;
}

static void add_float_exit(IRSB* sb, IRExpr* condition, Addr to, UInt flags) {
    IRConst* destination = IRConst_U64(to);
    add_exit(sb, Ijk_InvalICache, destination, flags, True);
    addStmtToIRSB(sb, IRStmt_Exit(condition, Ijk_InvalICache, destination,
                                  offsetof(VexGuestAMD64State, guest_RIP)));
}

/* Whether the instruction that begins at statement `i` stores the control register. */
static Bool instruction_reads_control(const IRSB* in, Int i) {
    for (i++; i < in->stmts_used && in->stmts[i]->tag != Ist_IMark; i++)
        if (float_reads_control(in->stmts[i])) return True;
    return False;
}

/* ---------------------------------------------------------------- blocks */

static void copy_statement(IRSB* sb, IRStmt* s) {
    IRTypeEnv* types = sb->tyenv;
    IRType result, loaded;
    switch (s->tag) {
        case Ist_Put:
            addStmtToIRSB(sb, s);
            if (registers_offset(s->Ist.Put.offset) >= 0)
                set_register(s->Ist.Put.offset, type_size(typeOfIRExpr(types, s->Ist.Put.data)),
                             template_value(s->Ist.Put.data));
            break;
        case Ist_PutI:
            addStmtToIRSB(sb, s);
            set_indexed(s->Ist.PutI.details);
            break;
        case Ist_WrTmp: {
            IRExpr* data = s->Ist.WrTmp.data;
            addStmtToIRSB(sb, s);
            template_define(s->Ist.WrTmp.tmp, data);
            if (data->tag == Iex_Load) {
                UInt address = template_value(data->Iex.Load.addr);
                access(REVEN_EVENT_LOAD, address, type_size(data->Iex.Load.ty),
                       template_value(IRExpr_RdTmp(s->Ist.WrTmp.tmp)), REVEN_NO_NODE);
            }
            break;
        }
        case Ist_Store: {
            UInt address, size = type_size(typeOfIRExpr(types, s->Ist.Store.data));
            addStmtToIRSB(sb, s);
            address = template_value(s->Ist.Store.addr);
            access(REVEN_EVENT_STORE, address, size, template_value(s->Ist.Store.data),
                   REVEN_NO_NODE);
            note_store(sb, s->Ist.Store.addr, size, NULL);
            break;
        }
        case Ist_StoreG: {
            IRStoreG* store = s->Ist.StoreG.details;
            UInt guard, address, size = type_size(typeOfIRExpr(types, store->data));
            addStmtToIRSB(sb, s);
            guard = template_guard(store->guard);
            address = template_value(store->addr);
            access(REVEN_EVENT_STORE, address, size, template_value(store->data), guard);
            note_store(sb, store->addr, size, store->guard);
            break;
        }
        case Ist_LoadG: {
            IRLoadG* load = s->Ist.LoadG.details;
            UInt guard, address;
            addStmtToIRSB(sb, s);
            typeOfIRLoadGOp(load->cvt, &result, &loaded);
            guard = template_guard(load->guard);
            address = template_value(load->addr);
            if (guard != REVEN_NO_NODE) flow_set(load->dst, flow_of(load->alt));
            access(REVEN_EVENT_LOAD, address, type_size(loaded),
                   template_value(IRExpr_RdTmp(load->dst)), guard);
            break;
        }
        case Ist_CAS:
            instruction_swaps = True;
            compare_and_swap(sb, s);
            note_store(sb, s->Ist.CAS.details->addr, 16, NULL);
            break;
        case Ist_Dirty:
            call_helper(sb, s);
            if (s->Ist.Dirty.details->mFx == Ifx_Write || s->Ist.Dirty.details->mFx == Ifx_Modify)
                note_store(sb, s->Ist.Dirty.details->mAddr, s->Ist.Dirty.details->mSize,
                           s->Ist.Dirty.details->guard);
            break;
        case Ist_NoOp:
            break;
        default:
            addStmtToIRSB(sb, s);
            break;
    }
}

static UInt instruction_count(const IRSB* in) {
    UInt count = 0;
    Int i;
    for (i = 0; i < in->stmts_used; i++) count += in->stmts[i]->tag == Ist_IMark;
    return count;
}

/* Copies a block that is not recorded, with the checks for where and when that begins. */
static IRSB* wait_for_trigger(IRSB* in) {
    IRSB* sb = deepCopyIRSBExceptStmts(in);
    Bool counts = trigger_counts();
    Int i;
    for (i = 0; i < in->stmts_used; i++) {
        IRStmt* s = in->stmts[i];
        if (counts && s->tag == Ist_IMark) {
            trigger_add_count(sb, instruction_count(in), s->Ist.IMark.addr);
            counts = False;
        }
        Trigger* trigger = s->tag == Ist_IMark ? trigger_at(s->Ist.IMark.addr) : NULL;
        if (trigger != NULL) addStmtToIRSB(sb, trigger_add_check(sb, trigger, s->Ist.IMark.addr));
        addStmtToIRSB(sb, s);
    }
    return sb;
}

/* Ends the block before the instruction, which begins another one. */
static void leave_before(IRSB* sb, IRExpr* condition) {
    IRConst* here = IRConst_U64(instruction_address);
    add_exit(sb, Ijk_Boring, here, REVEN_EXIT_NOT_RETIRED, True);
    addStmtToIRSB(
        sb, IRStmt_Exit(condition, Ijk_Boring, here, offsetof(VexGuestAMD64State, guest_RIP)));
}

/* Copies the statements from the first instruction on. */
static void copy_block(IRSB* sb, IRSB* in, Int first) {
    Int i, last = first, check = -1;
    Bool restore = False; /* the header says that the block was left at an exit */
    Bool checks = shared_active();
    checks_begin();
    for (i = first; i < in->stmts_used; i++)
        if (matters(in->stmts[i])) last = i;
    for (i = first; i < in->stmts_used; i++) {
        IRStmt* s = in->stmts[i];
        if (s->tag == Ist_IMark) {
            Addr address = s->Ist.IMark.addr;
            Trigger* trigger = trigger_at(address);
            float_leave(sb);
            if (i > first) leave_if_written(sb, address);
            if (float_changed != NULL) {
                /* What follows computes otherwise: VEX has taken both for the same. */
                add_float_exit(sb, float_changed, address, REVEN_EXIT_RETIRED);
                restore = True;
                sb->next = IRExpr_Const(IRConst_U64(address));
                sb->jumpkind = Ijk_Boring;
                break;
            }
            Bool was_first = checking_first;
            AccessKind kind = ACCESS_NONE;
            check = -1;
            checking_first = checks && i == first;
            if (checks && i != first) kind = checks_classify(in, i, &check);
            if (!template_has_room() || kind == ACCESS_COMPLEX) {
                sb->next = IRExpr_Const(IRConst_U64(address));
                sb->jumpkind = Ijk_Boring;
                break;
            }
            addStmtToIRSB(sb, s);
            begin_instruction(address, s->Ist.IMark.len);
            if (was_first) {
                IRExpr* condition = checks_end(sb);
                if (condition != NULL) {
                    leave_before(sb, condition);
                    restore = True;
                }
            }
            if (trigger != NULL) {
                IRStmt* check = trigger_add_check(sb, trigger, address);
                add_exit(sb, Ijk_InvalICache, check->Ist.Exit.dst, REVEN_EXIT_NOT_RETIRED, True);
                addStmtToIRSB(sb, check);
                restore = True;
            }
            if (!float_followed && instruction_reads_control(in, i)) {
                IRExpr* follow = float_add_follow(sb);
                add_float_exit(sb, follow, address, REVEN_EXIT_NOT_RETIRED);
                restore = True;
            }
        } else if (s->tag == Ist_Exit) {
            float_leave(sb);
            UInt flags = exit_flags(s->Ist.Exit.jk, s->Ist.Exit.dst->Ico.U64);
            if (add_exit(sb, s->Ist.Exit.jk, s->Ist.Exit.dst, flags, i < last))
                restore = True;
            else if (restore) {
                add_header(sb, 0);
                restore = False;
            }
            addStmtToIRSB(sb, s);
        } else {
            if (i == check) {
                leave_before(sb, checks_condition(sb));
                restore = True;
            }
            if (float_copy(sb, s)) continue;
            copy_statement(sb, s);
            if (checking_first) checks_after(sb, s);
        }
    }
    float_leave(sb);
    checking_first = False;
    if (is_fault(sb->jumpkind) && sb->next->tag == Iex_Const &&
        sb->next->Iex.Const.con->Ico.U64 == instruction_address)
        add_exit(sb, sb->jumpkind, sb->next->Iex.Const.con, REVEN_EXIT_NOT_RETIRED, True);
    else if (restore)
        add_header(sb, 0);
}

IRSB* instrument(VgCallbackClosure* closure, IRSB* in, const VexGuestLayout* layout,
                 const VexGuestExtents* extents, const VexArchInfo* host, IRType guest_word,
                 IRType host_word) {
    IRSB* sb;
    IRConst* values_size;
    Int first, i;
    (void)closure;
    (void)host;
    (void)guest_word;
    (void)host_word;
    tl_assert(layout->total_sizeB == sizeof(VexGuestAMD64State));
    if (mode == WAITING) return wait_for_trigger(in);
    if (mode == RECORDING && template_count + 1 == MOST_TEMPLATES) stop_recording();
    for (first = 0; first < in->stmts_used && in->stmts[first]->tag != Ist_IMark; first++);
    if (mode != RECORDING || first == in->stmts_used || !stream_connect()) return in;
    if (gaps_active() && gaps_leave_out(in->stmts[first]->Ist.IMark.addr))
        return gaps_instrument(in);

    sb = deepCopyIRSBExceptStmts(in);
    if (code_written_elsewhere(extents))
        record_memory(threads_current(), extents->base[0], extents->len[0], REVEN_CAUSE_OTHER,
                      (const void*)extents->base[0]);
    template_begin(sb, template_count + 1);
    /* Checks of VEX's own, before the guest's first instruction. */
    for (i = 0; i < first; i++) addStmtToIRSB(sb, in->stmts[i]);
    if (gaps_active()) gaps_add_end(sb);
    values_size = add_prologue(sb);
    block_start = extents->base[0];
    block_size = code_writes_itself(extents) ? extents->len[0] : 0;
    block_written = IRTemp_INVALID;
    float_begun = False;
    float_changed = NULL;
    copy_block(sb, in, first);
    values_size->Ico.U64 = template_end(jump_kind(sb->jumpkind));
    return sb;
}
