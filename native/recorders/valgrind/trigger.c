/* SPDX-License-Identifier: GPL-2.0-or-later
 * --reven-from and --reven-until: where the record begins and ends. */
#include "pub_tool_debuginfo.h"
#include "pub_tool_machine.h"
#include "pub_tool_mallocfree.h"
#include "recorder.h"

extern Bool vgPlain_clo_demangle;

Trigger trigger_from, trigger_until;

static Bool until_reached;

Bool trigger_parse(Trigger* trigger, const HChar* text) {
    HChar *place = VG_(strdup)("reven.trigger", text), *at = VG_(strrchr)(place, '@'), *end;
    trigger->text = text;
    trigger->hits_left = 1;
    if (at != NULL && at[1] >= '0' && at[1] <= '9') {
        trigger->hits_left = VG_(strtoull10)(at + 1, &end);
        if (*end != 0 || trigger->hits_left == 0) return False;
        *at = 0;
    }
    if (place[0] == '0' && (place[1] == 'x' || place[1] == 'X')) {
        trigger->address = VG_(strtoull16)(place, &end);
        return end > place + 2 && *end == 0;
    }
    trigger->symbol = place;
    return place[0] != 0;
}

static Bool same_symbol(const HChar* name, const HChar* wanted, Bool without_parameters) {
    SizeT length = VG_(strlen)(wanted);
    return VG_(strncmp)(name, wanted, length) == 0 &&
           (name[length] == 0 || (without_parameters && name[length] == '('));
}

/* Whether a function of that name begins at the address; C++ names may be given
 * mangled, or plain with or without their parameters. */
static Bool begins_symbol(Addr address, const HChar* wanted) {
    const HChar* name;
    Bool found;
    vgPlain_clo_demangle = False;
    if (!VG_(get_fnname_if_entry)(VG_(current_DiEpoch)(), address, &name)) return False;
    if (same_symbol(name, wanted, False)) return True;
    if (name[0] != '_' || (name[1] != 'Z' && name[1] != 'R')) return False;
    vgPlain_clo_demangle = True;
    found = VG_(get_fnname_if_entry)(VG_(current_DiEpoch)(), address, &name) &&
            same_symbol(name, wanted, True);
    return found;
}

Trigger* trigger_at(Addr address) {
    Trigger* trigger = mode == WAITING ? &trigger_from : mode == RECORDING ? &trigger_until : NULL;
    if (trigger == NULL || trigger->text == NULL || trigger->hits_left == 0) return NULL;
    if (trigger->symbol == NULL ? trigger->address == address
                                : begins_symbol(address, trigger->symbol))
        return trigger;
    return NULL;
}

/* Counts; at the last hit returns 1 and asks for every translation to be thrown
 * away, because from here on they must be made in another mode. */
static ULong hit(VexGuestAMD64State* guest_state, Trigger* trigger) {
    if (trigger->hits_left == 0 || --trigger->hits_left > 0) return 0;
    guest_state->guest_CMSTART = 0;
    guest_state->guest_CMLEN = ~0ULL;
    if (trigger == &trigger_until) {
        until_reached = True;
        return 1;
    }
    mode = RECORDING;
    /* To record from one visit of a place to the next: this visit is the first. */
    if (trigger_until.text != NULL && trigger_at(guest_state->guest_RIP) == &trigger_until)
        trigger_until.hits_left++;
    return 1;
}

IRStmt* trigger_add_check(IRSB* block, Trigger* trigger, Addr address) {
    IRTemp reached = newIRTemp(block->tyenv, Ity_I64), taken = newIRTemp(block->tyenv, Ity_I1);
    IRDirty* call =
        unsafeIRDirty_1_N(reached, 0, "reven_trigger_hit", VG_(fnptr_to_fnentry)((void*)hit),
                          mkIRExprVec_2(IRExpr_GSPTR(), IRExpr_Const(IRConst_U64((Addr)trigger))));
    call->nFxState = 2;
    call->fxState[0].fx = Ifx_Write;
    call->fxState[0].offset = offsetof(VexGuestAMD64State, guest_CMSTART);
    call->fxState[0].size = 16;
    call->fxState[0].nRepeats = call->fxState[0].repeatLen = 0;
    call->fxState[1].fx = Ifx_Read;
    call->fxState[1].offset = offsetof(VexGuestAMD64State, guest_RIP);
    call->fxState[1].size = 8;
    call->fxState[1].nRepeats = call->fxState[1].repeatLen = 0;
    addStmtToIRSB(block, IRStmt_Dirty(call));
    addStmtToIRSB(block, IRStmt_WrTmp(taken, IRExpr_Binop(Iop_CmpNE64, IRExpr_RdTmp(reached),
                                                          IRExpr_Const(IRConst_U64(0)))));
    return IRStmt_Exit(IRExpr_RdTmp(taken), Ijk_InvalICache, IRConst_U64(address),
                       offsetof(VexGuestAMD64State, guest_RIP));
}

Bool trigger_until_reached(void) { return until_reached; }
