// SPDX-License-Identifier: Apache-2.0
// Attribute values of DWARF: how each form is encoded.
// Source: DWARF 5, §7.5.5 and §7.5.6; GNU extensions from <dwarf.h> of binutils.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace reven {

struct DamagedDebugInfo : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A position in a section. Throws DamagedDebugInfo rather than read beyond its end.
class DwarfReader {
   public:
    DwarfReader(std::span<const uint8_t> section, uint64_t position)
        : section_(section), position_(position) {
        if (position > section.size()) fail();
    }

    uint64_t position() const { return position_; }
    void skip(uint64_t size) {
        if (size > section_.size() - position_) fail();
        position_ += size;
    }
    template <typename T>
    T read() {
        const uint64_t at = position_;
        skip(sizeof(T));
        return read_as<T>(section_.data() + at);
    }
    uint64_t offset(bool is_64_bit) { return is_64_bit ? read<uint64_t>() : read<uint32_t>(); }
    uint64_t uleb() {
        uint64_t value = 0;
        for (unsigned shift = 0;; shift += 7) {
            const auto byte = read<uint8_t>();
            if (shift < 64) value |= static_cast<uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return value;
        }
    }
    std::string_view string() {
        const auto* first = reinterpret_cast<const char*>(section_.data()) + position_;
        const auto* end = static_cast<const char*>(memchr(first, 0, section_.size() - position_));
        if (end == nullptr) fail();
        skip(static_cast<uint64_t>(end - first) + 1);
        return {first, static_cast<size_t>(end - first)};
    }

   private:
    [[noreturn]] static void fail() { throw DamagedDebugInfo("its data end too early"); }

    std::span<const uint8_t> section_;
    uint64_t position_;
};

struct DwarfAttribute {
    uint16_t name;
    uint16_t form;
    int64_t implicit;
};

struct DwarfAbbreviation {
    uint32_t tag = 0;
    bool has_children = false;
    std::vector<DwarfAttribute> attributes;
};

// What a unit's header says.
struct DwarfUnit {
    uint64_t offset = 0;  // of its header
    uint64_t end = 0;
    uint64_t first_entry = 0;
    uint64_t abbreviations = 0;  // offset in .debug_abbrev
    uint16_t version = 0;
    uint8_t address_size = 0;
    bool is_64_bit = false;
};

// Reads the header at the reader's position. Throws DamagedDebugInfo, also for versions that
// are not known; `unit.end` is then set if the length could be read.
void read_unit_header(DwarfReader& reader, uint64_t section_size, DwarfUnit& unit);

// The abbreviations of a unit, by code. `number` n is at index n-1 where codes are dense.
class DwarfAbbreviations {
   public:
    DwarfAbbreviations(std::span<const uint8_t> section, uint64_t offset);
    const DwarfAbbreviation& find(uint64_t code) const;
    // Bytes that the abbreviations from an offset on take, without keeping them.
    static uint64_t size(std::span<const uint8_t> section, uint64_t offset);

   private:
    std::vector<DwarfAbbreviation> dense_;
    std::vector<std::pair<uint64_t, DwarfAbbreviation>> others_;
};

enum class ValueKind { None, Number, Address, AddressIndex, Reference, String, OtherString };

struct DwarfValue {
    ValueKind kind = ValueKind::None;
    uint64_t number = 0;  // Reference: from the start of .debug_info
    uint16_t form = 0;
    std::string_view text;
};

// Reads one value, or steps over it. Strings that stand in another section are given as
// OtherString, with their form and offset or index.
DwarfValue read_value(DwarfReader& reader, const DwarfUnit& unit, const DwarfAttribute& attribute);

// Forms of OtherString and of range lists.
enum : uint16_t {
    FORM_STRP = 0x0e,
    FORM_STRX = 0x1a,
    FORM_STRP_SUP = 0x1d,
    FORM_LINE_STRP = 0x1f,
    FORM_RNGLISTX = 0x23,
    FORM_STRX1 = 0x25,
    FORM_STRP_ALT = 0x1f21,
};

}  // namespace reven
