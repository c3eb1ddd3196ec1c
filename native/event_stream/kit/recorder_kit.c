/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ring_slots.h"

#define LARGEST_TEXT (1u << 16)
#define KEY_FRAME_SIZE (sizeof(reven_record) + REVEN_REGISTER_FILE_SIZE)

struct reven_stream {
    int connection; /* -1: nothing is recorded any more */
    reven_ring_header* ring;
    size_t ring_size;
    reven_registers registers;
    void* user;
    uint64_t first_execution;
    uint32_t slot, templates;
    uint8_t *headers, *values, *control;
    uint32_t executions, values_size, control_size;
};

static int send_all(int to, const void* data, size_t size) {
    const char* at = data;
    while (size > 0) {
        ssize_t sent = send(to, at, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return 0;
        at += sent;
        size -= (size_t)sent;
    }
    return 1;
}

static int receive_all(int from, void* data, size_t size) {
    char* at = data;
    while (size > 0) {
        ssize_t got = recv(from, at, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return 0;
        at += got;
        size -= (size_t)got;
    }
    return 1;
}

static int connect_to(const char* path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) return -1;
    strcpy(address.sun_path, path);
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (made >= 0 && connect(made, (struct sockaddr*)&address, sizeof address) == 0) return made;
    if (made >= 0) close(made);
    return -1;
}

/* What does not fit is cut at a whole string. */
static void add_text(char* text, uint32_t* size, const char* string) {
    size_t length = strlen(string) + 1;
    if (*size + length > LARGEST_TEXT) return;
    memcpy(text + *size, string, length);
    *size += (uint32_t)length;
}

static int say_hello(int to, const char* recorder, const char* program,
                     const char* const* arguments) {
    char* text = malloc(LARGEST_TEXT);
    reven_hello hello = {.magic = REVEN_HELLO_MAGIC,
                         .version = REVEN_STREAM_VERSION,
                         .pid = (uint32_t)getpid(),
                         .parent_pid = (uint32_t)getppid()};
    if (text == NULL) return 0;
    add_text(text, &hello.text_size, recorder);
    add_text(text, &hello.text_size, program);
    for (; *arguments != NULL; arguments++) add_text(text, &hello.text_size, *arguments);
    int said = send_all(to, &hello, sizeof hello) && send_all(to, text, hello.text_size);
    free(text);
    return said;
}

static reven_ring_header* map_ring(const reven_welcome* welcome) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%u/fd/%u", welcome->writer_pid, welcome->ring_fd);
    int opened = open(path, O_RDWR | O_CLOEXEC);
    if (opened < 0) return NULL;
    void* mapped = mmap(NULL, welcome->ring_size, PROT_READ | PROT_WRITE, MAP_SHARED, opened, 0);
    close(opened);
    return mapped == MAP_FAILED ? NULL : mapped;
}

static void stop(reven_stream* stream) {
    if (stream->connection >= 0) close(stream->connection);
    stream->connection = -1;
}

/* 0: the writer has gone. */
static int wait_for_slot(reven_stream* stream) {
    while (!reven_slot_is_free(stream->ring)) {
        char byte;
        reven_slot_announce_wait(stream->ring);
        if (reven_slot_is_free(stream->ring)) break;
        ssize_t got = recv(stream->connection, &byte, 1, 0);
        if (got == 0 || (got < 0 && errno != EINTR)) return 0;
    }
    reven_slot_end_wait(stream->ring);
    return 1;
}

/* The caller has seen that it fits. */
static void put_record(reven_stream* stream, uint32_t type, uint32_t thread, size_t size,
                       const void* head, size_t head_size, const void* rest) {
    reven_record record = {type, thread, stream->first_execution + stream->executions, size};
    uint8_t* to = stream->control + stream->control_size;
    memcpy(to, &record, sizeof record);
    to += sizeof record;
    if (head_size > 0) memcpy(to, head, head_size);
    if (size > head_size) memcpy(to + head_size, rest, size - head_size);
    memset(to + size, 0, reven_padded(size) - size);
    stream->control_size += (uint32_t)(sizeof record + reven_padded(size));
}

static uint32_t put_key_frame(reven_stream* stream) {
    uint8_t file[REVEN_REGISTER_FILE_SIZE] = {0};
    uint32_t thread = stream->registers(stream->user, file);
    put_record(stream, REVEN_KEY_FRAME, thread, sizeof file, file, sizeof file, NULL);
    reven_slot_note(stream->ring, stream->slot, stream->executions, stream->values_size,
                    stream->control_size);
    return thread;
}

static void open_slot(reven_stream* stream) {
    if (!wait_for_slot(stream)) {
        stop(stream);
        return;
    }
    stream->slot = reven_slot_open(stream->ring, stream->first_execution, &stream->headers,
                                   &stream->values, &stream->control);
    stream->executions = stream->values_size = stream->control_size = 0;
    put_key_frame(stream);
}

static void hand_over(reven_stream* stream) {
    uint32_t slot = stream->slot;
    int waits = reven_slot_hand_over(stream->ring, slot, stream->executions, stream->values_size,
                                     stream->control_size);
    stream->first_execution += stream->executions;
    if (waits && !send_all(stream->connection, "", 1)) stop(stream);
    reven_slot_note(stream->ring, slot, 0, 0, 0);
}

/* Begins another slot if the current one has less room than this. 0: it never has. */
static int make_room(reven_stream* stream, size_t values, size_t control) {
    const reven_ring_header* ring = stream->ring;
    /* A record of the end always fits. */
    control += KEY_FRAME_SIZE + sizeof(reven_record) + sizeof(reven_end);
    if (values > ring->values_size || control + KEY_FRAME_SIZE > ring->control_size) return 0;
    if (stream->executions < REVEN_SLOT_EXECUTIONS &&
        stream->values_size + values <= ring->values_size &&
        stream->control_size + control <= ring->control_size)
        return 1;
    hand_over(stream);
    if (stream->connection >= 0) open_slot(stream);
    return stream->connection >= 0;
}

reven_stream* reven_stream_connect(const char* path, const char* recorder, const char* program,
                                   const char* const* arguments, reven_registers registers,
                                   void* user) {
    reven_welcome welcome;
    reven_stream* stream = calloc(1, sizeof *stream);
    if (stream == NULL) return NULL;
    stream->registers = registers;
    stream->user = user;
    stream->connection = connect_to(path);
    if (stream->connection >= 0 && say_hello(stream->connection, recorder, program, arguments) &&
        receive_all(stream->connection, &welcome, sizeof welcome) && welcome.accepted &&
        (stream->ring = map_ring(&welcome)) != NULL) {
        stream->ring_size = welcome.ring_size;
        open_slot(stream);
        return stream;
    }
    stop(stream);
    free(stream);
    return NULL;
}

uint32_t reven_stream_template(reven_stream* stream, const reven_template* head,
                               const reven_instruction* instructions, const reven_node* nodes,
                               const reven_event* events) {
    const size_t parts[] = {sizeof *head, head->instruction_count * sizeof *instructions,
                            head->node_count * sizeof *nodes, head->event_count * sizeof *events};
    const void* from[] = {head, instructions, nodes, events};
    size_t size = parts[0] + parts[1] + parts[2] + parts[3];
    if (stream->connection < 0) return 0;
    uint8_t* payload = malloc(size);
    if (payload == NULL) {
        stop(stream);
        return 0;
    }
    uint8_t* to = payload;
    for (size_t i = 0; i < 4; to += parts[i++])
        if (parts[i] > 0) memcpy(to, from[i], parts[i]);
    uint32_t id = stream->templates + 1;
    memcpy(payload + offsetof(reven_template, id), &id, sizeof id);
    int done = reven_stream_record(stream, REVEN_TEMPLATE, payload, size);
    free(payload);
    if (!done) stop(stream);
    return done ? stream->templates = id : 0;
}

void reven_stream_execute(reven_stream* stream, uint32_t template_id, uint32_t exit,
                          const void* values, uint32_t size) {
    if (stream->connection < 0 || !make_room(stream, size, 0)) return;
    if (stream->executions > 0 && stream->executions % REVEN_KEY_INTERVAL == 0)
        put_key_frame(stream);
    uint32_t header = template_id << REVEN_EXIT_BITS | exit;
    memcpy(stream->headers + (size_t)stream->executions * sizeof header, &header, sizeof header);
    if (size > 0) memcpy(stream->values + stream->values_size, values, size);
    stream->values_size += size;
    stream->executions++;
}

int reven_stream_record(reven_stream* stream, uint32_t type, const void* payload, size_t size) {
    uint8_t file[REVEN_REGISTER_FILE_SIZE];
    if (stream->connection < 0 || !make_room(stream, 0, sizeof(reven_record) + reven_padded(size)))
        return 0;
    put_record(stream, type, stream->registers(stream->user, file), size, payload, size, NULL);
    return 1;
}

void reven_stream_memory(reven_stream* stream, uint64_t address, const void* bytes, size_t size,
                         uint32_t cause) {
    const uint8_t* from = bytes;
    while (size > 0 && stream->connection >= 0) {
        uint8_t file[REVEN_REGISTER_FILE_SIZE];
        size_t part = size < 65536 ? size : 65536;
        reven_memory head = {address, cause, 0};
        if (!make_room(stream, 0, sizeof(reven_record) + sizeof head + reven_padded(part))) return;
        put_record(stream, REVEN_MEMORY, stream->registers(stream->user, file), sizeof head + part,
                   &head, sizeof head, from);
        address += part;
        from += part;
        size -= part;
    }
}

int reven_stream_stopped(const reven_stream* stream) {
    return stream->connection < 0 || __atomic_load_n(&stream->ring->stop, __ATOMIC_RELAXED) != 0;
}

void reven_stream_end(reven_stream* stream, const reven_end* end) {
    if (stream->connection >= 0) {
        put_record(stream, REVEN_END, end->thread, sizeof *end, end, sizeof *end, NULL);
        hand_over(stream);
    }
    stop(stream);
    munmap(stream->ring, stream->ring_size);
    free(stream);
}
