"""PyTorch's side of every row: prepare a job, give its numbers for the check, and time it."""

import os
import time

import torch
from safetensors.torch import load_file, save_file

from jobs import JOBS

#: Prepared jobs by row and side.
prepared = {}


def prepare(row, side, folder, inputs, outputs):
    """Makes the job of a row from the checkpoint and the inputs' file; writes what it gives to the outputs' file.

    `side` is 'eager' or 'compile'. The first runs of a compiled job compile it.
    """
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    job = JOBS[row](folder, load_file(inputs) if inputs else {})
    if side == "compile":
        job.compile()
    given = job.run()
    tensors = given if isinstance(given, dict) else {"output": given}
    save_file({name: value.detach().float().contiguous() for name, value in tensors.items()}, outputs)
    prepared[row, side] = job


def measure(row, side, repeats):
    """Milliseconds of one run, mean of `repeats` in a row."""
    job = prepared[row, side]
    start = time.perf_counter()
    for _ in range(repeats):
        job.run()
    return 1000 * (time.perf_counter() - start) / repeats


def release(row):
    for key in [key for key in prepared if key[0] == row]:
        del prepared[key]


def product_rate():
    """The most that matrix products reach here, in GFLOP/s: best of shapes that a transformer has."""
    best = 0
    for m, k, n in [(2048, 2048, 2048), (1024, 1024, 4096), (640, 512, 2048)]:
        a, b = torch.randn(m, k), torch.randn(k, n)
        a @ b
        for _ in range(5):
            start = time.perf_counter()
            a @ b
            best = max(best, 2 * m * k * n / (time.perf_counter() - start) / 1e9)
    return best


def peak_megabytes():
    """The most resident memory that this process has had."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM")
