/* SPDX-License-Identifier: GPL-2.0-or-later
 * System calls that the core does not know and would answer with ENOSYS: those that neither
 * map memory nor begin threads go to the kernel as they are; for others the trace says that
 * the program met them. */
#include "handlers.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_machine.h"
#include "pub_tool_vkiscnums.h"

#define NOT_THERE 38 /* ENOSYS */

/* Numbers that the headers of C do not all have. */
enum {
    USTAT = 136,
    SYSFS = 139,
    SWAPON = 167,
    SWAPOFF = 168,
    SETDOMAINNAME = 171,
    MIGRATE_PAGES = 256,
    MLOCK2 = 325,
    IO_PGETEVENTS = 333,
    RSEQ = 334,
    PIDFD_SEND_SIGNAL = 424,
    OPEN_TREE = 428,
    MOVE_MOUNT,
    FSOPEN,
    FSCONFIG,
    FSMOUNT,
    FSPICK,
    PIDFD_OPEN,
    CLONE3,
    CLOSE_RANGE,
    OPENAT2,
    PIDFD_GETFD,
    FACCESSAT2,
    PROCESS_MADVISE,
    EPOLL_PWAIT2,
    MOUNT_SETATTR,
    QUOTACTL_FD,
    LANDLOCK_CREATE_RULESET,
    LANDLOCK_ADD_RULE,
    LANDLOCK_RESTRICT_SELF,
    MEMFD_SECRET,
    PROCESS_MRELEASE,
    FUTEX_WAITV,
    SET_MEMPOLICY_HOME_NODE,
    CACHESTAT,
    FCHMODAT2,
    MAP_SHADOW_STACK,
    FUTEX_WAKE,
    FUTEX_WAIT,
    FUTEX_REQUEUE,
    STATMOUNT,
    LISTMOUNT,
    LSM_GET_SELF_ATTR,
    LSM_SET_SELF_ATTR,
    LSM_LIST_MODULES,
    MSEAL,
    SETXATTRAT,
    GETXATTRAT,
    LISTXATTRAT,
    REMOVEXATTRAT,
    OPEN_TREE_ATTR,
    FILE_GETATTR,
    FILE_SETATTR,
    LISTNS
};

static Bool can_be_passed(UInt number) {
    switch (number) {
        case USTAT:
        case SYSFS:
        case SWAPON:
        case SWAPOFF:
        case SETDOMAINNAME:
        case MIGRATE_PAGES:
        case MLOCK2:
        case IO_PGETEVENTS:
        case PIDFD_SEND_SIGNAL:
            return True;
        case CLONE3: /* the core must know of threads */
        case CLOSE_RANGE: /* … and of descriptors that are its own */
        case MAP_SHADOW_STACK: /* … and of memory */
            return False;
        default:
            return number >= OPEN_TREE && number <= LISTNS;
    }
}

/* The kernel itself has none of these, or who calls it does as well without: the C library
 * asks for rseq and clone3 each time. */
static Bool is_usual(UInt number) {
    switch (number) {
        case RSEQ:
        case CLONE3:
        case 219: /* restart_syscall, which is the kernel's to make */
        case 134: /* uselib */
        case 156: /* _sysctl */
        case 174: /* create_module */
        case 177: /* get_kernel_syms */
        case 178: /* query_module */
        case 180: /* nfsservctl */
        case 205: /* set_thread_area */
        case 211: /* get_thread_area */
        case 212: /* lookup_dcookie */
        case 214: /* epoll_ctl_old */
        case 215: /* epoll_wait_old */
        case 236: /* vserver */
            return True;
        default:
            return number >= 181 && number <= 185; /* getpmsg … security */
    }
}

/* A word of the program's, or 0. */
static UInt word32(Addr address) {
    return VG_(am_is_valid_for_client)(address, 4, VKI_PROT_READ) ? *(UInt*)address : 0;
}

static Addr word64(Addr address) {
    return VG_(am_is_valid_for_client)(address, 8, VKI_PROT_READ) ? *(Addr*)address : 0;
}

/* What the kernel reads, which the core announces for the calls that it knows. */
static void note_reads(ThreadId tid, UInt number, const UWord* a) {
    switch (number) {
        case SYSFS:
            if (a[0] == 1) kernel_reads_note_string(tid, a[1]);
            break;
        case SWAPON:
        case SWAPOFF:
            kernel_reads_note_string(tid, a[0]);
            break;
        case SETDOMAINNAME:
            kernel_reads_note(tid, a[0], (UInt)a[1]);
            break;
        case MIGRATE_PAGES:
            kernel_reads_note(tid, a[2], (a[1] + 7) / 8);
            kernel_reads_note(tid, a[3], (a[1] + 7) / 8);
            break;
        case IO_PGETEVENTS:
            kernel_reads_note(tid, a[4], 16);
            kernel_reads_note(tid, a[5], 16);
            if (a[5] != 0) kernel_reads_note(tid, word64(a[5]), 8);
            break;
        case PIDFD_SEND_SIGNAL:
            kernel_reads_note(tid, a[2], 128);
            break;
        case OPEN_TREE:
        case FSPICK:
        case FACCESSAT2:
        case FCHMODAT2:
        case LISTXATTRAT:
        case FILE_GETATTR:
            kernel_reads_note_string(tid, a[1]);
            break;
        case MOVE_MOUNT:
            kernel_reads_note_string(tid, a[1]);
            kernel_reads_note_string(tid, a[3]);
            break;
        case FSOPEN:
            kernel_reads_note_string(tid, a[0]);
            break;
        case FSCONFIG:
            kernel_reads_note_string(tid, a[2]);
            if (a[1] == 2) /* FSCONFIG_SET_BINARY */
                kernel_reads_note(tid, a[3], (UInt)a[4]);
            else if (a[1] == 1 || a[1] == 3 || a[1] == 4) /* a string or a path */
                kernel_reads_note_string(tid, a[3]);
            break;
        case OPENAT2:
            kernel_reads_note_string(tid, a[1]);
            kernel_reads_note(tid, a[2], a[3]);
            break;
        case PROCESS_MADVISE:
            kernel_reads_note(tid, a[1], 16 * a[2]);
            break;
        case EPOLL_PWAIT2:
            kernel_reads_note(tid, a[3], 16);
            kernel_reads_note(tid, a[4], 8);
            break;
        case MOUNT_SETATTR:
        case OPEN_TREE_ATTR:
            kernel_reads_note_string(tid, a[1]);
            kernel_reads_note(tid, a[3], a[4]);
            break;
        case LANDLOCK_CREATE_RULESET:
            kernel_reads_note(tid, a[0], a[1]);
            break;
        case LANDLOCK_ADD_RULE:
            kernel_reads_note(tid, a[2], a[1] == 1 ? 12 : 16);
            break;
        case FUTEX_WAITV:
            kernel_reads_note(tid, a[0], 24 * (SizeT)(UInt)a[1]);
            kernel_reads_note(tid, a[3], 16);
            break;
        case FUTEX_WAIT:
            kernel_reads_note(tid, a[0], 4);
            kernel_reads_note(tid, a[4], 16);
            break;
        case FUTEX_REQUEUE:
            kernel_reads_note(tid, a[0], 48);
            break;
        case CACHESTAT:
            kernel_reads_note(tid, a[1], 16);
            break;
        case STATMOUNT:
        case LISTMOUNT:
        case LISTNS:
            kernel_reads_note(tid, a[0], word32(a[0]));
            break;
        case LSM_GET_SELF_ATTR:
            kernel_reads_note(tid, a[2], 4);
            break;
        case LSM_LIST_MODULES:
            kernel_reads_note(tid, a[1], 4);
            break;
        case LSM_SET_SELF_ATTR:
            kernel_reads_note(tid, a[1], (UInt)a[2]);
            break;
        case SETXATTRAT:
            kernel_reads_note_string(tid, a[1]);
            kernel_reads_note_string(tid, a[3]);
            kernel_reads_note(tid, a[4], a[5]);
            kernel_reads_note(tid, word64(a[4]), word32(a[4] + 8));
            break;
        case GETXATTRAT:
            kernel_reads_note_string(tid, a[1]);
            kernel_reads_note_string(tid, a[3]);
            kernel_reads_note(tid, a[4], a[5]);
            break;
        case REMOVEXATTRAT:
            kernel_reads_note_string(tid, a[1]);
            kernel_reads_note_string(tid, a[3]);
            break;
        case FILE_SETATTR:
            kernel_reads_note_string(tid, a[1]);
            kernel_reads_note(tid, a[2], a[3]);
            break;
        default:
            break;
    }
}

static void pass(ThreadId tid, void* layout, CallArguments* call, CallStatus* status,
                 UWord* flags) {
    (void)layout;
    (void)status;
    note_reads(tid, call->number, call->arguments);
    *flags |= MAY_BLOCK | POLL_AFTER;
}

static void refuse(ThreadId tid, void* layout, CallArguments* call, CallStatus* status,
                   UWord* flags) {
    (void)layout;
    (void)flags;
    if (!is_usual(call->number))
        notice(REVEN_NOTICE_SYSTEM_CALL, call->number, VG_(get_IP)(tid), 0, NULL);
    status->what = COMPLETE;
    status->result = vgPlain_mk_SysRes_Error(NOT_THERE);
}

/* Of ptrace and mmap. */
extern void traced_before(ThreadId, void*, CallArguments*, CallStatus*, UWord*);
extern void mapped_before(ThreadId, void*, CallArguments*, CallStatus*, UWord*);
/* The linker directs the core's calls here (--wrap). */
extern void vgSysWrap_generic_sys_ni_syscall_before(ThreadId, void*, CallArguments*, CallStatus*,
                                                    UWord*);
extern const CallEntry* __real_vgModuleLocal_get_linux_syscall_entry(UInt number);
extern const CallEntry* __wrap_vgModuleLocal_get_linux_syscall_entry(UInt number);

const CallEntry* passed_calls_entry(UInt number) {
    static const CallEntry passed = {pass, NULL}, refused = {refuse, NULL};
    static CallEntry traced = {traced_before, NULL}, mapped = {mapped_before, NULL};
    const CallEntry* known = __real_vgModuleLocal_get_linux_syscall_entry(number);
    /* The core's table and these handlers are in one object, where the linker directs nothing. */
    CallEntry* own = number == __NR_ptrace ? &traced : number == __NR_mmap ? &mapped : NULL;
    if (own != NULL && known != NULL) {
        own->after = known->after;
        return own;
    }
    if (known != NULL && known->before != vgSysWrap_generic_sys_ni_syscall_before) return known;
    return can_be_passed(number) ? &passed : &refused;
}

const CallEntry* __wrap_vgModuleLocal_get_linux_syscall_entry(UInt number) {
    const CallEntry* confined = seccomp_entry(number);
    return confined != NULL ? confined : passed_calls_entry(number);
}
