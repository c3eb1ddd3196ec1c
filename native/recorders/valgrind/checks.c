/* SPDX-License-Identifier: GPL-2.0-or-later
 * The code that asks about shared memory, once there is some. Only the first instruction
 * of a block may touch such memory, so that what is recorded about it stands before or
 * after a block: any other instruction that is about to is left to a block of its own.
 * What a load gave is looked at after it, since memory may change at any time. */
#include "pub_tool_machine.h"
#include "recorder.h"

/* Of the instruction that was classified. */
static IRExpr* checked_address;
static UInt checked_size;

/* Values that the first instruction moves: read or stored, expected, wanted. */
static UChar moved[3][64] __attribute__((aligned(32)));

/* Results of shared_stored and its like in the block. */
#define MOST_RESULTS 64
static IRTemp results[MOST_RESULTS];
static UInt result_count;

static IRExpr* u64(ULong value) { return IRExpr_Const(IRConst_U64(value)); }

static IRExpr* add_value(IRSB* sb, IRType type, IRExpr* value) {
    IRTemp temp = newIRTemp(sb->tyenv, type);
    addStmtToIRSB(sb, IRStmt_WrTmp(temp, value));
    return IRExpr_RdTmp(temp);
}

/* ----------------------------------------------------- before an instruction */

typedef struct {
    IRExpr* address; /* null: no access */
    UInt size;
    Bool whole; /* reaches memory in another way as well */
} Access;

static Access access_of(IRTypeEnv* types, const IRStmt* s) {
    Access access = {NULL, 0, False};
    IRType result, loaded;
    switch (s->tag) {
        case Ist_WrTmp:
            if (s->Ist.WrTmp.data->tag == Iex_Load) {
                access.address = s->Ist.WrTmp.data->Iex.Load.addr;
                access.size = type_size(s->Ist.WrTmp.data->Iex.Load.ty);
            }
            break;
        case Ist_Store:
            access.address = s->Ist.Store.addr;
            access.size = type_size(typeOfIRExpr(types, s->Ist.Store.data));
            break;
        case Ist_StoreG:
            access.address = s->Ist.StoreG.details->addr;
            access.size = type_size(typeOfIRExpr(types, s->Ist.StoreG.details->data));
            break;
        case Ist_LoadG:
            typeOfIRLoadGOp(s->Ist.LoadG.details->cvt, &result, &loaded);
            access.address = s->Ist.LoadG.details->addr;
            access.size = type_size(loaded);
            break;
        case Ist_CAS:
            access.address = s->Ist.CAS.details->addr;
            access.size = type_size(typeOfIRExpr(types, s->Ist.CAS.details->dataLo));
            if (s->Ist.CAS.details->oldHi != IRTemp_INVALID) access.size *= 2;
            break;
        case Ist_Dirty:
            access.whole = s->Ist.Dirty.details->mFx != Ifx_None;
            break;
        default:
            break;
    }
    return access;
}

static Bool has_effect(const IRStmt* s) {
    return (s->tag == Ist_Put && registers_offset(s->Ist.Put.offset) >= 0) || s->tag == Ist_PutI ||
           s->tag == Ist_Dirty;
}

static Bool defines(const IRStmt* s, const IRExpr* atom) {
    return atom->tag == Iex_RdTmp &&
           ((s->tag == Ist_WrTmp && s->Ist.WrTmp.tmp == atom->Iex.RdTmp.tmp) ||
            (s->tag == Ist_LoadG && s->Ist.LoadG.details->dst == atom->Iex.RdTmp.tmp) ||
            (s->tag == Ist_Dirty && s->Ist.Dirty.details->tmp == atom->Iex.RdTmp.tmp));
}

static Bool same_atom(const IRExpr* a, const IRExpr* b) {
    if (a->tag != b->tag) return False;
    return a->tag == Iex_RdTmp ? a->Iex.RdTmp.tmp == b->Iex.RdTmp.tmp
                               : a->Iex.Const.con->Ico.U64 == b->Iex.Const.con->Ico.U64;
}

AccessKind checks_classify(IRSB* in, Int at, Int* check) {
    Int i, end, limit;
    checked_address = NULL;
    checked_size = 0;
    for (end = at + 1; end < in->stmts_used && in->stmts[end]->tag != Ist_IMark; end++);
    limit = end;
    for (i = at + 1; i < end; i++) {
        Access access = access_of(in->tyenv, in->stmts[i]);
        if (access.whole) return ACCESS_COMPLEX;
        if (limit == end && (access.address != NULL || has_effect(in->stmts[i]))) limit = i;
        if (access.address == NULL) continue;
        if (checked_address != NULL && !same_atom(checked_address, access.address))
            return ACCESS_COMPLEX;
        checked_address = access.address;
        if (access.size > checked_size) checked_size = access.size;
    }
    if (checked_address == NULL) return ACCESS_NONE;
    /* The check needs the address before the instruction has an effect. */
    for (i = limit; i < end; i++)
        if (defines(in->stmts[i], checked_address)) return ACCESS_COMPLEX;
    *check = limit;
    return ACCESS_SIMPLE;
}

static IRExpr* is_of_interest(IRSB* sb, IRExpr* address) {
    IRExpr* page =
        add_value(sb, Ity_I64, IRExpr_Binop(Iop_Shr64, address, IRExpr_Const(IRConst_U8(12))));
    IRExpr* low = add_value(sb, Ity_I64, IRExpr_Binop(Iop_And64, page, u64(0xffff)));
    IRExpr* at = add_value(sb, Ity_I64, IRExpr_Binop(Iop_Add64, u64((Addr)shared_filter), low));
    IRExpr* byte = add_value(sb, Ity_I8, IRExpr_Load(Iend_LE, Ity_I8, at));
    return add_value(sb, Ity_I1, IRExpr_Binop(Iop_CmpNE8, byte, IRExpr_Const(IRConst_U8(0))));
}

/* Of a call whose guard was false the result is a pattern. */
static IRExpr* is_one(IRSB* sb, IRTemp result) {
    return add_value(sb, Ity_I1, IRExpr_Binop(Iop_CmpEQ64, IRExpr_RdTmp(result), u64(1)));
}

IRExpr* checks_condition(IRSB* sb) {
    IRTemp result = newIRTemp(sb->tyenv, Ity_I64);
    IRDirty* call = unsafeIRDirty_1_N(result, 0, "reven_shared_holds",
                                      VG_(fnptr_to_fnentry)((void*)shared_holds),
                                      mkIRExprVec_2(checked_address, u64(checked_size)));
    call->guard = is_of_interest(sb, checked_address);
    addStmtToIRSB(sb, IRStmt_Dirty(call));
    return is_one(sb, result);
}

/* ------------------------------------------------------ the first instruction */

void checks_begin(void) { result_count = 0; }

static IRExpr* keep(IRSB* sb, UInt number, UInt offset, IRExpr* value) {
    IRExpr* at = u64((Addr)&moved[number][offset]);
    addStmtToIRSB(sb, IRStmt_Store(Iend_LE, at, value));
    return u64((Addr)moved[number]);
}

static void call(IRSB* sb, const HChar* name, void* function, IRExpr** arguments, IRExpr* address,
                 IRExpr* guard, Bool has_result) {
    IRTemp result = has_result ? newIRTemp(sb->tyenv, Ity_I64) : IRTemp_INVALID;
    IRExpr* interest = is_of_interest(sb, address);
    IRDirty* dirty =
        has_result ? unsafeIRDirty_1_N(result, 0, name, VG_(fnptr_to_fnentry)(function), arguments)
                   : unsafeIRDirty_0_N(0, name, VG_(fnptr_to_fnentry)(function), arguments);
    dirty->guard = interest;
    if (guard != NULL && guard->tag != Iex_Const)
        dirty->guard = add_value(sb, Ity_I1, IRExpr_Binop(Iop_And1, interest, guard));
    dirty->nFxState = 1;
    dirty->fxState[0].fx = Ifx_Read;
    dirty->fxState[0].offset = CURSOR_HEADERS;
    dirty->fxState[0].size = 16;
    dirty->fxState[0].nRepeats = dirty->fxState[0].repeatLen = 0;
    addStmtToIRSB(sb, IRStmt_Dirty(dirty));
    if (!has_result) return;
    tl_assert(result_count < MOST_RESULTS);
    results[result_count++] = result;
}

static void loaded(IRSB* sb, IRExpr* address, UInt size, IRExpr* bytes, IRExpr* guard) {
    call(sb, "reven_shared_loaded", (void*)shared_loaded, mkIRExprVec_3(address, u64(size), bytes),
         address, guard, False);
}

static void stored(IRSB* sb, IRExpr* address, UInt size, IRExpr* bytes, IRExpr* guard) {
    call(sb, "reven_shared_stored", (void*)shared_stored, mkIRExprVec_3(address, u64(size), bytes),
         address, guard, True);
}

void checks_bulk(IRSB* sb, IRDirty* helper, Bool stores, IRExpr* bytes) {
    (stores ? stored : loaded)(sb, helper->mAddr, helper->mSize, bytes, helper->guard);
}

static void swapped(IRSB* sb, IRCAS* cas, UInt size) {
    Bool is_double = cas->oldHi != IRTemp_INVALID;
    IRExpr *old = keep(sb, 0, 0, IRExpr_RdTmp(cas->oldLo)), *expected = keep(sb, 1, 0, cas->expdLo),
           *wanted = keep(sb, 2, 0, cas->dataLo);
    if (is_double) {
        keep(sb, 0, size / 2, IRExpr_RdTmp(cas->oldHi));
        keep(sb, 1, size / 2, cas->expdHi);
        keep(sb, 2, size / 2, cas->dataHi);
    }
    call(sb, "reven_shared_swapped", (void*)shared_swapped,
         mkIRExprVec_5(cas->addr, u64(size), old, expected, wanted), cas->addr, NULL, True);
}

void checks_after(IRSB* sb, IRStmt* s) {
    Access access = access_of(sb->tyenv, s);
    if (access.address == NULL) return;
    switch (s->tag) {
        case Ist_WrTmp:
            loaded(sb, access.address, access.size, keep(sb, 0, 0, IRExpr_RdTmp(s->Ist.WrTmp.tmp)),
                   NULL);
            break;
        case Ist_LoadG:
            loaded(sb, access.address, access.size,
                   keep(sb, 0, 0, IRExpr_RdTmp(s->Ist.LoadG.details->dst)),
                   s->Ist.LoadG.details->guard);
            break;
        case Ist_Store:
            stored(sb, access.address, access.size, keep(sb, 0, 0, s->Ist.Store.data), NULL);
            break;
        case Ist_StoreG:
            stored(sb, access.address, access.size, keep(sb, 0, 0, s->Ist.StoreG.details->data),
                   s->Ist.StoreG.details->guard);
            break;
        default:
            swapped(sb, s->Ist.CAS.details, access.size);
            break;
    }
}

IRExpr* checks_end(IRSB* sb) {
    IRExpr* any = NULL;
    UInt i;
    for (i = 0; i < result_count; i++) {
        IRExpr* one = is_one(sb, results[i]);
        any = any == NULL ? one : add_value(sb, Ity_I1, IRExpr_Binop(Iop_Or1, any, one));
    }
    return any;
}
