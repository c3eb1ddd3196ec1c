/* SPDX-License-Identifier: GPL-2.0-or-later
 * Memory that others change too: mappings shared with another address of this process,
 * with another process or with the kernel. What the trace knows of each of their pages is
 * kept. Instrumented code asks here, about such pages only, when it loads or stores: what
 * a load gave that the trace does not know is recorded before the instruction, as
 * somebody else's doing; what a store wrote, for the page's other addresses.
 * docs/decisions/0010-shared-memory.md */
#include "pub_tool_aspacemgr.h"
#include "pub_tool_hashtable.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_vkiscnums.h"
#include "recorder.h"

extern void vgPlain_discard_translations(Addr start, ULong range, const HChar* who);
extern SysRes vgPlain_do_syscall(UWord, UWord, UWord, UWord, UWord, UWord, UWord, UWord, UWord);

#define PAGE 4096
#define FILTER_SIZE 65536
/* Differences so near to each other are one change. */
#define NEAR 8

/* Pages from `first` on are those of an object from `object_page` on. */
typedef struct {
    UWord first, count, object_page;
    UInt object;
    Bool unknown; /* the trace does not know the contents of pages that were not met */
} Region;

static Region* regions;
static UInt region_count, region_capacity, last_region;

/* What regions may be the same memory by. */
typedef struct {
    ULong device, inode;
    Bool private; /* a mapping whose pages are the file's until the program writes to them */
} Object;

static Object* objects;
static UInt object_count, object_capacity;

typedef struct Page {
    struct Page* next;
    UWord key;
    UChar bytes[PAGE]; /* as the trace knows them */
} Page;

static VgHashTable* pages;

UChar shared_filter[FILTER_SIZE];
static Bool active = False;

Bool shared_active(void) { return active; }

/* --------------------------------------------------------------- regions */

static void mark_region(const Region* region) {
    /* With the page before, from which an access may reach into the region. */
    UWord at = (region->first - 1) % FILTER_SIZE, count = region->count + 1, part;
    if (count > FILTER_SIZE) count = FILTER_SIZE;
    part = count < FILTER_SIZE - at ? count : FILTER_SIZE - at;
    VG_(memset)(shared_filter + at, 1, part);
    VG_(memset)(shared_filter, 1, count - part);
}

static void mark_filter(void) {
    UInt r;
    VG_(memset)(shared_filter, 0, sizeof shared_filter);
    for (r = 0; r < region_count; r++) mark_region(&regions[r]);
}

static Region* region_of(UWord page) {
    UInt r;
    if (last_region < region_count &&
        page - regions[last_region].first < regions[last_region].count)
        return &regions[last_region];
    for (r = 0; r < region_count; r++)
        if (page - regions[r].first < regions[r].count) {
            last_region = r;
            return &regions[r];
        }
    return NULL;
}

static void add_region(Region region) {
    if (region_count == region_capacity) {
        region_capacity = 2 * region_capacity + 16;
        regions = VG_(realloc)("reven.regions", regions, region_capacity * sizeof(Region));
    }
    regions[region_count++] = region;
}

static UWord key_of(const Region* region, UWord page) {
    return (UWord)region->object << 40 | (region->object_page + (page - region->first));
}

static void forget_page(UWord key) {
    Page* page = VG_(HT_remove)(pages, key);
    if (page != NULL) VG_(free)(page);
}

static Bool is_mapped(UWord key) {
    UInt r;
    for (r = 0; r < region_count; r++)
        if (regions[r].object == key >> 40 &&
            (key & ((1UL << 40) - 1)) - regions[r].object_page < regions[r].count)
            return True;
    return False;
}

/* Takes [first, end) out of the regions; the pages are forgotten unless `moves`. */
static void remove_range(UWord first, UWord end, Bool moves) {
    UInt r, count = region_count, kept = 0;
    Bool any = False;
    for (r = 0; r < count; r++)
        any = any || (regions[r].first < end && first < regions[r].first + regions[r].count);
    if (!any) return;
    Region* old = VG_(malloc)("reven.regions", count * sizeof(Region));
    VG_(memcpy)(old, regions, count * sizeof(Region));
    region_count = kept;
    for (r = 0; r < count; r++) {
        UWord stop = old[r].first + old[r].count;
        Region part = old[r];
        if (old[r].first >= end || stop <= first) {
            add_region(part);
            continue;
        }
        if (old[r].first < first) {
            part.count = first - old[r].first;
            add_region(part);
        }
        if (stop > end) {
            part.first = end;
            part.count = stop - end;
            part.object_page = old[r].object_page + (end - old[r].first);
            add_region(part);
        }
    }
    if (!moves)
        for (r = 0; r < count; r++) {
            UWord page = old[r].first > first ? old[r].first : first;
            UWord stop = old[r].first + old[r].count;
            for (; page < end && page < stop; page++)
                if (!is_mapped(key_of(&old[r], page))) forget_page(key_of(&old[r], page));
        }
    VG_(free)(old);
    mark_filter();
}

static UInt new_object(ULong device, ULong inode, Bool private) {
    UInt i;
    if (inode != 0 && !private)
        for (i = 0; i < object_count; i++)
            if (objects[i].device == device && objects[i].inode == inode && !objects[i].private)
                return i;
    if (object_count == object_capacity) {
        object_capacity = 2 * object_capacity + 16;
        objects = VG_(realloc)("reven.objects", objects, object_capacity * sizeof(Object));
    }
    objects[object_count].device = device;
    objects[object_count].inode = inode;
    objects[object_count].private = private;
    return object_count++;
}

static void add(Addr address, SizeT size, ULong device, ULong inode, ULong offset, Bool private) {
    Region region = {address / PAGE, VG_ROUNDUP(size, PAGE) / PAGE, offset / PAGE,
                     new_object(device, inode, private), False};
    if (pages == NULL) pages = VG_(HT_construct)("reven.pages");
    remove_range(region.first, region.first + region.count, False);
    add_region(region);
    mark_region(&region);
    if (active) return;
    /* Until now nothing was asked: programs without such memory pay nothing. */
    active = True;
    vgPlain_discard_translations(0, ~0ULL, "reven: memory is shared");
}

void shared_add(Addr address, SizeT size, ULong device, ULong inode, ULong offset) {
    add(address, size, device, inode, offset, False);
}

void shared_add_private(Addr address, SizeT size, ULong device, ULong inode, ULong offset) {
    add(address, size, device, inode, offset, True);
}

void shared_remove(Addr address, SizeT size) {
    if (region_count != 0)
        remove_range(address / PAGE, VG_ROUNDUP(address + size, PAGE) / PAGE, False);
}

void shared_move(Addr from, Addr to, SizeT size) {
    UWord first = from / PAGE, end = first + VG_ROUNDUP(size, PAGE) / PAGE, page;
    if (region_count == 0) return;
    remove_range(to / PAGE, to / PAGE + (end - first), False);
    for (page = first; page < end;) {
        const Region* region = region_of(page);
        if (region != NULL) {
            Region moved = *region;
            UWord stop = region->first + region->count;
            if (stop > end) stop = end;
            moved.first = to / PAGE + (page - first);
            moved.count = stop - page;
            moved.object_page += page - region->first;
            remove_range(page, stop, True);
            add_region(moved);
            page = stop;
        } else
            page++;
    }
    mark_filter();
}

Bool shared_extend(Addr address, SizeT size) {
    Region* region = region_of(address / PAGE - 1);
    if (region == NULL || region->first + region->count != address / PAGE) return False;
    region->count += VG_ROUNDUP(size, PAGE) / PAGE;
    mark_region(region);
    return True;
}

Bool shared_covers(Addr address, SizeT size) {
    UWord first = address / PAGE, last = (address + size - 1) / PAGE;
    UInt r;
    if (size == 0) return False;
    for (r = 0; r < region_count; r++)
        if (regions[r].first <= last && first < regions[r].first + regions[r].count) return True;
    return False;
}

Bool shared_has(ULong device, ULong inode) {
    UInt r;
    for (r = 0; r < region_count; r++)
        if (objects[regions[r].object].device == device &&
            objects[regions[r].object].inode == inode)
            return True;
    return False;
}

void shared_forget_contents(void) {
    UInt r;
    if (pages == NULL) return;
    /* The kernel writes to the parent's copy. */
    for (r = region_count; r-- > 0;)
        if (objects[regions[r].object].device == SHARED_WITH_KERNEL)
            regions[r] = regions[--region_count];
    mark_filter();
    VG_(HT_destruct)(pages, VG_(free));
    pages = VG_(HT_construct)("reven.pages");
}

/* ----------------------------------------------------------------- pages */

static Page* find_page(UWord key) { return VG_(HT_lookup)(pages, key); }

static Page* make_page(UWord key) {
    Page* page = find_page(key);
    if (page != NULL) return page;
    page = VG_(calloc)("reven.page", 1, sizeof(Page));
    page->key = key;
    VG_(HT_add_node)(pages, page);
    return page;
}

/* Copies a page as it is; False if that cannot be read, as beyond the end of a file. */
static Bool copy_page(UWord page, UChar* to) {
    struct {
        Addr base;
        SizeT size;
    } here = {(Addr)to, PAGE}, there = {page * PAGE, PAGE};
    SysRes copied = vgPlain_do_syscall(__NR_process_vm_readv, VG_(getpid)(), (UWord)&here, 1,
                                       (UWord)&there, 1, 0, 0, 0);
    return !sr_isError(copied) && sr_Res(copied) == PAGE;
}

/* --------------------------------------------------------------- records */

/* Of the running block: how many executions before `stream_position` its changes stand. */
static UInt executions_back;

/* Where a change was that no record could be made of. */
static Addr too_much;

void shared_note_loss(void) {
    if (too_much != 0) notice(REVEN_NOTICE_UNSEEN_CHANGE, REVEN_UNSEEN_TOO_MUCH, 0, too_much, NULL);
    too_much = 0;
}

/* `stored`: the page that was stored to; 0: none. */
static void put(Addr address, SizeT size, UInt cause, const UChar* bytes, UWord stored) {
    Long distance = stored == 0 ? 0 : (Long)stored - (Long)(address / PAGE);
    reven_memory header = {address, cause, (Int)distance == distance ? (Int)distance : 0};
    if (stream_in_client()) {
        SizeT room = stream_room(), needed = sizeof(reven_record) + sizeof header + size + 8;
        if (room < needed + SHARED_RESERVE / 2) stream_leave_soon();
        if (room < needed) {
            too_much = address;
            return;
        }
    }
    record_at(executions_back, REVEN_MEMORY, threads_current(), &header, sizeof header, bytes,
              size);
}

/* The bytes of a page changed; the store to page number `skipped` is known to the trace.
 * Returns whether anything was recorded. */
static Bool put_everywhere(UWord key, UInt offset, UInt size, UInt cause, const UChar* bytes,
                           UWord skipped) {
    UWord object_page = key & ((1UL << 40) - 1);
    UInt r;
    Bool any = False;
    for (r = 0; r < region_count; r++) {
        UWord page = regions[r].first + (object_page - regions[r].object_page);
        if (regions[r].object != key >> 40 ||
            object_page - regions[r].object_page >= regions[r].count || page == skipped)
            continue;
        put(page * PAGE + offset, size, cause, bytes, skipped);
        any = True;
    }
    return any;
}

/* Bytes of a page of a file were stored; so they were in private mappings of the file, where
 * the page still is the file's. Returns whether anything was recorded. */
static Bool put_in_private(const Region* stored, UWord number, UInt offset, UInt size) {
    const Object* object = &objects[stored->object];
    UWord object_page = stored->object_page + (number - stored->first);
    UInt r;
    Bool any = False;
    if (object->inode == 0 || object->private) return False;
    for (r = 0; r < region_count; r++) {
        const Region* region = &regions[r];
        UWord page = region->first + (object_page - region->object_page);
        const UChar* now = (const UChar*)(page * PAGE + offset);
        Page* known;
        if (!objects[region->object].private || objects[region->object].inode != object->inode ||
            objects[region->object].device != object->device ||
            object_page - region->object_page >= region->count ||
            !VG_(am_is_valid_for_client)(page * PAGE, PAGE, VKI_PROT_READ))
            continue;
        known = make_page(key_of(region, page));
        if (VG_(memcmp)(known->bytes + offset, now, size) == 0) continue;
        VG_(memcpy)(known->bytes + offset, now, size);
        put(page * PAGE + offset, size, REVEN_CAUSE_ALIAS, now, number);
        any = True;
    }
    return any;
}

/* Makes the trace know bytes of a page. Returns whether any differed. */
static Bool learn(UWord key, Page* page, UInt offset, UInt size, UInt cause, const UChar* bytes) {
    UInt at = 0;
    Bool any = False;
    /* A number changes as a whole. */
    if (size <= 8 && VG_(memcmp)(page->bytes + offset, bytes, size) != 0) {
        put_everywhere(key, offset, size, cause, bytes, 0);
        at = size;
        any = True;
    }
    while (at < size) {
        UInt first, last;
        while (at < size && page->bytes[offset + at] == bytes[at]) at++;
        if (at == size) break;
        first = last = at;
        for (at++; at < size && at - last <= NEAR; at++)
            if (page->bytes[offset + at] != bytes[at]) last = at;
        put_everywhere(key, offset + first, last + 1 - first, cause, bytes + first, 0);
        any = True;
    }
    if (any) VG_(memcpy)(page->bytes + offset, bytes, size);
    return any;
}

static Bool is_zero(const UChar* bytes, UInt size) {
    UInt i;
    for (i = 0; i < size; i++)
        if (bytes[i] != 0) return False;
    return True;
}

/* A page of which the trace may know nothing is met now. Of [offset, offset + size) it is
 * too late to tell what was there. */
static Page* meet(const Region* region, UWord number, UInt offset, UInt size) {
    UWord key = key_of(region, number);
    Page* page = find_page(key);
    UInt rest = PAGE - offset - size;
    if (page != NULL || !region->unknown) return page;
    page = make_page(key);
    if (!copy_page(number, page->bytes)) return page;
    if (offset > 0) put_everywhere(key, 0, offset, REVEN_CAUSE_IMAGE, page->bytes, 0);
    if (rest > 0)
        put_everywhere(key, offset + size, rest, REVEN_CAUSE_IMAGE, page->bytes + offset + size, 0);
    return page;
}

void shared_record_contents(Addr address, SizeT size, Bool known) {
    UWord number;
    UChar now[PAGE];
    for (number = address / PAGE; number < VG_ROUNDUP(address + size, PAGE) / PAGE; number++) {
        Region* region = region_of(number);
        UWord key;
        Page* page;
        if (region == NULL) {
            if (known && copy_page(number, now) && !is_zero(now, PAGE))
                put(number * PAGE, PAGE, REVEN_CAUSE_IMAGE, now, 0);
            continue;
        }
        region->unknown = region->unknown || !known;
        if (!known) continue;
        key = key_of(region, number);
        page = find_page(key);
        if (copy_page(number, now)) {
            /* The other addresses of the page may have been changed behind our back. */
            if (page != NULL)
                learn(key, page, 0, PAGE, REVEN_CAUSE_OUTSIDE, now);
            else if (!is_zero(now, PAGE)) {
                page = make_page(key);
                VG_(memcpy)(page->bytes, now, PAGE);
            }
        }
        if (page != NULL && !is_zero(page->bytes, PAGE))
            put(number * PAGE, PAGE, REVEN_CAUSE_IMAGE, page->bytes, 0);
    }
}

void shared_keep_contents(Addr address, SizeT size) {
    UWord number;
    for (number = address / PAGE; number < VG_ROUNDUP(address + size, PAGE) / PAGE; number++) {
        const Region* region = region_of(number);
        if (region != NULL) copy_page(number, make_page(key_of(region, number))->bytes);
    }
}

void shared_compare(Addr address, SizeT size, UInt cause) {
    UWord number;
    UChar now[PAGE];
    for (number = address / PAGE; number < VG_ROUNDUP(address + size, PAGE) / PAGE; number++) {
        const Region* region = region_of(number);
        Page* page = region == NULL ? NULL : find_page(key_of(region, number));
        if (region == NULL || (page == NULL && region->unknown) || !copy_page(number, now))
            continue;
        if (page == NULL && is_zero(now, PAGE)) continue;
        if (page == NULL) page = make_page(key_of(region, number));
        learn(key_of(region, number), page, 0, PAGE, cause, now);
    }
}

void shared_compare_object(ULong device, ULong inode, ULong start, ULong end, UInt cause) {
    UInt r;
    for (r = 0; r < region_count; r++) {
        const Region* region = &regions[r];
        UWord first = start / PAGE, stop = end / PAGE + 1;
        if (objects[region->object].device != device || objects[region->object].inode != inode)
            continue;
        if (first < region->object_page) first = region->object_page;
        if (stop > region->object_page + region->count) stop = region->object_page + region->count;
        if (first < stop)
            shared_compare((region->first + (first - region->object_page)) * PAGE,
                           (stop - first) * PAGE, cause);
    }
}

void shared_compare_private(UInt cause) {
    UInt r;
    for (r = 0; r < region_count; r++)
        if (objects[regions[r].object].device == SHARED_WITH_KERNEL)
            shared_compare(regions[r].first * PAGE, regions[r].count * PAGE, cause);
}

void shared_record(ThreadId tid, Addr address, SizeT size, UInt cause, const UChar* bytes) {
    while (size > 0) {
        UInt offset = address % PAGE, n = size < PAGE - offset ? size : PAGE - offset;
        const Region* region = region_of(address / PAGE);
        reven_memory header = {address, cause, 0};
        if (region == NULL)
            record_two(REVEN_MEMORY, tid, &header, sizeof header, bytes, n);
        else {
            Page* page = meet(region, address / PAGE, offset, n);
            if (page == NULL) page = make_page(key_of(region, address / PAGE));
            VG_(memcpy)(page->bytes + offset, bytes, n);
            put_everywhere(page->key, offset, n, cause, page->bytes + offset, 0);
        }
        address += n;
        bytes += n;
        size -= n;
    }
}

/* ------------------------------------------------- asked by generated code */

ULong shared_holds(Addr address, ULong size) { return shared_covers(address, size); }

void shared_loaded(Addr address, ULong size, const UChar* bytes) {
    if (threads_current() == 0) return;
    executions_back = 1;
    while (size > 0) {
        UInt offset = address % PAGE, n = size < PAGE - offset ? size : PAGE - offset;
        const Region* region = region_of(address / PAGE);
        if (region != NULL) {
            Page* page = meet(region, address / PAGE, 0, 0);
            UWord key = key_of(region, address / PAGE);
            if (page == NULL && !is_zero(bytes, n)) page = make_page(key);
            if (page != NULL) learn(key, page, offset, n, REVEN_CAUSE_OUTSIDE, bytes);
        }
        address += n;
        bytes += n;
        size -= n;
    }
    executions_back = 0;
}

ULong shared_stored(Addr address, ULong size, const UChar* bytes) {
    Bool any = False;
    Addr start = address;
    if (threads_current() == 0) return 0;
    while (size > 0) {
        UInt offset = address % PAGE, n = size < PAGE - offset ? size : PAGE - offset;
        const Region* region = region_of(address / PAGE);
        if (region != NULL) {
            Page* page;
            executions_back = 1;
            page = meet(region, address / PAGE, offset, n);
            executions_back = 0;
            if (page == NULL) page = make_page(key_of(region, address / PAGE));
            VG_(memcpy)(page->bytes + offset, bytes, n);
            any = put_everywhere(page->key, offset, n, REVEN_CAUSE_ALIAS, bytes, address / PAGE) ||
                  any;
            any = put_in_private(region, address / PAGE, offset, n) || any;
        }
        address += n;
        bytes += n;
        size -= n;
    }
    asynchronous_stored(start);
    return any;
}

ULong shared_swapped(Addr address, ULong size, const UChar* old, const UChar* expected,
                     const UChar* wanted) {
    shared_loaded(address, size, old);
    if (VG_(memcmp)(old, expected, size) != 0) return 0;
    return shared_stored(address, size, wanted);
}
