// A graph that grows by one operation at a time. TensorFlow infers the shape of every value as it is added, so that a
// function can be recorded without computing anything. Values are named by their place in the order of creation.

#ifndef FLOWBOOK_RECORDED_GRAPH_H_
#define FLOWBOOK_RECORDED_GRAPH_H_

#include <node_api.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "binding/tf_auto_status.h"
#include "javascript-values.h"
#include "tensorflow/c/c_api.h"

namespace flowbook {

struct RecordedGraph {
  TF_Graph *graph = TF_NewGraph();
  std::vector<TF_Output> values;
  // How each operation was given its inputs: one by one (-1), or as lists of a length.
  std::map<TF_Operation *, std::vector<int>> groups;
  int count = 0;

  ~RecordedGraph() { TF_DeleteGraph(graph); }
};

inline RecordedGraph *ReadGraph(napi_env env, napi_value value) {
  void *graph = nullptr;
  if (napi_get_value_external(env, value, &graph) != napi_ok) {
    napi_throw_type_error(env, nullptr, "the first argument must be a graph");
  }
  return static_cast<RecordedGraph *>(graph);
}

// newGraph(): graph
inline napi_value NewGraph(napi_env env, napi_callback_info) {
  napi_value result;
  napi_create_external(
      env, new RecordedGraph(),
      [](napi_env, void *graph, void *) { delete static_cast<RecordedGraph *>(graph); }, nullptr,
      &result);
  return result;
}

// Sets {name, type, value} as tfjs-node's kernels give it.
inline void SetAttribute(napi_env env, TF_OperationDescription *operation, napi_value attribute) {
  const std::string name = ReadString(env, Property(env, attribute, "name"));
  const auto type = static_cast<TF_AttrType>(ReadInteger(env, Property(env, attribute, "type")));
  napi_value value = Property(env, attribute, "value");
  const bool is_list = type != TF_ATTR_SHAPE && IsArray(env, value);
  if (type == TF_ATTR_STRING && !is_list) {
    const std::string text = ReadString(env, value);
    TF_SetAttrString(operation, name.c_str(), text.data(), text.size());
  } else if (type == TF_ATTR_INT && is_list) {
    const auto list = ReadList(env, value, ReadInteger);
    TF_SetAttrIntList(operation, name.c_str(), list.data(), list.size());
  } else if (type == TF_ATTR_INT) {
    TF_SetAttrInt(operation, name.c_str(), ReadInteger(env, value));
  } else if (type == TF_ATTR_FLOAT && is_list) {
    const auto list = ReadList(env, value, ReadFloat);
    TF_SetAttrFloatList(operation, name.c_str(), list.data(), list.size());
  } else if (type == TF_ATTR_FLOAT) {
    TF_SetAttrFloat(operation, name.c_str(), ReadFloat(env, value));
  } else if (type == TF_ATTR_BOOL && !is_list) {
    TF_SetAttrBool(operation, name.c_str(), ReadBoolean(env, value));
  } else if (type == TF_ATTR_TYPE && !is_list) {
    TF_SetAttrType(operation, name.c_str(), static_cast<TF_DataType>(ReadInteger(env, value)));
  } else if (type == TF_ATTR_SHAPE) {
    const auto shape = ReadList(env, value, ReadInteger);
    TF_SetAttrShape(operation, name.c_str(), shape.data(), shape.size());
  } else {
    napi_throw_error(env, nullptr, ("attribute \"" + name + "\" has no form in a graph").c_str());
  }
}

// Appends the outputs of a finished operation; gives {value, shape, dtype} of each.
inline napi_value AddValues(napi_env env, RecordedGraph *graph, TF_Operation *operation) {
  const int count = TF_OperationNumOutputs(operation);
  napi_value results;
  napi_create_array_with_length(env, count, &results);
  for (int i = 0; i < count; i++) {
    const TF_Output output{operation, i};
    tfnodejs::TF_AutoStatus status;
    const int rank = TF_GraphGetTensorNumDims(graph->graph, output, status.status);
    if (Throw(env, status.status)) return nullptr;
    std::vector<int64_t> shape(std::max(rank, 0));
    if (rank >= 0) {
      TF_GraphGetTensorShape(graph->graph, output, shape.data(), rank, status.status);
      if (Throw(env, status.status)) return nullptr;
    }
    napi_value result, value, dtype, known;
    napi_create_object(env, &result);
    napi_create_int64(env, graph->values.size(), &value);
    napi_create_int32(env, TF_OperationOutputType(output), &dtype);
    napi_get_boolean(env, rank >= 0 && std::find(shape.begin(), shape.end(), -1) == shape.end(),
                     &known);
    napi_set_named_property(env, result, "value", value);
    napi_set_named_property(env, result, "shape", ToArray(env, shape));
    napi_set_named_property(env, result, "dtype", dtype);
    napi_set_named_property(env, result, "isKnown", known);
    napi_set_element(env, results, i, result);
    graph->values.push_back(output);
  }
  return results;
}

inline std::string NextName(RecordedGraph *graph) { return "n" + std::to_string(graph->count++); }

// addOperation(graph, name: string, attributes: object[], inputs: (number | number[])[]): values
inline napi_value AddOperation(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value arguments[4];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  RecordedGraph *graph = ReadGraph(env, arguments[0]);
  if (graph == nullptr) return nullptr;
  TF_OperationDescription *operation = TF_NewOperation(
      graph->graph, ReadString(env, arguments[1]).c_str(), NextName(graph).c_str());
  std::vector<int> groups;
  uint32_t length = 0;
  napi_get_array_length(env, arguments[3], &length);
  for (uint32_t i = 0; i < length; i++) {
    napi_value input;
    napi_get_element(env, arguments[3], i, &input);
    if (IsArray(env, input)) {
      std::vector<TF_Output> list;
      for (int64_t value : ReadList(env, input, ReadInteger)) list.push_back(graph->values[value]);
      TF_AddInputList(operation, list.data(), list.size());
      groups.push_back(list.size());
    } else {
      TF_AddInput(operation, graph->values[ReadInteger(env, input)]);
      groups.push_back(-1);
    }
  }
  napi_get_array_length(env, arguments[2], &length);
  for (uint32_t i = 0; i < length; i++) {
    napi_value attribute;
    napi_get_element(env, arguments[2], i, &attribute);
    SetAttribute(env, operation, attribute);
  }
  tfnodejs::TF_AutoStatus status;
  TF_Operation *finished = TF_FinishOperation(operation, status.status);
  if (Throw(env, status.status)) return nullptr;
  graph->groups.emplace(finished, std::move(groups));
  return AddValues(env, graph, finished);
}

// addConstant(graph, shape: number[], dtype: number, bytes: Uint8Array): values
inline napi_value AddConstant(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value arguments[4];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  RecordedGraph *graph = ReadGraph(env, arguments[0]);
  if (graph == nullptr) return nullptr;
  const auto shape = ReadList(env, arguments[1], ReadInteger);
  const auto dtype = static_cast<TF_DataType>(ReadInteger(env, arguments[2]));
  void *bytes = nullptr;
  size_t length = 0;
  napi_get_typedarray_info(env, arguments[3], nullptr, &length, &bytes, nullptr, nullptr);
  TF_Tensor *tensor = TF_AllocateTensor(dtype, shape.data(), shape.size(), length);
  std::memcpy(TF_TensorData(tensor), bytes, length);
  tfnodejs::TF_AutoStatus status;
  TF_OperationDescription *operation =
      TF_NewOperation(graph->graph, "Const", NextName(graph).c_str());
  TF_SetAttrType(operation, "dtype", dtype);
  TF_SetAttrTensor(operation, "value", tensor, status.status);
  TF_Operation *finished = TF_FinishOperation(operation, status.status);
  TF_DeleteTensor(tensor);
  if (Throw(env, status.status)) return nullptr;
  return AddValues(env, graph, finished);
}

// The operations that make `outputs` out of `inputs`, in no order.
inline std::vector<const TF_Operation *> OperationsBetween(const std::vector<TF_Output> &inputs,
                                                           const std::vector<TF_Output> &outputs) {
  std::set<std::pair<TF_Operation *, int>> given;
  for (const TF_Output &input : inputs) given.insert({input.oper, input.index});
  std::set<const TF_Operation *> found;
  std::vector<TF_Output> waiting = outputs;
  while (!waiting.empty()) {
    const TF_Output output = waiting.back();
    waiting.pop_back();
    if (given.count({output.oper, output.index}) > 0) continue;
    if (!found.insert(output.oper).second) continue;
    for (int i = 0; i < TF_OperationNumInputs(output.oper); i++) {
      waiting.push_back(TF_OperationInput(TF_Input{output.oper, i}));
    }
  }
  return {found.begin(), found.end()};
}

// crossingValues(graph, outputs: number[], from: number): values made before `from` that making `outputs` takes,
// constants excepted.
inline napi_value CrossingValues(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  RecordedGraph *graph = ReadGraph(env, arguments[0]);
  if (graph == nullptr) return nullptr;
  const size_t from = ReadInteger(env, arguments[2]);
  std::set<std::pair<const TF_Operation *, int>> before;
  for (size_t i = 0; i < from; i++) before.insert({graph->values[i].oper, graph->values[i].index});
  std::vector<TF_Output> waiting;
  for (int64_t value : ReadList(env, arguments[1], ReadInteger)) {
    waiting.push_back(graph->values[value]);
  }
  std::set<std::pair<const TF_Operation *, int>> crossing;
  std::set<const TF_Operation *> seen;
  while (!waiting.empty()) {
    const TF_Output output = waiting.back();
    waiting.pop_back();
    const bool is_constant = std::strcmp(TF_OperationOpType(output.oper), "Const") == 0;
    if (before.count({output.oper, output.index}) > 0 && !is_constant) {
      crossing.insert({output.oper, output.index});
      continue;
    }
    if (!seen.insert(output.oper).second) continue;
    for (int i = 0; i < TF_OperationNumInputs(output.oper); i++) {
      waiting.push_back(TF_OperationInput(TF_Input{output.oper, i}));
    }
  }
  std::vector<int64_t> values;
  for (size_t i = 0; i < from; i++) {
    if (crossing.count({graph->values[i].oper, graph->values[i].index}) > 0) values.push_back(i);
  }
  return ToArray(env, values);
}

}  // namespace flowbook

#endif  // FLOWBOOK_RECORDED_GRAPH_H_
