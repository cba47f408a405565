"""Segments of scikit-image, and reference maps of methods that cover or rank segments and cells, for test/methods.

    python scripts/segment_fixtures.py OUT [MAP ...]

OUT gets segments-*.npy, the labels of scikit-image's slic and felzenszwalb of the golden picture (every fourth pixel), of a volume and of a signal
cut from it; and the middle pixels of every 4 x 4 of the maps of

    lime         LimeImageExplainer of the package lime, on the segments of scikit-image's slic, hidden parts 0
    kernel-shap  Captum's KernelShap, on the same segments, baseline 0
    xrai         PAIR saliency's XRAI, given integrated gradients at the middles of the steps
    sobol, hsic  Xplique's formulas written in NumPy (JansenEstimator; BinaryEstimator with its rbf output kernel; inpainting; TensorFlow's nearest
                 and bicubic resizing), since Xplique needs TensorFlow, with its LatinHypercube samplers

of the random ones the mean of SEEDS seeds; the least correlation that one seed's map has with the mean of the others' is printed. Needs torch
2.15, captum 0.9, lime 0.2, saliency 0.2, scikit-image 0.26, scipy, for the small networks timm and onnx too.
"""
import os
import sys

import numpy as np
import torch
from reference_networks import picture, shipped, small
from scipy.stats import qmc
from skimage.segmentation import felzenszwalb, slic

SEEDS = 10


def channels_last(x):
    return x[0].numpy().transpose(1, 2, 0)


def lime_map(net, x, target, seed, segments, samples):
    from lime.lime_image import LimeImageExplainer

    labels = slic(channels_last(x).astype(np.float64), n_segments=segments, start_label=0)

    def scores(images):
        with torch.no_grad():
            return net(torch.from_numpy(images.transpose(0, 3, 1, 2)).float()).numpy()

    explained = LimeImageExplainer(random_state=seed).explain_instance(
        channels_last(x), scores, labels=(target,), top_labels=None, hide_color=0, num_samples=samples, segmentation_fn=lambda _: labels
    )
    values = np.zeros(labels.max() + 1)
    for segment, value in explained.local_exp[target]:
        values[segment] = value
    return values[labels]


def kernel_shap_map(net, x, target, seed, segments, samples):
    from captum.attr import KernelShap

    labels = slic(channels_last(x).astype(np.float64), n_segments=segments, start_label=0)
    torch.manual_seed(seed)
    made = KernelShap(net).attribute(
        x, target=target, feature_mask=torch.from_numpy(labels)[None, None], n_samples=samples + 2, perturbations_per_eval=16
    )
    return made[0, 0].numpy()


def xrai_map(net, x, target, _, steps):
    from saliency.core import XRAI

    sums = torch.zeros_like(x)
    for plain in (x.min(), x.max()):
        for i in range(steps):
            at = (plain + (i + 0.5) / steps * (x - plain)).requires_grad_()
            net(at)[0, target].backward()
            sums += at.grad * (x - plain) / (2 * steps)
    return XRAI().GetMask(channels_last(x), None, base_attribution=channels_last(sums))


def cubic(to, cells):
    """TensorFlow's bicubic resizing (Keys, a = -0.5, half-pixel centres) as a matrix."""
    m = np.zeros((to, cells))
    for i in range(to):
        at = (i + 0.5) * cells / to - 0.5
        for k in range(int(np.floor(at)) - 1, int(np.floor(at)) + 3):
            d = abs(at - k)
            if 0 <= k < cells:
                m[i, k] = (1.5 * d - 2.5) * d * d + 1 if d < 1 else ((-0.5 * d + 2.5) * d - 4) * d + 2
    return m / m.sum(1, keepdims=True)


def shown(net, x, target, masks, cells):
    """Scores under masks [n, cells * cells]."""
    side = x.shape[-1]
    index = ((np.arange(side) + 0.5) * cells / side).astype(int)
    got = []
    for i in range(0, len(masks), 64):
        m = masks[i : i + 64].reshape(-1, cells, cells)[:, index][:, :, index].astype(np.float32)
        with torch.no_grad():
            got.append(net(x * torch.from_numpy(m)[:, None])[:, target].numpy())
    return np.concatenate(got).astype(np.float64)


def sobol_map(net, x, target, seed, cells, designs):
    d = cells * cells
    ab = qmc.LatinHypercube(2 * d, seed=seed).random(designs)
    a, b = ab[:, :d], ab[:, d:]
    score = shown(net, x, target, a, cells)
    indices = np.zeros(d)
    for i in range(d):
        c = a.copy()
        c[:, i] = b[:, i]
        indices[i] = ((score - shown(net, x, target, c, cells)) ** 2).sum() / (2 * designs * score.var(ddof=1))
    up = cubic(x.shape[-1], cells)
    return up @ indices.reshape(cells, cells) @ up.T


def hsic_map(net, x, target, seed, cells, samples):
    masks = np.round(qmc.LatinHypercube(cells * cells, seed=seed).random(samples))
    y = shown(net, x, target, masks, cells)[:, None]
    kernel = np.exp(-((y - y.T) ** 2) / (2 * np.percentile(y, 50) ** 2))
    h = np.eye(samples) - 1 / samples
    centred = h @ kernel @ h
    values = []
    for m in masks.T:
        k = 1 + 0.5 - (m[:, None] - m[None]) ** 2
        values.append(((h @ k @ h) * centred.T).sum() / samples)
    up = cubic(x.shape[-1], cells)
    return up @ np.reshape(values, (cells, cells)) @ up.T


MAPS = {
    "lime-shipped": (lime_map, "shipped", {"segments": 6, "samples": 40}),
    "lime-vit": (lime_map, "vit", {"segments": 16, "samples": 200}),
    "kernel-shap-shipped": (kernel_shap_map, "shipped", {"segments": 6, "samples": 40}),
    "kernel-shap-resnet": (kernel_shap_map, "resnet", {"segments": 16, "samples": 200}),
    "xrai-shipped": (xrai_map, "shipped", {"steps": 3}),
    "sobol-resnet": (sobol_map, "resnet", {"cells": 4, "designs": 16}),
    "hsic-vit": (hsic_map, "vit", {"cells": 4, "samples": 200}),
}


def segments(save):
    x = channels_last(picture())
    save("segments-slic-20", slic(x.astype(np.float64), n_segments=20, start_label=0)[2::4, 2::4])
    save("segments-slic-50", slic(x.astype(np.float64), n_segments=50, start_label=0)[2::4, 2::4])
    red = x[..., 0].astype(np.float64)
    # values without Lab's range of 100: a hundredth of the compactness
    plain = {"compactness": 0.1, "start_label": 0, "channel_axis": None}
    volume = np.stack([red[40 + 2 * z : 64 + 2 * z, 40:72] for z in range(4)])
    save("segments-slic-volume", slic(volume, n_segments=20, **plain))
    save("segments-slic-signal", slic(red[100:101], n_segments=12, **plain)[0])
    scaled = (x - x.min()) / (x.max() - x.min()) * 2 - 1
    for scale in (50, 250, 1200):
        save(f"segments-felzenszwalb-{scale}", felzenszwalb(scaled, scale=scale, sigma=0.8, min_size=150)[2::4, 2::4])


def main(out, *only):
    if not only:
        segments(lambda name, labels: np.save(os.path.join(out, f"{name}.npy"), labels.astype(np.uint8)))
    networks = {}
    for name in only or MAPS:
        make, network, options = MAPS[name]
        if network not in networks:
            net, x = (shipped(), picture()) if network == "shipped" else small(network)
            with torch.no_grad():
                networks[network] = (net, x, 967 if network == "shipped" else int(net(x).argmax()))
        net, x, target = networks[network]
        maps = [make(net, x, target, seed, **options)[2::4, 2::4].ravel() for seed in range(1 if make is xrai_map else SEEDS)]
        least = min((np.corrcoef(m, np.delete(maps, i, 0).mean(0))[0, 1] for i, m in enumerate(maps)), default=1) if len(maps) > 1 else 1
        np.save(os.path.join(out, f"{name}.npy"), np.mean(maps, 0).reshape(x.shape[-2] // 4, -1).astype(np.float16))
        print(name, "target", target, "least correlation of a seed with the others:", round(float(least), 4), flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
