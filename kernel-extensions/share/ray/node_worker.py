"""A Ray actor that owns a Node process and hands frames on to it."""

import os
import subprocess

import frames
import ray


# Ray's own retries stay bound to one actor, which may wait for a place that never comes: the trainer hands work on instead.
@ray.remote(max_restarts=0, max_task_retries=0, max_concurrency=3)
class NodeWorker:
    def start(self, command, environment):
        self.child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
        )
        self.weights = None
        return {
            "host": ray.util.get_node_ip_address(),
            "node": ray.get_runtime_context().get_node_id(),
            "actorProcess": os.getpid(),
            "childProcess": self.child.pid,
        }

    def wait(self):
        """Returns when the child has ended."""
        return self.child.wait()

    def end(self):
        """Kills the child, which may hang, and returns when it is gone."""
        self.child.kill()
        self.child.wait()

    def call(self, header, payload, weights, references):
        """Gives the child a frame, and before it the weights that it must have; returns its answer."""
        if weights is not None and weights != self.weights:
            self.weights = None
            for reference in references:
                shard_header, shard = ray.get(reference)
                answer = self._exchange({**shard_header, "op": "weights", "weights": weights}, shard)
                if "error" in answer[0]:
                    return answer
            self.weights = weights
        return self._exchange(header, payload)

    def _exchange(self, header, payload):
        frames.write_frame(self.child.stdin, header, payload)
        return frames.read_frame(self.child.stdout)
