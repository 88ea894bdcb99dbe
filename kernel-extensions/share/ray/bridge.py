"""Joins a trainer, which speaks frames on standard input and output, with Ray actors.

It decides nothing: it keeps as many actors as it is told to, says which come and go, and hands frames on.
"""

import os
import queue
import sys
import threading

# Standard output carries frames alone: what anything prints goes to standard error.
output = os.fdopen(os.dup(1), "wb", 0)
os.dup2(2, 1)

import frames  # noqa: E402
import node_worker  # noqa: E402
import ray  # noqa: E402

# Actors on machines without these files get them with their code.
for module in (frames, node_worker):
    ray.cloudpickle.register_pickle_by_value(module)


# An actor has this long to end its process.
END_SECONDS = 5


class Bridge:
    def __init__(self):
        self.todo = queue.Queue()
        self.actors = {}
        self.started = 0
        self.weights = {}
        self.plan = None

    def say(self, header, payload=b""):
        frames.write_frame(output, header, payload)

    def read(self):
        try:
            while True:
                header, payload = frames.read_frame(sys.stdin.buffer)
                self.todo.put(lambda h=header, p=payload: getattr(self, h["op"])(h, p))
        except EOFError:
            self.todo.put(None)

    def when_done(self, reference, then):
        """Runs then(result, error) in the main thread."""

        def done(future):
            error = future.exception()
            result = None if error else future.result()
            self.todo.put(lambda: then(result, error))

        reference.future().add_done_callback(done)

    def start(self, header, _):
        self.plan = header
        for _ in range(header["workers"]):
            self.add()

    def add(self):
        self.started += 1
        number = self.started
        plan = self.plan
        options = {"num_cpus": plan["threads"], "resources": plan["resources"] or None}
        actor = node_worker.NodeWorker.options(**options).remote()
        self.actors[number] = actor

        def ready(info, error):
            if error is not None:
                return self.lose(number, error)
            if number not in self.actors:
                return
            self.say({"event": "joined", "worker": number, **info})
            self.when_done(actor.wait.remote(), lambda code, e: self.lose(number, e or f"its process ended with code {code}"))

        self.when_done(actor.start.remote(plan["command"], plan["environment"]), ready)

    def lose(self, number, reason):
        actor = self.actors.pop(number, None)
        if actor is None:
            return
        ray.kill(actor)
        self.say({"event": "left", "worker": number, "reason": describe(reason)})
        self.add()

    def keep(self, header, payload):
        shard = {name: header[name] for name in header if name not in ("op", "keep", "call")}
        self.weights.setdefault(header["keep"], []).append(ray.put((shard, payload)))
        self.say({"call": header["call"]})

    def drop(self, header, _):
        self.weights.pop(header["keep"], None)

    def call(self, header, payload):
        number, call, weights = header["worker"], header["call"], header["weights"]
        actor = self.actors.get(number)
        if actor is None:
            return self.say({"call": call, "lost": "it has left"})

        def answered(answer, error):
            if error is None:
                return self.say({"call": call, "answer": answer[0]}, answer[1])
            self.say({"call": call, "lost": describe(error)})
            self.lose(number, error)

        references = self.weights.get(weights, [])
        self.when_done(actor.call.remote(header["frame"], payload, weights, references), answered)

    def end(self, header, _):
        """Ends the process first, which may hang and outlive its actor, then the actor, whether it answers or not."""
        number = header["worker"]
        actor = self.actors.get(number)
        if actor is None:
            return
        ended = threading.Timer(END_SECONDS, lambda: self.todo.put(lambda: self.lose(number, "it was ended")))
        ended.daemon = True
        ended.start()
        self.when_done(actor.end.remote(), lambda _, error: self.lose(number, error or "it was ended"))

    def run(self):
        threading.Thread(target=self.read, daemon=True).start()
        self.say({"event": "connected"})
        while True:
            work = self.todo.get()
            if work is None:
                break
            work()
        for actor in self.actors.values():
            ray.kill(actor)


def describe(reason):
    if not isinstance(reason, BaseException):
        return str(reason)
    lines = str(reason).strip().splitlines()
    return ": ".join([type(reason).__name__, *(line[:200] for line in lines[:1])])


try:
    ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR", ignore_reinit_error=True)
except Exception as error:  # noqa: BLE001
    frames.write_frame(output, {"event": "refused", "reason": describe(error)})
    sys.exit(1)
Bridge().run()
ray.shutdown()
