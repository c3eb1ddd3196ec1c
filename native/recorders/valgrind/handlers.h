/* SPDX-License-Identifier: GPL-2.0-or-later
 * The core's handlers of system calls, which the linker directs here (--wrap). */
#ifndef REVEN_HANDLERS_H
#define REVEN_HANDLERS_H

#include "recorder.h"

typedef struct {
    Word number;
    UWord arguments[8];
} CallArguments;

typedef struct {
    enum { COMPLETE = 1 } what;
    SysRes result;
} CallStatus;

typedef struct {
    void (*before)(ThreadId tid, void* layout, CallArguments* call, CallStatus* status,
                   UWord* flags);
    void (*after)(ThreadId tid, CallArguments* call, CallStatus* status);
} CallEntry;

/* How the core carries out a call. */
#define MAY_BLOCK (1u << 1)
#define POLL_AFTER (1u << 3)

/* In libcoregrind, though not in the headers for tools. */
extern SysRes vgPlain_mk_SysRes_Error(UWord error);
extern SysRes vgPlain_mk_SysRes_Success(UWord result);

/* The handlers of a call, filters aside. */
const CallEntry* passed_calls_entry(UInt number);
/* Those that filters need; null: none. */
const CallEntry* seccomp_entry(UInt number);

/* The core reads what it takes for a path without a look at whether it can: what is none is
 * left to the kernel, which refuses it. */
Bool process_refuses(Addr path, const CallArguments* call, CallStatus* status);

#define HANDLER(name)                                                                             \
    extern void __real_##name(ThreadId, void* layout, CallArguments*, CallStatus*, UWord* flags); \
    extern void __wrap_##name(ThreadId, void* layout, CallArguments*, CallStatus*, UWord* flags); \
    void __wrap_##name(ThreadId tid, void* layout, CallArguments* call, CallStatus* status,       \
                       UWord* flags)

#define AFTER(name)                                                   \
    extern void __real_##name(ThreadId, CallArguments*, CallStatus*); \
    extern void __wrap_##name(ThreadId, CallArguments*, CallStatus*); \
    void __wrap_##name(ThreadId tid, CallArguments* call, CallStatus* status)

#endif
