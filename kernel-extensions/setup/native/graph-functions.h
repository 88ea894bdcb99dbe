// Recorded graphs as functions of the eager context, and running them beside the main thread.

#ifndef FLOWBOOK_GRAPH_FUNCTIONS_H_
#define FLOWBOOK_GRAPH_FUNCTIONS_H_

#include <node_api.h>

#include <memory>
#include <string>
#include <vector>

#include "binding/tf_auto_status.h"
#include "binding/tfjs_backend.h"
#include "recorded-graph.h"
#include "shared-operations.h"
#include "tensorflow/c/eager/c_api.h"
#include "tensorflow/c/eager/c_api_experimental.h"

namespace tfnodejs {
TFJSBackend *GetTFJSBackend(napi_env env);
}

namespace flowbook {

// defineFunction(graph, name: string, inputs: number[], outputs: number[], xla: boolean): names of the functions it calls
inline napi_value DefineFunction(napi_env env, napi_callback_info info) {
  size_t count = 5;
  napi_value arguments[5];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  RecordedGraph *graph = ReadGraph(env, arguments[0]);
  if (graph == nullptr) return nullptr;
  std::vector<TF_Output> inputs, outputs;
  for (int64_t at : ReadList(env, arguments[2], ReadInteger)) inputs.push_back(graph->values[at]);
  for (int64_t at : ReadList(env, arguments[3], ReadInteger)) outputs.push_back(graph->values[at]);
  const auto body = OperationsBetween(inputs, outputs);
  tfnodejs::TF_AutoStatus status;
  TFE_Context *context = tfnodejs::GetTFJSBackend(env)->tfe_context_;
  const std::string name = ReadString(env, arguments[1]);
  const bool xla = ReadBoolean(env, arguments[4]);
  SharingGraph sharing(context, graph);
  Function function(
      xla ? sharing.ToFunction(name, inputs, outputs, body, status.status)
          : TF_GraphToFunction(graph->graph, name.c_str(), 0, body.size(), body.data(),
                               inputs.size(), inputs.data(), outputs.size(), outputs.data(),
                               nullptr, nullptr, nullptr, status.status),
      TF_DeleteFunction);
  if (Throw(env, status.status)) return nullptr;
  if (xla) {
    TF_FunctionSetAttrValueProto(function.get(), "_XlaMustCompile", kTrue, sizeof(kTrue),
                                 status.status);
    if (Throw(env, status.status)) return nullptr;
  }
  TFE_ContextAddFunction(context, function.get(), status.status);
  if (Throw(env, status.status)) return nullptr;
  return ToArray(env, sharing.Called());
}

// functionDefinition(name: string): Buffer, a FunctionDef message.
inline napi_value FunctionDefinition(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value arguments[1];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  tfnodejs::TF_AutoStatus status;
  std::unique_ptr<TF_Buffer, decltype(&TF_DeleteBuffer)> definition(TF_NewBuffer(),
                                                                    TF_DeleteBuffer);
  TFE_ContextGetFunctionDef(tfnodejs::GetTFJSBackend(env)->tfe_context_,
                            ReadString(env, arguments[0]).c_str(), definition.get(),
                            status.status);
  if (Throw(env, status.status)) return nullptr;
  napi_value result;
  napi_create_buffer_copy(env, definition->length, definition->data, nullptr, &result);
  return result;
}

// addFunction(definition: Uint8Array), a FunctionDef message
inline napi_value AddFunction(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value arguments[1];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  void *bytes = nullptr;
  size_t length = 0;
  napi_get_typedarray_info(env, arguments[0], nullptr, &length, &bytes, nullptr, nullptr);
  tfnodejs::TF_AutoStatus status;
  TFE_ContextAddFunctionDef(tfnodejs::GetTFJSBackend(env)->tfe_context_,
                            static_cast<const char *>(bytes), length, status.status);
  Throw(env, status.status);
  return nullptr;
}

// removeFunction(name: string)
inline napi_value RemoveFunction(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value arguments[1];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  tfnodejs::TF_AutoStatus status;
  TFE_ContextRemoveFunction(tfnodejs::GetTFJSBackend(env)->tfe_context_,
                            ReadString(env, arguments[0]).c_str(), status.status);
  Throw(env, status.status);
  return nullptr;
}

// One run of a function on a thread of Node's pool. The operation holds its inputs until it is done.
struct Run {
  napi_async_work work = nullptr;
  napi_deferred deferred = nullptr;
  tfnodejs::TFJSBackend *backend = nullptr;
  TFE_Op *operation = nullptr;
  std::vector<TFE_TensorHandle *> outputs;
  tfnodejs::TF_AutoStatus status;

  ~Run() { TFE_DeleteOp(operation); }
};

inline void Execute(napi_env, void *data) {
  Run *run = static_cast<Run *>(data);
  int count = run->outputs.size();
  TFE_Execute(run->operation, run->outputs.data(), &count, run->status.status);
}

inline void Settle(napi_env env, napi_status, void *data) {
  std::unique_ptr<Run> run(static_cast<Run *>(data));
  napi_delete_async_work(env, run->work);
  if (TF_GetCode(run->status.status) != TF_OK) {
    napi_value message, error;
    napi_create_string_utf8(env, TF_Message(run->status.status), NAPI_AUTO_LENGTH, &message);
    napi_create_error(env, nullptr, message, &error);
    napi_reject_deferred(env, run->deferred, error);
    return;
  }
  napi_value results;
  napi_create_array_with_length(env, run->outputs.size(), &results);
  for (size_t i = 0; i < run->outputs.size(); i++) {
    napi_set_element(env, results, i,
                     run->backend->GenerateOutputTensorInfo(env, run->outputs[i]));
  }
  napi_resolve_deferred(env, run->deferred, results);
}

// runFunction(name: string, inputIds: number[], outputCount: number): Promise<{id, shape, dtype}[]>
inline napi_value RunFunction(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  std::unique_ptr<Run> run(new Run());
  run->backend = tfnodejs::GetTFJSBackend(env);
  TF_Status *status = run->status.status;
  run->operation =
      TFE_NewOp(run->backend->tfe_context_, ReadString(env, arguments[0]).c_str(), status);
  if (Throw(env, status)) return nullptr;
  for (int64_t id : ReadList(env, arguments[1], ReadInteger)) {
    const auto entry = run->backend->tfe_handle_map_.find(id);
    if (entry == run->backend->tfe_handle_map_.end()) {
      napi_throw_error(env, nullptr, "an input was disposed");
      return nullptr;
    }
    TFE_OpAddInput(run->operation, entry->second, status);
    if (Throw(env, status)) return nullptr;
  }
  run->outputs.resize(ReadInteger(env, arguments[2]), nullptr);
  napi_value promise, name;
  napi_create_promise(env, &run->deferred, &promise);
  napi_create_string_utf8(env, "flowbook run", NAPI_AUTO_LENGTH, &name);
  napi_create_async_work(env, nullptr, name, Execute, Settle, run.get(), &run->work);
  napi_queue_async_work(env, run->work);
  run.release();
  return promise;
}

}  // namespace flowbook

#endif  // FLOWBOOK_GRAPH_FUNCTIONS_H_
