// Signals are held back while TensorFlow computes.
//
// Where the handler of a signal (of a child that ended, a resized terminal, SIGINT, a profiler's tick) runs in the middle of a
// matrix product of oneDNN for AVX-512, the heap is corrupted: its code seems to keep values below the stack pointer, where the
// kernel puts the handler's frame. So the thread that computes takes signals afterwards, and TensorFlow's own threads, which
// start in these calls and inherit what their maker blocks, never do. Signals of errors are never held.
//
// Every source is compiled with this file before it: tfjs-node's calls go through here, too.

#ifndef FLOWBOOK_HELD_SIGNALS_H_
#define FLOWBOOK_HELD_SIGNALS_H_

#include <csignal>
#include <initializer_list>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"

namespace flowbook {

class HeldSignals {
 public:
  HeldSignals() {
    sigset_t held;
    sigfillset(&held);
    for (int error : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP}) {
      sigdelset(&held, error);
    }
    pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  ~HeldSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  HeldSignals(const HeldSignals &) = delete;
  HeldSignals &operator=(const HeldSignals &) = delete;

 private:
  sigset_t before_;
};

template <auto function, typename... Arguments>
auto WithHeldSignals(Arguments... arguments) {
  const HeldSignals held;
  return function(arguments...);
}

}  // namespace flowbook

#define TFE_Execute flowbook::WithHeldSignals<::TFE_Execute>
#define TFE_NewContext flowbook::WithHeldSignals<::TFE_NewContext>
#define TF_SessionRun flowbook::WithHeldSignals<::TF_SessionRun>
#define TF_LoadSessionFromSavedModel flowbook::WithHeldSignals<::TF_LoadSessionFromSavedModel>

#endif  // FLOWBOOK_HELD_SIGNALS_H_
