/* SPDX-License-Identifier: GPL-2.0-or-later
 * Where and when the record begins and ends: --reven-from, --reven-until, --reven-after.
 *
 * A place is N:KIND:…, the N-th time:
 *   N:address:0xADDRESS
 *   N:symbol:0xOFFSET:BINARY:SYMBOL   so many bytes after a symbol; of any binary if none is named
 *   N:binary:0xOFFSET:BINARY          after the beginning of a binary
 *   N:file:0xOFFSET,…:PATH            where a file's bytes are mapped
 *   N:syscall:NUMBER
 *   N:mark:TEXT                       a mark that the program sets */
#include "pub_tool_aspacemgr.h"
#include "pub_tool_debuginfo.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_machine.h"
#include "pub_tool_mallocfree.h"
#include "recorder.h"

extern Bool vgPlain_clo_demangle;

Trigger trigger_from, trigger_until;
ULong trigger_after_ms;

static Long blocks_to_skip; /* transitions, by blocks */
static Bool until_reached, after_reached;

static HChar* next_field(HChar** text) {
    HChar *field = *text, *colon = VG_(strchr)(field, ':');
    if (colon == NULL) return NULL;
    *colon = 0;
    *text = colon + 1;
    return field;
}

static Bool parse_offsets(Trigger* trigger, const HChar* text) {
    HChar* end;
    for (;;) {
        if (trigger->offset_count == TRIGGER_OFFSETS) return False;
        trigger->offsets[trigger->offset_count++] = VG_(strtoull16)(text, &end);
        if (end == text) return False;
        if (*end == 0) return True;
        if (*end != ',') return False;
        text = end + 1;
    }
}

Bool trigger_parse(Trigger* trigger, const HChar* text) {
    HChar *left = VG_(strdup)("reven.trigger", text), *count = next_field(&left), *kind, *end;
    kind = count == NULL ? NULL : next_field(&left);
    if (kind == NULL) return False;
    trigger->hits_left = VG_(strtoull10)(count, &end);
    if (*end != 0 || trigger->hits_left == 0) return False;
    if (VG_(strcmp)(kind, "address") == 0) {
        trigger->kind = TRIGGER_ADDRESS;
        return parse_offsets(trigger, left) && trigger->offset_count == 1;
    }
    if (VG_(strcmp)(kind, "symbol") == 0) {
        HChar* offset = next_field(&left);
        trigger->kind = TRIGGER_SYMBOL;
        trigger->binary = offset == NULL ? NULL : next_field(&left);
        trigger->name = left;
        return trigger->binary != NULL && parse_offsets(trigger, offset) && left[0] != 0;
    }
    if (VG_(strcmp)(kind, "binary") == 0 || VG_(strcmp)(kind, "file") == 0) {
        HChar* offset = next_field(&left);
        trigger->kind = kind[0] == 'f' ? TRIGGER_FILE : TRIGGER_BINARY;
        trigger->binary = left;
        return offset != NULL && parse_offsets(trigger, offset);
    }
    if (VG_(strcmp)(kind, "syscall") == 0) {
        trigger->kind = TRIGGER_SYSCALL;
        trigger->number = VG_(strtoull10)(left, &end);
        return end > left && *end == 0;
    }
    trigger->kind = TRIGGER_MARK;
    trigger->name = left;
    return VG_(strcmp)(kind, "mark") == 0;
}

Bool trigger_parse_after(const HChar* text) {
    HChar* end;
    Long value = VG_(strtoll10)(text, &end);
    if (end == text || value <= 0) return False;
    if (VG_(strcmp)(end, "ms") == 0)
        trigger_after_ms = value;
    else if (*end == 0)
        blocks_to_skip = value;
    else
        return False;
    return True;
}

/* ---------------------------------------------------------------- places */

static Bool same_symbol(const HChar* name, const HChar* wanted, Bool without_parameters) {
    SizeT length = VG_(strlen)(wanted);
    return VG_(strncmp)(name, wanted, length) == 0 &&
           (name[length] == 0 || (without_parameters && name[length] == '('));
}

/* C++ names may be given mangled, or plain with or without their parameters. */
static Bool is_symbol(Addr address, const HChar* wanted,
                      Bool (*find)(DiEpoch, Addr, const HChar**)) {
    const HChar* name;
    Bool found;
    vgPlain_clo_demangle = False;
    if (!find(VG_(current_DiEpoch)(), address, &name)) return False;
    if (same_symbol(name, wanted, False)) return True;
    if (name[0] != '_' || (name[1] != 'Z' && name[1] != 'R')) return False;
    vgPlain_clo_demangle = True;
    found = find(VG_(current_DiEpoch)(), address, &name) && same_symbol(name, wanted, True);
    return found;
}

Bool trigger_in_symbol(Addr address, const HChar* symbol) {
    return is_symbol(address, symbol, VG_(get_fnname));
}

static const HChar* file_of(Addr address, const NSegment** segment) {
    *segment = VG_(am_find_nsegment)(address);
    return *segment == NULL || (*segment)->kind != SkFileC ? NULL : VG_(am_get_filename)(*segment);
}

/* `libc` and `libc.so` name libc.so.6, and libc-2.36.so too; a path names its own. */
Bool trigger_in_binary(Addr address, const HChar* wanted) {
    const NSegment* segment;
    const HChar *path = file_of(address, &segment), *file;
    SizeT length = VG_(strlen)(wanted);
    if (path == NULL) return False;
    if (VG_(strcmp)(path, wanted) == 0) return True;
    file = VG_(strrchr)(path, '/');
    file = file == NULL ? path : file + 1;
    return VG_(strncmp)(file, wanted, length) == 0 &&
           (file[length] == 0 || file[length] == '.' || file[length] == '-');
}

/* Where the mapping of the file at an address begins. */
static Addr base_of(Addr address) {
    const NSegment* segment = VG_(am_find_nsegment)(address);
    Addr start = segment->start;
    UInt i;
    for (i = 0; i < 32 && segment->offset != 0; i++) {
        const NSegment* before = VG_(am_find_nsegment)(start - 1);
        if (before == NULL) break;
        start = before->start;
        if (before->kind == SkFileC && before->dev == segment->dev && before->ino == segment->ino &&
            before->offset == 0)
            break;
    }
    return start;
}

static Bool has_offset(const Trigger* trigger, ULong offset) {
    UInt i;
    for (i = 0; i < trigger->offset_count; i++)
        if (trigger->offsets[i] == offset) return True;
    return False;
}

static Bool stands_at(const Trigger* trigger, Addr address) {
    const NSegment* segment;
    const HChar* path;
    switch (trigger->kind) {
        case TRIGGER_ADDRESS:
            return trigger->offsets[0] == address;
        case TRIGGER_SYMBOL: {
            Addr start = address - trigger->offsets[0];
            return (trigger->binary[0] == 0 || trigger_in_binary(start, trigger->binary)) &&
                   is_symbol(start, trigger->name, VG_(get_fnname_if_entry));
        }
        case TRIGGER_BINARY:
            return trigger_in_binary(address, trigger->binary) &&
                   has_offset(trigger, address - base_of(address));
        case TRIGGER_FILE:
            path = file_of(address, &segment);
            return path != NULL && VG_(strcmp)(path, trigger->binary) == 0 &&
                   has_offset(trigger, address - segment->start + segment->offset);
        case TRIGGER_SYSCALL:
            return ((const UChar*)address)[0] == 0x0f && ((const UChar*)address)[1] == 0x05;
        default:
            return False;
    }
}

static Bool is_open(const Trigger* trigger) {
    return trigger->kind != TRIGGER_NONE && trigger->hits_left > 0;
}

/* What may now happen, by the mode. */
static Trigger* waited_for(void) {
    Trigger* trigger = mode == WAITING ? &trigger_from : mode == RECORDING ? &trigger_until : NULL;
    return trigger != NULL && is_open(trigger) ? trigger : NULL;
}

Trigger* trigger_at(Addr address) {
    Trigger* trigger = waited_for();
    return trigger != NULL && stands_at(trigger, address) ? trigger : NULL;
}

/* ------------------------------------------------------------------- hits */

static Bool has_after(void) {
    return !after_reached && (blocks_to_skip > 0 || trigger_after_ms > 0);
}

/* The last hit: from here on, everything is to be translated for another mode. */
static void reached(Trigger* trigger) {
    if (trigger == &trigger_until)
        until_reached = True;
    else if (!has_after())
        mode = RECORDING;
}

static void translate_anew(VexGuestAMD64State* guest_state) {
    guest_state->guest_CMSTART = 0;
    guest_state->guest_CMLEN = ~0ULL;
}

/* Counts; returns 1 at the last hit. */
static ULong hit(VexGuestAMD64State* guest_state, Trigger* trigger) {
    if (trigger->kind == TRIGGER_SYSCALL && guest_state->guest_RAX != trigger->number) return 0;
    if (trigger->hits_left == 0 || --trigger->hits_left > 0) return 0;
    translate_anew(guest_state);
    reached(trigger);
    /* To record from one visit of a place to the next: this visit is the first. */
    if (mode == RECORDING && trigger == &trigger_from && is_open(&trigger_until) &&
        stands_at(&trigger_until, guest_state->guest_RIP) &&
        (trigger_until.kind != TRIGGER_SYSCALL || guest_state->guest_RAX == trigger_until.number))
        trigger_until.hits_left++;
    return 1;
}

Bool trigger_mark(const HChar* text) {
    Trigger* trigger = waited_for();
    if (trigger == NULL || trigger->kind != TRIGGER_MARK || VG_(strcmp)(trigger->name, text) != 0 ||
        --trigger->hits_left > 0)
        return False;
    reached(trigger);
    return True;
}

static void declare(IRDirty* call, UInt i, IREffect effect, Int offset, Int size) {
    call->fxState[i].fx = effect;
    call->fxState[i].offset = offset;
    call->fxState[i].size = size;
    call->fxState[i].nRepeats = call->fxState[i].repeatLen = 0;
    call->nFxState = i + 1;
}

static IRStmt* leave_if(IRSB* block, IRTemp taken, Addr address) {
    (void)block;
    return IRStmt_Exit(IRExpr_RdTmp(taken), Ijk_InvalICache, IRConst_U64(address),
                       offsetof(VexGuestAMD64State, guest_RIP));
}

IRStmt* trigger_add_check(IRSB* block, Trigger* trigger, Addr address) {
    IRTemp reached = newIRTemp(block->tyenv, Ity_I64), taken = newIRTemp(block->tyenv, Ity_I1);
    IRDirty* call =
        unsafeIRDirty_1_N(reached, 0, "reven_trigger_hit", VG_(fnptr_to_fnentry)((void*)hit),
                          mkIRExprVec_2(IRExpr_GSPTR(), IRExpr_Const(IRConst_U64((Addr)trigger))));
    declare(call, 0, Ifx_Write, offsetof(VexGuestAMD64State, guest_CMSTART), 16);
    declare(call, 1, Ifx_Read, offsetof(VexGuestAMD64State, guest_RIP), 8);
    declare(call, 2, Ifx_Read, offsetof(VexGuestAMD64State, guest_RAX), 8);
    addStmtToIRSB(block, IRStmt_Dirty(call));
    addStmtToIRSB(block, IRStmt_WrTmp(taken, IRExpr_Binop(Iop_CmpNE64, IRExpr_RdTmp(reached),
                                                          IRExpr_Const(IRConst_U64(0)))));
    return leave_if(block, taken, address);
}

/* ------------------------------------------------------------------ after */

Bool trigger_counts(void) {
    return mode == WAITING && blocks_to_skip > 0 && !after_reached && !is_open(&trigger_from);
}

static void counted(VexGuestAMD64State* guest_state) {
    after_reached = True;
    mode = RECORDING;
    translate_anew(guest_state);
}

void trigger_add_count(IRSB* block, UInt instructions, Addr address) {
    IRExpr* counter = IRExpr_Const(IRConst_U64((Addr)&blocks_to_skip));
    IRTemp before = newIRTemp(block->tyenv, Ity_I64), after = newIRTemp(block->tyenv, Ity_I64),
           taken = newIRTemp(block->tyenv, Ity_I1);
    IRDirty* call = unsafeIRDirty_0_N(0, "reven_counted", VG_(fnptr_to_fnentry)((void*)counted),
                                      mkIRExprVec_1(IRExpr_GSPTR()));
    addStmtToIRSB(block, IRStmt_WrTmp(before, IRExpr_Load(Iend_LE, Ity_I64, counter)));
    addStmtToIRSB(block, IRStmt_WrTmp(taken, IRExpr_Binop(Iop_CmpLT64S, IRExpr_RdTmp(before),
                                                          IRExpr_Const(IRConst_U64(1)))));
    call->guard = IRExpr_RdTmp(taken);
    declare(call, 0, Ifx_Write, offsetof(VexGuestAMD64State, guest_CMSTART), 16);
    addStmtToIRSB(block, IRStmt_Dirty(call));
    addStmtToIRSB(block, leave_if(block, taken, address));
    addStmtToIRSB(block,
                  IRStmt_WrTmp(after, IRExpr_Binop(Iop_Sub64, IRExpr_RdTmp(before),
                                                   IRExpr_Const(IRConst_U64(instructions)))));
    addStmtToIRSB(block, IRStmt_Store(Iend_LE, counter, IRExpr_RdTmp(after)));
}

Bool trigger_time_has_come(void) {
    static UInt since = 0;
    if (mode != WAITING || trigger_after_ms == 0 || is_open(&trigger_from)) return False;
    if (since == 0) since = clock_milliseconds() + 1;
    if (clock_milliseconds() + 1 - since < trigger_after_ms) return False;
    after_reached = True;
    mode = RECORDING;
    return True;
}

Bool trigger_until_reached(void) { return until_reached; }
