// How much freed memory the process keeps for its next tensors.

#ifndef FLOWBOOK_FREED_MEMORY_H_
#define FLOWBOOK_FREED_MEMORY_H_

#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace flowbook {

// glibc gives large blocks back to the kernel as they are freed, and takes new ones, whose pages the kernel clears when they
// are touched: for tensors of a few megabytes that costs more than what is computed. Blocks up to 32 MiB are kept instead,
// 256 MiB of them; whoever set glibc's own variables decides for himself.
inline void KeepFreedMemory() {
#ifdef __GLIBC__
  for (const char *name : {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"}) {
    if (std::getenv(name) != nullptr) return;
  }
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

}  // namespace flowbook

#endif  // FLOWBOOK_FREED_MEMORY_H_
