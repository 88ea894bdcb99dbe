// Tensors read from files straight into TensorFlow's memory.

#ifndef FLOWBOOK_FILE_TENSORS_H_
#define FLOWBOOK_FILE_TENSORS_H_

#include <node_api.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "in-parts.h"
#include "javascript-values.h"
#include "new-tensor.h"

namespace flowbook {

// A thread is started for at least so many bytes.
constexpr int64_t kBytesPerThread = 1 << 20;

// Reads bytes `from` to before `to` of what starts at `position`. Returns 0, an error's number, or -1 at the file's end.
inline int ReadBytes(int descriptor, int64_t position, char *data, int64_t from, int64_t to) {
  while (from < to) {
    const ssize_t count = pread(descriptor, data + from, to - from, position + from);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count == 0 ? -1 : errno;
    from += count;
  }
  return 0;
}

// Asks for large pages, of which the kernel clears and maps a hundredth as many: only a hint, for memory without pages yet.
inline void HintLargePages(void *data, int64_t bytes) {
#ifdef MADV_HUGEPAGE
  constexpr uintptr_t kLargePage = 2 << 20;
  const uintptr_t start = reinterpret_cast<uintptr_t>(data) / kLargePage * kLargePage;
  const uintptr_t end = reinterpret_cast<uintptr_t>(data) + bytes + kLargePage - 1;
  madvise(reinterpret_cast<void *>(start), end / kLargePage * kLargePage - start, MADV_HUGEPAGE);
#endif
}

// readTensors(descriptor: number, positions: number[], shapes: number[][], dtypes: number[]): {id, shape, dtype}[], or null
// when the file ends before a tensor does.
inline napi_value ReadTensors(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value arguments[4];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  const int descriptor = ReadInteger(env, arguments[0]);
  const std::vector<int64_t> positions = ReadList(env, arguments[1], ReadInteger);
  const auto shapes = ReadList(env, arguments[2], [](napi_env env, napi_value shape) {
    return ReadList(env, shape, ReadInteger);
  });
  const std::vector<int64_t> types = ReadList(env, arguments[3], ReadInteger);
  // All memory is there before any is filled, so that large pages fit.
  std::vector<std::unique_ptr<NewTensor>> tensors;
  std::vector<int64_t> starts{0};
  for (size_t at = 0; at < positions.size(); at++) {
    tensors.emplace_back(new NewTensor(env, static_cast<TF_DataType>(types[at]), shapes[at]));
    if (!tensors.back()->is_there()) return nullptr;
    starts.push_back(starts.back() + tensors.back()->bytes());
  }
  for (const auto &tensor : tensors) HintLargePages(tensor->data(), tensor->bytes());
  std::atomic<int> failure{0};
  InParts(starts.back(), kBytesPerThread, [&](int64_t from, int64_t to) {
    size_t at = std::upper_bound(starts.begin(), starts.end(), from) - starts.begin() - 1;
    for (; at < tensors.size() && starts[at] < to; at++) {
      const int result = ReadBytes(descriptor, positions[at], static_cast<char *>(tensors[at]->data()),
                                   std::max(from, starts[at]) - starts[at],
                                   std::min(to, starts[at + 1]) - starts[at]);
      if (result != 0) failure = result;
    }
  });
  napi_value results;
  if (failure > 0) {
    napi_throw_error(env, nullptr, std::strerror(failure));
    return nullptr;
  }
  if (failure < 0) {
    napi_get_null(env, &results);
    return results;
  }
  napi_create_array_with_length(env, tensors.size(), &results);
  for (size_t at = 0; at < tensors.size(); at++) {
    napi_set_element(env, results, at, tensors[at]->Register(env));
  }
  return results;
}

}  // namespace flowbook

#endif  // FLOWBOOK_FILE_TENSORS_H_
