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
extern Int vgPlain_fcntl(Int fd, Int command, Addr argument);
extern SysRes vgPlain_do_syscall(UWord, UWord, UWord, UWord, UWord, UWord, UWord, UWord, UWord);

#define PAGE 4096
#define MS_ASYNC 1
#define LARGEST_FILE_MAPPING (64UL << 20)
#define LARGE_IMAGE ((SizeT)256 << 10)
#define LARGEST_RUN (1UL << 20)
#define MAP_SHARED_VALIDATE 3

/* The system call in progress. */
static UInt call_number;
static UWord call_arguments[6];
/* Of the mmap call in progress; -1: none. A descriptor tells the size of files
 * that have no name any more. */
static Int mapped_descriptor = -1;

void memory_note_syscall(UInt number, const UWord* arguments) {
    call_number = number;
    if (arguments != NULL) VG_(memcpy)(call_arguments, arguments, sizeof call_arguments);
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

Bool memory_is_trampoline(Addr first, Addr last) {
    Addr trampoline = (Addr)&vgPlain_trampoline_stuff_start;
    return first <= trampoline && trampoline <= last;
}

/* A mapping and its contents; a new one without a file has none. `name` stands in
 * where there is no file. */
static void record_mapping(ThreadId tid, Addr address, SizeT size, UInt access, const HChar* name,
                           Bool is_new) {
    const NSegment* segment = VG_(am_find_nsegment)(address);
    reven_map map = {address, size, access, REVEN_MAP_ZERO, 0};
    const HChar* file = NULL;
    if (segment == NULL || segment->kind == SkAnonC) {
        record_map(tid, &map, name);
        if (shared_covers(address, size))
            shared_record_contents(address, size, (access & 1) != 0);
        else if (!is_new && (access & 1) != 0)
            record_pages(tid, address, (const UChar*)address, size);
        return;
    }
    if (memory_is_trampoline(segment->start, segment->end))
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
    if (shared_covers(address, map.size)) {
        shared_record_contents(address, map.size,
                               map.kind != REVEN_MAP_UNKNOWN && (access & 1) != 0);
        return;
    }
    if (map.kind == REVEN_MAP_UNKNOWN) return;
    if (access & 1)
        record_pages(tid, address, (const UChar*)address, size);
    else if (file != NULL)
        record_file(tid, address, size, file, map.file_offset);
    if (size >= LARGE_IMAGE) stream_publish();
}

void memory_contents_dropped(ThreadId tid, Addr address, SizeT size) {
    Addr end = address + VG_ROUNDUP(size, PAGE);
    gap_forget(address, end - address);
    while (address < end) {
        const NSegment* s = VG_(am_find_nsegment)(address);
        Addr stop = s == NULL || s->end + 1 > end ? end : s->end + 1;
        Bool shared = shared_covers(address, PAGE);
        if (shared_covers(address, stop - address)) {
            Addr same = address + PAGE;
            while (same < stop && shared_covers(same, PAGE) == shared) same += PAGE;
            stop = same;
        }
        if (shared)
            shared_compare(address, stop - address, REVEN_CAUSE_SYSCALL);
        else if (s != NULL && s->kind != SkResvn)
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

static Bool is_mapped(Addr address, SizeT size) {
    SysRes result = vgPlain_do_syscall(__NR_msync, address, size, MS_ASYNC, 0, 0, 0, 0, 0);
    return !sr_isError(result) || sr_Err(result) != VKI_ENOMEM;
}

/* A fork does not have what its parent has kept from it (MADV_DONTFORK), of which the core
 * knows nothing. */
static void record_what_is_mapped(ThreadId tid, Addr address, SizeT size, UInt access,
                                  const HChar* name) {
    Addr end = address + size, stop;
    if (is_mapped(address, size)) {
        record_mapping(tid, address, size, access, name, False);
        return;
    }
    for (; address < end; address = stop) {
        Bool mapped = is_mapped(address, PAGE);
        for (stop = address + PAGE; stop < end && is_mapped(stop, PAGE) == mapped;) stop += PAGE;
        if (mapped) record_mapping(tid, address, stop - address, access, name, False);
    }
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
            if (shared_covers(s->start, size)) shared_keep_contents(s->start, size);
        } else
            record_what_is_mapped(tid, s->start, size, access,
                                  s->start == vgPlain_brk_base ? "[heap]" : NULL);
    }
    VG_(free)(starts);
    record(REVEN_SNAPSHOT_END, tid, NULL, 0);
    stream_publish();
}

/* ---------------------------------------------------------------- changes */

static Bool recording(void) { return mode == RECORDING && threads_current() != 0; }

/* Whether others may write to a file that is mapped for reading: what was changed not
 * long ago, or is mapped in another way, too. */
static Bool may_change(Int descriptor, const struct vg_stat* status) {
    return (vgPlain_fcntl(descriptor, VKI_F_GETFL, 0) & VKI_O_ACCMODE) != VKI_O_RDONLY ||
           shared_has(status->dev, status->ino) || file_writes_likely(status->mtime);
}

/* A file is mapped shared: what stands in it changes in its private mappings, too. */
static void note_private_mappings(ULong device, ULong inode) {
    static Int capacity = 256;
    static Addr* starts;
    Int count, i;
    while (starts == NULL || (count = VG_(am_get_segment_starts)(SkFileC, starts, capacity)) < 0) {
        capacity *= 2;
        starts = VG_(realloc)("reven.starts", starts, capacity * sizeof(Addr));
    }
    for (i = 0; i < count; i++) {
        const NSegment* s = VG_(am_find_nsegment)(starts[i]);
        SizeT size = s->end + 1 - s->start;
        if (s->dev != device || s->ino != inode || !s->hasR || s->hasX ||
            size > LARGEST_FILE_MAPPING || shared_covers(s->start, size))
            continue;
        shared_add_private(s->start, size, device, inode, s->offset);
        shared_keep_contents(s->start, size);
    }
}

/* Notes whether the new mapping is shared. */
static void note_sharing(Addr address, SizeT size, Bool writable) {
    struct vg_stat status;
    UWord type = call_arguments[3] & 0xf;
    file_writes_forget();
    shared_remove(address, size);
    if (call_number == __NR_shmat)
        shared_add(address, size, SHARED_SYSTEM_V, call_arguments[0] + 1, 0);
    else if (call_number == __NR_io_setup)
        shared_add(address, size, 0, 0, 0);
    else if (call_number == __NR_mremap)
        shared_extend(address, size);
    else if (call_number == __NR_mmap && (type == VKI_MAP_SHARED || type == MAP_SHARED_VALIDATE)) {
        if (mapped_descriptor < 0 || VG_(fstat)(mapped_descriptor, &status) != 0 ||
            !VKI_S_ISREG(status.mode))
            shared_add(address, size, 0, 0, 0);
        else if (writable || may_change(mapped_descriptor, &status)) {
            shared_add(address, size, status.dev, status.ino, call_arguments[5]);
            note_private_mappings(status.dev, status.ino);
        }
    } else if (call_number == __NR_mmap && shared_active() && mapped_descriptor >= 0 &&
               size <= LARGEST_FILE_MAPPING && VG_(fstat)(mapped_descriptor, &status) == 0 &&
               shared_has(status.dev, status.ino))
        shared_add_private(address, size, status.dev, status.ino, call_arguments[5]);
}

static void mapped(Addr address, SizeT size, Bool r, Bool w, Bool x, ULong debug_info) {
    (void)debug_info;
    gap_forget(address, size);
    code_mapped(address, size);
    note_sharing(address, size, w);
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
    gap_forget(address, size);
    file_writes_forget();
    shared_remove(address, size);
    if (recording()) record(REVEN_UNMAP, threads_current(), &range, sizeof range);
}

/* The core clears what the break gives up. */
static void heap_shrank(Addr address, SizeT size) {
    static const UChar zeros[PAGE];
    Addr start = VG_ROUNDUP(address, PAGE), end = VG_ROUNDUP(address + size, PAGE);
    reven_range range = {start, end - start};
    gap_forget(start, end - start);
    shared_remove(start, end - start);
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
    file_writes_forget();
    shared_move(from, to, size);
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
    gap_moved(from, to, size);
}

static void protected(Addr address, SizeT size, Bool r, Bool w, Bool x) {
    reven_map map = {address, size, protection(r, w, x), 0, 0};
    code_protected(address, size, w);
    if (recording()) record(REVEN_PROTECT, threads_current(), &map, sizeof map);
}

/* What system calls wrote since memory_flush. */
#define MOST_WRITTEN 256
static struct {
    Addr address;
    SizeT size;
} writes[MOST_WRITTEN];
static UInt write_count;

void memory_flush(ThreadId tid) {
    UInt i, count = write_count;
    write_count = 0;
    for (i = 0; i < count; i++)
        if (recording() &&
            VG_(am_is_valid_for_client)(writes[i].address, writes[i].size, VKI_PROT_READ))
            record_memory(tid, writes[i].address, writes[i].size, REVEN_CAUSE_SYSCALL,
                          (const void*)writes[i].address);
}

void memory_written(Addr address, SizeT size) {
    UInt i;
    if (!recording() || size == 0) return;
    for (i = 0; i < write_count; i++)
        if (address >= writes[i].address && address + size <= writes[i].address + writes[i].size)
            return;
    if (write_count == MOST_WRITTEN) memory_flush(threads_current());
    writes[write_count].address = address;
    writes[write_count++].size = size;
}

/* Not recorded yet: the core edits some of what it announces. Signal frames are
 * recorded whole when they are complete. */
static void written(CorePart part, ThreadId tid, Addr address, SizeT size) {
    (void)tid;
    if (part != Vg_CoreSignal) memory_written(address, size);
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
