/* SPDX-License-Identifier: GPL-2.0-or-later
 * Filters of system calls that the program gives itself (seccomp). The kernel would judge the
 * recorder's own calls by them, too; so they are run here, before each call of the program,
 * and done is what they say. A program that is executed gets them in its environment. */
#include "handlers.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_libcsignal.h"
#include "pub_tool_machine.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_vkiscnums.h"

/* In libcoregrind, though not in the headers for tools. */
extern SysRes vgPlain_do_syscall(UWord, UWord, UWord, UWord, UWord, UWord, UWord, UWord, UWord);
extern SysRes vgPlain_do_sys_sigprocmask(ThreadId tid, Int how, vki_sigset_t* set,
                                         vki_sigset_t* old);
extern SysRes vgPlain_do_sys_sigaction(Int signal, const vki_sigaction_toK_t* action,
                                       vki_sigaction_fromK_t* old);
extern void vgPlain_set_default_handler(Int signal);
extern Int vgPlain_gettid(void);
extern Bool vgModuleLocal_do_sigkill(Int thread, Int process);
extern Int vgPlain_count_living_threads(void);
extern Bool vgPlain_is_valid_tid(ThreadId tid);
extern ThreadId vgPlain_lwpid_to_vgtid(Int thread);
extern void vgPlain_env_setenv(HChar*** environment, const HChar* name, const HChar* value);

#define SECCOMP 317
enum { SET_STRICT, SET_FILTER };
#define TSYNC 1
#define NEW_LISTENER 8
#define TSYNC_ESRCH 16
#define ALL_FLAGS 63

enum { PR_GET_SECCOMP = 21, PR_SET_SECCOMP, PR_GET_NO_NEW_PRIVS = 39 };
#define CAP_SYS_ADMIN 21
#define CAPABILITIES_3 0x20080522

#define ARCHITECTURE 0xc000003eu /* AUDIT_ARCH_X86_64 */

#define ACTION 0xffff0000u
#define KILL_PROCESS 0x80000000u
#define KILL_THREAD 0u
#define TRAP 0x00030000u
#define ERRNO 0x00050000u
#define USER_NOTIFICATION 0x7fc00000u
#define TRACE 0x7ff00000u
#define LOG 0x7ffc0000u
#define ALLOW 0x7fff0000u
#define MOST_ERRNO 4095

#define MOST_INSTRUCTIONS 4096
#define MOST_IN_ALL 32768
#define PER_FILTER 4
#define WORDS 16
#define MOST_THREADS_AWAY 100000 /* their numbers from that of the process */

typedef struct {
    UShort code;
    UChar if_true, if_false;
    UInt k;
} Instruction;

typedef struct Filter {
    struct Filter* previous;
    UInt length;
    Instruction code[];
} Filter;

/* What a filter is asked about. */
typedef struct {
    Int number;
    UInt architecture;
    ULong ip, arguments[6];
} Question;

typedef struct {
    Filter* newest;
    Bool strict;
    Bool judged;  /* the call in progress is not made */
    Bool trapped; /* a SIGSYS is on its way, for this: */
    UInt number, data;
    Addr ip;
} Thread;

static Thread* threads; /* null: no thread has had a filter */

static Thread* thread(ThreadId tid) {
    if (threads == NULL) threads = VG_(calloc)("reven.seccomp", VG_N_THREADS, sizeof(Thread));
    return &threads[tid];
}

/* ----------------------------------------------------------------- classic BPF */

/* Instructions: the class in the lowest three bits. */
enum { LD, LDX, ST, STX, ALU, JMP, RET, MISC };
enum { FROM_K = 0x00, FROM_X = 0x08 };
enum { ABSOLUTE = 0x20, IMMEDIATE = 0x00, MEMORY = 0x60, LENGTH = 0x80 };
enum { ADD, SUB, MUL, DIV, OR, AND, LSH, RSH, NEG, XOR = 0xa };
enum { JA, JEQ, JGT, JGE, JSET };
enum { RET_K = 0x06, RET_A = 0x16, TAX = 0x07, TXA = 0x87 };

static Bool is_load(UInt code) {
    return code == (LD | ABSOLUTE) || code == (LD | LENGTH) || code == (LDX | LENGTH) ||
           code == (LD | IMMEDIATE) || code == (LDX | IMMEDIATE);
}

static Bool of_memory(UInt code) {
    return code == (LD | MEMORY) || code == (LDX | MEMORY) || code == ST || code == STX;
}

/* Whether the kernel would take it; `rest`: instructions behind it. */
static Bool is_valid(const Instruction* i, UInt rest) {
    UInt operation = i->code >> 4 & 0xf;
    if (i->code > 0xff) return False;
    if (i->code == (LD | ABSOLUTE)) return i->k < sizeof(Question) && i->k % 4 == 0;
    if (is_load(i->code) || i->code == RET_K || i->code == RET_A || i->code == TAX ||
        i->code == TXA)
        return True;
    if (of_memory(i->code)) return i->k < WORDS;
    if ((i->code & 7) == ALU) {
        if ((i->code & FROM_X) != 0) return operation <= RSH || operation == XOR;
        if (operation == DIV) return i->k != 0;
        if (operation == LSH || operation == RSH) return i->k < 32;
        return operation <= NEG || operation == XOR;
    }
    if ((i->code & 7) != JMP || operation > JSET) return False;
    if (operation == JA) return (i->code & FROM_X) == 0 && i->k < rest;
    return i->if_true < rest && i->if_false < rest;
}

static Bool are_valid(const Instruction* code, UInt length) {
    UInt i;
    for (i = 0; i < length; i++)
        if (!is_valid(&code[i], length - 1 - i)) return False;
    return (code[length - 1].code & 7) == RET;
}

static UInt compute(UInt operation, UInt a, UInt b) {
    switch (operation) {
        case ADD:
            return a + b;
        case SUB:
            return a - b;
        case MUL:
            return a * b;
        case DIV:
            return a / b;
        case OR:
            return a | b;
        case AND:
            return a & b;
        case LSH:
            return a << (b & 31);
        case RSH:
            return a >> (b & 31);
        case XOR:
            return a ^ b;
        default:
            return -a;
    }
}

static Bool compare(UInt operation, UInt a, UInt b) {
    switch (operation) {
        case JEQ:
            return a == b;
        case JGT:
            return a > b;
        case JGE:
            return a >= b;
        default:
            return (a & b) != 0;
    }
}

static UInt run(const Filter* filter, const Question* question) {
    UInt a = 0, x = 0, words[WORDS] = {0}, at;
    for (at = 0;; at++) {
        const Instruction* i = &filter->code[at];
        UInt operation = i->code >> 4 & 0xf, value = (i->code & FROM_X) != 0 ? x : i->k;
        switch (i->code & 7) {
            case LD:
                a = i->code == (LD | ABSOLUTE) ? ((const UInt*)question)[i->k / 4]
                    : i->code == (LD | MEMORY) ? words[i->k]
                    : i->code == (LD | LENGTH) ? sizeof *question
                                               : i->k;
                break;
            case LDX:
                x = i->code == (LDX | MEMORY)   ? words[i->k]
                    : i->code == (LDX | LENGTH) ? sizeof *question
                                                : i->k;
                break;
            case ST:
                words[i->k] = a;
                break;
            case STX:
                words[i->k] = x;
                break;
            case ALU:
                if (operation == DIV && value == 0) return KILL_THREAD;
                a = compute(operation, a, value);
                break;
            case JMP:
                if (operation == JA)
                    at += i->k;
                else
                    at += compare(operation, a, value) ? i->if_true : i->if_false;
                break;
            case RET:
                return i->code == RET_A ? a : i->k;
            default:
                if (i->code == TAX)
                    x = a;
                else
                    a = x;
                break;
        }
    }
}

/* ----------------------------------------------------------------- what they say */

/* The C library makes these calls only where it has no vDSO, as in a recording: the program
 * reckons with none. */
static Bool stands_for_vdso(UInt number) {
    return number == __NR_clock_gettime || number == __NR_gettimeofday || number == __NR_time ||
           number == __NR_getcpu || number == __NR_clock_getres;
}

static UInt verdict(ThreadId tid, const CallArguments* call) {
    Question question = {call->number, ARCHITECTURE, VG_(get_IP)(tid), {0}};
    UInt least = ALLOW, i;
    const Filter* filter;
    for (i = 0; i < 6; i++) question.arguments[i] = call->arguments[i];
    for (filter = thread(tid)->newest; filter != NULL; filter = filter->previous) {
        UInt said = run(filter, &question);
        if ((Int)(said & ACTION) < (Int)(least & ACTION)) least = said;
    }
    return least;
}

static void complete(CallStatus* status, SysRes result) {
    status->what = COMPLETE;
    status->result = result;
}

/* The program gets a SIGSYS, which it can neither block nor ignore. */
static void raise(ThreadId tid, const CallArguments* call, UInt data, Bool kills, UWord* flags) {
    Thread* one = thread(tid);
    vki_sigset_t only, blocked;
    vki_sigaction_fromK_t action;
    VG_(sigemptyset)(&only);
    VG_(sigaddset)(&only, VKI_SIGSYS);
    vgPlain_do_sys_sigprocmask(tid, VKI_SIG_BLOCK, NULL, &blocked);
    vgPlain_do_sys_sigaction(VKI_SIGSYS, NULL, &action);
    if (kills || VG_(sigismember)(&blocked, VKI_SIGSYS) || action.ksa_handler == VKI_SIG_IGN) {
        vgPlain_set_default_handler(VKI_SIGSYS);
        vgPlain_do_sys_sigprocmask(tid, VKI_SIG_UNBLOCK, &only, NULL);
    }
    one->trapped = True;
    one->number = call->number;
    one->data = data;
    one->ip = VG_(get_IP)(tid);
    /* The core takes it up when the call is over. */
    vgPlain_do_syscall(__NR_tkill, vgPlain_gettid(), VKI_SIGSYS, 0, 0, 0, 0, 0, 0);
    *flags |= POLL_AFTER;
}

void seccomp_signal(ThreadId tid, vki_siginfo_t* info) {
    UChar* bytes = (UChar*)info;
    Thread* one;
    if (info->si_signo != VKI_SIGSYS || threads == NULL || !thread(tid)->trapped) return;
    one = thread(tid);
    one->trapped = False;
    VG_(memset)(info, 0, sizeof *info);
    info->si_signo = VKI_SIGSYS;
    info->si_errno = one->data;
    info->si_code = 1; /* SYS_SECCOMP */
    *(Addr*)(bytes + 16) = one->ip;
    *(UInt*)(bytes + 24) = one->number;
    *(UInt*)(bytes + 28) = ARCHITECTURE;
}

/* True: the call is not made. */
static Bool judge(ThreadId tid, void* layout, CallArguments* call, CallStatus* status,
                  UWord* flags) {
    UInt said;
    if (thread(tid)->strict && call->number != __NR_read && call->number != __NR_write &&
        call->number != __NR_exit && call->number != __NR_rt_sigreturn) {
        complete(status, vgPlain_mk_SysRes_Success(call->number));
        vgModuleLocal_do_sigkill(vgPlain_gettid(), VG_(getpid)());
        return True;
    }
    if (thread(tid)->newest == NULL || stands_for_vdso(call->number)) return False;
    said = verdict(tid, call);
    switch (said & ACTION) {
        case ALLOW:
        case LOG:
            return False;
        case ERRNO:
            said &= ~ACTION;
            if (said > MOST_ERRNO) said = MOST_ERRNO;
            complete(status,
                     said == 0 ? vgPlain_mk_SysRes_Success(0) : vgPlain_mk_SysRes_Error(said));
            return True;
        case TRACE:
        case USER_NOTIFICATION:
            complete(status, vgPlain_mk_SysRes_Error(VKI_ENOSYS));
            return True;
        case TRAP:
            complete(status, vgPlain_mk_SysRes_Success(call->number));
            raise(tid, call, said & ~ACTION, False, flags);
            return True;
        default:
            if ((said & ACTION) == KILL_THREAD && vgPlain_count_living_threads() > 1) {
                CallArguments end = {__NR_exit, {VKI_SIGSYS}};
                passed_calls_entry(__NR_exit)->before(tid, layout, &end, status, flags);
                return True;
            }
            complete(status, vgPlain_mk_SysRes_Success(call->number));
            raise(tid, call, said & ~ACTION, True, flags);
            return True;
    }
}

/* ------------------------------------------------------------- how they are set */

static Bool may_set(void) {
    struct {
        UInt version;
        Int process;
    } header = {CAPABILITIES_3, 0};
    UInt rights[2][3] = {{0}};
    if (sr_Res(vgPlain_do_syscall(__NR_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0, 0, 0, 0)) == 1)
        return True;
    vgPlain_do_syscall(__NR_capget, (UWord)&header, (UWord)rights, 0, 0, 0, 0, 0, 0);
    return (rights[0][0] >> CAP_SYS_ADMIN & 1) != 0;
}

static Filter* new_filter(const Instruction* code, UInt length, Filter* previous) {
    Filter* filter = VG_(malloc)("reven.filter", sizeof(Filter) + length * sizeof(Instruction));
    filter->previous = previous;
    filter->length = length;
    VG_(memcpy)(filter->code, code, length * sizeof(Instruction));
    return filter;
}

/* Reads the program's filter. Returns an error, or 0. */
static UInt read_filter(ThreadId tid, Addr program, Filter** made) {
    Filter* newest = thread(tid)->newest;
    const Instruction* code;
    UInt length, all;
    if (!VG_(am_is_valid_for_client)(program, 16, VKI_PROT_READ)) return VKI_EFAULT;
    length = *(UShort*)program;
    code = *(const Instruction**)(program + 8);
    kernel_reads_note(tid, program, 16);
    if (length == 0 || length > MOST_INSTRUCTIONS) return VKI_EINVAL;
    if (!may_set()) return VKI_EACCES;
    if (!VG_(am_is_valid_for_client)((Addr)code, length * sizeof *code, VKI_PROT_READ))
        return VKI_EFAULT;
    kernel_reads_note(tid, (Addr)code, length * sizeof *code);
    if (!are_valid(code, length)) return VKI_EINVAL;
    for (all = length; newest != NULL; newest = newest->previous)
        all += newest->length + PER_FILTER;
    if (all > MOST_IN_ALL) return VKI_ENOMEM;
    *made = new_filter(code, length, thread(tid)->newest);
    return 0;
}

static Bool descends(const Filter* from, const Filter* ancestor) {
    for (; from != NULL; from = from->previous)
        if (from == ancestor) return True;
    return ancestor == NULL;
}

/* A thread whose filters are not among those of `tid`; 0: none. */
static ThreadId other_filters(ThreadId tid) {
    ThreadId other;
    for (other = 1; other < VG_N_THREADS; other++)
        if (other != tid && vgPlain_is_valid_tid(other) &&
            (thread(other)->strict || !descends(thread(tid)->newest, thread(other)->newest)))
            return other;
    return 0;
}

/* Its number to the kernel. */
static Int kernels_number(ThreadId tid) {
    Int number = VG_(getpid)(), last = number + MOST_THREADS_AWAY;
    while (number < last && vgPlain_lwpid_to_vgtid(number) != tid) number++;
    return number;
}

static SysRes set_filter(ThreadId tid, UWord flags, Addr program) {
    Filter* made;
    ThreadId other;
    UInt error;
    if ((flags & ~(UWord)ALL_FLAGS) != 0 || thread(tid)->strict)
        return vgPlain_mk_SysRes_Error(VKI_EINVAL);
    if ((flags & NEW_LISTENER) != 0) {
        notice(REVEN_NOTICE_SYSTEM_CALL, SECCOMP, VG_(get_IP)(tid), 0, NULL);
        return vgPlain_mk_SysRes_Error(VKI_ENOSYS);
    }
    error = read_filter(tid, program, &made);
    if (error != 0) return vgPlain_mk_SysRes_Error(error);
    if ((flags & TSYNC) != 0) {
        other = other_filters(tid);
        if (other != 0) {
            VG_(free)(made);
            return (flags & TSYNC_ESRCH) != 0 ? vgPlain_mk_SysRes_Error(VKI_ESRCH)
                                              : vgPlain_mk_SysRes_Success(kernels_number(other));
        }
        for (other = 1; other < VG_N_THREADS; other++)
            if (vgPlain_is_valid_tid(other)) thread(other)->newest = made;
    }
    thread(tid)->newest = made;
    return vgPlain_mk_SysRes_Success(0);
}

static SysRes set_strict(ThreadId tid) {
    if (thread(tid)->newest != NULL) return vgPlain_mk_SysRes_Error(VKI_EINVAL);
    thread(tid)->strict = True;
    return vgPlain_mk_SysRes_Success(0);
}

/* True: the call was one about filters. */
static Bool sets(ThreadId tid, const CallArguments* call, CallStatus* status) {
    const UWord* a = call->arguments;
    if (call->number == SECCOMP) {
        if ((UInt)a[0] == SET_STRICT)
            complete(status, a[1] != 0 || a[2] != 0 ? vgPlain_mk_SysRes_Error(VKI_EINVAL)
                                                    : set_strict(tid));
        else if ((UInt)a[0] == SET_FILTER)
            complete(status, set_filter(tid, (UInt)a[1], a[2]));
        else
            complete(status, vgPlain_do_syscall(SECCOMP, a[0], a[1], a[2], 0, 0, 0, 0, 0));
        return True;
    }
    if (call->number != __NR_prctl) return False;
    if ((Int)a[0] == PR_GET_SECCOMP)
        complete(status, vgPlain_mk_SysRes_Success(seccomp_mode(tid)));
    else if ((Int)a[0] == PR_SET_SECCOMP)
        complete(status, a[1] == 1   ? set_strict(tid)
                         : a[1] == 2 ? set_filter(tid, 0, a[2])
                                     : vgPlain_mk_SysRes_Error(VKI_EINVAL));
    else
        return False;
    return True;
}

UInt seccomp_mode(ThreadId tid) {
    if (threads == NULL) return 0;
    return thread(tid)->strict ? 1 : thread(tid)->newest != NULL ? 2 : 0;
}

UInt seccomp_count(ThreadId tid) {
    UInt count = 0;
    const Filter* filter = threads == NULL ? NULL : thread(tid)->newest;
    for (; filter != NULL; filter = filter->previous) count++;
    return count;
}

void seccomp_thread_created(ThreadId parent, ThreadId child) {
    if (threads == NULL) return;
    VG_(memset)(thread(child), 0, sizeof(Thread));
    thread(child)->newest = thread(parent)->newest;
    thread(child)->strict = thread(parent)->strict;
}

/* --------------------------------------------------------------- the core's table */

static void before(ThreadId tid, void* layout, CallArguments* call, CallStatus* status,
                   UWord* flags) {
    const CallEntry* known = passed_calls_entry(call->number);
    thread(tid)->judged = judge(tid, layout, call, status, flags);
    if (thread(tid)->judged || sets(tid, call, status)) return;
    known->before(tid, layout, call, status, flags);
}

static void after(ThreadId tid, CallArguments* call, CallStatus* status) {
    const CallEntry* known = passed_calls_entry(call->number);
    if (!thread(tid)->judged && known->after != NULL) known->after(tid, call, status);
}

Bool seccomp_judged(ThreadId tid) { return threads != NULL && thread(tid)->judged; }

const CallEntry* seccomp_entry(UInt number) {
    static const CallEntry judged = {before, after};
    return threads != NULL || number == SECCOMP || number == __NR_prctl ? &judged : NULL;
}

/* ------------------------------------------------------------------------- exec */

#define VARIABLE "REVEN_FILTER_"

static UInt pass_on(const Filter* filter, HChar*** environment) {
    static HChar text[MOST_INSTRUCTIONS * sizeof(Instruction) * 2 + 1];
    const UChar* bytes = (const UChar*)filter->code;
    UInt number = filter->previous == NULL ? 0 : pass_on(filter->previous, environment);
    HChar name[sizeof VARIABLE + 12];
    UInt i;
    for (i = 0; i < filter->length * sizeof(Instruction); i++) {
        text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    text[2 * i] = 0;
    VG_(sprintf)(name, VARIABLE "%u", number);
    vgPlain_env_setenv(environment, name, text);
    return number + 1;
}

void seccomp_pass_on(ThreadId tid, HChar*** environment) {
    if (threads != NULL && thread(tid)->newest != NULL) pass_on(thread(tid)->newest, environment);
}

Bool seccomp_is_variable(const HChar* variable) {
    return VG_(strncmp)(variable, VARIABLE, sizeof VARIABLE - 1) == 0;
}

static UInt digit(HChar c) { return c >= 'a' ? c - 'a' + 10 : c - '0'; }

void seccomp_take(ThreadId tid, const HChar* variable) {
    static Instruction code[MOST_INSTRUCTIONS];
    const HChar* text = VG_(strchr)(variable, '=') + 1;
    UInt size = VG_(strlen)(text) / 2, i;
    if (size == 0 || size > sizeof code) return;
    for (i = 0; i < size; i++) ((UChar*)code)[i] = digit(text[2 * i]) << 4 | digit(text[2 * i + 1]);
    if (are_valid(code, size / sizeof *code))
        thread(tid)->newest = new_filter(code, size / sizeof *code, thread(tid)->newest);
}
