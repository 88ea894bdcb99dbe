"""Python's huggingface_hub and diffusers on a cache that both sides use."""

import os
import subprocess
import sys

DOWNLOAD = """
import sys
from huggingface_hub import snapshot_download
print(snapshot_download(sys.argv[1], revision=sys.argv[2], allow_patterns=["*/*", "model_index.json"]))
"""


def download(name, revision, endpoint, cache_folder, token):
    """Downloads in a process of its own: the library reads its variables when it is imported."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HUB_CACHE": cache_folder,
        "HF_HUB_OFFLINE": "0",
        "HF_TOKEN": token,
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    run = subprocess.run(
        [sys.executable, "-c", DOWNLOAD, name, revision],
        env=environment,
        capture_output=True,
        text=True,
    )
    if run.returncode != 0:
        raise RuntimeError(run.stderr)
    return run.stdout.strip()


def find(name, revision, cache_folder):
    """Where huggingface_hub and diffusers find a model without a network."""
    from diffusers import DiffusionPipeline
    from huggingface_hub import hf_hub_download, snapshot_download

    local = {"revision": revision, "cache_dir": cache_folder, "local_files_only": True}
    return {
        "snapshot": snapshot_download(name, **local),
        "file": hf_hub_download(name, "transformer/config.json", **local),
        "diffusers": DiffusionPipeline.download(name, **local),
    }
