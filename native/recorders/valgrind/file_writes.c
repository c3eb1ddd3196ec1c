/* SPDX-License-Identifier: GPL-2.0-or-later
 * What is written to files that are mapped: by the program's own system calls, and by
 * others. Shared mappings are compared with what the trace knows; of private ones, the
 * pages that still are the file's are recorded again. */
#include "pub_tool_aspacemgr.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_vkiscnums.h"
#include "recorder.h"

/* In libcoregrind, though not in the headers for tools. */
extern SysRes vgPlain_do_syscall(UWord, UWord, UWord, UWord, UWord, UWord, UWord, UWord, UWord);

#define PAGE 4096
#define RUN ((SizeT)64 << 10)
/* Of a page, in /proc/self/pagemap. */
#define IN_MEMORY (1ULL << 63)
#define SWAPPED (1ULL << 62)
#define OF_FILE (1ULL << 61)
#define MOST_FILES 128
#define RECENTLY (60 * 60) /* seconds */
#define OLD_FILES_EVERY 2  /* milliseconds */

/* Files that are mapped, libraries aside. */
static struct {
    ULong device, inode;
    const HChar* name;
    ULong seconds, nanoseconds; /* of the last change */
    Long size;
    Bool changes; /* it did not long ago */
} files[MOST_FILES];
static UInt file_count;
static Bool files_known = False;

/* Where the segments begin that map files. */
static Addr* starts;
static Int start_count;

void file_writes_forget(void) { files_known = False; }

Bool file_writes_likely(ULong changed) {
    ULong now = sr_Res(vgPlain_do_syscall(__NR_time, 0, 0, 0, 0, 0, 0, 0, 0));
    return changed + RECENTLY > now;
}

static Int find_file(ULong device, ULong inode) {
    UInt i;
    for (i = 0; i < file_count; i++)
        if (files[i].device == device && files[i].inode == inode) return i;
    return -1;
}

/* Notes when the file was changed; False if that is no news. */
static Bool note_change(UInt file, const struct vg_stat* status) {
    if (files[file].seconds == status->mtime && files[file].nanoseconds == status->mtime_nsec &&
        files[file].size == status->size)
        return False;
    files[file].seconds = status->mtime;
    files[file].nanoseconds = status->mtime_nsec;
    files[file].size = status->size;
    files[file].changes = file_writes_likely(status->mtime);
    return True;
}

static void find_files(void) {
    static Int capacity = 256;
    UInt kept = 0, i;
    Int s;
    if (files_known) return;
    files_known = True;
    if (starts == NULL) starts = VG_(malloc)("reven.starts", capacity * sizeof(Addr));
    while ((start_count = VG_(am_get_segment_starts)(SkFileC, starts, capacity)) < 0) {
        capacity *= 2;
        starts = VG_(realloc)("reven.starts", starts, capacity * sizeof(Addr));
    }
    for (i = 0; i < file_count; i++) {
        Bool mapped = False;
        for (s = 0; s < start_count && !mapped; s++) {
            const NSegment* segment = VG_(am_find_nsegment)(starts[s]);
            mapped = segment->dev == files[i].device && segment->ino == files[i].inode;
        }
        if (mapped) files[kept++] = files[i];
    }
    file_count = kept;
    for (s = 0; s < start_count; s++) {
        const NSegment* segment = VG_(am_find_nsegment)(starts[s]);
        struct vg_stat status;
        const HChar* name = VG_(am_get_filename)(segment);
        if (name == NULL || memory_is_trampoline(segment->start, segment->end) ||
            find_file(segment->dev, segment->ino) >= 0)
            continue;
        if (file_count == MOST_FILES) break;
        files[file_count].device = segment->dev;
        files[file_count].inode = segment->ino;
        files[file_count].name = name;
        files[file_count].seconds = 0;
        files[file_count].changes = False;
        if (!sr_isError(VG_(stat)(name, &status)) && status.dev == segment->dev &&
            status.ino == segment->ino)
            note_change(file_count, &status);
        file_count++;
    }
}

/* Records the pages [address, end) of a private mapping that are the file's. */
static void record_again(ThreadId tid, Addr address, Addr end, UInt cause) {
    Int map = VG_(fd_open)("/proc/self/pagemap", VKI_O_RDONLY, 0);
    ULong pages[RUN / PAGE];
    while (map >= 0 && address < end) {
        SizeT count = (end - address) / PAGE, i, first;
        if (count > RUN / PAGE) count = RUN / PAGE;
        if (VG_(lseek)(map, address / PAGE * 8, VKI_SEEK_SET) == -1 ||
            VG_(read)(map, pages, count * 8) != (Int)(count * 8))
            break;
        for (i = 0; i < count; i++) {
            Bool own = (pages[i] & OF_FILE) == 0 && (pages[i] & (IN_MEMORY | SWAPPED)) != 0;
            for (first = i; i < count && !own; own = i < count && (pages[i] & OF_FILE) == 0 &&
                                                     (pages[i] & (IN_MEMORY | SWAPPED)) != 0)
                i++;
            if (i > first)
                record_memory(tid, address + first * PAGE, (i - first) * PAGE, cause,
                              (const void*)(address + first * PAGE));
        }
        address += count * PAGE;
    }
    if (map >= 0) VG_(close)(map);
}

/* The bytes [from, to) of a file of that size were written, or may have been. */
static void written(ThreadId tid, ULong device, ULong inode, ULong size, ULong from, ULong to,
                    UInt cause) {
    Int s;
    size = VG_ROUNDUP(size, PAGE);
    if (to > size) to = size;
    if (from >= to) return;
    shared_compare_object(device, inode, from, to, cause);
    from = VG_ROUNDDN(from, PAGE);
    to = VG_ROUNDUP(to, PAGE);
    for (s = 0; s < start_count; s++) {
        const NSegment* segment = VG_(am_find_nsegment)(starts[s]);
        ULong first = segment->offset, end = first + (segment->end + 1 - segment->start);
        if (segment->dev != device || segment->ino != inode || !segment->hasR ||
            shared_covers(segment->start, 1))
            continue;
        if (first < from) first = from;
        if (end > to) end = to;
        if (first < end)
            record_again(tid, segment->start + (first - segment->offset),
                         segment->start + (end - segment->offset), cause);
    }
}

static void written_by_call(ThreadId tid, const struct vg_stat* status, ULong from, ULong to) {
    Int file;
    if (!VKI_S_ISREG(status->mode)) return;
    find_files();
    file = find_file(status->dev, status->ino);
    if (file < 0 && !shared_has(status->dev, status->ino)) return;
    written(tid, status->dev, status->ino, status->size, from, to, REVEN_CAUSE_SYSCALL);
    if (file >= 0) note_change(file, status);
}

void file_writes_after(ThreadId tid, UInt number, const UWord* a, UWord result) {
    struct vg_stat status;
    ULong from = 0, to = ~0ULL;
    Int descriptor = (Int)a[0];
    switch (number) {
        case __NR_write:
        case __NR_writev:
            to = VG_(lseek)(descriptor, 0, VKI_SEEK_CUR);
            from = to - result;
            if (result == 0 || (Long)to < 0 || to < result) return;
            break;
        case __NR_pwrite64:
        case __NR_pwritev:
            from = a[3];
            to = from + result;
            break;
        case __NR_pwritev2:
        case __NR_ftruncate:
        case __NR_fallocate:
        case __NR_sendfile:
            break;
        case __NR_splice:
        case 326: /* copy_file_range */
            descriptor = (Int)a[2];
            break;
        case __NR_open:
            if ((a[1] & VKI_O_TRUNC) == 0) return;
            descriptor = (Int)result;
            break;
        case __NR_openat:
            if ((a[2] & VKI_O_TRUNC) == 0) return;
            descriptor = (Int)result;
            break;
        case __NR_creat:
            descriptor = (Int)result;
            break;
        case __NR_truncate:
            if (!sr_isError(VG_(stat)((const HChar*)a[0], &status)))
                written_by_call(tid, &status, from, to);
            return;
        case __NR_io_submit:
        case __NR_io_getevents:
        case 333: /* io_pgetevents */
        case 426: /* io_uring_enter */
            shared_compare_private(REVEN_CAUSE_SYSCALL);
            return;
        default:
            return;
    }
    if (VG_(fstat)(descriptor, &status) != 0) return;
    if (to != ~0ULL && status.size == 0 && VKI_S_ISREG(status.mode) &&
        code_is_own_memory(descriptor)) {
        if (VG_(am_is_valid_for_client)(from, to - from, VKI_PROT_READ))
            record_memory(tid, from, to - from, REVEN_CAUSE_SYSCALL, (const void*)from);
    } else
        written_by_call(tid, &status, from, to);
}

/* Most files are libraries, which nobody changes: they need not be looked at each time that
 * one of many short messages arrives. */
void file_writes_by_others(ThreadId tid) {
    static UInt looked_at_all;
    UInt now = clock_milliseconds(), i;
    Bool all = now - looked_at_all >= OLD_FILES_EVERY;
    if (all) looked_at_all = now;
    find_files();
    for (i = 0; i < file_count; i++) {
        struct vg_stat status;
        if (files[i].seconds == 0 || (!all && !files[i].changes) ||
            sr_isError(VG_(stat)(files[i].name, &status)) || status.dev != files[i].device ||
            status.ino != files[i].inode || !note_change(i, &status))
            continue;
        written(tid, status.dev, status.ino, status.size, 0, ~0ULL, REVEN_CAUSE_FILE);
    }
}
