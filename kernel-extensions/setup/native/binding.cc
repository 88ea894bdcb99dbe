// The binding of tfjs-node, with more doors. compile() reads an operation's definition, records a graph, turns parts of it
// into functions of the eager context, and runs them on another thread. Others draw noise, take a sampler's step and read
// tensors from files.
//
// tfjs-node's own source is included as it is, so that both share one eager context. Build with
// -fno-access-control: the context is a private member there.

#include <node_api.h>
#undef NAPI_MODULE
#define NAPI_MODULE(name, init)
#include "binding/tfjs_binding.cc"
#undef NAPI_MODULE

#include <memory>

#include "fault-report.h"
#include "file-tensors.h"
#include "freed-memory.h"
#include "gaussian-step.h"
#include "graph-functions.h"
#include "javascript-values.h"
#include "loading-pages.h"
#include "normal-noise.h"
#include "recorded-graph.h"

namespace flowbook {

// operationDefinition(name: string): Buffer, an OpDef message.
static napi_value OperationDefinition(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value arguments[1];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  tfnodejs::TF_AutoStatus status;
  RecordedGraph empty;
  std::unique_ptr<TF_Buffer, decltype(&TF_DeleteBuffer)> definition(TF_NewBuffer(),
                                                                    TF_DeleteBuffer);
  TF_GraphGetOpDef(empty.graph, ReadString(env, arguments[0]).c_str(), definition.get(),
                   status.status);
  if (Throw(env, status.status)) return nullptr;
  napi_value result;
  napi_create_buffer_copy(env, definition->length, definition->data, nullptr, &result);
  return result;
}

static void Export(napi_env env, napi_value exports, const char *name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
  napi_set_named_property(env, exports, name, function);
}

}  // namespace flowbook

NAPI_MODULE_INIT() {
  flowbook::ReportFaults();
  flowbook::KeepFreedMemory();
  exports = tfnodejs::InitTFNodeJSBinding(env, exports);
  flowbook::Export(env, exports, "operationDefinition", flowbook::OperationDefinition);
  flowbook::Export(env, exports, "newGraph", flowbook::NewGraph);
  flowbook::Export(env, exports, "addOperation", flowbook::AddOperation);
  flowbook::Export(env, exports, "addConstant", flowbook::AddConstant);
  flowbook::Export(env, exports, "crossingValues", flowbook::CrossingValues);
  flowbook::Export(env, exports, "defineFunction", flowbook::DefineFunction);
  flowbook::Export(env, exports, "functionDefinition", flowbook::FunctionDefinition);
  flowbook::Export(env, exports, "addFunction", flowbook::AddFunction);
  flowbook::Export(env, exports, "removeFunction", flowbook::RemoveFunction);
  flowbook::Export(env, exports, "runFunction", flowbook::RunFunction);
  flowbook::Export(env, exports, "readTensors", flowbook::ReadTensors);
  flowbook::Export(env, exports, "randomNormal", flowbook::RandomNormal);
  flowbook::Export(env, exports, "gaussianStep", flowbook::GaussianStep);
  flowbook::ReleaseLoadingPages();
  return exports;
}
