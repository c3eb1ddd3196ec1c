// SPDX-License-Identifier: Apache-2.0
#include "taint/journal.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace reven {
namespace {

constexpr uint64_t DIRECTION = 1 << 10, ALIGNMENT = 1 << 18, IDENTIFICATION = 1 << 21;
constexpr uint64_t FLAGS_AT = uint64_t{REVEN_RFLAGS} * 8;

// What stands for itself in a list of registers; flags are told by rflags.
bool is_listed(uint32_t offset) {
    return offset < REVEN_RIP || (offset >= REVEN_FS_BASE && offset < REVEN_SCRATCH);
}

uint64_t other_flags(const RegisterTaint& registers) {
    return (registers[REVEN_DFLAG] ? DIRECTION : 0) | (registers[REVEN_ACFLAG] ? ALIGNMENT : 0) |
           (registers[REVEN_IDFLAG] ? IDENTIFICATION : 0);
}

// The register that a bit of the register file belongs to ends there.
uint32_t end_of_register(uint32_t offset) {
    const uint32_t size = offset >= REVEN_YMM ? 32 : 8;
    return offset / size * size + size;
}

// Calls `run(first bit, count, before, after)` for runs of bits that the same tags hold.
template <typename Bits, typename Run>
void for_bit_runs(uint32_t first, uint32_t end, Bits bits, Run run) {
    using Held = std::pair<uint16_t, uint16_t>;
    uint32_t start = first;
    Held held{0, 0};
    for (uint32_t bit = first; bit <= end; ++bit) {
        const Held now = bit < end ? bits(bit) : Held{0, 0};
        if (now == held) continue;
        if (held.first | held.second) run(start, bit - start, held.first, held.second);
        start = bit;
        held = now;
    }
}

uint16_t tags_of_bit(const std::vector<RegisterTaint>& tags, uint32_t bit) {
    uint32_t held = 0;
    for (size_t tag = 0; tag < tags.size(); ++tag)
        held |= (tags[tag][bit / 8] >> (bit % 8) & 1u) << tag;
    return static_cast<uint16_t>(held);
}

std::vector<RegisterTaint> registers_of(const TaintState& state) {
    std::vector<RegisterTaint> registers;
    registers.reserve(state.tags.size());
    for (const TagTaint& tag : state.tags) registers.push_back(tag.registers);
    return registers;
}

uint64_t all_flags(const RegisterTaint& registers, uint64_t operation) {
    return flag_taint(registers.data() + REVEN_CC_OP, operation) | other_flags(registers);
}

}  // namespace

void TaintJournal::keep_registers() {
    if (touched_.any()) return;
    old_registers_.resize(state_.tags.size());
    for (size_t tag = 0; tag < state_.tags.size(); ++tag)
        old_registers_[tag] = state_.tags[tag].registers;
}

void TaintJournal::note_registers(uint32_t offset, uint32_t size) {
    keep_registers();
    touched_.add(offset, size);
}

void TaintJournal::note_byte(uint64_t address) {
    MemoryNote note{address, {}};
    for (size_t tag = 0; tag < state_.tags.size(); ++tag)
        state_.tags[tag].memory.read(address, 1, &note.old[tag]);
    memory_.push_back(note);
}

void TaintJournal::note_memory(uint64_t address, uint64_t size) {
    for (uint64_t i = 0; i < size; ++i) note_byte(address + i);
}

void TaintJournal::note_tainted_memory(uint64_t address, uint64_t size) {
    for (const TagTaint& tag : state_.tags)
        tag.memory.for_tainted(address, size, [&](uint64_t at, uint8_t) { note_byte(at); });
}

void TaintJournal::add(bool is_memory, uint64_t address, uint32_t size, uint16_t before,
                       uint16_t after) {
    found.items.push_back({address, size, before, after, is_memory});
}

bool TaintJournal::any_register(uint32_t offset, uint32_t end) const {
    const auto any = [&](const RegisterTaint& registers) {
        return std::any_of(registers.begin() + offset, registers.begin() + end,
                           [](uint8_t byte) { return byte != 0; });
    };
    return std::any_of(old_registers_.begin(), old_registers_.end(), any) ||
           std::any_of(state_.tags.begin(), state_.tags.end(),
                       [&](const TagTaint& tag) { return any(tag.registers); });
}

void TaintJournal::add_registers() {
    std::vector<RegisterTaint> now;
    RegisterWords left = touched_;
    for (uint32_t word = 0; word < RegisterWords::COUNT; ++word) {
        const uint64_t bit = uint64_t{1} << (word & 63);
        uint64_t& half = word < 64 ? left.low : left.high;
        const uint32_t offset = word * 8;
        if (!(half & bit) || !is_listed(offset)) continue;
        // Neighbours in the same register make one run.
        uint32_t end = offset;
        const uint32_t stop = end_of_register(offset);
        for (uint32_t at = word; at * 8 < stop; ++at) {
            uint64_t& which = at < 64 ? left.low : left.high;
            if (!(which >> (at & 63) & 1)) break;
            which &= ~(uint64_t{1} << (at & 63));
            end = at * 8 + 8;
        }
        if (!any_register(offset, end)) continue;
        if (now.empty()) now = registers_of(state_);
        for_bit_runs(
            offset * 8, end * 8,
            [&](uint32_t at) {
                return std::pair{tags_of_bit(old_registers_, at), tags_of_bit(now, at)};
            },
            [&](uint32_t first, uint32_t count, uint16_t before, uint16_t after) {
                add(false, first, count, before, after);
            });
    }
}

void TaintJournal::add_flags() {
    RegisterWords flags;
    flags.add(REVEN_CC_OP, REVEN_FS_BASE - REVEN_CC_OP);
    if (!touched_.meets(flags)) return;
    std::array<uint64_t, MAX_TAINT_TAGS> before{}, after{};
    uint64_t any = 0;
    for (size_t tag = 0; tag < state_.tags.size(); ++tag) {
        before[tag] = all_flags(old_registers_[tag], first_operation_);
        after[tag] = all_flags(state_.tags[tag].registers, flag_operation);
        any |= before[tag] | after[tag];
    }
    if (any == 0) return;
    const auto held = [&](const auto& masks, uint32_t bit) {
        uint32_t tags = 0;
        for (size_t tag = 0; tag < state_.tags.size(); ++tag)
            tags |= (masks[tag] >> bit & 1) << tag;
        return static_cast<uint16_t>(tags);
    };
    for_bit_runs(
        0, 64, [&](uint32_t bit) { return std::pair{held(before, bit), held(after, bit)}; },
        [&](uint32_t first, uint32_t count, uint16_t old, uint16_t now) {
            add(false, FLAGS_AT + first, count, old, now);
        });
}

void TaintJournal::add_memory() {
    std::stable_sort(memory_.begin(), memory_.end(),
                     [](const auto& a, const auto& b) { return a.address < b.address; });
    const auto same = [](const auto& a, const auto& b) { return a.address == b.address; };
    memory_.erase(std::unique(memory_.begin(), memory_.end(), same), memory_.end());
    uint64_t first = 0;
    uint32_t count = 0;
    std::pair<uint16_t, uint16_t> held{0, 0};
    const auto end_run = [&] {
        if (count > 0 && (held.first | held.second))
            add(true, first, count, held.first, held.second);
        count = 0;
    };
    for (const MemoryNote& note : memory_) {
        uint32_t before = 0, after = 0;
        for (size_t tag = 0; tag < state_.tags.size(); ++tag) {
            uint8_t mask;
            state_.tags[tag].memory.read(note.address, 1, &mask);
            before |= (note.old[tag] != 0) << tag;
            after |= (mask != 0) << tag;
        }
        const std::pair<uint16_t, uint16_t> now{before, after};
        if (count > 0 && (now != held || note.address != first + count)) end_run();
        if (count == 0) first = note.address;
        held = now;
        ++count;
    }
    end_run();
}

void TaintJournal::finish() {
    if (touched_.any() && !is_event_) {
        add_registers();
        add_flags();
    }
    if (!memory_.empty() && !is_event_) add_memory();
    touched_ = {};
    memory_.clear();
    if (found.items.size() == first_item_) return;
    const bool changes =
        std::any_of(found.items.begin() + static_cast<ptrdiff_t>(first_item_), found.items.end(),
                    [](const TaintItem& item) { return item.before != item.after; });
    found.transitions.push_back(
        {transition_, first_item_, found.items.size() - first_item_, changes});
    first_item_ = found.items.size();
}

void TaintJournal::clear() {
    found.clear();
    first_item_ = 0;
}

void list_registers(const TaintState& state, uint64_t operation, std::vector<TaintItem>& out) {
    const auto now = registers_of(state);
    for (uint32_t offset = 0; offset < REVEN_SCRATCH; offset = end_of_register(offset)) {
        if (!is_listed(offset)) continue;
        for_bit_runs(
            offset * 8, end_of_register(offset) * 8,
            [&](uint32_t at) { return std::pair{uint16_t{0}, tags_of_bit(now, at)}; },
            [&](uint32_t first, uint32_t count, uint16_t, uint16_t after) {
                out.push_back({first, count, 0, after, false});
            });
    }
    std::vector<RegisterTaint> flags(now.size());
    for (size_t tag = 0; tag < now.size(); ++tag) {
        const uint64_t bits = all_flags(now[tag], operation);
        std::memcpy(flags[tag].data(), &bits, sizeof bits);
    }
    for_bit_runs(
        0, 64, [&](uint32_t at) { return std::pair{uint16_t{0}, tags_of_bit(flags, at)}; },
        [&](uint32_t first, uint32_t count, uint16_t, uint16_t after) {
            out.push_back({FLAGS_AT + first, count, 0, after, false});
        });
}

void list_memory(const TaintState& state, uint64_t address, size_t limit,
                 std::vector<TaintItem>& out) {
    // Pages that any tag holds, ascending.
    std::vector<uint64_t> pages;
    for (const TagTaint& tag : state.tags)
        for (auto at = tag.memory.pages().lower_bound(address / MemoryTaint::PAGE);
             at != tag.memory.pages().end(); ++at)
            pages.push_back(at->first);
    std::sort(pages.begin(), pages.end());
    pages.erase(std::unique(pages.begin(), pages.end()), pages.end());
    const size_t start = out.size();
    while (!pages.empty() && pages.back() >= KERNEL_STREAMS / MemoryTaint::PAGE) pages.pop_back();
    for (const uint64_t page : pages) {
        std::array<uint16_t, MemoryTaint::PAGE> held{};
        for (size_t tag = 0; tag < state.tags.size(); ++tag) {
            std::array<uint8_t, MemoryTaint::PAGE> masks;
            state.tags[tag].memory.read(page * MemoryTaint::PAGE, MemoryTaint::PAGE, masks.data());
            for (size_t i = 0; i < masks.size(); ++i)
                if (masks[i]) held[i] |= static_cast<uint16_t>(1u << tag);
        }
        for (uint64_t i = 0; i < held.size(); ++i) {
            const uint64_t at = page * MemoryTaint::PAGE + i;
            if (!held[i] || at < address) continue;
            TaintItem* last = out.size() > start ? &out.back() : nullptr;
            if (last && last->after == held[i] && last->address + last->size == at) {
                ++last->size;
                continue;
            }
            if (out.size() - start == limit) return;
            out.push_back({at, 1, 0, held[i], true});
        }
    }
}

}  // namespace reven
