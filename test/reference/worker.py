"""Answers requests of the tests: a JSON object a line on standard input, a JSON object a line on standard output.

A request is {"call": "module.function", "arguments": {...}}; the modules lie in the folder that the command line names. The answer is {"result": ...}
or {"error": traceback}. What a function prints goes to standard error.
"""

import importlib
import json
import sys
import traceback


def answer(request):
    module, function = request["call"].rsplit(".", 1)
    try:
        return {"result": getattr(importlib.import_module(module), function)(**request["arguments"])}
    except Exception:  # whatever a peer throws belongs to the test that asked
        return {"error": traceback.format_exc()}


def main():
    sys.path.insert(0, sys.argv[1])
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        answers.write(json.dumps(answer(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
