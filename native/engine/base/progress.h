// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

namespace reven {

// Asked now and then during long work: (done, total). Throws to stop.
using Progress = std::function<void(uint64_t, uint64_t)>;

}  // namespace reven
