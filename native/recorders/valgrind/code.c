/* SPDX-License-Identifier: GPL-2.0-or-later
 * Code is what runs, also where it changes. The core looks before each block whether
 * its code is still what was translated, but not where the code is mapped from a file:
 * that is where nearly all code is, and hardly ever changes. Here is told when it may:
 *
 *   - the program makes it writable, or has it so from the start;
 *   - it is a shared mapping: the same pages may be written under another address;
 *   - the program opens its file to write;
 *   - the program opens its own memory as a file.
 *
 * What is translated there from then on is looked at before each execution, too, and
 * what was translated before is translated again. */
#include "libvex.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_rangemap.h"
#include "pub_tool_vkiscnums.h"
#include "recorder.h"

/* In libcoregrind, though not in the headers for tools. */
extern void vgPlain_discard_translations(Addr start, ULong range, const HChar* who);
extern Int vgPlain_fcntl(Int fd, Int command, Addr argument);

#define INHERITED_DESCRIPTORS 256

typedef struct {
    ULong device, inode;
} File;

/* Where code may have changed since it was mapped. */
static RangeMap* changeable;
/* Regular files that the program has opened to write. */
static File* written_files;
static UInt written_count, written_capacity;
static Bool everything_changes;
/* Of the mmap call in progress. */
static Bool mapping_shared;

static void note_range(Addr address, SizeT size, Bool may_change) {
    UWord first, last, value;
    if (size == 0) return;
    if (changeable == NULL)
        changeable = VG_(newRangeMap)(VG_(malloc), "reven.code", VG_(free), False);
    VG_(lookupRangeMap)(&first, &last, &value, changeable, address);
    if (value == may_change && last - address >= size - 1) return;
    VG_(bindRangeMap)(changeable, address, address + (size - 1), may_change);
}

static Bool is_changeable(Addr address) {
    UWord first, last, value;
    if (changeable == NULL) return False;
    VG_(lookupRangeMap)(&first, &last, &value, changeable, address);
    return value != 0;
}

static Bool is_written(ULong device, ULong inode) {
    UInt i;
    for (i = 0; i < written_count; i++)
        if (written_files[i].inode == inode && written_files[i].device == device) return True;
    return False;
}

/* Calls for every part of the range that is mapped from a file. */
static void each_file_segment(Addr address, SizeT size, void (*call)(Addr, SizeT, Bool)) {
    Addr end = address + size;
    while (address < end) {
        const NSegment* segment = VG_(am_find_nsegment)(address);
        Addr stop = segment == NULL || segment->end >= end - 1 ? end : segment->end + 1;
        if (segment != NULL && segment->kind == SkFileC)
            call(address, stop - address, segment->hasT);
        address = stop;
    }
}

static void discard(Addr address, SizeT size, Bool translated) {
    if (translated) vgPlain_discard_translations(address, size, "reven: code may change");
}

static void becomes_changeable(Addr address, SizeT size, Bool translated) {
    note_range(address, size, True);
    discard(address, size, translated);
}

/* ----------------------------------------------------- what the program does */

void code_mapped(Addr address, SizeT size) { note_range(address, size, mapping_shared); }

void code_protected(Addr address, SizeT size, Bool writable) {
    if (writable) each_file_segment(address, size, becomes_changeable);
}

void code_moved(Addr from, Addr to, SizeT size) { note_range(to, size, is_changeable(from)); }

static void watch_everything(void) {
    if (everything_changes) return;
    everything_changes = True;
    vgPlain_discard_translations(0, ~0ULL, "reven: any code may change");
}

static void add_written_file(ULong device, ULong inode) {
    Addr* starts = NULL;
    Int capacity = 1024, count, i;
    if (is_written(device, inode)) return;
    if (written_count == written_capacity) {
        written_capacity = written_capacity == 0 ? 64 : 2 * written_capacity;
        written_files =
            VG_(realloc)("reven.written", written_files, written_capacity * sizeof(File));
    }
    written_files[written_count].device = device;
    written_files[written_count++].inode = inode;
    do {
        capacity *= 2;
        starts = VG_(realloc)("reven.segments", starts, capacity * sizeof(Addr));
        count = VG_(am_get_segment_starts)(SkFileC, starts, capacity);
    } while (count < 0);
    for (i = 0; i < count; i++) {
        const NSegment* segment = VG_(am_find_nsegment)(starts[i]);
        if (segment->dev == device && segment->ino == inode)
            discard(segment->start, segment->end + 1 - segment->start, segment->hasT);
    }
    VG_(free)(starts);
}

/* A descriptor of the memory of a process; not of any if `pid` is not 0, but of that one. */
static Bool is_memory_file(Int descriptor, Int pid) {
    HChar link[64], path[128], own[32];
    SSizeT length;
    VG_(sprintf)(link, "/proc/self/fd/%d", descriptor);
    length = VG_(readlink)(link, path, sizeof path - 1);
    if (length < 10) return False;
    path[length] = 0;
    VG_(sprintf)(own, "/proc/%d/", pid);
    return VG_(strncmp)(path, pid == 0 ? "/proc/" : own, pid == 0 ? 6 : VG_(strlen)(own)) == 0 &&
           VG_(strcmp)(path + length - 4, "/mem") == 0;
}

Bool code_is_own_memory(Int descriptor) { return is_memory_file(descriptor, VG_(getpid)()); }

static void descriptor_writes(Int descriptor) {
    struct vg_stat status;
    if (VG_(fstat)(descriptor, &status) != 0 || !VKI_S_ISREG(status.mode)) return;
    if (status.size == 0 && is_memory_file(descriptor, 0))
        watch_everything();
    else
        add_written_file(status.dev, status.ino);
}

static Bool opens_to_write(UWord flags) { return (flags & VKI_O_ACCMODE) != VKI_O_RDONLY; }

void code_before_syscall(UInt number, const UWord* arguments) {
    mapping_shared = number == __NR_mmap && (arguments[3] & VKI_MAP_SHARED) != 0;
}

void code_after_syscall(UInt number, const UWord* arguments, SysRes result) {
    struct vg_stat status;
    mapping_shared = False;
    if (sr_isError(result)) return;
    switch (number) {
        case __NR_open:
            if (opens_to_write(arguments[1])) descriptor_writes(sr_Res(result));
            break;
        case __NR_openat:
            if (opens_to_write(arguments[2])) descriptor_writes(sr_Res(result));
            break;
        case __NR_creat:
        case __NR_memfd_create:
            descriptor_writes(sr_Res(result));
            break;
        case __NR_truncate:
            if (!sr_isError(VG_(stat)((const HChar*)arguments[0], &status)))
                add_written_file(status.dev, status.ino);
            break;
        case __NR_process_vm_writev:
            if ((Int)arguments[0] == VG_(getpid)()) watch_everything();
            break;
        default:
            break;
    }
}

void code_init_descriptors(void) {
    Int descriptor;
    for (descriptor = 0; descriptor < INHERITED_DESCRIPTORS; descriptor++) {
        Int flags = vgPlain_fcntl(descriptor, VKI_F_GETFL, 0);
        if (flags >= 0 && opens_to_write(flags)) descriptor_writes(descriptor);
    }
}

/* --------------------------------------------------------------- translation */

static Bool may_change(Addr address, SizeT size) {
    const NSegment* segment = VG_(am_find_nsegment)(address);
    if (everything_changes || segment == NULL || segment->kind != SkFileC) return True;
    if (segment->hasW || is_written(segment->dev, segment->ino)) return True;
    return is_changeable(address) || is_changeable(address + size - 1);
}

Bool code_writes_itself(const VexGuestExtents* extents) {
    const NSegment* segment = VG_(am_find_nsegment)(extents->base[0]);
    return segment == NULL || segment->hasW;
}

Bool code_written_elsewhere(const VexGuestExtents* extents) {
    const NSegment* segment = VG_(am_find_nsegment)(extents->base[0]);
    if (everything_changes) return True;
    return segment != NULL && segment->kind == SkFileC && !segment->hasW &&
           may_change(extents->base[0], extents->len[0]);
}

static UInt (*core_needs_check)(void*, VexRegisterUpdates*, const VexGuestExtents*);

static UInt needs_check(void* closure, VexRegisterUpdates* updates,
                        const VexGuestExtents* extents) {
    UInt checked = core_needs_check(closure, updates, extents), i;
    for (i = 0; i < extents->n_used; i++)
        if (may_change(extents->base[i], extents->len[i])) checked |= 1u << i;
    return checked;
}

/* The linker directs the core's calls here (--wrap). */
extern VexTranslateResult __real_LibVEX_Translate(VexTranslateArgs* arguments);
extern VexTranslateResult __wrap_LibVEX_Translate(VexTranslateArgs* arguments);

VexTranslateResult __wrap_LibVEX_Translate(VexTranslateArgs* arguments) {
    core_needs_check = arguments->needs_self_check;
    arguments->needs_self_check = needs_check;
    return __real_LibVEX_Translate(arguments);
}
