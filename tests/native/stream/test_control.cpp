// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "random_bytes.h"
#include "stream/control.h"
#include "stream_parts.h"

using namespace reven;

TEST_CASE("control records are in order, and begin with a key frame") {
    std::vector<uint8_t> control;
    CHECK(check_control(control, 5, 10) != "");
    testing::put_key_frame(control, 5);
    testing::put_record(control, REVEN_SNAPSHOT_END, 5, {});
    testing::put_key_frame(control, 15);
    CHECK(check_control(control, 5, 10) == "");
    CHECK(check_control(control, 4, 11) != "");
    CHECK(check_control(control, 5, 9) != "");
    testing::put_record(control, REVEN_SNAPSHOT_END, 14, {});
    CHECK(check_control(control, 5, 10) != "");
}

TEST_CASE("a record of a wrong size or an unknown type is refused") {
    for (auto [type, size] : {std::pair<uint32_t, size_t>{REVEN_SNAPSHOT_END, 8},
                              {REVEN_MAP, sizeof(reven_map) - 1},
                              {REVEN_END, sizeof(reven_end) + 1},
                              {REVEN_SYSCALL_ENTER, 48},
                              {0, 0},
                              {99, 0}}) {
        std::vector<uint8_t> control;
        testing::put_key_frame(control, 0);
        testing::put_record(control, type, 0, std::vector<uint8_t>(size));
        CHECK(check_control(control, 0, 0) != "");
    }
}

TEST_CASE("control records that are cut off anywhere are refused") {
    std::vector<uint8_t> control;
    testing::put_key_frame(control, 0);
    testing::put_key_frame(control, 0);
    const size_t first = control.size() / 2;
    for (size_t size = 0; size < control.size(); ++size)
        CHECK((check_control({control.data(), size}, 0, 0) == "") == (size == first));
}

TEST_CASE("key frames are stored as differences, and come back") {
    testing::Random random(5);
    std::vector<uint8_t> control;
    for (int i = 0; i < 5; ++i) {
        testing::put_record(control, REVEN_KEY_FRAME, 0, random.bytes(REVEN_REGISTER_FILE_SIZE));
        testing::put_record(control, REVEN_REGISTERS, 0, random.bytes(REVEN_REGISTER_FILE_SIZE));
    }
    const auto before = control;
    subtract_key_frames(control);
    CHECK(control != before);
    add_key_frames(control);
    CHECK(control == before);
}
