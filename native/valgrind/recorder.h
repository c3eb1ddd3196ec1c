/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The parts of the recorder and what they offer each other.
 *
 *   main.c        options, start and end of the process
 *   ring.c        the connection to the writer and the slots it shares
 *   record.c      control records
 *   registers.c   VEX's guest state as the stream's register file
 *   threads.c     which thread runs, what the kernel did to it, signals, fork
 *   memory.c      mappings and their contents
 *   template.c    a block's values and events
 *   operations.c  which of VEX's operations the reader computes
 *   flow.c        where the values come from that it cannot compute
 *   flow_operations.c  how data flow through VEX's operations
 *   instrument.c  the code that VEX adds to a block
 *   trigger.c     --reven-from and --reven-until
 *   exec.c        programs that the program executes
 *   environment.c the environment that the program gets
 */
#ifndef REVEN_RECORDER_H
#define REVEN_RECORDER_H

#include "../event_stream/event_stream.h"
#include "libvex_guest_amd64.h"
#include "pub_tool_basics.h"
#include "pub_tool_libcassert.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_tooliface.h"
#include "pub_tool_vki.h"

/* ---------------------------------------------------------------- main.c */

typedef enum {
    WAITING, /* --reven-from has not been reached */
    RECORDING,
    STOPPED /* nothing is recorded any more */
} Mode;

extern Mode mode;
extern const HChar* option_socket;
extern Bool option_follow;

/* Record no more; the program goes on without instrumentation. */
void stop_recording(void);

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

/* ----------------------------------------------------------- registers.c */

void registers_init(void);
/* Offset in the register file of a byte of the guest state; -1: not in it. */
Int registers_offset(Int guest_offset);
void registers_translate(const UChar* guest_state, UChar* file);
void registers_read(ThreadId tid, UChar* file);
/* Writes what differs as the payload of a REVEN_REGISTER_PATCH; its size. */
#define REGISTERS_PATCH_MAX (2 * REVEN_REGISTER_FILE_SIZE)
UInt registers_difference(const UChar* from, const UChar* to, UChar* patch);

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

/* ------------------------------------------------------------ template.c */

void template_begin(IRSB* block, UInt id);
UInt template_id(void);
/* Room for one more instruction, whatever it does. */
Bool template_has_room(void);
void template_instruction(Addr address, UInt size);
/* An event of the current instruction. */
reven_event* template_event(UInt kind);
/* Events so far. */
UInt template_event_count(void);
UInt template_node(UInt kind, UInt size, UInt op, UInt a, UInt b, UInt c, ULong immediate);
/* A definition that later values may be derived from. */
void template_define(IRTemp temp, IRExpr* expression);
IRExpr* template_definition(IRTemp temp);
/* The node of an atom's value if something tells it, else REVEN_NO_NODE. */
UInt template_known(IRExpr* atom);
/* The node of an atom's value; stores it to the record if nothing tells it. */
UInt template_value(IRExpr* atom);
/* The node of a guard; REVEN_NO_NODE if it is always true. */
UInt template_guard(IRExpr* guard);
UInt template_constant(IRConst* constant);
/* A value of the record that the caller stores; where it came from; its offset. */
UInt template_slot(UInt size, UInt flow, UInt* offset);
UInt template_bulk_slot(UInt size, UInt flow, UInt* offset);
IRExpr* template_slot_address(UInt offset);
/* Guest registers hold a node's value from here; REVEN_NO_NODE: an unknown one. */
void template_wrote(Int guest_offset, UInt size, UInt node);
void template_set_cursor(IRTemp values);
UInt template_next_exit(void);
/* Sends the template; returns its record size. */
UInt template_end(UInt jump_kind);
UInt type_size(IRType type);
/* Number of templates made so far. */
extern UInt template_count;

/* ---------------------------------------------------------- operations.c */

void operations_init(void);
/* An operand can be told from the result and the other operand. */
Bool operation_is_invertible(IROp vex);
/* The node of an operand, or REVEN_NO_NODE. */
typedef UInt (*Operand)(IRExpr* atom, UInt depth);
/* The node that computes an expression from its operands' nodes; REVEN_NO_NODE: an operand
 * has none, or the reader cannot compute it. */
UInt operation_node(IRExpr* e, IRType type, Operand operand, UInt depth);

/* ---------------------------------------------------------------- flow.c */

#define MOST_TEMPS 20000

void flow_begin(IRSB* block);
/* The temporary is defined here, among the events. */
void flow_define(IRTemp temp);
/* Says where the value of a temporary without a definition comes from. */
void flow_set(IRTemp temp, UInt flow);
/* The node that tells where a temporary's value comes from; REVEN_NO_NODE: an event. */
UInt flow_of_definition(IRTemp temp);
/* The node of an atom's value, or else of where it comes from. */
UInt flow_of(IRExpr* atom);
/* Of all that a helper leaves; `memory`: the node of what it read, or REVEN_NO_NODE. */
UInt flow_of_helper(const IRDirty* helper, UInt memory);

/* ----------------------------------------------------- flow_operations.c */

/* How the bits of an operation's result come from those of its operands. */
typedef enum {
    FLOW_ALL,      /* every one from every one */
    FLOW_BITS,     /* each from the same ones */
    FLOW_ELEMENTS, /* each element from the same ones */
    FLOW_COUNTED,  /* the first operand's elements, each by the second, a scalar */
    FLOW_LOWEST, /* the lowest element from the lowest ones, the others are the first operand's */
    FLOW_UNARY, /* REVEN_FLOW_… `part` of one operand */
    FLOW_BINARY, /* … of two */
    FLOW_NARROW, /* REVEN_FLOW_NARROW of one or two */
    FLOW_SHIFT, /* REVEN_FLOW_… `part` if the count is constant */
    FLOW_PART, /* element number `part` */
    FLOW_INSERT, /* the first operand with its lowest element replaced by the second */
    FLOW_FOUR /* the four operands side by side */
} Flow;

void flow_operations_init(void);
Flow flow_operation(IROp vex, UInt* element, UInt* part);

/* ---------------------------------------------------------- instrument.c */

IRSB* instrument(VgCallbackClosure* closure, IRSB* in, const VexGuestLayout* layout,
                 const VexGuestExtents* extents, const VexArchInfo* host, IRType guest_word,
                 IRType host_word);

/* ---------------------------------------------------------------- exec.c */

/* An execve of this path begins; it failed. */
void exec_begins(Addr path);
void exec_failed(void);

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
