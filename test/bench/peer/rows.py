"""PyTorch's side of every row: prepare a job, give its numbers for the check, and time it."""

import os
import time

import torch
from safetensors.torch import load_file, save_file

from jobs import job_of

#: Prepared jobs by row and side.
prepared = {}


def prepare(row, side, folder, inputs, outputs):
    """Makes the job of a row from the checkpoint and the inputs' file; writes what it gives to the outputs' file.

    `side` is 'eager' or 'compile'. The first runs of a compiled job compile it. Returns the resident megabytes before
    the first run.
    """
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    job = job_of(row)(folder, load_file(inputs) if inputs else {})
    if side == "compile":
        job.compile()
    loaded = megabytes("VmRSS")
    given = job.run()
    tensors = given if isinstance(given, dict) else {"output": given}
    save_file({name: value.detach().float().contiguous() for name, value in tensors.items()}, outputs)
    prepared[row, side] = job
    return loaded


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


def product_rate(shapes):
    """The most that matrix products of these shapes (m, k, n) reach here, in GFLOP/s."""
    best = 0
    for m, k, n in shapes:
        a, b = torch.randn(m, k), torch.randn(k, n)
        a @ b
        for _ in range(3):
            start = time.perf_counter()
            a @ b
            best = max(best, 2 * m * k * n / (time.perf_counter() - start) / 1e9)
    return best


def peak_megabytes():
    """The most resident memory that this process has had."""
    return megabytes("VmHWM")


def megabytes(name):
    """A size that the kernel reports of this process."""
    with open("/proc/self/status") as file:
        sizes = dict(line.split(":", 1) for line in file)
    return int(sizes[name].split()[0]) / 1024
