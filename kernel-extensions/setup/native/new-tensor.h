// A tensor in TensorFlow's own memory, to be filled here and handed over to tfjs-node.

#ifndef FLOWBOOK_NEW_TENSOR_H_
#define FLOWBOOK_NEW_TENSOR_H_

#include <node_api.h>

#include <cstdint>
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
  NewTensor(TF_DataType type, const std::vector<int64_t> &shape) {
    size_t bytes = TF_DataTypeSize(type);
    for (const int64_t length : shape) bytes *= length;
    tensor_ = TF_AllocateTensor(type, shape.data(), shape.size(), bytes);
  }
  ~NewTensor() { TF_DeleteTensor(tensor_); }
  NewTensor(const NewTensor &) = delete;
  NewTensor &operator=(const NewTensor &) = delete;

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
  TF_Tensor *tensor_;
};

}  // namespace flowbook

#endif  // FLOWBOOK_NEW_TENSOR_H_
