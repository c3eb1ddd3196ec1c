// SPDX-License-Identifier: Apache-2.0
#include "search/value.h"

#include <algorithm>
#include <cstring>

#include "search/pages.h"

namespace reven {
namespace {

constexpr uint32_t GENERAL = 16;
constexpr uint32_t VECTORS = 16;
constexpr uint32_t VECTOR_SIZE = 32;
constexpr uint8_t NO_REGISTER = 0xff;

// Replays a segment event by event, which shows every value that a register takes.
class ValueScan {
   public:
    ValueScan(const ValueQuery& query, ValueHits& hits)
        : query_(query), hits_(hits), words_(SCRATCH_WORDS) {
        length_ = 32;
        while (length_ > 1 && query.value[length_ - 1] == 0) --length_;
        general_ = length_ <= query.general_width ? query.general_width : 0;
        vector_ = length_ <= query.vector_width ? query.vector_width : 0;
    }

    void run(const SegmentView& view, BlockCache& blocks) {
        Replayer replayer(view, blocks);
        first_ = view.first_transition();
        const uint64_t from = std::max(query_.start, first_) - first_;
        const auto& records = view.records();
        size_t next = view.key_frame_before(static_cast<uint32_t>(from));
        replayer.start_at(next);
        std::memcpy(registers_, replayer.registers(), REVEN_MACHINE_FILE_SIZE);
        const uint32_t count = view.execution_count();
        for (uint32_t execution = records[next++].position; execution <= count; ++execution) {
            for (; next < records.size() && records[next].position <= execution; ++next) {
                const RecordView record = view.record(records[next]);
                add_record(first_ + records[next].context, record, replayer);
            }
            if (execution == count || first_ + view.start(execution) > query_.stop) return;
            const uint32_t header = view.segment().headers[execution];
            const uint32_t exit = header & ((1u << REVEN_EXIT_BITS) - 1);
            if (exit == REVEN_NOTHING) continue;
            walk(blocks.get(header >> REVEN_EXIT_BITS), first_ + view.start(execution),
                 view.retired(execution), exit >= REVEN_CUT ? 0 : exit,
                 view.segment().values_of(execution));
        }
    }

    // Of run_value: accesses that compare and swap makes.
    void load(uint32_t instruction, uint64_t address, uint32_t size, const uint8_t* value) {
        access(block_start_ + instruction, address, size, value, false);
    }
    void store(uint32_t instruction, uint64_t address, uint32_t size, const uint8_t* value) {
        access(block_start_ + instruction, address, size, value, true);
    }

   private:
    void hit(uint64_t transition, uint8_t number, uint64_t address, uint32_t size, bool is_write) {
        if (transition < query_.start || transition >= query_.stop) return;
        hits_.transition.push_back(transition);
        hits_.register_number.push_back(number);
        hits_.address.push_back(address);
        hits_.size.push_back(size);
        hits_.is_write.push_back(is_write);
    }

    void access(uint64_t transition, uint64_t address, uint64_t size, const uint8_t* value,
                bool is_write) {
        if (query_.access_size == 0 ? size < length_ || size > 32 : size != query_.access_size)
            return;
        if (value[0] != query_.value[0] || std::memcmp(value, query_.value.data(), size) != 0)
            return;
        hit(transition, NO_REGISTER, address, static_cast<uint32_t>(size), is_write);
    }

    // Notes registers of which a write may have made the value; bytes that it did not
    // write are looked at when the instruction is through.
    void set(uint32_t offset, uint32_t size) {
        uint32_t first, width, number;
        if (offset < GENERAL * 8) {
            number = offset / 8;
            first = number * 8;
            width = general_;
        } else if (offset - REVEN_YMM < VECTORS * VECTOR_SIZE) {
            const uint32_t vector = (offset - REVEN_YMM) / VECTOR_SIZE;
            number = GENERAL + vector;
            first = REVEN_YMM + vector * VECTOR_SIZE;
            width = vector_;
        } else {
            return;
        }
        const uint32_t begin = offset - first;
        if (begin >= width) return;
        const uint32_t end = std::min(begin + size, width);
        if (registers_[offset] != query_.value[begin] ||
            std::memcmp(registers_ + offset, query_.value.data() + begin, end - begin) != 0)
            return;
        changed_ |= 1u << number;
    }

    bool holds(uint32_t number) const {
        const uint8_t* at = number < GENERAL
                                ? registers_ + number * 8
                                : registers_ + REVEN_YMM + (number - GENERAL) * VECTOR_SIZE;
        const uint32_t width = number < GENERAL ? general_ : vector_;
        return width != 0 && std::memcmp(at, query_.value.data(), width) == 0;
    }

    void finish_instruction(uint64_t transition) {
        for (; changed_; changed_ &= changed_ - 1) {
            const auto number = static_cast<uint32_t>(std::countr_zero(changed_));
            if (holds(number))
                hit(transition, static_cast<uint8_t>(number), 0,
                    number < GENERAL ? general_ : vector_, true);
        }
    }

    void add_record(uint64_t context, const RecordView& record, Replayer& replayer) {
        const auto type = record.header->type;
        if (type == REVEN_MEMORY && context > 0) {
            const auto& memory = record.as<reven_memory>();
            const auto bytes = record.rest(sizeof memory);
            if (memory.cause != REVEN_CAUSE_IMAGE && !bytes.empty())
                access(context - 1, memory.address, bytes.size(), bytes.data(), true);
        }
        if (type == REVEN_KEY_FRAME) return;
        std::array<uint8_t, REVEN_MACHINE_FILE_SIZE> before;
        std::memcpy(before.data(), registers_, before.size());
        replayer.restore(before);
        replayer.apply(record);
        std::memcpy(registers_, replayer.registers(), before.size());
        // Registers of a thread that runs on are no news; what a system call leaves is.
        if (context == 0 || (type != REVEN_REGISTER_PATCH && type != REVEN_REGISTERS)) return;
        const auto note = [&](uint32_t first, uint32_t size) {
            if (std::memcmp(before.data() + first, registers_ + first, size) != 0) set(first, size);
        };
        for (uint32_t i = 0; i < GENERAL; ++i) note(i * 8, 8);
        for (uint32_t i = 0; i < VECTORS; ++i) note(REVEN_YMM + i * VECTOR_SIZE, VECTOR_SIZE);
        finish_instruction(context - 1);
    }

    // The first `retired` instructions of an execution that left at side exit `exit`.
    void walk(const CompiledBlock& block, uint64_t start, uint32_t retired, uint32_t exit,
              const uint8_t* record) {
        uint64_t* v = words_.data();
        NoVisitor none;
        reven::run(block.values, record, registers_, v, none);
        block_start_ = start;
        const auto word = [&](uint32_t node) { return v + block.word_of_node[node]; };
        const auto bytes = [&](uint32_t node) {
            return reinterpret_cast<const uint8_t*>(v + block.word_of_node[node]);
        };
        const auto& events = block.body->events;
        uint32_t instruction = 0;
        for (size_t i = 0; i < events.size(); ++i) {
            const reven_event& event = events[i];
            if (event.instruction != instruction) {
                if (changed_) finish_instruction(start + instruction);
                instruction = event.instruction;
            }
            if (instruction >= retired) break;
            if (event.kind == REVEN_EVENT_EXIT) {
                if (exit != 0 && event.x1 == exit) break;
                continue;
            }
            if (event.guard != REVEN_NO_NODE && !(*word(event.guard) & 1)) continue;
            switch (event.kind) {
                case REVEN_EVENT_SET_REGISTER:
                    std::memcpy(registers_ + event.offset, word(event.value), event.size);
                    set(event.offset, event.size);
                    break;
                case REVEN_EVENT_SET_INDEXED: {
                    const uint32_t at =
                        (static_cast<uint32_t>(*word(event.address)) + event.x2) % event.x1;
                    std::memcpy(registers_ + event.offset + at * event.size, word(event.value),
                                event.size);
                    break;
                }
                case REVEN_EVENT_LOAD:
                    load(instruction, *word(event.address), event.size, bytes(event.value));
                    break;
                case REVEN_EVENT_STORE:
                    store(instruction, *word(event.address), event.size, bytes(event.value));
                    break;
                case REVEN_EVENT_BULK_LOAD:
                    load(instruction, *word(event.address), event.size,
                         record + block.body->nodes[event.value].a);
                    break;
                case REVEN_EVENT_BULK_STORE:
                    store(instruction, *word(event.address), event.size,
                          record + block.body->nodes[event.value].a);
                    break;
                case REVEN_EVENT_CAS:
                    swap(event, i + 1 < events.size() ? &events[i + 1] : nullptr, word);
                    break;
                default:
                    break;
            }
        }
        if (changed_) finish_instruction(start + instruction);
    }

    template <typename Word>
    void swap(const reven_event& event, const reven_event* next, Word word) {
        const uint64_t address = *word(event.address);
        if (!next || next->kind != REVEN_EVENT_CAS_HIGH) {
            compare_and_swap(event.instruction, address, event.size, word(event.value),
                             word(event.x1), word(event.x2), *this);
            return;
        }
        const auto bytes = [&](uint32_t node) {
            return reinterpret_cast<const uint8_t*>(word(node));
        };
        load(event.instruction, address, event.size, bytes(event.value));
        load(event.instruction, address + event.size, event.size, bytes(next->value));
        if (std::memcmp(word(event.value), word(event.x1), event.size) != 0 ||
            std::memcmp(word(next->value), word(next->x1), event.size) != 0)
            return;
        store(event.instruction, address, event.size, bytes(event.x2));
        store(event.instruction, address + event.size, event.size, bytes(next->x2));
    }

    const ValueQuery& query_;
    ValueHits& hits_;
    std::vector<uint64_t> words_;
    alignas(32) uint8_t registers_[REVEN_MACHINE_FILE_SIZE + 64] = {};
    uint32_t length_;  // bytes without leading zeros
    uint32_t general_;
    uint32_t vector_;
    uint64_t first_ = 0;
    uint64_t block_start_ = 0;
    uint32_t changed_ = 0;
};

}  // namespace

ValueHits find_value(Queries& queries, const ValueQuery& query, const Progress& progress) {
    TraceReader& trace = queries.trace();
    if (query.start > query.stop || query.stop > trace.transition_count())
        throw std::out_of_range("no such transitions");
    ValueHits hits;
    if (query.start == query.stop) return hits;
    const auto first = static_cast<uint32_t>(trace.segment_of_context(query.start));
    // What the kernel does during transition stop - 1 may stand at the next segment's start.
    const auto end = static_cast<uint32_t>(trace.segment_of_context(query.stop)) + 1;
    ValueScan scan(query, hits);
    SegmentStream stream(trace, first, end);
    for (uint32_t segment = first; const auto view = stream.next(); ++segment) {
        if (progress) progress(segment - first, end - first);
        scan.run(*view, trace.blocks());
        if (hits.transition.size() < query.limit) continue;
        // Later ones of the last transition may stand in the next segment.
        const auto last =
            std::upper_bound(hits.transition.begin() + static_cast<ptrdiff_t>(query.limit) - 1,
                             hits.transition.end(), hits.transition[query.limit - 1]);
        if (last == hits.transition.end()) continue;
        const auto count = static_cast<size_t>(last - hits.transition.begin());
        hits.transition.resize(count);
        hits.register_number.resize(count);
        hits.address.resize(count);
        hits.size.resize(count);
        hits.is_write.resize(count);
        break;
    }
    return hits;
}

}  // namespace reven
