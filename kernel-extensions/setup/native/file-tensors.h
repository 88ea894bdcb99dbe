// Tensors read from files straight into TensorFlow's memory.

#ifndef FLOWBOOK_FILE_TENSORS_H_
#define FLOWBOOK_FILE_TENSORS_H_

#include <node_api.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>

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

// readTensor(descriptor: number, position: number, shape: number[], dtype: number): {id, shape, dtype}, or null when the
// file ends before the tensor does.
inline napi_value ReadTensor(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value arguments[4];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  const int descriptor = ReadInteger(env, arguments[0]);
  const int64_t position = ReadInteger(env, arguments[1]);
  NewTensor tensor(static_cast<TF_DataType>(ReadInteger(env, arguments[3])),
                   ReadList(env, arguments[2], ReadInteger));
  char *data = static_cast<char *>(tensor.data());
  const int64_t bytes = tensor.bytes();
  // New memory costs as much as the copy: the kernel clears each page, on the thread that touches it first.
  std::atomic<int> failure{0};
  InParts(bytes, kBytesPerThread, [&](int64_t from, int64_t to) {
    const int result = ReadBytes(descriptor, position, data, from, to);
    if (result != 0) failure = result;
  });
  if (failure > 0) {
    napi_throw_error(env, nullptr, std::strerror(failure));
    return nullptr;
  }
  if (failure == 0) return tensor.Register(env);
  napi_value null;
  napi_get_null(env, &null);
  return null;
}

}  // namespace flowbook

#endif  // FLOWBOOK_FILE_TENSORS_H_
