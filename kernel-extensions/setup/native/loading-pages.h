// Memory that only the loading of TensorFlow's libraries needed.

#ifndef FLOWBOOK_LOADING_PAGES_H_
#define FLOWBOOK_LOADING_PAGES_H_

#ifdef __linux__
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#endif

namespace flowbook {

// The dynamic linker and the libraries' constructors go through tables and code of 250 MB, of which a run touches a tenth
// again: those pages would be resident for as long as the process lives. They are the file's own, so letting go of them
// loses nothing; what is used comes back from the page cache. Segments that may be written to stay: they differ from the file.
inline void ReleaseLoadingPages() {
#ifdef __linux__
  dl_iterate_phdr(
      [](dl_phdr_info *library, size_t, void *) {
        if (std::strstr(library->dlpi_name, "libtensorflow") == nullptr) return 0;
        const uintptr_t page = sysconf(_SC_PAGESIZE);
        for (int at = 0; at < library->dlpi_phnum; at++) {
          const ElfW(Phdr) &segment = library->dlpi_phdr[at];
          if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
          const uintptr_t from = library->dlpi_addr + segment.p_vaddr;
          const uintptr_t start = (from + page - 1) / page * page;
          const uintptr_t end = (from + segment.p_memsz) / page * page;
          if (start < end) madvise(reinterpret_cast<void *>(start), end - start, MADV_DONTNEED);
        }
        return 0;
      },
      nullptr);
#endif
}

}  // namespace flowbook

#endif  // FLOWBOOK_LOADING_PAGES_H_
