"""Which class does a row. A module is imported when its row is run, so that a process holds what its own row needs."""

import importlib

JOBS = {
    "forward": "transformer_jobs.Forward",
    "forward-backward": "transformer_jobs.ForwardBackward",
    "forward-backward-lora": "transformer_jobs.ForwardBackwardLora",
    "train-step": "transformer_jobs.TrainStep",
    "rollout": "transformer_jobs.Rollout",
    "rollout-cfg": "transformer_jobs.RolloutCfg",
    "rollout-bf16": "transformer_jobs.RolloutBfloat16",
    "iteration": "iteration_job.Iteration",
    "scheduler-sde": "scheduler_jobs.SchedulerStep",
    "scheduler-cps": "scheduler_jobs.SchedulerCps",
    "scheduler-dance": "scheduler_jobs.SchedulerDance",
    "scheduler-sde-noise": "scheduler_jobs.SchedulerNoise",
    "vae-decode": "part_jobs.VaeDecode",
    "vae-encode": "part_jobs.VaeEncode",
    "text-encoder": "part_jobs.TextEncoder",
    "tokenizer": "part_jobs.Tokenizer",
    "load": "part_jobs.Load",
}


def job_of(row):
    """The class of a row's job."""
    module, name = JOBS[row].rsplit(".", 1)
    return getattr(importlib.import_module(module), name)
