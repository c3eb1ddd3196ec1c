// SPDX-License-Identifier: Apache-2.0
// Use after free in C++: an iterator outlives the growth of its vector.
#include <cstdio>
#include <vector>

int main() {
    std::vector<int> values{1, 2, 3};
    auto first = values.begin();
    for (int i = 0; i < 100; i++) values.push_back(i);
    std::printf("%d\n", *first);  // BUG
    return 0;
}
