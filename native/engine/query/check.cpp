// SPDX-License-Identifier: Apache-2.0
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <map>
#include <unordered_map>

#include "query/check_code.h"
#include "query/queries.h"

namespace reven {
namespace {

constexpr size_t REPORTED_PROBLEMS = 20;

// The process's memory, rebuilt as the trace goes on.
class RebuiltMemory {
   public:
    struct Page {
        uint64_t number;
        PageBytes bytes;
    };

    Page& page(uint64_t number) {
        auto& recent = recent_[number % recent_.size()];
        if (recent && recent->number == number) [[likely]]
            return *recent;
        auto& entry = pages_[number];
        if (!entry) {
            entry = std::make_unique<Page>();
            entry->number = number;
            if (is_zero(number)) entry->bytes.known.fill(~uint64_t{0});
        }
        recent = entry.get();
        return *entry;
    }

    void change(const RangeChange& range) {
        const uint64_t first = range.address / PAGE_SIZE;
        const uint64_t count = range.size / PAGE_SIZE;
        recent_ = {};
        if (range.kind == RangeKind::Moved) {
            std::vector<std::unique_ptr<Page>> moved;
            for (uint64_t i = 0; i < count; ++i) {
                auto page = std::make_unique<Page>(this->page(range.from / PAGE_SIZE + i));
                page->number = first + i;
                moved.push_back(std::move(page));
            }
            recent_ = {};
            for (auto& page : moved) {
                const uint64_t number = page->number;
                pages_[number] = std::move(page);
            }
            return;
        }
        if (count > pages_.size())
            std::erase_if(pages_, [&](const auto& entry) { return entry.first - first < count; });
        else
            for (uint64_t i = 0; i < count; ++i) pages_.erase(first + i);
        set_zero(first, first + count, range.kind == RangeKind::Zero);
    }

   private:
    bool is_zero(uint64_t number) const {
        const auto after = zero_.upper_bound(number);
        return after != zero_.begin() && std::prev(after)->second;
    }
    // `zero_` maps the start of each run of pages to whether it reads as zeros.
    void set_zero(uint64_t first, uint64_t end, bool value) {
        const bool following = is_zero(end);
        zero_.erase(zero_.lower_bound(first), zero_.upper_bound(end));
        zero_[first] = value;
        zero_[end] = following;
    }

    std::array<Page*, 64> recent_{};
    std::unordered_map<uint64_t, std::unique_ptr<Page>> pages_;
    std::map<uint64_t, bool> zero_;
};

std::string hex(const uint8_t* bytes, size_t size) {
    std::string text;
    char digits[3];
    for (size_t i = 0; i < std::min<size_t>(size, 32); ++i) {
        std::snprintf(digits, sizeof digits, "%02x", bytes[i]);
        text += digits;
    }
    return text;
}

// Visitor of Replayer::run_accesses.
class Checker {
   public:
    Checker(RebuiltMemory& memory, CheckOutcome& outcome) : memory_(memory), outcome_(outcome) {}

    void begin(const SegmentView& view, const Replayer& replayer) {
        first_transition_ = view.first_transition();
        view_ = &view;
        replayer_ = &replayer;
    }
    void load(uint32_t transition, uint64_t address, uint32_t size, const uint8_t* value) {
        ++outcome_.loads;
        bool good = true;
        for_pieces(address, size, [&](PageBytes& page, uint32_t at, uint32_t count, uint32_t done) {
            if (std::memcmp(page.data.data() + at, value + done, count) == 0 &&
                known(page, at, count)) [[likely]]
                return;
            for (uint32_t i = 0; i < count; ++i)
                good &= !page.is_known(at + i) || page.data[at + i] == value[done + i];
            if (!good) found_ = hex(page.data.data() + at, count);
            // What was never recorded is learnt from what the program saw.
            page.write(at, {value + done, count});
        });
        if (good) return;
        ++outcome_.bad_loads;
        char text[160];
        std::snprintf(text, sizeof text,
                      "transition #%" PRIu64 ": load of %u bytes at 0x%" PRIx64 " gave ",
                      first_transition_ + transition, size, address);
        report(text + hex(value, size) + ", rebuilt memory holds " + found_);
    }
    void store(uint32_t, uint64_t address, uint32_t size, const uint8_t* value) {
        write(address, size, value);
    }
    void record(const RecordPoint& point, const RecordView& record) {
        switch (record.header->type) {
            case REVEN_KEY_FRAME:
                if (&point != first_)
                    check_key_frame(record, replayer_->registers(), point.context);
                break;
            case REVEN_MEMORY: {
                const auto bytes = record.rest(sizeof(reven_memory));
                const uint32_t cause = record.as<reven_memory>().cause;
                outcome_.alias_changes += cause == REVEN_CAUSE_ALIAS;
                outcome_.outside_changes += cause == REVEN_CAUSE_OUTSIDE;
                outcome_.file_changes += cause == REVEN_CAUSE_FILE;
                outcome_.unrecorded_changes += cause == REVEN_CAUSE_NOT_RECORDED;
                write(record.as<reven_memory>().address, bytes.size(), bytes.data());
                break;
            }
            default: {
                const RangeChanges ranges = range_changes(record);
                for (const RangeChange& change : ranges.changes) memory_.change(change);
                if (!ranges.changes.empty()) code_.forget_all();
                static constexpr uint8_t ZEROS[PAGE_SIZE] = {};
                for (const auto& [address, size] : ranges.zeroed) write(address, size, ZEROS);
            }
        }
    }
    bool done(uint32_t) { return false; }
    void execute(uint32_t execution) {
        const Template& block = view_->segment().block(execution);
        const reven_instruction* wrong =
            code_.run(block, view_->retired(execution),
                      [&](uint64_t number) -> PageBytes& { return memory_.page(number).bytes; });
        outcome_.blocks = code_.compared();
        if (!wrong) [[likely]]
            return;
        ++outcome_.bad_blocks;
        std::string held;
        for (uint32_t i = 0; i < wrong->size; ++i) {
            const uint64_t at = wrong->address + i;
            held += hex(&memory_.page(at / PAGE_SIZE).bytes.data[at % PAGE_SIZE], 1);
        }
        char text[160];
        std::snprintf(text, sizeof text,
                      "transition #%" PRIu64 ": the instruction at 0x%" PRIx64 " ran as ",
                      first_transition_ + view_->start(execution) +
                          static_cast<uint64_t>(wrong - block.instructions.data()),
                      wrong->address);
        report(text + hex(wrong->bytes, wrong->size) + ", rebuilt memory holds " + held);
    }

    // The key frame that replay starts from cannot be checked against itself.
    void skip(const RecordPoint* first) { first_ = first; }

    void check_key_frame(const RecordView& record, const uint8_t* registers, uint32_t context) {
        ++outcome_.key_frames;
        // rip is implied by the transitions; the scratch register is no state of the program.
        const auto equal = [&](uint32_t from, uint32_t to) {
            return std::memcmp(record.payload + from, registers + from, to - from) == 0;
        };
        const auto size = static_cast<uint32_t>(record.header->size);
        if (equal(0, REVEN_RIP) && equal(REVEN_CC_OP, REVEN_SCRATCH) &&
            equal(REVEN_REGISTER_FILE_SIZE, size))
            return;
        ++outcome_.bad_key_frames;
        uint32_t offset = 0;
        while (record.payload[offset] == registers[offset] ||
               (offset >= REVEN_RIP && offset < REVEN_CC_OP) ||
               (offset >= REVEN_SCRATCH && offset < REVEN_REGISTER_FILE_SIZE))
            ++offset;
        char text[200];
        std::snprintf(text, sizeof text,
                      "context #%" PRIu64
                      ": key frame of thread %u differs from the replayed registers at offset %u (",
                      first_transition_ + context, record.header->thread, offset);
        const uint32_t field = offset & ~7u;
        report(text + hex(record.payload + field, 8) + ", replayed " + hex(registers + field, 8) +
               ")");
    }

   private:
    static bool known(const PageBytes& page, uint32_t at, uint32_t count) {
        const uint32_t in_word = at & 63;
        if (in_word + count > 64) {
            for (uint32_t i = 0; i < count; ++i)
                if (!page.is_known(at + i)) return false;
            return true;
        }
        const uint64_t ones = (count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1) << in_word;
        return (page.known[at >> 6] & ones) == ones;
    }

    template <typename Piece>
    void for_pieces(uint64_t address, uint64_t size, Piece piece) {
        for (uint64_t done = 0; done < size;) {
            const auto offset = static_cast<uint32_t>((address + done) % PAGE_SIZE);
            const auto count = static_cast<uint32_t>(std::min(size - done, PAGE_SIZE - offset));
            piece(memory_.page((address + done) / PAGE_SIZE).bytes, offset, count,
                  static_cast<uint32_t>(done));
            done += count;
        }
    }
    void write(uint64_t address, uint64_t size, const uint8_t* value) {
        code_.written(address, size);
        for_pieces(address, size, [&](PageBytes& page, uint32_t at, uint32_t count, uint32_t done) {
            page.write(at, {value + done, count});
        });
    }
    void report(const std::string& line) {
        if (outcome_.problems.size() < REPORTED_PROBLEMS) outcome_.problems.push_back(line);
    }

    RebuiltMemory& memory_;
    CheckOutcome& outcome_;
    const Replayer* replayer_ = nullptr;
    const SegmentView* view_ = nullptr;
    CodeCheck code_;
    const RecordPoint* first_ = nullptr;
    uint64_t first_transition_ = 0;
    std::string found_;
};

}  // namespace

CheckOutcome check(TraceReader& trace, const Progress& progress) {
    CheckOutcome outcome;
    RebuiltMemory memory;
    Checker checker(memory, outcome);
    std::vector<uint8_t> registers;
    const size_t count = trace.store().segment_count();
    for (size_t segment = 0; segment < count; ++segment) {
        if (progress) progress(segment, count);
        const auto view = trace.load_view(segment);
        Replayer replayer(*view, trace.blocks());
        checker.begin(*view, replayer);
        checker.skip(&view->records()[0]);
        if (!registers.empty() && registers.size() != view->register_file_size())
            outcome.problems.push_back("segment " + std::to_string(segment) +
                                       " has register files of another size");
        else if (!registers.empty())
            checker.check_key_frame(view->record(view->records()[0]), registers.data(), 0);
        replayer.run_accesses(checker);
        const auto file = replayer.register_file();
        registers.assign(file.begin(), file.end());
        ++outcome.segments;
        outcome.executions += view->execution_count();
        outcome.transitions += view->transition_count();
        if (view->transition_count() != view->segment().info.transition_count)
            outcome.problems.push_back(
                "segment " + std::to_string(segment) +
                " holds another number of transitions than the directory says");
    }
    if (progress) progress(count, count);
    return outcome;
}

}  // namespace reven
