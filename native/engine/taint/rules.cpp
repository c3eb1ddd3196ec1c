// SPDX-License-Identifier: Apache-2.0
#include "taint/rules.h"

#include <algorithm>
#include <bit>

#include "taint/bits.h"

namespace reven {
namespace {

uint64_t from_lowest(uint64_t bits) { return bits | (~bits + 1); }

uint64_t sum_taint(uint64_t a, uint64_t b, uint64_t ma, uint64_t mb) {
    const uint64_t lowest = (a & ~ma) + (b & ~mb), highest = (a | ma) + (b | mb);
    return (lowest ^ highest) | ma | mb;
}

uint64_t difference_taint(uint64_t a, uint64_t b, uint64_t ma, uint64_t mb) {
    const uint64_t lowest = (a & ~ma) - (b | mb), highest = (a | ma) - (b & ~mb);
    return (lowest ^ highest) | ma | mb;
}

uint64_t product_taint(uint64_t a, uint64_t b, uint64_t ma, uint64_t mb) {
    // Bit i of one operand changes multiples of 2^i times the other's lowest bit.
    const auto lowest = [](uint64_t mask, uint64_t other) {
        if (mask == 0 || other == 0) return 64;
        return std::countr_zero(mask) + std::countr_zero(other);
    };
    const int first = std::min(lowest(ma, b | mb), lowest(mb, a | ma));
    return first > 63 ? 0 : ~uint64_t{0} << first;
}

}  // namespace

uint32_t TaintRules::selected(uint32_t selector, uint32_t element, uint32_t element_size,
                              uint32_t count) const {
    uint64_t index = 0;
    std::memcpy(&index, reinterpret_cast<const uint8_t*>(words(selector)) + element * element_size,
                element_size);
    return static_cast<uint32_t>(index % count);
}

Mask TaintRules::forward(uint32_t number, const Mask* masks) const {
    const reven_node& node = nodes_[number];
    Mask result;
    switch (node.kind) {
        case REVEN_NODE_SLOT:
            if (node.b == REVEN_NO_NODE) return {};
            if (size_of(node.b) == node.size && node.size > 0) return masks[node.b];
            return Mask::all_if(masks[node.b].any(), node.size);
        case REVEN_NODE_UNARY:
            result = unary(node, masks[node.a]);
            if (node.immediate == 1 && node.size == 1) result.word[0] &= 1;
            break;
        case REVEN_NODE_BINARY:
            result = binary(node, masks[node.a], masks[node.b]);
            break;
        case REVEN_NODE_SELECT:
            if (choices_ && masks[node.c].any()) return Mask::all(node.size);
            if (has_value(node.c)) return masks[value(node.c) & 1 ? node.a : node.b];
            result = masks[node.a];
            result |= masks[node.b];
            break;
        case REVEN_NODE_FLOW:
            result = flow(node, masks);
            break;
        default:
            break;
    }
    result.cut(node.size);
    return result;
}

Mask TaintRules::unary(const reven_node& node, const Mask& a) const {
    const uint32_t from = size_of(node.a);
    switch (node.op) {
        case REVEN_OP_SIGN_EXTEND:
            return scalar(static_cast<uint64_t>(sign_extended(a.word[0], from)));
        case REVEN_OP_HIGH_HALF:
            return scalar(a.word[0] >> 32);
        case REVEN_OP_VECTOR_HIGH:
            return part(a, node.size, node.size);
        case REVEN_OP_SIGN_MASK: {
            uint64_t bits = 0;
            for (uint32_t i = 0; i < from; ++i) bits |= uint64_t{a.bytes()[i]} >> 7 << i;
            return scalar(bits);
        }
        default:
            return a;
    }
}

Mask TaintRules::wide_logic(const reven_node& node, const Mask& a, const Mask& b) const {
    Mask result;
    const bool valued = has_value(node.a), other = has_value(node.b);
    for (uint32_t i = 0; i < (node.size + 7u) / 8; ++i) {
        const uint64_t ma = a.word[i], mb = b.word[i];
        result.word[i] = ma | mb;
        if (node.op == REVEN_OP_XOR) continue;
        const uint64_t flip = node.op == REVEN_OP_OR ? ~uint64_t{0} : 0;
        if (valued) result.word[i] &= (words(node.a)[i] ^ flip) | ma;
        if (other) result.word[i] &= (words(node.b)[i] ^ flip) | mb;
    }
    return result;
}

Mask TaintRules::binary(const reven_node& node, const Mask& a, const Mask& b) const {
    const bool valued = has_value(node.a) && has_value(node.b);
    const uint64_t ma = a.word[0], mb = b.word[0];
    const auto element = static_cast<uint32_t>(node.immediate);
    switch (node.op) {
        case REVEN_OP_AND:
        case REVEN_OP_OR:
        case REVEN_OP_XOR:
            if (node.a == node.b && node.op == REVEN_OP_XOR) return {};
            return wide_logic(node, a, b);
        case REVEN_OP_ADD:
        case REVEN_OP_SUB:
        case REVEN_OP_MUL:
            if ((ma | mb) == 0) return {};
            if (node.op == REVEN_OP_SUB && node.a == node.b) return {};
            if (!valued) return scalar(from_lowest(ma | mb));
            if (node.op == REVEN_OP_ADD)
                return scalar(sum_taint(value(node.a), value(node.b), ma, mb));
            if (node.op == REVEN_OP_SUB)
                return scalar(difference_taint(value(node.a), value(node.b), ma, mb));
            return scalar(product_taint(value(node.a), value(node.b), ma, mb));
        case REVEN_OP_SHL:
        case REVEN_OP_SHR:
        case REVEN_OP_SAR: {
            if (mb != 0 || !has_value(node.b)) return Mask::all_if((ma | mb) != 0, node.size);
            const uint64_t count = value(node.b);
            if (node.op == REVEN_OP_SAR)
                return scalar(static_cast<uint64_t>(sign_extended(ma, node.size) >>
                                                    std::min<uint64_t>(count, 63)));
            if (count > 63) return {};
            return scalar(node.op == REVEN_OP_SHL ? ma << count : ma >> count);
        }
        case REVEN_OP_CONCATENATE:
            return scalar(ma << 32 | mb);
        case REVEN_OP_VECTOR_PAIR: {
            Mask result = part(b, 0, node.size / 2);
            result |= part(a, 0, node.size / 2, node.size / 2);
            return result;
        }
        case REVEN_OP_EQ:
        case REVEN_OP_NE:
        case REVEN_OP_LT_SIGNED:
        case REVEN_OP_LE_SIGNED:
        case REVEN_OP_LT_UNSIGNED:
        case REVEN_OP_LE_UNSIGNED:
            return scalar(node.a != node.b && (ma | mb) != 0);
        case REVEN_OP_LANES_SHL:
        case REVEN_OP_LANES_SHR:
        case REVEN_OP_LANES_SAR:
            if (b.any() || !has_value(node.b)) return Mask::all_if(a.any() || b.any(), node.size);
            return lanes_shifted(a, element, node.size, value(node.b), node.op);
        case REVEN_OP_LANES_ADD:
        case REVEN_OP_LANES_SUB:
        case REVEN_OP_LANES_MUL:
        case REVEN_OP_LANES_EQ:
        case REVEN_OP_LANES_GT_SIGNED:
        case REVEN_OP_LANES_MIN_SIGNED:
        case REVEN_OP_LANES_MAX_SIGNED:
        case REVEN_OP_LANES_MIN_UNSIGNED:
        case REVEN_OP_LANES_MAX_UNSIGNED: {
            if (node.a == node.b && node.op != REVEN_OP_LANES_ADD &&
                node.op != REVEN_OP_LANES_MUL && node.op <= REVEN_OP_LANES_GT_SIGNED)
                return {};
            Mask both = a;
            both |= b;
            return by_elements(both, element, node.size);
        }
        case REVEN_OP_INTERLEAVE_LOW:
        case REVEN_OP_INTERLEAVE_HIGH:
            return interleaved(a, b, element, node.size, node.op == REVEN_OP_INTERLEAVE_HIGH);
        case REVEN_OP_PERMUTE: {
            Mask result = by_elements(b, 1, node.size);
            if (!has_value(node.b)) return Mask::all_if(a.any() || b.any(), node.size);
            for (uint32_t i = 0; i < node.size; ++i)
                result.bytes()[i] |= a.bytes()[selected(node.b, i, 1, node.size)];
            return result;
        }
        default:
            return Mask::all_if(a.any() || b.any(), node.size);
    }
}

Mask TaintRules::flow(const reven_node& node, const Mask* masks) const {
    const auto operand = [&](uint32_t other) {
        return other == REVEN_NO_NODE ? Mask{} : masks[other];
    };
    const Mask a = operand(node.a), b = operand(node.b);
    const uint32_t size = node.size;
    const auto element = static_cast<uint32_t>(node.immediate);
    switch (node.op) {
        case REVEN_FLOW_BITS:
        case REVEN_FLOW_ELEMENTS: {
            Mask result = a;
            result |= b;
            result |= operand(node.c);
            return node.op == REVEN_FLOW_BITS ? result : by_elements(result, element, size);
        }
        case REVEN_FLOW_SHIFT_LEFT:
        case REVEN_FLOW_SHIFT_RIGHT:
            return shifted(a, size, constant(node.c), node.op == REVEN_FLOW_SHIFT_LEFT);
        case REVEN_FLOW_INTERLEAVE_LOW:
        case REVEN_FLOW_INTERLEAVE_HIGH:
            return interleaved(a, b, element, size, node.op == REVEN_FLOW_INTERLEAVE_HIGH);
        case REVEN_FLOW_CONCATENATE: {
            Mask result = part(b, 0, size / 2);
            result |= part(a, 0, size / 2, size / 2);
            return result;
        }
        case REVEN_FLOW_EXTRACT:
            return part(a, constant(node.c) * element, element);
        case REVEN_FLOW_INSERT: {
            Mask result = a;
            std::memcpy(result.bytes() + constant(node.c) * element, b.bytes(), element);
            return result;
        }
        case REVEN_FLOW_NARROW: {
            const uint32_t half = element / 2;
            if (node.a == REVEN_NO_NODE)
                return by_elements(b, 0, element, 0, half, size_of(node.b) / element);
            const uint32_t count = size / element;
            Mask result = by_elements(b, 0, element, 0, half, count);
            result |= by_elements(a, 0, element, size / 2, half, count);
            return result;
        }
        case REVEN_FLOW_WIDEN:
            return by_elements(a, 0, element, 0, element * 2, size / (element * 2));
        case REVEN_FLOW_PERMUTE: {
            if (!has_value(node.b)) return Mask::all_if(a.any() || b.any(), size);
            Mask result = by_elements(b, element, size);
            for (uint32_t i = 0; i < size / element; ++i)
                result |= part(a, selected(node.b, i, element, size / element) * element, element,
                               i * element);
            return result;
        }
        default:
            return Mask::all_if(a.any() || b.any() || operand(node.c).any(), size);
    }
}

}  // namespace reven
