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
extern SysRes vgPlain_mk_SysRes_Success(UWord result), vgPlain_mk_SysRes_Error(UWord error);
extern struct vki_rlimit vgPlain_client_rlimit_stack;
extern struct {
    Int fd;
} vgPlain_log_output_sink;

#define PR_SET_NAME 15
#define LONGEST_NAME 15 /* of a process */
#define BELOW_STACK 512
#define AT_EMPTY_PATH 0x1000

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

/* Of a fork: where its log is, and the descriptor that the core leaves open here too. */
static const HChar* forks_log;
static Int left_open = -1;

HChar* __wrap_vgPlain_expand_file_name(const HChar* option, const HChar* format) {
    HChar* path = __real_vgPlain_expand_file_name(option, format);
    /* In a fork the core now moves the descriptor of its log, until the program goes on. */
    limits_lift();
    forks_log = path;
    SysRes made = __real_vgPlain_open(path, VKI_O_CREAT | VKI_O_WRONLY, 0600);
    if (sr_isError(made)) {
        forks_log = VG_(strdup)("reven.log", parents_log);
        return (HChar*)forks_log;
    }
    VG_(close)(sr_Res(made));
    return path;
}

SysRes __wrap_vgPlain_open(const HChar* path, Int flags, Int mode) {
    SysRes made = VG_(strcmp)(path, parents_log) == 0 ? VG_(dup)(vgPlain_log_output_sink.fd)
                                                      : __real_vgPlain_open(path, flags, mode);
    if (!sr_isError(made) && path == forks_log &&
        limits_is_own_descriptor(vgPlain_log_output_sink.fd)) {
        VG_(close)(vgPlain_log_output_sink.fd);
        left_open = sr_Res(made);
    }
    return made;
}

void process_goes_on(void) {
    if (left_open >= 0) VG_(close)(left_open);
    left_open = -1;
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

/* What the core wants to find in the program's memory: it lends what lies below its stack. */
typedef struct {
    Addr arguments[2];
    HChar first[8];
    HChar path[VKI_PATH_MAX];
} Lent;

extern void __real_vgSysWrap_generic_sys_execve_before(ThreadId, void* layout, CallArguments*,
                                                       CallStatus*, UWord* flags);

#define SHEBANG_SIZE 256

/* What the kernel would say of a script without an interpreter, for which the core ends the
 * process when it is too late; 0: nothing. */
static UWord interpreter_missing(const HChar* path) {
    HChar line[SHEBANG_SIZE + 1];
    SysRes found;
    Int size, from = 2, to, fd = VG_(fd_open)(path, VKI_O_RDONLY, 0);
    if (fd < 0) return 0;
    size = VG_(read)(fd, line, SHEBANG_SIZE);
    VG_(close)(fd);
    if (size < 3 || line[0] != '#' || line[1] != '!') return 0;
    line[size] = 0;
    while (line[from] == ' ' || line[from] == '\t') from++;
    for (to = from; line[to] > ' ' || line[to] == '\r';) to++;
    line[to] = 0;
    if (to == from) return 0;
    found = vgPlain_do_syscall(__NR_access, (UWord)(line + from), 1, 0, 0, 0, 0, 0, 0);
    return sr_isError(found) ? sr_Err(found) : 0;
}

#define LONGEST_STRING (32 * 4096)
#define MOST_BYTES (6ul << 20)

/* Whether the arguments and variables are more than the kernel takes. */
static Bool too_much(Addr arguments, Addr variables) {
    Addr lists[2] = {arguments, variables};
    SizeT total = 0, most = vgPlain_client_rlimit_stack.rlim_cur / 4;
    UInt i;
    if (most > MOST_BYTES) most = MOST_BYTES;
    if (most < LONGEST_STRING) most = LONGEST_STRING;
    for (i = 0; i < 2; i++) {
        const Addr* at = (const Addr*)lists[i];
        for (; at != NULL && VG_(am_is_valid_for_client)((Addr)at, 8, VKI_PROT_READ) && *at != 0;
             at++) {
            SizeT size;
            if (!VG_(am_is_valid_for_client)(*at, 1, VKI_PROT_READ)) return False;
            size = VG_(strlen)((const HChar*)*at) + 1;
            total += size + sizeof(Addr);
            if (size > LONGEST_STRING || total > most) return True;
        }
    }
    return False;
}

/* Executes what a path names, that of the call or another. */
static void execute(ThreadId tid, void* layout, CallArguments* call, CallStatus* status,
                    UWord* flags, const HChar* path) {
    static Lent kept, wanted;
    Addr room = VG_ROUNDDN(VG_(get_SP)(tid) - BELOW_STACK - sizeof wanted, 16);
    UWord asked[2] = {call->arguments[0], call->arguments[1]};
    UWord error = path == NULL ? interpreter_missing((const HChar*)asked[0]) : 0;
    if (error == 0 && too_much(asked[1], call->arguments[2])) error = VKI_E2BIG;
    if (error != 0) {
        status->what = COMPLETE;
        status->result = vgPlain_mk_SysRes_Error(error);
        return;
    }
    Bool lent = (path != NULL || asked[1] == 0) && has_room(tid, room, sizeof wanted);
    if (lent) {
        VG_(memcpy)(&kept, (const void*)room, sizeof kept);
        VG_(memset)(&wanted, 0, sizeof wanted);
        wanted.arguments[0] = (Addr)((Lent*)room)->first;
        if (path != NULL) {
            VG_(strncpy)(wanted.path, path, sizeof wanted.path - 1);
            call->arguments[0] = (Addr)((Lent*)room)->path;
        }
        /* Who gives no arguments gets one, which is empty, from the kernel. */
        if (asked[1] == 0) call->arguments[1] = room;
        VG_(memcpy)((void*)room, &wanted, sizeof wanted);
    }
    exec_prepare(call->arguments[1]);
    __real_vgSysWrap_generic_sys_execve_before(tid, layout, call, status, flags);
    /* It has failed. */
    exec_not_done();
    if (lent) VG_(memcpy)((void*)room, &kept, sizeof kept);
    VG_(memcpy)(call->arguments, asked, sizeof asked);
}

HANDLER(vgSysWrap_generic_sys_execve_before) {
    if (process_refuses(call->arguments[0], call, status)) return;
    execute(
        tid, layout, call, status, flags,
        proc_self_is_executable((const HChar*)call->arguments[0]) ? proc_self_executable() : NULL);
}

/* Whether the call asks for the file of a descriptor, and that has no name by which the core
 * would find it. */
static Bool asks_for_nameless(const CallArguments* call) {
    static const HChar ending[] = " (deleted)";
    HChar link[32], name[VKI_PATH_MAX];
    SSizeT length;
    if ((call->arguments[4] & AT_EMPTY_PATH) == 0 || *(const HChar*)call->arguments[1] != 0)
        return False;
    VG_(sprintf)(link, "/proc/self/fd/%d", (Int)call->arguments[0]);
    length = VG_(readlink)(link, name, sizeof name - 1);
    if (length < (SSizeT)sizeof ending) return False;
    name[length] = 0;
    return VG_(strcmp)(name + length - (sizeof ending - 1), ending) == 0;
}

HANDLER(vgSysWrap_linux_sys_execveat_before) {
    if (process_refuses(call->arguments[1], call, status)) return;
    if (asks_for_nameless(call)) {
        CallArguments plain = {__NR_execve, {0, call->arguments[2], call->arguments[3]}};
        Int descriptor = call->arguments[0], own = -1;
        HChar path[32], start[2];
        if ((VG_(fcntl)(descriptor, VKI_F_GETFD, 0) & VKI_FD_CLOEXEC) != 0) {
            /* The interpreter of a script would not find it. */
            if (vgPlain_do_syscall(__NR_pread64, descriptor, (UWord)start, 2, 0, 0, 0, 0, 0)._val ==
                    2 &&
                start[0] == '#' && start[1] == '!') {
                status->what = COMPLETE;
                status->result = vgPlain_mk_SysRes_Error(VKI_ENOENT);
                return;
            }
            own = limits_own_copy(descriptor);
        }
        VG_(sprintf)(path, "/dev/fd/%d", own >= 0 ? own : descriptor);
        execute(tid, layout, &plain, status, flags, path);
        if (own >= 0) VG_(close)(own);
        return;
    }
    exec_prepare(call->arguments[2]);
    __real_vgSysWrap_linux_sys_execveat_before(tid, layout, call, status, flags);
    exec_not_done();
}
