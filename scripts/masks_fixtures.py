"""Reference maps of methods that blur the picture, for test/methods/agreement/masks.ts.

    python scripts/masks_fixtures.py OUT [NAME ...]

Writes OUT/NAME.npy (float16, divided by the largest value): blur-ig by PAIR saliency, every fourth pixel of all channels;
extremal-perturbation by TorchRay, means of 8 x 8 pixels; meaningful-perturbation, of which no library has a form for classifiers of PyTorch, by the
paper's equation 6 with PyTorch's autograd and Adam, means of 8 x 8 pixels. Few steps, so that tests are cheap. On the shipped model class 967 and
the picture test/fixtures/golden/input.npy; on the small networks their own picture, class 3.

Needs torch 2.15, saliency 0.2.1, torchray 1.0.0.2 (without its dependencies), scipy, numpy.
"""
import os
import sys

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


def extremal(network, exact=False, **options):
    """TorchRay's masks of all areas, their mean. `exact`: in float64, since equal pixels of its masks are else sorted by rounding errors."""
    import torchray.attribution.extremal_perturbation as ep

    model, x, target = subject(network)
    if exact:
        model, x = model.double(), x.double()
        torch.set_default_dtype(torch.float64)
        smooth, init = ep.imsmooth, ep.MaskGenerator.__init__

        def with_exact_weights(self, shape, step, sigma):
            init(self, shape, step, sigma)
            reach = 2 * self.radius + 1
            uy, ux = torch.meshgrid(*(torch.arange(z) for z in self.shape_out), indexing="ij")
            k = torch.arange(reach**2)[:, None, None]
            dy = uy - self.margin - step * (uy // step + k // reach - self.padding)
            dx = ux - self.margin - step * (ux // step + k % reach - self.padding)
            self.weight = self.kernel(torch.sqrt((dy**2 + dx**2).double()) / sigma)[None]

        ep.imsmooth = lambda t, sigma: smooth(t.float(), sigma.float()).double()
        ep.MaskGenerator.__init__ = with_exact_weights
    mask, _ = ep.extremal_perturbation(model, x, target, **options)
    if exact:
        ep.imsmooth, ep.MaskGenerator.__init__ = smooth, init
        torch.set_default_dtype(torch.float32)
    return blocks(mask.mean(0)[0].numpy())


FIXTURES = {
    "blur-ig-shipped": lambda: blur_ig("shipped", steps=8),
    "blur-ig-resnet": lambda: blur_ig("resnet", steps=10, max_sigma=20),
    "blur-ig-vit": lambda: blur_ig("vit", steps=10, max_sigma=20),
    "extremal-perturbation-shipped": lambda: extremal("shipped", areas=[0.1], max_iter=6),
    "extremal-perturbation-resnet": lambda: extremal("resnet", exact=True, areas=[0.05, 0.2], max_iter=20),
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
