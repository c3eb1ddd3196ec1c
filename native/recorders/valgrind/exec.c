/* SPDX-License-Identifier: GPL-2.0-or-later
 * A program that executes another: that is recorded too if it can be. The core
 * lets execve fail for one that Valgrind cannot run; it shall run unrecorded. */
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "recorder.h"

extern Bool vgPlain_clo_trace_children;
extern const HChar *vgPlain_libdir, *vgPlain_name_of_launcher;

extern Int vgPlain_access(const HChar* path, Bool reads, Bool writes, Bool executes);

#define PAGE 4096
#define ELF_MAGIC "\177ELF"
#define ELF_CLASS_64 2
#define MACHINE_X86_64 62

static Bool followed;
static Bool suspended = False;

/* Whether the program's string lies in memory that it may read, to its end. */
Bool exec_is_string(Addr string) {
    Addr checked = 1; /* the beginning of no page */
    SizeT length;
    for (length = 0; length < VKI_PATH_MAX; length++) {
        Addr page = VG_ROUNDDN(string + length, PAGE);
        if (page != checked && !VG_(am_is_valid_for_client)(string + length, 1, VKI_PROT_READ))
            return False;
        checked = page;
        if (((const HChar*)string)[length] == 0) return True;
    }
    return False;
}

static Bool can_open(const HChar* path) {
    Int fd = VG_(fd_open)(path, VKI_O_RDONLY, 0);
    if (fd >= 0) VG_(close)(fd);
    return fd >= 0;
}

/* Not for a process that has changed its root folder, or given up the right to see where
 * the recorder is, or to write where it keeps what it needs while it runs. */
static Bool recorder_reachable(void) {
    HChar tool[VKI_PATH_MAX];
    struct vg_stat status;
    VG_(snprintf)(tool, sizeof tool, "%s/reven-amd64-linux", vgPlain_libdir);
    return can_open(vgPlain_name_of_launcher) && can_open(tool) &&
           !sr_isError(VG_(stat)(option_socket, &status)) &&
           vgPlain_access(VG_(tmpdir)(), False, True, False) == 0;
}

/* 0 but for what is known to be beyond Valgrind: set-user-ID programs, and those for
 * another architecture. */
static UInt why_not_followed(const HChar* path) {
    struct vg_stat status;
    UChar start[20];
    Int fd, size;
    if (sr_isError(VG_(stat)(path, &status))) return 0; /* it fails */
    if (!recorder_reachable()) return REVEN_NOT_FOLLOWED_OUT_OF_REACH;
    if ((status.mode & (VKI_S_ISUID | VKI_S_ISGID)) != 0) return REVEN_NOT_FOLLOWED_SET_USER_ID;
    fd = VG_(fd_open)(path, VKI_O_RDONLY, 0);
    if (fd < 0) return 0;
    size = VG_(read)(fd, start, sizeof start);
    VG_(close)(fd);
    if (size < (Int)sizeof start || VG_(memcmp)(start, ELF_MAGIC, 4) != 0 ||
        (start[4] == ELF_CLASS_64 && start[18] == MACHINE_X86_64 && start[19] == 0))
        return 0;
    return REVEN_NOT_FOLLOWED_ARCHITECTURE;
}

void exec_begins(Addr path) {
    UInt why = exec_is_string(path) ? why_not_followed((const HChar*)path) : 0;
    if (why == 0) return;
    if (vgPlain_clo_trace_children)
        notice(REVEN_NOTICE_NOT_FOLLOWED, why, 0, 0, (const HChar*)path);
    followed = vgPlain_clo_trace_children;
    vgPlain_clo_trace_children = False;
    suspended = True;
}

void exec_failed(void) {
    if (suspended) vgPlain_clo_trace_children = followed;
    suspended = False;
}

/* ------------------------------------------------------------ the program's name */

/* The core gives a program its path for a name. The one that it shall have is told to the
 * recorder of that program in its environment. */
#define NAME_VARIABLE "REVEN_PROGRAM_NAME"

static const HChar* name_given;

extern void vgPlain_env_setenv(HChar*** environment, const HChar* name, const HChar* value);
/* The linker directs the core's calls here (--wrap). */
extern HChar** __real_vgPlain_env_clone(HChar** environment);
extern HChar** __wrap_vgPlain_env_clone(HChar** environment);

HChar** __wrap_vgPlain_env_clone(HChar** environment) {
    HChar** clone = __real_vgPlain_env_clone(environment);
    if (name_given != NULL) vgPlain_env_setenv(&clone, NAME_VARIABLE, name_given);
    if (vgPlain_clo_trace_children) seccomp_pass_on(VG_(get_running_tid)(), &clone);
    return clone;
}

const HChar* exec_given_name(HChar** environment) {
    static const HChar start[] = NAME_VARIABLE "=";
    for (; *environment != NULL; environment++)
        if (VG_(strncmp)(*environment, start, sizeof start - 1) == 0)
            return *environment + sizeof start - 1;
    return NULL;
}

void exec_prepare(Addr arguments) {
    Addr* first = (Addr*)arguments;
    limits_before_exec();
    if (vgPlain_clo_trace_children &&
        VG_(am_is_valid_for_client)(arguments, sizeof *first, VKI_PROT_READ) && *first != 0 &&
        exec_is_string(*first))
        name_given = (const HChar*)*first;
}

void exec_not_done(void) {
    name_given = NULL;
    limits_exec_failed();
}
