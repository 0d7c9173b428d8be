"""The peer of suite `adapt`: the same step of distillation into a network's normalisations in PyTorch, measured on demand.

usage: torch_adapt.py FOLDER THREADS

FOLDER holds adapt.json: the network's operators in order, its constants (float32 files beside it), the loss's weights and some batches.
Reads one JSON object per line ({"variant": ..., "steps": ..., "warmUp": ...}) from standard input and answers each with one line.
"""

import json
import sys

import torch
import torch.nn.functional as F

from torch_peer import serve

folder, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)

with open(f"{folder}/adapt.json") as file:
    spec = json.load(file)


def load(entry):
    with open(f"{folder}/{entry['file']}", "rb") as file:
        return torch.frombuffer(bytearray(file.read()), dtype=torch.float32).reshape(entry["dims"]).clone()


def entropy(logits):
    logs = F.log_softmax(logits, 1)
    return -(logs.exp() * logs).sum(1)


class Student:
    def __init__(self, variant):
        self.last = variant == "channels_last"
        self.constants = {name: self.laid_out(load(entry)) for name, entry in spec["constants"].items()}
        affine = [self.constants[name].requires_grad_() for name in spec["affine"]]
        self.batches = [(self.laid_out(load(b["input"])), load(b["teacher"])) for b in spec["batches"]]
        self.optimizer = torch.optim.SGD(affine, lr=spec["rate"], momentum=spec["momentum"])
        self.step_count = 0

    def laid_out(self, value):
        if self.last and value.dim() == 4:
            return value.contiguous(memory_format=torch.channels_last)
        return value

    def renormalised(self, x, scale, shift, mean, variance, epsilon):
        """Answers by running statistics; the gradient goes through those of the batch."""
        white = F.batch_norm(x, None, None, training=True, eps=epsilon)
        with torch.no_grad():
            own_variance, own_mean = torch.var_mean(x, (0, 2, 3), unbiased=False)
            running = (variance + epsilon).sqrt()
            ratio = (own_variance + epsilon).sqrt() / running
            distance = (own_mean - mean) / running
            count = x.numel() / x.shape[1]
            share = spec["statisticsShare"]
            moved_mean = mean + share * (own_mean - mean)
            moved_variance = variance + share * (own_variance * count / (count - 1) - variance)
        gain, offset = scale * ratio, scale * distance + shift
        y = white * gain[None, :, None, None] + offset[None, :, None, None]
        mean.copy_(moved_mean)
        variance.copy_(moved_variance)
        return y

    def forward(self, x):
        values = dict(self.constants)
        values[spec["input"]] = x
        for node in spec["nodes"]:
            i = [values[name] for name in node["inputs"]]
            op = node["op"]
            if op == "Conv":
                y = F.conv2d(*i, stride=node["strides"], padding=node["pads"][:2], groups=node["group"])
            elif op == "BatchNormalization":
                y = self.renormalised(*i, node["epsilon"])
            elif op == "Relu":
                y = F.relu(i[0])
            elif op == "Add":
                y = i[0] + i[1]
            elif op == "GlobalAveragePool":
                y = i[0].mean((2, 3), keepdim=True)
            elif op == "Flatten":
                y = i[0].flatten(1)
            elif op == "Gemm":
                y = torch.addmm(i[2], i[0], i[1])
            elif op == "Identity":
                y = i[0]
            else:
                raise ValueError(f"operator {op} is not known")
            values[node["output"]] = y
        return values[spec["logits"]]

    def step(self):
        x, teacher = self.batches[self.step_count % len(self.batches)]
        self.step_count += 1
        w = spec["loss"]
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.forward(x)
        own = entropy(logits)
        soft = F.kl_div(
            F.log_softmax(logits / w["temperature"], 1),
            F.log_softmax(teacher / w["temperature"], 1),
            reduction="none",
            log_target=True,
        ).sum(1)
        hard = F.cross_entropy(logits, teacher.argmax(1), reduction="none")
        taught = w["beta"] * w["temperature"] ** 2 * soft + w["gamma"] * hard
        weight = (w["margin"] - own.detach()).exp()
        teacher_weight = (w["margin"] - entropy(teacher)).exp()
        loss = (w["alpha"] * own * weight + taught * teacher_weight).mean()
        loss.backward()
        self.optimizer.step()
        return loss.item()


serve(lambda order: Student(order["variant"]))
