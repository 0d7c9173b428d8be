"""What every PyTorch peer does: tells what it runs on, then takes orders.

An order is one JSON object a line on standard input; the answer is one line.
"""

import json
import sys
import time

import torch


def blas_in_use():
    with open("/proc/self/maps") as maps:
        paths = {line.split()[-1] for line in maps if "blas" in line}
    return sorted(path for path in paths if path.startswith("/"))


def say(answer):
    print(json.dumps(answer), flush=True)


def serve(make_learner):
    """make_learner(order) gives an object whose step() returns the loss. Times and losses of the steps after the warm-up."""
    torch.mm(torch.ones(64, 64), torch.ones(64, 64))
    say({"torch": torch.__version__, "threads": torch.get_num_threads(), "blas": blas_in_use()})
    for line in sys.stdin:
        order = json.loads(line)
        learner = make_learner(order)
        for _ in range(order["warmUp"]):
            learner.step()
        times, losses = [], []
        for _ in range(order["steps"]):
            start = time.perf_counter()
            losses.append(learner.step())
            times.append(1000 * (time.perf_counter() - start))
        say({"stepsMs": times, "losses": losses})
