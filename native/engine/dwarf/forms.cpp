// SPDX-License-Identifier: Apache-2.0
#include "dwarf/forms.h"

#include <algorithm>

namespace reven {

void read_unit_header(DwarfReader& reader, uint64_t section_size, DwarfUnit& unit) {
    unit = DwarfUnit{};
    unit.offset = reader.position();
    uint64_t length = reader.read<uint32_t>();
    if (length == 0xffffffff) {
        unit.is_64_bit = true;
        length = reader.read<uint64_t>();
    }
    if (length > section_size - reader.position())
        throw DamagedDebugInfo("a unit ends behind its section");
    unit.end = reader.position() + length;
    unit.version = reader.read<uint16_t>();
    if (unit.version < 2 || unit.version > 5) throw DamagedDebugInfo("an unknown version");
    if (unit.version >= 5) {
        enum { TYPE = 2, SKELETON = 4, SPLIT_COMPILE = 5, SPLIT_TYPE = 6 };
        const auto type = reader.read<uint8_t>();
        unit.address_size = reader.read<uint8_t>();
        unit.abbreviations = reader.offset(unit.is_64_bit);
        if (type == TYPE || type == SPLIT_TYPE) reader.skip(unit.is_64_bit ? 16 : 12);
        if (type == SKELETON || type == SPLIT_COMPILE) reader.skip(8);
    } else {
        unit.abbreviations = reader.offset(unit.is_64_bit);
        unit.address_size = reader.read<uint8_t>();
    }
    unit.first_entry = reader.position();
}

DwarfAbbreviations::DwarfAbbreviations(std::span<const uint8_t> section, uint64_t offset) {
    DwarfReader reader(section, offset);
    while (const uint64_t code = reader.uleb()) {
        DwarfAbbreviation one;
        one.tag = static_cast<uint32_t>(reader.uleb());
        one.has_children = reader.read<uint8_t>() != 0;
        while (true) {
            const uint64_t name = reader.uleb();
            const uint64_t form = reader.uleb();
            uint64_t implicit = 0;
            if (form == 0x21) {  // implicit_const: the value stands here
                unsigned shift = 0;
                uint8_t byte;
                do {
                    byte = reader.read<uint8_t>();
                    if (shift < 64) implicit |= static_cast<uint64_t>(byte & 0x7f) << shift;
                    shift += 7;
                } while (byte & 0x80);
                if (shift < 64 && (byte & 0x40)) implicit |= ~uint64_t{0} << shift;
            }
            if (name == 0 && form == 0) break;
            one.attributes.push_back({static_cast<uint16_t>(name), static_cast<uint16_t>(form),
                                      static_cast<int64_t>(implicit)});
        }
        if (code == dense_.size() + 1) {
            dense_.push_back(std::move(one));
        } else {
            others_.emplace_back(code, std::move(one));
        }
    }
    std::stable_sort(others_.begin(), others_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
}

uint64_t DwarfAbbreviations::size(std::span<const uint8_t> section, uint64_t offset) {
    DwarfReader reader(section, offset);
    while (reader.uleb()) {
        reader.uleb();
        reader.read<uint8_t>();
        for (uint64_t name = 1, form = 1; name != 0 || form != 0;) {
            name = reader.uleb();
            form = reader.uleb();
            if (form == 0x21) reader.uleb();
        }
    }
    return reader.position() - offset;
}

const DwarfAbbreviation& DwarfAbbreviations::find(uint64_t code) const {
    if (code - 1 < dense_.size()) return dense_[code - 1];
    const auto found =
        std::lower_bound(others_.begin(), others_.end(), code,
                         [](const auto& one, uint64_t wanted) { return one.first < wanted; });
    if (found == others_.end() || found->first != code)
        throw DamagedDebugInfo("an abbreviation is missing");
    return found->second;
}

DwarfValue read_value(DwarfReader& reader, const DwarfUnit& unit, const DwarfAttribute& attribute) {
    DwarfValue value;
    value.form = attribute.form;
    const auto number = [&value](uint64_t found) {
        value.kind = ValueKind::Number;
        value.number = found;
        return value;
    };
    const auto reference = [&](uint64_t from_unit) {
        value.kind = ValueKind::Reference;
        value.number = unit.offset + from_unit;
        return value;
    };
    const auto other = [&value](ValueKind kind, uint64_t found) {
        value.kind = kind;
        value.number = found;
        return value;
    };
    const auto block = [&](uint64_t size) {
        reader.skip(size);
        return value;
    };
    const auto three_bytes = [&reader] {
        const uint64_t low = reader.read<uint16_t>();
        return low | static_cast<uint64_t>(reader.read<uint8_t>()) << 16;
    };
    switch (attribute.form) {
        case 0x01:  // addr
            return other(ValueKind::Address, unit.address_size == 4 ? reader.read<uint32_t>()
                                                                    : reader.read<uint64_t>());
        case 0x03:  // block2
            return block(reader.read<uint16_t>());
        case 0x04:  // block4
            return block(reader.read<uint32_t>());
        case 0x05:  // data2
            return number(reader.read<uint16_t>());
        case 0x06:  // data4
        case 0x1c:  // ref_sup4
            return number(reader.read<uint32_t>());
        case 0x07:  // data8
            return number(reader.read<uint64_t>());
        case 0x08:  // string
            value.kind = ValueKind::String;
            value.text = reader.string();
            return value;
        case 0x09:  // block
        case 0x18:  // exprloc
            return block(reader.uleb());
        case 0x0a:  // block1
            return block(reader.read<uint8_t>());
        case 0x0b:  // data1
        case 0x0c:  // flag
            return number(reader.read<uint8_t>());
        case 0x0d:  // sdata, as long as an unsigned one; its value is not needed here
        case 0x0f:  // udata
            return number(reader.uleb());
        case FORM_STRP:
        case FORM_LINE_STRP:
            return other(ValueKind::OtherString, reader.offset(unit.is_64_bit));
        case 0x10:  // ref_addr
            return other(ValueKind::Reference, unit.version == 2 ? reader.read<uint64_t>()
                                                                 : reader.offset(unit.is_64_bit));
        case 0x11:  // ref1
            return reference(reader.read<uint8_t>());
        case 0x12:  // ref2
            return reference(reader.read<uint16_t>());
        case 0x13:  // ref4
            return reference(reader.read<uint32_t>());
        case 0x14:  // ref8
            return reference(reader.read<uint64_t>());
        case 0x15:  // ref_udata
            return reference(reader.uleb());
        case 0x16: {  // indirect
            const auto form = static_cast<uint16_t>(reader.uleb());
            if (form == 0x16 || form == 0x21) throw DamagedDebugInfo("an indirect form of a form");
            return read_value(reader, unit, {attribute.name, form, 0});
        }
        case 0x17:  // sec_offset
            return number(reader.offset(unit.is_64_bit));
        case 0x19:  // flag_present
            return number(1);
        case FORM_STRX:
        case 0x1f02:  // GNU_str_index
            return other(ValueKind::OtherString, reader.uleb());
        case 0x1b:    // addrx
        case 0x1f01:  // GNU_addr_index
            return other(ValueKind::AddressIndex, reader.uleb());
        case FORM_STRP_SUP:
        case FORM_STRP_ALT:
            return other(ValueKind::OtherString, reader.offset(unit.is_64_bit));
        case 0x1f20:  // GNU_ref_alt
            reader.offset(unit.is_64_bit);
            return value;
        case 0x1e:  // data16
            return block(16);
        case 0x20:  // ref_sig8
        case 0x24:  // ref_sup8
            return block(8);
        case 0x21:  // implicit_const
            return number(static_cast<uint64_t>(attribute.implicit));
        case 0x22:  // loclistx
        case FORM_RNGLISTX:
            return number(reader.uleb());
        case FORM_STRX1:
            return other(ValueKind::OtherString, reader.read<uint8_t>());
        case 0x26:  // strx2
            return other(ValueKind::OtherString, reader.read<uint16_t>());
        case 0x27:  // strx3
            return other(ValueKind::OtherString, three_bytes());
        case 0x28:  // strx4
            return other(ValueKind::OtherString, reader.read<uint32_t>());
        case 0x29:  // addrx1
            return other(ValueKind::AddressIndex, reader.read<uint8_t>());
        case 0x2a:  // addrx2
            return other(ValueKind::AddressIndex, reader.read<uint16_t>());
        case 0x2b:  // addrx3
            return other(ValueKind::AddressIndex, three_bytes());
        case 0x2c:  // addrx4
            return other(ValueKind::AddressIndex, reader.read<uint32_t>());
        default:
            throw DamagedDebugInfo("an unknown form");
    }
}

}  // namespace reven
