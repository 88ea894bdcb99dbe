"""Runs a module of Jupyter, as `python flowbook_server.py jupyterlab ARGUMENTS`, for the process at the other end of standard input."""

import os
import runpy
import signal
import sys
import threading

from jupyter_server.services.kernels.kernelmanager import ServerKernelManager
from traitlets import default

# A socket's path has a place of 104 bytes on macOS and of 108 on Linux, its closing zero among them.
_LONGEST_SOCKET_PATH = 103


class FlowbookKernelManager(ServerKernelManager):
    """Gives Flowbook's kernel sockets in the runtime folder, which is its user's alone.

    A port chosen for a kernel that is still to start may be another process's by the time it listens; and every user of the machine
    can listen to what it publishes there. Other kernels know nothing but ports.
    """

    @default("transport")
    def _default_transport(self):
        longest = os.fsencode(os.path.splitext(self.connection_file)[0] + "-ipc-5")
        has_sockets = sys.platform != "win32" and len(longest) <= _LONGEST_SOCKET_PATH
        return "ipc" if self.kernel_name == "flowbook" and has_sockets else "tcp"


def end_with_parent():
    # Not through sys.stdin: Python aborts when it ends while a thread holds that buffer's lock.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
