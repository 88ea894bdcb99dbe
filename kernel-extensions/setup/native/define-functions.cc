// The binding of tfjs-node, with three more doors that compile() needs: read an operation's
// definition, turn a recorded graph into a function of the eager context, and remove it again.
//
// tfjs-node's own source is included as it is, so that both share one eager context. Build with
// -fno-access-control: the context is a private member there.

#include <node_api.h>
#undef NAPI_MODULE
#define NAPI_MODULE(name, init)
#include "binding/tfjs_binding.cc"
#undef NAPI_MODULE

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace flowbook {

using Buffer = std::unique_ptr<TF_Buffer, decltype(&TF_DeleteBuffer)>;
using Graph = std::unique_ptr<TF_Graph, decltype(&TF_DeleteGraph)>;
using Function = std::unique_ptr<TF_Function, decltype(&TF_DeleteFunction)>;
using ImportOptions =
    std::unique_ptr<TF_ImportGraphDefOptions, decltype(&TF_DeleteImportGraphDefOptions)>;

// AttrValue {b: true} on the wire.
const char kTrue[] = {0x28, 0x01};

static std::string ReadString(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return "";
  std::string text(length + 1, '\0');
  napi_get_value_string_utf8(env, value, &text[0], length + 1, &length);
  text.resize(length);
  return text;
}

static std::vector<std::string> ReadStrings(napi_env env, napi_value array) {
  uint32_t length = 0;
  napi_get_array_length(env, array, &length);
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    napi_get_element(env, array, i, &element);
    texts.push_back(ReadString(env, element));
  }
  return texts;
}

// Throws the status as a JavaScript error, if it is one. Returns whether it was.
static bool Throw(napi_env env, TF_Status *status) {
  if (TF_GetCode(status) == TF_OK) return false;
  napi_throw_error(env, nullptr, TF_Message(status));
  return true;
}

// "node:1" -> the second output of the operation "node".
static bool FindOutputs(napi_env env, TF_Graph *graph, const std::vector<std::string> &names,
                        std::vector<TF_Output> *outputs) {
  for (const std::string &name : names) {
    const size_t colon = name.find(':');
    TF_Operation *operation = TF_GraphOperationByName(graph, name.substr(0, colon).c_str());
    if (operation == nullptr) {
      napi_throw_error(env, nullptr, ("no node is named " + name).c_str());
      return false;
    }
    const int index = colon == std::string::npos ? 0 : std::atoi(name.c_str() + colon + 1);
    outputs->push_back(TF_Output{operation, index});
  }
  return true;
}

// operationDefinition(name: string): Buffer, an OpDef message.
static napi_value OperationDefinition(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value arguments[1];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  tfnodejs::TF_AutoStatus status;
  Graph graph(TF_NewGraph(), TF_DeleteGraph);
  Buffer definition(TF_NewBuffer(), TF_DeleteBuffer);
  TF_GraphGetOpDef(graph.get(), ReadString(env, arguments[0]).c_str(), definition.get(),
                   status.status);
  if (Throw(env, status.status)) return nullptr;
  napi_value result;
  napi_create_buffer_copy(env, definition->length, definition->data, nullptr, &result);
  return result;
}

// defineFunction(name: string, graph: Buffer, inputs: string[], outputs: string[], xla: boolean)
static napi_value DefineFunction(napi_env env, napi_callback_info info) {
  size_t count = 5;
  napi_value arguments[5];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  void *data = nullptr;
  size_t length = 0;
  if (count < 5 || napi_get_buffer_info(env, arguments[1], &data, &length) != napi_ok) {
    napi_throw_type_error(env, nullptr, "defineFunction takes a name, a Buffer, two lists, a flag");
    return nullptr;
  }
  bool xla = false;
  napi_get_value_bool(env, arguments[4], &xla);

  tfnodejs::TF_AutoStatus status;
  Graph graph(TF_NewGraph(), TF_DeleteGraph);
  Buffer definition(TF_NewBufferFromString(data, length), TF_DeleteBuffer);
  ImportOptions options(TF_NewImportGraphDefOptions(), TF_DeleteImportGraphDefOptions);
  TF_GraphImportGraphDef(graph.get(), definition.get(), options.get(), status.status);
  if (Throw(env, status.status)) return nullptr;

  std::vector<TF_Output> inputs, outputs;
  if (!FindOutputs(env, graph.get(), ReadStrings(env, arguments[2]), &inputs)) return nullptr;
  if (!FindOutputs(env, graph.get(), ReadStrings(env, arguments[3]), &outputs)) return nullptr;
  Function function(TF_GraphToFunction(graph.get(), ReadString(env, arguments[0]).c_str(), 0, -1,
                                       nullptr, inputs.size(), inputs.data(), outputs.size(),
                                       outputs.data(), nullptr, nullptr, nullptr, status.status),
                    TF_DeleteFunction);
  if (Throw(env, status.status)) return nullptr;
  if (xla) {
    TF_FunctionSetAttrValueProto(function.get(), "_XlaMustCompile", kTrue, sizeof(kTrue),
                                 status.status);
    if (Throw(env, status.status)) return nullptr;
  }
  tfnodejs::TFJSBackend *backend = tfnodejs::GetTFJSBackend(env);
  TFE_ContextAddFunction(backend->tfe_context_, function.get(), status.status);
  Throw(env, status.status);
  return nullptr;
}

// removeFunction(name: string)
static napi_value RemoveFunction(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value arguments[1];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  tfnodejs::TF_AutoStatus status;
  tfnodejs::TFJSBackend *backend = tfnodejs::GetTFJSBackend(env);
  TFE_ContextRemoveFunction(backend->tfe_context_, ReadString(env, arguments[0]).c_str(),
                            status.status);
  Throw(env, status.status);
  return nullptr;
}

static void Export(napi_env env, napi_value exports, const char *name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
  napi_set_named_property(env, exports, name, function);
}

}  // namespace flowbook

NAPI_MODULE_INIT() {
  exports = tfnodejs::InitTFNodeJSBinding(env, exports);
  flowbook::Export(env, exports, "operationDefinition", flowbook::OperationDefinition);
  flowbook::Export(env, exports, "defineFunction", flowbook::DefineFunction);
  flowbook::Export(env, exports, "removeFunction", flowbook::RemoveFunction);
  return exports;
}
