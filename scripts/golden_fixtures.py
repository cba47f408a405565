"""Packs reference maps of the shipped model for test/methods.

    python scripts/golden_fixtures.py MAPS OUT

MAPS holds float32 .npy: input [3,224,224] and, for each class, <class>-cam-raw, -gradcam-raw, -hirescam-raw, -layercam-raw [7,7],
-gradient, -guided, -deconvnet, -integrated (64 steps, the middles, from 0) [3,224,224], -occlusion [224,224] (patch 32, stride 16), made by PyTorch 2.15 and Captum 0.9
on the weights of models/efficientnet-lite0. OUT gets the same names, as small as they can be without telling the tests anything else:

    input               uint8: the network sees (v - 127) / 128, exactly
    *-raw               float32
    *-occlusion         float32 [14,14]: the maps are constant on squares of 16 x 16 pixels, which is checked
    -integrated         float16 [3,56,56]: every fourth pixel of every fourth row, from the third on; scaled as the others
    the others          float16, divided by their largest absolute value, which is in scales.json

Needs NumPy.
"""
import json
import os
import sys

import numpy as np

CLASSES = ["egyptian-cat", "espresso"]


def main(maps, out):
    os.makedirs(out, exist_ok=True)
    load = lambda name: np.load(os.path.join(maps, name + ".npy"))
    save = lambda name, value: np.save(os.path.join(out, name + ".npy"), np.ascontiguousarray(value))
    x = load("input")
    pixels = np.rint(x * 128 + 127).astype(np.uint8)
    assert np.array_equal((pixels.astype(np.float32) - 127) / 128, x)
    save("input", pixels)
    scales = {}
    for c in CLASSES:
        for kind in ("cam-raw", "gradcam-raw", "hirescam-raw", "layercam-raw"):
            save(f"{c}-{kind}", load(f"{c}-{kind}"))
        for kind in ("gradient", "guided", "deconvnet", "integrated"):
            value = load(f"{c}-{kind}")
            if kind == "integrated":
                value = value[:, 2::4, 2::4]
            scale = scales[f"{c}-{kind}"] = float(np.abs(value).max())
            save(f"{c}-{kind}", (value / scale).astype(np.float16))
            off = np.linalg.norm((value / scale).astype(np.float16).astype(np.float32) * scale - value) / np.linalg.norm(value)
            print(f"{c}-{kind}: scale {scale:.4g}, float16 off by {off:.1e}")
        occlusion = load(f"{c}-occlusion")
        blocks = occlusion[::16, ::16]
        assert np.array_equal(np.kron(blocks, np.ones((16, 16), np.float32)), occlusion)
        save(f"{c}-occlusion", blocks)
    with open(os.path.join(out, "scales.json"), "w") as file:
        json.dump(scales, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
