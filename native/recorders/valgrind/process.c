/* SPDX-License-Identifier: GPL-2.0-or-later
 * The program's process as it would be without the recorder: its name, its descriptors,
 * and what it reads of itself in /proc. */
#include "handlers.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_clientstate.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_machine.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_vkiscnums.h"

/* In libcoregrind, though not in the headers for tools. */
extern SysRes vgPlain_do_syscall(UWord, UWord, UWord, UWord, UWord, UWord, UWord, UWord, UWord);
extern Bool vgPlain_extend_stack(ThreadId tid, Addr address);
extern struct {
    Int fd;
} vgPlain_log_output_sink;

#define PR_SET_NAME 15
#define LONGEST_NAME 15 /* of a process */
#define BELOW_STACK 512

/* ----------------------------------------------------- descriptors and name */

/* The core keeps its own descriptors out of the program's way, but for the first one of its
 * log, which it leaves open when it has made another. */
static Int lowest_free = -1;

void process_before_log(void) {
    lowest_free = VG_(fd_open)("/dev/null", VKI_O_RDONLY, 0);
    if (lowest_free >= 0) VG_(close)(lowest_free);
}

void process_after_log(void) {
    struct vg_stat left, log;
    if (lowest_free < 0 || vgPlain_log_output_sink.fd == lowest_free) return;
    if (VG_(fstat)(lowest_free, &left) == 0 && VG_(fstat)(vgPlain_log_output_sink.fd, &log) == 0 &&
        left.dev == log.dev && left.ino == log.ino)
        VG_(close)(lowest_free);
}

/* The core ends a fork that cannot make a log of its own, because it has another user or root
 * folder: it writes to its parent's. The linker directs the core's calls here (--wrap). */
static const HChar parents_log[] = "reven: the log of the parent";

extern HChar* __real_vgPlain_expand_file_name(const HChar* option, const HChar* format);
extern HChar* __wrap_vgPlain_expand_file_name(const HChar* option, const HChar* format);
extern SysRes __real_vgPlain_open(const HChar* path, Int flags, Int mode);
extern SysRes __wrap_vgPlain_open(const HChar* path, Int flags, Int mode);

HChar* __wrap_vgPlain_expand_file_name(const HChar* option, const HChar* format) {
    HChar* path = __real_vgPlain_expand_file_name(option, format);
    /* In a fork the core now moves the descriptor of its log, until the program goes on. */
    limits_lift();
    SysRes made = __real_vgPlain_open(path, VKI_O_CREAT | VKI_O_WRONLY, 0600);
    if (sr_isError(made)) return VG_(strdup)("reven.log", parents_log);
    VG_(close)(sr_Res(made));
    return path;
}

SysRes __wrap_vgPlain_open(const HChar* path, Int flags, Int mode) {
    if (VG_(strcmp)(path, parents_log) == 0) return VG_(dup)(vgPlain_log_output_sink.fd);
    return __real_vgPlain_open(path, flags, mode);
}

void process_begin(void) {
    const HChar* path = VG_(args_the_exename);
    const HChar* slash = VG_(strrchr)(path, '/');
    HChar name[LONGEST_NAME + 1];
    VG_(strncpy)(name, slash == NULL ? path : slash + 1, LONGEST_NAME);
    name[LONGEST_NAME] = 0;
    vgPlain_do_syscall(__NR_prctl, PR_SET_NAME, (UWord)name, 0, 0, 0, 0, 0, 0);
}

/* ------------------------------------------------------- executing other programs */

Bool process_refuses(Addr path, const CallArguments* call, CallStatus* status) {
    const UWord* a = call->arguments;
    if (exec_is_string(path)) return False;
    status->what = COMPLETE;
    status->result = vgPlain_do_syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5], 0, 0);
    return True;
}

/* Whether the program's memory below its stack can hold something; the stack grows as it
 * would if the program touched it. */
static Bool has_room(ThreadId tid, Addr room, SizeT size) {
    UInt access = VKI_PROT_READ | VKI_PROT_WRITE;
    return VG_(am_is_valid_for_client)(room, size, access) ||
           (vgPlain_extend_stack(tid, room) && VG_(am_is_valid_for_client)(room, size, access));
}

/* The core wants the path in the program's memory: it lends what lies below its stack. */
HANDLER(vgSysWrap_generic_sys_execve_before) {
    static HChar lent[VKI_PATH_MAX];
    UWord asked = call->arguments[0];
    Bool own;
    SizeT size;
    Addr room;
    if (process_refuses(asked, call, status)) return;
    own = proc_self_is_executable((const HChar*)asked);
    size = own ? VG_(strlen)(proc_self_executable()) + 1 : 0;
    room = VG_(get_SP)(tid) - BELOW_STACK - size;
    own = own && has_room(tid, room, size);
    if (own) {
        VG_(memcpy)(lent, (const void*)room, size);
        VG_(memcpy)((void*)room, proc_self_executable(), size);
        call->arguments[0] = room;
    }
    exec_prepare(call->arguments[1]);
    __real_vgSysWrap_generic_sys_execve_before(tid, layout, call, status, flags);
    /* It has failed. */
    exec_not_done();
    if (own) VG_(memcpy)((void*)room, lent, size);
    call->arguments[0] = asked;
}

HANDLER(vgSysWrap_linux_sys_execveat_before) {
    if (process_refuses(call->arguments[1], call, status)) return;
    exec_prepare(call->arguments[2]);
    __real_vgSysWrap_linux_sys_execveat_before(tid, layout, call, status, flags);
    exec_not_done();
}
