/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The parts of the recorder and what they offer each other.
 *
 *   main.c        options, start and end of the process
 *   state.c       whether it records, and what it was told
 *   clock.c       the time
 *   ring.c        the connection to the writer and the slots it shares
 *   record.c      control records
 *   threads.c     which thread runs, what the kernel did to it, signals, fork
 *   memory.c      mappings and their contents
 *   robust.c      mutexes of threads that end
 *   code.c        code that changes
 *   float.c       the SSE control register
 *   kernel_writes.c  what system calls write into memory
 *   kernel_reads.c   what they read of it
 *   passed_calls.c   those that the core does not know
 *   shared.c      memory that others change too
 *   checks.c      the code that asks about it
 *   file_writes.c what is written to mapped files
 *   asynchronous.c  memory that the kernel is given to write into later
 *   instrument.c  the code that VEX adds to a block
 *   trigger.c     where and when the record begins and ends
 *   selection.c   which code is recorded
 *   gaps.c        what code that is left out changes
 *   marks.c       what the program asks for
 *   exec.c        programs that the program executes
 *   seccomp.c     filters of system calls
 *   limits.c      the limits of the process
 *   lent_memory.c memory that the program lends to a child
 *   environment.c the environment that the program gets
 *   process.c     the name and the log of the program's process
 *   signals.c     signals where the core does otherwise than the kernel
 *   mapped.c      mappings that the core would put elsewhere
 *   traced.c      a program that asks to be traced, or traces
 *   proc_self.c   what the program reads of itself in /proc
 *   notices.c     what the program met that is not as it should be
 */
#ifndef REVEN_RECORDER_H
#define REVEN_RECORDER_H

#include "template_builder.h"

/* Needs the types of the above. */
#include "pub_tool_vki.h"

/* --------------------------------------------------------------- state.c */

typedef enum {
    WAITING, /* the record has not begun */
    RECORDING,
    STOPPED /* nothing is recorded any more */
} Mode;

extern Mode mode;
extern const HChar* option_socket;
extern Bool option_follow, option_wait;

/* --------------------------------------------------------------- clock.c */

UInt clock_milliseconds(void);
/* The program says whether the processor's counter may be read. */
void clock_counter_changes(void);

/* ---------------------------------------------------------------- ring.c */

/* Where the next header and the next values go. The instrumented code keeps
 * them in the running thread's first shadow state. */
#define CURSOR_HEADERS ((Int)sizeof(VexGuestAMD64State))
#define CURSOR_VALUES (CURSOR_HEADERS + 8)

/* The options are known. */
void stream_init(void);
/* Whether a fork of this process could connect, or it has another root folder. */
Bool stream_reachable(void);
/* Connects to the writer if that has not happened yet. False: the stream
 * cannot be had, and the mode is STOPPED. */
Bool stream_connect(void);
Bool stream_connected(void);
/* Whether the writer wants the record to begin again, once. */
Bool stream_renews(void);
/* Whether the writer wants what runs to be left out. */
Bool stream_paused(void);
/* Forget the stream inherited from the parent of a fork. */
void stream_abandon(void);
/* Closes the connection; what was published remains with the writer. */
void stream_close(void);
/* Record no more; the program goes on without instrumentation. */
void stop_recording(void);

/* Block executions in the stream so far. */
ULong stream_position(void);
/* Header of the last execution in the slot; 0 if it has none. */
UInt stream_last_header(void);
/* Hands the slot over and opens the next one. */
void stream_publish(void);
/* Hands the last slot over. */
void stream_publish_last(void);
/* Publishes if the last time is so long ago. */
void stream_publish_if_old(UInt milliseconds);
/* The values of later executions may take up to this. */
void stream_announce_values_size(UInt size);

/* Bytes for a control record of a type; publishes first when there is no room. Null when
 * recording has stopped. */
UChar* stream_control(UInt type, SizeT size);
/* Bytes that the slot still holds. */
SizeT stream_room(void);
/* The largest payload of a control record. */
SizeT stream_largest_payload(void);

/* The generated code runs, on this thread; it stopped. */
void stream_enter(ThreadId tid);
void stream_leave(ThreadId tid);
Bool stream_in_client(void);

/* Bytes that are kept free for changes of shared memory, which are recorded while a block runs,
 * when it is too late to hand the slot over. */
#define SHARED_RESERVE ((SizeT)1 << 20)
/* The generated code shall be left after the running block. */
void stream_leave_soon(void);

/* Called by a block when a multiple of REVEN_KEY_INTERVAL blocks has run. */
void stream_key_point(UChar* guest_state);

/* -------------------------------------------------------------- record.c */

void record(UInt type, ThreadId tid, const void* payload, SizeT size);
void record_two(UInt type, ThreadId tid, const void* first, SizeT first_size, const void* second,
                SizeT second_size);
/* So many executions before the last one; but records stay in order. */
void record_at(UInt executions_back, UInt type, ThreadId tid, const void* first, SizeT first_size,
               const void* second, SizeT second_size);
void record_memory(ThreadId tid, Addr address, SizeT size, UInt cause, const void* bytes);
/* Ends the stream. */
void record_end(UInt reason, Int code, Bool synchronous, ThreadId tid, Addr ip);

/* ------------------------------------------------------------- threads.c */

void threads_init(void);
/* Makes the trace know that `tid` is the running thread and what changed its registers
 * without being recorded. */
void threads_synchronise(ThreadId tid);
/* The trace knows all registers of the thread as they now are, but not what comes. */
void threads_keep_registers(ThreadId tid, UChar* guest_state);
/* The running thread, as the trace knows it; 0 before the first one. */
ThreadId threads_current(void);
UInt threads_current_number(void);
/* The number of a thread in the trace; 0 for 0. */
UInt threads_number(ThreadId tid);
/* Register file of the running thread, as the trace knows it here. */
UChar* threads_known_registers(void);
/* The previous block ended, by the exit with index k, in a fault. */
void threads_exit_faults(UInt template_id, UInt k);
void threads_exited(Int status);
void threads_killed(Int signal);
/* The process ends because of what happened to this thread. */
void threads_fatal(ThreadId tid);

/* -------------------------------------------------------------- memory.c */

void memory_init(void);
void memory_record_image(ThreadId tid);
/* The kernel gave the pages new contents: zeros, or the file's. */
void memory_contents_dropped(ThreadId tid, Addr address, SizeT size);
/* What the running system call says about a mapping it makes. */
void memory_note_syscall(UInt number, const UWord* arguments);
/* The running system call wrote there; recorded, as it then is, by memory_flush. */
void memory_written(Addr address, SizeT size);
void memory_flush(ThreadId tid);
/* Whether [first, last] holds the core's own code that programs return from signal handlers
 * through. */
Bool memory_is_trampoline(Addr first, Addr last);

/* ---------------------------------------------------------------- shared.c */

/* Pages that are of interest, by the lowest bits of their number; others may be, too. */
extern UChar shared_filter[];
/* There are or were shared mappings: generated code asks. */
Bool shared_active(void);

/* Memory that others change begins; the same page of an inode of a device is the same
 * memory, but for inode 0. */
void shared_add(Addr address, SizeT size, ULong device, ULong inode, ULong offset);
/* … of a private mapping of a file that is mapped shared, too: its pages are the file's until
 * the program writes to them. */
void shared_add_private(Addr address, SizeT size, ULong device, ULong inode, ULong offset);
#define SHARED_SYSTEM_V (~0ULL)
/* Private memory that the kernel was given to write into later. */
#define SHARED_WITH_KERNEL (~1ULL)
void shared_remove(Addr address, SizeT size);
void shared_move(Addr from, Addr to, SizeT size);
/* The mapping before `address` grows. False: it is not shared. */
Bool shared_extend(Addr address, SizeT size);
Bool shared_covers(Addr address, SizeT size);
Bool shared_has(ULong device, ULong inode);
/* In the child of a fork, before its image. */
void shared_forget_contents(void);

/* Records the contents of a new mapping; not `known`: when they are met. */
void shared_record_contents(Addr address, SizeT size, Bool known);
/* The trace knows the contents. */
void shared_keep_contents(Addr address, SizeT size);
/* Records what has changed, in a range, at the places of a file, and in memory that the
 * kernel was given. */
void shared_compare(Addr address, SizeT size, UInt cause);
void shared_compare_object(ULong device, ULong inode, ULong start, ULong end, UInt cause);
void shared_compare_private(UInt cause);
/* Records a change, some of it in shared memory. */
void shared_record(ThreadId tid, Addr address, SizeT size, UInt cause, const UChar* bytes);

/* Says that changes could not be recorded, if so. */
void shared_note_loss(void);

/* Called by generated code. 1 if a byte is shared. */
ULong shared_holds(Addr address, ULong size);
/* A load gave `bytes`. */
void shared_loaded(Addr address, ULong size, const UChar* bytes);
/* `bytes` were stored, perhaps. 1: and recorded for another address. */
ULong shared_stored(Addr address, ULong size, const UChar* bytes);
ULong shared_swapped(Addr address, ULong size, const UChar* old, const UChar* expected,
                     const UChar* wanted);

/* ---------------------------------------------------------------- checks.c */

typedef enum {
    ACCESS_NONE,
    ACCESS_SIMPLE, /* the instruction can be checked before it has an effect */
    ACCESS_COMPLEX
} AccessKind;

/* How the instruction that begins with statement `at` uses memory. A simple one is to be
 * checked before statement `check`. */
AccessKind checks_classify(IRSB* in, Int at, Int* check);
/* Condition under which that instruction must begin a block of its own. */
IRExpr* checks_condition(IRSB* sb);
/* A block begins. */
void checks_begin(void);
/* After a statement of its first instruction. */
void checks_after(IRSB* sb, IRStmt* statement);
/* After a helper's access, whose bytes are there. */
void checks_bulk(IRSB* sb, IRDirty* helper, Bool stores, IRExpr* bytes);
/* Condition under which the block ends after its first instruction; null: never. */
IRExpr* checks_end(IRSB* sb);

/* ---------------------------------------------------------- asynchronous.c */

/* A system call begins; it has returned, without an error. */
void asynchronous_before(UInt number, const UWord* arguments);
void asynchronous_after(UInt number, const UWord* arguments, UWord result);
/* Something was stored in shared memory. */
void asynchronous_stored(Addr address);

/* ----------------------------------------------------------- file_writes.c */

/* Mappings changed. */
void file_writes_forget(void);
/* A system call returned: records what it wrote to files that are mapped. */
void file_writes_after(ThreadId tid, UInt number, const UWord* arguments, UWord result);
/* Whether the file was changed so short a time ago that it may be changed again. */
Bool file_writes_likely(ULong changed);
/* Others may have run: records what they wrote to files that are mapped. */
void file_writes_by_others(ThreadId tid);

/* ---------------------------------------------------------------- robust.c */

/* A thread names its list of robust mutexes; it ends. */
void robust_note(ThreadId tid, Addr head);
void robust_exits(ThreadId tid);
/* Records what the kernel marked of threads that have ended. */
void robust_record(ThreadId tid);

/* -------------------------------------------------------- kernel_writes.c */

/* A system call begins; it has returned: announces what it wrote. */
void kernel_writes_before(ThreadId tid, UInt number, const UWord* arguments);
void kernel_writes_after(ThreadId tid);

/* -------------------------------------------------------- kernel_reads.c */

void kernel_reads_init(void);
/* A system call begins; it reads more than the core knows; it has returned. */
void kernel_reads_before(ThreadId tid, UInt number, const UWord* arguments);
void kernel_reads_note(ThreadId tid, Addr address, SizeT size);
void kernel_reads_note_string(ThreadId tid, Addr string);
void kernel_reads_after(ThreadId tid, Bool failed, UWord result);
/* Records what a call that goes on reads, before something else happens. */
void kernel_reads_flush(ThreadId tid);
/* In the child of a fork. */
void kernel_reads_forget(void);

/* ---------------------------------------------------------------- code.c */

/* What the program does to mappings; `code_before_syscall` has told of which call. */
void code_mapped(Addr address, SizeT size);
void code_protected(Addr address, SizeT size, Bool writable);
void code_moved(Addr from, Addr to, SizeT size);
void code_before_syscall(UInt number, const UWord* arguments);
void code_after_syscall(UInt number, const UWord* arguments, SysRes result);
/* Of the descriptors that the program was given. */
void code_init_descriptors(void);
/* Whether a descriptor is that of this process's memory as a file. */
Bool code_is_own_memory(Int descriptor);
/* Whether a block may store into itself. */
Bool code_writes_itself(const VexGuestExtents* extents);
/* Whether its code may have been written through another mapping or a file: no store to
 * these addresses tells. */
Bool code_written_elsewhere(const VexGuestExtents* extents);

/* ---------------------------------------------------------- instrument.c */

IRSB* instrument(VgCallbackClosure* closure, IRSB* in, const VexGuestLayout* layout,
                 const VexGuestExtents* extents, const VexArchInfo* host, IRType guest_word,
                 IRType host_word);

/* ---------------------------------------------------------------- exec.c */

/* An execve of this path begins; it failed. */
void exec_begins(Addr path);
void exec_failed(void);
/* The core executes a program with these arguments; it has failed. */
void exec_prepare(Addr arguments);
void exec_not_done(void);
/* The name that a program gets (argv[0]), from one that executed it; null: its path. */
const HChar* exec_given_name(HChar** environment);
/* Whether the program's string lies in memory that it may read, to its end. */
Bool exec_is_string(Addr string);

/* ------------------------------------------------------------- seccomp.c */

void seccomp_thread_created(ThreadId parent, ThreadId child);
/* Whether the call in progress is not made, because a filter says so. */
Bool seccomp_judged(ThreadId tid);
/* The core is about to deliver a signal: says of a filter's what the kernel would say. */
void seccomp_signal(ThreadId tid, vki_siginfo_t* info);
/* What /proc tells of a thread. */
UInt seccomp_mode(ThreadId tid);
UInt seccomp_count(ThreadId tid);
/* Filters stand in the environment of a program that is executed. */
void seccomp_pass_on(ThreadId tid, HChar*** environment);
Bool seccomp_is_variable(const HChar* variable);
void seccomp_take(ThreadId tid, const HChar* variable);

/* -------------------------------------------------------------- limits.c */

/* The core has its descriptors. */
void limits_init(void);
/* The recorder needs descriptors of its own; no more. */
void limits_lift(void);
void limits_restore(void);
/* A descriptor among the recorder's own, which a program that is executed then has too. */
Int limits_own_copy(Int descriptor);
Bool limits_is_own_descriptor(Long descriptor);
/* The row of descriptors in /proc/self/limits. */
void limits_describe(HChar* row);
/* The program executes another, which takes the program's limits; it has failed. */
void limits_before_exec(void);
void limits_exec_failed(void);

/* -------------------------------------------------------- lent_memory.c */

/* In a process that was lent its memory: tells the lender what it has written so far, before
 * it forks; for the last time, before it executes another program or ends. */
void lent_memory_return(void);
void lent_memory_done(void);
/* In the child of a fork: it was not lent its memory. */
void lent_memory_forked(void);

/* --------------------------------------------------------------- float.c */

/* The program's SSE control register is followed. */
extern Bool float_followed;
/* What a statement of VEX's does with the control register. */
Bool float_reads_control(const IRStmt* statement);
Bool float_writes_control(const IRStmt* statement);
Bool float_computes(const IRStmt* statement);
/* Says what a statement computes otherwise than the processor. */
void float_note(const IRStmt* statement, Addr ip);
/* Around statements that compute. */
void float_add_begin(IRSB* block);
void float_add_end(IRSB* block);
void float_add_read(IRSB* block, IRTemp result);
/* Give a condition: everything must be translated again. */
IRExpr* float_add_write(IRSB* block, IRExpr* value);
IRExpr* float_add_follow(IRSB* block);
void float_handler_begins(ThreadId tid);
void float_trapped(ThreadId tid, Int code);

/* ------------------------------------------------------------- notices.c */

/* Says once that the program has met something; `text` may be null. */
void notice(UInt kind, UInt detail, Addr ip, ULong value, const HChar* text);
/* … while a block runs. */
void notice_later(UInt kind, UInt detail, Addr ip);
void notices_flush(void);
/* In another process they are said again. */
void notices_forget(void);
/* The program handles the signal that it got for this instruction. */
void notices_not_executed(Addr ip);
/* Before the record of a signal: what the kernel says of it. */
void notices_signal(ThreadId tid, UInt number);

/* ------------------------------------------------------------- process.c */

/* Before and after the core opens its log. */
void process_before_log(void);
void process_after_log(void);
/* Before the program's first instruction. */
void process_begin(void);
/* Before any of its instructions. */
void process_goes_on(void);

/* ------------------------------------------------------------- signals.c */

void signals_begin(void);
/* Stops the process by the signal, if that is what the signal does now. */
Bool signals_stop(Int number);
/* When the frame is made. */
void signals_handler_begins(ThreadId tid, Int number, UInt flags);

/* ------------------------------------------------------------ proc_self.c */

/* The program's file, which the kernel does not know as such; whether a path leads to that of
 * the recorder, which it takes for it. */
const HChar* proc_self_executable(void);
Bool proc_self_is_executable(const HChar* path);

/* --------------------------------------------------------- environment.c */

/* Where the arguments and the variables stand that the program began with, and 0. */
const Addr* environment_arguments(void);
const Addr* environment_variables(void);

/* Before the program's first instruction. */
void environment_restore(ThreadId tid);

/* ------------------------------------------------------------- trigger.c */

#define TRIGGER_OFFSETS 32

typedef struct {
    enum {
        TRIGGER_NONE,
        TRIGGER_ADDRESS,
        TRIGGER_SYMBOL,
        TRIGGER_BINARY,
        TRIGGER_FILE,
        TRIGGER_SYSCALL,
        TRIGGER_MARK
    } kind;
    const HChar *binary, *name;
    ULong offsets[TRIGGER_OFFSETS];
    UInt offset_count;
    ULong number;
    ULong hits_left;
} Trigger;

extern Trigger trigger_from, trigger_until;

/* False if the text is no place, or no time. */
Bool trigger_parse(Trigger* trigger, const HChar* text);
Bool trigger_parse_after(const HChar* text);
/* The trigger that stands at this instruction in the present mode, or null. */
Trigger* trigger_at(Addr address);
/* Adds the check: a side exit to `address` when the trigger's count is reached.
 * Returns the exit statement, not yet added. */
IRStmt* trigger_add_check(IRSB* block, Trigger* trigger, Addr address);
/* Whether blocks that are not recorded yet count their instructions; adds that. */
Bool trigger_counts(void);
void trigger_add_count(IRSB* block, UInt instructions, Addr address);
/* Between blocks. True: from now on, everything is recorded. */
Bool trigger_time_has_come(void);
/* The program sets a mark. True: the mode may have changed. */
Bool trigger_mark(const HChar* text);
/* The block just run was left at --reven-until. */
Bool trigger_until_reached(void);
/* Whether an address belongs to a binary, or a function, of that name. */
Bool trigger_in_binary(Addr address, const HChar* wanted);
Bool trigger_in_symbol(Addr address, const HChar* symbol);

/* ----------------------------------------------------------- selection.c */

/* --reven-only and --reven-skip: a binary, a function, or BINARY!FUNCTION. */
void selection_add(const HChar* name, Bool skip);
Bool selection_any(void);
/* Says in the trace that code was left out. */
void selection_say(void);
/* Whether the code at an address is to be recorded. */
Bool selection_has(Addr address);

/* ---------------------------------------------------------------- gaps.c */

/* Code is left out of the record while it goes on, or may be. */
Bool gaps_active(void);
/* Since the last block that was recorded, others ran: what they changed is not known to
 * the trace yet. */
Bool gap_open(void);
/* Whether a block is left out. */
Bool gaps_leave_out(Addr address);
/* A block that is left out, with what notes its changes. */
IRSB* gaps_instrument(IRSB* in);
/* At the beginning of a block that is recorded. */
void gaps_add_end(IRSB* block);
/* The program asks to leave everything out, or no longer. */
void gaps_pause(Bool paused);
/* Between blocks: records what the gap changed, as seen by a thread. */
void gap_close(ThreadId tid);
/* Another thread runs: its switch is recorded with the first block that is. */
void gap_defer(void);
/* The trace has been told what memory holds; mappings change; another process. */
void gap_known(Addr address, SizeT size, const UChar* bytes);
void gap_forget(Addr address, SizeT size);
void gap_moved(Addr from, Addr to, SizeT size);
void gaps_forget_all(void);

/* --------------------------------------------------------------- marks.c */

/* Requests of the program: reven.h. */
void marks_init(void);
/* Between blocks: requests of others, through the writer. */
void marks_look(void);

#endif
