"""Sums of products, group and root-mean-square normalisation, attention, losses and transforms for rule_operators.py."""

import torch
import torch.nn.functional as F

STANDARD_OPERATORS = {}


def operator(*names):
    def add(function):
        for name in names:
            STANDARD_OPERATORS[name] = function
        return function

    return add


@operator("Einsum")
def einsum(inputs, attributes, _opset, _outputs):
    return torch.einsum(attributes["equation"], *inputs)
