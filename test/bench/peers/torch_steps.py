"""The peer of suite `train`: the same training steps in PyTorch, measured on demand.

usage: torch_steps.py FOLDER THREADS

FOLDER holds <net>.json, which names the float32 files beside it: the initial weights and some batches. Reads one JSON
object per line ({"net": ..., "variant": ..., "steps": ..., "warmUp": ...}) from standard input and answers each with one
line. Variant "plain" is what one writes first; "channels_last" lays images out as [N,H,W,C], which is often faster.
"""

import json
import sys

import torch
import torch.nn.functional as F

from torch_peer import serve

folder, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)


def load(spec):
    with open(f"{folder}/{spec['file']}", "rb") as file:
        return torch.frombuffer(bytearray(file.read()), dtype=torch.float32).reshape(spec["dims"])


def conv_net(w):
    """Three convolutions of stride 2, each with batch normalisation and ReLU, and a linear layer."""

    def forward(x):
        for layer in ("1", "2", "3"):
            x = F.conv2d(x, w[f"conv{layer}.weight"], stride=2, padding=1)
            x = F.batch_norm(
                x,
                running[f"norm{layer}.mean"],
                running[f"norm{layer}.variance"],
                w[f"norm{layer}.scale"],
                w[f"norm{layer}.shift"],
                training=True,
                momentum=0.1,
                eps=1e-5,
            )
            x = F.relu(x)
        return F.linear(x.flatten(1), w["classifier.weight"], w["classifier.bias"])

    channels = {"1": 16, "2": 32, "3": 64}
    running = {f"norm{k}.mean": torch.zeros(c) for k, c in channels.items()}
    running.update({f"norm{k}.variance": torch.ones(c) for k, c in channels.items()})
    return forward, lambda scores, targets: F.cross_entropy(scores, targets)


def mlp_net(w):
    def forward(x):
        x = F.relu(F.linear(x, w["layer1.weight"], w["layer1.bias"]))
        x = F.relu(F.linear(x, w["layer2.weight"], w["layer2.bias"]))
        return F.linear(x, w["layer3.weight"], w["layer3.bias"])

    return forward, lambda scores, targets: F.mse_loss(scores, targets)


nets = {"conv": conv_net, "mlp": mlp_net}


class Trainer:
    def __init__(self, net, variant):
        with open(f"{folder}/{net}.json") as file:
            spec = json.load(file)
        weights = {}
        for name, tensor in spec["weights"].items():
            value = load(tensor)
            # A linear layer's weight lies transposed in PyTorch.
            if value.dim() == 2:
                value = value.t().contiguous()
            weights[name] = self.laid_out(value, variant).clone().requires_grad_()
        self.batches = [
            (self.laid_out(load(batch["input"]), variant), load(batch["targets"])) for batch in spec["batches"]
        ]
        self.forward, self.loss = nets[net](weights)
        self.optimizer = torch.optim.Adam(weights.values(), lr=spec["rate"])
        self.step_count = 0

    @staticmethod
    def laid_out(value, variant):
        if variant == "channels_last" and value.dim() == 4:
            return value.contiguous(memory_format=torch.channels_last)
        return value

    def step(self):
        x, targets = self.batches[self.step_count % len(self.batches)]
        self.step_count += 1
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.forward(x), targets)
        loss.backward()
        self.optimizer.step()
        return loss.item()


serve(lambda order: Trainer(order["net"], order["variant"]))
