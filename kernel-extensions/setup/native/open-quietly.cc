// The addon that Node loads. It opens TensorFlow, then hands over to the real binding beside it.
//
// TensorFlow's static constructors write to stderr before any setting of ours is read, so that what they say is
// caught while the library opens: warnings and errors are passed on, notices are dropped when
// TF_CPP_MIN_LOG_LEVEL asks for it. Later notices are held back through Abseil's own setting.

#include <dlfcn.h>
#include <node_api.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

int WantedLevel() {
  const char* text = std::getenv("TF_CPP_MIN_LOG_LEVEL");
  return text == nullptr ? 0 : std::atoi(text);
}

bool IsNotice(const char* line) {
  return line[0] == 'I' || std::strncmp(line, "WARNING: All log messages before", 32) == 0;
}

// Opens a library with stderr kept aside, and passes on what was no notice.
void* OpenQuietly(const std::string& path) {
  std::fflush(stderr);
  FILE* aside = std::tmpfile();
  const int saved = aside == nullptr ? -1 : dup(STDERR_FILENO);
  if (saved < 0) return dlopen(path.c_str(), RTLD_NOW);
  dup2(fileno(aside), STDERR_FILENO);
  void* library = dlopen(path.c_str(), RTLD_NOW);
  std::fflush(stderr);
  dup2(saved, STDERR_FILENO);
  close(saved);
  std::rewind(aside);
  char line[4096];
  while (std::fgets(line, sizeof line, aside) != nullptr) {
    if (!IsNotice(line)) std::fputs(line, stderr);
  }
  std::fclose(aside);
  return library;
}

void HoldBackLaterNotices(void* library, int level) {
  using SetMinLogLevel = void (*)(int);
  if (void* set = dlsym(library, "_ZN4absl12lts_2025081414SetMinLogLevelENS0_18LogSeverityAtLeastE")) {
    reinterpret_cast<SetMinLogLevel>(set)(level);
  }
}

napi_value Fail(napi_env env) {
  napi_throw_error(env, nullptr, dlerror());
  return nullptr;
}

}  // namespace

NAPI_MODULE_INIT() {
  if (const int level = WantedLevel(); level > 0) {
    void* framework = OpenQuietly(TENSORFLOW_FRAMEWORK);
    if (framework == nullptr) return Fail(env);
    HoldBackLaterNotices(framework, level);
  }
  Dl_info self;
  dladdr(reinterpret_cast<void*>(&napi_register_module_v1), &self);
  std::string path(self.dli_fname);
  path.replace(path.find_last_of('/') + 1, std::string::npos, "tfjs_binding_tensorflow.node");
  void* binding = dlopen(path.c_str(), RTLD_NOW);
  if (binding == nullptr) return Fail(env);
  using Register = napi_value (*)(napi_env, napi_value);
  return reinterpret_cast<Register>(dlsym(binding, "napi_register_module_v1"))(env, exports);
}
