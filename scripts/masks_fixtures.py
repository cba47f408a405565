"""Reference maps of methods that blur the picture, for test/methods/agreement/masks.ts.

    python scripts/masks_fixtures.py OUT [NAME ...]

Writes OUT/NAME.npy (float16, divided by the largest value): blur-ig by PAIR saliency, every fourth pixel of all channels;
extremal-perturbation by TorchRay, means of 8 x 8 pixels; meaningful-perturbation, of which no library has a form for classifiers of PyTorch, by the
paper's equation 6 with PyTorch's autograd and Adam, means of 8 x 8 pixels. Few steps, so that tests are cheap. On the shipped model class 967 and
the picture test/fixtures/golden/input.npy; on the small networks their own picture, class 3.

Needs torch 2.15, saliency 0.2.1, torchray 1.0.0.2 (without its dependencies: what it imports of them is replaced below), scipy, numpy.
"""
import os
import sys
import types

import numpy as np
import torch
import torch.nn.functional as F
from reference_networks import picture, shipped, small

CLASSES = {"shipped": 967}


def subject(network):
    model, x = (shipped(), picture()) if network == "shipped" else small(network)
    return model, x, CLASSES.get(network, 3)


def blocks(plane):
    h, w = plane.shape
    return plane.reshape(h // 8, 8, w // 8, 8).mean((1, 3))


def blur_ig(network, **options):
    from saliency.core.base import INPUT_OUTPUT_GRADIENTS
    from saliency.core.blur_ig import BlurIG

    model, x, target = subject(network)

    def call(batch, call_model_args=None, expected_keys=None):
        leaf = torch.from_numpy(np.ascontiguousarray(batch.transpose(0, 3, 1, 2))).requires_grad_(True)
        (g,) = torch.autograd.grad(model(leaf)[:, target].sum(), leaf)
        return {INPUT_OUTPUT_GRADIENTS: g.numpy().transpose(0, 2, 3, 1)}

    mask = BlurIG().GetMask(x[0].numpy().transpose(1, 2, 0), call, batch_size=1, **options)
    return mask.transpose(2, 0, 1)[:, 2::4, 2::4]


def torchray():
    """TorchRay's extremal perturbation. What it imports for drawing and benchmarks is not needed here."""
    for name in ("matplotlib", "matplotlib.pyplot", "torchvision", "torchvision.transforms", "pycocotools"):
        try:
            __import__(name)
        except ImportError:
            sys.modules[name] = types.ModuleType(name)
    from torchray.attribution import extremal_perturbation

    return extremal_perturbation


def extremal(network, **options):
    model, x, target = subject(network)
    mask, _ = torchray().extremal_perturbation(model, x, target, **options)
    return blocks(mask.mean(0)[0].numpy())


FIXTURES = {
    "blur-ig-shipped": lambda: blur_ig("shipped", steps=8),
    "blur-ig-resnet": lambda: blur_ig("resnet", steps=10, max_sigma=20),
    "blur-ig-vit": lambda: blur_ig("vit", steps=10, max_sigma=20),
    "extremal-perturbation-shipped": lambda: extremal("shipped", areas=[0.1], max_iter=12),
    "extremal-perturbation-resnet": lambda: extremal("resnet", areas=[0.05, 0.2], max_iter=60),
}


def main(out, names):
    for name in names or FIXTURES:
        value = FIXTURES[name]()
        value = value / np.abs(value).max()
        np.save(os.path.join(out, name + ".npy"), value.astype(np.float16))
        print(name, value.shape, flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
