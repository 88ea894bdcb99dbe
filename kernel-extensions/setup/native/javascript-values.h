// Reading JavaScript's values, and throwing TensorFlow's errors.

#ifndef FLOWBOOK_JAVASCRIPT_VALUES_H_
#define FLOWBOOK_JAVASCRIPT_VALUES_H_

#include <node_api.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tensorflow/c/c_api.h"

namespace flowbook {

inline std::string ReadString(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return "";
  std::string text(length + 1, '\0');
  napi_get_value_string_utf8(env, value, &text[0], length + 1, &length);
  text.resize(length);
  return text;
}

inline int64_t ReadInteger(napi_env env, napi_value value) {
  int64_t number = 0;
  napi_get_value_int64(env, value, &number);
  return number;
}

inline bool ReadBoolean(napi_env env, napi_value value) {
  // Attributes of kernels give booleans as numbers at times.
  napi_value boolean;
  bool result = false;
  if (napi_coerce_to_bool(env, value, &boolean) == napi_ok) {
    napi_get_value_bool(env, boolean, &result);
  }
  return result;
}

inline float ReadFloat(napi_env env, napi_value value) {
  double number = 0;
  napi_get_value_double(env, value, &number);
  return static_cast<float>(number);
}

inline napi_value Property(napi_env env, napi_value object, const char *name) {
  napi_value value = nullptr;
  napi_get_named_property(env, object, name, &value);
  return value;
}

inline bool IsArray(napi_env env, napi_value value) {
  bool result = false;
  napi_is_array(env, value, &result);
  return result;
}

// The elements of an array, each read by `read`.
template <typename Read>
auto ReadList(napi_env env, napi_value array, Read read) {
  uint32_t length = 0;
  napi_get_array_length(env, array, &length);
  std::vector<decltype(read(env, array))> list;
  list.reserve(length);
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    napi_get_element(env, array, i, &element);
    list.push_back(read(env, element));
  }
  return list;
}

inline napi_value ToArray(napi_env env, const std::vector<int64_t> &numbers) {
  napi_value array;
  napi_create_array_with_length(env, numbers.size(), &array);
  for (size_t i = 0; i < numbers.size(); i++) {
    napi_value number;
    napi_create_int64(env, numbers[i], &number);
    napi_set_element(env, array, i, number);
  }
  return array;
}

inline napi_value ToArray(napi_env env, const std::vector<std::string> &texts) {
  napi_value array;
  napi_create_array_with_length(env, texts.size(), &array);
  for (size_t i = 0; i < texts.size(); i++) {
    napi_value text;
    napi_create_string_utf8(env, texts[i].data(), texts[i].size(), &text);
    napi_set_element(env, array, i, text);
  }
  return array;
}

// Throws the status as a JavaScript error, if it is one. Returns whether it was.
inline bool Throw(napi_env env, TF_Status *status) {
  if (TF_GetCode(status) == TF_OK) return false;
  napi_throw_error(env, nullptr, TF_Message(status));
  return true;
}

}  // namespace flowbook

#endif  // FLOWBOOK_JAVASCRIPT_VALUES_H_
