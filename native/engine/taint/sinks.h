// SPDX-License-Identifier: Apache-2.0
// Where tainted data leaves the program, or decides what it does.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace reven {

struct TaintSink {
    enum Kind : uint8_t {
        KernelRead = 1,  // memory that a system call read
        Argument,        // of a system call; `address`: of the register
        Branch,          // a condition
        Jump,            // where a jump, a call or a return went
        LoadAddress,
        StoreAddress
    };
    Kind kind;
    uint16_t tags;
    uint64_t transition;  // the first one, of what an instruction does more often
    uint64_t address;
    uint64_t size;
    uint64_t count = 1;
};

// Filled by the pass, read meanwhile.
class TaintSinks {
   public:
    static constexpr size_t MOST = 200'000;

    void add(const TaintSink& sink) {
        std::lock_guard lock(mutex_);
        if (sinks_.size() < MOST)
            sinks_.push_back(sink);
        else
            ++dropped_;
    }
    // What an instruction decides each time that it runs is one sink.
    void add_at(uint64_t pc, const TaintSink& sink) {
        std::lock_guard lock(mutex_);
        const auto [at, is_new] = by_instruction_.try_emplace({pc, sink.kind}, sinks_.size());
        if (!is_new) {
            TaintSink& known = sinks_[at->second];
            known.tags |= sink.tags;
            ++known.count;
        } else if (sinks_.size() < MOST) {
            sinks_.push_back(sink);
        } else {
            by_instruction_.erase(at);
            ++dropped_;
        }
    }
    std::vector<TaintSink> list(size_t start, size_t limit) const {
        std::lock_guard lock(mutex_);
        if (start >= sinks_.size()) return {};
        const auto first = sinks_.begin() + static_cast<ptrdiff_t>(start);
        return {first, first + static_cast<ptrdiff_t>(std::min(limit, sinks_.size() - start))};
    }
    uint64_t dropped() const {
        std::lock_guard lock(mutex_);
        return dropped_;
    }

   private:
    mutable std::mutex mutex_;
    std::vector<TaintSink> sinks_;
    std::map<std::pair<uint64_t, uint8_t>, size_t> by_instruction_;
    uint64_t dropped_ = 0;
};

}  // namespace reven
