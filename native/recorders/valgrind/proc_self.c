/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the program reads of itself in /proc, as it would be without the recorder. */
#include "handlers.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_threadstate.h"
#include "pub_tool_vkiscnums.h"

/* In libcoregrind, though not in the headers for tools. */
extern SysRes vgPlain_do_syscall(UWord, UWord, UWord, UWord, UWord, UWord, UWord, UWord, UWord);
extern Int vgPlain_cl_exec_fd;
extern Addr vgPlain_brk_base, vgPlain_clstk_end;

#define PAGE 4096
#define OPEN_CLOSE_ON_EXEC 02000000
#define AT_EMPTY_PATH 0x1000

static const HChar* after(const HChar* path, const HChar* start) {
    SizeT length = VG_(strlen)(start);
    return path != NULL && VG_(strncmp)(path, start, length) == 0 ? path + length : NULL;
}

/* What follows the number of a thread of this process. */
static const HChar* after_own_number(const HChar* path) {
    struct vg_stat status;
    HChar* end;
    HChar task[48];
    Long number = VG_(strtoll10)(path, &end);
    if (end == path || *end != '/' || number <= 0) return NULL;
    VG_(sprintf)(task, "/proc/self/task/%lld", number);
    return sr_isError(VG_(stat)(task, &status)) ? NULL : end + 1;
}

/* What a path names in the process's own folder of /proc, or a thread's; null: nothing. */
static const HChar* own_name(const HChar* path) {
    const HChar *rest = after(path, "/proc/"), *name;
    if (rest == NULL) return NULL;
    if ((name = after(rest, "thread-self/")) != NULL) return name;
    name = after(rest, "self/");
    if (name == NULL) name = after_own_number(rest);
    rest = after(name, "task/");
    return rest == NULL ? name : after_own_number(rest);
}

static Bool is_own(const HChar* path, const HChar* file) {
    const HChar* name = own_name(path);
    return name != NULL && VG_(strcmp)(name, file) == 0;
}

/* Whether a path leads to the executable of this process, which to the kernel is the
 * recorder, by whatever links. */
Bool proc_self_is_executable(const HChar* path) {
    struct vg_stat found, own;
    return !sr_isError(VG_(stat)(path, &found)) && !sr_isError(VG_(stat)("/proc/self/exe", &own)) &&
           found.dev == own.dev && found.ino == own.ino;
}

const HChar* proc_self_executable(void) {
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
        limits_describe(row);
        add_text(to, row, VG_(strlen)(row));
        return;
    }
    add_text(to, line, length);
    add_text(to, "\n", 1);
}

/* Rows of /proc/self/status that tell of the kernel's filters, which are the recorder's. */
static void add_status(Text* to, const HChar* line, SizeT length) {
    static const HChar mode[] = "Seccomp:", count[] = "Seccomp_filters:";
    ThreadId tid = VG_(get_running_tid)();
    HChar row[32];
    if (length > sizeof mode && VG_(strncmp)(line, mode, sizeof mode - 1) == 0)
        VG_(sprintf)(row, "%s\t%u\n", mode, seccomp_mode(tid));
    else if (length > sizeof count && VG_(strncmp)(line, count, sizeof count - 1) == 0)
        VG_(sprintf)(row, "%s\t%u\n", count, seccomp_count(tid));
    else {
        add_text(to, line, length);
        add_text(to, "\n", 1);
        return;
    }
    add_text(to, row, VG_(strlen)(row));
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

/* A string of the program of any length; what of it can be read. */
static void add_string(Text* to, Addr string) {
    Addr end = string;
    while ((end % PAGE == 0 || end == string ? VG_(am_is_valid_for_client)(end, 1, VKI_PROT_READ)
                                             : True) &&
           *(const HChar*)end != 0)
        end++;
    if (end > string) add_text(to, (const HChar*)string, end - string);
    add_text(to, "", 1);
}

/* Strings of the program, as they are now; False if there are none. */
static Bool add_strings(Text* to, const Addr* strings) {
    for (; strings != NULL && *strings != 0; strings++) add_string(to, *strings);
    return to->size > 0;
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
    if (seccomp_mode(VG_(get_running_tid)()) != 0 && is_own(path, "status") &&
        edit_lines(path, &text, add_status)) {
        *result = open_text("status", &text, flags);
        return True;
    }
    if (is_own(path, "cmdline") && add_strings(&text, environment_arguments())) {
        *result = open_text("cmdline", &text, flags);
        return True;
    }
    if (is_own(path, "environ") && add_strings(&text, environment_variables())) {
        *result = open_text("environ", &text, flags);
        return True;
    }
    if (proc_self_is_executable(path)) {
        *result = VG_(open)(proc_self_executable(), flags, 0);
        return True;
    }
    return False;
}

/* --------------------------------------------- the linker directs calls here (--wrap) */

HANDLER(vgSysWrap_generic_sys_open_before) {
    if (process_refuses(call->arguments[0], call, status)) return;
    if (open_own(call->arguments[0], call->arguments[1], &status->result))
        status->what = COMPLETE;
    else
        __real_vgSysWrap_generic_sys_open_before(tid, layout, call, status, flags);
}

HANDLER(vgSysWrap_generic_sys_readlink_before) {
    if (!process_refuses(call->arguments[0], call, status))
        __real_vgSysWrap_generic_sys_readlink_before(tid, layout, call, status, flags);
}

HANDLER(vgSysWrap_linux_sys_readlinkat_before) {
    if (!process_refuses(call->arguments[1], call, status))
        __real_vgSysWrap_linux_sys_readlinkat_before(tid, layout, call, status, flags);
}

HANDLER(vgSysWrap_linux_sys_openat_before) {
    if (process_refuses(call->arguments[1], call, status)) return;
    if (open_own(call->arguments[1], call->arguments[2], &status->result))
        status->what = COMPLETE;
    else
        __real_vgSysWrap_linux_sys_openat_before(tid, layout, call, status, flags);
}

/* ----------------------------------------------- the executable, without opening it */

static Bool names_executable(Addr path) {
    return exec_is_string(path) && is_own((const HChar*)path, "exe");
}

static void complete(CallStatus* status, UWord number, UWord first, UWord second, UWord third,
                     UWord fourth, UWord fifth) {
    status->result = vgPlain_do_syscall(number, first, second, third, fourth, fifth, 0, 0, 0);
    status->what = COMPLETE;
}

static Bool writable(Addr address, SizeT size) {
    return VG_(am_is_valid_for_client)(address, size, VKI_PROT_WRITE);
}

HANDLER(vgSysWrap_generic_sys_newstat_before) {
    const UWord* a = call->arguments;
    __real_vgSysWrap_generic_sys_newstat_before(tid, layout, call, status, flags);
    if (status->what != COMPLETE && names_executable(a[0]) && writable(a[1], 144))
        complete(status, __NR_stat, (UWord)proc_self_executable(), a[1], 0, 0, 0);
}

HANDLER(vgSysWrap_linux_sys_newfstatat_before) {
    const UWord* a = call->arguments;
    __real_vgSysWrap_linux_sys_newfstatat_before(tid, layout, call, status, flags);
    if (status->what != COMPLETE && (a[3] & VKI_AT_SYMLINK_NOFOLLOW) == 0 &&
        names_executable(a[1]) && writable(a[2], 144))
        complete(status, __NR_newfstatat, a[0], (UWord)proc_self_executable(), a[2], a[3], 0);
}

HANDLER(vgSysWrap_linux_sys_statx_before) {
    const UWord* a = call->arguments;
    __real_vgSysWrap_linux_sys_statx_before(tid, layout, call, status, flags);
    if (status->what != COMPLETE && (a[2] & VKI_AT_SYMLINK_NOFOLLOW) == 0 &&
        names_executable(a[1]) && writable(a[4], 256))
        complete(status, __NR_statx, a[0], (UWord)proc_self_executable(), a[2], a[3], a[4]);
}

/* ---------------------------------------------------------- the list of descriptors */

typedef struct {
    ULong inode, offset;
    UShort size;
    UChar type;
    HChar name[];
} Entry;

static Bool lists_descriptors(Int folder) {
    HChar link[32], path[64];
    SSizeT length;
    VG_(sprintf)(link, "/proc/self/fd/%d", folder);
    length = VG_(readlink)(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    return is_own(path, "fd") || is_own(path, "fdinfo");
}

/* The recorder's descriptors are the highest ones, and come last. */
AFTER(vgSysWrap_generic_sys_getdents64_after) {
    __real_vgSysWrap_generic_sys_getdents64_after(tid, call, status);
    UWord end = sr_Res(status->result), at = 0;
    if (sr_isError(status->result) || end == 0 || !lists_descriptors(call->arguments[0])) return;
    while (at < end) {
        const Entry* entry = (const Entry*)(call->arguments[1] + at);
        if (limits_is_own_descriptor(VG_(strtoll10)(entry->name, NULL))) break;
        at += entry->size;
    }
    status->result = vgPlain_mk_SysRes_Success(at);
}
