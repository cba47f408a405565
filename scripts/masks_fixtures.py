"""Reference maps of methods that blur the picture, for test/methods/agreement/masks.ts.

    python scripts/masks_fixtures.py OUT [NAME ...]

Writes OUT/NAME.npy (float16, divided by the largest value): blur-ig by PAIR saliency, every fourth pixel of all channels;
extremal-perturbation by TorchRay, means of 8 x 8 pixels; meaningful-perturbation, of which no library has a form for classifiers of PyTorch, by the
paper's equation 6 with PyTorch's autograd and Adam, means of 8 x 8 pixels. Few steps, so that tests are cheap. On the shipped model class 967 and
the picture test/fixtures/golden/input.npy; on the small networks their own picture, class 3.

Needs torch 2.15, saliency 0.2.1, torchray 1.0.0.2 (without its dependencies), scipy, numpy.
"""
import math
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


def meaningful(network, iterations, cells=28):
    """Equation 6 with section 4.3's parameters, without jitter; the score less its blur's as a share of what the picture has more, 0 below."""
    model, x, target = subject(network)
    for p in model.parameters():
        p.requires_grad_(False)
    side = x.shape[-1]

    def taps(sigma):
        i = torch.arange(-math.ceil(4 * sigma), math.ceil(4 * sigma) + 1)
        k = torch.exp(-0.5 * (i / sigma) ** 2)
        return k / k.sum()

    def blur(t, k):
        r = len(k) // 2
        return F.conv2d(F.conv2d(t, k.view(1, 1, -1, 1), padding=(r, 0)), k.view(1, 1, 1, -1), padding=(0, r))

    blurred = blur(x.transpose(0, 1), taps(10)).transpose(0, 1)
    k = taps(5)
    edge = blur(torch.ones(1, 1, side, side), k)

    def up(m):
        return blur(F.interpolate(m[None, None], size=(side, side), mode="bilinear", align_corners=False), k) / edge

    def score(m):
        u = up(m)
        return model(u * x + (1 - u) * blurred)[0, target]

    c = torch.arange(cells) - (cells - 1) / 2
    far = torch.sqrt(c[:, None] ** 2 + c**2)
    discs = [torch.ones(cells, cells)] + [(far > (r + 1) / 20 * far.max() + 1e-6).float() for r in range(20)]
    found = [float(score(m)) for m in discs]
    left = [(f - found[-1]) / (found[0] - found[-1]) for f in found]
    m = discs[next(i for i, v in enumerate(left) if v <= 0.01)].clone().requires_grad_(True)
    adam = torch.optim.Adam([m], lr=0.1)
    for _ in range(iterations):
        rough = ((m[1:] - m[:-1]).abs() ** 3).sum() + ((m[:, 1:] - m[:, :-1]).abs() ** 3).sum()
        loss = 1e-4 * (1 - m).abs().sum() + 1e-2 * rough + ((score(m) - found[-1]) / (found[0] - found[-1])).clamp(min=0)
        adam.zero_grad()
        loss.backward()
        adam.step()
        m.data.clamp_(0, 1)
    return blocks((1 - up(m))[0, 0].detach().numpy())


FIXTURES = {
    "blur-ig-shipped": lambda: blur_ig("shipped", steps=4),
    "blur-ig-resnet": lambda: blur_ig("resnet", steps=10, max_sigma=20),
    "blur-ig-vit": lambda: blur_ig("vit", steps=10, max_sigma=20),
    "meaningful-perturbation-shipped": lambda: meaningful("shipped", 4),
    "meaningful-perturbation-resnet": lambda: meaningful("resnet", 40),
    "extremal-perturbation-dual-resnet": lambda: extremal("resnet", exact=True, areas=[0.1], max_iter=10, variant="dual"),
    "extremal-perturbation-shipped": lambda: extremal("shipped", areas=[0.1], max_iter=4),
    "extremal-perturbation-resnet": lambda: extremal("resnet", exact=True, areas=[0.05, 0.2], max_iter=10),
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
