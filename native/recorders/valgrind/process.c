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
extern Int vgPlain_cl_exec_fd, vgPlain_fd_soft_limit, vgPlain_fd_hard_limit;
extern Addr vgPlain_brk_base, vgPlain_clstk_end;
extern Bool vgPlain_extend_stack(ThreadId tid, Addr address);
extern struct {
    Int fd;
} vgPlain_log_output_sink;

#define PR_SET_NAME 15
#define LONGEST_NAME 15 /* of a process */
#define BELOW_STACK 512
#define OPEN_CLOSE_ON_EXEC 02000000

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

/* --------------------------------------------------------- files about itself */

/* Whether a path is that of `file` in the process's own folder of /proc. */
static Bool is_own(const HChar* path, const HChar* file) {
    HChar own[64];
    if (VG_(strncmp)(path, "/proc/", 6) != 0) return False;
    VG_(sprintf)(own, "/proc/self/%s", file);
    if (VG_(strcmp)(path, own) == 0) return True;
    VG_(sprintf)(own, "/proc/thread-self/%s", file);
    if (VG_(strcmp)(path, own) == 0) return True;
    VG_(sprintf)(own, "/proc/%d/%s", VG_(getpid)(), file);
    return VG_(strcmp)(path, own) == 0;
}

/* Whether a path leads to the executable of this process, which to the kernel is the
 * recorder, by whatever links. */
static Bool is_own_executable(const HChar* path) {
    struct vg_stat found, own;
    return !sr_isError(VG_(stat)(path, &found)) && !sr_isError(VG_(stat)("/proc/self/exe", &own)) &&
           found.dev == own.dev && found.ino == own.ino;
}

static const HChar* program_path(void) {
    static HChar path[VKI_PATH_MAX];
    HChar link[32];
    SSizeT length;
    VG_(sprintf)(link, "/proc/self/fd/%d", vgPlain_cl_exec_fd);
    length = VG_(readlink)(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    return path;
}

typedef struct {
    HChar* text;
    SizeT size, capacity;
} Text;

static void add_text(Text* to, const HChar* bytes, SizeT size) {
    if (to->size + size > to->capacity) {
        to->capacity = 2 * (to->size + size);
        to->text = VG_(realloc)("reven.text", to->text, to->capacity);
    }
    VG_(memcpy)(to->text + to->size, bytes, size);
    to->size += size;
}

static Bool read_file(const HChar* path, Text* text) {
    HChar piece[4096];
    Int n, fd = VG_(fd_open)(path, VKI_O_RDONLY, 0);
    if (fd < 0) return False;
    while ((n = VG_(read)(fd, piece, sizeof piece)) > 0) add_text(text, piece, n);
    VG_(close)(fd);
    return True;
}

/* A line of /proc/self/maps as the program would find it; the recorder's own are left out,
 * and the program's stack and heap, which to the kernel are any memory, have their names. */
static void add_mapping(Text* to, const HChar* line, SizeT length) {
    Addr start = VG_(strtoull16)(line, NULL);
    const NSegment* segment = VG_(am_find_nsegment)(start);
    const HChar* name = NULL;
    if (segment == NULL ||
        (segment->kind != SkFileC && segment->kind != SkAnonC && segment->kind != SkShmC))
        return;
    if (segment->kind == SkAnonC && length > 0 && line[length - 1] == ' ') {
        if (segment->start <= vgPlain_clstk_end && vgPlain_clstk_end <= segment->end)
            name = "[stack]";
        if (segment->start == vgPlain_brk_base) name = "[heap]";
    }
    add_text(to, line, length);
    if (name != NULL) {
        /* The core maps the heap executable, and the program has not asked for that. */
        HChar* access = to->text + to->size - length + (VG_(strchr)(line, ' ') - line) + 1;
        if (name[1] == 'h' && access[2] == 'x') access[2] = '-';
        static const HChar spaces[80] =
            "                                                                               ";
        if (length < 73) add_text(to, spaces, 73 - length);
        add_text(to, name, VG_(strlen)(name));
    }
    add_text(to, "\n", 1);
}

/* The row of /proc/self/limits that the core has changed. */
static void add_limit(Text* to, const HChar* line, SizeT length) {
    static const HChar changed[] = "Max open files ";
    HChar row[128];
    if (length >= sizeof changed && VG_(strncmp)(line, changed, sizeof changed - 1) == 0) {
        VG_(sprintf)
        (row, "%-25s %-20d %-20d %-10s\n", "Max open files", vgPlain_fd_soft_limit,
         vgPlain_fd_hard_limit, "files");
        add_text(to, row, VG_(strlen)(row));
        return;
    }
    add_text(to, line, length);
    add_text(to, "\n", 1);
}

static Bool edit_lines(const HChar* path, Text* edited,
                       void (*add)(Text* to, const HChar* line, SizeT length)) {
    Text whole = {NULL, 0, 0};
    SizeT at = 0;
    if (!read_file(path, &whole)) return False;
    while (at < whole.size) {
        SizeT end = at;
        while (end < whole.size && whole.text[end] != '\n') end++;
        if (end == whole.size) break;
        add(edited, whole.text + at, end - at);
        at = end + 1;
    }
    VG_(free)(whole.text);
    return True;
}

/* A descriptor of a file of its own with the text. */
static SysRes open_text(const HChar* name, Text* text, UWord flags) {
    SysRes made = vgPlain_do_syscall(__NR_memfd_create, (UWord)name,
                                     (flags & OPEN_CLOSE_ON_EXEC) != 0 ? 1 : 0, 0, 0, 0, 0, 0, 0);
    if (!sr_isError(made)) {
        VG_(write)(sr_Res(made), text->text, text->size);
        VG_(lseek)(sr_Res(made), 0, VKI_SEEK_SET);
    }
    VG_(free)(text->text);
    return made;
}

/* Opens what the program would find at a path, if it finds something else now. */
static Bool open_own(Addr address, UWord flags, SysRes* result) {
    const HChar* path = (const HChar*)address;
    Text text = {NULL, 0, 0};
    if (VG_(strncmp)(path, "/proc/", 6) != 0) return False;
    if (is_own(path, "maps") && edit_lines(path, &text, add_mapping)) {
        *result = open_text("maps", &text, flags);
        return True;
    }
    if (is_own(path, "limits") && edit_lines(path, &text, add_limit)) {
        *result = open_text("limits", &text, flags);
        return True;
    }
    if (is_own_executable(path)) {
        *result = VG_(open)(program_path(), flags, 0);
        return True;
    }
    return False;
}

/* --------------------------------------------- the linker directs calls here (--wrap) */

/* The core reads what it takes for a path without a look at whether it can: what is none is
 * left to the kernel, which refuses it. */
static Bool is_refused(Addr path, const CallArguments* call, CallStatus* status) {
    const UWord* a = call->arguments;
    if (exec_is_string(path)) return False;
    status->what = COMPLETE;
    status->result = vgPlain_do_syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5], 0, 0);
    return True;
}

HANDLER(vgSysWrap_generic_sys_open_before) {
    if (is_refused(call->arguments[0], call, status)) return;
    if (open_own(call->arguments[0], call->arguments[1], &status->result))
        status->what = COMPLETE;
    else
        __real_vgSysWrap_generic_sys_open_before(tid, layout, call, status, flags);
}

HANDLER(vgSysWrap_linux_sys_openat_before) {
    if (is_refused(call->arguments[1], call, status)) return;
    if (open_own(call->arguments[1], call->arguments[2], &status->result))
        status->what = COMPLETE;
    else
        __real_vgSysWrap_linux_sys_openat_before(tid, layout, call, status, flags);
}

HANDLER(vgSysWrap_generic_sys_readlink_before) {
    if (!is_refused(call->arguments[0], call, status))
        __real_vgSysWrap_generic_sys_readlink_before(tid, layout, call, status, flags);
}

HANDLER(vgSysWrap_linux_sys_readlinkat_before) {
    if (!is_refused(call->arguments[1], call, status))
        __real_vgSysWrap_linux_sys_readlinkat_before(tid, layout, call, status, flags);
}

HANDLER(vgSysWrap_linux_sys_execveat_before) {
    if (!is_refused(call->arguments[1], call, status))
        __real_vgSysWrap_linux_sys_execveat_before(tid, layout, call, status, flags);
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
    if (is_refused(asked, call, status)) return;
    own = is_own_executable((const HChar*)asked);
    size = own ? VG_(strlen)(program_path()) + 1 : 0;
    room = VG_(get_SP)(tid) - BELOW_STACK - size;
    own = own && has_room(tid, room, size);
    if (own) {
        VG_(memcpy)(lent, (const void*)room, size);
        VG_(memcpy)((void*)room, program_path(), size);
        call->arguments[0] = room;
    }
    __real_vgSysWrap_generic_sys_execve_before(tid, layout, call, status, flags);
    /* It has failed. */
    if (own) VG_(memcpy)((void*)room, lent, size);
    call->arguments[0] = asked;
}
