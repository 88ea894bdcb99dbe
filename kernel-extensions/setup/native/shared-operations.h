// A recorded graph as XLA translates it sooner. TensorFlow takes some operations to XLA one by one through MLIR, some four
// milliseconds each. As functions that are not inlined, they are taken there once for each shape, and XLA itself inlines
// what it got: the compiled code is the same.

#ifndef FLOWBOOK_SHARED_OPERATIONS_H_
#define FLOWBOOK_SHARED_OPERATIONS_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "binding/tf_auto_status.h"
#include "recorded-graph.h"
#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"

namespace flowbook {

using Function = std::unique_ptr<TF_Function, decltype(&TF_DeleteFunction)>;

// AttrValue {b: true} on the wire.
const char kTrue[] = {0x28, 0x01};

// Whether an operation is one that goes through MLIR and that models repeat. Each has one value and one result.
inline bool IsShared(TF_Operation *operation) {
  static const std::set<std::string> names = {"BiasAddGrad", "Rsqrt", "Sigmoid", "Softmax"};
  return names.count(TF_OperationOpType(operation)) > 0;
}

// Gives an operation the attributes of another of its type. Their values on the wire, by name.
inline std::map<std::string, std::string> CopyAttributes(TF_Operation *from,
                                                         TF_OperationDescription *to,
                                                         TF_Status *status) {
  std::map<std::string, std::string> all;
  for (int i = 0; i < TF_OperationGetNumAttrs(from); i++) {
    std::string name(TF_OperationGetAttrNameLength(from, i), '\0');
    TF_OperationGetAttrName(from, i, &name[0], status);
    std::unique_ptr<TF_Buffer, decltype(&TF_DeleteBuffer)> value(TF_NewBuffer(), TF_DeleteBuffer);
    TF_OperationGetAttrValueProto(from, name.c_str(), value.get(), status);
    TF_SetAttrValueProto(to, name.c_str(), value->data, value->length, status);
    if (TF_GetCode(status) != TF_OK) break;
    all[name].assign(static_cast<const char *>(value->data), value->length);
  }
  return all;
}

// The same in every process: XLA's store of compiled functions compares names.
inline std::string NameOf(const char *type, const std::map<std::string, std::string> &attributes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const auto &[name, value] : attributes) {
    for (const unsigned char byte : name + value) hash = (hash ^ byte) * 0x100000001b3;
  }
  return std::string("flowbook_shared_") + type + "_" + std::to_string(hash);
}

// The function that stands for an operation; the eager context knows it from then on.
inline TF_Function *SharedFunction(TFE_Context *context, TF_Operation *like, TF_Status *status) {
  static std::map<std::pair<TFE_Context *, std::string>, Function> functions;
  const char *type = TF_OperationOpType(like);
  std::unique_ptr<TF_Graph, decltype(&TF_DeleteGraph)> graph(TF_NewGraph(), TF_DeleteGraph);
  TF_OperationDescription *description = TF_NewOperation(graph.get(), "Placeholder", "x");
  TF_SetAttrType(description, "dtype", TF_OperationOutputType(TF_OperationInput({like, 0})));
  const TF_Output x{TF_FinishOperation(description, status), 0};
  description = TF_NewOperation(graph.get(), type, "y");
  TF_AddInput(description, x);
  const std::string name = NameOf(type, CopyAttributes(like, description, status));
  const std::pair<TFE_Context *, std::string> key{context, name};
  TF_Operation *operation = TF_FinishOperation(description, status);
  if (TF_GetCode(status) != TF_OK) return nullptr;
  const auto found = functions.find(key);
  if (found != functions.end()) return found->second.get();
  const TF_Output y{operation, 0};
  Function function(TF_GraphToFunction(graph.get(), name.c_str(), 0, 1, &operation, 1, &x, 1, &y,
                                       nullptr, nullptr, nullptr, status),
                    TF_DeleteFunction);
  if (TF_GetCode(status) != TF_OK) return nullptr;
  TF_FunctionSetAttrValueProto(function.get(), "_noinline", kTrue, sizeof(kTrue), status);
  TFE_ContextAddFunction(context, function.get(), status);
  if (TF_GetCode(status) != TF_OK) return nullptr;
  return functions.emplace(key, std::move(function)).first->second.get();
}

// A part of a graph with functions in place of operations that are shared.
class SharingGraph {
 public:
  SharingGraph(TFE_Context *context, const RecordedGraph *from) : context_(context), from_(from) {}
  ~SharingGraph() { TF_DeleteGraph(graph_); }

  // The function of what lies between inputs and outputs.
  TF_Function *ToFunction(const std::string &name, const std::vector<TF_Output> &inputs,
                          const std::vector<TF_Output> &outputs,
                          const std::vector<const TF_Operation *> &body, TF_Status *status) {
    for (const TF_Output &input : inputs) {
      AddInput(input, status);
      if (TF_GetCode(status) != TF_OK) return nullptr;
    }
    const std::set<const TF_Operation *> wanted(body.begin(), body.end());
    size_t position = 0;
    // In the order of creation: what an operation takes is there before it.
    while (TF_Operation *operation = TF_GraphNextOperation(from_->graph, &position)) {
      if (wanted.count(operation) == 0) continue;
      Copy(operation, status);
      if (TF_GetCode(status) != TF_OK) return nullptr;
    }
    const auto there = [this](const std::vector<TF_Output> &values) {
      std::vector<TF_Output> copies;
      for (const TF_Output &value : values) copies.push_back(At(value));
      return copies;
    };
    const std::vector<TF_Output> ins = there(inputs), outs = there(outputs);
    return TF_GraphToFunction(graph_, name.c_str(), 0, operations_.size(), operations_.data(),
                              ins.size(), ins.data(), outs.size(), outs.data(), nullptr, nullptr,
                              nullptr, status);
  }

  // Names of the functions in place of operations.
  std::vector<std::string> Called() const { return {called_.begin(), called_.end()}; }

 private:
  TF_Output At(const TF_Output &value) const { return copies_.at({value.oper, value.index}); }

  void AddInput(const TF_Output &input, TF_Status *status) {
    TF_OperationDescription *description = NewOperation("Placeholder");
    TF_SetAttrType(description, "dtype", TF_OperationOutputType(input));
    const int rank = TF_GraphGetTensorNumDims(from_->graph, input, status);
    std::vector<int64_t> shape(std::max(rank, 0));
    TF_GraphGetTensorShape(from_->graph, input, shape.data(), rank, status);
    TF_SetAttrShape(description, "shape", shape.data(), rank);
    copies_[{input.oper, input.index}] = {TF_FinishOperation(description, status), 0};
  }

  void Copy(TF_Operation *operation, TF_Status *status) {
    TF_Operation *copy = nullptr;
    if (IsShared(operation)) {
      TF_Function *function = SharedFunction(context_, operation, status);
      if (function == nullptr) return;
      TF_GraphCopyFunction(graph_, function, nullptr, status);
      called_.insert(TF_FunctionName(function));
      TF_OperationDescription *description = NewOperation(TF_FunctionName(function));
      TF_AddInput(description, At(TF_OperationInput(TF_Input{operation, 0})));
      copy = TF_FinishOperation(description, status);
    } else {
      TF_OperationDescription *description = NewOperation(TF_OperationOpType(operation));
      AddInputs(description, operation);
      CopyAttributes(operation, description, status);
      copy = TF_FinishOperation(description, status);
    }
    if (TF_GetCode(status) != TF_OK) return;
    operations_.push_back(copy);
    for (int i = 0; i < TF_OperationNumOutputs(operation); i++) {
      // An input of the function stays what it is, though it was made by an operation of the graph.
      copies_.emplace(std::make_pair(operation, i), TF_Output{copy, i});
    }
  }

  void AddInputs(TF_OperationDescription *description, TF_Operation *operation) {
    const auto groups = from_->groups.find(operation);
    int at = 0;
    if (groups == from_->groups.end()) return;
    for (int length : groups->second) {
      if (length < 0) {
        TF_AddInput(description, At(TF_OperationInput(TF_Input{operation, at++})));
        continue;
      }
      std::vector<TF_Output> list;
      for (int i = 0; i < length; i++) {
        list.push_back(At(TF_OperationInput(TF_Input{operation, at++})));
      }
      TF_AddInputList(description, list.data(), list.size());
    }
  }

  TF_OperationDescription *NewOperation(const char *type) {
    return TF_NewOperation(graph_, type, ("n" + std::to_string(count_++)).c_str());
  }

  TFE_Context *context_;
  const RecordedGraph *from_;
  TF_Graph *graph_ = TF_NewGraph();
  std::map<std::pair<TF_Operation *, int>, TF_Output> copies_;
  // In the order of creation, the same in every process: XLA's store compares what it has with what it is asked for.
  std::vector<const TF_Operation *> operations_;
  std::set<std::string> called_;
  int count_ = 0;
};

}  // namespace flowbook

#endif  // FLOWBOOK_SHARED_OPERATIONS_H_
