// SPDX-License-Identifier: Apache-2.0
#include "stream/control.h"

#include <array>
#include <cstring>

#include "base/bytes.h"

namespace reven {

namespace {

constexpr uint32_t MAX_THREAD = 1u << 20;
constexpr size_t MAX_RANGES = 4096;

bool wraps(uint64_t address, uint64_t size) { return size > 0 && address + (size - 1) < address; }

std::string check_patch(const RecordView& record) {
    uint64_t at = 0;
    while (at < record.header->size) {
        if (record.header->size - at < 8) return "a register change is cut off";
        auto offset = read_as<uint16_t>(record.payload + at);
        auto size = read_as<uint16_t>(record.payload + at + 2);
        uint64_t padded = (uint64_t{size} + 7) & ~uint64_t{7};
        if (offset + size > REVEN_MACHINE_FILE_SIZE || padded > record.header->size - at - 8)
            return "a register change lies outside of the register file";
        at += 8 + padded;
    }
    return "";
}

std::string check_ranges(const RecordView& record) {
    if (record.header->size % sizeof(reven_range) != 0) return "a list of ranges is cut off";
    if (ranges_of(record).size() > MAX_RANGES) return "a list of ranges is too long";
    for (const reven_range& range : ranges_of(record))
        if (wraps(range.address, range.size) || range.size > UINT32_MAX)
            return "memory that the kernel read wraps around, or is too large";
    return "";
}

// Smallest size of the payload; the largest one is the same unless `grows`.
struct Shape {
    uint32_t size;
    bool grows;
};

bool find_shape(uint32_t type, Shape& shape) {
    switch (type) {
        case REVEN_KEY_FRAME:
        case REVEN_REGISTERS:
            shape = {REVEN_REGISTER_FILE_SIZE, true};
            return true;
        case REVEN_SWITCH:
            shape = {sizeof(reven_switch) + REVEN_REGISTER_FILE_SIZE, true};
            return true;
        case REVEN_REGISTER_PATCH:
            shape = {0, true};
            return true;
        case REVEN_MEMORY:
            shape = {sizeof(reven_memory), true};
            return true;
        case REVEN_MAP:
        case REVEN_PROTECT:
            shape = {sizeof(reven_map), true};
            return true;
        case REVEN_UNMAP:
            shape = {sizeof(reven_range), false};
            return true;
        case REVEN_REMAP:
            shape = {sizeof(reven_remap), false};
            return true;
        case REVEN_SYSCALL_ENTER:
            shape = {7 * 8, false};
            return true;
        case REVEN_SYSCALL_EXIT:
            shape = {2 * 8, false};
            return true;
        case REVEN_KERNEL_READ:
            shape = {sizeof(reven_range), true};
            return true;
        case REVEN_SIGNAL:
            shape = {sizeof(reven_signal), false};
            return true;
        case REVEN_INTERRUPT:
            shape = {sizeof(reven_interrupt), false};
            return true;
        case REVEN_THREAD_START:
            shape = {8, false};
            return true;
        case REVEN_THREAD_EXIT:
        case REVEN_SNAPSHOT_END:
            shape = {0, false};
            return true;
        case REVEN_NOTICE:
            shape = {sizeof(reven_notice), true};
            return true;
        case REVEN_SIGNAL_INFO:
            shape = {sizeof(reven_signal_info), false};
            return true;
        case REVEN_END:
            shape = {sizeof(reven_end), false};
            return true;
        default:
            return false;
    }
}

// Sizes between those of a program and of a machine are those of machines with fewer registers.
std::string bad_register_file(size_t size) {
    if (size > REVEN_MACHINE_FILE_SIZE)
        return "a register file has " + std::to_string(size) + " bytes, but this program knows " +
               std::to_string(REVEN_MACHINE_FILE_SIZE) + "; use the version of reven that wrote it";
    return size % 8 == 0 ? "" : "a register file has an impossible size";
}

// Is this the record of a fault that cut the execution before it inside `block`?
// Returns the number of instructions that completed, or -1.
int cut_by(const RecordView& record, const Template& block) {
    if (record.header->type == REVEN_SIGNAL && record.as<reven_signal>().synchronous)
        return block.find_instruction(record.as<reven_signal>().ip);
    if (record.header->type == REVEN_END && record.as<reven_end>().synchronous)
        return block.find_instruction(record.as<reven_end>().ip);
    return -1;
}

// The register files of key frames, one after the other.
template <typename Visit>
void each_key_frame(std::span<uint8_t> control, Visit visit) {
    for (RecordCursor at(control); !at.done(); at.next())
        if (at.view().header->type == REVEN_KEY_FRAME) {
            size_t offset = static_cast<size_t>(at.view().payload - control.data());
            visit(control.subspan(offset, static_cast<size_t>(at.view().header->size)));
        }
}

}  // namespace

std::string check_record(const RecordView& record) {
    Shape shape;
    if (!find_shape(record.header->type, shape))
        return "a control record has the unknown type " + std::to_string(record.header->type);
    if (record.header->size < shape.size || (!shape.grows && record.header->size != shape.size))
        return "a control record of type " + std::to_string(record.header->type) +
               " has the wrong size";
    if (record.header->thread > MAX_THREAD) return "a thread number is out of range";
    if (std::string wrong = bad_register_file(register_file(record).size()); !wrong.empty())
        return wrong;
    switch (record.header->type) {
        case REVEN_REGISTER_PATCH:
            return check_patch(record);
        case REVEN_SWITCH:
            if (record.as<reven_switch>().previous_thread > MAX_THREAD)
                return "a thread number is out of range";
            return "";
        case REVEN_MEMORY:
            if (wraps(record.as<reven_memory>().address,
                      record.header->size - sizeof(reven_memory)))
                return "a memory range wraps around";
            return "";
        case REVEN_MAP:
        case REVEN_PROTECT:
        case REVEN_UNMAP: {
            // All three start with the address and the size.
            const auto& range = record.as<reven_range>();
            return wraps(range.address, range.size) ? "a mapping wraps around" : "";
        }
        case REVEN_KERNEL_READ:
            return check_ranges(record);
        case REVEN_REMAP: {
            const auto& move = record.as<reven_remap>();
            if (wraps(move.from, move.size) || wraps(move.to, move.size))
                return "a mapping wraps around";
            return "";
        }
        default:
            return "";
    }
}

std::string check_control(std::span<const uint8_t> control, uint64_t first_execution,
                          uint32_t execution_count) {
    size_t at = 0;
    uint64_t position = first_execution;
    size_t file_size = 0;
    while (at < control.size()) {
        if (control.size() - at < sizeof(reven_record)) return "a control record is cut off";
        auto header = read_as<reven_record>(control.data() + at);
        size_t left = control.size() - at - sizeof header;
        if (header.size > left || ((header.size + 7) & ~uint64_t{7}) > left)
            return "a control record is cut off";
        RecordView record{reinterpret_cast<const reven_record*>(control.data() + at),
                          control.data() + at + sizeof header};
        if (std::string wrong = check_record(record); !wrong.empty()) return wrong;
        if (header.position < position || header.position > first_execution + execution_count)
            return "a control record is out of order";
        if (at == 0 && (header.type != REVEN_KEY_FRAME || header.position != first_execution))
            return "it does not start with a key frame";
        if (at == 0) file_size = header.size;
        if (const auto file = register_file(record); !file.empty() && file.size() != file_size)
            return "its register files are not all of one size";
        position = header.position;
        at += sizeof header + ((header.size + 7) & ~uint64_t{7});
    }
    if (control.empty()) return "it has no key frame";
    return "";
}

void number_transitions(Segment& segment) {
    const uint32_t count = segment.execution_count();
    segment.retired.resize(count);
    uint32_t transition = 0;
    uint32_t execution = 0;
    auto retire = [&](uint32_t until, const RecordView* record) {
        for (; execution < until; execution++) {
            const Template& block = segment.block(execution);
            uint32_t k = segment.headers[execution] & ((1u << REVEN_EXIT_BITS) - 1);
            size_t retired = 0;
            if (k == 0) {
                retired = block.instructions.size();
            } else if (k <= block.exits.size()) {
                retired = block.exits[k - 1].retired;
            } else if (k == REVEN_CUT) {
                int cut = record && execution + 1 == until ? cut_by(*record, block) : -1;
                if (cut < 0 && record && execution + 1 == until) return;
                if (cut < 0) throw TraceError("a cut execution has no record of its fault");
                retired = static_cast<size_t>(cut);
            } else if (k != REVEN_NOTHING) {
                throw TraceError("an execution leaves its block at an unknown exit");
            }
            segment.retired[execution] = static_cast<uint16_t>(retired);
            transition += static_cast<uint32_t>(retired);
        }
    };
    for (RecordCursor at(segment.control); !at.done(); at.next()) {
        RecordView record = at.view();
        auto until = static_cast<uint32_t>(record.header->position - segment.info.first_execution);
        retire(until, &record);
        if (is_transition(record)) {
            if (execution < until) throw TraceError("a cut execution has no record of its fault");
            transition++;
        }
    }
    retire(count, nullptr);
    segment.info.transition_count = transition;
}

void subtract_key_frames(std::span<uint8_t> control) {
    std::array<uint8_t, REVEN_MACHINE_FILE_SIZE> previous{}, current{};
    each_key_frame(control, [&](std::span<uint8_t> frame) {
        std::memcpy(current.data(), frame.data(), frame.size());
        for (size_t i = 0; i < frame.size(); i++) frame[i] ^= previous[i];
        previous = current;
    });
}

void add_key_frames(std::span<uint8_t> control) {
    std::array<uint8_t, REVEN_MACHINE_FILE_SIZE> previous{};
    each_key_frame(control, [&](std::span<uint8_t> frame) {
        for (size_t i = 0; i < frame.size(); i++) previous[i] = frame[i] ^= previous[i];
    });
}

}  // namespace reven
