// One step of a sampler: a mean linear in two tensors, a draw around it, and the log-probability of each row, in one pass
// over memory. The rule of the SDK's gaussian-step.ts.

#ifndef FLOWBOOK_GAUSSIAN_STEP_H_
#define FLOWBOOK_GAUSSIAN_STEP_H_

#include <node_api.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "in-parts.h"
#include "javascript-values.h"
#include "new-tensor.h"

namespace flowbook {

// Squared errors are added up block by block and then over the blocks, so that a row's sum depends on the row alone.
constexpr int64_t kBlock = 4096;
// Sums that run side by side within a block.
constexpr int kSums = 32;
// A thread is started for at least so many blocks: starting one takes about as long.
constexpr int64_t kBlocksPerThread = 128;

// The coefficients of a row, in the order of the SDK's table.
struct StepCoefficients {
  float sample_scale, velocity_scale, noise_scale, factor, log_normalizer;
};

// What a block is computed from, and to. Either epsilon is given, and next is written, or next is given.
struct StepBlock {
  const float *x, *v, *epsilon, *next;
  float *drawn, *mean;
};

// Returns the sum of squared errors.
inline float StepThrough(const StepBlock &block, const StepCoefficients &c, int64_t count) {
  for (int64_t at = 0; at < count; at++) {
    block.mean[at] = block.x[at] * c.sample_scale + block.v[at] * c.velocity_scale;
  }
  if (block.epsilon != nullptr) {
    for (int64_t at = 0; at < count; at++) {
      block.drawn[at] = block.mean[at] + block.epsilon[at] * c.noise_scale;
    }
  }
  const float *next = block.epsilon != nullptr ? block.drawn : block.next;
  float sums[kSums] = {};
  int64_t at = 0;
  for (; at + kSums <= count; at += kSums) {
    for (int lane = 0; lane < kSums; lane++) {
      const float error = next[at + lane] - block.mean[at + lane];
      sums[lane] += error * error;
    }
  }
  for (; at < count; at++) {
    const float error = next[at] - block.mean[at];
    sums[at % kSums] += error * error;
  }
  float sum = 0;
  for (const float part : sums) sum += part;
  return sum;
}

// The values of a handle's tensor, which stay as long as this does.
class HandleValues {
 public:
  HandleValues(napi_env env, napi_value id) {
    const auto &handles = tfnodejs::GetTFJSBackend(env)->tfe_handle_map_;
    const auto entry = handles.find(ReadInteger(env, id));
    if (entry == handles.end()) {
      napi_throw_error(env, nullptr, "an input was disposed");
      return;
    }
    tfnodejs::TF_AutoStatus status;
    tensor_ = TFE_TensorHandleResolve(entry->second, status.status);
    Throw(env, status.status);
  }
  ~HandleValues() { TF_DeleteTensor(tensor_); }
  HandleValues(const HandleValues &) = delete;
  HandleValues &operator=(const HandleValues &) = delete;

  bool is_there() const { return tensor_ != nullptr; }
  const float *values() const { return static_cast<const float *>(TF_TensorData(tensor_)); }
  std::vector<int64_t> shape() const {
    std::vector<int64_t> lengths(TF_NumDims(tensor_));
    for (size_t axis = 0; axis < lengths.size(); axis++) lengths[axis] = TF_Dim(tensor_, axis);
    return lengths;
  }

 private:
  TF_Tensor *tensor_ = nullptr;
};

// gaussianStep(x: number, v: number, other: number, isDraw: boolean, coefficients: Float32Array):
// [mean, logProb] and of a draw the drawn as well, each {id, shape, dtype}. `other` is the epsilon of a draw, or what was
// drawn before. The coefficients are five numbers for all rows, or five a row.
inline napi_value GaussianStep(napi_env env, napi_callback_info info) {
  size_t argument_count = 5;
  napi_value arguments[5];
  napi_get_cb_info(env, info, &argument_count, arguments, nullptr, nullptr);
  const HandleValues x(env, arguments[0]), v(env, arguments[1]), other(env, arguments[2]);
  if (!x.is_there() || !v.is_there() || !other.is_there()) return nullptr;
  const bool is_draw = ReadBoolean(env, arguments[3]);
  size_t numbers = 0;
  void *table = nullptr;
  napi_get_typedarray_info(env, arguments[4], nullptr, &numbers, &table, nullptr, nullptr);
  const auto *coefficients = static_cast<const StepCoefficients *>(table);
  const int64_t stride = numbers > 5 ? 1 : 0;

  const std::vector<int64_t> shape = x.shape();
  if (shape.empty() || v.shape() != shape || other.shape() != shape) {
    napi_throw_error(env, nullptr, "Cannot step as the inputs must have rows, and one shape");
    return nullptr;
  }
  const int64_t rows = shape[0];
  NewTensor mean(env, TF_FLOAT, shape), log_prob(env, TF_FLOAT, {rows});
  std::unique_ptr<NewTensor> drawn(is_draw ? new NewTensor(env, TF_FLOAT, shape) : nullptr);
  if (!mean.is_there() || !log_prob.is_there() || (is_draw && !drawn->is_there())) return nullptr;
  const int64_t count = rows == 0 ? 0 : mean.bytes() / sizeof(float) / rows;
  const int64_t blocks = (count + kBlock - 1) / kBlock;
  std::vector<float> sums(rows * blocks);
  InParts(rows * blocks, kBlocksPerThread, [&](int64_t from, int64_t to) {
    for (int64_t at = from; at < to; at++) {
      const int64_t start = at % blocks * kBlock;
      const int64_t first = at / blocks * count + start;
      StepBlock block{x.values() + first, v.values() + first, nullptr, nullptr, nullptr,
                      mean.floats() + first};
      if (is_draw) {
        block.epsilon = other.values() + first;
        block.drawn = drawn->floats() + first;
      } else {
        block.next = other.values() + first;
      }
      sums[at] = StepThrough(block, coefficients[stride * (at / blocks)],
                             std::min(kBlock, count - start));
    }
  });
  for (int64_t row = 0; row < rows; row++) {
    double sum = 0;
    for (int64_t at = 0; at < blocks; at++) sum += sums[row * blocks + at];
    const StepCoefficients &c = coefficients[stride * row];
    log_prob.floats()[row] = static_cast<float>(sum / count) * c.factor - c.log_normalizer;
  }
  napi_value results;
  napi_create_array(env, &results);
  napi_set_element(env, results, 0, mean.Register(env));
  napi_set_element(env, results, 1, log_prob.Register(env));
  if (is_draw) napi_set_element(env, results, 2, drawn->Register(env));
  return results;
}

}  // namespace flowbook

#endif  // FLOWBOOK_GAUSSIAN_STEP_H_
