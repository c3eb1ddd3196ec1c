// SPDX-License-Identifier: Apache-2.0
// How each operation of a template passes taint on.
//
// Forward: the bits of the result that may change if tainted bits of the operands
// do, the others keeping the values they had. Backward: the bits of the operands
// that the bits of the result may depend on. What forward finds, backward finds too.
#pragma once

#include "taint/block.h"

namespace reven {

class TaintRules {
   public:
    // `values`: what `flow.values` left in the scratch words.
    // `choices`: what decides which of two values is taken counts as a part of it.
    TaintRules(const TaintBlock& flow, const uint64_t* values, bool choices = false)
        : flow_(flow), nodes_(flow.body().nodes), values_(values), choices_(choices) {}

    uint32_t size_of(uint32_t node) const { return nodes_[node].size; }
    bool has_value(uint32_t node) const { return flow_.has_value(node); }
    const uint64_t* words(uint32_t node) const {
        return values_ + flow_.compiled->word_of_node[node];
    }
    uint64_t value(uint32_t node) const { return *words(node); }
    bool is_set(uint32_t guard) const { return guard == REVEN_NO_NODE || (value(guard) & 1); }

    // Taint of a node from that of its operands; `masks` by node.
    Mask forward(uint32_t number, const Mask* masks) const;
    // Adds what a node's taint asks of its operands, and clears it.
    void backward(uint32_t number, Mask* masks) const;

   private:
    Mask unary(const reven_node& node, const Mask& a) const;
    Mask binary(const reven_node& node, const Mask& a, const Mask& b) const;
    Mask wide_logic(const reven_node& node, const Mask& a, const Mask& b) const;
    Mask flow(const reven_node& node, const Mask* masks) const;
    void unary_back(const reven_node& node, const Mask& result, Mask* masks) const;
    void binary_back(const reven_node& node, const Mask& result, Mask* masks) const;
    void logic_back(const reven_node& node, const Mask& result, Mask* masks) const;
    void flow_back(const reven_node& node, const Mask& result, Mask* masks) const;

    uint32_t constant(uint32_t node) const { return static_cast<uint32_t>(nodes_[node].immediate); }
    bool is_constant(uint32_t node) const { return nodes_[node].kind == REVEN_NODE_CONSTANT; }
    // Which element the selector's element number `element` names.
    uint32_t selected(uint32_t selector, uint32_t element, uint32_t element_size,
                      uint32_t count) const;

    const TaintBlock& flow_;
    const std::vector<reven_node>& nodes_;
    const uint64_t* values_;
    const bool choices_;
};

}  // namespace reven
