"""The peer of suite `policy`: the same update of Discrete-SAC in PyTorch, measured on demand.

usage: torch_sac.py FOLDER THREADS

FOLDER holds sac.json, which names the float32 files beside it: the initial weights of actor and critics (and the targets,
equal to the critics) and some batches. Reads one JSON object per line ({"steps": ..., "warmUp": ...}) from standard input and
answers each with one line.
"""

import json
import sys

import torch
import torch.nn.functional as F

from torch_peer import serve

folder, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)

with open(f"{folder}/sac.json") as file:
    spec = json.load(file)


def load(entry):
    with open(f"{folder}/{entry['file']}", "rb") as file:
        return torch.frombuffer(bytearray(file.read()), dtype=torch.float32).reshape(entry["dims"]).clone()


def network(w, rows, context, mask):
    about = F.linear(context, w["context.weight"].t(), w["first.bias"])
    first = F.relu(rows @ w["rows.weight"] + about[:, None, :])
    pooled = (first * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    shared = F.linear(pooled, w["pooled.weight"].t(), w["second.bias"])
    second = F.relu(first @ w["second.weight"] + shared[:, None, :])
    return second @ w["output.weight"] + rows @ w["skip.weight"] + w["output.bias"]


class Learner:
    def __init__(self):
        def group(name, grad):
            return {k: load(v).requires_grad_(grad) for k, v in spec["weights"][name].items()}

        self.actor = group("actor", True)
        self.critics = [group("critic1", True), group("critic2", True)]
        self.targets = [group("critic1", False), group("critic2", False)]
        critic_weights = [w for critic in self.critics for w in critic.values()]
        self.optimizer = torch.optim.Adam(
            [
                {"params": critic_weights, "lr": spec["rate"]},
                {"params": list(self.actor.values()), "lr": spec["rate"] * spec["actorRate"]},
            ],
            foreach=True,
        )
        self.batches = [{k: load(v) for k, v in batch.items()} for batch in spec["batches"]]
        self.count = 0

    def policy(self, rows, context, mask):
        scores = network(self.actor, rows, context, mask)[..., 0]
        logits = scores * mask / spec["temperature"] + (mask - 1) * 1e9
        logs = F.log_softmax(logits, -1) * mask
        return logs, logs.exp() * mask

    def step(self):
        b = self.batches[self.count % len(self.batches)]
        self.count += 1
        share = b["share"][:, None, :]
        alpha = spec["temperature"]
        with torch.no_grad():
            logs, probabilities = self.policy(b["nextRows"], b["nextContext"], b["nextMask"])
            one, two = (network(t, b["nextRows"], b["nextContext"], b["nextMask"]) for t in self.targets)
            lower = ((one * share).sum(-1) <= (two * share).sum(-1))[..., None]
            soft = torch.where(lower, one, two) - alpha * logs[..., None]
            target = b["reward"] + b["discount"] * (soft * probabilities[..., None]).sum(1)
        counts = b["share"] + 0.02
        values = [network(c, b["rows"], b["context"], b["mask"]) for c in self.critics]
        loss = 0
        for value in values:
            own = (value * b["taken"][..., None]).sum(1)
            loss = loss + ((own - target) * counts).square().sum(1).mean()
        logs, probabilities = self.policy(b["rows"], b["context"], b["mask"])
        with torch.no_grad():
            worth = torch.minimum(*((value * share).sum(-1) for value in values))
        loss = loss + (probabilities * (alpha * logs - worth)).sum(1).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            for critic, slow in zip(self.critics, self.targets):
                torch._foreach_mul_(list(slow.values()), 1 - spec["targetRate"])
                torch._foreach_add_(list(slow.values()), list(critic.values()), alpha=spec["targetRate"])
        return loss.item()


serve(lambda order: Learner())
