// Work that is divided over the cores.

#ifndef FLOWBOOK_IN_PARTS_H_
#define FLOWBOOK_IN_PARTS_H_

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

namespace flowbook {

// Calls run(from, to) for parts of 0 ... count, each on a thread of its own, none shorter than `least`.
template <typename Run>
void InParts(int64_t count, int64_t least, Run run) {
  const int64_t cores = std::max(1u, std::thread::hardware_concurrency());
  const int64_t parts = std::max<int64_t>(1, std::min(cores, count / least));
  std::vector<std::thread> others;
  for (int64_t part = 1; part < parts; part++) {
    others.emplace_back(run, count * part / parts, count * (part + 1) / parts);
  }
  run(0, count / parts);
  for (std::thread &other : others) other.join();
}

}  // namespace flowbook

#endif  // FLOWBOOK_IN_PARTS_H_
