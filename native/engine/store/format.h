// SPDX-License-Identifier: Apache-2.0
// The files of a trace directory, their frames and their limits; see
// docs/trace-format.md.
#pragma once

#include <cstdint>

namespace reven::format {

// What is written, and the oldest that is read. Version 2 has neither interrupts nor devices,
// and register files of programs only: it reads as version 3.
constexpr uint32_t VERSION = 3;
constexpr uint32_t OLDEST = 2;

constexpr const char* DIRECTORY_FILE = "directory.bin";
constexpr const char* SEGMENT_FILE = "segments.bin";
constexpr const char* TEMPLATE_FILE = "templates.bin";
constexpr const char* BODY_FILE = "bodies.bin";

// Also the kinds of the frames in them.
enum FileKind : uint32_t { DIRECTORY = 1, SEGMENTS = 2, TEMPLATES = 3, BODIES = 4 };

struct FileHeader {
    char magic[8];
    uint32_t version;
    uint32_t kind;
};
constexpr char FILE_MAGIC[8] = {'R', 'E', 'V', 'E', 'N', 't', 'r', '\n'};

struct FrameHeader {
    uint32_t magic;
    uint32_t kind;
    uint32_t length;  // of the payload
    uint32_t crc;     // CRC-32C of the three fields before, then the payload
};
constexpr uint32_t FRAME_MAGIC = 0x4d524652;  // "RFRM"

struct DirectoryEntry {
    uint64_t first_execution;
    uint64_t first_transition;
    uint64_t offset;  // of the frame in the segment file
    uint32_t execution_count;
    uint32_t transition_count;
    uint32_t length;  // of the frame with its header
    uint32_t template_count;
    uint32_t reserved;
    uint32_t crc;  // CRC-32C of the fields before
};
static_assert(sizeof(DirectoryEntry) == 48);

// Start of a segment frame's payload; the three zstd frames follow.
struct SegmentHeader {
    uint64_t first_execution;
    uint64_t first_transition;
    uint32_t execution_count;
    uint32_t transition_count;
    uint32_t template_count;  // templates known at its end
    uint32_t values_size;
    uint32_t headers_size;  // as they are, and compressed
    uint32_t headers_packed;
    uint32_t control_size;
    uint32_t control_packed;
    uint32_t columns_size;
    uint32_t columns_packed;
};
static_assert(sizeof(SegmentHeader) == 56);

// Start of a template frame's payload; one zstd frame follows.
struct TemplateGroupHeader {
    uint32_t first_id;
    uint32_t count;
    uint64_t body_offset;  // of the frame with the bodies in the body file
    uint32_t body_length;  // of that frame with its header
    uint32_t size;         // of the heads, as they are
};
static_assert(sizeof(TemplateGroupHeader) == 24);

// Further limits are those of the stream (stream/limits.h).
constexpr uint32_t MAX_FRAME = 256u << 20;
constexpr uint32_t GROUP_TEMPLATES = 64;  // most templates in a group

}  // namespace reven::format
