// A tensor made of JavaScript's numbers has memory of its own.
//
// tfjs-node hands JavaScript's memory to TensorFlow where it begins at a multiple of 64 bytes (elsewhere TensorFlow copies it)
// and lets go of it when the tensor's last user does. That may be one of TensorFlow's threads, and V8 may be touched by its own
// thread alone: now and then its handles were corrupted, and the process crashed where it used them next. And what a program
// wrote into its array later changed such a tensor, one of four.
//
// Every source is compiled with this file before it: tfjs-node's call goes through here.

#ifndef FLOWBOOK_OWN_MEMORY_H_
#define FLOWBOOK_OWN_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tensorflow/c/tf_tensor.h"

namespace flowbook {

// As TF_NewTensor, but lets go of `data` before it returns.
inline TF_Tensor *NewTensorOfItsOwn(TF_DataType type, const int64_t *shape, int rank, void *data,
                                    size_t bytes, void (*let_go)(void *, size_t, void *),
                                    void *argument) {
  TF_Tensor *tensor = TF_AllocateTensor(type, shape, rank, bytes);
  if (bytes > 0) std::memcpy(TF_TensorData(tensor), data, bytes);
  let_go(data, bytes, argument);
  return tensor;
}

}  // namespace flowbook

#define TF_NewTensor flowbook::NewTensorOfItsOwn

#endif  // FLOWBOOK_OWN_MEMORY_H_
