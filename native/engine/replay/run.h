// SPDX-License-Identifier: Apache-2.0
// Runs compiled blocks: replays executions on a register file.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "event_stream.h"
#include "replay/program.h"
#include "replay/vector.h"

namespace reven {

// Visitors get `load(instruction, address, size, value)` and `store(…)`.
struct NoVisitor {
    void load(uint32_t, uint64_t, uint32_t, const uint8_t*) {}
    void store(uint32_t, uint64_t, uint32_t, const uint8_t*) {}
};

// What a port or a register of a device gave or took.
struct DeviceTransfer {
    uint64_t address;  // the port's number, or a physical address
    uint64_t value;
    uint8_t size;
    bool is_memory_mapped;
    bool is_write;
};

// A visitor that is told the linear address of the accesses which an instruction makes next to
// `physical`, where it is another: before them.
template <typename Visitor>
concept Translates = requires(Visitor& visit) { visit.translate(0u, uint64_t{}, uint64_t{}); };

template <typename Visitor>
concept SeesDevices = requires(Visitor& visit) { visit.device(0u, DeviceTransfer{}); };

template <typename Visitor>
void compare_and_swap(uint32_t instruction, uint64_t address, uint32_t size, const uint64_t* old,
                      const uint64_t* expected, const uint64_t* wanted, Visitor& visit) {
    visit.load(instruction, address, size, reinterpret_cast<const uint8_t*>(old));
    if (std::memcmp(old, expected, size) == 0)
        visit.store(instruction, address, size, reinterpret_cast<const uint8_t*>(wanted));
}

template <typename Visitor>
void run(const Program& program, const uint8_t* record, uint8_t* registers, uint64_t* v,
         Visitor& visit) {
    uint32_t instruction = 0;
    for (const Op* op = program.ops.data();; ++op) {
        const uint64_t imm = op->immediate;
        switch (op->code) {
            case OpCode::Constant:
                v[op->dst] = imm;
                break;
            case OpCode::ByteMask:
                expand_byte_mask(imm, op->a, &v[op->dst]);
                break;
            case OpCode::Slot1:
                v[op->dst] = record[imm];
                break;
            case OpCode::Slot2:
                v[op->dst] = read_as<uint16_t>(record + imm);
                break;
            case OpCode::Slot4:
                v[op->dst] = read_as<uint32_t>(record + imm);
                break;
            case OpCode::Slot8:
                v[op->dst] = read_as<uint64_t>(record + imm);
                break;
            case OpCode::Slot16:
                std::memcpy(&v[op->dst], record + imm, 16);
                break;
            case OpCode::Slot32:
                std::memcpy(&v[op->dst], record + imm, 32);
                break;
            case OpCode::Register1:
                v[op->dst] = registers[imm];
                break;
            case OpCode::Register2:
                v[op->dst] = read_as<uint16_t>(registers + imm);
                break;
            case OpCode::Register4:
                v[op->dst] = read_as<uint32_t>(registers + imm);
                break;
            case OpCode::Register8:
                v[op->dst] = read_as<uint64_t>(registers + imm);
                break;
            case OpCode::Register16:
                std::memcpy(&v[op->dst], registers + imm, 16);
                break;
            case OpCode::Register32:
                std::memcpy(&v[op->dst], registers + imm, 32);
                break;
            case OpCode::CopyMasked:
                v[op->dst] = v[op->a] & imm;
                break;
            case OpCode::Not:
                v[op->dst] = ~v[op->a] & imm;
                break;
            case OpCode::SignExtend:
                v[op->dst] = static_cast<uint64_t>(sign_extended(v[op->a], op->b)) & imm;
                break;
            case OpCode::HighHalf:
                v[op->dst] = v[op->a] >> 32;
                break;
            case OpCode::CopyHigh:
                v[op->dst] = v[op->a + 1];
                break;
            case OpCode::ZeroExtendVector:
                v[op->dst] = v[op->a];
                v[op->dst + 1] = 0;
                break;
            case OpCode::Pair: {
                const uint64_t high = v[op->a];
                v[op->dst] = v[op->b];
                v[op->dst + 1] = high;
                break;
            }
            case OpCode::PairVectors: {
                uint64_t pair[4];
                std::memcpy(pair, &v[op->b], 16);
                std::memcpy(pair + 2, &v[op->a], 16);
                std::memcpy(&v[op->dst], pair, 32);
                break;
            }
            case OpCode::LowVector:
                std::memmove(&v[op->dst], &v[op->a], 16);
                break;
            case OpCode::HighVector:
                std::memmove(&v[op->dst], &v[op->a + 2], 16);
                break;
            case OpCode::Vector:
                reinterpret_cast<VectorFunction>(imm)(&v[op->dst], &v[op->a], &v[op->b]);
                break;
            case OpCode::Concatenate:
                v[op->dst] = v[op->a] << 32 | v[op->b];
                break;
            case OpCode::Add:
                v[op->dst] = (v[op->a] + v[op->b]) & imm;
                break;
            case OpCode::AddImmediate:
                v[op->dst] = (v[op->a] + imm) & mask_of(op->b);
                break;
            case OpCode::Sub:
                v[op->dst] = (v[op->a] - v[op->b]) & imm;
                break;
            case OpCode::SubImmediate:
                v[op->dst] = (v[op->a] - imm) & mask_of(op->b);
                break;
            case OpCode::And:
                v[op->dst] = v[op->a] & v[op->b];
                break;
            case OpCode::AndImmediate:
                v[op->dst] = v[op->a] & imm;
                break;
            case OpCode::Or:
                v[op->dst] = v[op->a] | v[op->b];
                break;
            case OpCode::Xor:
                v[op->dst] = v[op->a] ^ v[op->b];
                break;
            case OpCode::Mul:
                v[op->dst] = (v[op->a] * v[op->b]) & imm;
                break;
            case OpCode::MulImmediate:
                v[op->dst] = (v[op->a] * imm) & mask_of(op->b);
                break;
            case OpCode::MulHighSigned:
                v[op->dst] =
                    static_cast<uint64_t>(static_cast<__int128>(static_cast<int64_t>(v[op->a])) *
                                              static_cast<int64_t>(v[op->b]) >>
                                          64);
                break;
            case OpCode::MulHighUnsigned:
                v[op->dst] = static_cast<uint64_t>(
                    static_cast<unsigned __int128>(v[op->a]) * v[op->b] >> 64);
                break;
            case OpCode::LeadingZeros:
                v[op->dst] = static_cast<uint64_t>(std::countl_zero(v[op->a])) - imm;
                break;
            case OpCode::TrailingZeros:
                v[op->dst] = std::min<uint64_t>(std::countr_zero(v[op->a]), imm);
                break;
            case OpCode::Shl:
                v[op->dst] = v[op->b] > 63 ? 0 : (v[op->a] << v[op->b]) & imm;
                break;
            case OpCode::ShlImmediate:
                v[op->dst] = (v[op->a] << imm) & mask_of(op->b);
                break;
            case OpCode::Shr:
                v[op->dst] = v[op->b] > 63 ? 0 : v[op->a] >> v[op->b];
                break;
            case OpCode::ShrImmediate:
                v[op->dst] = v[op->a] >> imm;
                break;
            case OpCode::Sar: {
                const auto size = static_cast<uint32_t>(imm);
                const uint64_t count = v[op->b] > 63 ? 63 : v[op->b];
                v[op->dst] =
                    static_cast<uint64_t>(sign_extended(v[op->a], size) >> count) & mask_of(size);
                break;
            }
            case OpCode::Equal:
                v[op->dst] = v[op->a] == v[op->b];
                break;
            case OpCode::NotEqual:
                v[op->dst] = v[op->a] != v[op->b];
                break;
            case OpCode::LessSigned: {
                const auto size = static_cast<uint32_t>(imm);
                v[op->dst] = sign_extended(v[op->a], size) < sign_extended(v[op->b], size);
                break;
            }
            case OpCode::LessEqualSigned: {
                const auto size = static_cast<uint32_t>(imm);
                v[op->dst] = sign_extended(v[op->a], size) <= sign_extended(v[op->b], size);
                break;
            }
            case OpCode::LessUnsigned:
                v[op->dst] = v[op->a] < v[op->b];
                break;
            case OpCode::LessEqualUnsigned:
                v[op->dst] = v[op->a] <= v[op->b];
                break;
            case OpCode::Select1:
                v[op->dst] = v[v[imm] & 1 ? op->a : op->b];
                break;
            case OpCode::Select2:
                std::memmove(&v[op->dst], &v[v[imm] & 1 ? op->a : op->b], 16);
                break;
            case OpCode::Select4:
                std::memmove(&v[op->dst], &v[v[imm] & 1 ? op->a : op->b], 32);
                break;
            case OpCode::Instruction:
                instruction = static_cast<uint32_t>(imm);
                break;
            case OpCode::LoadGuarded:
                if (!(v[op->b] & 1)) break;
                [[fallthrough]];
            case OpCode::Load:
                visit.load(instruction, v[op->a], static_cast<uint32_t>(imm),
                           reinterpret_cast<uint8_t*>(&v[op->dst]));
                break;
            case OpCode::StoreGuarded:
                if (!(v[op->b] & 1)) break;
                [[fallthrough]];
            case OpCode::Store:
                visit.store(instruction, v[op->a], static_cast<uint32_t>(imm),
                            reinterpret_cast<uint8_t*>(&v[op->dst]));
                break;
            case OpCode::CompareAndSwap: {
                // The operands do not fit one op: the next one carries the rest.
                const Op& rest = op[1];
                compare_and_swap(instruction, v[op->a], static_cast<uint32_t>(imm), &v[op->dst],
                                 &v[rest.a], &v[rest.b], visit);
                ++op;
                break;
            }
            case OpCode::CompareAndSwapDouble: {
                const Op& low = op[1];
                const Op& high = op[2];
                const auto size = static_cast<uint32_t>(imm);
                const uint64_t address = v[op->a];
                visit.load(instruction, address, size, reinterpret_cast<uint8_t*>(&v[low.dst]));
                visit.load(instruction, address + size, size,
                           reinterpret_cast<uint8_t*>(&v[high.dst]));
                if (std::memcmp(&v[low.dst], &v[low.a], size) == 0 &&
                    std::memcmp(&v[high.dst], &v[high.a], size) == 0) {
                    visit.store(instruction, address, size, reinterpret_cast<uint8_t*>(&v[low.b]));
                    visit.store(instruction, address + size, size,
                                reinterpret_cast<uint8_t*>(&v[high.b]));
                }
                op += 2;
                break;
            }
            case OpCode::BulkLoad:
                if (op->b != 0xffff && !(v[op->b] & 1)) break;
                visit.load(instruction, v[op->a], static_cast<uint32_t>(imm), record + op->dst);
                break;
            case OpCode::BulkStore:
                if (op->b != 0xffff && !(v[op->b] & 1)) break;
                visit.store(instruction, v[op->a], static_cast<uint32_t>(imm), record + op->dst);
                break;
            case OpCode::Translate:
                if constexpr (Translates<Visitor>) visit.translate(instruction, v[op->a], v[op->b]);
                break;
            case OpCode::Device:
                if constexpr (SeesDevices<Visitor>) {
                    const auto size = static_cast<uint8_t>(imm);
                    if (op->b == 0xffff || (v[op->b] & 1))
                        visit.device(instruction, {v[op->a], v[op->dst] & mask_of(size), size,
                                                   (imm >> 8 & 1) != 0, (imm >> 9 & 1) != 0});
                }
                break;
            case OpCode::Set1:
                registers[op->dst] = static_cast<uint8_t>(v[op->a]);
                break;
            case OpCode::Set2:
                write_as(registers + op->dst, static_cast<uint16_t>(v[op->a]));
                break;
            case OpCode::Set4:
                write_as(registers + op->dst, static_cast<uint32_t>(v[op->a]));
                break;
            case OpCode::Set8:
                write_as(registers + op->dst, v[op->a]);
                break;
            case OpCode::Set16:
                std::memcpy(registers + op->dst, &v[op->a], 16);
                break;
            case OpCode::Set32:
                std::memcpy(registers + op->dst, &v[op->a], 32);
                break;
            case OpCode::Set8Constant:
                write_as(registers + op->dst, imm);
                break;
            case OpCode::Set8Slot:
                write_as(registers + op->dst, read_as<uint64_t>(record + imm));
                break;
            case OpCode::SetIndexed: {
                const auto count = static_cast<uint32_t>(imm & 0xff);
                const auto size = static_cast<uint32_t>(imm >> 8 & 0xff);
                const auto bias = static_cast<uint32_t>(imm >> 32);
                const uint32_t at = (static_cast<uint32_t>(v[op->a]) + bias) % count;
                std::memcpy(registers + op->dst + at * size, &v[op->b], size);
                break;
            }
            case OpCode::End:
                return;
        }
    }
}

// Replays the first `retired` instructions of an execution that left at side
// exit `exit` (0: none, or one that needs no index).
template <typename Visitor>
void run_partly(const CompiledBlock& block, uint32_t retired, uint32_t exit, const uint8_t* record,
                uint8_t* registers, uint64_t* v, Visitor& visit) {
    NoVisitor none;
    run(block.values, record, registers, v, none);
    const auto word = [&](uint32_t node) { return &v[block.word_of_node[node]]; };
    const auto bytes = [&](uint32_t node) { return reinterpret_cast<const uint8_t*>(word(node)); };
    const auto& events = block.body->events;
    const auto& nodes = block.body->nodes;
    for (size_t i = 0; i < events.size(); ++i) {
        const reven_event& event = events[i];
        if (event.instruction >= retired) return;
        if (event.kind == REVEN_EVENT_EXIT) {
            if (exit != 0 && event.x1 == exit) return;
            continue;
        }
        if (event.guard != REVEN_NO_NODE && !(*word(event.guard) & 1)) continue;
        if constexpr (Translates<Visitor>)
            if (is_memory_access(event) && event.x3 != REVEN_NO_NODE)
                visit.translate(event.instruction, *word(event.address), *word(event.x3));
        switch (event.kind) {
            case REVEN_EVENT_IO_LOAD:
            case REVEN_EVENT_IO_STORE:
                if constexpr (SeesDevices<Visitor>)
                    visit.device(event.instruction,
                                 {*word(event.address), *word(event.value) & mask_of(event.size),
                                  static_cast<uint8_t>(event.size), event.flags == REVEN_IO_MEMORY,
                                  event.kind == REVEN_EVENT_IO_STORE});
                break;
            case REVEN_EVENT_SET_REGISTER:
                std::memcpy(registers + event.offset, word(event.value), event.size);
                break;
            case REVEN_EVENT_SET_INDEXED: {
                const uint32_t at =
                    (static_cast<uint32_t>(*word(event.address)) + event.x2) % event.x1;
                std::memcpy(registers + event.offset + at * event.size, word(event.value),
                            event.size);
                break;
            }
            case REVEN_EVENT_LOAD:
                visit.load(event.instruction, *word(event.address), event.size, bytes(event.value));
                break;
            case REVEN_EVENT_STORE:
                visit.store(event.instruction, *word(event.address), event.size,
                            bytes(event.value));
                break;
            case REVEN_EVENT_BULK_LOAD:
                visit.load(event.instruction, *word(event.address), event.size,
                           record + nodes[event.value].a);
                break;
            case REVEN_EVENT_BULK_STORE:
                visit.store(event.instruction, *word(event.address), event.size,
                            record + nodes[event.value].a);
                break;
            case REVEN_EVENT_CAS: {
                const bool is_double =
                    i + 1 < events.size() && events[i + 1].kind == REVEN_EVENT_CAS_HIGH;
                const uint64_t address = *word(event.address);
                if (!is_double) {
                    compare_and_swap(event.instruction, address, event.size, word(event.value),
                                     word(event.x1), word(event.x2), visit);
                    break;
                }
                const reven_event& high = events[i + 1];
                visit.load(event.instruction, address, event.size, bytes(event.value));
                visit.load(event.instruction, address + event.size, event.size, bytes(high.value));
                if (std::memcmp(word(event.value), word(event.x1), event.size) == 0 &&
                    std::memcmp(word(high.value), word(high.x1), event.size) == 0) {
                    visit.store(event.instruction, address, event.size, bytes(event.x2));
                    visit.store(event.instruction, address + event.size, event.size,
                                bytes(high.x2));
                }
                break;
            }
            default:
                break;
        }
    }
}

}  // namespace reven
