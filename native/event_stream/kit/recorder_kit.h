/* SPDX-License-Identifier: Apache-2.0
 *
 * What a recorder in C needs to speak the live transport of event_stream.h: the greeting,
 * the ring and its slots, templates, executions, control records and key frames. It is for
 * recorders that have a C library; example.c shows a whole one. One thread at a time.
 *
 * Where the writer has gone, or wants no more, every call does nothing: the recorded program
 * runs on. Nothing here ends the process.
 */
#ifndef REVEN_RECORDER_KIT_H
#define REVEN_RECORDER_KIT_H

#include <stddef.h>

#include "event_stream.h"

typedef struct reven_stream reven_stream;

/* Fills in the register file of the thread that runs, and gives the thread's number (from
 * 1), as they are before the next execution. */
typedef uint32_t (*reven_registers)(void* user, uint8_t file[REVEN_REGISTER_FILE_SIZE]);

/* Greets the writer at the Unix socket `path`. `recorder`: name and version; `program` and
 * `arguments` (NULL at the end): what is recorded. `registers` is asked for key frames.
 * NULL: nobody listens there, or the writer wants no recording. */
reven_stream* reven_stream_connect(const char* path, const char* recorder, const char* program,
                                   const char* const* arguments, reven_registers registers,
                                   void* user);

/* Describes a block: `head` says how many instructions, nodes and events follow; its id is
 * ignored. Gives the id for reven_stream_execute; 0: nothing is recorded any more. */
uint32_t reven_stream_template(reven_stream* stream, const reven_template* head,
                               const reven_instruction* instructions, const reven_node* nodes,
                               const reven_event* events);

/* The block ran to its end (`exit` 0) or left at that side exit. `values`: `size` bytes, the
 * template's values_size. To be called before the registers that reven_registers gives
 * change. */
void reven_stream_execute(reven_stream* stream, uint32_t template_id, uint32_t exit,
                          const void* values, uint32_t size);

/* A control record of the thread that runs; templates and key frames have their own ways. A
 * payload larger than the ring takes (some megabytes) is left out, and gives 0. */
int reven_stream_record(reven_stream* stream, uint32_t type, const void* payload, size_t size);

/* Memory that no instruction wrote, of any size. */
void reven_stream_memory(reven_stream* stream, uint64_t address, const void* bytes, size_t size,
                         uint32_t cause);

/* Whether the writer asked for no more, or has gone. */
int reven_stream_stopped(const reven_stream* stream);

/* Says why the recording ended, hands over what there is and frees the stream. Without it
 * the writer takes the recorder for dead, and keeps what came up to the last key frame. */
void reven_stream_end(reven_stream* stream, const reven_end* end);

#endif
