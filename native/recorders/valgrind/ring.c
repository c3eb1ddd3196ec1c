/* SPDX-License-Identifier: GPL-2.0-or-later
 * The connection to the writer and the slots it shares: the live transport of
 * event_stream.h. */
#include "config.h"
#include "pub_tool_aspacemgr.h"
#include "pub_tool_clientstate.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_machine.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_vkiscnums.h"
#include "pub_tool_xarray.h"
#include "recorder.h"
#include "ring_slots.h"

/* In libcoregrind, though not in the headers for tools. */
extern SysRes vgPlain_do_syscall(UWord, UWord, UWord, UWord, UWord, UWord, UWord, UWord, UWord);
extern SysRes vgPlain_am_shared_mmap_file_float_valgrind(SizeT length, UInt prot, Int fd,
                                                         Off64T offset);
extern Int vgPlain_safe_fd(Int fd);
extern Int vgPlain_cl_exec_fd;

#define KEY_BYTES (REVEN_KEY_INTERVAL * 4)
#define KEY_FRAME_SIZE (sizeof(reven_record) + REVEN_REGISTER_FILE_SIZE)
#define FAULT_RESERVE                                                      \
    (4 * sizeof(reven_record) + sizeof(reven_signal) + sizeof(reven_end) + \
     2 * sizeof(reven_signal_info))

static Int connection = -1;
static reven_ring_header* ring;
static SizeT ring_size;

/* The slot being filled, or what stands in for one when nothing is recorded. */
static UChar *headers, *values, *control;
static UInt control_used, slot_number;
static ULong first_execution;
static UInt last_publish_ms;
static UInt largest_values_size = 64;

static UChar *scratch_headers, *scratch_values;
static UInt scratch_values_size;

static UChar *cursor_headers, *cursor_values;
static Bool in_client;
static ThreadId client_thread;

/* --------------------------------------------------------------- cursors */

static void pull_cursors(void) {
    if (in_client) {
        VG_(get_shadow_regs_area)(client_thread, (UChar*)&cursor_headers, 1, 0, 8);
        VG_(get_shadow_regs_area)(client_thread, (UChar*)&cursor_values, 1, 8, 8);
    }
}

static void push_cursors(ThreadId tid) {
    VG_(set_shadow_regs_area)(tid, 1, 0, 8, (UChar*)&cursor_headers);
    VG_(set_shadow_regs_area)(tid, 1, 8, 8, (UChar*)&cursor_values);
}

static void set_cursors(UChar* to_headers, UChar* to_values) {
    cursor_headers = to_headers;
    cursor_values = to_values;
    if (in_client) push_cursors(client_thread);
}

void stream_enter(ThreadId tid) {
    if (shared_active() && mode == RECORDING && ring != NULL) {
        if (stream_room() < SHARED_RESERVE) stream_publish();
        shared_note_loss();
    }
    push_cursors(tid);
    client_thread = tid;
    in_client = True;
}

void stream_leave(ThreadId tid) {
    tl_assert(in_client && tid == client_thread);
    pull_cursors();
    in_client = False;
}

Bool stream_in_client(void) { return in_client; }

/* The core's dispatcher counts blocks down here, and leaves when there are none left. */
void stream_leave_soon(void) {
    UInt none = 0;
    VG_(set_shadow_regs_area)
    (client_thread, 0, offsetof(VexGuestAMD64State, host_EvC_COUNTER), sizeof none,
     (const UChar*)&none);
}

ULong stream_position(void) {
    pull_cursors();
    return first_execution + (cursor_headers - headers) / 4;
}

UInt stream_last_header(void) {
    pull_cursors();
    return cursor_headers == headers ? 0 : *(UInt*)(cursor_headers - 4);
}

/* Blocks that were instrumented before recording stopped still write: here. */
static void use_scratch(void) {
    if (scratch_headers == NULL || scratch_values_size < largest_values_size) {
        UChar* memory = VG_(malloc)("reven.scratch", 2 * KEY_BYTES);
        scratch_values_size = largest_values_size;
        scratch_headers = (UChar*)VG_ROUNDUP((Addr)memory, KEY_BYTES);
        scratch_values =
            VG_(malloc)("reven.scratch", REVEN_KEY_INTERVAL * (SizeT)scratch_values_size);
    }
    headers = scratch_headers;
    values = scratch_values;
    set_cursors(headers, values);
}

/* ----------------------------------------------------------------- slots */

static void wake_writer(void) {
    UChar byte = 0;
    vgPlain_do_syscall(__NR_sendto, connection, (UWord)&byte, 1, VKI_MSG_NOSIGNAL, 0, 0, 0, 0);
}

/* False if the writer has gone. */
static Bool wait_for_slot(void) {
    while (!reven_slot_is_free(ring)) {
        UChar byte;
        Int n;
        reven_slot_announce_wait(ring);
        if (reven_slot_is_free(ring)) break;
        n = VG_(read)(connection, &byte, 1);
        if (n <= 0 && n != -VKI_EINTR) return False;
    }
    reven_slot_end_wait(ring);
    return True;
}

static UInt executions_in_slot(void) { return (cursor_headers - headers) / 4; }

static void put_key_frame(void) {
    reven_record header = {REVEN_KEY_FRAME, threads_current_number(), stream_position(),
                           REVEN_REGISTER_FILE_SIZE};
    if (header.thread == 0) return;
    tl_assert(control_used + KEY_FRAME_SIZE <= ring->control_size);
    VG_(memcpy)(control + control_used, &header, sizeof header);
    VG_(memcpy)
    (control + control_used + sizeof header, threads_known_registers(), REVEN_REGISTER_FILE_SIZE);
    control_used += KEY_FRAME_SIZE;
}

static void update_salvage(void) {
    reven_slot_note(ring, slot_number, executions_in_slot(), cursor_values - values, control_used);
}

static void open_slot(void) {
    if (!wait_for_slot()) {
        stop_recording();
        return;
    }
    slot_number = reven_slot_open(ring, first_execution, &headers, &values, &control);
    control_used = 0;
    set_cursors(headers, values);
    put_key_frame();
    update_salvage();
}

static void hand_over(void) {
    UInt slot = slot_number, executions;
    pull_cursors();
    executions = executions_in_slot();
    first_execution += executions;
    if (reven_slot_hand_over(ring, slot, executions, cursor_values - values, control_used))
        wake_writer();
    reven_slot_note(ring, slot, 0, 0, 0);
    last_publish_ms = clock_milliseconds();
}

void stream_publish(void) {
    if (mode != RECORDING || ring == NULL) return;
    hand_over();
    if (threads_current() != 0 && __atomic_load_n(&ring->stop, __ATOMIC_RELAXED)) {
        ThreadId tid = threads_current();
        open_slot();
        record_end(REVEN_END_LIMIT, 0, False, tid,
                   *(ULong*)(threads_known_registers() + REVEN_RIP));
    } else
        open_slot();
}

void stream_publish_last(void) {
    if (mode == RECORDING && ring != NULL) hand_over();
}

void stream_publish_if_old(UInt milliseconds) {
    if (clock_milliseconds() - last_publish_ms >= milliseconds) stream_publish();
}

/* Whether the values until the next key point fit. */
static Bool values_low(void) {
    SizeT used = cursor_values - values;
    return ring->values_size - used < REVEN_KEY_INTERVAL * (SizeT)largest_values_size;
}

void stream_announce_values_size(UInt size) {
    if (size <= largest_values_size) return;
    largest_values_size = size;
    if (mode == RECORDING && ring != NULL && values_low()) stream_publish();
}

UChar* stream_control(UInt type, SizeT size) {
    SizeT reserve = KEY_FRAME_SIZE;
    if (mode != RECORDING || ring == NULL) return NULL;
    /* Where a fault cut an execution must stand in the same slot as the execution. */
    if (type != REVEN_SIGNAL && type != REVEN_END && type != REVEN_SIGNAL_INFO)
        reserve += FAULT_RESERVE;
    if (control_used + size + reserve > ring->control_size) {
        stream_publish();
        if (mode != RECORDING) return NULL;
    }
    tl_assert(control_used + size + reserve <= ring->control_size);
    control_used += size;
    return control + control_used - size;
}

SizeT stream_room(void) {
    SizeT used = control_used + KEY_FRAME_SIZE + FAULT_RESERVE;
    return used < ring->control_size ? ring->control_size - used : 0;
}

SizeT stream_largest_payload(void) {
    if (ring == NULL) return 4096;
    return ring->control_size - 2 * KEY_FRAME_SIZE - FAULT_RESERVE - sizeof(reven_record);
}

void stream_key_point(UChar* guest_state) {
    if (mode != RECORDING) {
        set_cursors(headers, values);
        return;
    }
    pull_cursors();
    if (cursor_headers == headers) return;
    registers_translate(guest_state, threads_known_registers());
    if (cursor_headers - headers >= (Long)REVEN_SLOT_EXECUTIONS * 4 || values_low() ||
        stream_room() < KEY_FRAME_SIZE + (shared_active() ? SHARED_RESERVE : 0) ||
        __atomic_load_n(&ring->stop, __ATOMIC_RELAXED))
        stream_publish();
    else {
        put_key_frame();
        update_salvage();
    }
}

/* ------------------------------------------------------------ connection */

static Bool read_all(Int fd, void* to, SizeT size) {
    SizeT done = 0;
    while (done < size) {
        Int n = VG_(read)(fd, (UChar*)to + done, size - done);
        if (n == -VKI_EINTR) continue;
        if (n <= 0) return False;
        done += n;
    }
    return True;
}

static Bool send_all(Int fd, const void* from, SizeT size) {
    SizeT done = 0;
    while (done < size) {
        SysRes sent = vgPlain_do_syscall(__NR_sendto, fd, (UWord)from + done, size - done,
                                         VKI_MSG_NOSIGNAL, 0, 0, 0, 0);
        if (sr_isError(sent)) return False;
        done += sr_Res(sent);
    }
    return True;
}

/* The writer's socket, for when its path is out of reach. */
static Int socket_itself = -1;

#define OPEN_PATH_ONLY 010000000

void stream_init(void) {
    SysRes opened = VG_(open)(option_socket, OPEN_PATH_ONLY, 0);
    if (!sr_isError(opened)) socket_itself = vgPlain_safe_fd(sr_Res(opened));
}

static Int connect_path(const HChar* path) {
    struct {
        UShort family;
        HChar path[108];
    } address = {VKI_AF_UNIX, ""};
    SysRes made = vgPlain_do_syscall(__NR_socket, VKI_AF_UNIX, VKI_SOCK_STREAM, 0, 0, 0, 0, 0, 0);
    Int fd;
    if (sr_isError(made) || VG_(strlen)(path) >= sizeof address.path) return -1;
    fd = vgPlain_safe_fd(sr_Res(made));
    VG_(strcpy)(address.path, path);
    if (!sr_isError(
            vgPlain_do_syscall(__NR_connect, fd, (UWord)&address, sizeof address, 0, 0, 0, 0, 0)))
        return fd;
    VG_(close)(fd);
    return -1;
}

static const HChar* other_path(void) {
    static HChar path[32];
    VG_(sprintf)(path, "/proc/self/fd/%d", socket_itself);
    return path;
}

Bool stream_reachable(void) {
    struct vg_stat status;
    return !sr_isError(VG_(stat)(option_socket, &status)) ||
           (socket_itself >= 0 && !sr_isError(VG_(stat)(other_path(), &status)));
}

static Int connect_socket(void) {
    Int fd = connect_path(option_socket);
    return fd >= 0 || socket_itself < 0 ? fd : connect_path(other_path());
}

/* Appends a string with its terminator; what does not fit is cut. */
static void add_text(HChar* text, SizeT capacity, UInt* size, const HChar* string) {
    SizeT length = VG_(strlen)(string) + 1;
    if (*size + length <= capacity) {
        VG_(memcpy)(text + *size, string, length);
        *size += length;
    }
}

/* Architecture and features of the processor that the program sees. */
static const HChar* processor(void) {
    static const struct {
        UInt flag;
        const HChar* name;
    } features[] = {
        {VEX_HWCAPS_AMD64_SSE3, "sse3"},     {VEX_HWCAPS_AMD64_SSSE3, "ssse3"},
        {VEX_HWCAPS_AMD64_CX16, "cx16"},     {VEX_HWCAPS_AMD64_LZCNT, "lzcnt"},
        {VEX_HWCAPS_AMD64_AVX, "avx"},       {VEX_HWCAPS_AMD64_AVX2, "avx2"},
        {VEX_HWCAPS_AMD64_BMI, "bmi1"},      {VEX_HWCAPS_AMD64_RDTSCP, "rdtscp"},
        {VEX_HWCAPS_AMD64_RDRAND, "rdrand"}, {VEX_HWCAPS_AMD64_RDSEED, "rdseed"},
        {VEX_HWCAPS_AMD64_F16C, "f16c"},
    };
    static HChar text[256];
    VexArch architecture;
    VexArchInfo info;
    UInt i;
    VG_(machine_get_VexArchInfo)(&architecture, &info);
    VG_(strcpy)(text, REVEN_ARCHITECTURE);
    for (i = 0; i < sizeof features / sizeof features[0]; i++)
        if (info.hwcaps & features[i].flag) {
            VG_(strcat)(text, " ");
            VG_(strcat)(text, features[i].name);
        }
    return text;
}

/* `forked_from`: process whose templates this one shares; 0: none. */
static Bool say_hello(Int fd, UInt forked_from) {
    static HChar text[1 << 16];
    HChar link[32], program[VKI_PATH_MAX];
    reven_hello hello = {REVEN_HELLO_MAGIC,
                         REVEN_STREAM_VERSION,
                         VG_(getpid)(),
                         forked_from ? forked_from : (UInt)VG_(getppid)(),
                         forked_from != 0,
                         template_count,
                         0,
                         REVEN_KIND_PROGRAM,
                         REVEN_REGISTER_FILE_SIZE};
    XArray* arguments = VG_(args_for_client);
    SSizeT length;
    Word i;
    VG_(sprintf)(link, "/proc/self/fd/%d", vgPlain_cl_exec_fd);
    length = VG_(readlink)(link, program, sizeof program - 1);
    program[length > 0 ? length : 0] = 0;
    add_text(text, sizeof text, &hello.text_size, "reven-valgrind 1 (Valgrind " VERSION ")");
    add_text(text, sizeof text, &hello.text_size, program);
    add_text(text, sizeof text, &hello.text_size, processor());
    add_text(text, sizeof text, &hello.text_size, VG_(args_the_exename));
    for (i = 0; i < VG_(sizeXA)(arguments); i++)
        add_text(text, sizeof text, &hello.text_size, *(HChar**)VG_(indexXA)(arguments, i));
    return send_all(fd, &hello, sizeof hello) && send_all(fd, text, hello.text_size);
}

/* The welcome, and with it the descriptor of the ring; -1: none came. */
static Bool receive_welcome(reven_welcome* welcome, Int* descriptor) {
    struct {
        SizeT size;
        Int level, type, descriptor, padding;
    } passed;
    struct vki_iovec bytes = {welcome, sizeof *welcome};
    struct vki_msghdr message;
    SysRes received;
    VG_(memset)(&message, 0, sizeof message);
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = &passed;
    message.msg_controllen = sizeof passed;
    do received = vgPlain_do_syscall(__NR_recvmsg, connection, (UWord)&message, 0, 0, 0, 0, 0, 0);
    while (sr_isError(received) && sr_Err(received) == VKI_EINTR);
    if (sr_isError(received) || sr_Res(received) == 0) return False;
    *descriptor = message.msg_controllen < sizeof passed - sizeof passed.padding ||
                          passed.level != VKI_SOL_SOCKET || passed.type != VKI_SCM_RIGHTS
                      ? -1
                      : passed.descriptor;
    return read_all(connection, (UChar*)welcome + sr_Res(received),
                    sizeof *welcome - sr_Res(received));
}

static Bool map_ring(const reven_welcome* welcome, Int descriptor) {
    SysRes mapped = vgPlain_am_shared_mmap_file_float_valgrind(
        welcome->ring_size, VKI_PROT_READ | VKI_PROT_WRITE, descriptor, 0);
    VG_(close)(descriptor);
    if (sr_isError(mapped)) return False;
    ring = (reven_ring_header*)sr_Res(mapped);
    ring_size = welcome->ring_size;
    return True;
}

Bool stream_connect(void) {
    static UInt connected_as = 0;
    reven_welcome welcome;
    Int descriptor = -1;
    if (ring != NULL) return True;
    first_execution = 0;
    limits_lift();
    connection = connect_socket();
    if (connection < 0 || !say_hello(connection, connected_as) ||
        !receive_welcome(&welcome, &descriptor) || !welcome.accepted ||
        !map_ring(&welcome, descriptor)) {
        stop_recording();
        limits_restore();
        return False;
    }
    limits_restore();
    connected_as = VG_(getpid)();
    last_publish_ms = clock_milliseconds();
    open_slot();
    return mode == RECORDING;
}

Bool stream_connected(void) { return ring != NULL; }

Bool stream_renews(void) {
    return ring != NULL && mode == RECORDING &&
           __atomic_exchange_n(&ring->renew, 0, __ATOMIC_RELAXED) != 0;
}

Bool stream_paused(void) {
    return ring != NULL && __atomic_load_n(&ring->pause, __ATOMIC_RELAXED) != 0;
}

void stream_abandon(void) {
    if (ring != NULL) VG_(am_munmap_valgrind)((Addr)ring, ring_size);
    ring = NULL;
    stream_close();
}

void stop_recording(void) {
    if (mode == STOPPED) return;
    mode = STOPPED;
    stream_close();
}

void stream_close(void) {
    if (connection >= 0) VG_(close)(connection);
    connection = -1;
    use_scratch();
}
