/* SPDX-License-Identifier: GPL-2.0-or-later
 * What a system call writes into the program's memory. The core announces most of it,
 * but too little for some calls, and nothing for parts that it does not know. So what
 * the arguments of a call point to is kept, and compared when the call has returned.
 *
 * A call during which other threads may run is given as little as it can write: what
 * they store there meanwhile shall not count as its doing. */
#include "pub_tool_aspacemgr.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_vkiscnums.h"
#include "recorder.h"

#define MOST_WINDOWS 64
#define MOST_BYTES (96u << 10)
/* Of what a pointer refers to whose size is not known. */
#define WINDOW 4096
/* Differences so near to each other are one change. */
#define NEAR 8

#define MESSAGE_SIZE 56 /* struct msghdr */
#define MESSAGE_OF_MANY_SIZE 64
#define MOST_MESSAGES 16
#define MOST_VECTORS 16
#define LONGEST_ADDRESS 128 /* struct sockaddr_storage */

typedef struct {
    struct {
        Addr address;
        UInt size, at;
    } windows[MOST_WINDOWS];
    UInt count, used;
    UChar bytes[MOST_BYTES];
} Call;

static Call** calls; /* by thread */

static Bool readable(Addr address, SizeT size) {
    return address != 0 && VG_(am_is_valid_for_client)(address, size, VKI_PROT_READ);
}

static UInt word32(Addr address) { return readable(address, 4) ? *(UInt*)address : 0; }

static Addr word64(Addr address) { return readable(address, 8) ? *(Addr*)address : 0; }

static void watch(Call* call, Addr address, SizeT size) {
    const NSegment* segment;
    UInt i;
    if (address < 4096 || size == 0) return;
    segment = VG_(am_find_nsegment)(address);
    if (segment == NULL || !segment->hasW || !segment->hasR ||
        (segment->kind != SkAnonC && segment->kind != SkFileC && segment->kind != SkShmC))
        return;
    if (size > segment->end + 1 - address) size = segment->end + 1 - address;
    for (i = 0; i < call->count; i++) {
        Addr start = call->windows[i].address, end = start + call->windows[i].size;
        if (address >= start && address < end) {
            if (address + size <= end) return;
            size -= end - address;
            address = end;
        } else if (address < start && address + size > start)
            size = start - address;
    }
    if (call->count == MOST_WINDOWS || size > MOST_BYTES - call->used) return;
    call->windows[call->count].address = address;
    call->windows[call->count].size = size;
    call->windows[call->count].at = call->used;
    VG_(memcpy)(call->bytes + call->used, (const void*)address, size);
    call->used += size;
    call->count++;
}

static void watch_vectors(Call* call, Addr vectors, UWord count) {
    UWord i;
    for (i = 0; i < count && i < MOST_VECTORS; i++)
        watch(call, word64(vectors + 16 * i), word64(vectors + 16 * i + 8));
}

/* The sender's address and the ancillary data of a message that is received. */
static void watch_message(Call* call, Addr message) {
    watch(call, message, MESSAGE_SIZE);
    watch(call, word64(message), word32(message + 8));
    watch(call, word64(message + 32), word64(message + 40));
}

static void watch_messages(Call* call, Addr messages, UWord count, Bool received) {
    UWord i;
    for (i = 0; i < count && i < MOST_MESSAGES; i++) {
        Addr message = messages + MESSAGE_OF_MANY_SIZE * i;
        watch(call, message, MESSAGE_OF_MANY_SIZE);
        if (received) watch_message(call, message);
    }
}

static void watch_socket_address(Call* call, Addr address, Addr length) {
    UInt size = word32(length);
    watch(call, address, size < LONGEST_ADDRESS ? size : LONGEST_ADDRESS);
    watch(call, length, 4);
}

static void watch_descriptor_sets(Call* call, const UWord* arguments) {
    UWord size = (arguments[0] + 63) / 64 * 8, i;
    for (i = 1; i <= 3; i++) watch(call, arguments[i], size);
    watch(call, arguments[4], 16);
}

static void watch_ioctl(Call* call, UInt request, Addr argument) {
    UInt size = request >> 16 & 0x3fff;
    if (request >> 30 == 0 || size == 0) size = 256;
    watch(call, argument, size);
    if (request == 0x8912) /* SIOCGIFCONF: a length and a buffer */
        watch(call, word64(argument + 8), word32(argument));
    else if (request == 0x8946) /* SIOCETHTOOL: a name and a buffer */
        watch(call, word64(argument + 16), WINDOW);
}

static void watch_futex(Call* call, const UWord* arguments) {
    switch (arguments[1] & 0x7f) {
        case 5: /* FUTEX_WAKE_OP */
            watch(call, arguments[4], 4);
            break;
        case 11: /* FUTEX_WAIT_REQUEUE_PI */
        case 12: /* FUTEX_CMP_REQUEUE_PI */
            watch(call, arguments[4], 4);
            watch(call, arguments[0], 4);
            break;
        case 6: /* FUTEX_LOCK_PI and its like */
        case 7:
        case 8:
        case 13:
            watch(call, arguments[0], 4);
            break;
        default:
            break;
    }
}

/* Chooses what may be written. The core knows all of what is not mentioned here and
 * has no effect. */
static void choose(Call* call, UInt number, const UWord* a) {
    UInt i;
    switch (number) {
        case __NR_read:
        case __NR_write:
        case __NR_pread64:
        case __NR_pwrite64:
        case __NR_readv:
        case __NR_writev:
        case __NR_preadv:
        case __NR_pwritev:
        case __NR_preadv2:
        case __NR_pwritev2:
        case __NR_open:
        case __NR_openat:
        case __NR_close:
        case __NR_lseek:
        case __NR_mmap:
        case __NR_munmap:
        case __NR_mremap:
        case __NR_mprotect:
        case __NR_madvise:
        case __NR_brk:
        case __NR_shmat:
        case __NR_shmdt:
        case __NR_exit:
        case __NR_exit_group:
        case __NR_execve:
        case __NR_execveat:
        case __NR_rt_sigreturn:
        case __NR_rt_sigsuspend:
        case __NR_sendto:
        case __NR_sendmsg:
        case __NR_connect:
        case __NR_getrandom:
        case __NR_stat:
        case __NR_fstat:
        case __NR_lstat:
        case __NR_newfstatat:
        case __NR_getdents64:
        case __NR_access:
        case __NR_sched_yield:
        case __NR_semop:
        case __NR_semtimedop:
        case __NR_msgsnd:
        case __NR_mq_timedsend:
        case __NR_pause:
        case __NR_tee:
        case __NR_vmsplice:
        case 449: /* futex_waitv, futex_wake, futex_wait, futex_requeue */
        case 454:
        case 455:
        case 456:
            break;
        case __NR_select:
        case __NR_pselect6:
            watch_descriptor_sets(call, a);
            break;
        case __NR_poll:
            watch(call, a[0], 8 * a[1]);
            break;
        case __NR_ppoll:
            watch(call, a[0], 8 * a[1]);
            watch(call, a[2], 16);
            break;
        case __NR_epoll_wait:
        case __NR_epoll_pwait:
        case 441: /* epoll_pwait2 */
            watch(call, a[1], 12 * (SizeT)(UInt)a[2]);
            break;
        case __NR_accept:
        case __NR_accept4:
            watch_socket_address(call, a[1], a[2]);
            break;
        case __NR_recvfrom:
            watch_socket_address(call, a[4], a[5]);
            break;
        case __NR_recvmsg:
            watch_message(call, a[1]);
            break;
        case __NR_recvmmsg:
            watch_messages(call, a[1], a[2], True);
            watch(call, a[4], 16);
            break;
        case __NR_sendmmsg:
            watch_messages(call, a[1], a[2], False);
            break;
        case __NR_futex:
            watch_futex(call, a);
            break;
        case __NR_nanosleep:
            watch(call, a[1], 16);
            break;
        case __NR_clock_nanosleep:
            watch(call, a[3], 16);
            break;
        case __NR_wait4:
            watch(call, a[1], 4);
            watch(call, a[3], 144);
            break;
        case __NR_waitid:
            watch(call, a[2], 128);
            watch(call, a[4], 144);
            break;
        case __NR_rt_sigtimedwait:
            watch(call, a[1], 128);
            break;
        case __NR_io_getevents:
        case 333: /* io_pgetevents */
            watch(call, a[3], 32 * a[2]);
            break;
        case __NR_msgrcv:
            watch(call, a[1], 8 + a[2]);
            break;
        case __NR_mq_timedreceive:
            watch(call, a[1], a[2]);
            watch(call, a[3], 4);
            break;
        case __NR_sendfile:
            watch(call, a[2], 8);
            break;
        case __NR_splice:
        case 326: /* copy_file_range */
            watch(call, a[1], 8);
            watch(call, a[3], 8);
            break;
        case __NR_process_vm_readv:
            watch_vectors(call, a[1], a[2]);
            break;
        case __NR_process_vm_writev:
            watch_vectors(call, a[3], a[4]);
            break;
        case __NR_ioctl:
            watch_ioctl(call, a[1], a[2]);
            break;
        case __NR_fcntl:
            watch(call, a[2], 32);
            break;
        case 464: /* getxattrat: its value is named in a structure */
            watch(call, word64(a[4]), word32(a[4] + 8));
            break;
        case __NR_ptrace:
            watch(call, a[3], WINDOW);
            /* PTRACE_GETREGSET: its argument is a vector. */
            if (a[0] == 0x4204) watch_vectors(call, a[3], 1);
            break;
        default:
            for (i = 0; i < 6; i++) watch(call, a[i], WINDOW);
            break;
    }
}

void kernel_writes_before(ThreadId tid, UInt number, const UWord* arguments) {
    if (calls == NULL) calls = VG_(calloc)("reven.calls", VG_N_THREADS, sizeof(Call*));
    if (calls[tid] == NULL) calls[tid] = VG_(malloc)("reven.call", sizeof(Call));
    calls[tid]->count = calls[tid]->used = 0;
    choose(calls[tid], number, arguments);
}

static void compare(Addr address, const UChar* before, UInt size) {
    const UChar* now = (const UChar*)address;
    UInt at = 0;
    while (at < size) {
        UInt first, last;
        while (at < size && now[at] == before[at]) at++;
        if (at == size) return;
        first = last = at;
        for (at++; at < size && at - last <= NEAR; at++)
            if (now[at] != before[at]) last = at;
        memory_written(address + first, last + 1 - first);
    }
}

void kernel_writes_after(ThreadId tid) {
    Call* call = calls == NULL ? NULL : calls[tid];
    UInt i;
    if (call == NULL) return;
    for (i = 0; i < call->count; i++)
        if (readable(call->windows[i].address, call->windows[i].size))
            compare(call->windows[i].address, call->bytes + call->windows[i].at,
                    call->windows[i].size);
    call->count = 0;
}
