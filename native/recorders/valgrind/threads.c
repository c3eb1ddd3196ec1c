/* SPDX-License-Identifier: GPL-2.0-or-later
 * Which thread runs, what the kernel did to it, signals, fork. */
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_libcsignal.h"
#include "pub_tool_machine.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_vkiscnums.h"
#include "recorder.h"

extern void vgPlain_discard_translations(Addr start, ULong range, const HChar* who);
extern SysRes vgPlain_mk_SysRes_Error(UWord error);

#define CLONE_CHILD_CLEARTID 0x00200000
#define LONGEST_CLEARING_MS 100
/* Who reads a recording while it grows sees what is at most so old, also of a
 * program that waits. */
#define PUBLISH_MS 250
#define PUBLISH_BEFORE_WAIT_MS 50
#define MADV_DONTNEED 4
#define MADV_REMOVE 9
#define PROCESS_MADVISE 440
#define PR_SET_TSC 26

typedef struct {
    /* Register file as the trace knows it; for a thread that does not run, as of
     * when it last did. */
    UChar known[REVEN_REGISTER_FILE_SIZE] __attribute__((aligned(8)));
    UInt number;        /* in the trace: Valgrind reuses its own */
    Addr clear_at_exit; /* the kernel zeroes this word when the thread ends */
    Addr clearing;      /* … is about to zero it: the thread has ended */
    Bool in_call;       /* a system call that the trace knows of */
    Bool begun;
} Thread;

static Thread** threads;
static UInt last_number;
static ThreadId current;
static UInt current_number;
static Bool current_ended; /* `current` may come to mean another thread */
static Addr next_clear_at_exit;
static UInt clearing_count;

/* A signal was recorded, but not yet its frame and registers. */
static ThreadId signalled;
static Addr signalled_sp;

/* Exits of each template that deliver a fault; bit k. */
static ULong* fault_exits;
static UInt fault_exits_size;
static Bool left_by_fault;

/* What ends the process, if a signal does. */
static ThreadId fatal_thread;
static Bool fatal_synchronous;
static Addr fatal_ip;

static Thread* thread(ThreadId tid) {
    if (threads == NULL) threads = VG_(calloc)("reven.threads", VG_N_THREADS, sizeof(Thread*));
    if (threads[tid] == NULL) {
        threads[tid] = VG_(calloc)("reven.thread", 1, sizeof(Thread));
        threads[tid]->number = ++last_number;
    }
    return threads[tid];
}

ThreadId threads_current(void) { return current; }

UInt threads_current_number(void) { return current == 0 ? 0 : current_number; }

UInt threads_number(ThreadId tid) { return tid == 0 ? 0 : thread(tid)->number; }

static void set_current(ThreadId tid) {
    current = tid;
    current_number = thread(tid)->number;
    current_ended = False;
}

UChar* threads_known_registers(void) {
    tl_assert(current != 0);
    return threads[current]->known;
}

void threads_exit_faults(UInt template_id, UInt k) {
    if (template_id >= fault_exits_size) {
        UInt size = 2 * template_id + 1024;
        fault_exits = VG_(realloc)("reven.fault_exits", fault_exits, size * sizeof(ULong));
        VG_(memset)(fault_exits + fault_exits_size, 0, (size - fault_exits_size) * sizeof(ULong));
        fault_exits_size = size;
    }
    fault_exits[template_id] |= 1ULL << k;
}

static Bool is_fault_exit(UInt header) {
    UInt id = header >> REVEN_EXIT_BITS;
    return id < fault_exits_size && (fault_exits[id] >> (header & 63) & 1) != 0;
}

/* --------------------------------------------------- what runs, and its state */

static void read_registers(ThreadId tid, UChar* file) {
    UChar guest_state[sizeof(VexGuestAMD64State)];
    VG_(get_shadow_regs_area)(tid, guest_state, 0, 0, sizeof guest_state);
    registers_translate(guest_state, file);
}

static Addr known_ip(ThreadId tid) { return *(ULong*)(thread(tid)->known + REVEN_RIP); }

void threads_synchronise(ThreadId tid) {
    UChar now[REVEN_REGISTER_FILE_SIZE] __attribute__((aligned(8)));
    read_registers(tid, now);
    if (tid != current || current_ended) {
        reven_switch change = {threads_current_number(), 0, 0};
        if (current != 0) kernel_reads_flush(current);
        if (current != 0) change.previous_ip = known_ip(current);
        record_two(REVEN_SWITCH, tid, &change, sizeof change, now, sizeof now);
        set_current(tid);
    } else {
        UChar patch[REGISTERS_PATCH_MAX];
        UInt size = registers_difference(thread(tid)->known, now, patch);
        if (size != 0) record(REVEN_REGISTER_PATCH, tid, patch, size);
    }
    VG_(memcpy)(thread(tid)->known, now, sizeof now);
}

void threads_keep_registers(ThreadId tid, UChar* guest_state) {
    if (tid == current && !current_ended) registers_translate(guest_state, threads[tid]->known);
}

/* Records what delivering the last signal wrote: the core reports only parts of
 * the frame, so take all that was pushed. */
static void complete_signal(void) {
    UChar now[REVEN_REGISTER_FILE_SIZE] __attribute__((aligned(8)));
    ThreadId tid = signalled;
    Addr sp, top;
    if (tid == 0) return;
    signalled = 0;
    sp = VG_(get_SP)(tid);
    top = signalled_sp;
    if (top <= sp || top - sp > 65536) {
        Addr lowest = VG_(thread_get_altstack_min)(tid);
        SizeT size = VG_(thread_get_altstack_size)(tid);
        top = sp + 4096;
        if (sp >= lowest && sp < lowest + size && top > lowest + size) top = lowest + size;
    }
    if (VG_(am_is_valid_for_client)(sp, top - sp, VKI_PROT_READ))
        record_memory(tid, sp, top - sp, REVEN_CAUSE_SIGNAL_FRAME, (const void*)sp);
    float_handler_begins(tid);
    /* Making room for the record may put a key frame of what is known before it. */
    read_registers(tid, now);
    record(REVEN_REGISTERS, tid, now, sizeof now);
    VG_(memcpy)(thread(tid)->known, now, sizeof now);
}

/* Threads that have ended are still on their way through the kernel. Waits until
 * it has zeroed their words, so that whoever looks finds what the trace says. */
static void record_cleared_words(void) {
    ThreadId tid;
    for (tid = 1; tid < VG_N_THREADS && clearing_count > 0; tid++) {
        Addr word = threads[tid] == NULL ? 0 : threads[tid]->clearing;
        UInt tries;
        if (word == 0) continue;
        threads[tid]->clearing = 0;
        clearing_count--;
        if (!VG_(am_is_valid_for_client)(word, 4, VKI_PROT_WRITE)) continue;
        for (tries = 0; *(volatile UInt*)word != 0 && tries < LONGEST_CLEARING_MS; tries++)
            VG_(poll)(NULL, 0, 1);
        record_memory(tid, word, 4, REVEN_CAUSE_THREAD_EXIT, (const void*)word);
    }
    robust_record(threads_current());
}

/* Also in the middle: what follows needs nothing of what came before. */
static void begin_stream(ThreadId tid) {
    reven_switch change = {0, 0, 0};
    set_current(tid);
    read_registers(tid, thread(tid)->known);
    record(REVEN_KEY_FRAME, tid, thread(tid)->known, REVEN_REGISTER_FILE_SIZE);
    record_two(REVEN_SWITCH, tid, &change, sizeof change, thread(tid)->known,
               REVEN_REGISTER_FILE_SIZE);
    memory_record_image(tid);
}

/* The core takes SIGSYS for one that only a fault of translated code can raise, and dies when
 * it comes otherwise. Blocked, it is looked for like any other. */
static void thread_begins(ThreadId tid) {
    vki_sigset_t only;
    thread(tid)->begun = True;
    VG_(sigemptyset)(&only);
    VG_(sigaddset)(&only, VKI_SIGSYS);
    VG_(sigprocmask)(VKI_SIG_BLOCK, &only, NULL);
}

static void start_client_code(ThreadId tid, ULong blocks) {
    static Bool begun = False;
    (void)blocks;
    if (!begun) {
        begun = True;
        environment_restore(tid);
        code_init_descriptors();
        process_begin();
        signals_begin();
    }
    if (mode == RECORDING && stream_connect()) {
        if (current == 0)
            begin_stream(tid);
        else {
            memory_flush(tid);
            notices_flush();
            complete_signal();
            if (clearing_count > 0) record_cleared_words();
            if (gap_open() || (gaps_active() && (tid != current || current_ended)))
                gap_defer();
            else
                threads_synchronise(tid);
            if (!gap_open() && stream_renews()) {
                stream_publish();
                if (mode == RECORDING) begin_stream(tid);
            }
        }
    }
    if (!thread(tid)->begun) thread_begins(tid);
    limits_restore();
    process_goes_on();
    left_by_fault = False;
    stream_enter(tid);
}

static void stop_client_code(ThreadId tid, ULong blocks) {
    static Bool discarded = False;
    (void)blocks;
    stream_leave(tid);
    if (mode == RECORDING && current != 0 && trigger_until_reached() && gap_open()) gap_close(tid);
    if (mode == RECORDING && current == tid && signalled == 0 && !gap_open()) {
        read_registers(tid, thread(tid)->known);
        left_by_fault = is_fault_exit(stream_last_header());
        if (trigger_until_reached()) record_end(REVEN_END_UNTIL, 0, False, tid, VG_(get_IP)(tid));
    }
    if (mode == RECORDING) marks_look();
    if (trigger_time_has_come()) vgPlain_discard_translations(0, ~0ULL, "reven: recording begins");
    if (mode == STOPPED && !discarded) {
        discarded = True;
        vgPlain_discard_translations(0, ~0ULL, "reven: recording stopped");
    }
}

/* --------------------------------------------------------------- signals */

/* Whether what happens to the thread now is the doing of its last instruction,
 * which has had no effect. */
static Bool cut_by_fault(ThreadId tid) {
    return current == tid && !gap_open() && (stream_in_client() || left_by_fault);
}

static void deliver_signal(ThreadId tid, Int number, Bool alternate_stack) {
    reven_signal payload = {number, cut_by_fault(tid), VG_(get_IP)(tid), 0};
    (void)alternate_stack;
    if (mode != RECORDING || current == 0) return;
    kernel_reads_flush(tid);
    memory_flush(tid);
    complete_signal();
    if (gap_open()) gap_close(tid);
    if (stream_in_client())
        read_registers(tid, thread(tid)->known);
    else
        threads_synchronise(tid);
    if (number == VKI_SIGILL && payload.synchronous) notices_not_executed(payload.ip);
    notices_signal(tid, number);
    record(REVEN_SIGNAL, tid, &payload, sizeof payload);
    left_by_fault = False;
    signalled = tid;
    signalled_sp = VG_(get_SP)(tid);
}

void threads_fatal(ThreadId tid) {
    fatal_thread = tid;
    fatal_synchronous = cut_by_fault(tid);
    fatal_ip = VG_(get_IP)(tid);
}

void threads_exited(Int status) {
    if (mode == RECORDING && current != 0 && gap_open()) gap_close(current);
    notices_flush();
    if (mode == RECORDING && current != 0)
        record_end(REVEN_END_EXIT, status, False, current, known_ip(current));
}

void threads_killed(Int signal) {
    if (mode != RECORDING || current == 0) return;
    if (gap_open()) gap_close(fatal_thread);
    notices_signal(fatal_thread, signal);
    record_end(REVEN_END_SIGNAL, signal, fatal_synchronous, fatal_thread, fatal_ip);
}

/* ---------------------------------------------------------- system calls */

static Bool may_wait(UInt number) {
    switch (number) {
        case __NR_read:
        case __NR_poll:
        case __NR_ppoll:
        case __NR_select:
        case __NR_pselect6:
        case __NR_epoll_wait:
        case __NR_epoll_pwait:
        case __NR_pause:
        case __NR_rt_sigsuspend:
        case __NR_rt_sigtimedwait:
        case __NR_nanosleep:
        case __NR_clock_nanosleep:
        case __NR_accept:
        case __NR_accept4:
        case __NR_recvfrom:
        case __NR_recvmsg:
        case __NR_wait4:
        case __NR_waitid:
        case __NR_futex:
        case 333: /* io_pgetevents */
        case 441: /* epoll_pwait2 */
        case 449: /* futex_waitv */
        case 455: /* futex_wait */
            return True;
        default:
            return False;
    }
}

static void before_syscall(ThreadId tid, UInt number, UWord* arguments, UInt count) {
    ULong payload[7] = {number};
    UInt i;
    for (i = 0; i < 6 && i < count; i++) payload[1 + i] = arguments[i];
    if (number == __NR_clone)
        next_clear_at_exit = payload[1] & CLONE_CHILD_CLEARTID ? payload[4] : 0;
    else if (number == __NR_set_tid_address)
        thread(tid)->clear_at_exit = payload[1];
    else if (number == __NR_set_robust_list)
        robust_note(tid, payload[1]);
    else if (number == __NR_prctl && payload[1] == PR_SET_TSC)
        clock_counter_changes();
    else if (number == __NR_execve)
        exec_begins(payload[1]);
    if (number == __NR_execve || number == __NR_execveat) lent_memory_done();
    memory_note_syscall(number, arguments);
    code_before_syscall(number, arguments);
    if (mode != RECORDING || current == 0) return;
    /* What comes after a successful execve is another program, and this one's end is told
     * by its call. */
    if (gap_open() && (number == __NR_execve || number == __NR_execveat)) gap_close(tid);
    thread(tid)->in_call = !gap_open();
    if (!gap_open()) record(REVEN_SYSCALL_ENTER, tid, payload, sizeof payload);
    kernel_writes_before(tid, number, arguments);
    if (thread(tid)->in_call) kernel_reads_before(tid, number, arguments);
    asynchronous_before(number, arguments);
    if (number == __NR_execve || number == __NR_execveat)
        stream_publish();
    else
        stream_publish_if_old(may_wait(number) ? PUBLISH_BEFORE_WAIT_MS : PUBLISH_MS);
}

static void after_syscall(ThreadId tid, UInt number, UWord* arguments, UInt count, SysRes result) {
    ULong payload[2] = {number, sr_isError(result) ? -sr_Err(result) : sr_Res(result)};
    memory_note_syscall(0, NULL);
    if (may_wait(number)) marks_look();
    /* A filter may say that a call succeeded which was not made. */
    if (seccomp_judged(tid) && !sr_isError(result)) result = vgPlain_mk_SysRes_Error(VKI_ENOSYS);
    code_after_syscall(number, arguments, result);
    if (number == __NR_execve) exec_failed();
    /* Valgrind lets these return, the kernel does not. */
    if (number == __NR_exit || number == __NR_exit_group) return;
    if (mode != RECORDING || current == 0) return;
    if (number == __NR_madvise && count >= 3 && !sr_isError(result) &&
        (arguments[2] == MADV_DONTNEED || arguments[2] == MADV_REMOVE))
        memory_contents_dropped(tid, arguments[0], arguments[1]);
    if (number == PROCESS_MADVISE && !sr_isError(result) &&
        (arguments[3] == MADV_DONTNEED || arguments[3] == MADV_REMOVE)) {
        UWord i;
        for (i = 0; i < arguments[2] &&
                    VG_(am_is_valid_for_client)(arguments[1] + 16 * i, 16, VKI_PROT_READ);
             i++)
            memory_contents_dropped(tid, ((Addr*)arguments[1])[2 * i],
                                    ((SizeT*)arguments[1])[2 * i + 1]);
    }
    if (thread(tid)->in_call) kernel_reads_after(tid, sr_isError(result), sr_Res(result));
    /* What other threads did meanwhile came before what is written now. */
    if (!gap_open() && (tid != current || current_ended)) threads_synchronise(tid);
    kernel_writes_after(tid);
    memory_flush(tid);
    if (!sr_isError(result)) asynchronous_after(number, arguments, sr_Res(result));
    if (!sr_isError(result)) file_writes_after(tid, number, arguments, sr_Res(result));
    if (may_wait(number)) file_writes_by_others(tid);
    if (number == __NR_mremap && count >= 2 && arguments[1] == 0 && sr_isError(result) &&
        shared_covers(arguments[0], 1))
        notice(REVEN_NOTICE_UNSEEN_CHANGE, REVEN_UNSEEN_REMAP, 0, arguments[0], NULL);
    if (thread(tid)->in_call) record(REVEN_SYSCALL_EXIT, tid, payload, sizeof payload);
    thread(tid)->in_call = False;
}

/* ------------------------------------------------------- threads and fork */

static void thread_created(ThreadId parent, ThreadId child) {
    Bool reused = threads != NULL && threads[child] != NULL;
    ULong payload = reused ? (threads[child]->number = ++last_number) : thread(child)->number;
    thread(child)->clear_at_exit = next_clear_at_exit;
    thread(child)->begun = False;
    seccomp_thread_created(parent, child);
    if (mode == RECORDING && current != 0)
        record(REVEN_THREAD_START, parent, &payload, sizeof payload);
}

static void thread_exits(ThreadId tid) {
    Addr word = thread(tid)->clear_at_exit;
    thread(tid)->clear_at_exit = 0;
    if (mode != RECORDING || current == 0) return;
    kernel_reads_flush(tid);
    if (signalled == tid) complete_signal();
    record(REVEN_THREAD_EXIT, tid, NULL, 0);
    robust_exits(tid);
    if (tid == current) current_ended = True;
    if (word != 0) {
        thread(tid)->clearing = word;
        clearing_count++;
    }
}

/* The writer must have the templates that a fork shares before it meets them
 * in the fork's stream. */
static void before_fork(ThreadId tid) {
    (void)tid;
    lent_memory_return();
    if (option_follow && !stream_reachable())
        notice(REVEN_NOTICE_NOT_FOLLOWED, REVEN_NOT_FOLLOWED_FORK, 0, 0, NULL);
    stream_publish();
}

static void child_of_fork(ThreadId tid) {
    ThreadId other;
    for (other = 1; other < VG_N_THREADS; other++)
        if (threads != NULL && threads[other] != NULL && other != tid)
            threads[other]->clearing = threads[other]->clear_at_exit = 0;
    current = 0;
    signalled = 0;
    clearing_count = 0;
    lent_memory_forked();
    gaps_forget_all();
    if (mode != RECORDING) return;
    stream_abandon();
    notices_forget();
    kernel_reads_forget();
    shared_forget_contents();
    if (option_follow)
        stream_connect();
    else
        stop_recording();
}

void threads_init(void) {
    VG_(track_start_client_code)(start_client_code);
    VG_(track_stop_client_code)(stop_client_code);
    VG_(track_pre_deliver_signal)(deliver_signal);
    VG_(track_pre_thread_ll_create)(thread_created);
    VG_(track_pre_thread_ll_exit)(thread_exits);
    VG_(needs_syscall_wrapper)(before_syscall, after_syscall);
    VG_(atfork)(before_fork, NULL, child_of_fork);
}
