// SPDX-License-Identifier: Apache-2.0
// An open trace: numbering, transitions and registers at any context.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/progress.h"
#include "replay/flags.h"
#include "replay/program.h"
#include "replay/replay.h"
#include "store/reader.h"

namespace reven {

// The register file with rip and, at REVEN_RFLAGS, all flags filled in. Of a program, whose file
// ends there, one word more: TraceReader::register_view_size() bytes of it count.
using RegisterView = std::array<uint8_t, REVEN_MACHINE_FILE_SIZE>;
static_assert(REVEN_RFLAGS == REVEN_REGISTER_FILE_SIZE);

enum class TransitionKind : uint8_t {
    Instruction = 0,
    Signal = 1,
    Switch = 2,
    EndSignal = 3,
    Interrupt = 4
};

struct TransitionInfo {
    uint64_t pc = 0;
    TransitionKind kind = TransitionKind::Instruction;
    uint32_t thread = 0;       // before
    uint32_t next_thread = 0;  // after
    uint32_t signal = 0;  // or the interrupt's vector
    uint64_t error_code = 0;
    uint64_t handler = 0;
    bool synchronous = false;
    uint8_t size = 0;
    std::array<uint8_t, 15> code{};
};

// Least recently used values by segment number, bounded by their bytes.
template <typename Value>
class SegmentCache {
   public:
    explicit SegmentCache(size_t capacity) : capacity_(capacity) {}

    std::shared_ptr<Value> find(size_t segment) {
        std::lock_guard lock(mutex_);
        const auto at = entries_.find(segment);
        if (at == entries_.end()) return nullptr;
        order_.splice(order_.begin(), order_, at->second);
        return at->second->value;
    }
    void put(size_t segment, std::shared_ptr<Value> value) {
        std::lock_guard lock(mutex_);
        if (entries_.count(segment)) return;
        used_ += value->bytes();
        order_.push_front({segment, std::move(value)});
        entries_[segment] = order_.begin();
        while (used_ > capacity_ && order_.size() > 1) {
            used_ -= order_.back().value->bytes();
            entries_.erase(order_.back().segment);
            order_.pop_back();
        }
    }
    void clear() {
        std::lock_guard lock(mutex_);
        entries_.clear();
        order_.clear();
        used_ = 0;
    }
    void forget(size_t segment) {
        std::lock_guard lock(mutex_);
        const auto at = entries_.find(segment);
        if (at == entries_.end()) return;
        used_ -= at->second->value->bytes();
        order_.erase(at->second);
        entries_.erase(at);
    }

   private:
    struct Entry {
        size_t segment;
        std::shared_ptr<Value> value;
    };
    std::mutex mutex_;
    size_t capacity_;
    size_t used_ = 0;
    std::list<Entry> order_;
    std::unordered_map<size_t, typename std::list<Entry>::iterator> entries_;
};

class TraceReader {
   public:
    TraceReader(const std::string& path, size_t cache_bytes);

    void refresh() { store_.refresh(); }
    const std::string& path() const { return path_; }
    const StoreReader& store() const { return store_; }
    BlockCache& blocks() { return blocks_; }

    uint64_t transition_count() const { return store_.transition_count(); }
    // Bytes of the register files in it; of a trace that holds none yet, those of a program.
    size_t register_file_size();
    size_t register_view_size() {
        return std::max<size_t>(register_file_size(), REVEN_RFLAGS + sizeof(uint64_t));
    }
    // The segment that answers for a context: the last one that starts at or before it.
    size_t segment_of_context(uint64_t context) const;
    std::shared_ptr<const SegmentView> view(size_t segment);
    // Not kept: for passes over the whole trace.
    std::shared_ptr<const SegmentView> load_view(size_t segment, Parts parts = Parts::All) const;

    // Throws std::out_of_range for a transition that is not in the trace.
    TransitionInfo transition(uint64_t id);
    // Calls `visit(info)` for each transition of [start, stop).
    void for_transitions(uint64_t start, uint64_t stop,
                         const std::function<void(const TransitionInfo&)>& visit);

    // Registers in a context; returns the thread that runs. Throws std::out_of_range.
    uint32_t registers(uint64_t context, RegisterView& out);
    // Calls `visit(i, thread, registers)` for each context; fast when they ascend.
    void registers_at(std::span<const uint64_t> contexts,
                      const std::function<void(size_t, uint32_t, const RegisterView&)>& visit);
    // Program counter in a context; for the last one where the trace ended.
    uint64_t pc_at(uint64_t context);
    // Completes a register file to a view: rip and rflags.
    void finish_view(RegisterView& view, uint64_t pc);

   private:
    uint64_t end_ip();

    std::string path_;
    StoreReader store_;
    BlockCache blocks_;
    std::atomic<size_t> register_file_size_ = 0;  // 0: not yet known
    SegmentCache<const SegmentView> views_;
};

}  // namespace reven
