/* SPDX-License-Identifier: GPL-2.0-or-later
 * Code that is left out of the record while that goes on: a gap. Blocks of a gap run without
 * being recorded, but note which pages they are about to store to, and the first of them keeps
 * what the trace knows of the registers. The next block that is recorded first records what
 * differs: registers as a patch, memory as changes of cause REVEN_CAUSE_NOT_RECORDED. So values
 * are right on both sides, and replay needs to know nothing of the gap. */
#include "pub_tool_aspacemgr.h"
#include "pub_tool_machine.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_threadstate.h"
#include "recorder.h"

extern Bool vgPlain_is_valid_tid(ThreadId tid);
extern void vgPlain_discard_translations(Addr start, ULong range, const HChar* who);

#define PAGE 4096
#define BUCKETS (1u << 16)
#define MOST_COPIES (1u << 15) /* 128 MiB; of further pages, everything is recorded */
#define NEAR 16 /* bytes between two changes that one record takes over */

static ULong open; /* read and written by generated code */
static Bool paused, was_paused;

/* Pages that a gap stores to, each with what the trace knows of it; null: is to be recorded
 * whole, or compared by shared.c. */
typedef struct {
    UWord page;
    UChar* known;
    UInt next; /* in its bucket, plus 1 */
} Touched;
static Touched* touched;
static UInt touched_count, touched_capacity;
static UInt buckets[BUCKETS];
/* The last page touched of each bucket, plus 1, for generated code. */
static ULong recent[BUCKETS];

static UChar** spare;
static UInt spare_count, copy_count;

Bool gaps_active(void) { return selection_any() || was_paused; }

Bool gap_open(void) { return open != 0; }

Bool gaps_leave_out(Addr address) { return paused || !selection_has(address); }

/* ------------------------------------------------------------------ pages */

static UInt bucket_of(UWord page) { return page & (BUCKETS - 1); }

static Touched* find(UWord page) {
    UInt at = buckets[bucket_of(page)];
    while (at != 0 && touched[at - 1].page != page) at = touched[at - 1].next;
    return at == 0 ? NULL : &touched[at - 1];
}

static UChar* copy_page(UWord page) {
    UChar* copy;
    if (spare_count > 0)
        copy = spare[--spare_count];
    else if (copy_count < MOST_COPIES) {
        copy = VG_(malloc)("reven.gap", PAGE);
        spare = VG_(realloc)("reven.gap", spare, ++copy_count * sizeof *spare);
    } else
        return NULL;
    VG_(memcpy)(copy, (const void*)(page * PAGE), PAGE);
    return copy;
}

static void drop_copy(Touched* entry) {
    if (entry->known != NULL) spare[spare_count++] = entry->known;
    entry->known = NULL;
}

static void touch_page(UWord page) {
    UInt bucket = bucket_of(page);
    if (find(page) == NULL) {
        Touched* entry;
        /* A store there faults. */
        if (!VG_(am_is_valid_for_client)(page * PAGE, PAGE, VKI_PROT_WRITE)) return;
        if (touched_count == touched_capacity) {
            touched_capacity = 2 * touched_capacity + 256;
            touched = VG_(realloc)("reven.gap", touched, touched_capacity * sizeof *touched);
        }
        entry = &touched[touched_count++];
        entry->page = page;
        entry->known = shared_covers(page * PAGE, PAGE) ? NULL : copy_page(page);
        entry->next = buckets[bucket];
        buckets[bucket] = touched_count;
    }
    recent[bucket] = page + 1;
}

/* Before a store. */
static void touch(Addr address, ULong size) {
    touch_page(address / PAGE);
    if ((address + size - 1) / PAGE != address / PAGE) touch_page((address + size - 1) / PAGE);
}

static void forget_pages(void) {
    UInt i;
    for (i = 0; i < touched_count; i++) {
        drop_copy(&touched[i]);
        buckets[bucket_of(touched[i].page)] = 0;
        recent[bucket_of(touched[i].page)] = 0;
    }
    touched_count = 0;
}

void gap_known(Addr address, SizeT size, const UChar* bytes) {
    while (size > 0 && touched_count > 0) {
        SizeT at = address % PAGE, n = size < PAGE - at ? size : PAGE - at;
        Touched* entry = find(address / PAGE);
        if (entry != NULL && entry->known != NULL) VG_(memcpy)(entry->known + at, bytes, n);
        address += n;
        bytes += n;
        size -= n;
    }
}

static Bool lies_in(const Touched* entry, Addr address, SizeT size) {
    return entry->page * PAGE - address < size;
}

/* Entries stay, for others' sake, but of a page that no address has. */
static void remove(Touched* entry) {
    drop_copy(entry);
    recent[bucket_of(entry->page)] = 0;
    entry->page = ~0UL;
}

void gap_forget(Addr address, SizeT size) {
    UInt i;
    for (i = 0; i < touched_count; i++)
        if (lies_in(&touched[i], address, size)) remove(&touched[i]);
}

/* ---------------------------------------------------------------- changes */

/* Records where `now` is not what the trace knows. */
static void record_difference(ThreadId tid, Addr address, const UChar* known, const UChar* now) {
    UInt at = 0;
    while (at < PAGE) {
        UInt start, last;
        if (*(const ULong*)(known + at) == *(const ULong*)(now + at)) {
            at += 8;
            continue;
        }
        for (start = at; known[start] == now[start]; start++);
        for (last = start, at = start + 1; at < PAGE && at - last <= NEAR; at++)
            if (known[at] != now[at]) last = at;
        record_memory(tid, address + start, last + 1 - start, REVEN_CAUSE_NOT_RECORDED,
                      now + start);
        at = VG_ROUNDUP(last + 1, 8);
        /* Bytes of the same word after the last difference are equal. */
    }
}

static void record_page(ThreadId tid, const Touched* entry, Addr now) {
    if (!VG_(am_is_valid_for_client)(now, PAGE, VKI_PROT_NONE)) return;
    if (shared_covers(now, PAGE))
        shared_compare(now, PAGE, REVEN_CAUSE_NOT_RECORDED);
    else if (entry->known == NULL)
        record_memory(tid, now, PAGE, REVEN_CAUSE_NOT_RECORDED, (const void*)now);
    else
        record_difference(tid, now, entry->known, (const UChar*)now);
}

void gap_moved(Addr from, Addr to, SizeT size) {
    UInt i;
    for (i = 0; i < touched_count; i++)
        if (lies_in(&touched[i], from, size)) {
            Touched entry = touched[i];
            /* Its record is no news for itself. */
            touched[i].known = NULL;
            record_page(threads_current(), &entry, to + (entry.page * PAGE - from));
            touched[i].known = entry.known;
            remove(&touched[i]);
        }
}

void gap_close(ThreadId tid) {
    UInt i;
    open = 0;
    for (i = 0; i < touched_count; i++)
        if (touched[i].page != ~0UL) record_page(tid, &touched[i], touched[i].page * PAGE);
    forget_pages();
    selection_say();
    if (was_paused) notice(REVEN_NOTICE_LEFT_OUT, 0, 0, 0, NULL);
    /* A thread that has ended has none. */
    if (vgPlain_is_valid_tid(tid)) threads_synchronise(tid);
}

void gap_defer(void) { open = 1; }

void gaps_forget_all(void) {
    open = 0;
    forget_pages();
}

void gaps_pause(Bool wanted) {
    if (paused == wanted) return;
    paused = wanted;
    was_paused = was_paused || wanted;
    vgPlain_discard_translations(0, ~0ULL, "reven: other code is recorded");
}

/* --------------------------------------------------------- generated code */

static void begins(UChar* guest_state) {
    if (mode != RECORDING) return;
    open = 1;
    threads_keep_registers(VG_(get_running_tid)(), guest_state);
}

static void ends(UChar* guest_state) {
    (void)guest_state;
    if (mode != RECORDING) {
        open = 0;
        return;
    }
    gap_close(VG_(get_running_tid)());
}

static IRExpr* u64(ULong value) { return IRExpr_Const(IRConst_U64(value)); }

static IRExpr* assign(IRSB* sb, IRType type, IRExpr* value) {
    IRTemp temp = newIRTemp(sb->tyenv, type);
    addStmtToIRSB(sb, IRStmt_WrTmp(temp, value));
    return IRExpr_RdTmp(temp);
}

/* Calls a helper, which may move the cursors, if a gap is open or is not. */
static void call_if(IRSB* sb, IROp comparison, const HChar* name, void (*helper)(UChar*)) {
    IRDirty* call = unsafeIRDirty_0_N(0, name, VG_(fnptr_to_fnentry)((void*)helper),
                                      mkIRExprVec_1(IRExpr_GSPTR()));
    IRExpr* now = assign(sb, Ity_I64, IRExpr_Load(Iend_LE, Ity_I64, u64((Addr)&open)));
    call->guard = assign(sb, Ity_I1, IRExpr_Binop(comparison, now, u64(0)));
    call->nFxState = 1;
    call->fxState[0].fx = Ifx_Modify;
    call->fxState[0].offset = CURSOR_HEADERS;
    call->fxState[0].size = 16;
    call->fxState[0].nRepeats = call->fxState[0].repeatLen = 0;
    addStmtToIRSB(sb, IRStmt_Dirty(call));
}

void gaps_add_end(IRSB* block) { call_if(block, Iop_CmpNE64, "reven_gap_ends", ends); }

static void add_touch(IRSB* sb, IRExpr* address, UInt size, IRExpr* guard) {
    IRExpr* page =
        assign(sb, Ity_I64, IRExpr_Binop(Iop_Shr64, address, IRExpr_Const(IRConst_U8(12))));
    IRExpr* bucket = assign(sb, Ity_I64, IRExpr_Binop(Iop_And64, page, u64(BUCKETS - 1)));
    IRExpr* offset =
        assign(sb, Ity_I64, IRExpr_Binop(Iop_Shl64, bucket, IRExpr_Const(IRConst_U8(3))));
    IRExpr* place = assign(sb, Ity_I64, IRExpr_Binop(Iop_Add64, offset, u64((Addr)recent)));
    IRExpr* last = assign(sb, Ity_I64, IRExpr_Load(Iend_LE, Ity_I64, place));
    IRExpr* wanted = assign(sb, Ity_I64, IRExpr_Binop(Iop_Add64, page, u64(1)));
    IRExpr* miss = assign(sb, Ity_I1, IRExpr_Binop(Iop_CmpNE64, last, wanted));
    IRDirty* call = unsafeIRDirty_0_N(0, "reven_touch", VG_(fnptr_to_fnentry)((void*)touch),
                                      mkIRExprVec_2(address, u64(size)));
    if (size > 1) {
        IRExpr* at = assign(sb, Ity_I64, IRExpr_Binop(Iop_And64, address, u64(PAGE - 1)));
        IRExpr* crosses = assign(sb, Ity_I1, IRExpr_Binop(Iop_CmpLT64U, u64(PAGE - size), at));
        miss = assign(sb, Ity_I1, IRExpr_Binop(Iop_Or1, miss, crosses));
    }
    if (guard != NULL) miss = assign(sb, Ity_I1, IRExpr_Binop(Iop_And1, miss, guard));
    call->guard = miss;
    addStmtToIRSB(sb, IRStmt_Dirty(call));
}

static void note_stores(IRSB* sb, const IRStmt* s) {
    switch (s->tag) {
        case Ist_Store:
            add_touch(sb, s->Ist.Store.addr,
                      sizeofIRType(typeOfIRExpr(sb->tyenv, s->Ist.Store.data)), NULL);
            break;
        case Ist_StoreG:
            add_touch(sb, s->Ist.StoreG.details->addr,
                      sizeofIRType(typeOfIRExpr(sb->tyenv, s->Ist.StoreG.details->data)),
                      s->Ist.StoreG.details->guard);
            break;
        case Ist_CAS: {
            const IRCAS* cas = s->Ist.CAS.details;
            UInt size = sizeofIRType(typeOfIRExpr(sb->tyenv, cas->dataLo));
            add_touch(sb, cas->addr, cas->oldHi == IRTemp_INVALID ? size : 2 * size, NULL);
            break;
        }
        case Ist_Dirty: {
            const IRDirty* helper = s->Ist.Dirty.details;
            if (helper->mFx == Ifx_Write || helper->mFx == Ifx_Modify)
                add_touch(sb, helper->mAddr, helper->mSize, helper->guard);
            break;
        }
        default:
            break;
    }
}

IRSB* gaps_instrument(IRSB* in) {
    IRSB* sb = deepCopyIRSBExceptStmts(in);
    Bool begun = False;
    Int i;
    for (i = 0; i < in->stmts_used; i++) {
        IRStmt* s = in->stmts[i];
        if (s->tag == Ist_IMark) {
            Trigger* trigger = trigger_at(s->Ist.IMark.addr);
            if (!begun) call_if(sb, Iop_CmpEQ64, "reven_gap_begins", begins);
            begun = True;
            if (trigger != NULL)
                addStmtToIRSB(sb, trigger_add_check(sb, trigger, s->Ist.IMark.addr));
        }
        note_stores(sb, s);
        addStmtToIRSB(sb, s);
    }
    return sb;
}
