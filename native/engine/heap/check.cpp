// SPDX-License-Identifier: Apache-2.0
#include "heap/check.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <tuple>

#include "base/bytes.h"
#include "heap/shadow.h"

namespace reven {
namespace {

// What glibc's string functions read at once, aligned: four vectors.
constexpr uint64_t READ_AHEAD = 128;
constexpr uint64_t READ_AHEAD_UNALIGNED = 128;  // strstr; strcmp, of its second string
constexpr uint32_t READ_AHEAD_LOAD = 4;  // bytes, at least
// A copy stores what it loaded soon after, and in the same function.
constexpr uint64_t COPY_WITHIN = 128;
constexpr uint64_t FUNCTION_SIZE = 4096;
// How far beside a block an access is still taken for one that was meant for it.
constexpr uint64_t NEAR_BEFORE = 32;
constexpr uint64_t NEAR_AFTER = 128;
// A frame may be made and used in one block of code; stacks are at most so large.
constexpr uint64_t NEW_FRAME = 64 << 10;
constexpr uint64_t STACK_SIZE = 8 << 20;
// Of reads of bytes that were not written, so many of one instruction are kept.
constexpr uint32_t UNWRITTEN_KEPT = 3;

// Whether a thread is in the allocator; asked with ascending contexts.
class Spans {
   public:
    explicit Spans(const std::vector<AllocatorSpan>& spans) {
        for (const AllocatorSpan& span : spans) threads_[span.thread].spans.push_back(span);
    }
    bool contain(uint32_t thread, uint64_t context) {
        const auto at = threads_.find(thread);
        if (at == threads_.end()) return false;
        auto& [spans, next] = at->second;
        while (next < spans.size() && spans[next].leave <= context) ++next;
        return next < spans.size() && spans[next].enter <= context;
    }

   private:
    struct Thread {
        std::vector<AllocatorSpan> spans;
        size_t next = 0;
    };
    std::map<uint32_t, Thread> threads_;
};

// Where stacks begin, as far as calls have shown: above is nothing that is checked.
class Stacks {
   public:
    void call(uint64_t address) {
        if (holds(address)) return;
        const auto below = bases_.upper_bound(address);
        if (below != bases_.begin()) {
            const auto lower = std::prev(below);
            if (address - lower->first < STACK_SIZE) bases_.erase(lower);
        }
        base_ = address + 8;
        bases_[base_] = true;
    }
    // Of the stack that an address is in, or 0.
    uint64_t base_of(uint64_t address) { return holds(address) ? base_ : 0; }

   private:
    bool holds(uint64_t address) {
        if (address < base_ && base_ - address <= STACK_SIZE) return true;
        const auto at = bases_.upper_bound(address);
        if (at == bases_.end() || at->first - address > STACK_SIZE) return false;
        base_ = at->first;
        return true;
    }
    std::map<uint64_t, bool> bases_;
    uint64_t base_ = 0;  // the one that was asked for last
};

class Checker {
   public:
    explicit Checker(const HeapCheckInput& input) : input_(input), spans_(input.spans) {}

    bool is_full() const { return errors_.size() >= input_.limit; }
    std::vector<HeapError> take() { return std::move(errors_); }

    void run(const SegmentView& view, BlockCache& blocks) {
        const auto& records = view.records();
        Replayer replayer(view, blocks);
        replayer.start_at(0);
        size_t next = 0;
        for (uint32_t execution = 0;; ++execution) {
            for (; next < records.size() && records[next].position <= execution; ++next) {
                const RecordView record = view.record(records[next]);
                kernel(record, view.first_transition() + records[next].context);
                if (record.header->type != REVEN_KEY_FRAME) replayer.apply(record);
            }
            if (execution == view.execution_count()) return;
            block_ = &view.segment().block(execution);
            start_ = view.first_transition() + view.start(execution);
            thread_ = replayer.thread();
            rsp_ = read_as<uint64_t>(replayer.registers() + REVEN_RSP);
            is_allocator_ = spans_.contain(thread_, start_);
            stack_base_ = input_.find_unwritten ? stacks_.base_of(rsp_) : 0;
            begin_blocks(start_);
            replayer.run_execution<Effects::Accesses>(execution, *this);
            const uint32_t exit = view.segment().headers[execution] & ((1u << REVEN_EXIT_BITS) - 1);
            if (input_.find_unwritten && exit == 0 && block_->jump_kind == REVEN_JUMP_CALL &&
                !is_allocator_) {
                // The return address was just stored: what is below is a frame to come.
                stacks_.call(last_store_);
                shadow_.clear_written_below(last_store_);
            }
        }
    }

    void load(uint32_t instruction, uint64_t address, uint32_t size, const uint8_t* value) {
        if (is_allocator_ || size == 0) return;
        instruction_ = instruction;
        access(address, size, false, value);
    }
    void store(uint32_t instruction, uint64_t address, uint32_t size, const uint8_t* value) {
        last_store_ = address;
        if (is_allocator_ || size == 0) return;
        instruction_ = instruction;
        if (size >= READ_AHEAD_LOAD && pending_) confirm_copy(size, value);
        access(address, size, true, value);
    }

   private:
    struct Pending {
        HeapError error;
        std::array<uint8_t, 64> value;
    };

    bool is_alive(uint32_t block) const { return start_ < input_.blocks[block].end; }

    void begin_blocks(uint64_t context) {
        for (; next_block_ < input_.blocks.size(); ++next_block_) {
            const HeapBlock& block = input_.blocks[next_block_];
            if (block.first > context) return;
            shadow_.set_owner(block.address, block.size, static_cast<uint32_t>(next_block_));
            if (input_.find_unwritten) fill(block);
        }
    }

    void fill(const HeapBlock& block) {
        if (block.contents == Contents::Written) {
            shadow_.set_written(block.address, block.size);
            return;
        }
        uint64_t kept = 0;
        if (block.contents == Contents::Moved && block.moved_from < input_.blocks.size()) {
            const HeapBlock& old = input_.blocks[block.moved_from];
            kept = std::min(old.size, block.size);
            if (old.address != block.address) {
                shadow_.clear_written(block.address, kept);
                shadow_.copy_written(old.address, block.address, kept);
            }
        }
        shadow_.clear_written(block.address + kept, block.size - kept);
    }

    void kernel(const RecordView& record, uint64_t context) {
        switch (record.header->type) {
            case REVEN_MAP:
            case REVEN_UNMAP: {
                const auto range = read_as<reven_range>(record.payload);
                shadow_.forget(range.address, range.size);
                break;
            }
            case REVEN_REMAP: {
                const auto move = read_as<reven_remap>(record.payload);
                shadow_.forget(move.from, move.size);
                shadow_.forget(move.to, move.size);
                break;
            }
            case REVEN_MEMORY: {
                const auto& memory = record.as<reven_memory>();
                const auto size = static_cast<uint32_t>(record.header->size - sizeof memory);
                if (memory.cause == REVEN_CAUSE_IMAGE || context == 0 || size == 0 || !block_)
                    break;
                access_by_kernel(context, memory.address, size, true,
                                 record.payload + sizeof memory);
                break;
            }
            case REVEN_KERNEL_READ:
                // Gaps of structures, which nobody writes, are given to the kernel as well.
                if (input_.find_unwritten || context == 0 || !block_) break;
                for (const reven_range& range : ranges_of(record))
                    if (range.size > 0)
                        access_by_kernel(context, range.address, static_cast<uint32_t>(range.size),
                                         false, nullptr);
                break;
            default:
                break;
        }
    }

    void access_by_kernel(uint64_t context, uint64_t address, uint32_t size, bool is_write,
                          const uint8_t* value) {
        if (is_allocator_) return;
        start_ = context - 1;
        instruction_ = 0;
        is_kernel_ = true;
        access(address, size, is_write, value);
        is_kernel_ = false;
    }

    void access(uint64_t address, uint32_t size, bool is_write, const uint8_t* value) {
        const uint64_t last = address + (size - 1);
        if (shadow_.is_heap(address) || shadow_.is_heap(last)) {
            access_heap(address, last, size, is_write, value);
        } else if (input_.find_unwritten && stack_base_ != 0 && last < stack_base_ &&
                   address + NEW_FRAME >= rsp_) {
            access_written(address, size, is_write, NO_BLOCK, value);
        }
    }

    void access_heap(uint64_t address, uint64_t last, uint32_t size, bool is_write,
                     const uint8_t* value) {
        const uint32_t owner = shadow_.owner(address);
        const bool is_alive_here = owner != HeapShadow::NOBODY && is_alive(owner);
        if (is_alive_here) {
            const HeapBlock& block = input_.blocks[owner];
            if (address >= block.address && last < block.address + block.size) {
                if (input_.find_unwritten) access_written(address, size, is_write, owner, value);
                return;
            }
        }
        if (input_.find_unwritten) return;
        HeapError error = make(HeapErrorKind::Outside, address, size, is_write);
        if (owner != HeapShadow::NOBODY && !is_alive_here) {
            const HeapBlock& block = input_.blocks[owner];
            if (address >= block.address && address < block.address + block.size) {
                error.kind = HeapErrorKind::Freed;
                error.block = owner;
            }
        }
        if (error.kind == HeapErrorKind::Outside) {
            error.block = is_alive_here ? owner : neighbour(address, last);
            if (error.block == NO_BLOCK && is_library(error.pc)) return;
            // Beside may be a block that was there before the trace.
            if (!is_alive_here && !input_.from_the_beginning) return;
        }
        if (reads_ahead(error) && touches_live_block(address)) {
            wait_for_copy(error, value);
            return;
        }
        add(error);
    }

    // The nearest live block of those that an access beside all blocks may have been meant
    // for, or NO_BLOCK.
    uint32_t neighbour(uint64_t address, uint64_t last) {
        uint32_t before = NO_BLOCK;
        for (uint64_t at = 0; at < NEAR_AFTER && before == NO_BLOCK; at += GRANULE)
            before = live_owner(address - at);
        uint32_t after = NO_BLOCK;
        for (uint64_t at = 0; at < NEAR_BEFORE && after == NO_BLOCK; at += GRANULE)
            after = live_owner(last + at);
        if (before == NO_BLOCK || after == NO_BLOCK) return before == NO_BLOCK ? after : before;
        const HeapBlock& lower = input_.blocks[before];
        const uint64_t beyond = address - (lower.address + lower.size);
        return input_.blocks[after].address - last <= beyond ? after : before;
    }
    uint32_t live_owner(uint64_t address) {
        const uint32_t owner = shadow_.owner(address);
        return owner != HeapShadow::NOBODY && is_alive(owner) ? owner : NO_BLOCK;
    }

    void access_written(uint64_t address, uint32_t size, bool is_write, uint32_t block,
                        const uint8_t* value) {
        if (is_write) {
            shadow_.set_written(address, size);
            return;
        }
        const uint64_t missing = shadow_.unwritten(address, size);
        if (missing == 0) return;
        HeapError error = make(HeapErrorKind::Unwritten, address, size, false);
        error.block = block;
        error.bytes = missing;
        if (reads_ahead(error))
            wait_for_copy(error, value);
        else
            add(error);
    }

    // What the kernel does, the last instruction of the block asked for.
    uint64_t pc() const {
        const auto& instructions = block_->instructions;
        return (is_kernel_ ? instructions.back() : instructions[instruction_]).address;
    }

    HeapError make(HeapErrorKind kind, uint64_t address, uint32_t size, bool is_write) const {
        const uint64_t transition = start_ + instruction_;
        return {kind, is_write, thread_, size, NO_BLOCK, 1, transition, pc(), address, 0};
    }

    bool is_library(uint64_t pc) const {
        return std::any_of(
            input_.library_code.begin(), input_.library_code.end(),
            [&](const auto& range) { return range.first <= pc && pc < range.second; });
    }
    bool reads_ahead(const HeapError& error) const {
        return !is_kernel_ && !error.is_write && error.size >= READ_AHEAD_LOAD &&
               error.size <= 64 && is_library(error.pc);
    }
    bool touches_live_block(uint64_t address) {
        const uint64_t group = address & ~(READ_AHEAD - 1);
        for (uint64_t at = group - READ_AHEAD_UNALIGNED; at < group + READ_AHEAD; at += GRANULE)
            if (live_owner(at) != NO_BLOCK) return true;
        return false;
    }

    // What is stored as it was loaded was no mere look ahead.
    void wait_for_copy(const HeapError& error, const uint8_t* value) {
        pending_.emplace(Pending{error, {}});
        std::memcpy(pending_->value.data(), value, error.size);
    }
    void confirm_copy(uint32_t size, const uint8_t* value) {
        const Pending& pending = *pending_;
        const bool is_copy = pending.error.size == size && pending.error.thread == thread_ &&
                             start_ - pending.error.transition < COPY_WITHIN &&
                             pc() + FUNCTION_SIZE - pending.error.pc < 2 * FUNCTION_SIZE &&
                             std::memcmp(pending.value.data(), value, size) == 0;
        if (is_copy) {
            add(pending.error);
            pending_.reset();
        } else if (start_ - pending.error.transition >= COPY_WITHIN) {
            pending_.reset();
        }
    }

    void add(const HeapError& error) {
        const bool is_unwritten = error.kind == HeapErrorKind::Unwritten;
        if (is_unwritten && ++unwritten_by_[error.pc] > UNWRITTEN_KEPT) return;
        const auto key = std::tuple(error.kind, error.pc, error.block,
                                    is_unwritten ? error.transition : 0, error.is_write);
        const auto [at, is_new] = known_.try_emplace(key, errors_.size());
        if (!is_new)
            ++errors_[at->second].count;
        else if (!is_full())
            errors_.push_back(error);
    }

    const HeapCheckInput& input_;
    Spans spans_;
    Stacks stacks_;
    HeapShadow shadow_;
    size_t next_block_ = 0;
    std::vector<HeapError> errors_;
    std::map<std::tuple<HeapErrorKind, uint64_t, uint32_t, uint64_t, bool>, size_t> known_;
    std::map<uint64_t, uint32_t> unwritten_by_;
    std::optional<Pending> pending_;

    // The execution that is being replayed.
    const Template* block_ = nullptr;
    uint64_t start_ = 0;  // its first transition
    uint32_t thread_ = 0;
    uint64_t rsp_ = 0;
    uint64_t stack_base_ = 0;  // 0: not known
    bool is_allocator_ = false;
    bool is_kernel_ = false;
    uint32_t instruction_ = 0;
    uint64_t last_store_ = 0;
};

}  // namespace

std::vector<HeapError> check_heap(Queries& queries, const HeapCheckInput& input,
                                  const Progress& progress) {
    TraceReader& trace = queries.trace();
    Checker checker(input);
    const size_t count = trace.store().segment_count();
    for (size_t segment = 0; segment < count && !checker.is_full(); ++segment) {
        if (progress) progress(segment, count);
        checker.run(*trace.load_view(segment), trace.blocks());
    }
    return checker.take();
}

}  // namespace reven
