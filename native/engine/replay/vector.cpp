// SPDX-License-Identifier: Apache-2.0
#include "replay/vector.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "event_stream.h"

namespace reven {

namespace {

template <typename T, uint32_t SIZE>
struct Lanes {
    static constexpr uint32_t COUNT = SIZE / sizeof(T);
    T of[COUNT];
    explicit Lanes(const uint64_t* from) { std::memcpy(of, from, SIZE); }
    void store(uint64_t* to) const { std::memcpy(to, of, SIZE); }
};

template <typename T, uint32_t SIZE, typename Function>
void each_lane(uint64_t* to, const uint64_t* a, const uint64_t* b, Function function) {
    Lanes<T, SIZE> x(a);
    const Lanes<T, SIZE> y(b);
    for (uint32_t i = 0; i < x.COUNT; ++i) x.of[i] = static_cast<T>(function(x.of[i], y.of[i]));
    x.store(to);
}

template <typename T, uint32_t SIZE, typename Function>
void each_lane_by(uint64_t* to, const uint64_t* a, uint64_t count, Function function) {
    Lanes<T, SIZE> x(a);
    for (T& lane : x.of) lane = static_cast<T>(function(lane, count));
    x.store(to);
}

template <typename T, uint32_t SIZE>
void interleave(uint64_t* to, const uint64_t* a, const uint64_t* b, uint32_t first) {
    const Lanes<T, SIZE> x(a), y(b);
    Lanes<T, SIZE> result(a);
    for (uint32_t i = 0; i < x.COUNT / 2; ++i) {
        result.of[2 * i] = y.of[first + i];
        result.of[2 * i + 1] = x.of[first + i];
    }
    result.store(to);
}

template <typename T, uint32_t SIZE>
VectorFunction on_lanes(uint16_t op) {
    using S = std::make_signed_t<T>;
    using Words = const uint64_t*;
    constexpr uint64_t BITS = 8 * sizeof(T);
    constexpr auto all_ones = static_cast<T>(~T{0});
    switch (op) {
        case REVEN_OP_LANES_ADD:
            return [](uint64_t* to, Words a, Words b) {
                each_lane<T, SIZE>(to, a, b, [](T x, T y) { return x + y; });
            };
        case REVEN_OP_LANES_SUB:
            return [](uint64_t* to, Words a, Words b) {
                each_lane<T, SIZE>(to, a, b, [](T x, T y) { return x - y; });
            };
        case REVEN_OP_LANES_MUL:
            return [](uint64_t* to, Words a, Words b) {
                each_lane<T, SIZE>(to, a, b, [](T x, T y) { return uint64_t{x} * y; });
            };
        case REVEN_OP_LANES_MUL_LOW_HALVES:
            return [](uint64_t* to, Words a, Words b) {
                each_lane<T, SIZE>(to, a, b, [](T x, T y) {
                    constexpr uint64_t half = (uint64_t{1} << BITS / 2) - 1;
                    return (x & half) * (y & half);
                });
            };
        case REVEN_OP_LANES_EQ:
            return [](uint64_t* to, Words a, Words b) {
                each_lane<T, SIZE>(to, a, b, [](T x, T y) { return x == y ? all_ones : T{0}; });
            };
        case REVEN_OP_LANES_GT_SIGNED:
            return [](uint64_t* to, Words a, Words b) {
                each_lane<T, SIZE>(to, a, b, [](T x, T y) {
                    return static_cast<S>(x) > static_cast<S>(y) ? all_ones : T{0};
                });
            };
        case REVEN_OP_LANES_MIN_SIGNED:
            return [](uint64_t* to, Words a, Words b) {
                each_lane<S, SIZE>(to, a, b, [](S x, S y) { return std::min(x, y); });
            };
        case REVEN_OP_LANES_MAX_SIGNED:
            return [](uint64_t* to, Words a, Words b) {
                each_lane<S, SIZE>(to, a, b, [](S x, S y) { return std::max(x, y); });
            };
        case REVEN_OP_LANES_MIN_UNSIGNED:
            return [](uint64_t* to, Words a, Words b) {
                each_lane<T, SIZE>(to, a, b, [](T x, T y) { return std::min(x, y); });
            };
        case REVEN_OP_LANES_MAX_UNSIGNED:
            return [](uint64_t* to, Words a, Words b) {
                each_lane<T, SIZE>(to, a, b, [](T x, T y) { return std::max(x, y); });
            };
        case REVEN_OP_LANES_SHL:
            return [](uint64_t* to, Words a, Words b) {
                each_lane_by<T, SIZE>(
                    to, a, *b, [](T x, uint64_t n) { return n < BITS ? uint64_t{x} << n : 0; });
            };
        case REVEN_OP_LANES_SHR:
            return [](uint64_t* to, Words a, Words b) {
                each_lane_by<T, SIZE>(to, a, *b,
                                      [](T x, uint64_t n) { return n < BITS ? x >> n : 0; });
            };
        case REVEN_OP_LANES_SAR:
            return [](uint64_t* to, Words a, Words b) {
                each_lane_by<T, SIZE>(to, a, *b, [](T x, uint64_t n) {
                    return static_cast<S>(x) >> std::min(n, BITS - 1);
                });
            };
        case REVEN_OP_INTERLEAVE_LOW:
            return [](uint64_t* to, Words a, Words b) { interleave<T, SIZE>(to, a, b, 0); };
        case REVEN_OP_INTERLEAVE_HIGH:
            return [](uint64_t* to, Words a, Words b) {
                interleave<T, SIZE>(to, a, b, Lanes<T, SIZE>::COUNT / 2);
            };
        default:
            return nullptr;
    }
}

template <uint32_t SIZE>
VectorFunction on_bytes(uint16_t op) {
    using Words = const uint64_t*;
    switch (op) {
        case REVEN_OP_AND:
            return [](uint64_t* to, Words a, Words b) {
                each_lane<uint64_t, SIZE>(to, a, b, [](uint64_t x, uint64_t y) { return x & y; });
            };
        case REVEN_OP_OR:
            return [](uint64_t* to, Words a, Words b) {
                each_lane<uint64_t, SIZE>(to, a, b, [](uint64_t x, uint64_t y) { return x | y; });
            };
        case REVEN_OP_XOR:
            return [](uint64_t* to, Words a, Words b) {
                each_lane<uint64_t, SIZE>(to, a, b, [](uint64_t x, uint64_t y) { return x ^ y; });
            };
        case REVEN_OP_NOT:
            return [](uint64_t* to, Words a, Words) {
                each_lane_by<uint64_t, SIZE>(to, a, 0, [](uint64_t x, uint64_t) { return ~x; });
            };
        case REVEN_OP_SIGN_MASK:
            return [](uint64_t* to, Words a, Words) {
                const Lanes<uint8_t, SIZE> x(a);
                uint64_t mask = 0;
                for (uint32_t i = 0; i < SIZE; ++i) mask |= uint64_t{x.of[i]} >> 7 << i;
                *to = mask;
            };
        case REVEN_OP_PERMUTE:
            return [](uint64_t* to, Words a, Words b) {
                const Lanes<uint8_t, SIZE> x(a), y(b);
                Lanes<uint8_t, SIZE> result(a);
                for (uint32_t i = 0; i < SIZE; ++i)
                    result.of[i] = y.of[i] > 127 ? 0 : x.of[y.of[i] % SIZE];
                result.store(to);
            };
        default:
            return nullptr;
    }
}

template <uint32_t SIZE>
VectorFunction of_size(uint16_t op, uint64_t element) {
    if (VectorFunction function = on_bytes<SIZE>(op)) return function;
    switch (element) {
        case 1:
            return on_lanes<uint8_t, SIZE>(op);
        case 2:
            return on_lanes<uint16_t, SIZE>(op);
        case 4:
            return on_lanes<uint32_t, SIZE>(op);
        case 8:
            return on_lanes<uint64_t, SIZE>(op);
        default:
            return nullptr;
    }
}

}  // namespace

VectorFunction vector_function(uint16_t op, uint32_t size, uint64_t element) {
    if (size == 16) return of_size<16>(op, element);
    if (size == 32) return of_size<32>(op, element);
    return nullptr;
}

}  // namespace reven
