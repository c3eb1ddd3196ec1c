/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Builds the template of a block from VEX's IR, for any recorder that runs or lifts with VEX.
 * The recorder supplies `template_send`, and Valgrind's VG_(memset), VG_(memcpy),
 * VG_(strncmp), VG_(tool_panic).
 *
 *   registers.c   VEX's guest state as the stream's register file
 *   template.c    a block's values and events
 *   operations.c  which of VEX's operations the reader computes
 *   flow.c        where the values come from that it cannot compute
 *   flow_operations.c  how data flow through VEX's operations
 */
#ifndef REVEN_TEMPLATE_BUILDER_H
#define REVEN_TEMPLATE_BUILDER_H

#include "event_stream.h"
#include "libvex_guest_amd64.h"
#include "pub_tool_basics.h"
#include "pub_tool_libcassert.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_tooliface.h"

/* ----------------------------------------------------------- registers.c */

void registers_init(void);
/* Offset in the register file of a byte of the guest state; -1: not in it. */
Int registers_offset(Int guest_offset);
void registers_translate(const UChar* guest_state, UChar* file);
/* Writes what differs as the payload of a REVEN_REGISTER_PATCH; its size. */
#define REGISTERS_PATCH_MAX (2 * REVEN_REGISTER_FILE_SIZE)
UInt registers_difference(const UChar* from, const UChar* to, UChar* patch);

/* ------------------------------------------------------------ template.c */

void template_begin(IRSB* block, UInt id);
UInt template_id(void);
/* Room for one more instruction, whatever it does. */
Bool template_has_room(void);
/* `bytes`: its encoding, `size` of them. */
void template_instruction(Addr address, UInt size, const UChar* bytes);
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
/* Supplied by the recorder: sends a template, whose instructions, nodes and events follow. */
void template_send(const reven_template* header, const UChar* rest, SizeT size);
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

#endif
