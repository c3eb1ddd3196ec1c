// SPDX-License-Identifier: Apache-2.0
#include "taint/origin.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/lock_asking.h"
#include "taint/register_search.h"
#include "taint/syscalls.h"

namespace reven {
namespace {

bool is_memory_write(const reven_event& event) {
    return event.kind == REVEN_EVENT_STORE || event.kind == REVEN_EVENT_BULK_STORE ||
           event.kind == REVEN_EVENT_CAS || event.kind == REVEN_EVENT_CAS_HIGH;
}

}  // namespace

// An instruction of the trace with its values at hand.
struct OriginFinder::Instruction {
    std::shared_ptr<const SegmentView> view;
    uint32_t execution = 0;
    uint32_t number = 0;  // in the block
    uint64_t start = 0;   // transition of the block's first instruction
    RegisterView registers;
    const TaintBlock* flow = nullptr;

    Instruction(OriginFinder& finder, uint64_t transition) {
        TraceReader& trace = finder.queries_.trace();
        view = trace.view(trace.store().find_segment(transition));
        const auto local = static_cast<uint32_t>(transition - view->first_transition());
        if (view->event_at(local)) return;
        execution = view->execution_at(local);
        start = view->first_transition() + view->start(execution);
        number = static_cast<uint32_t>(transition - start);
        trace.registers(start, registers);
        flow = &finder.blocks_.get_exact(view->segment().headers[execution] >> REVEN_EXIT_BITS);
        NoVisitor none;
        run(flow->values, view->segment().values_of(execution), registers.data(),
            finder.scratch_.data(), none);
    }
    template <typename Visit>
    void for_events(Visit visit) const {
        for (const reven_event& event : flow->body().events)
            if (event.instruction == number) visit(event);
    }
};

namespace {

// Who changed registers after an instruction that did not: the kernel in a system call, or code
// that was left out of the record.
HopKind left_by(TraceReader& trace, uint64_t transition) {
    static constexpr uint8_t SYSCALL[] = {0x0f, 0x05}, REQUEST[] = {0x48, 0xc1, 0xc7, 0x03};
    const TransitionInfo info = trace.transition(transition);
    const bool calls = std::equal(std::begin(SYSCALL), std::end(SYSCALL), info.code.begin()) ||
                       std::equal(std::begin(REQUEST), std::end(REQUEST), info.code.begin());
    return info.kind == TransitionKind::Instruction && !calls ? HopKind::NotRecorded
                                                              : HopKind::SyscallResult;
}

}  // namespace

OriginFinder::Writer OriginFinder::last_register_write(uint64_t context, const TaintPlace& place,
                                                       const Progress& progress) {
    TraceReader& trace = queries_.trace();
    RegisterView registers;
    RegisterSearch search(file_range(place), trace.registers(context, registers), trace.blocks(),
                          effects_);
    const size_t last = trace.segment_of_context(context);
    for (size_t segment = last + 1; segment-- > 0;) {
        if (progress) progress(last - segment, last + 1);
        switch (search.run(*trace.load_view(segment, Parts::WithoutValues), context)) {
            case RegisterSearch::Instruction:
                return {search.transition, HopKind::Arithmetic};
            case RegisterSearch::Kernel:
                return {search.transition, left_by(trace, search.transition)};
            case RegisterSearch::Signal:
                return {search.transition, HopKind::SignalFrame};
            default:
                break;
        }
    }
    return {};
}

// Where an instruction wrote what is seen at `place`, in another mapping of the same page.
std::optional<TaintPlace> OriginFinder::stored_elsewhere(uint64_t transition,
                                                         const TaintPlace& place) {
    const Instruction instruction(*this, transition);
    if (!instruction.flow) return std::nullopt;
    const TaintRules rules(*instruction.flow, scratch_.data());
    std::optional<TaintPlace> found;
    instruction.for_events([&](const reven_event& event) {
        if (!is_memory_write(event) || !rules.is_set(event.guard)) return;
        const uint64_t high = event.kind == REVEN_EVENT_CAS_HIGH ? event.size : 0;
        const uint64_t address = rules.value(event.address) + high;
        // A store may reach into the next page.
        for (const uint64_t page : {address / PAGE_SIZE, address / PAGE_SIZE + 1}) {
            const uint64_t there = page * PAGE_SIZE + place.address % PAGE_SIZE;
            if (overlap(address, event.size, there, place.size))
                found = TaintPlace{true, there, place.size};
        }
    });
    return found;
}

HopKind OriginFinder::kind_of(uint32_t cause) {
    switch (cause) {
        case 0:
            return HopKind::Arithmetic;
        case REVEN_CAUSE_SIGNAL_FRAME:
            return HopKind::SignalFrame;
        case REVEN_CAUSE_ALIAS:
            return HopKind::OtherMapping;
        case REVEN_CAUSE_OUTSIDE:
        case REVEN_CAUSE_FILE:
            return HopKind::Outside;
        case REVEN_CAUSE_NOT_RECORDED:
            return HopKind::NotRecorded;
        default:
            return HopKind::SyscallInput;
    }
}

OriginFinder::Writer OriginFinder::last_memory_write(uint64_t context, const TaintPlace& place,
                                                     const Progress& progress) {
    Writer writer;
    AccessQuery query;
    query.stop = context;
    query.first_address = place.address;
    query.last_address = place.address + (place.size - 1);
    query.reads = false;
    query.forward = false;
    query.limit = 1;
    const auto found = queries_.accesses(query, progress);
    uint64_t written = 0;  // context
    if (!found.empty()) {
        writer.transition = found.front().transition;
        written = writer.transition + 1;
        writer.kind = kind_of(found.front().cause);
    }
    const auto lock = queries_.need_outline(progress);
    for (const auto& chunk : queries_.outline().chunks())
        for (const IndexedRecord& record : chunk->records()) {
            if (record.context > context || record.context < written) continue;
            const uint8_t* payload = record.payload.data();
            if (record.type == REVEN_MAP) {
                const auto map = read_as<reven_map>(payload);
                if (!overlap(map.address, map.size, place.address, place.size)) continue;
                writer = {record.context - (record.context > 0),
                          record.context > 0 ? HopKind::Mapping : HopKind::Start};
                written = record.context;
            } else if (record.type == REVEN_REMAP) {
                const auto move = read_as<reven_remap>(payload);
                if (!overlap(move.to, move.size, place.address, place.size)) continue;
                writer = {record.context - 1, HopKind::KernelMove,
                          place.address - move.to + move.from};
                written = record.context;
            }
        }
    return writer;
}

bool OriginFinder::through_move(uint64_t transition, const TaintPlace& place, OriginHop& hop) {
    // A call's return stands in the context after it, whoever ran meanwhile.
    for (const auto& [key, moves] : effects_.moves) {
        const auto& [context, thread, returns] = key;
        if (!returns || context <= transition) continue;
        if (context > transition + 1) break;
        for (const KernelMove& taken : moves) {
            if (!overlap(taken.to, taken.size, place.address, place.size)) continue;
            const uint64_t at = std::max(place.address, taken.to);
            const uint64_t stream = at - taken.to + taken.from;
            const uint64_t size = std::min(place.address + place.size, taken.to + taken.size) - at;
            // The last one to give these bytes before.
            const KernelMove* giver = nullptr;
            for (const auto& [other, given] : effects_.moves) {
                if (std::get<2>(other) || std::get<0>(other) > context) continue;
                for (const KernelMove& one : given)
                    if (one.to <= stream && stream < one.to + one.size) {
                        giver = &one;
                        hop.context = std::get<0>(other);
                    }
            }
            if (!giver) return false;
            const uint64_t source = stream - giver->to + giver->from;
            const uint64_t most = giver->from + giver->size - source;
            hop.kind = HopKind::KernelMove;
            hop.before = TaintPlace{true, source, std::min(size, most)};
            return true;
        }
    }
    return false;
}

OriginHop OriginFinder::hop(uint64_t context, const TaintPlace& place, const Progress& progress) {
    for (;;) {
        const Writer writer = place.is_memory ? last_memory_write(context, place, progress)
                                              : last_register_write(context, place, progress);
        OriginHop result{writer.kind, writer.transition, place, {}, 0, {}};
        if (writer.kind == HopKind::Arithmetic) {
            if (through_instruction(writer.transition, place, result)) return result;
            context = writer.transition;
            continue;
        }
        if (writer.kind == HopKind::OtherMapping) {
            const auto stored = stored_elsewhere(writer.transition, place);
            if (stored && through_instruction(writer.transition, *stored, result)) return result;
        }
        if (writer.kind == HopKind::KernelMove) {
            result.before = TaintPlace{true, writer.moved_from, place.size};
            result.context = writer.transition;
            return result;
        }
        if (writer.kind == HopKind::SyscallInput) {
            if (through_move(writer.transition, place, result)) return result;
            if (!queries_.syscall_of(writer.transition)) result.kind = HopKind::SignalFrame;
        }
        return result;
    }
}

namespace {

// Which values an instruction only brings from one place to another.
class Moves {
   public:
    Moves(const TaintBlock& flow, const TaintRules& rules, uint32_t instruction)
        : nodes_(flow.body().nodes), rules_(rules), is_read_(nodes_.size()) {
        for (const TaintStep& step : flow.steps)
            if (step.instruction == instruction &&
                (step.kind == TaintStep::ReadRegister || step.kind == TaintStep::ReadIndexed ||
                 step.kind == TaintStep::ReadConstant))
                is_read_[step.number] = true;
    }

    bool only_moves(uint32_t number) const {
        const reven_node& node = nodes_[number];
        if (is_read_[number]) return true;
        switch (node.kind) {
            case REVEN_NODE_REGISTER:
                return true;
            case REVEN_NODE_SLOT:
                return node.b == REVEN_NO_NODE || only_moves(node.b);
            case REVEN_NODE_UNARY:
                return (node.op == REVEN_OP_TRUNCATE || node.op == REVEN_OP_ZERO_EXTEND ||
                        node.op == REVEN_OP_SIGN_EXTEND || node.op == REVEN_OP_HIGH_HALF ||
                        (node.op >= REVEN_OP_SAME_BITS &&
                         node.op <= REVEN_OP_VECTOR_ZERO_EXTEND)) &&
                       only_moves(node.a);
            case REVEN_NODE_BINARY:
                return (node.op == REVEN_OP_CONCATENATE || node.op == REVEN_OP_VECTOR_PAIR) &&
                       is_moved_or_constant(node.a) && is_moved_or_constant(node.b);
            case REVEN_NODE_SELECT:
                return rules_.has_value(node.c) &&
                       only_moves(rules_.value(node.c) & 1 ? node.a : node.b);
            case REVEN_NODE_FLOW:
                return node.op == REVEN_FLOW_CONCATENATE || node.op == REVEN_FLOW_EXTRACT ||
                       node.op == REVEN_FLOW_INSERT;
            default:
                return false;
        }
    }

   private:
    bool is_moved_or_constant(uint32_t number) const {
        return nodes_[number].kind == REVEN_NODE_CONSTANT || only_moves(number);
    }

    const std::vector<reven_node>& nodes_;
    const TaintRules& rules_;
    std::vector<bool> is_read_;
};

// Is a value made by the processor itself (a time stamp, an identification)?
bool is_made_up(const TaintBlock& flow, uint32_t number) {
    const auto& nodes = flow.body().nodes;
    const reven_node& node = nodes[number];
    if (node.kind == REVEN_NODE_SLOT && node.b != REVEN_NO_NODE) return is_made_up(flow, node.b);
    if (node.kind == REVEN_NODE_UNARY) return is_made_up(flow, node.a);
    return node.kind == REVEN_NODE_FLOW && node.a == REVEN_NO_NODE && node.b == REVEN_NO_NODE;
}

uint64_t bits_of(const TaintPlace& place) { return place.is_memory ? place.size * 8 : place.size; }

}  // namespace

bool OriginFinder::through_instruction(uint64_t transition, const TaintPlace& place,
                                       OriginHop& hop) {
    const Instruction instruction(*this, transition);
    if (!instruction.flow) return false;
    const TaintBlock& flow = *instruction.flow;
    const TaintRules rules(flow, scratch_.data());
    // What of the place it writes last, and from which node.
    TaintPlace written = place;
    uint32_t value = REVEN_NO_NODE;
    const FileRange range = place.is_memory ? FileRange{0, 0} : file_range(place);
    instruction.for_events([&](const reven_event& event) {
        if (!rules.is_set(event.guard)) return;
        if (place.is_memory && is_memory_write(event)) {
            const uint64_t high = event.kind == REVEN_EVENT_CAS_HIGH ? event.size : 0;
            const uint64_t address = rules.value(event.address) + high;
            if (!overlap(address, event.size, place.address, place.size)) return;
            const uint64_t end = std::min(address + event.size, place.address + place.size);
            written.address = std::max(address, place.address);
            written.size = end - written.address;
            const bool swaps = event.kind == REVEN_EVENT_CAS || event.kind == REVEN_EVENT_CAS_HIGH;
            value = swaps ? event.x2 : event.value;
        } else if (!place.is_memory) {
            const FileRange set = written_by(event);
            if (!overlap(set.offset, set.size, range.offset, range.size)) return;
            if (value == REVEN_NO_NODE || event.offset != REVEN_CC_OP) value = event.value;
            if (place.address >= FLAGS_AT) return;
            const uint64_t first = std::max<uint64_t>(place.address, set.offset * 8u);
            const uint64_t end =
                std::min<uint64_t>(place.address + place.size, (set.offset + set.size) * 8u);
            written.address = first;
            written.size = end - first;
        }
    });
    if (value == REVEN_NO_NODE) return false;

    TaintState state(1);
    TaintJournal journal(state);
    const TaintFollow values_only;
    TaintWalk walk(blocks_, state, journal, values_only);
    TagTaint& tag = state.tags[0];
    const uint32_t number = instruction.number;
    const auto operation = [&](uint32_t at) {
        return walk.flag_operation(*instruction.view, instruction.execution,
                                   instruction.registers.data(), at);
    };
    if (place.is_memory) {
        const std::vector<uint8_t> whole(written.size, 0xff);
        tag.memory.write(written.address, static_cast<uint32_t>(written.size), whole.data());
    } else if (place.address >= FLAGS_AT) {
        uint64_t flags = 0;
        for (uint64_t i = 0; i < place.size; ++i)
            flags |= uint64_t{1} << (place.address - FLAGS_AT + i);
        seed_flags(tag.registers, operation(number + 1), flags);
    } else {
        for (uint64_t bit = written.address; bit < written.address + written.size; ++bit)
            tag.registers[bit / 8] |= static_cast<uint8_t>(1 << (bit % 8));
    }
    state.find_live();
    walk.backward(*instruction.view, instruction.execution, instruction.registers.data(), number,
                  number + 1, instruction.start);
    std::vector<TaintItem> items;
    list_registers(state, operation(number), items);
    list_memory(state, 0, 64, items);

    std::vector<TaintPlace> sources;
    for (const TaintItem& item : items)
        sources.push_back({item.is_memory, item.address, item.size});
    const auto is_overwritten = [&](const TaintPlace& source) {
        return source.is_memory == place.is_memory &&
               overlap(source.address, source.size, place.address, place.size);
    };
    std::stable_sort(sources.begin(), sources.end(), [&](const auto& a, const auto& b) {
        if (bits_of(a) != bits_of(b)) return bits_of(a) > bits_of(b);
        if (a.is_memory != b.is_memory) return a.is_memory;
        return !is_overwritten(a) && is_overwritten(b);
    });
    hop.after = written;
    hop.transition = transition;
    hop.context = transition;
    if (written.address > place.address)
        hop.others.push_back({place.is_memory, place.address, written.address - place.address});
    const uint64_t end = place.address + place.size, written_end = written.address + written.size;
    if (written_end < end) hop.others.push_back({place.is_memory, written_end, end - written_end});
    if (sources.empty()) {
        hop.kind = is_made_up(flow, value) ? HopKind::Processor : HopKind::Constant;
        return true;
    }
    hop.before = sources.front();
    hop.others.insert(hop.others.end(), sources.begin() + 1, sources.end());
    if (place.address >= FLAGS_AT && !place.is_memory)
        hop.kind = HopKind::Arithmetic;
    else if (!Moves(flow, rules, number).only_moves(value) || sources.size() > 1)
        hop.kind = HopKind::Arithmetic;
    else if (hop.before->is_memory == place.is_memory)
        hop.kind = HopKind::Copy;
    else
        hop.kind = place.is_memory ? HopKind::Store : HopKind::Load;
    return true;
}

std::vector<OriginHop> OriginFinder::find(uint64_t context, const TaintPlace& place, size_t limit,
                                          const Progress& progress) {
    const auto lock = lock_asking(mutex_, progress);
    if (!effects_known_) {
        effects_ = find_syscall_effects(queries_, progress);
        effects_known_ = true;
    }
    std::vector<OriginHop> hops;
    TaintPlace now = place;
    while (hops.size() < limit) {
        hops.push_back(hop(context, now, progress));
        if (hops.back().ends()) break;
        now = *hops.back().before;
        context = hops.back().context;
    }
    return hops;
}

}  // namespace reven
