// SPDX-License-Identifier: Apache-2.0
#include "store/header_codec.h"

#include <algorithm>

#include "base/bytes.h"

namespace reven {

namespace {

constexpr uint32_t EXIT_MASK = (1u << REVEN_EXIT_BITS) - 1;

// Guesses the next symbol: what followed the two before it the last time, else what
// followed the one before it when that was last wrong. A symbol stands for a header;
// it is its number in order of first appearance.
class Predictor {
   public:
    explicit Predictor(size_t symbols) : after_two_(SLOTS), after_one_(symbols + 1) {}

    uint16_t first() const { return after_two_[slot()]; }
    uint16_t second() const { return after_one_[last_]; }

    // The first guess was right, or it was wrong and `symbol` comes.
    void hit(uint16_t symbol) {
        before_last_ = last_;
        last_ = symbol;
    }
    void miss(uint16_t symbol) {
        after_two_[slot()] = symbol;
        after_one_[last_] = symbol;
        hit(symbol);
    }

   private:
    static constexpr size_t SLOTS = 16384;

    size_t slot() const { return ((before_last_ * 40503u) ^ (last_ * 5u)) % SLOTS; }

    std::vector<uint16_t> after_two_, after_one_;
    uint32_t last_ = 0;
    uint32_t before_last_ = 0;
};

// How a miss of the first guess is stored: the second guess, or the symbol plus one.
constexpr uint16_t SECOND_GUESS = 0;

}  // namespace

void HeaderEncoder::encode(const Grouping& grouping, std::vector<uint8_t>& out) {
    put_varint(out, grouping.templates.size());
    uint32_t previous = 0;
    for (const Template* block : grouping.templates) {
        put_varint(out, zigzag(static_cast<int32_t>(block->id - previous)));
        previous = block->id;
    }
    put_varint(out, grouping.names.size());
    // Templates appear in order too, so that most names are of a new one.
    uint32_t seen = 0;
    for (uint32_t name : grouping.names) {
        uint32_t index = name >> REVEN_EXIT_BITS;
        put_varint(out, ((seen - index) << REVEN_EXIT_BITS) | (name & EXIT_MASK));
        if (index == seen) seen++;
    }

    runs_.clear();
    misses_.clear();
    Predictor predictor(grouping.names.size());
    size_t run = 0;
    for (uint16_t symbol : grouping.symbols) {
        if (symbol == predictor.first()) {
            run++;
            predictor.hit(symbol);
        } else {
            put_varint(runs_, run);
            run = 0;
            misses_.push_back(symbol == predictor.second() ? SECOND_GUESS
                                                           : static_cast<uint16_t>(symbol + 1));
            predictor.miss(symbol);
        }
    }
    put_varint(out, misses_.size());
    put_bytes(out, runs_.data(), runs_.size());
    for (unsigned shift : {0, 8})
        for (uint16_t miss : misses_) out.push_back(static_cast<uint8_t>(miss >> shift));
}

void decode_headers(std::span<const uint8_t> bytes, const TemplateTable& templates,
                    uint32_t template_count, Segment& segment) {
    const uint32_t executions = segment.info.execution_count;
    ByteReader in(bytes);
    segment.templates.resize(in.count(executions));
    uint32_t id = 0;
    for (auto& used : segment.templates) {
        id += static_cast<uint32_t>(unzigzag(in.varint()));
        used.block = id <= template_count ? templates.find(id) : nullptr;
        if (!used.block) throw TraceError("it refers to a template that does not exist");
    }
    std::vector<uint32_t> distinct(in.count(executions));
    uint32_t seen = 0;
    for (uint32_t& name : distinct) {
        uint32_t coded = in.count(UINT32_MAX);
        if (coded >> REVEN_EXIT_BITS > seen) throw TraceError("it names an unknown block");
        uint32_t index = seen - (coded >> REVEN_EXIT_BITS);
        if (index >= segment.templates.size()) throw TraceError("it names an unknown block");
        name = (index << REVEN_EXIT_BITS) | (coded & EXIT_MASK);
        if (index == seen) seen++;
    }
    if (executions > 0 && distinct.empty()) throw TraceError("it names no blocks");

    uint32_t miss_count = in.count(executions);
    std::vector<uint32_t> runs(miss_count);
    for (uint32_t& run : runs) run = in.count(executions);
    const uint8_t* low = in.take(miss_count);
    const uint8_t* high = in.take(miss_count);
    if (!in.done()) throw TraceError("there are bytes after its headers");

    segment.headers.resize(executions);
    segment.template_index.resize(executions);
    Predictor predictor(distinct.size());
    uint32_t at = 0;
    auto push = [&](uint16_t symbol) {
        uint32_t local = distinct[symbol] >> REVEN_EXIT_BITS;
        segment.template_index[at] = static_cast<uint16_t>(local);
        segment.headers[at++] = (segment.templates[local].block->id << REVEN_EXIT_BITS) |
                                (distinct[symbol] & EXIT_MASK);
        segment.templates[local].count++;
    };
    auto follow = [&](uint32_t run) {
        for (; run > 0; run--) {
            uint16_t symbol = predictor.first();
            predictor.hit(symbol);
            push(symbol);
        }
    };
    for (uint32_t i = 0; i < miss_count; i++) {
        if (runs[i] >= executions - at) throw TraceError("it executes too many blocks");
        follow(runs[i]);
        auto miss = static_cast<uint16_t>(low[i] | high[i] << 8);
        uint16_t symbol =
            miss == SECOND_GUESS ? predictor.second() : static_cast<uint16_t>(miss - 1);
        if (symbol >= distinct.size()) throw TraceError("it names an unknown block");
        predictor.miss(symbol);
        push(symbol);
    }
    follow(executions - at);
}

}  // namespace reven
