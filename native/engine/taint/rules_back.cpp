// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>

#include "taint/bits.h"
#include "taint/rules.h"

namespace reven {
namespace {

uint64_t to_highest(uint64_t bits) {
    return bits == 0 ? 0 : ~uint64_t{0} >> std::countl_zero(bits);
}

}  // namespace

void TaintRules::backward(uint32_t number, Mask* masks) const {
    const reven_node& node = nodes_[number];
    const Mask result = masks[number];
    if (!result.any()) return;
    masks[number] = {};
    switch (node.kind) {
        case REVEN_NODE_SLOT:
            if (node.b == REVEN_NO_NODE) return;
            if (size_of(node.b) == node.size && node.size > 0)
                masks[node.b] |= result;
            else
                masks[node.b] |= Mask::all(size_of(node.b));
            return;
        case REVEN_NODE_UNARY:
            unary_back(node, result, masks);
            return;
        case REVEN_NODE_BINARY:
            binary_back(node, result, masks);
            return;
        case REVEN_NODE_SELECT:
            if (choices_) masks[node.c] |= scalar(1);
            if (!has_value(node.c) || (value(node.c) & 1)) masks[node.a] |= result;
            if (!has_value(node.c) || !(value(node.c) & 1)) masks[node.b] |= result;
            return;
        case REVEN_NODE_FLOW:
            flow_back(node, result, masks);
            return;
        default:
            return;
    }
}

void TaintRules::unary_back(const reven_node& node, const Mask& result, Mask* masks) const {
    const uint32_t from = size_of(node.a);
    Mask asked = result;
    switch (node.op) {
        case REVEN_OP_SIGN_EXTEND: {
            const uint64_t sign = uint64_t{1} << (8 * from - 1);
            asked = scalar(result.word[0] | (result.word[0] & ~mask_of(from) ? sign : 0));
            break;
        }
        case REVEN_OP_HIGH_HALF:
            asked = scalar(result.word[0] << 32);
            break;
        case REVEN_OP_VECTOR_HIGH:
            asked = part(result, 0, node.size, node.size);
            break;
        case REVEN_OP_SIGN_MASK:
            asked = {};
            for (uint32_t i = 0; i < from; ++i)
                asked.bytes()[i] = result.word[0] >> i & 1 ? 0x80 : 0;
            break;
        default:
            break;
    }
    asked.cut(from);
    masks[node.a] |= asked;
}

// An operand's bit matters where the other one lets it through, or where both would
// have to change.
void TaintRules::logic_back(const reven_node& node, const Mask& result, Mask* masks) const {
    const auto ask = [&](uint32_t operand, uint32_t other) {
        Mask asked = result;
        const uint64_t flip = node.op == REVEN_OP_OR ? ~uint64_t{0} : 0;
        for (uint32_t i = 0; i < (node.size + 7u) / 8 && node.op != REVEN_OP_XOR; ++i) {
            if (!has_value(other)) break;
            uint64_t through = words(other)[i] ^ flip;
            if (!is_constant(other))
                through |= has_value(operand) ? ~(words(operand)[i] ^ flip) : ~uint64_t{0};
            asked.word[i] &= through;
        }
        asked.cut(node.size);
        masks[operand] |= asked;
    };
    if (node.a == node.b && node.op == REVEN_OP_XOR) return;
    ask(node.a, node.b);
    ask(node.b, node.a);
}

void TaintRules::binary_back(const reven_node& node, const Mask& result, Mask* masks) const {
    const uint64_t bits = result.word[0];
    const auto element = static_cast<uint32_t>(node.immediate);
    const auto ask_all = [&](uint32_t operand) { masks[operand] |= Mask::all(size_of(operand)); };
    switch (node.op) {
        case REVEN_OP_AND:
        case REVEN_OP_OR:
        case REVEN_OP_XOR:
            logic_back(node, result, masks);
            return;
        case REVEN_OP_ADD:
        case REVEN_OP_SUB:
        case REVEN_OP_MUL:
            if (node.op == REVEN_OP_SUB && node.a == node.b) return;
            masks[node.a] |= scalar(to_highest(bits));
            masks[node.b] |= scalar(to_highest(bits));
            return;
        case REVEN_OP_SHL:
        case REVEN_OP_SHR:
        case REVEN_OP_SAR: {
            ask_all(node.b);
            if (!has_value(node.b)) {
                ask_all(node.a);
                return;
            }
            const uint64_t count = std::min<uint64_t>(value(node.b), 64);
            const uint64_t sign = uint64_t{1} << (8 * node.size - 1);
            uint64_t asked = 0;
            if (node.op == REVEN_OP_SHL) {
                asked = count > 63 ? 0 : bits >> count;
            } else {
                asked = count > 63 ? 0 : bits << count;
                const uint64_t width = 8u * node.size;
                const uint64_t copies = count >= width
                                            ? mask_of(node.size)
                                            : mask_of(node.size) & ~(mask_of(node.size) >> count);
                if (node.op == REVEN_OP_SAR && (bits & copies)) asked |= sign;
            }
            masks[node.a] |= scalar(asked & mask_of(node.size));
            return;
        }
        case REVEN_OP_CONCATENATE:
            masks[node.a] |= scalar(bits >> 32);
            masks[node.b] |= scalar(bits & mask_of(4));
            return;
        case REVEN_OP_VECTOR_PAIR:
            masks[node.b] |= part(result, 0, node.size / 2);
            masks[node.a] |= part(result, node.size / 2, node.size / 2);
            return;
        case REVEN_OP_LANES_SHL:
        case REVEN_OP_LANES_SHR:
        case REVEN_OP_LANES_SAR:
            ask_all(node.b);
            masks[node.a] |= by_elements(result, element, node.size);
            return;
        case REVEN_OP_LANES_ADD:
        case REVEN_OP_LANES_SUB:
        case REVEN_OP_LANES_MUL:
        case REVEN_OP_LANES_EQ:
        case REVEN_OP_LANES_GT_SIGNED:
        case REVEN_OP_LANES_MIN_SIGNED:
        case REVEN_OP_LANES_MAX_SIGNED:
        case REVEN_OP_LANES_MIN_UNSIGNED:
        case REVEN_OP_LANES_MAX_UNSIGNED:
            masks[node.a] |= by_elements(result, element, node.size);
            masks[node.b] |= by_elements(result, element, node.size);
            return;
        case REVEN_OP_INTERLEAVE_LOW:
        case REVEN_OP_INTERLEAVE_HIGH:
            interleaved_back(result, element, node.size, node.op == REVEN_OP_INTERLEAVE_HIGH,
                             masks[node.a], masks[node.b]);
            return;
        case REVEN_OP_PERMUTE:
            masks[node.b] |= by_elements(result, 1, node.size);
            if (!has_value(node.b)) {
                ask_all(node.a);
                return;
            }
            for (uint32_t i = 0; i < node.size; ++i)
                masks[node.a].bytes()[selected(node.b, i, 1, node.size)] |= result.bytes()[i];
            return;
        default:
            if (node.a == node.b && node.op >= REVEN_OP_EQ && node.op <= REVEN_OP_LE_UNSIGNED)
                return;
            ask_all(node.a);
            ask_all(node.b);
    }
}

void TaintRules::flow_back(const reven_node& node, const Mask& result, Mask* masks) const {
    const uint32_t size = node.size;
    const auto element = static_cast<uint32_t>(node.immediate);
    const auto ask = [&](uint32_t operand, const Mask& asked) {
        if (operand != REVEN_NO_NODE) masks[operand] |= asked;
    };
    switch (node.op) {
        case REVEN_FLOW_BITS:
        case REVEN_FLOW_ELEMENTS: {
            const Mask asked =
                node.op == REVEN_FLOW_BITS ? result : by_elements(result, element, size);
            for (const uint32_t operand : {node.a, node.b, node.c}) ask(operand, asked);
            return;
        }
        case REVEN_FLOW_SHIFT_LEFT:
        case REVEN_FLOW_SHIFT_RIGHT:
            ask(node.a, shifted(result, size, constant(node.c), node.op == REVEN_FLOW_SHIFT_RIGHT));
            return;
        case REVEN_FLOW_INTERLEAVE_LOW:
        case REVEN_FLOW_INTERLEAVE_HIGH:
            interleaved_back(result, element, size, node.op == REVEN_FLOW_INTERLEAVE_HIGH,
                             masks[node.a], masks[node.b]);
            return;
        case REVEN_FLOW_CONCATENATE:
            ask(node.b, part(result, 0, size / 2));
            ask(node.a, part(result, size / 2, size / 2));
            return;
        case REVEN_FLOW_EXTRACT:
            ask(node.a, part(result, 0, element, constant(node.c) * element));
            return;
        case REVEN_FLOW_INSERT: {
            const auto at = constant(node.c) * element;
            Mask kept = result;
            std::memset(kept.bytes() + at, 0, element);
            ask(node.a, kept);
            ask(node.b, part(result, at, element));
            return;
        }
        case REVEN_FLOW_NARROW: {
            const uint32_t half = element / 2;
            if (node.a == REVEN_NO_NODE) {
                ask(node.b, by_elements(result, 0, half, 0, element, size_of(node.b) / element));
                return;
            }
            const uint32_t count = size / element;
            ask(node.b, by_elements(result, 0, half, 0, element, count));
            ask(node.a, by_elements(result, size / 2, half, 0, element, count));
            return;
        }
        case REVEN_FLOW_WIDEN:
            ask(node.a, by_elements(result, 0, element * 2, 0, element, size / (element * 2)));
            return;
        case REVEN_FLOW_PERMUTE:
            ask(node.b, by_elements(result, element, size));
            if (!has_value(node.b)) {
                ask(node.a, Mask::all(size_of(node.a)));
                return;
            }
            for (uint32_t i = 0; i < size / element; ++i)
                ask(node.a, part(result, i * element, element,
                                 selected(node.b, i, element, size / element) * element));
            return;
        default:
            for (const uint32_t operand : {node.a, node.b, node.c})
                if (operand != REVEN_NO_NODE) ask(operand, Mask::all(size_of(operand)));
    }
}

}  // namespace reven
