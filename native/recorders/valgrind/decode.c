/* SPDX-License-Identifier: GPL-2.0-or-later
 * Instructions that VEX does not know. Those of general registers and of the x87 stack are
 * told to it in its own terms. Of vector instructions the processor executes a copy, on the
 * program's registers: SHA, GFNI, VAES, VPCLMULQDQ, AVX-VNNI, AVX-IFMA, SSE4a. What needs
 * registers that VEX does not have (AVX-512) stays unknown. */
#include "pub_tool_libcassert.h"
#include "pub_tool_machine.h"
#include "pub_tool_mallocfree.h"
#include "recorder.h"

/* What VEX's decoder gives. */
typedef struct {
    UInt length, next, hint;
    IRJumpKind jump;
} Decoded;

/* The linker directs VEX's calls here (--wrap). */
extern Decoded __real_disInstr_AMD64(IRSB*, const UChar*, Long, Addr, VexArch, const VexArchInfo*,
                                     const VexAbiInfo*, VexEndness, Bool);
extern Decoded __wrap_disInstr_AMD64(IRSB*, const UChar*, Long, Addr, VexArch, const VexArchInfo*,
                                     const VexAbiInfo*, VexEndness, Bool);

extern SysRes vgPlain_am_mmap_anon_float_valgrind(SizeT size);

#define LONGEST 15
#define REX_W 8
#define REX_R 4
#define REX_X 2
#define REX_B 1

typedef struct {
    const UChar* bytes;
    Addr ip;
    Bool operand_size, vex;
    UChar repeat; /* 0xf2, 0xf3 or 0 */
    UChar rex; /* of VEX, too */
    UChar map; /* 0: one byte, 1: 0f, 2: 0f 38, 3: 0f 3a */
    UChar opcode, wide; /* VEX.L */
    UInt at; /* behind the opcode */
    UInt rex_at; /* where the prefix stands; 0: there is none */
    UChar modrm;
    UInt end; /* behind the operands, but for an immediate one */
} Instruction;

static IRSB* block;

static void add(IRStmt* statement) { addStmtToIRSB(block, statement); }

static IRExpr* value(IRType type, IRExpr* expression) {
    IRTemp temp = newIRTemp(block->tyenv, type);
    add(IRStmt_WrTmp(temp, expression));
    return IRExpr_RdTmp(temp);
}

static IRExpr* u64(ULong number) { return IRExpr_Const(IRConst_U64(number)); }

static IRExpr* plus(IRExpr* a, IRExpr* b) { return value(Ity_I64, IRExpr_Binop(Iop_Add64, a, b)); }

/* ---------------------------------------------------------------- operands */

static Int general(UInt number) {
    static const Int offsets[] = {
#define AT(name) offsetof(VexGuestAMD64State, guest_##name)
        AT(RAX), AT(RCX), AT(RDX), AT(RBX), AT(RSP), AT(RBP), AT(RSI), AT(RDI),
        AT(R8),  AT(R9),  AT(R10), AT(R11), AT(R12), AT(R13), AT(R14), AT(R15)};
    return offsets[number];
}

static Int vector(UInt number) {
    return offsetof(VexGuestAMD64State, guest_YMM0) +
           number * (offsetof(VexGuestAMD64State, guest_YMM1) -
                     offsetof(VexGuestAMD64State, guest_YMM0));
}

static IRExpr* get64(Int offset) { return value(Ity_I64, IRExpr_Get(offset, Ity_I64)); }

static Bool is_memory(const Instruction* i) { return i->modrm >> 6 != 3; }
static UInt reg(const Instruction* i) { return (i->modrm >> 3 & 7) | ((i->rex & REX_R) != 0) << 3; }
static UInt rm(const Instruction* i) { return (i->modrm & 7) | ((i->rex & REX_B) != 0) << 3; }

static Int displacement(const UChar* bytes, UInt size) {
    return size == 1 ? (Char)bytes[0] : size == 4 ? *(const Int*)bytes : 0;
}

/* Where the memory operand ends. */
static UInt operand_end(const Instruction* i) {
    UInt mod = i->modrm >> 6, low = i->modrm & 7, end = i->at + 1;
    if (mod == 3) return end;
    if (low == 4) {
        if (mod == 0 && (i->bytes[end] & 7) == 5) return end + 5;
        end++;
    }
    return end + (mod == 1 ? 1 : mod == 2 || (mod == 0 && low == 5) ? 4 : 0);
}

/* Its address; the immediate operand has so many bytes. */
static IRExpr* address_of(const Instruction* i, UInt immediate) {
    UInt mod = i->modrm >> 6, low = i->modrm & 7, at = i->at + 1;
    UInt size = mod == 1 ? 1 : mod == 2 ? 4 : 0;
    IRExpr* address;
    if (low == 4) {
        UChar sib = i->bytes[at++];
        UInt base = sib & 7, index = (sib >> 3 & 7) | ((i->rex & REX_X) != 0) << 3;
        if (base == 5 && mod == 0) {
            address = u64(0);
            size = 4;
        } else
            address = get64(general(base | ((i->rex & REX_B) != 0) << 3));
        if (index != 4)
            address =
                plus(address, value(Ity_I64, IRExpr_Binop(Iop_Shl64, get64(general(index)),
                                                          IRExpr_Const(IRConst_U8(sib >> 6)))));
    } else if (low == 5 && mod == 0) {
        address = u64(i->ip + i->end + immediate);
        size = 4;
    } else
        address = get64(general(rm(i)));
    if (size == 0) return address;
    return plus(address, u64((Long)displacement(i->bytes + at, size)));
}

/* False for what has prefixes that are none of ours. */
static Bool split(Instruction* i) {
    const UChar* b = i->bytes;
    UInt at = 0;
    for (;; at++) {
        if (b[at] == 0x66)
            i->operand_size = True;
        else if (b[at] == 0xf2 || b[at] == 0xf3)
            i->repeat = b[at];
        else
            break;
        if (at == 4) return False;
    }
    if (b[at] == 0xc5 || b[at] == 0xc4) {
        UChar last;
        if (at != 0) return False;
        i->vex = True;
        i->rex_at = 1;
        i->map = b[0] == 0xc5 ? 1 : b[1] & 31;
        last = b[0] == 0xc5 ? b[1] : b[2];
        i->rex =
            b[0] == 0xc5 ? (b[1] & 0x80 ? 0 : REX_R) : (~b[1] >> 5 & 7) | (b[2] & 0x80 ? REX_W : 0);
        i->wide = last >> 2 & 1;
        i->operand_size = (last & 3) == 1;
        i->repeat = (last & 3) == 2 ? 0xf3 : (last & 3) == 3 ? 0xf2 : 0;
        at = b[0] == 0xc5 ? 2 : 3;
    } else {
        if ((b[at] & 0xf0) == 0x40) {
            i->rex_at = at;
            i->rex = b[at++];
        }
        if (b[at] == 0x0f) {
            at++;
            i->map = b[at] == 0x38 ? 2 : b[at] == 0x3a ? 3 : 1;
            if (i->map > 1) at++;
        }
    }
    i->opcode = b[at];
    i->at = at + 1;
    i->modrm = b[at + 1];
    i->end = operand_end(i);
    return True;
}

/* ------------------------------------- vector instructions, executed by the processor */

typedef enum { SHA = 1, GFNI, VAES, VPCLMUL, VNNI, IFMA, SSE4A } Feature;

static Bool processor_has(Feature feature) {
    static const struct {
        UInt leaf, part, bit; /* part: ebx, ecx, eax */
    } bits[] = {{0, 0, 0},  {7, 0, 29},  {7, 1, 8},    {7, 1, 9},
                {7, 1, 10}, {~0u, 2, 4}, {~0u, 2, 23}, {0x80000001, 1, 6}};
    UInt a = bits[feature].leaf == ~0u ? 7 : bits[feature].leaf;
    UInt c = bits[feature].leaf == ~0u ? 1 : 0, b, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return ((bits[feature].part == 0   ? b
             : bits[feature].part == 1 ? c
                                       : a) >>
                bits[feature].bit &
            1) != 0;
}

/* Which feature an instruction is of; 0: none of ours. */
static UInt feature_of(const Instruction* i, UInt* immediate) {
    *immediate = i->map == 3;
    if (i->map == 2 && !i->vex && !i->operand_size && i->repeat == 0 && i->opcode >= 0xc8 &&
        i->opcode <= 0xcd)
        return SHA;
    if (i->map == 3 && !i->vex && !i->operand_size && i->repeat == 0 && i->opcode == 0xcc)
        return SHA;
    if (i->map == 1 && !i->vex && (i->opcode == 0x78 || i->opcode == 0x79) && !is_memory(i) &&
        (i->operand_size || i->repeat == 0xf2)) {
        *immediate = i->opcode == 0x78 ? 2 : 0;
        return SSE4A;
    }
    if (!i->operand_size || i->repeat != 0) return 0;
    if (i->map == 2 && i->opcode == 0xcf) return GFNI;
    if (i->map == 3 && (i->opcode == 0xce || i->opcode == 0xcf)) return GFNI;
    if (!i->vex) return 0;
    if (i->map == 2 && i->opcode >= 0xdc && i->opcode <= 0xdf && i->wide) return VAES;
    if (i->map == 3 && i->opcode == 0x44 && i->wide) return VPCLMUL;
    if (i->map == 2 && i->opcode >= 0x50 && i->opcode <= 0x53 && (i->rex & REX_W) == 0) return VNNI;
    if (i->map == 2 && (i->opcode == 0xb4 || i->opcode == 0xb5) && (i->rex & REX_W)) return IFMA;
    return 0;
}

/* The code of a stub: void stub(VexGuestAMD64State *registers, const UChar *memory). */
#define STUB_SIZE 512
#define STUBS_AT_ONCE 128

static UChar *stub_room, *stub_end;

static void put_byte(UChar byte) { *stub_end++ = byte; }

/* vmovdqu between a vector register and its place in the guest state, which rdi points to */
static void put_move(UInt number, UChar opcode) {
    Int offset = vector(number);
    put_byte(0xc5);
    put_byte(number >= 8 ? 0x7e : 0xfe);
    put_byte(opcode);
    put_byte(0x87 | (number & 7) << 3);
    VG_(memcpy)(stub_end, &offset, sizeof offset);
    stub_end += sizeof offset;
}

static Addr make_stub(const Instruction* i, UInt immediate, UInt changed) {
    UChar* start;
    UInt k, length = i->end + immediate;
    if (stub_room == NULL || stub_end + STUB_SIZE > stub_room + STUBS_AT_ONCE * STUB_SIZE) {
        SysRes mapped = vgPlain_am_mmap_anon_float_valgrind(STUBS_AT_ONCE * STUB_SIZE);
        if (sr_isError(mapped)) return 0;
        stub_room = stub_end = (UChar*)sr_Res(mapped);
    }
    start = stub_end;
    for (k = 0; k < 16; k++) put_move(k, 0x6f);
    for (k = 0; k < length; k++) {
        UChar byte = i->bytes[k];
        if (is_memory(i) && k > i->at && k < i->end) continue;
        /* The memory operand becomes [rsi]. */
        if (is_memory(i) && k == i->at) byte = (byte & 0x38) | 6;
        if (is_memory(i) && i->rex_at != 0 && k == i->rex_at) {
            if (!i->vex)
                byte &= ~(REX_X | REX_B);
            else if (i->bytes[0] == 0xc4)
                byte |= 0x60;
        }
        if (is_memory(i) && i->rex_at == 0 && k == 0 && (byte & 0xf0) == 0x40)
            byte &= ~(REX_X | REX_B);
        put_byte(byte);
    }
    put_move(changed, 0x7f);
    put_byte(0xc5); /* vzeroupper */
    put_byte(0xf8);
    put_byte(0x77);
    put_byte(0xc3);
    return (Addr)start;
}

static void run_stub(VexGuestAMD64State* registers, ULong stub, ULong a, ULong b, ULong c,
                     ULong d) {
    ULong memory[4] __attribute__((aligned(32))) = {a, b, c, d};
    ((void (*)(VexGuestAMD64State*, const ULong*))stub)(registers, memory);
}

static void note_use(IRDirty* call, UInt number, UInt size, IREffect effect) {
    UInt k;
    for (k = 0; k < (UInt)call->nFxState; k++)
        if (call->fxState[k].offset == vector(number)) {
            if (call->fxState[k].fx != effect) call->fxState[k].fx = Ifx_Modify;
            return;
        }
    k = call->nFxState++;
    call->fxState[k].fx = effect;
    call->fxState[k].offset = vector(number);
    call->fxState[k].size = size;
    call->fxState[k].nRepeats = call->fxState[k].repeatLen = 0;
}

/* Bytes of the instruction; 0: it is not executed. */
static UInt execute_vector(const Instruction* i) {
    UInt immediate, feature = feature_of(i, &immediate), k;
    /* extrq with immediate operands has its register in the other place. */
    Bool other = feature == SSE4A && i->opcode == 0x78 && i->operand_size;
    UInt changed = other ? rm(i) : reg(i);
    IRExpr* loaded[4] = {u64(0), u64(0), u64(0), u64(0)};
    IRDirty* call;
    Addr stub;
    if (feature == 0 || !processor_has(feature)) return 0;
    stub = make_stub(i, immediate, changed);
    if (stub == 0) return 0;
    if (is_memory(i)) {
        IRExpr* address = address_of(i, immediate);
        for (k = 0; k < (i->wide ? 4 : 2); k++)
            loaded[k] = value(Ity_I64, IRExpr_Load(Iend_LE, Ity_I64, plus(address, u64(8 * k))));
    }
    call = unsafeIRDirty_0_N(
        0, "reven_run_stub", VG_(fnptr_to_fnentry)((void*)run_stub),
        mkIRExprVec_6(IRExpr_GSPTR(), u64(stub), loaded[0], loaded[1], loaded[2], loaded[3]));
    note_use(call, changed, i->vex ? 32 : 16, Ifx_Modify);
    if (!is_memory(i)) note_use(call, rm(i), i->vex ? 32 : 16, Ifx_Read);
    if (i->vex) {
        UChar last = i->bytes[0] == 0xc5 ? i->bytes[1] : i->bytes[2];
        note_use(call, ~last >> 3 & 15, 32, Ifx_Read);
    }
    if (feature == SHA && i->opcode == 0xcb) note_use(call, 0, 16, Ifx_Read);
    add(IRStmt_Dirty(call));
    return i->end + immediate;
}

/* ------------------------------------------------------------------- the others */

#define FLAGS_OF_SUBTRACTION 5 /* of bytes; then of 2, 4 and 8 */

static void put(Int offset, IRExpr* expression) { add(IRStmt_Put(offset, expression)); }

/* cmps without a prefix */
static void compare_strings(UInt log) {
    static const IRType types[] = {Ity_I8, Ity_I16, Ity_I32, Ity_I64};
    static const IROp widen[] = {Iop_8Uto64, Iop_16Uto64, Iop_32Uto64};
    IRExpr *source = get64(AT(RSI)), *other = get64(AT(RDI)), *operands[2], *step;
    UInt k;
    for (k = 0; k < 2; k++) {
        operands[k] = value(types[log], IRExpr_Load(Iend_LE, types[log], k == 0 ? source : other));
        if (log < 3) operands[k] = value(Ity_I64, IRExpr_Unop(widen[log], operands[k]));
    }
    put(AT(CC_OP), u64(FLAGS_OF_SUBTRACTION + log));
    put(AT(CC_DEP1), operands[0]);
    put(AT(CC_DEP2), operands[1]);
    put(AT(CC_NDEP), u64(0));
    step = value(Ity_I64, IRExpr_Binop(Iop_Shl64, get64(AT(DFLAG)), IRExpr_Const(IRConst_U8(log))));
    put(AT(RSI), plus(source, step));
    put(AT(RDI), plus(other, step));
}

static IRExpr* top(void) { return value(Ity_I32, IRExpr_Get(AT(FTOP), Ity_I32)); }

/* ftst */
static void test_top(void) {
    IRRegArray* registers = mkIRRegArray(offsetof(VexGuestAMD64State, guest_FPREG), Ity_F64, 8);
    IRExpr* st0 = value(Ity_F64, IRExpr_GetI(registers, top(), 0));
    IRExpr* zero = value(Ity_F64, IRExpr_Unop(Iop_ReinterpI64asF64, u64(0)));
    IRExpr* order = value(Ity_I32, IRExpr_Binop(Iop_CmpF64, st0, zero));
    order = value(Ity_I32, IRExpr_Binop(Iop_Shl32, order, IRExpr_Const(IRConst_U8(8))));
    order = value(Ity_I32, IRExpr_Binop(Iop_And32, order, IRExpr_Const(IRConst_U32(0x4500))));
    put(AT(FC3210), value(Ity_I64, IRExpr_Unop(Iop_32Uto64, order)));
}

/* rdfsbase, rdgsbase, wrfsbase, wrgsbase */
static void move_base(const Instruction* i, UInt which) {
    Int base = which & 1 ? AT(GS_CONST) : AT(FS_CONST);
    Bool from_base = which < 2;
    IRExpr* moved = get64(from_base ? base : general(rm(i)));
    if ((i->rex & REX_W) == 0) {
        moved = value(Ity_I32, IRExpr_Unop(Iop_64to32, moved));
        moved = value(Ity_I64, IRExpr_Unop(Iop_32Uto64, moved));
    }
    put(from_base ? general(rm(i)) : base, moved);
}

static UInt execute_other(const Instruction* i) {
    UInt which = i->modrm >> 3 & 7;
    if (i->vex) return 0;
    if (i->map == 0 && i->opcode == 0xd7 && !i->operand_size && i->repeat == 0) { /* xlat */
        IRExpr* low = value(Ity_I8, IRExpr_Get(AT(RAX), Ity_I8));
        IRExpr* at = plus(get64(AT(RBX)), value(Ity_I64, IRExpr_Unop(Iop_8Uto64, low)));
        put(AT(RAX), value(Ity_I8, IRExpr_Load(Iend_LE, Ity_I8, at)));
        return i->at;
    }
    if (i->map == 0 && i->opcode == 0x8d && i->operand_size && i->repeat == 0 && is_memory(i) &&
        (i->rex & REX_W) == 0) { /* lea with a 16-bit destination */
        put(general(reg(i)), value(Ity_I16, IRExpr_Unop(Iop_64to16, address_of(i, 0))));
        return i->end;
    }
    if (i->map == 0 && (i->opcode == 0xa6 || i->opcode == 0xa7) && i->repeat == 0) {
        compare_strings(i->opcode == 0xa6 ? 0 : i->rex & REX_W ? 3 : i->operand_size ? 1 : 2);
        return i->at;
    }
    if (i->map == 0 && i->opcode == 0xd9 && i->modrm == 0xf6) { /* fdecstp */
        IRExpr* lower =
            value(Ity_I32, IRExpr_Binop(Iop_Sub32, top(), IRExpr_Const(IRConst_U32(1))));
        put(AT(FTOP), value(Ity_I32, IRExpr_Binop(Iop_And32, lower, IRExpr_Const(IRConst_U32(7)))));
        return i->end;
    }
    if (i->map == 0 && i->opcode == 0xd9 && i->modrm == 0xe4) {
        test_top();
        return i->end;
    }
    if (i->map == 1 && i->opcode == 0xae && i->repeat == 0xf3 && !is_memory(i) && which < 4) {
        move_base(i, which);
        return i->end;
    }
    /* clwb and clflushopt change nothing that a program sees. */
    if (i->map == 1 && i->opcode == 0xae && i->operand_size && i->repeat == 0 && is_memory(i) &&
        which >= 6)
        return i->end;
    return 0;
}

/* pushf: VEX leaves out the interrupt flag and the bit that always is 1. */
#define ALWAYS 0x202

static void complete_flags(IRSB* sb, Int first) {
    Int k, end = sb->stmts_used;
    for (k = first; k < end; k++) {
        IRStmt* store = sb->stmts[k];
        IRStmt* rest[4];
        Int r, count = end - k - 1;
        IRExpr* data;
        IRType type;
        if (store->tag != Ist_Store || count > 4) continue;
        data = store->Ist.Store.data;
        type = typeOfIRExpr(sb->tyenv, data);
        if (type != Ity_I64 && type != Ity_I16) return;
        for (r = 0; r < count; r++) rest[r] = sb->stmts[k + 1 + r];
        sb->stmts_used = k;
        data = type == Ity_I64 ? IRExpr_Binop(Iop_Or64, data, u64(ALWAYS))
                               : IRExpr_Binop(Iop_Or16, data, IRExpr_Const(IRConst_U16(ALWAYS)));
        add(IRStmt_Store(Iend_LE, store->Ist.Store.addr, value(type, data)));
        for (r = 0; r < count; r++) add(rest[r]);
        return;
    }
}

/* popf: VEX has no trap flag. */
#define TRAP_FLAG 0x100

static void trap_flag_set(Addr ip) { notice_later(REVEN_NOTICE_TRACED, REVEN_TRACED_STEPS, ip); }

static void note_trap_flag(IRSB* sb, Int first, Addr ip) {
    Int k;
    for (k = first; k < sb->stmts_used; k++) {
        const IRStmt* load = sb->stmts[k];
        IRStmt* last = sb->stmts[sb->stmts_used - 1]; /* has to stay it */
        IRExpr* set;
        IRDirty* call;
        if (load->tag != Ist_WrTmp || load->Ist.WrTmp.data->tag != Iex_Load ||
            load->Ist.WrTmp.data->Iex.Load.ty != Ity_I64)
            continue;
        set = value(Ity_I64,
                    IRExpr_Binop(Iop_And64, IRExpr_RdTmp(load->Ist.WrTmp.tmp), u64(TRAP_FLAG)));
        call = unsafeIRDirty_0_N(0, "trap_flag_set", (void*)trap_flag_set, mkIRExprVec_1(u64(ip)));
        call->guard = value(Ity_I1, IRExpr_Binop(Iop_CmpNE64, set, u64(0)));
        add(IRStmt_Dirty(call));
        add(last);
        return;
    }
}

static Bool is_pushf(const UChar* code) {
    return code[0] == 0x9c || (code[0] == 0x66 && code[1] == 0x9c);
}

/* Instructions of the kernel alone: for a program a protection fault. */
static Bool is_privileged(const Instruction* i) {
    if (i->vex) return False;
    if (i->map == 0)
        return i->opcode == 0xf4 || i->opcode == 0xfa || i->opcode == 0xfb ||
               (i->opcode & 0xf4) == 0xe4 || (i->opcode & 0xfc) == 0x6c;
    return i->map == 1 &&
           ((i->opcode == 0x00 && (i->modrm >> 3 & 6) == 2) || i->opcode == 0x06 ||
            i->opcode == 0x08 || i->opcode == 0x09 || (i->opcode >= 0x20 && i->opcode <= 0x23) ||
            i->opcode == 0x30 || i->opcode == 0x32);
}

Decoded __wrap_disInstr_AMD64(IRSB* sb, const UChar* code, Long delta, Addr ip,
                              VexArch architecture, const VexArchInfo* information,
                              const VexAbiInfo* abi, VexEndness endness, Bool diagnostics) {
    static Decoded usual;
    Int used = sb->stmts_used;
    Decoded decoded = __real_disInstr_AMD64(sb, code, delta, ip, architecture, information, abi,
                                            endness, diagnostics);
    Instruction instruction = {.bytes = code + delta, .ip = ip};
    UInt length;
    if (decoded.jump != Ijk_NoDecode) {
        if (decoded.jump == Ijk_INVALID) usual = decoded;
        block = sb;
        if (is_pushf(code + delta)) complete_flags(sb, used);
        if (code[delta] == 0x9d) note_trap_flag(sb, used, ip);
        return decoded;
    }
    if (usual.length == 0 || decoded.length != 0 || !split(&instruction)) return decoded;
    block = sb;
    sb->stmts_used = used;
    length = execute_vector(&instruction);
    if (length == 0) length = execute_other(&instruction);
    if (length == 0 || length > LONGEST) {
        sb->stmts_used = used;
        put(AT(RIP), u64(ip));
        if (is_privileged(&instruction)) decoded.jump = Ijk_SigSEGV;
        return decoded;
    }
    put(AT(RIP), u64(ip + length));
    usual.length = length;
    return usual;
}
