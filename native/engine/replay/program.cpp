// SPDX-License-Identifier: Apache-2.0
#include "replay/program.h"

#include <algorithm>
#include <string>
#include <utility>

#include "replay/vector.h"
#include "stream/segment.h"

namespace reven {
namespace {

[[noreturn]] void refuse(const Template& block, const std::string& why) {
    throw TraceError("block template " + std::to_string(block.id) + " cannot be replayed: " + why);
}

uint32_t words_of(uint32_t size) { return size <= 8 ? 1 : size / 8; }

template <typename Table>
OpCode by_size(const Table& table, uint32_t size) {
    switch (size) {
        case 1:
            return table[0];
        case 2:
            return table[1];
        case 4:
            return table[2];
        case 8:
            return table[3];
        case 16:
            return table[4];
        default:
            return table[5];
    }
}

constexpr OpCode SLOTS[] = {OpCode::Slot1, OpCode::Slot2,  OpCode::Slot4,
                            OpCode::Slot8, OpCode::Slot16, OpCode::Slot32};
constexpr OpCode REGISTERS[] = {OpCode::Register1, OpCode::Register2,  OpCode::Register4,
                                OpCode::Register8, OpCode::Register16, OpCode::Register32};
constexpr OpCode SETS[] = {OpCode::Set1, OpCode::Set2,  OpCode::Set4,
                           OpCode::Set8, OpCode::Set16, OpCode::Set32};

class Compiler {
   public:
    Compiler(const Template& head, std::shared_ptr<const TemplateBody> body)
        : head_(head),
          shared_body_(std::move(body)),
          block_(*shared_body_),
          has_value_(nodes_with_value(block_)) {}

    std::unique_ptr<CompiledBlock> compile() {
        auto result = std::make_unique<CompiledBlock>();
        result->head = &head_;
        result->body = shared_body_;
        assign_words();
        find_final_sets();
        result->registers = build(Effects::Registers);
        result->writes = build(Effects::Writes);
        result->accesses = build(Effects::Accesses);
        result->values = build_values();
        result->reaches_devices =
            std::any_of(block_.events.begin(), block_.events.end(), is_device_access);
        result->word_of_node = std::move(word_);
        return result;
    }

    Program compile_values() {
        assign_words();
        needed_ = has_value_;
        emit_values();
        return finish();
    }

   private:
    void assign_words() {
        uint32_t next = 0;
        word_.reserve(block_.nodes.size());
        for (size_t i = 0; i < block_.nodes.size(); ++i) {
            if (!has_value_[i]) {
                word_.push_back(NO_WORD);
                continue;
            }
            if (next + 4 >= NO_WORD) refuse(head_, "too many values");
            word_.push_back(static_cast<uint16_t>(next));
            next += words_of(block_.nodes[i].size);
        }
    }

    // Register writes of which some byte survives to the block's end.
    void find_final_sets() {
        bool covered[REVEN_MACHINE_FILE_SIZE] = {};
        is_final_.assign(block_.events.size(), false);
        for (size_t i = block_.events.size(); i-- > 0;) {
            const reven_event& event = block_.events[i];
            if (event.kind == REVEN_EVENT_SET_INDEXED) is_final_[i] = true;
            if (event.kind != REVEN_EVENT_SET_REGISTER) continue;
            const auto first = covered + event.offset;
            is_final_[i] = !std::all_of(first, first + event.size, [](bool byte) { return byte; });
            if (event.guard == REVEN_NO_NODE) std::fill(first, first + event.size, true);
        }
    }

    static bool wants(const reven_event& event, Effects effects) {
        if (effects == Effects::Registers) return false;
        const bool is_load = event.kind == REVEN_EVENT_LOAD ||
                             event.kind == REVEN_EVENT_BULK_LOAD || is_device_access(event);
        return effects == Effects::Accesses || !is_load;
    }

    void need(uint32_t node) {
        if (node != REVEN_NO_NODE) needed_[node] = true;
    }

    Program build(Effects effects) {
        needed_.assign(block_.nodes.size(), false);
        for (size_t i = 0; i < block_.events.size(); ++i) {
            const reven_event& event = block_.events[i];
            if (effects == Effects::Accesses && is_memory_access(event)) need(event.x3);
            switch (event.kind) {
                case REVEN_EVENT_IO_LOAD:
                case REVEN_EVENT_IO_STORE:
                    if (!wants(event, effects)) break;
                    for (uint32_t node : {event.address, event.value, event.guard}) need(node);
                    break;
                case REVEN_EVENT_SET_REGISTER:
                    if (is_final_[i] && !is_fused(event)) need(event.value);
                    break;
                case REVEN_EVENT_SET_INDEXED:
                    need(event.value);
                    need(event.address);
                    break;
                case REVEN_EVENT_LOAD:
                case REVEN_EVENT_STORE:
                case REVEN_EVENT_BULK_LOAD:
                case REVEN_EVENT_BULK_STORE:
                    if (!wants(event, effects)) break;
                    need(event.address);
                    need(event.guard);
                    if (event.kind == REVEN_EVENT_LOAD || event.kind == REVEN_EVENT_STORE)
                        need(event.value);
                    break;
                case REVEN_EVENT_CAS:
                case REVEN_EVENT_CAS_HIGH:
                    if (!wants(event, effects)) break;
                    for (uint32_t node : {event.address, event.value, event.x1, event.x2})
                        need(node);
                    break;
                default:
                    break;
            }
        }
        need_operands();
        emit_values();
        emit_accesses(effects);
        emit_sets();
        return finish();
    }

    // Of what the needed nodes are computed from; not where a slot's value came from.
    void need_operands() {
        for (size_t i = block_.nodes.size(); i-- > 0;) {
            if (!needed_[i]) continue;
            const reven_node& node = block_.nodes[i];
            if (node.kind == REVEN_NODE_UNARY) need(node.a);
            if (node.kind == REVEN_NODE_BINARY || node.kind == REVEN_NODE_SELECT) {
                need(node.a);
                need(node.b);
            }
            if (node.kind == REVEN_NODE_SELECT) need(node.c);
        }
    }

    Program build_values() {
        needed_.assign(block_.nodes.size(), false);
        for (const reven_event& event : block_.events) {
            need(event.value);
            need(event.guard);
            if (is_memory_access(event)) need(event.x3);
            if (event.kind != REVEN_EVENT_SET_REGISTER && event.kind != REVEN_EVENT_EXIT)
                need(event.address);
            if (event.kind == REVEN_EVENT_CAS || event.kind == REVEN_EVENT_CAS_HIGH)
                for (uint32_t node : {event.x1, event.x2}) need(node);
        }
        need_operands();
        emit_values();
        return finish();
    }

    void emit(OpCode code, uint32_t dst, uint32_t a = 0, uint32_t b = 0, uint64_t immediate = 0) {
        ops_.push_back({code, static_cast<uint16_t>(dst), static_cast<uint16_t>(a),
                        static_cast<uint16_t>(b), immediate});
    }

    Program finish() {
        emit(OpCode::End, 0);
        return {std::exchange(ops_, {})};
    }

    void emit_values() {
        for (size_t i = 0; i < block_.nodes.size(); ++i)
            if (needed_[i]) emit_node(block_.nodes[i], word_[i]);
    }

    void emit_node(const reven_node& node, uint16_t dst) {
        switch (node.kind) {
            case REVEN_NODE_CONSTANT:
                if (node.op == 1)
                    emit(OpCode::ByteMask, dst, node.size, 0, node.immediate);
                else
                    emit(OpCode::Constant, dst, 0, 0, node.immediate & mask_of(node.size));
                break;
            case REVEN_NODE_SLOT:
                if (node.size != 0) emit(by_size(SLOTS, node.size), dst, 0, 0, node.a);
                break;
            case REVEN_NODE_REGISTER:
                emit(by_size(REGISTERS, node.size), dst, 0, 0, node.a);
                break;
            case REVEN_NODE_UNARY:
                emit_unary(node, dst);
                break;
            case REVEN_NODE_BINARY:
                emit_binary(node, dst);
                break;
            case REVEN_NODE_SELECT: {
                const OpCode code = node.size <= 8    ? OpCode::Select1
                                    : node.size == 16 ? OpCode::Select2
                                                      : OpCode::Select4;
                emit(code, dst, word_[node.a], word_[node.b], word_[node.c]);
                break;
            }
            default:
                refuse(head_, "unknown kind of value");
        }
    }

    void emit_unary(const reven_node& node, uint16_t dst) {
        const uint64_t mask = node.immediate ? 1 : mask_of(node.size);
        const uint16_t a = word_[node.a];
        const uint32_t operand_size = block_.nodes[node.a].size;
        if (emit_vector(node, dst, operand_size)) return;
        switch (node.op) {
            case REVEN_OP_NOT:
                emit(OpCode::Not, dst, a, 0, mask);
                break;
            case REVEN_OP_TRUNCATE:
            case REVEN_OP_ZERO_EXTEND:
            case REVEN_OP_SAME_BITS:
                emit(OpCode::CopyMasked, dst, a, 0, mask);
                break;
            case REVEN_OP_VECTOR_LOW:
                if (node.size == 16)
                    emit(OpCode::LowVector, dst, a);
                else
                    emit(OpCode::CopyMasked, dst, a, 0, mask);
                break;
            case REVEN_OP_LEADING_ZEROS:
                emit(OpCode::LeadingZeros, dst, a, 0, 64 - 8 * operand_size);
                break;
            case REVEN_OP_TRAILING_ZEROS:
                emit(OpCode::TrailingZeros, dst, a, 0, 8 * operand_size);
                break;
            case REVEN_OP_SIGN_EXTEND:
                emit(OpCode::SignExtend, dst, a, operand_size, mask);
                break;
            case REVEN_OP_HIGH_HALF:
                emit(OpCode::HighHalf, dst, a);
                break;
            case REVEN_OP_VECTOR_HIGH:
                emit(node.size == 16 ? OpCode::HighVector : OpCode::CopyHigh, dst, a);
                break;
            case REVEN_OP_VECTOR_ZERO_EXTEND:
                emit(OpCode::ZeroExtendVector, dst, a);
                break;
            default:
                refuse(head_, "unknown operation");
        }
    }

    // An operation on operands of more than a word, if it is one.
    bool emit_vector(const reven_node& node, uint16_t dst, uint32_t size) {
        if (size <= 8) return false;
        const VectorFunction function = vector_function(node.op, size, node.immediate);
        if (!function) {
            const bool moves = node.op == REVEN_OP_VECTOR_LOW || node.op == REVEN_OP_VECTOR_HIGH ||
                               node.op == REVEN_OP_VECTOR_PAIR;
            if (!moves) refuse(head_, "unknown operation");
            return false;
        }
        emit(OpCode::Vector, dst, word_[node.a], node.kind == REVEN_NODE_BINARY ? word_[node.b] : 0,
             reinterpret_cast<uint64_t>(function));
        return true;
    }

    void emit_binary(const reven_node& node, uint16_t dst) {
        const uint16_t a = word_[node.a];
        const uint16_t b = word_[node.b];
        const uint64_t mask = mask_of(node.size);
        const reven_node& right = block_.nodes[node.b];
        const bool immediate = right.kind == REVEN_NODE_CONSTANT && right.op == 0;
        const uint32_t operand_size = block_.nodes[node.a].size;
        const auto with_immediate = [&](OpCode plain, OpCode fused) {
            if (immediate)
                emit(fused, dst, a, node.size, right.immediate);
            else
                emit(plain, dst, a, b, mask);
        };
        if (emit_vector(node, dst, operand_size)) return;
        const bool small_shift = immediate && right.immediate <= 63;
        switch (node.op) {
            case REVEN_OP_ADD:
                with_immediate(OpCode::Add, OpCode::AddImmediate);
                break;
            case REVEN_OP_SUB:
                with_immediate(OpCode::Sub, OpCode::SubImmediate);
                break;
            case REVEN_OP_MUL:
                with_immediate(OpCode::Mul, OpCode::MulImmediate);
                break;
            case REVEN_OP_AND:
                with_immediate(OpCode::And, OpCode::AndImmediate);
                break;
            case REVEN_OP_OR:
                emit(OpCode::Or, dst, a, b);
                break;
            case REVEN_OP_XOR:
                emit(OpCode::Xor, dst, a, b);
                break;
            case REVEN_OP_SHL:
                if (small_shift)
                    emit(OpCode::ShlImmediate, dst, a, node.size, right.immediate);
                else
                    emit(OpCode::Shl, dst, a, b, mask);
                break;
            case REVEN_OP_SHR:
                if (small_shift)
                    emit(OpCode::ShrImmediate, dst, a, node.size, right.immediate);
                else
                    emit(OpCode::Shr, dst, a, b);
                break;
            case REVEN_OP_SAR:
                emit(OpCode::Sar, dst, a, b, node.size);
                break;
            case REVEN_OP_MUL_HIGH_SIGNED:
                emit(OpCode::MulHighSigned, dst, a, b);
                break;
            case REVEN_OP_MUL_HIGH_UNSIGNED:
                emit(OpCode::MulHighUnsigned, dst, a, b);
                break;
            case REVEN_OP_EQ:
                emit(OpCode::Equal, dst, a, b);
                break;
            case REVEN_OP_NE:
                emit(OpCode::NotEqual, dst, a, b);
                break;
            case REVEN_OP_LT_SIGNED:
                emit(OpCode::LessSigned, dst, a, b, operand_size);
                break;
            case REVEN_OP_LE_SIGNED:
                emit(OpCode::LessEqualSigned, dst, a, b, operand_size);
                break;
            case REVEN_OP_LT_UNSIGNED:
                emit(OpCode::LessUnsigned, dst, a, b);
                break;
            case REVEN_OP_LE_UNSIGNED:
                emit(OpCode::LessEqualUnsigned, dst, a, b);
                break;
            case REVEN_OP_CONCATENATE:
                emit(OpCode::Concatenate, dst, a, b);
                break;
            case REVEN_OP_VECTOR_PAIR:
                emit(node.size == 32 ? OpCode::PairVectors : OpCode::Pair, dst, a, b);
                break;
            default:
                refuse(head_, "unknown operation");
        }
    }

    void emit_accesses(Effects effects) {
        uint32_t instruction = 0;
        for (size_t i = 0; i < block_.events.size(); ++i) {
            const reven_event& event = block_.events[i];
            // The high half of a double compare and swap goes with the low one.
            const bool is_access = (is_memory_access(event) || is_device_access(event)) &&
                                   event.kind != REVEN_EVENT_CAS_HIGH;
            if (!is_access || !wants(event, effects)) continue;
            if (event.instruction != instruction) {
                instruction = event.instruction;
                emit(OpCode::Instruction, 0, 0, 0, instruction);
            }
            if (effects == Effects::Accesses && !is_device_access(event) &&
                event.x3 != REVEN_NO_NODE)
                emit(OpCode::Translate, 0, word_[event.address], word_[event.x3]);
            emit_access(event, i);
        }
    }

    void emit_access(const reven_event& event, size_t index) {
        const uint16_t address = word_[event.address];
        const bool guarded = event.guard != REVEN_NO_NODE;
        const uint16_t guard = guarded ? word_[event.guard] : 0xffff;
        switch (event.kind) {
            case REVEN_EVENT_LOAD:
                emit(guarded ? OpCode::LoadGuarded : OpCode::Load, word_[event.value], address,
                     guard, event.size);
                break;
            case REVEN_EVENT_STORE:
                emit(guarded ? OpCode::StoreGuarded : OpCode::Store, word_[event.value], address,
                     guard, event.size);
                break;
            case REVEN_EVENT_BULK_LOAD:
                emit(OpCode::BulkLoad, block_.nodes[event.value].a, address, guard, event.size);
                break;
            case REVEN_EVENT_BULK_STORE:
                emit(OpCode::BulkStore, block_.nodes[event.value].a, address, guard, event.size);
                break;
            case REVEN_EVENT_IO_LOAD:
            case REVEN_EVENT_IO_STORE:
                emit(OpCode::Device, word_[event.value], address, guard,
                     event.size | (event.flags == REVEN_IO_MEMORY) << 8 |
                         (event.kind == REVEN_EVENT_IO_STORE) << 9);
                break;
            default: {
                const auto& events = block_.events;
                const bool is_double =
                    index + 1 < events.size() && events[index + 1].kind == REVEN_EVENT_CAS_HIGH;
                emit(is_double ? OpCode::CompareAndSwapDouble : OpCode::CompareAndSwap,
                     word_[event.value], address, 0, event.size);
                emit(OpCode::End, word_[event.value], word_[event.x1], word_[event.x2]);
                if (is_double) {
                    const reven_event& high = events[index + 1];
                    emit(OpCode::End, word_[high.value], word_[high.x1], word_[high.x2]);
                }
            }
        }
    }

    // A register set to a constant or a recorded value needs no scratch word.
    bool is_fused(const reven_event& event) const {
        const reven_node& node = block_.nodes[event.value];
        return event.size == 8 && node.size == 8 && event.guard == REVEN_NO_NODE &&
               ((node.kind == REVEN_NODE_CONSTANT && node.op == 0) || node.kind == REVEN_NODE_SLOT);
    }

    void emit_sets() {
        for (size_t i = 0; i < block_.events.size(); ++i) {
            if (!is_final_[i]) continue;
            const reven_event& event = block_.events[i];
            const reven_node& node = block_.nodes[event.value];
            if (event.kind == REVEN_EVENT_SET_INDEXED) {
                const uint64_t layout =
                    event.x1 | uint64_t{event.size} << 8 | uint64_t{event.x2} << 32;
                emit(OpCode::SetIndexed, event.offset, word_[event.address], word_[event.value],
                     layout);
            } else if (!is_fused(event)) {
                emit(by_size(SETS, event.size), event.offset, word_[event.value]);
            } else if (node.kind == REVEN_NODE_CONSTANT) {
                emit(OpCode::Set8Constant, event.offset, 0, 0, node.immediate);
            } else {
                emit(OpCode::Set8Slot, event.offset, 0, 0, node.a);
            }
        }
    }

    const Template& head_;
    std::shared_ptr<const TemplateBody> shared_body_;
    const TemplateBody& block_;
    std::vector<bool> has_value_;
    std::vector<uint16_t> word_;
    std::vector<bool> is_final_;
    std::vector<bool> needed_;
    std::vector<Op> ops_;
};

}  // namespace

std::unique_ptr<CompiledBlock> compile(const Template& head,
                                       std::shared_ptr<const TemplateBody> body) {
    return Compiler(head, std::move(body)).compile();
}

Program compile_flow_values(const CompiledBlock& block) {
    return Compiler(*block.head, block.body).compile_values();
}

}  // namespace reven
