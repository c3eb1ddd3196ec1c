/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a system call reads of the program's memory. The core announces it as it begins the
 * call; what it does not, is added here. Of what is sent or written, so much counts as the
 * result says, and nothing if the call failed. The record stands where the call was made: it
 * waits for the result unless another thread runs first, which cuts nothing. */
#include "pub_tool_aspacemgr.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_vkiscnums.h"
#include "recorder.h"

#define PAGE 4096
#define LONGEST_STRING (128u << 10) /* of arguments of execve */
#define MOST_STRINGS 65536
#define MOST_VECTORS 1024
#define MOST_RANGES 256 /* of one record */
#define TIMEX_SIZE 208

typedef struct {
    reven_range* ranges;
    UInt count, capacity;
    Bool begun;
    UInt number;
    UWord arguments[6];
} Call;

static Call* calls; /* by thread */

static Bool readable(Addr address, SizeT size) {
    return address != 0 && VG_(am_is_valid_for_client)(address, size, VKI_PROT_READ);
}

static Addr word64(Addr address) { return readable(address, 8) ? *(Addr*)address : 0; }

/* Of [address, address + size), so much as there is. */
static SizeT readable_size(Addr address, SizeT size) {
    Addr at = address;
    while (at - address < size) {
        const NSegment* segment = VG_(am_find_nsegment)(at);
        if (segment == NULL || !VG_(am_is_valid_for_client)(at, 1, VKI_PROT_READ)) break;
        if (segment->end - address >= size - 1) return size;
        at = segment->end + 1;
    }
    return at - address;
}

static void add(Call* call, Addr address, SizeT size) {
    UInt i;
    size = readable_size(address, size);
    if (size == 0) return;
    for (i = 0; i < call->count && i < 16; i++)
        if (call->ranges[i].address == address && call->ranges[i].size == size) return;
    if (call->count == call->capacity) {
        call->capacity = 2 * call->capacity + 16;
        call->ranges =
            VG_(realloc)("reven.reads", call->ranges, call->capacity * sizeof(reven_range));
    }
    call->ranges[call->count].address = address;
    call->ranges[call->count++].size = size;
}

/* A string up to its end, that included, or to the end of readable memory. */
static void add_string(Call* call, Addr string) {
    Addr page = 0;
    SizeT length = 0;
    for (;;) {
        if (VG_ROUNDDN(string + length, PAGE) != page || length == 0) {
            page = VG_ROUNDDN(string + length, PAGE);
            if (!readable(string + length, 1)) break;
        }
        if (((const HChar*)string)[length++] == 0 || length == LONGEST_STRING) break;
    }
    add(call, string, length);
}

/* A list of strings that ends with a null. */
static void add_strings(Call* call, Addr list) {
    UInt count, i;
    for (count = 0; count < MOST_STRINGS && word64(list + 8 * count) != 0; count++);
    if (list != 0) add(call, list, 8 * (count + 1));
    for (i = 0; i < count; i++) add_string(call, word64(list + 8 * i));
}

/* Structures that the core announces in pieces, or not at all. */
static void add_known(Call* call, UInt number, const UWord* a) {
    switch (number) {
        case __NR_rt_sigaction:
            add(call, a[1], 32);
            break;
        case __NR_sendfile:
            add(call, a[2], 8);
            break;
        case __NR_splice:
        case 326: /* copy_file_range */
            add(call, a[1], 8);
            add(call, a[3], 8);
            break;
        case __NR_fcntl:
            /* F_GETLK, F_SETLK, F_SETLKW, and those of open file descriptions; F_SETOWN_EX */
            if ((a[1] >= 5 && a[1] <= 7) || (a[1] >= 36 && a[1] <= 38))
                add(call, a[2], 32);
            else if (a[1] == 15)
                add(call, a[2], 8);
            break;
        case 314: /* sched_setattr, whose structure says its size */
            add(call, a[1], readable(a[1], 4) ? *(UInt*)a[1] : 0);
            break;
        case __NR_adjtimex:
            add(call, a[0], TIMEX_SIZE);
            break;
        case 305: /* clock_adjtime */
            add(call, a[1], TIMEX_SIZE);
            break;
        case __NR_timer_create:
            add(call, a[1], 64);
            break;
        case __NR_poll:
        case __NR_ppoll:
            add(call, a[0], 8 * (SizeT)(UInt)a[1]);
            break;
        case __NR_epoll_ctl:
            if (a[1] != 2) add(call, a[3], 12); /* EPOLL_CTL_DEL */
            break;
        case __NR_io_setup:
            add(call, a[1], 8);
            break;
        case 425: /* io_uring_setup */
            add(call, a[1], 120);
            break;
        case __NR_mq_open:
            if (a[1] & VKI_O_CREAT) add(call, a[3], 64);
            break;
        case __NR_sendmsg:
            add(call, a[1], 56);
            break;
        case __NR_capset:
            add(call, a[1], 24);
            break;
        default:
            break;
    }
}

static Call* call_of(ThreadId tid) {
    if (calls == NULL) calls = VG_(calloc)("reven.reads", VG_N_THREADS, sizeof(Call));
    return &calls[tid];
}

/* --------------------------------------------------------------- records */

/* Of a buffer that was sent, `sent` bytes count. */
static void cut(Call* call, Addr address, SizeT size, SizeT sent) {
    UInt i;
    for (i = 0; i < call->count; i++)
        if (call->ranges[i].address == address && call->ranges[i].size <= size) {
            if (sent < call->ranges[i].size) call->ranges[i].size = sent;
            return;
        }
}

static void cut_vectors(Call* call, Addr vectors, UWord count, SizeT sent) {
    UWord i;
    for (i = 0; i < count && i < MOST_VECTORS && readable(vectors + 16 * i, 16); i++) {
        SizeT size = word64(vectors + 16 * i + 8), part = sent < size ? sent : size;
        cut(call, word64(vectors + 16 * i), size, part);
        sent -= part;
    }
}

static void cut_sent(Call* call, SizeT sent) {
    const UWord* a = call->arguments;
    switch (call->number) {
        case __NR_write:
        case __NR_pwrite64:
        case __NR_sendto:
            cut(call, a[1], a[2], sent);
            break;
        case __NR_writev:
        case __NR_pwritev:
        case __NR_pwritev2:
        case __NR_vmsplice:
        case __NR_process_vm_writev:
            cut_vectors(call, a[1], a[2], sent);
            break;
        case __NR_sendmsg:
            cut_vectors(call, word64(a[1] + 16), word64(a[1] + 24), sent);
            break;
        default:
            break;
    }
}

static void put(ThreadId tid, Call* call) {
    UInt from, to = 0, i;
    for (i = 0; i < call->count; i++) {
        reven_range one = call->ranges[i];
        if (one.size > 0xffffffffu) one.size = 0xffffffffu;
        if (one.size == 0) continue;
        /* Neighbours are one access: the core announces structures by their fields. */
        if (to > 0 && one.address >= call->ranges[to - 1].address &&
            one.address <= call->ranges[to - 1].address + call->ranges[to - 1].size &&
            one.address + one.size - call->ranges[to - 1].address <= 0xffffffffu) {
            SizeT size = one.address + one.size - call->ranges[to - 1].address;
            if (size > call->ranges[to - 1].size) call->ranges[to - 1].size = size;
        } else
            call->ranges[to++] = one;
    }
    for (from = 0; from < to; from += MOST_RANGES) {
        UInt count = to - from < MOST_RANGES ? to - from : MOST_RANGES;
        record(REVEN_KERNEL_READ, tid, call->ranges + from, count * sizeof(reven_range));
    }
    call->count = 0;
}

void kernel_reads_before(ThreadId tid, UInt number, const UWord* arguments) {
    Call* call = call_of(tid);
    call->begun = True;
    call->count = 0;
    call->number = number;
    VG_(memcpy)(call->arguments, arguments, sizeof call->arguments);
    if (number == __NR_execve || number == __NR_execveat) {
        const UWord* a = arguments + (number == __NR_execveat);
        /* What succeeds does not return. */
        add_string(call, a[0]);
        add_strings(call, a[1]);
        add_strings(call, a[2]);
        put(tid, call);
        call->begun = False;
    } else
        add_known(call, number, arguments);
}

void kernel_reads_note(ThreadId tid, Addr address, SizeT size) {
    if (call_of(tid)->begun) add(call_of(tid), address, size);
}

void kernel_reads_note_string(ThreadId tid, Addr string) {
    if (call_of(tid)->begun) add_string(call_of(tid), string);
}

void kernel_reads_after(ThreadId tid, Bool failed, UWord result) {
    Call* call = call_of(tid);
    if (!call->begun) return;
    call->begun = False;
    if (call->count == 0) return;
    cut_sent(call, failed ? 0 : result);
    put(tid, call);
}

void kernel_reads_flush(ThreadId tid) {
    if (calls == NULL || !calls[tid].begun) return;
    calls[tid].begun = False;
    put(tid, &calls[tid]);
}

void kernel_reads_forget(void) {
    ThreadId tid;
    for (tid = 1; calls != NULL && tid < VG_N_THREADS; tid++) calls[tid].begun = False;
}

/* ---------------------------------------------------- what the core announces */

static Call* running(CorePart part, ThreadId tid) {
    Call* call;
    if (part != Vg_CoreSysCall && part != Vg_CoreSysCallArgInMem) return NULL;
    call = call_of(tid);
    if (!call->begun || mode != RECORDING) return NULL;
    switch (call->number) {
        case __NR_clone: /* the word for the thread's segment is none on x86-64 */
        case __NR_set_robust_list: /* read as the thread ends */
        case __NR_rt_sigaction: /* announced in pieces; known whole */
            return NULL;
        default:
            return call;
    }
}

static void reads(CorePart part, ThreadId tid, const HChar* what, Addr address, SizeT size) {
    Call* call = running(part, tid);
    (void)what;
    if (call != NULL) add(call, address, size);
}

static void reads_string(CorePart part, ThreadId tid, const HChar* what, Addr string) {
    Call* call = running(part, tid);
    (void)what;
    if (call != NULL) add_string(call, string);
}

void kernel_reads_init(void) {
    VG_(track_pre_mem_read)(reads);
    VG_(track_pre_mem_read_asciiz)(reads_string);
}
