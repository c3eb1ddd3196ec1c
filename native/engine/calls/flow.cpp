// SPDX-License-Identifier: Apache-2.0
#include "calls/flow.h"

#include <algorithm>

#include "base/bytes.h"

namespace reven {
namespace {

constexpr uint64_t SIGRETURN = 15;  // the system call's number

// Is the value some earlier rsp or frame pointer plus or minus something?
bool derives_from_stack(const std::vector<reven_node>& nodes, uint32_t at, int depth = 0) {
    if (at >= nodes.size() || depth > 16) return false;
    const reven_node& node = nodes[at];
    switch (node.kind) {
        case REVEN_NODE_REGISTER:
            return node.a == REVEN_RSP || node.a == REVEN_RBP;
        case REVEN_NODE_BINARY:
            if (node.op != REVEN_OP_ADD && node.op != REVEN_OP_SUB && node.op != REVEN_OP_AND)
                return false;
            return derives_from_stack(nodes, node.a, depth + 1) ||
                   (node.op != REVEN_OP_SUB && derives_from_stack(nodes, node.b, depth + 1));
        case REVEN_NODE_SELECT:
            return derives_from_stack(nodes, node.a, depth + 1) &&
                   derives_from_stack(nodes, node.b, depth + 1);
        default:
            return false;
    }
}

// The first instruction of a block that sets rsp to something new, or -1.
int absolute_move(const TemplateBody& body) {
    for (const reven_event& event : body.events)
        if (event.kind == REVEN_EVENT_SET_REGISTER && event.offset == REVEN_RSP &&
            event.size == 8 && !derives_from_stack(body.nodes, event.value))
            return event.instruction;
    return -1;
}

struct BlockTraits {
    uint64_t address;
    ptrdiff_t function;
    bool is_start;
    bool is_call;
    bool is_return;
    uint16_t released;  // bytes that `ret n` removes
    uint64_t next;      // address after the last instruction
    int absolute;
};

BlockTraits traits_of(const Template& block, BlockCache& blocks, const FunctionStarts& starts) {
    const reven_instruction& last = block.instructions.back();
    BlockTraits traits{};
    traits.address = block.instructions.front().address;
    traits.function = starts.at(traits.address);
    traits.is_start = traits.function >= 0 &&
                      starts.addresses[static_cast<size_t>(traits.function)] == traits.address;
    traits.is_call = block.jump_kind == REVEN_JUMP_CALL;
    traits.is_return = block.jump_kind == REVEN_JUMP_RET;
    if (traits.is_return && last.size >= 3 && last.bytes[last.size - 3] == 0xc2)
        traits.released = read_as<uint16_t>(last.bytes + last.size - 2);
    traits.next = last.address + last.size;
    traits.absolute = absolute_move(*blocks.get(block.id).body);
    return traits;
}

class Scanner {
   public:
    Scanner(const SegmentView& view, BlockCache& blocks, const FunctionStarts& starts)
        : view_(view), starts_(starts), replayer_(view, blocks) {
        const Segment& segment = view.segment();
        traits_.reserve(segment.templates.size());
        for (const SegmentTemplate& used : segment.templates)
            traits_.push_back(traits_of(*used.block, blocks, starts));
    }

    SegmentFlow run() {
        const auto& records = view_.records();
        replayer_.start_at(0);
        forget_frames();
        size_t next = 0;
        for (uint32_t execution = 0;; ++execution) {
            for (; next < records.size() && records[next].position <= execution; ++next)
                record(records[next]);
            if (execution == view_.execution_count()) break;
            execute(execution);
        }
        flow_.open = open_;
        return std::move(flow_);
    }

   private:
    uint64_t rsp() const { return read_as<uint64_t>(replayer_.registers() + REVEN_RSP); }
    uint64_t context(uint32_t local) const { return view_.first_transition() + local; }

    void add(FlowKind kind, uint32_t local, uint64_t target = 0, uint64_t other = 0) {
        flow_.events.push_back({kind, replayer_.thread(), context(local), rsp(), target, other});
    }
    void add_open(FlowKind kind, uint32_t local, uint64_t other) {
        open_ = flow_.events.size();
        add(kind, local, 0, other);
    }

    // The thread goes on at `pc`.
    void arrive(uint64_t pc) {
        if (open_) flow_.events[*open_].target = pc;
        if (!has_arrived_) flow_.first_target = pc;
        has_arrived_ = true;
        open_.reset();
    }

    // The thread goes on at `pc`, but something else comes before: a jump there is one already.
    void arrive_before(uint64_t pc, uint32_t local) {
        const bool came_by_jump = !open_ && function_ >= 0 && starts_.at(pc) != function_;
        arrive(pc);
        if (came_by_jump && starts_.is_start(pc)) add(FlowKind::Enter, local, pc);
    }

    // What is known of frames in this segment: those called here, or else how far rsp went.
    void forget_frames() {
        slots_.clear();
        highest_ = rsp();
        function_ = -1;
    }
    void drop_frames(uint64_t below) {
        while (!slots_.empty() && slots_.back() < below) slots_.pop_back();
        if (slots_.empty()) highest_ = std::max(highest_, below);
    }

    void record(const RecordPoint& point) {
        const RecordView record = view_.record(point);
        const uint64_t before = rsp();
        switch (record.header->type) {
            case REVEN_SWITCH: {
                const auto& change = record.as<reven_switch>();
                if (change.previous_thread != 0) arrive_before(change.previous_ip, point.context);
                replayer_.apply(record);
                has_arrived_ = true;
                add_open(FlowKind::Switch, point.context + is_transition(record), 0);
                forget_frames();
                return;
            }
            case REVEN_SIGNAL:
                arrive_before(record.as<reven_signal>().ip, point.context);
                add(FlowKind::Signal, point.context + 1, record.as<reven_signal>().ip);
                return;
            case REVEN_END:
                arrive(record.as<reven_end>().ip);
                return;
            case REVEN_SYSCALL_ENTER:
                if (record.as<uint64_t>() == SIGRETURN) add(FlowKind::Sigreturn, point.context);
                return;
            case REVEN_THREAD_EXIT:
                flow_.events.push_back(
                    {FlowKind::ThreadEnd, record.header->thread, context(point.context), 0, 0, 0});
                return;
            case REVEN_REGISTERS:
                replayer_.apply(record);
                add_open(FlowKind::Handler, point.context, before);
                forget_frames();
                return;
            case REVEN_REGISTER_PATCH:
                replayer_.apply(record);
                if (rsp() == before) return;
                add(FlowKind::KernelMove, point.context, 0, before);
                forget_frames();
                return;
            case REVEN_KEY_FRAME:
                return;
            default:
                replayer_.apply(record);
        }
    }

    void execute(uint32_t execution) {
        const Segment& segment = view_.segment();
        const BlockTraits& traits = traits_[segment.template_index[execution]];
        const uint32_t retired = view_.retired(execution);
        const uint32_t exit = segment.headers[execution] & ((1u << REVEN_EXIT_BITS) - 1);
        const uint32_t start = view_.start(execution);
        const bool came_by_jump = !open_;
        arrive(traits.address);
        if (traits.is_start && came_by_jump && traits.function != function_ && retired != 0)
            add(FlowKind::Enter, start, traits.address);
        function_ = traits.function;
        NoVisitor none;
        if (traits.absolute >= 0 && retired > static_cast<uint32_t>(traits.absolute)) [[unlikely]]
            move(execution, static_cast<uint32_t>(traits.absolute));
        replayer_.run_execution<Effects::Registers>(execution, none);
        if (retired == 0) return;
        if (exit == 0 && traits.is_call) {
            add_open(FlowKind::Call, start + retired, traits.next);
            drop_frames(rsp());
            slots_.push_back(rsp());
        } else if (exit == 0 && traits.is_return) {
            add_open(FlowKind::Return, start + retired, rsp() - 8 - traits.released);
            drop_frames(rsp());
        } else if (rsp() > (slots_.empty() ? highest_ : slots_.back())) {
            add(FlowKind::Raise, start + retired);
            drop_frames(rsp());
        }
    }

    void move(uint32_t execution, uint32_t instruction) {
        uint8_t before[REVEN_REGISTER_FILE_SIZE];
        std::memcpy(before, replayer_.registers(), sizeof before);
        NoVisitor none;
        replayer_.step(execution, instruction, none);
        const uint64_t from = rsp();
        replayer_.restore(before);
        replayer_.step(execution, instruction + 1, none);
        const bool stays = rsp() >= from && !slots_.empty() && rsp() <= slots_.back();
        if (rsp() != from && !stays) {
            add(FlowKind::Move, view_.start(execution) + instruction + 1, 0, from);
            if (rsp() > from) drop_frames(rsp());
        }
        replayer_.restore(before);
    }

    const SegmentView& view_;
    const FunctionStarts& starts_;
    Replayer replayer_;
    SegmentFlow flow_;
    std::vector<BlockTraits> traits_;
    bool has_arrived_ = false;
    std::optional<size_t> open_;
    ptrdiff_t function_ = -1;
    std::vector<uint64_t> slots_;
    uint64_t highest_ = 0;
};

}  // namespace

ptrdiff_t FunctionStarts::at(uint64_t address) const {
    return std::upper_bound(addresses.begin(), addresses.end(), address) - addresses.begin() - 1;
}

bool FunctionStarts::is_start(uint64_t address) const {
    return std::binary_search(addresses.begin(), addresses.end(), address);
}

bool FunctionStarts::is_stub(uint64_t address) const {
    const ptrdiff_t index = at(address);
    return index >= 0 && addresses[static_cast<size_t>(index)] == address &&
           stub[static_cast<size_t>(index)];
}

SegmentFlow scan_flow(const SegmentView& view, BlockCache& blocks, const FunctionStarts& starts) {
    return Scanner(view, blocks, starts).run();
}

}  // namespace reven
