// SPDX-License-Identifier: Apache-2.0
#include "store/column_codec.h"

#include <bit>
#include <type_traits>

#include "base/bytes.h"
#include "stream/limits.h"

namespace reven {

namespace {

// How a column of numbers is stored; in a byte with the residuals' width.
enum Mode : uint8_t {
    CONSTANT = 0,     // the first value
    DIFFERENCES = 1,  // the first value; zigzag of each difference to the one before
    DIRECT = 2        // every value
};

bool is_number(const Column& column) {
    return column.width <= 8 && std::has_single_bit(column.width);
}

unsigned width_of(uint64_t mask) { return mask >> 32 ? 8 : mask >> 16 ? 4 : mask >> 8 ? 2 : 1; }

// Bits that the numbers need in all: a guess at how well they compress.
uint64_t total_width(std::span<const uint64_t> numbers) {
    uint64_t bits = 0;
    for (uint64_t number : numbers) bits += static_cast<unsigned>(std::bit_width(number));
    return bits;
}

template <typename T>
uint64_t gather(std::span<const uint8_t* const> records, size_t offset, uint64_t* to) {
    uint64_t mask = 0;
    for (size_t r = 0; r < records.size(); r++) mask |= to[r] = read_as<T>(records[r] + offset);
    return mask;
}

// Differences in the column's own width, so that they wrap as its values do.
template <typename T>
uint64_t subtract(std::span<const uint64_t> values, uint64_t* to) {
    uint64_t mask = 0;
    for (size_t r = 1; r < values.size(); r++) {
        auto difference = static_cast<std::make_signed_t<T>>(values[r] - values[r - 1]);
        mask |= to[r - 1] = zigzag(difference);
    }
    return mask;
}

template <typename T>
void put_plane_words(const uint64_t* from, size_t count, uint8_t* to) {
    for (size_t r = 0; r < count; r++) {
        auto word = static_cast<T>(from[r]);
        for (size_t b = 0; b < sizeof(T); b++)
            to[b * count + r] = static_cast<uint8_t>(word >> (8 * b));
    }
}

void put_residuals(std::vector<uint8_t>& out, const uint64_t* from, size_t count, unsigned width) {
    size_t before = out.size();
    out.resize(before + count * width);
    uint8_t* to = out.data() + before;
    switch (width) {
        case 1:
            put_plane_words<uint8_t>(from, count, to);
            break;
        case 2:
            put_plane_words<uint16_t>(from, count, to);
            break;
        case 4:
            put_plane_words<uint32_t>(from, count, to);
            break;
        default:
            put_plane_words<uint64_t>(from, count, to);
    }
}

// Calls `visit` with each residual.
template <typename T, typename Visit>
void each_residual(const uint8_t* from, size_t count, Visit visit) {
    for (size_t r = 0; r < count; r++) {
        T word = 0;
        for (size_t b = 0; b < sizeof(T); b++)
            word = static_cast<T>(word | static_cast<T>(T{from[b * count + r]} << (8 * b)));
        visit(word);
    }
}

template <typename Visit>
void each_residual(ByteReader& in, unsigned width, size_t count, Visit visit) {
    const uint8_t* from = in.take(count * width);
    switch (width) {
        case 1:
            each_residual<uint8_t>(from, count, visit);
            break;
        case 2:
            each_residual<uint16_t>(from, count, visit);
            break;
        case 4:
            each_residual<uint32_t>(from, count, visit);
            break;
        case 8:
            each_residual<uint64_t>(from, count, visit);
            break;
        default:
            throw TraceError("a column has an unknown width");
    }
}

template <typename T>
void decode_numbers(ByteReader& modes, ByteReader& plain, ByteReader& residuals, uint8_t* to,
                    size_t stride, size_t count) {
    uint8_t mode = modes.byte();
    if ((mode & 15) == DIRECT) {
        each_residual(residuals, mode >> 4, count, [&](uint64_t residual) {
            write_as(to, static_cast<T>(residual));
            to += stride;
        });
        return;
    }
    T value = read_as<T>(plain.take(sizeof(T)));
    write_as(to, value);
    if (mode == CONSTANT) {
        for (size_t r = 1; r < count; r++) write_as(to += stride, value);
    } else if ((mode & 15) == DIFFERENCES) {
        each_residual(residuals, mode >> 4, count - 1, [&](uint64_t residual) {
            value = static_cast<T>(value + static_cast<T>(unzigzag(residual)));
            write_as(to += stride, value);
        });
    } else {
        throw TraceError("a column has an unknown form");
    }
}

}  // namespace

void ColumnEncoder::encode(const Grouping& grouping, std::vector<uint8_t>& out) {
    column_.resize(grouping.symbols.size());
    differences_.resize(grouping.symbols.size());
    modes_.clear();
    plain_.clear();
    residuals_.clear();
    std::span<const uint8_t* const> left = grouping.records;
    for (size_t t = 0; t < grouping.templates.size(); t++) {
        const Template& block = *grouping.templates[t];
        const uint32_t count = grouping.counts[t];
        auto records = left.first(count);
        left = left.subspan(count);
        if (count == 1) {
            put_bytes(plain_, records[0], block.values_size);
            continue;
        }
        for (const Column& column : block.columns) {
            if (!is_number(column)) {
                for (const uint8_t* record : records)
                    put_bytes(plain_, record + column.offset, column.width);
                continue;
            }
            uint64_t mask, difference_mask;
            std::span<const uint64_t> numbers(column_.data(), count);
            switch (column.width) {
                case 1:
                    mask = gather<uint8_t>(records, column.offset, column_.data());
                    difference_mask = subtract<uint8_t>(numbers, differences_.data());
                    break;
                case 2:
                    mask = gather<uint16_t>(records, column.offset, column_.data());
                    difference_mask = subtract<uint16_t>(numbers, differences_.data());
                    break;
                case 4:
                    mask = gather<uint32_t>(records, column.offset, column_.data());
                    difference_mask = subtract<uint32_t>(numbers, differences_.data());
                    break;
                default:
                    mask = gather<uint64_t>(records, column.offset, column_.data());
                    difference_mask = subtract<uint64_t>(numbers, differences_.data());
            }
            unsigned direct = width_of(mask), apart = width_of(difference_mask);
            if (difference_mask == 0) {
                modes_.push_back(CONSTANT);
                put_bytes(plain_, &column_[0], column.width);
            } else if (direct < apart ||
                       (direct == apart &&
                        (direct == 1 || total_width({column_.data(), count}) <=
                                            total_width({differences_.data(), count - 1})))) {
                modes_.push_back(static_cast<uint8_t>(DIRECT | direct << 4));
                put_residuals(residuals_, column_.data(), count, direct);
            } else {
                modes_.push_back(static_cast<uint8_t>(DIFFERENCES | apart << 4));
                put_bytes(plain_, &column_[0], column.width);
                put_residuals(residuals_, differences_.data(), count - 1, apart);
            }
        }
    }
    put_varint(out, modes_.size());
    put_varint(out, plain_.size());
    for (const auto* part : {&modes_, &plain_, &residuals_})
        put_bytes(out, part->data(), part->size());
}

uint64_t lay_out_records(Segment& segment) {
    uint64_t size = 0;
    std::vector<uint32_t> next;
    for (auto& used : segment.templates) {
        used.values_offset = static_cast<uint32_t>(size);
        next.push_back(used.values_offset);
        size += uint64_t{used.count} * used.block->values_size;
        if (size > limits::MAX_VALUES) throw TraceError("its values are too large");
    }
    segment.value_offsets.resize(segment.headers.size());
    for (size_t i = 0; i < segment.headers.size(); i++) {
        uint16_t local = segment.template_index[i];
        segment.value_offsets[i] = next[local];
        next[local] += segment.templates[local].block->values_size;
    }
    return size;
}

void decode_columns(std::span<const uint8_t> bytes, Segment& segment) {
    ByteReader in(bytes);
    uint32_t mode_count = in.count(in.left());
    uint32_t plain_size = in.count(in.left());
    ByteReader modes(std::span(in.take(mode_count), mode_count));
    ByteReader plain(std::span(in.take(plain_size), plain_size));
    for (const auto& used : segment.templates) {
        uint8_t* first = segment.values.data() + used.values_offset;
        const size_t stride = used.block->values_size;
        const size_t count = used.count;
        if (count == 1) {
            std::memcpy(first, plain.take(stride), stride);
            continue;
        }
        for (const Column& column : used.block->columns) {
            uint8_t* to = first + column.offset;
            if (!is_number(column)) {
                const uint8_t* from = plain.take(count * column.width);
                for (size_t r = 0; r < count; r++)
                    std::memcpy(to + r * stride, from + r * column.width, column.width);
                continue;
            }
            switch (column.width) {
                case 1:
                    decode_numbers<uint8_t>(modes, plain, in, to, stride, count);
                    break;
                case 2:
                    decode_numbers<uint16_t>(modes, plain, in, to, stride, count);
                    break;
                case 4:
                    decode_numbers<uint32_t>(modes, plain, in, to, stride, count);
                    break;
                default:
                    decode_numbers<uint64_t>(modes, plain, in, to, stride, count);
            }
        }
    }
    if (!modes.done() || !plain.done() || !in.done())
        throw TraceError("there are bytes after its values");
}

}  // namespace reven
