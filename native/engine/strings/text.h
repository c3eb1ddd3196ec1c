// SPDX-License-Identifier: Apache-2.0
// What counts as text, and where the text around a byte begins and ends.
#pragma once

#include <cstdint>
#include <optional>

namespace reven {

inline constexpr uint32_t SHORTEST_STRING = 5;   // characters
inline constexpr uint32_t LONGEST_STRING = 128;  // characters
// Longer text is cut at multiples of this address.
inline constexpr uint64_t TEXT_BLOCK = 128;

enum class TextEncoding : uint8_t { Utf8 = 0, Utf16 = 1 };

// Bytes that text can consist of: printable ASCII, tab, and all above.
constexpr bool is_text_byte(uint8_t byte) { return (byte >= 0x20 && byte != 0x7f) || byte == '\t'; }

// Of Latin-1: the low byte of a UTF-16 code unit.
constexpr bool is_text_unit(uint8_t low) {
    return (low >= 0x20 && low < 0x7f) || low >= 0xa0 || low == '\t';
}

// Characters beyond ASCII that show something.
constexpr bool is_printable(uint32_t point) {
    if (point < 0xa0 || point == 0x2028 || point == 0x2029) return false;
    return point < 0xd800 || (point >= 0xf900 && point < 0xfff0) ||
           (point >= 0x10000 && point < 0x40000);
}

struct TextRun {
    uint64_t address;
    uint32_t size;        // bytes
    uint32_t characters;  // fewer than SHORTEST_STRING: no string
    TextEncoding encoding;
};

// Finds text in memory that `byte(address)` reads.
template <typename Byte>
class TextFinder {
   public:
    explicit TextFinder(Byte byte) : byte_(byte) {}

    // The string, or what is too short for one, that a byte stands in. None if it is no text.
    std::optional<TextRun> at(uint64_t address) {
        const std::optional<TextRun> utf8 = utf8_at(address);
        if (utf8 && utf8->characters >= SHORTEST_STRING) return utf8;
        const std::optional<TextRun> utf16 = utf16_at(address);
        if (utf16 && utf16->characters >= SHORTEST_STRING) return utf16;
        return utf8;
    }

   private:
    // Bytes of the printable character that starts at an address, 0 if none does.
    uint32_t character(uint64_t address) {
        const uint8_t lead = byte_(address);
        if (lead < 0x80) return is_text_byte(lead) ? 1 : 0;
        const uint32_t size = lead < 0xc2   ? 0
                              : lead < 0xe0 ? 2
                              : lead < 0xf0 ? 3
                              : lead < 0xf5 ? 4
                                            : 0;
        if (size == 0) return 0;
        uint32_t point = lead & (0x7f >> size);
        for (uint32_t i = 1; i < size; ++i) {
            const uint8_t next = byte_(address + i);
            if ((next & 0xc0) != 0x80) return 0;
            point = point << 6 | (next & 0x3f);
        }
        const bool is_shortest = point >= (size == 2 ? 0x80u : size == 3 ? 0x800u : 0x10000u);
        return is_shortest && is_printable(point) ? size : 0;
    }
    // Bytes of the printable character that ends before an address, 0 if none does.
    uint32_t character_before(uint64_t address) {
        uint32_t size = 1;
        while (size < 4 && (byte_(address - size) & 0xc0) == 0x80) ++size;
        return character(address - size) == size ? size : 0;
    }

    std::optional<TextRun> utf8_at(uint64_t address) {
        uint64_t start = address;
        while (address - start < 3 && (byte_(start) & 0xc0) == 0x80) --start;
        const uint32_t own = character(start);
        if (start + own <= address) return std::nullopt;
        return run(
            start, own, TextEncoding::Utf8, [this](uint64_t at) { return character(at); },
            [this](uint64_t at) { return character_before(at); });
    }

    // A unit after other text belongs to that.
    uint32_t unit(uint64_t address) {
        const bool is_one = is_text_unit(byte_(address)) && byte_(address + 1) == 0 &&
                            !is_text_byte(byte_(address - 1));
        return is_one ? 2 : 0;
    }
    std::optional<TextRun> utf16_at(uint64_t address) {
        if (unit(address) == 0) return std::nullopt;
        return run(
            address, 2, TextEncoding::Utf16, [this](uint64_t at) { return unit(at); },
            [this](uint64_t at) { return unit(at - 2); });
    }

    // Grows from one character to all that follow each other, or, when these are too
    // many for a string, to those that start in the same block of addresses.
    template <typename Next, typename Before>
    TextRun run(uint64_t start, uint32_t size, TextEncoding encoding, Next next, Before before) {
        const uint64_t block = start & ~(TEXT_BLOCK - 1);
        for (const bool is_cut : {false, true}) {
            uint64_t low = start, high = start + size;
            uint32_t count = 1;
            const auto is_inside = [&](uint64_t at) { return !is_cut || at - block < TEXT_BLOCK; };
            for (uint32_t more;
                 count <= LONGEST_STRING && (more = before(low)) != 0 && is_inside(low - more);
                 ++count)
                low -= more;
            for (uint32_t more;
                 count <= LONGEST_STRING && is_inside(high) && (more = next(high)) != 0; ++count)
                high += more;
            if (count <= LONGEST_STRING)
                return {low, static_cast<uint32_t>(high - low), count, encoding};
        }
        return {start, size, 1, encoding};
    }

    Byte byte_;
};

}  // namespace reven
