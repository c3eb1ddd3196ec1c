// SPDX-License-Identifier: Apache-2.0
#include "taint/block.h"

#include <algorithm>
#include <array>
#include <unordered_map>

namespace reven {
namespace {

// Identifies one byte of one value: values that are only moved around keep it.
using ByteName = uint64_t;
constexpr ByteName NOBODY = ~uint64_t{0};
constexpr ByteName AT_ENTRY = uint64_t{1} << 40;

constexpr ByteName name_of(uint32_t node, uint32_t byte) { return uint64_t{node} << 8 | byte; }

class FlowCompiler {
   public:
    FlowCompiler(const CompiledBlock& block, const InstructionReads& reads, bool with_addresses)
        : body_(*block.body),
          instruction_reads_(reads),
          with_addresses_(with_addresses),
          flow_(std::make_unique<TaintBlock>()),
          seen_(body_.nodes.size(), NEVER),
          looked_(body_.nodes.size(), NEVER),
          loaded_at_(body_.nodes.size(), NEVER) {
        flow_->compiled = &block;
        find_constants();
    }

    std::unique_ptr<TaintBlock> compile() {
        for (uint32_t at = 0; at < REVEN_REGISTER_FILE_SIZE; ++at) held_[at] = AT_ENTRY | at;
        find_positioned();
        for (const reven_event& event : body_.events)
            if (event.kind == REVEN_EVENT_LOAD || event.kind == REVEN_EVENT_CAS ||
                event.kind == REVEN_EVENT_CAS_HIGH || event.kind == REVEN_EVENT_BULK_LOAD)
                loaded_at_[event.value] = event.instruction;
        const size_t count = body_.events.size();
        for (uint32_t first = 0; first < count;) {
            uint32_t end = first;
            while (end < count && body_.events[end].instruction == body_.events[first].instruction)
                ++end;
            compile_instruction(first, end);
            first = end;
        }
        flow_->steps.insert(flow_->steps.begin(), at_entry_.begin(), at_entry_.end());
        for (const RegisterRead& read : flow_->reads) flow_->touched.add(read.offset, read.size);
        for (const TaintStep& step : flow_->steps)
            if (step.kind == TaintStep::ReadRegister)
                flow_->touched.add(step.offset, body_.nodes[step.number].size);
        flow_->values = compile_flow_values(*flow_->compiled);
        return std::move(flow_);
    }

   private:
    static constexpr uint32_t NEVER = ~uint32_t{0};

    // Nodes that read the register file at a certain event.
    void find_positioned() {
        for (uint32_t i = 0; i < body_.nodes.size(); ++i) {
            const reven_node& node = body_.nodes[i];
            if (node.kind == REVEN_NODE_REGISTER_THEN || node.kind == REVEN_NODE_INDEXED_THEN)
                by_position_.push_back({node.b, i});
        }
        std::sort(by_position_.begin(), by_position_.end());
    }

    void compile_instruction(uint32_t first, uint32_t end) {
        instruction_ = body_.events[first].instruction;
        at_start_ = held_;
        reads_.clear();
        steps_.clear();
        find_preferred(first, end);
        for (uint32_t i = first; i < end; ++i) {
            read_positioned(i);
            const reven_event& event = body_.events[i];
            need(event.guard);
            if (event.kind != REVEN_EVENT_SET_REGISTER && event.kind != REVEN_EVENT_EXIT)
                need(event.address);
            require_values(event);
            if (event.kind == REVEN_EVENT_EXIT) {
                if (with_addresses_) add({TaintStep::Effect, 0, instruction_, i});
                continue;
            }
            if (is_device_access(event) || is_system(event)) continue;
            read_constants(event);
            add({TaintStep::Effect, 0, instruction_, i});
            if (event.kind == REVEN_EVENT_SET_REGISTER) set(event);
            if (event.kind == REVEN_EVENT_SET_INDEXED) {
                const uint32_t size = event.x1 * event.size;
                std::fill_n(held_.begin() + event.offset, size, NOBODY);
                flow_->written.add(event.offset, size);
                flow_->touched.add(event.offset, size);
            }
        }
        flow_->steps.push_back({TaintStep::Begin, 0, instruction_, 0});
        flow_->steps.insert(flow_->steps.end(), reads_.begin(), reads_.end());
        flow_->steps.insert(flow_->steps.end(), steps_.begin(), steps_.end());
    }

    // No data flows through the registers of the system.
    static bool is_system(const reven_event& event) {
        const bool indexed = event.kind == REVEN_EVENT_SET_INDEXED;
        if (!indexed && event.kind != REVEN_EVENT_SET_REGISTER) return false;
        const uint32_t size = indexed ? event.x1 * event.size : event.size;
        return event.offset + size > REVEN_REGISTER_FILE_SIZE;
    }
    static bool is_system(const reven_node& node) {
        switch (node.kind) {
            case REVEN_NODE_REGISTER:
            case REVEN_NODE_REGISTER_THEN:
                return node.a + node.size > REVEN_REGISTER_FILE_SIZE;
            case REVEN_NODE_INDEXED_THEN:
                return node.a + (node.immediate & UINT32_MAX) * node.size >
                       REVEN_REGISTER_FILE_SIZE;
            default:
                return false;
        }
    }

    void require_values(const reven_event& event) {
        switch (event.kind) {
            case REVEN_EVENT_LOAD:
                if (body_.nodes[event.value].kind == REVEN_NODE_SLOT)
                    require(body_.nodes[event.value].b);
                break;
            case REVEN_EVENT_BULK_LOAD:
            case REVEN_EVENT_EXIT:
                break;
            case REVEN_EVENT_CAS:
            case REVEN_EVENT_CAS_HIGH:
                need(event.x1);
                require(event.x2);
                break;
            default:
                require(event.value);
        }
    }

    // Registers that the instruction overwrites: of two that hold a value, more likely the
    // one that it reads. What does nothing but leave the block is a conditional jump.
    void find_preferred(uint32_t first, uint32_t end) {
        preferred_.clear();
        constants_.clear();
        if (instruction_reads_) {
            preferred_ = instruction_reads_(flow_->compiled->head->instructions[instruction_]);
            for (const auto& [offset, size] : preferred_)
                if (is_constant(offset)) constants_.push_back({offset, size});
        }
        bool only_exits = true;
        for (uint32_t i = first; i < end; ++i) {
            const reven_event& event = body_.events[i];
            only_exits = only_exits && event.kind == REVEN_EVENT_EXIT;
            if (event.kind == REVEN_EVENT_SET_REGISTER && event.offset < REVEN_RIP)
                preferred_.push_back({event.offset, event.size});
        }
        if (only_exits) flow_->reads.push_back({instruction_, REVEN_CC_DEP1, FLAG_OPERANDS});
    }

    bool is_constant(uint32_t offset) const {
        const ByteName name = at_start_[offset];
        return name < AT_ENTRY && body_.nodes[name >> 8].kind == REVEN_NODE_CONSTANT;
    }

    // What the recorder computed from registers that it knew does not say so.
    void read_constants(const reven_event& event) {
        const bool writes = event.kind == REVEN_EVENT_SET_REGISTER ||
                            event.kind == REVEN_EVENT_SET_INDEXED ||
                            event.kind == REVEN_EVENT_STORE;
        if (!writes || constants_.empty() || event.offset == REVEN_CC_OP ||
            !has_constant_[event.value])
            return;
        for (const auto& [offset, size] : constants_) {
            add({TaintStep::ReadConstant, offset, instruction_, event.value, size});
            flow_->reads.push_back({instruction_, offset, size});
        }
    }

    // Once for each node, in order: what they are made of comes before them, and may be shared
    // so often that following it each time would never end.
    void find_constants() {
        has_constant_.resize(body_.nodes.size());
        for (size_t i = 0; i < body_.nodes.size(); ++i) {
            const reven_node& node = body_.nodes[i];
            switch (node.kind) {
                case REVEN_NODE_CONSTANT:
                    has_constant_[i] = true;
                    break;
                case REVEN_NODE_UNARY:
                    has_constant_[i] = has_constant_[node.a];
                    break;
                case REVEN_NODE_BINARY:
                case REVEN_NODE_SELECT:
                    has_constant_[i] = has_constant_[node.a] || has_constant_[node.b];
                    break;
                default:
                    break;
            }
        }
    }

    void read_positioned(uint32_t event) {
        for (; next_position_ < by_position_.size() && by_position_[next_position_].first <= event;
             ++next_position_) {
            const uint32_t number = by_position_[next_position_].second;
            const reven_node& node = body_.nodes[number];
            if (is_system(node)) continue;
            if (node.kind == REVEN_NODE_INDEXED_THEN) {
                const uint32_t count = static_cast<uint32_t>(node.immediate) * node.size;
                need(node.c);
                flow_->touched.add(node.a, count);
                add({TaintStep::ReadIndexed, 0, instruction_, number});
                continue;
            }
            std::vector<ByteName>& names = names_of_positioned_[number];
            for (uint32_t i = 0; i < node.size; ++i) names.push_back(held_[node.a + i]);
            const auto offset = static_cast<uint16_t>(node.a);
            add({TaintStep::ReadRegister, offset, instruction_, number});
            flow_->reads.push_back({instruction_, offset, node.size});
        }
    }

    void set(const reven_event& event) {
        for (uint32_t i = 0; i < event.size; ++i)
            held_[event.offset + i] =
                event.guard == REVEN_NO_NODE ? byte_name(event.value, i, 0) : NOBODY;
        flow_->written.add(event.offset, event.size);
        flow_->touched.add(event.offset, event.size);
    }

    ByteName byte_name(uint32_t number, uint32_t byte, uint32_t depth) {
        const reven_node& node = body_.nodes[number];
        // A trace may say that a part is larger than the whole.
        if (depth > MAX_DEPTH || byte >= node.size) return name_of(number, byte);
        const auto same_as = [&](uint32_t other, uint32_t at) {
            return byte_name(other, at, depth + 1);
        };
        switch (node.kind) {
            case REVEN_NODE_REGISTER:
                return AT_ENTRY | (node.a + byte);
            case REVEN_NODE_REGISTER_THEN: {
                const auto at = names_of_positioned_.find(number);
                return at == names_of_positioned_.end() ? name_of(number, byte) : at->second[byte];
            }
            case REVEN_NODE_SLOT:
                if (!is_loaded(number) && node.b != REVEN_NO_NODE &&
                    body_.nodes[node.b].kind == REVEN_NODE_REGISTER_THEN &&
                    body_.nodes[node.b].size == node.size)
                    return same_as(node.b, byte);
                return name_of(number, byte);
            case REVEN_NODE_UNARY:
                switch (node.op) {
                    case REVEN_OP_TRUNCATE:
                        if (node.immediate) break;
                        return same_as(node.a, byte);
                    case REVEN_OP_SAME_BITS:
                    case REVEN_OP_VECTOR_LOW:
                        return same_as(node.a, byte);
                    case REVEN_OP_ZERO_EXTEND:
                    case REVEN_OP_VECTOR_ZERO_EXTEND:
                        if (byte < body_.nodes[node.a].size) return same_as(node.a, byte);
                        break;
                    case REVEN_OP_HIGH_HALF:
                    case REVEN_OP_VECTOR_HIGH:
                        return same_as(node.a, byte + node.size);
                    default:
                        break;
                }
                return name_of(number, byte);
            case REVEN_NODE_BINARY:
                if (node.op == REVEN_OP_CONCATENATE || node.op == REVEN_OP_VECTOR_PAIR) {
                    const uint32_t half = node.size / 2u;
                    return byte < half ? same_as(node.b, byte) : same_as(node.a, byte - half);
                }
                return name_of(number, byte);
            default:
                return name_of(number, byte);
        }
    }

    // Where the register file held a value as the instruction started, or -1.
    int find_holder(uint32_t number) {
        const reven_node& node = body_.nodes[number];
        if (node.size == 0 || node.kind == REVEN_NODE_CONSTANT) return -1;
        std::array<ByteName, 32> names;
        for (uint32_t i = 0; i < node.size; ++i) names[i] = byte_name(number, i, 0);
        int found = -1;
        for (uint32_t at = 0; at + node.size <= REVEN_REGISTER_FILE_SIZE; ++at) {
            if (at_start_[at] != names[0] ||
                !std::equal(names.begin(), names.begin() + node.size, at_start_.begin() + at))
                continue;
            const bool preferred =
                std::any_of(preferred_.begin(), preferred_.end(), [&](const auto& range) {
                    return at >= range.first && at < uint32_t{range.first} + range.second;
                });
            if (preferred) return static_cast<int>(at);
            if (found < 0) found = static_cast<int>(at);
        }
        return found;
    }

    // Has the steps that give a node's taint done before the next one.
    void require(uint32_t number) {
        if (number == REVEN_NO_NODE || seen_[number] == instruction_) return;
        const uint32_t before = seen_[number];
        seen_[number] = instruction_;
        const reven_node& node = body_.nodes[number];
        if (node.kind == REVEN_NODE_REGISTER_THEN || node.kind == REVEN_NODE_INDEXED_THEN) return;
        if (loaded_at_[number] != instruction_) {
            if (const int holder = find_holder(number); holder >= 0) {
                const auto offset = static_cast<uint16_t>(holder);
                reads_.push_back({TaintStep::ReadRegister, offset, instruction_, number});
                flow_->reads.push_back({instruction_, offset, node.size});
                return;
            }
        }
        switch (node.kind) {
            case REVEN_NODE_REGISTER:
                // No register holds it any more: its taint at the block's entry is kept.
                if (before == NEVER && !is_system(node))
                    at_entry_.push_back(
                        {TaintStep::ReadRegister, static_cast<uint16_t>(node.a), 0, number});
                return;
            case REVEN_NODE_SLOT:
                if (is_loaded(number)) return;
                require(node.b);
                break;
            case REVEN_NODE_UNARY:
                require(node.a);
                break;
            case REVEN_NODE_BINARY:
                require(node.a);
                require(node.b);
                break;
            case REVEN_NODE_SELECT:
                need(node.c);
                require(node.a);
                require(node.b);
                break;
            case REVEN_NODE_FLOW:
                require(node.a);
                require(node.b);
                if (node.c != REVEN_NO_NODE && body_.nodes[node.c].kind != REVEN_NODE_CONSTANT)
                    require(node.c);
                break;
            default:
                break;
        }
        add({TaintStep::Evaluate, 0, instruction_, number});
    }

    // What an address or a condition is made of.
    void need(uint32_t number) {
        if (with_addresses_)
            require(number);
        else
            look(number);
    }

    // The registers that an address or a condition is made of are read, without flow.
    void look(uint32_t number) {
        if (number == REVEN_NO_NODE || seen_[number] == instruction_ ||
            looked_[number] == instruction_)
            return;
        looked_[number] = instruction_;
        if (const int holder = find_holder(number); holder >= 0) {
            flow_->reads.push_back(
                {instruction_, static_cast<uint16_t>(holder), body_.nodes[number].size});
            return;
        }
        const reven_node& node = body_.nodes[number];
        switch (node.kind) {
            case REVEN_NODE_SLOT:
            case REVEN_NODE_UNARY:
                look(node.kind == REVEN_NODE_SLOT ? node.b : node.a);
                break;
            case REVEN_NODE_BINARY:
            case REVEN_NODE_SELECT:
            case REVEN_NODE_FLOW:
                look(node.a);
                look(node.b);
                if (node.kind != REVEN_NODE_BINARY) look(node.c);
                break;
            default:
                break;
        }
    }

    void add(TaintStep step) { steps_.push_back(step); }
    bool is_loaded(uint32_t node) const { return loaded_at_[node] != NEVER; }

    static constexpr uint32_t MAX_DEPTH = 24;
    static constexpr uint16_t FLAG_OPERANDS = REVEN_DFLAG - REVEN_CC_DEP1;

    const TemplateBody& body_;
    const InstructionReads& instruction_reads_;
    const bool with_addresses_;
    std::unique_ptr<TaintBlock> flow_;
    std::array<ByteName, REVEN_REGISTER_FILE_SIZE> held_{};
    std::array<ByteName, REVEN_REGISTER_FILE_SIZE> at_start_{};
    FileRanges preferred_;  // that the instruction more likely reads than others
    FileRanges constants_;  // that it reads, of registers whose value the recorder knew
    std::vector<uint32_t> seen_;  // instruction that required the node last
    std::vector<uint32_t> looked_;  // and that looked at it
    std::vector<uint32_t> loaded_at_;  // instruction of the access that gives a slot its value
    std::vector<std::pair<uint32_t, uint32_t>> by_position_;  // event, node
    size_t next_position_ = 0;
    std::unordered_map<uint32_t, std::vector<ByteName>> names_of_positioned_;
    std::vector<bool> has_constant_;  // of each node: made of one, or one itself
    std::vector<TaintStep> at_entry_, reads_, steps_;
    uint16_t instruction_ = 0;
};

}  // namespace

bool TaintBlock::has_value(uint32_t node) const {
    return compiled->word_of_node[node] != NO_WORD && body().nodes[node].size > 0;
}

std::unique_ptr<TaintBlock> flow_of(const CompiledBlock& block, const InstructionReads& reads,
                                    bool with_addresses) {
    return FlowCompiler(block, reads, with_addresses).compile();
}

}  // namespace reven
