/* SPDX-License-Identifier: GPL-2.0-or-later
 * A program that executes another: that is recorded too if it can be. The core
 * lets execve fail for one that Valgrind cannot run; it shall run unrecorded. */
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcfile.h"
#include "recorder.h"

extern Bool vgPlain_clo_trace_children;

#define PAGE 4096
#define ELF_MAGIC "\177ELF"
#define ELF_CLASS_64 2
#define MACHINE_X86_64 62

static Bool followed;
static Bool suspended = False;

/* Whether the program's string lies in memory that it may read, to its end. */
static Bool is_string(Addr string) {
    Addr checked = 0;
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

/* False only for what is known to be beyond Valgrind: set-user-ID programs, and
 * those for another architecture. */
static Bool can_be_recorded(const HChar* path) {
    struct vg_stat status;
    UChar start[20];
    Int fd, size;
    if (!sr_isError(VG_(stat)(path, &status)) && (status.mode & (VKI_S_ISUID | VKI_S_ISGID)) != 0)
        return False;
    fd = VG_(fd_open)(path, VKI_O_RDONLY, 0);
    if (fd < 0) return True;
    size = VG_(read)(fd, start, sizeof start);
    VG_(close)(fd);
    return size < (Int)sizeof start || VG_(memcmp)(start, ELF_MAGIC, 4) != 0 ||
           (start[4] == ELF_CLASS_64 && start[18] == MACHINE_X86_64 && start[19] == 0);
}

void exec_begins(Addr path) {
    if (is_string(path) && !can_be_recorded((const HChar*)path)) {
        followed = vgPlain_clo_trace_children;
        vgPlain_clo_trace_children = False;
        suspended = True;
    }
}

void exec_failed(void) {
    if (suspended) vgPlain_clo_trace_children = followed;
    suspended = False;
}
