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
