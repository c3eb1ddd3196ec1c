/* SPDX-License-Identifier: GPL-2.0-or-later
 * Mappings and their contents. */
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_machine.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_vkiscnums.h"
#include "recorder.h"

extern Addr vgPlain_brk_base;
extern UChar vgPlain_trampoline_stuff_start;

#define PAGE 4096
#define LARGEST_FILE_MAPPING (64UL << 20)
#define LARGE_IMAGE ((SizeT)256 << 10)
#define LARGEST_RUN (1UL << 20)

/* Of the mmap call in progress; -1: none. A descriptor tells the size of files
 * that have no name any more. */
static Int mapped_descriptor = -1;

void memory_note_syscall(UInt number, const UWord* arguments) {
    mapped_descriptor =
        number == __NR_mmap && !(arguments[3] & VKI_MAP_ANONYMOUS) ? (Int)arguments[4] : -1;
}

static Bool all_zero(const UChar* page) {
    const ULong* words = (const ULong*)page;
    UInt i;
    for (i = 0; i < PAGE / 8; i++)
        if (words[i] != 0) return False;
    return True;
}

/* Records the pages of `bytes` that are not all zero, as contents of `address`. */
static void record_pages(ThreadId tid, Addr address, const UChar* bytes, SizeT size) {
    SizeT at = 0;
    while (at < size) {
        SizeT end = at;
        while (end < size && end - at < LARGEST_RUN && !all_zero(bytes + end)) end += PAGE;
        if (end > at)
            record_memory(tid, address + at, end - at, REVEN_CAUSE_IMAGE, bytes + at);
        else
            end += PAGE;
        at = end;
    }
}

/* Bytes of a file mapping that exist: to read on is a SIGBUS. 0 for what is no
 * regular file. */
static SizeT file_size(const HChar* name, ULong offset, SizeT size) {
    struct vg_stat status;
    Bool known = mapped_descriptor >= 0 ? VG_(fstat)(mapped_descriptor, &status) == 0
                                        : name != NULL && !sr_isError(VG_(stat)(name, &status));
    ULong existing;
    if (!known || !VKI_S_ISREG(status.mode) || (ULong)status.size <= offset) return 0;
    existing = VG_ROUNDUP((ULong)status.size - offset, PAGE);
    return existing < size ? existing : size;
}

/* Contents of a file mapping that may not be read: from the file. */
static void record_file(ThreadId tid, Addr address, SizeT size, const HChar* name, ULong offset) {
    static UChar* buffer = NULL;
    Int fd = name == NULL ? -1 : VG_(fd_open)(name, VKI_O_RDONLY, 0);
    if (fd < 0) return;
    if (buffer == NULL) buffer = VG_(malloc)("reven.file", LARGEST_RUN);
    VG_(lseek)(fd, offset, VKI_SEEK_SET);
    while (size > 0) {
        Int n = VG_(read)(fd, buffer, size < LARGEST_RUN ? size : LARGEST_RUN);
        if (n <= 0) break;
        VG_(memset)(buffer + n, 0, VG_ROUNDUP(n, PAGE) - n);
        record_pages(tid, address, buffer, VG_ROUNDUP(n, PAGE));
        address += n;
        size -= n;
    }
    VG_(close)(fd);
}

static void record_map(ThreadId tid, const reven_map* map, const HChar* name) {
    record_two(REVEN_MAP, tid, map, sizeof *map, name, name == NULL ? 0 : VG_(strlen)(name));
}

static UInt protection(Bool r, Bool w, Bool x) { return (r ? 1 : 0) | (w ? 2 : 0) | (x ? 4 : 0); }

/* A mapping and its contents; a new one without a file has none. `name` stands in
 * where there is no file. */
static void record_mapping(ThreadId tid, Addr address, SizeT size, UInt access, const HChar* name,
                           Bool is_new) {
    const NSegment* segment = VG_(am_find_nsegment)(address);
    reven_map map = {address, size, access, REVEN_MAP_ZERO, 0};
    /* The core gives the program a page of its own code, to return from signal
     * handlers through. */
    Addr trampoline = (Addr)&vgPlain_trampoline_stuff_start;
    const HChar* file = NULL;
    if (segment == NULL || segment->kind == SkAnonC) {
        record_map(tid, &map, name);
        if (!is_new && (access & 1) != 0) record_pages(tid, address, (const UChar*)address, size);
        return;
    }
    if (segment->start <= trampoline && trampoline <= segment->end)
        name = "[recorder]";
    else if (segment->kind == SkFileC) {
        file = VG_(am_get_filename)(segment);
        map.file_offset = segment->offset + (address - segment->start);
        size = file_size(file, map.file_offset, size);
        if (map.size > LARGEST_FILE_MAPPING || size == 0) map.kind = REVEN_MAP_UNKNOWN;
    }
    /* A large image has slots of its own: reading registers near it need not unpack it. */
    if (map.kind != REVEN_MAP_UNKNOWN && size >= LARGE_IMAGE) stream_publish();
    record_map(tid, &map, file == NULL ? name : file);
    if (map.kind == REVEN_MAP_UNKNOWN) return;
    if (access & 1)
        record_pages(tid, address, (const UChar*)address, size);
    else if (file != NULL)
        record_file(tid, address, size, file, map.file_offset);
    if (size >= LARGE_IMAGE) stream_publish();
}

void memory_contents_dropped(ThreadId tid, Addr address, SizeT size) {
    Addr end = address + VG_ROUNDUP(size, PAGE);
    while (address < end) {
        const NSegment* s = VG_(am_find_nsegment)(address);
        Addr stop = s == NULL || s->end + 1 > end ? end : s->end + 1;
        if (s != NULL && s->kind != SkResvn)
            record_mapping(tid, address, stop - address, protection(s->hasR, s->hasW, s->hasX),
                           s->start == vgPlain_brk_base ? "[heap]" : NULL, True);
        address = stop;
    }
}

/* The stack grows by itself down to its limit, and the core tells nobody: the
 * whole reservation counts as mapped. */
static Addr stack_limit(const NSegment* stack) {
    const NSegment* below = VG_(am_find_nsegment)(stack->start - 1);
    return below != NULL && below->kind == SkResvn && below->smode == SmUpper ? below->start
                                                                              : stack->start;
}

void memory_record_image(ThreadId tid) {
    Int capacity = 1024, count, i;
    Addr* starts = NULL;
    do {
        capacity *= 2;
        starts = VG_(realloc)("reven.segments", starts, capacity * sizeof(Addr));
        count = VG_(am_get_segment_starts)(SkFileC | SkAnonC | SkShmC, starts, capacity);
    } while (count < 0);
    for (i = 0; i < count; i++) {
        const NSegment* s = VG_(am_find_nsegment)(starts[i]);
        UInt access = protection(s->hasR, s->hasW, s->hasX);
        SizeT size = s->end + 1 - s->start;
        Addr sp = VG_(get_SP)(tid);
        if (s->kind == SkAnonC && s->start <= sp && sp <= s->end) {
            reven_map map = {stack_limit(s), 0, access, REVEN_MAP_ZERO, 0};
            map.size = s->end + 1 - map.address;
            record_map(tid, &map, "[stack]");
            record_pages(tid, s->start, (const UChar*)s->start, size);
        } else
            record_mapping(tid, s->start, size, access,
                           s->start == vgPlain_brk_base ? "[heap]" : NULL, False);
    }
    VG_(free)(starts);
    record(REVEN_SNAPSHOT_END, tid, NULL, 0);
    stream_publish();
}

/* ---------------------------------------------------------------- changes */

static Bool recording(void) { return mode == RECORDING && threads_current() != 0; }

static void mapped(Addr address, SizeT size, Bool r, Bool w, Bool x, ULong debug_info) {
    (void)debug_info;
    code_mapped(address, size);
    if (recording())
        record_mapping(threads_current(), address, size, protection(r, w, x), NULL, True);
}

/* The break stands anywhere in a page; its page is already mapped. */
static void heap_grew(Addr address, SizeT size, ThreadId tid) {
    Addr start = VG_ROUNDUP(address, PAGE), end = VG_ROUNDUP(address + size, PAGE);
    reven_map map = {start, end - start, 3, REVEN_MAP_ZERO, 0};
    if (recording() && end > start) record_map(tid, &map, "[heap]");
}

static void unmapped(Addr address, SizeT size) {
    reven_range range = {address, size};
    if (recording()) record(REVEN_UNMAP, threads_current(), &range, sizeof range);
}

/* The core clears what the break gives up. */
static void heap_shrank(Addr address, SizeT size) {
    static const UChar zeros[PAGE];
    Addr start = VG_ROUNDUP(address, PAGE), end = VG_ROUNDUP(address + size, PAGE);
    reven_range range = {start, end - start};
    if (!recording()) return;
    record_memory(threads_current(), address, start - address, REVEN_CAUSE_OTHER, zeros);
    if (end > start) record(REVEN_UNMAP, threads_current(), &range, sizeof range);
}

static void moved(Addr from, Addr to, SizeT size) {
    const NSegment* segment = VG_(am_find_nsegment)(to);
    reven_map map = {to, size, 0, REVEN_MAP_ZERO, 0};
    reven_remap remap = {from, to, size};
    const HChar* file = NULL;
    code_moved(from, to, size);
    if (!recording()) return;
    if (segment != NULL) {
        map.protection = protection(segment->hasR, segment->hasW, segment->hasX);
        if (segment->kind == SkFileC) {
            file = VG_(am_get_filename)(segment);
            map.file_offset = segment->offset + (to - segment->start);
        }
    }
    record_map(threads_current(), &map, file);
    record(REVEN_REMAP, threads_current(), &remap, sizeof remap);
}

static void protected(Addr address, SizeT size, Bool r, Bool w, Bool x) {
    reven_map map = {address, size, protection(r, w, x), 0, 0};
    code_protected(address, size, w);
    if (recording()) record(REVEN_PROTECT, threads_current(), &map, sizeof map);
}

/* Signal frames are recorded whole when they are complete. */
static void written(CorePart part, ThreadId tid, Addr address, SizeT size) {
    if (recording() && part != Vg_CoreSignal)
        record_memory(tid, address, size, REVEN_CAUSE_SYSCALL, (const void*)address);
}

void memory_init(void) {
    VG_(track_new_mem_mmap)(mapped);
    VG_(track_new_mem_brk)(heap_grew);
    VG_(track_die_mem_brk)(heap_shrank);
    VG_(track_die_mem_munmap)(unmapped);
    VG_(track_copy_mem_remap)(moved);
    VG_(track_change_mem_mprotect)(protected);
    VG_(track_post_mem_write)(written);
}
