/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The parts of the recorder and what they offer each other.
 *
 *   main.c        options, start and end of the process
 *   state.c       whether it records, and what it was told
 *   ring.c        the connection to the writer and the slots it shares
 *   record.c      control records
 *   threads.c     which thread runs, what the kernel did to it, signals, fork
 *   memory.c      mappings and their contents
 *   code.c        code that changes
 *   float.c       the SSE control register
 *   instrument.c  the code that VEX adds to a block
 *   trigger.c     --reven-from and --reven-until
 *   exec.c        programs that the program executes
 *   environment.c the environment that the program gets
 *   process.c     what the program sees of its process
 *   notices.c     what the program met that is not as it should be
 */
#ifndef REVEN_RECORDER_H
#define REVEN_RECORDER_H

#include "template_builder.h"

/* Needs the types of the above. */
#include "pub_tool_vki.h"

/* --------------------------------------------------------------- state.c */

typedef enum {
    WAITING, /* --reven-from has not been reached */
    RECORDING,
    STOPPED /* nothing is recorded any more */
} Mode;

extern Mode mode;
extern const HChar* option_socket;
extern Bool option_follow;

/* ---------------------------------------------------------------- ring.c */

/* Where the next header and the next values go. The instrumented code keeps
 * them in the running thread's first shadow state. */
#define CURSOR_HEADERS ((Int)sizeof(VexGuestAMD64State))
#define CURSOR_VALUES (CURSOR_HEADERS + 8)

/* Connects to the writer if that has not happened yet. False: the stream
 * cannot be had, and the mode is STOPPED. */
Bool stream_connect(void);
Bool stream_connected(void);
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
void stream_announce_record_size(UInt size);

/* Bytes for a control record of a type; publishes first when there is no room. Null when
 * recording has stopped. */
UChar* stream_control(UInt type, SizeT size);
/* The largest payload of a control record. */
SizeT stream_largest_payload(void);

/* The generated code runs, on this thread; it stopped. */
void stream_enter(ThreadId tid);
void stream_leave(ThreadId tid);
Bool stream_in_client(void);

/* Called by a block when a multiple of REVEN_KEY_INTERVAL blocks has run. */
void stream_key_point(UChar* guest_state);

/* -------------------------------------------------------------- record.c */

void record(UInt type, ThreadId tid, const void* payload, SizeT size);
void record_two(UInt type, ThreadId tid, const void* first, SizeT first_size, const void* second,
                SizeT second_size);
void record_memory(ThreadId tid, Addr address, SizeT size, UInt cause, const void* bytes);
/* Ends the stream. */
void record_end(UInt reason, Int code, Bool synchronous, ThreadId tid, Addr ip);

/* ------------------------------------------------------------- threads.c */

void threads_init(void);
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

/* ---------------------------------------------------------------- code.c */

/* What the program does to mappings; `code_before_syscall` has told of which call. */
void code_mapped(Addr address, SizeT size);
void code_protected(Addr address, SizeT size, Bool writable);
void code_moved(Addr from, Addr to, SizeT size);
void code_before_syscall(UInt number, const UWord* arguments);
void code_after_syscall(UInt number, const UWord* arguments, SysRes result);
/* Of the descriptors that the program was given. */
void code_init_descriptors(void);
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
/* Whether the program's string lies in memory that it may read, to its end. */
Bool exec_is_string(Addr string);

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
/* In another process they are said again. */
void notices_forget(void);
/* Before the record of a signal: what the kernel says of it. */
void notices_signal(ThreadId tid, UInt number);

/* ------------------------------------------------------------- process.c */

/* Before and after the core opens its log. */
void process_before_log(void);
void process_after_log(void);
/* Before the program's first instruction. */
void process_begin(void);

/* --------------------------------------------------------- environment.c */

/* Before the program's first instruction. */
void environment_restore(ThreadId tid);

/* ------------------------------------------------------------- trigger.c */

typedef struct {
    const HChar* text; /* as given; null: none */
    const HChar* symbol; /* null: an address */
    Addr address;
    ULong hits_left;
} Trigger;

extern Trigger trigger_from, trigger_until;

/* False if the text is no place. */
Bool trigger_parse(Trigger* trigger, const HChar* text);
/* The trigger that stands at this instruction in the present mode, or null. */
Trigger* trigger_at(Addr address);
/* Adds the check: a side exit to `address` when the trigger's count is reached.
 * Returns the exit statement, not yet added. */
IRStmt* trigger_add_check(IRSB* block, Trigger* trigger, Addr address);
/* The block just run was left at --reven-until. */
Bool trigger_until_reached(void);

#endif
