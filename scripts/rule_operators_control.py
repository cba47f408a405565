"""Control flow and recurrent networks for rule_operators.py. Graphs inside nodes come as functions."""

import torch

CONTROL_OPERATORS = {}


def operator(*names):
    def add(function):
        for name in names:
            CONTROL_OPERATORS[name] = function
        return function

    return add


@operator("If")
def if_(x, a, _o, _n):
    return tuple((a["then_branch"] if bool(x[0]) else a["else_branch"])())


@operator("Scan")
def scan(x, a, _o, outputs):
    count = len(x) - a["num_scan_inputs"]
    state, sequences = list(x[:count]), x[count:]
    axes = a.get("scan_input_axes", [0] * len(sequences))
    backwards = a.get("scan_input_directions", [0] * len(sequences))
    made = [[] for _ in range(outputs - count)]
    for t in range(sequences[0].shape[axes[0]]):
        parts = [s.select(axis, -1 - t if back else t) for s, axis, back in zip(sequences, axes, backwards)]
        results = a["body"](*state, *parts)
        state = results[:count]
        for whole, part in zip(made, results[count:]):
            whole.append(part)
    axes = a.get("scan_output_axes", [0] * len(made))
    backwards = a.get("scan_output_directions", [0] * len(made))
    wholes = [torch.stack(w[::-1] if back else w, axis) for w, axis, back in zip(made, axes, backwards)]
    return tuple(state) + tuple(wholes)


@operator("Less")
def less(x, _a, _o, _n):
    return x[0] < x[1]
