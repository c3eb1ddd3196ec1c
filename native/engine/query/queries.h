// SPDX-License-Identifier: Apache-2.0
// Questions to a whole trace. Every one visits only segments that can matter
// and reports its progress between two of them.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "index/index.h"
#include "query/memory.h"
#include "replay/trace.h"

namespace reven {

struct Access {
    uint64_t transition;
    uint64_t address;  // physical
    uint64_t linear;   // of a program, and of what no instruction did, the same
    uint32_t size;
    bool is_write;
    uint32_t cause = 0;  // REVEN_CAUSE_… of what no instruction did, 0 of what one did
};

struct DeviceAccess {
    uint64_t transition;
    DeviceTransfer transfer;
};

struct AccessQuery {
    uint64_t start = 0;  // transitions [start, stop)
    uint64_t stop = 0;
    uint64_t first_address = 0;  // both included
    uint64_t last_address = UINT64_MAX;
    bool reads = true;
    bool writes = true;
    bool forward = true;
    size_t limit = 1000;
};

struct PcQuery {
    std::vector<std::pair<uint64_t, uint64_t>> ranges;  // [low, high)
    uint64_t start = 0;
    uint64_t stop = 0;
    bool forward = true;
    size_t limit = 1000;
};

struct MappingInfo {
    uint64_t address;
    uint64_t size;
    uint32_t protection;
    uint64_t file_offset;
    std::string path;
    uint64_t first_context;
    uint64_t last_context;
};

struct SyscallInfo {
    uint64_t transition;
    uint32_t thread;
    uint64_t number;
    uint64_t arguments[6];
    std::optional<int64_t> result;
};

struct ThreadInfo {
    uint32_t id;
    uint64_t first_transition;
    uint64_t last_transition;
};

class Queries {
   public:
    Queries(const std::string& path, size_t cache_bytes);

    TraceReader& trace() { return trace_; }
    Index& index() { return whole_.index; }
    Index& outline() { return outline_.index; }
    // Takes in what was appended; waits for nobody.
    void refresh() { trace_.refresh(); }
    // Whether the index covers every segment.
    bool indexed();
    // Builds what is missing of the index, or of its part for the first `wanted` segments. While
    // the result lives, the index stays as it is.
    std::shared_lock<std::shared_mutex> need_index(const Progress& progress, uint32_t threads = 2,
                                                   uint32_t wanted = UINT32_MAX);
    // The same for the outline: control records, and which segments run a block.
    std::shared_lock<std::shared_mutex> need_outline(const Progress& progress);

    // Copies memory as of a context; known[i] says whether byte i was ever recorded.
    void read_memory(uint64_t context, uint64_t address, std::span<uint8_t> data,
                     std::span<uint8_t> known, const Progress& progress);

    std::vector<Access> accesses(const AccessQuery& query, const Progress& progress);
    // What transitions [start, stop) moved from and to devices; a few more than `limit`, for a
    // transition's stay together.
    std::vector<DeviceAccess> device_accesses(uint64_t start, uint64_t stop, size_t limit,
                                              const Progress& progress);
    std::vector<uint64_t> find_pcs(const PcQuery& query, const Progress& progress);
    std::optional<uint64_t> find_register_change(uint64_t context, uint32_t offset, uint32_t size,
                                                 uint64_t mask, bool forward,
                                                 const Progress& progress);
    std::optional<uint64_t> find_memory_change(uint64_t context, uint64_t address, uint64_t size,
                                               bool forward, const Progress& progress);
    // Empty if the thread had not run yet.
    std::optional<RegisterView> thread_registers(uint32_t thread, uint64_t context);

    std::vector<std::pair<uint64_t, uint64_t>> executed_ranges();
    std::vector<MappingInfo> mappings();
    std::vector<SyscallInfo> syscalls(uint64_t start, uint64_t stop, size_t limit);
    // The call that the kernel's accesses of a transition belong to: the one made there, or,
    // where a thread goes on, the one that it waited in.
    std::optional<SyscallInfo> syscall_of(uint64_t transition);
    std::vector<ThreadInfo> threads();

   private:
    // Segments that may access the pages, of [first, last], in the direction: those that the
    // index names, and those that it does not cover. A range too wide for the index to help
    // gives them all.
    std::vector<uint32_t> segments_accessing(const AccessQuery& query, uint32_t first,
                                             uint32_t last);
    // Segments of [first, last] that may change bytes of the addresses, ascending.
    std::vector<uint32_t> segments_changing(uint64_t first_address, uint64_t last_address,
                                            uint32_t first, uint32_t last);
    std::vector<uint32_t> segments_executing(const std::vector<uint32_t>& blocks, uint32_t first,
                                             uint32_t last, const Progress& progress);

    struct Built {
        Built(TraceReader& trace, Index::Kind kind) : index(trace, kind) {}
        std::shared_mutex readers;
        std::mutex building;
        Index index;
    };
    std::shared_lock<std::shared_mutex> need(Built& built, const Progress& progress,
                                             uint32_t threads, uint32_t wanted);
    uint32_t covered();

    TraceReader trace_;
    Built whole_, outline_;
    MemoryReader memory_;
};

struct CheckOutcome {
    uint64_t segments = 0;
    uint64_t executions = 0;
    uint64_t transitions = 0;
    uint64_t loads = 0;
    uint64_t bad_loads = 0;
    uint64_t key_frames = 0;
    uint64_t bad_key_frames = 0;
    uint64_t blocks = 0;  // comparisons of a block's code with memory
    uint64_t bad_blocks = 0;
    // Changes of memory that no instruction or system call made at that address.
    uint64_t alias_changes = 0;  // stores to the same page at another address
    uint64_t outside_changes = 0;  // other processes and the kernel, dated when first seen
    uint64_t file_changes = 0;  // others' writes to mapped files
    uint64_t unrecorded_changes = 0;  // by code that was left out of the record
    std::vector<std::string> problems;
};

// Replays the whole trace: every recorded load must equal memory rebuilt from
// the initial image, stores and kernel writes; every key frame the replayed registers; the
// instructions that ran what memory held then.
CheckOutcome check(TraceReader& trace, const Progress& progress);

}  // namespace reven
