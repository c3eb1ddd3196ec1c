/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
 *
 * The event stream: what every recorder emits and the trace writer receives.
 * docs/event-stream.md explains it; this header is its one binary definition,
 * shared by the recorders (C) and the engine (C++). Little endian throughout.
 */
#ifndef REVEN_EVENT_STREAM_H
#define REVEN_EVENT_STREAM_H

#ifndef REVEN_NO_STDINT
#include <stdint.h>
#endif

#define REVEN_STREAM_VERSION 3u

/* ------------------------------------------------------------ register file
 * Where each register stands: registers.toml, from which registers.h is made. A stream
 * of a program sends REVEN_REGISTER_FILE_SIZE bytes of it, one of a machine
 * REVEN_MACHINE_FILE_SIZE, the same throughout. */
#include "registers.h"

/* --------------------------------------------------------------- templates
 * A translated block. Payload of a REVEN_TEMPLATE record:
 *   reven_template, then its instructions, nodes and events. */
typedef struct {
    uint32_t id; /* 1 … 2^26 - 1, ascending in the stream */
    uint32_t instruction_count;
    uint32_t node_count;
    uint32_t event_count;
    uint32_t values_size; /* bytes of values that each execution writes */
    uint32_t exit_count;  /* side exits that have an index, ≤ REVEN_MAX_EXIT */
    uint32_t jump_kind;   /* REVEN_JUMP_… of the block's end */
    uint32_t flags;
} reven_template;

enum {
    REVEN_JUMP_BORING = 0,
    REVEN_JUMP_CALL = 1,
    REVEN_JUMP_RET = 2,
    REVEN_JUMP_SYSCALL = 3,
    REVEN_JUMP_OTHER = 4
};

typedef struct {
    uint64_t address;
    uint8_t size;
    uint8_t bytes[15];
} reven_instruction;

/* A value of the block. Nodes only refer to earlier nodes. */
typedef struct {
    uint8_t kind; /* REVEN_NODE_… */
    uint8_t size; /* bytes: 1, 2, 4, 8, 16 or 32 (a one-bit value has size 1) */
    /* REVEN_OP_… for UNARY and BINARY; for CONSTANT 1 if `immediate` is a bit mask
     * with one bit per byte (0 → 00, 1 → ff) */
    uint16_t op;
    /* SLOT: offset in the record; REGISTER: offset in the register file, read at block
     * entry; REGISTER_THEN, INDEXED_THEN: offset in it; else an operand's node */
    uint32_t a;
    /* BINARY: second operand; SELECT: value when the condition is false; SLOT: node that
     * tells what the value came from (of another size than the slot: every bit from every
     * bit), or REVEN_NO_NODE: a LOAD or CAS event gives it. For the value of a LOAD with a
     * guard: what it is if the guard is false. REGISTER_THEN, INDEXED_THEN: number of the
     * template's events before it */
    uint32_t b;
    uint32_t c;   /* SELECT: node of the condition (bit 0); INDEXED_THEN: of the index */
    /* CONSTANT: value; UNARY: 1 if the result is one bit; operations on lanes and FLOW:
     * bytes of an element; INDEXED_THEN: number of elements, and the bias in the upper half */
    uint64_t immediate;
} reven_node;

enum {
    REVEN_NODE_CONSTANT = 1,
    REVEN_NODE_SLOT = 2,
    REVEN_NODE_REGISTER = 3,
    REVEN_NODE_UNARY = 4,
    REVEN_NODE_BINARY = 5,
    REVEN_NODE_SELECT = 6, /* c ? a : b */
    /* The kinds below tell where a value came from, not what it is. A node that
     * refers to one, other than by a slot's `b`, has no value either; no event does. */
    REVEN_NODE_FLOW = 7, /* op is REVEN_FLOW_…; operands a, b, c or REVEN_NO_NODE (nothing) */
    REVEN_NODE_REGISTER_THEN = 8, /* register file [a, size) after the first `b` events */
    /* element (index + bias) mod elements of `size` bytes each, as for SET_INDEXED */
    REVEN_NODE_INDEXED_THEN = 9
};

/* Which bits of a FLOW node come from which bits of its operands. An operand may be
 * the slot of a BULK_LOAD (size 0: all its bytes). Element = `immediate` bytes (of the
 * operands, where those of the result have another size). */
enum {
    REVEN_FLOW_ALL = 1,         /* every bit from every bit */
    REVEN_FLOW_BITS = 2,        /* bit i from bits i: also how two flows are joined */
    REVEN_FLOW_ELEMENTS = 3,    /* element i from elements i */
    REVEN_FLOW_SHIFT_LEFT = 4,  /* bits, of the whole, by the constant whose node is c */
    REVEN_FLOW_SHIFT_RIGHT = 5,
    REVEN_FLOW_INTERLEAVE_LOW = 6, /* of the low halves: element 0 of b, 0 of a, 1 of b … */
    REVEN_FLOW_INTERLEAVE_HIGH = 7,
    REVEN_FLOW_CONCATENATE = 8, /* b in the low half, a in the high half */
    REVEN_FLOW_EXTRACT = 9,     /* element number c (a constant's node) of a */
    REVEN_FLOW_INSERT = 10,     /* a with its element number c replaced by b */
    REVEN_FLOW_NARROW = 11,     /* elements of half the size: b gives the low ones, a the high */
    REVEN_FLOW_WIDEN = 12,      /* element i, of twice the size, from element i of a */
    REVEN_FLOW_PERMUTE = 13,    /* element i is element (b[i] mod count) of a, if b has a value */
    REVEN_FLOW_COUNT
};

/* Results are cut to the node's size. Shift counts above 63 give 0 (SAR: the
 * sign). Comparisons and SEXT take their operands' own sizes. AND, OR, XOR and NOT
 * are of any size, other arithmetic of up to 8 bytes. */
enum {
    REVEN_OP_ADD = 1,
    REVEN_OP_SUB,
    REVEN_OP_AND,
    REVEN_OP_OR,
    REVEN_OP_XOR,
    REVEN_OP_SHL,
    REVEN_OP_SHR,
    REVEN_OP_SAR,
    REVEN_OP_MUL,
    REVEN_OP_NOT,
    REVEN_OP_TRUNCATE,
    REVEN_OP_ZERO_EXTEND,
    REVEN_OP_SIGN_EXTEND,
    REVEN_OP_HIGH_HALF,    /* upper 32 bits of 64 */
    REVEN_OP_CONCATENATE,  /* a:b of 32 bits each into 64 */
    REVEN_OP_EQ,
    REVEN_OP_NE,
    REVEN_OP_LT_SIGNED,
    REVEN_OP_LE_SIGNED,
    REVEN_OP_LT_UNSIGNED,
    REVEN_OP_LE_UNSIGNED,
    REVEN_OP_SAME_BITS,    /* reinterpretation */
    REVEN_OP_VECTOR_LOW,   /* low half: 256 → 128, 128 → 64 */
    REVEN_OP_VECTOR_HIGH,  /* high half */
    REVEN_OP_VECTOR_PAIR,  /* a = high half, b = low half: 64 → 128, 128 → 256 */
    REVEN_OP_VECTOR_ZERO_EXTEND, /* 32 or 64 → 128 */
    REVEN_OP_MUL_HIGH_SIGNED,    /* upper 64 bits of the product of 64 and 64 */
    REVEN_OP_MUL_HIGH_UNSIGNED,
    REVEN_OP_LEADING_ZEROS,  /* of 32 or 64 bits; of 0: their number */
    REVEN_OP_TRAILING_ZEROS,
    REVEN_OP_SIGN_MASK,    /* bit i = top bit of byte i: 128 → 16, 256 → 32 */
    /* On elements (lanes) of `immediate` bytes; element i from elements i alone. */
    REVEN_OP_LANES_ADD,
    REVEN_OP_LANES_SUB,
    REVEN_OP_LANES_MUL,          /* the lower half of each product */
    REVEN_OP_LANES_MUL_LOW_HALVES, /* the product of each element's lower half */
    REVEN_OP_LANES_EQ,           /* all ones or zero, as for the next */
    REVEN_OP_LANES_GT_SIGNED,
    REVEN_OP_LANES_MIN_SIGNED,
    REVEN_OP_LANES_MAX_SIGNED,
    REVEN_OP_LANES_MIN_UNSIGNED,
    REVEN_OP_LANES_MAX_UNSIGNED,
    REVEN_OP_LANES_SHL,          /* every element by the one count b, as for the next two */
    REVEN_OP_LANES_SHR,
    REVEN_OP_LANES_SAR,
    REVEN_OP_INTERLEAVE_LOW,     /* as REVEN_FLOW_INTERLEAVE_…; elements of `immediate` bytes */
    REVEN_OP_INTERLEAVE_HIGH,
    REVEN_OP_PERMUTE,            /* byte i is byte (b[i] mod size) of a, or 0 if b[i] > 127 */
    REVEN_OP_COUNT
};

#define REVEN_NO_NODE 0xffffffffu

/* An effect of the block, in program order. Node fields that do not apply hold
 * REVEN_NO_NODE; an event with a guard happens only if bit 0 of it is set. */
typedef struct {
    uint8_t kind; /* REVEN_EVENT_… */
    uint8_t flags;
    uint16_t instruction; /* index in the template */
    uint16_t offset;      /* of the register file: SET_REGISTER, SET_INDEXED */
    uint16_t size;        /* bytes moved */
    uint32_t address;     /* node: memory address; SET_INDEXED: node of the index */
    uint32_t value;       /* node: what is written, or what a load gave */
    uint32_t guard;       /* node */
    uint32_t x1;
    uint32_t x2;
    /* node: linear (virtual) address of an access to memory, when it is another than
     * `address`, which is the physical one; else REVEN_NO_NODE, as for a program */
    uint32_t x3;
} reven_event;

enum {
    /* register file [offset, size) = value */
    REVEN_EVENT_SET_REGISTER = 1,
    /* register file [offset + ((address + x2) mod x1) * size, size) = value */
    REVEN_EVENT_SET_INDEXED = 2,
    /* value was read (its low `size` bytes, when a guarded load widens) */
    REVEN_EVENT_LOAD = 3,
    REVEN_EVENT_STORE = 4,
    /* compare and swap: value = what was there, x1 = expected, x2 = new. A
     * double one is two events: CAS, then CAS_HIGH for address + size; both
     * swap if both compare equal. CAS_HIGH repeats the address node. */
    REVEN_EVENT_CAS = 5,
    REVEN_EVENT_CAS_HIGH = 6,
    /* side exit: x1 = index k (0: the exit needs none), x2 = flags
     * (REVEN_EXIT_…), value = CONSTANT node with the destination */
    REVEN_EVENT_EXIT = 7,
    /* `size` bytes read or written by a helper; value = a SLOT node whose `a`
     * is their offset in the record (its own size is 0) */
    REVEN_EVENT_BULK_LOAD = 8,
    REVEN_EVENT_BULK_STORE = 9,
    /* `size` (1 to 8) bytes came from or went to a device; address = node of the port,
     * or with REVEN_IO_MEMORY in `flags` of the physical address. Memory stays as it is. */
    REVEN_EVENT_IO_LOAD = 10,
    REVEN_EVENT_IO_STORE = 11
};

enum { REVEN_IO_PORT = 0, REVEN_IO_MEMORY = 1 };

enum {
    /* leaving here, the exit's instruction has completed */
    REVEN_EXIT_RETIRED = 0,
    /* … has had no effect: a fault is delivered or it is restarted */
    REVEN_EXIT_NOT_RETIRED = 1,
    /* the count check of a repeated string instruction found zero: no effect.
     * It is a transition unless it only ends the iterations before it. */
    REVEN_EXIT_REPEAT_END = 2
};

/* -------------------------------------------------------------- executions
 * One 32-bit header each: template id << 6 | k. k = 0: ran to its end; 1 … 61:
 * left at that side exit. In the trace on disk the writer resolves two more: */
#define REVEN_EXIT_BITS 6
#define REVEN_MAX_EXIT 61u
#define REVEN_CUT 62u     /* cut by a fault at the ip of the next SIGNAL or END */
#define REVEN_NOTHING 63u /* ends the iterations of a repeat: no transition */

/* ---------------------------------------------------------- control records
 * Header, then payload, padded with zeros to 8 bytes. `position` = number of
 * block executions in the stream before the record. Records are in order. */
typedef struct {
    uint32_t type;
    uint32_t thread;   /* the recorder's thread number, from 1; 0 = none */
    uint64_t position;
    uint64_t size;     /* of the payload, without padding */
} reven_record;

enum {
    REVEN_TEMPLATE = 1,
    /* Register file of the current thread (`thread`) here, for random access
     * and for checking. First record of every batch (except templates). */
    REVEN_KEY_FRAME = 2,
    /* `thread` runs from here. reven_switch, then its register file. */
    REVEN_SWITCH = 3,
    /* The current thread's register file, whole: after a signal */
    REVEN_REGISTERS = 4,
    /* Changes by the kernel: repeated { u16 offset, u16 size, u32 0, bytes padded to 8 } */
    REVEN_REGISTER_PATCH = 5,
    REVEN_MEMORY = 6,        /* reven_memory, then bytes */
    REVEN_MAP = 7,           /* reven_map, then the path or a name such as [stack] */
    REVEN_UNMAP = 8,         /* reven_range */
    REVEN_PROTECT = 9,       /* reven_map without a path: address, size, protection */
    REVEN_REMAP = 10,        /* reven_remap: contents move */
    REVEN_SYSCALL_ENTER = 11, /* u64 number, u64 arguments[6] */
    REVEN_SYSCALL_EXIT = 12,  /* u64 number, i64 result (negative errno) */
    REVEN_SIGNAL = 13,        /* reven_signal */
    REVEN_THREAD_START = 14,  /* u64 thread that `thread` created */
    REVEN_THREAD_EXIT = 15,   /* empty */
    REVEN_SNAPSHOT_END = 16,  /* the MAP and MEMORY records of the initial image end */
    REVEN_END = 17,           /* reven_end */
    REVEN_INTERRUPT = 18,     /* reven_interrupt, then REGISTERS and MEMORY (the frame) */
    /* Memory that the kernel read for a system call of `thread`: 1 to 4096 reven_range, each
     * smaller than 4 GiB */
    REVEN_KERNEL_READ = 19,
    /* What the program met that the recorder does otherwise than the processor or the
     * kernel: reven_notice, then text. At any moment, once for each kind and detail. */
    REVEN_NOTICE = 32,
    /* What the kernel says of the signal of the next SIGNAL or END record: reven_signal_info */
    REVEN_SIGNAL_INFO = 33,
    /* A mark that the program sets here: its text. The writer notes where it stands, and does
     * not store the record. */
    REVEN_MARK = 34
};

typedef struct {
    uint32_t previous_thread; /* 0: none */
    uint32_t reserved;
    uint64_t previous_ip; /* where the previous thread will go on */
} reven_switch;

typedef struct {
    uint64_t address;
    uint32_t cause; /* REVEN_CAUSE_… */
    /* ALIAS: the page that was stored to is so many pages further on; 0: too far to tell */
    int32_t alias;
} reven_memory; /* the number of bytes is the payload's size less this header */

enum {
    REVEN_CAUSE_IMAGE = 1, /* contents of a new mapping, or of the initial image */
    REVEN_CAUSE_SYSCALL = 2,
    REVEN_CAUSE_SIGNAL_FRAME = 3,
    REVEN_CAUSE_THREAD_EXIT = 4, /* the kernel clears the thread id word */
    REVEN_CAUSE_OTHER = 5,
    REVEN_CAUSE_ALIAS = 6, /* a store to the same page at another address */
    REVEN_CAUSE_OUTSIDE = 7, /* another process or the kernel, seen first here */
    REVEN_CAUSE_FILE = 8, /* somebody else wrote to the mapped file */
    REVEN_CAUSE_DEVICE = 9, /* direct memory access, seen first here */
    REVEN_CAUSE_PAGE_TABLE = 10, /* accessed and dirty bits that the processor set */
    /* code that was left out of the record, since the instruction before */
    REVEN_CAUSE_NOT_RECORDED = 11
};

typedef struct {
    uint64_t address;
    uint64_t size;
    uint32_t protection; /* 1 read, 2 write, 4 execute */
    uint32_t kind; /* REVEN_MAP_… */
    uint64_t file_offset;
} reven_map;

enum {
    REVEN_MAP_ZERO = 1, /* contents: zeros, then what MEMORY records say */
    REVEN_MAP_UNKNOWN = 2 /* contents: only what MEMORY records, loads and stores say */
};

typedef struct {
    uint64_t address;
    uint64_t size;
} reven_range;

typedef struct {
    uint64_t from;
    uint64_t to;
    uint64_t size;
} reven_remap;

typedef struct {
    uint32_t number;
    uint32_t synchronous; /* 1: the last execution was cut at `ip` by a fault */
    uint64_t ip; /* of the interrupted or faulting instruction */
    uint64_t handler; /* 0 if unknown */
} reven_signal;

typedef struct {
    uint32_t vector;
    uint32_t synchronous; /* 1: the instruction at `ip` caused it, and has had no effect */
    uint64_t error_code; /* 0 if the vector has none */
    uint64_t ip; /* of the interrupted or faulting instruction */
    uint64_t handler; /* first instruction of the handler; 0 if unknown */
    uint32_t cs; /* of the interrupted code */
    uint32_t reserved;
} reven_interrupt;

typedef struct {
    uint32_t kind; /* REVEN_NOTICE_… */
    uint32_t detail; /* depends on the kind */
    uint64_t ip; /* of the instruction that met it; 0: none */
    uint64_t value; /* depends on the kind */
} reven_notice;

enum {
    /* another program was executed and runs unrecorded; text: its path, detail: why */
    REVEN_NOTICE_NOT_FOLLOWED = 1,
    /* the program set or read its SSE control register, which the recorder does not apply to
     * all; detail: to what not */
    REVEN_NOTICE_FLOATING_POINT = 2,
    /* x87 arithmetic: computed with 53 bits; detail 1: exception flags that the program set
     * are lost */
    REVEN_NOTICE_X87 = 3,
    /* a child that shares the memory of its parent; detail: what is otherwise */
    REVEN_NOTICE_LENT_MEMORY = 4,
    /* an instruction that the recorder does not execute; the program handles the signal that
     * it got for it. Text: its bytes, in hexadecimal */
    REVEN_NOTICE_NOT_EXECUTED = 5,
    /* memory that others changed at `value`: too much at once, or where the recorder cannot
     * see it; detail: which */
    REVEN_NOTICE_UNSEEN_CHANGE = 6,
    /* a system call, detail: its number, was answered with ENOSYS */
    REVEN_NOTICE_SYSTEM_CALL = 7,
    /* code was left out; text: what was asked for, detail: its number, value: 1 if only that
     * was to be recorded */
    REVEN_NOTICE_LEFT_OUT = 8,
    /* the program asked to be traced, traced another, or single-stepped itself; detail: which */
    REVEN_NOTICE_TRACED = 9
};

enum { REVEN_TRACED_NOT = 1, REVEN_TRACED_RECORDER = 2, REVEN_TRACED_STEPS = 3 };

/* More changes of shared memory by one block than a slot has room for; a mapping of the same
 * pages at a second address that could not be made (mremap of size 0). */
enum { REVEN_UNSEEN_TOO_MUCH = 1, REVEN_UNSEEN_REMAP = 2 };

/* Parent and child took turns; have descriptors of their own; the child's mappings at
 * `value` are not the parent's; the child was killed, and what it wrote is lost. */
enum {
    REVEN_LENT_MEMORY_IN_TURN = 1,
    REVEN_LENT_MEMORY_FILES = 2,
    REVEN_LENT_MEMORY_MAPPED = 3,
    REVEN_LENT_MEMORY_LOST = 4
};

enum { REVEN_X87_FLAGS = 1 };

enum {
    REVEN_FLOATING_POINT_FUSED = 1, /* fused multiply-add */
    REVEN_FLOATING_POINT_CONVERSION = 2 /* the exception flags of conversions */
};

/* Why a program was not followed. Out of reach: the recorder, for a process that has
 * another root folder or user. */
enum {
    REVEN_NOT_FOLLOWED_SET_USER_ID = 1,
    REVEN_NOT_FOLLOWED_ARCHITECTURE = 2,
    REVEN_NOT_FOLLOWED_OUT_OF_REACH = 3,
    REVEN_NOT_FOLLOWED_FORK = 4 /* no program, but a fork of the process, out of reach */
};

typedef struct {
    uint32_t number;
    int32_t code; /* si_code */
    uint64_t address; /* si_addr, of a fault */
    uint32_t sender; /* si_pid, of a signal that a process sent */
    uint32_t user; /* si_uid */
} reven_signal_info;

typedef struct {
    uint32_t reason; /* REVEN_END_… */
    int32_t code; /* exit status, or signal number */
    uint32_t synchronous; /* as in reven_signal */
    uint32_t thread;
    uint64_t ip; /* where `thread` was */
} reven_end;

enum {
    REVEN_END_EXIT = 1,
    REVEN_END_SIGNAL = 2,
    /* another program replaced it. A recorder cannot send this, since a successful
     * execve does not return: a stream that ends in REVEN_SYSCALL_ENTER of execve or
     * execveat, or whose process says hello again, ended so. */
    REVEN_END_EXEC = 3,
    REVEN_END_UNTIL = 4, /* the chosen end was reached; the program goes on */
    REVEN_END_LIMIT = 5, /* the chosen number of transitions was reached */
    REVEN_END_SOURCE = 6 /* what it was imported from ends here */
};

/* ----------------------------------------------------------- live transport
 * A recorder connects to the writer's Unix stream socket and sends reven_hello
 * followed by `text_size` bytes of text. The writer answers with reven_welcome and, as
 * ancillary data (SCM_RIGHTS), a descriptor, which "/proc/<writer_pid>/fd/<ring_fd>" is
 * too; the recorder maps `ring_size` bytes of it:
 * reven_ring_header at 0, then `slot_count` slots of `slot_size` bytes at
 * `first_slot`. A slot: headers at 0, values at `values_offset`, control records
 * at `control_offset`. The headers area starts at a multiple of
 * REVEN_KEY_INTERVAL * 4 bytes in memory.
 *
 * The recorder fills slot number `produced mod slot_count`, then increments
 * `produced` (release). The writer frees in order by incrementing `consumed`.
 * Whoever finds nothing to do sets its waiting flag, looks again, and blocks
 * reading the socket; the other, after its increment, sends one byte if the
 * flag was set. End of file on the socket means that the other has gone. What a
 * recorder that died had filled up to its last key frame is in the slot's
 * header, `salvage_…`. */
#define REVEN_KEY_INTERVAL 2048u /* executions between key frames */
#define REVEN_SLOT_EXECUTIONS 32768u
#define REVEN_MAX_VALUES 16384u /* largest values_size of a template */
#define REVEN_HELLO_MAGIC 0x52455645u

typedef struct {
    uint32_t magic;
    uint32_t version; /* REVEN_STREAM_VERSION */
    uint32_t pid;
    uint32_t parent_pid;
    /* 1: this process is a fork of the stream `parent_pid`, whose templates up to
     * `template_count` it shares */
    uint32_t forked;
    uint32_t template_count;
    uint32_t text_size;
    uint16_t kind; /* REVEN_KIND_… */
    uint16_t register_file_size; /* bytes; 0: REVEN_REGISTER_FILE_SIZE */
    /* text: NUL-terminated strings: recorder name and version; program path, or a
     * machine's name; the architecture (REVEN_ARCHITECTURE) and the processor's features,
     * separated by spaces, of a machine also model=… and ram=bytes; then the arguments */
} reven_hello;

enum { REVEN_KIND_PROGRAM = 0, REVEN_KIND_MACHINE = 1 };

typedef struct {
    uint32_t magic;
    uint32_t accepted; /* 0: go on without recording */
    uint32_t writer_pid;
    uint32_t ring_fd;
    uint64_t ring_size;
} reven_welcome;

typedef struct {
    uint64_t first_slot;
    uint64_t slot_size;
    uint64_t values_offset;
    uint64_t values_size; /* ≥ what REVEN_KEY_INTERVAL largest records take, and 4 MiB */
    uint64_t control_offset;
    uint64_t control_size;
    uint32_t slot_count;
    uint32_t stop; /* set by the writer: record no more */
    uint32_t pause; /* set by the writer: leave out what runs, until it is 0 again */
    /* set by the writer: begin again, with the image that memory then holds, so that what
     * came before can be dropped; cleared by the recorder */
    uint32_t renew;
    uint64_t reserved[7];
    /* each on a cache line of its own */
    uint64_t produced, produced_pad[7];
    uint64_t consumed, consumed_pad[7];
    uint32_t writer_waits, writer_pad[15];
    uint32_t recorder_waits, recorder_pad[15];
    struct {
        uint64_t first_execution; /* stream position of the slot's first header */
        uint32_t executions;
        uint32_t values_size;
        uint32_t control_size;
        uint32_t salvage_executions; /* as of the slot's last key frame */
        uint32_t salvage_values_size;
        uint32_t salvage_control_size;
    } slot[16];
} reven_ring_header;

#endif
