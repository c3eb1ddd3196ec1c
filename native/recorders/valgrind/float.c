/* SPDX-License-Identifier: GPL-2.0-or-later
 * The SSE control register. The core keeps of it the rounding of conversions alone. Once
 * the program asks for another arithmetic than the usual one, or for its exception flags,
 * all that is translated from then on computes under the program's own control register:
 * it is set before each addition, subtraction, multiplication, division, square root,
 * minimum and maximum, and taken back after it. An exception that is not masked is then
 * raised by the processor itself. Programs that never do have nothing added. */
#include "pub_tool_aspacemgr.h"
#include "pub_tool_machine.h"
#include "recorder.h"

#define USUAL 0x1f80u /* every exception masked, to nearest */
#define FLAGS 0x3fu
/* Where it is kept, as what differs from the usual: in the running thread's shadow state,
 * which the core saves and restores around signals, and gives to new threads. */
#define CONTROL (CURSOR_VALUES + 8)

Bool float_followed = False;

static UInt* control_of(VexGuestAMD64State* guest_state) {
    return (UInt*)((UChar*)guest_state + CONTROL);
}

static Bool is_call(const IRStmt* s, const HChar* name) {
    return s->tag == Ist_WrTmp && s->Ist.WrTmp.data->tag == Iex_CCall &&
           VG_(strcmp)(s->Ist.WrTmp.data->Iex.CCall.cee->name, name) == 0;
}

Bool float_reads_control(const IRStmt* s) { return is_call(s, "amd64g_create_mxcsr"); }

Bool float_writes_control(const IRStmt* s) { return is_call(s, "amd64g_check_ldmxcsr"); }

static IROp operation_of(const IRExpr* e) {
    switch (e->tag) {
        case Iex_Unop:
            return e->Iex.Unop.op;
        case Iex_Binop:
            return e->Iex.Binop.op;
        case Iex_Triop:
            return e->Iex.Triop.details->op;
        default:
            return Iop_INVALID;
    }
}

Bool float_computes(const IRStmt* s) {
    if (s->tag != Ist_WrTmp) return False;
    switch (operation_of(s->Ist.WrTmp.data)) {
#define EACH(size, lanes)       \
    case Iop_Add##size##lanes:  \
    case Iop_Sub##size##lanes:  \
    case Iop_Mul##size##lanes:  \
    case Iop_Div##size##lanes:  \
    case Iop_Sqrt##size##lanes: \
    case Iop_Min##size##lanes:  \
    case Iop_Max##size##lanes:
        EACH(32, F0x4)
        EACH(64, F0x2)
        EACH(32, Fx4)
        EACH(64, Fx2)
        EACH(32, Fx8)
        EACH(64, Fx4)
#undef EACH
        return True;
        default:
            return False;
    }
}

/* Of computations that are not done as the processor does them. */
static void say(UInt kind, UInt detail, Addr ip) { notice(kind, detail, ip, 0, NULL); }

void float_note(const IRStmt* s, Addr ip) {
    const IRExpr* data;
    if (s->tag != Ist_WrTmp) return;
    data = s->Ist.WrTmp.data;
    if (data->tag == Iex_Qop && float_followed) {
        say(REVEN_NOTICE_FLOATING_POINT, REVEN_FLOATING_POINT_FUSED, ip);
        return;
    }
    switch (operation_of(data)) {
        /* Scalars on their own are x87's; SSE's are in vectors. */
        case Iop_AddF64:
        case Iop_SubF64:
        case Iop_MulF64:
        case Iop_DivF64:
        case Iop_SqrtF64:
        case Iop_SinF64:
        case Iop_CosF64:
        case Iop_TanF64:
        case Iop_2xm1F64:
        case Iop_AtanF64:
        case Iop_Yl2xF64:
        case Iop_Yl2xp1F64:
        case Iop_ScaleF64:
        case Iop_PRemF64:
        case Iop_PRem1F64:
            say(REVEN_NOTICE_X87, 0, ip);
            break;
        case Iop_F64toI32S:
        case Iop_F64toI64S:
        case Iop_F64toF32:
        case Iop_I64StoF64:
            if (float_followed)
                say(REVEN_NOTICE_FLOATING_POINT, REVEN_FLOATING_POINT_CONVERSION, ip);
            break;
        default:
            break;
    }
}

/* ------------------------------------------------- called by translated code */

static void set_control(UInt value) { __asm__ volatile("ldmxcsr %0" : : "m"(value)); }

static UInt get_control(void) {
    UInt value;
    __asm__ volatile("stmxcsr %0" : "=m"(value));
    return value;
}

static void begin(VexGuestAMD64State* guest_state) {
    set_control((*control_of(guest_state) ^ USUAL) & ~FLAGS);
}

static void end(VexGuestAMD64State* guest_state) {
    *control_of(guest_state) |= get_control() & FLAGS;
    set_control(USUAL);
}

static ULong read_control(VexGuestAMD64State* guest_state) {
    return *control_of(guest_state) ^ USUAL;
}

static ULong write_control(VexGuestAMD64State* guest_state, ULong value) {
    *control_of(guest_state) = (UInt)value ^ USUAL;
    if (float_followed || ((UInt)value & ~FLAGS) == USUAL) return 0;
    float_followed = True;
    guest_state->guest_CMSTART = 0;
    guest_state->guest_CMLEN = ~0ULL;
    return 1;
}

static ULong follow(VexGuestAMD64State* guest_state) {
    float_followed = True;
    guest_state->guest_CMSTART = 0;
    guest_state->guest_CMLEN = ~0ULL;
    return 1;
}

/* A call that has the guest state; `clears`: it may ask for translations to be discarded. */
static IRDirty* call(IRTemp result, const HChar* name, void* function, IRExpr* argument,
                     Bool clears) {
    IRExpr** arguments =
        argument == NULL ? mkIRExprVec_1(IRExpr_GSPTR()) : mkIRExprVec_2(IRExpr_GSPTR(), argument);
    IRDirty* made =
        result == IRTemp_INVALID
            ? unsafeIRDirty_0_N(0, name, VG_(fnptr_to_fnentry)(function), arguments)
            : unsafeIRDirty_1_N(result, 0, name, VG_(fnptr_to_fnentry)(function), arguments);
    made->nFxState = 1;
    made->fxState[0].fx = clears ? Ifx_Modify : Ifx_Read;
    made->fxState[0].offset = offsetof(VexGuestAMD64State, guest_CMSTART);
    made->fxState[0].size = 16;
    made->fxState[0].nRepeats = made->fxState[0].repeatLen = 0;
    return made;
}

void float_add_begin(IRSB* sb) {
    addStmtToIRSB(
        sb, IRStmt_Dirty(call(IRTemp_INVALID, "reven_float_begin", (void*)begin, NULL, False)));
}

void float_add_end(IRSB* sb) {
    addStmtToIRSB(sb,
                  IRStmt_Dirty(call(IRTemp_INVALID, "reven_float_end", (void*)end, NULL, False)));
}

void float_add_read(IRSB* sb, IRTemp result) {
    addStmtToIRSB(sb,
                  IRStmt_Dirty(call(result, "reven_float_read", (void*)read_control, NULL, False)));
}

static IRExpr* not_zero(IRSB* sb, IRTemp value) {
    IRTemp taken = newIRTemp(sb->tyenv, Ity_I1);
    addStmtToIRSB(sb, IRStmt_WrTmp(taken, IRExpr_Binop(Iop_CmpNE64, IRExpr_RdTmp(value),
                                                       IRExpr_Const(IRConst_U64(0)))));
    return IRExpr_RdTmp(taken);
}

IRExpr* float_add_write(IRSB* sb, IRExpr* value) {
    IRTemp changed = newIRTemp(sb->tyenv, Ity_I64);
    addStmtToIRSB(
        sb, IRStmt_Dirty(call(changed, "reven_float_write", (void*)write_control, value, True)));
    return not_zero(sb, changed);
}

IRExpr* float_add_follow(IRSB* sb) {
    IRTemp changed = newIRTemp(sb->tyenv, Ity_I64);
    addStmtToIRSB(sb, IRStmt_Dirty(call(changed, "reven_float_follow", (void*)follow, NULL, True)));
    return not_zero(sb, changed);
}

/* ------------------------------------------------------------------- signals */

#define SHADOW_OFFSET (CONTROL - (Int)sizeof(VexGuestAMD64State))

/* A handler begins with the usual arithmetic. */
void float_handler_begins(ThreadId tid) {
    UInt usual = 0;
    VG_(set_shadow_regs_area)(tid, 1, SHADOW_OFFSET, sizeof usual, (const UChar*)&usual);
}

/* The processor raised an exception that is not masked. */
void float_trapped(ThreadId tid, Int code) {
    static const UInt flag_of[] = {4, 8, 16, 32, 1}; /* FPE_FLTDIV … FPE_FLTINV */
    UInt control;
    if (code < 3 || code > 7) return;
    VG_(get_shadow_regs_area)(tid, (UChar*)&control, 1, SHADOW_OFFSET, sizeof control);
    control |= flag_of[code - 3];
    VG_(set_shadow_regs_area)(tid, 1, SHADOW_OFFSET, sizeof control, (const UChar*)&control);
}

/* ------------------------------------------------------------------------ x87 */

#define STATUS_AT 4 /* of the environment in memory */

/* VEX's helpers for fldenv, which the linker directs here (--wrap). */
extern UInt __real_amd64g_dirtyhelper_FLDENV(VexGuestAMD64State* guest_state, Addr environment);
extern UInt __wrap_amd64g_dirtyhelper_FLDENV(VexGuestAMD64State* guest_state, Addr environment);

UInt __wrap_amd64g_dirtyhelper_FLDENV(VexGuestAMD64State* guest_state, Addr environment) {
    UShort status = *(UShort*)(environment + STATUS_AT);
    if ((status & FLAGS) != 0)
        notice_later(REVEN_NOTICE_X87, REVEN_X87_FLAGS, guest_state->guest_RIP);
    return __real_amd64g_dirtyhelper_FLDENV(guest_state, environment);
}

/* ------------------------------------------------ vector registers in signal frames */

/* Of a ucontext: where it points to the state of floating point, and of that state. */
#define STATE_AT 224
#define MXCSR_AT 24
#define VECTORS_AT 160

/* The core neither shows a handler these registers nor takes what it writes. The linker
 * directs its calls here (--wrap). */
extern void __real_vgPlain_sigframe_create(ThreadId tid, Bool alternate, Addr top,
                                           const vki_siginfo_t* info,
                                           const struct vki_ucontext* context, void* handler,
                                           UInt flags, const vki_sigset_t* mask, void* restorer);
extern void __wrap_vgPlain_sigframe_create(ThreadId tid, Bool alternate, Addr top,
                                           const vki_siginfo_t* info,
                                           const struct vki_ucontext* context, void* handler,
                                           UInt flags, const vki_sigset_t* mask, void* restorer);
extern void __real_vgPlain_sigframe_destroy(ThreadId tid, Bool real_time);
extern void __wrap_vgPlain_sigframe_destroy(ThreadId tid, Bool real_time);

/* From a handler's stack pointer to its context. */
static Word context_distance;

static Int vector_offset(UInt number) {
    return offsetof(VexGuestAMD64State, guest_YMM0) +
           number * (offsetof(VexGuestAMD64State, guest_YMM1) -
                     offsetof(VexGuestAMD64State, guest_YMM0));
}

static UChar* frame_state(Addr context) {
    UChar* state;
    UInt access = VKI_PROT_READ | VKI_PROT_WRITE;
    if (!VG_(am_is_valid_for_client)(context + STATE_AT, sizeof state, access)) return NULL;
    state = *(UChar**)(context + STATE_AT);
    return VG_(am_is_valid_for_client)((Addr)state, 512, access) ? state : NULL;
}

void __wrap_vgPlain_sigframe_create(ThreadId tid, Bool alternate, Addr top,
                                    const vki_siginfo_t* info, const struct vki_ucontext* context,
                                    void* handler, UInt flags, const vki_sigset_t* mask,
                                    void* restorer) {
    UChar* state;
    UInt control, i;
    Addr own;
    __real_vgPlain_sigframe_create(tid, alternate, top, info, context, handler, flags, mask,
                                   restorer);
    signals_handler_begins(tid, info->si_signo, flags);
    VG_(get_shadow_regs_area)(tid, (UChar*)&own, 0, offsetof(VexGuestAMD64State, guest_RDX), 8);
    context_distance = own - VG_(get_SP)(tid);
    state = frame_state(own);
    if (state == NULL) return;
    VG_(get_shadow_regs_area)(tid, (UChar*)&control, 1, SHADOW_OFFSET, sizeof control);
    control ^= USUAL;
    VG_(memcpy)(state + MXCSR_AT, &control, sizeof control);
    for (i = 0; i < 16; i++)
        VG_(get_shadow_regs_area)(tid, state + VECTORS_AT + 16 * i, 0, vector_offset(i), 16);
}

void __wrap_vgPlain_sigframe_destroy(ThreadId tid, Bool real_time) {
    UChar* state = frame_state(VG_(get_SP)(tid) + context_distance);
    UInt i;
    UChar vectors[16 * 16];
    if (state != NULL) VG_(memcpy)(vectors, state + VECTORS_AT, sizeof vectors);
    __real_vgPlain_sigframe_destroy(tid, real_time);
    for (i = 0; state != NULL && i < 16; i++)
        VG_(set_shadow_regs_area)(tid, 0, vector_offset(i), 16, vectors + 16 * i);
}
