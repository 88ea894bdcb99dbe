// A tensor in TensorFlow's own memory, to be filled here and handed over to tfjs-node.

#ifndef FLOWBOOK_NEW_TENSOR_H_
#define FLOWBOOK_NEW_TENSOR_H_

#include <node_api.h>

#include <cstdint>
#include <string>
#include <vector>

#include "binding/tf_auto_status.h"
#include "binding/tfjs_backend.h"
#include "javascript-values.h"
#include "tensorflow/c/eager/c_api.h"
#include "tensorflow/c/tf_tensor.h"

namespace tfnodejs {
TFJSBackend *GetTFJSBackend(napi_env env);
}

namespace flowbook {

class NewTensor {
 public:
  // Throws a JavaScript error where there is no such shape, or no memory for it: TensorFlow would end the process.
  NewTensor(napi_env env, TF_DataType type, const std::vector<int64_t> &shape) {
    int64_t bytes = TF_DataTypeSize(type);
    bool is_shape = true;
    std::string lengths;
    for (const int64_t length : shape) {
      is_shape &= length >= 0 && !__builtin_mul_overflow(bytes, length, &bytes);
      lengths += (lengths.empty() ? "" : ", ") + std::to_string(length);
    }
    if (is_shape) tensor_ = TF_AllocateTensor(type, shape.data(), shape.size(), bytes);
    if (is_there()) return;
    const std::string message =
        "Cannot make a tensor as memory must hold its shape: current value is [" + lengths + "]";
    napi_throw_error(env, nullptr, message.c_str());
  }
  ~NewTensor() { TF_DeleteTensor(tensor_); }
  NewTensor(const NewTensor &) = delete;
  NewTensor &operator=(const NewTensor &) = delete;

  bool is_there() const {
    if (tensor_ == nullptr) return false;
    return TF_TensorData(tensor_) != nullptr || TF_TensorByteSize(tensor_) == 0;
  }
  float *floats() { return static_cast<float *>(data()); }
  void *data() { return TF_TensorData(tensor_); }
  size_t bytes() { return TF_TensorByteSize(tensor_); }

  // Gives it an id. Returns {id, shape, dtype}.
  napi_value Register(napi_env env) {
    tfnodejs::TF_AutoStatus status;
    TFE_TensorHandle *handle = TFE_NewTensorHandle(tensor_, status.status);
    if (Throw(env, status.status)) return nullptr;
    return tfnodejs::GetTFJSBackend(env)->GenerateOutputTensorInfo(env, handle);
  }

 private:
  TF_Tensor *tensor_ = nullptr;
};

}  // namespace flowbook

#endif  // FLOWBOOK_NEW_TENSOR_H_
