// Where a native library faulted. A process that ends by SIGSEGV says nothing of itself; here it writes the signal, the thread
// and the stack to stderr first, and then ends as it would have, core file included.

#ifndef FLOWBOOK_FAULT_REPORT_H_
#define FLOWBOOK_FAULT_REPORT_H_

#if defined(__linux__) && __has_include(<execinfo.h>)
#define FLOWBOOK_REPORTS_FAULTS
#include <execinfo.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <mutex>
#endif

namespace flowbook {

#ifdef FLOWBOOK_REPORTS_FAULTS
struct Fault {
  int signal;
  const char *name;
  struct sigaction previous;
};
inline Fault faults[] = {
    {SIGSEGV, "SIGSEGV", {}}, {SIGBUS, "SIGBUS", {}}, {SIGILL, "SIGILL", {}}, {SIGFPE, "SIGFPE", {}}};

// Without allocating: the heap may be what is broken.
inline void WriteFaultReport(const char *name, const siginfo_t *info) {
  char thread[16] = "";
  prctl(PR_GET_NAME, thread);
  char line[128];
  int length = std::snprintf(line, sizeof line, "flowbook: %s in thread %s", name, thread);
  if (info->si_code > 0) {
    length += std::snprintf(line + length, sizeof line - length, " at %p", info->si_addr);
  }
  line[length++] = '\n';
  if (write(STDERR_FILENO, line, length) < 0) return;
  void *frames[64];
  backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
}

// Node's own handler comes first: V8 takes faults of WebAssembly for what they mean, and the program goes on. Where it does
// not, Node leaves the signal pending with its default action, which comes as this returns.
inline void OnFault(int signal, siginfo_t *info, void *context) {
  const Fault *fault = faults;
  while (fault->signal != signal) fault++;
  if ((fault->previous.sa_flags & SA_SIGINFO) != 0) {
    fault->previous.sa_sigaction(signal, info, context);
    struct sigaction now;
    sigaction(signal, nullptr, &now);
    if (now.sa_handler != SIG_DFL) return;
  } else {
    sigaction(signal, &fault->previous, nullptr);
    raise(signal);
  }
  WriteFaultReport(fault->name, info);
}
#endif

// Once in a process, which may load the binding in several of its threads.
inline void ReportFaults() {
#ifdef FLOWBOOK_REPORTS_FAULTS
  static std::once_flag once;
  std::call_once(once, [] {
    // The first call loads the library that unwinds.
    void *frame;
    backtrace(&frame, 1);
    for (Fault &fault : faults) {
      struct sigaction action {};
      action.sa_sigaction = OnFault;
      action.sa_flags = SA_SIGINFO;
      sigaction(fault.signal, &action, &fault.previous);
    }
  });
#endif
}

}  // namespace flowbook

#endif  // FLOWBOOK_FAULT_REPORT_H_
