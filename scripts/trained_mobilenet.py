"""MobileNet v2 trained for a few minutes on drawn textures, for scripts/quantised_networks.py.

    python scripts/trained_mobilenet.py OUT [--steps 240] [--picture examples/cat-and-coffee.jpg]

Writes OUT/mobilenet_v2_trained/: model.onnx (input `input`, output `output`, opset 17), input.npy (the picture, preprocessed) and
meta.json. The answers of a MobileNet v2 with random weights are chaotic: weights rounded to bfloat16 alone already change its last
feature map beyond what can be compared. A little training, which a quantised network has always had, takes that away. Nothing is
downloaded. Needs torch, torchvision, Pillow and NumPy.
"""
import argparse
import json
import math
import os

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image

SIDE = 96
CLASSES = 20


def drawings(r, count):
    """Gratings behind a soft window on a coloured background: five directions, two widths, two colours."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    classes = r.integers(0, CLASSES, count)
    out = np.zeros((count, 3, SIDE, SIDE), np.float32)
    for i, c in enumerate(classes):
        angle = math.pi * (c % 5) / 5 + 0.05 * r.normal()
        frequency = (0.25, 0.6)[(c // 5) % 2] * r.uniform(0.85, 1.15)
        grating = np.sin(frequency * (x * np.cos(angle) + y * np.sin(angle)) + r.uniform(0, 2 * math.pi))
        centre, spread = r.uniform(20, SIDE - 20, 2), r.uniform(12, 28)
        window = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * spread**2))
        colour = np.array([1, 0.3, -0.5] if c < 10 else [-0.5, 0.4, 1])
        ground = F.interpolate(torch.randn(1, 3, 6, 6), size=SIDE, mode="bilinear")[0].numpy() * 0.7
        out[i] = colour[:, None, None] * grating * window * 1.5 + ground + 0.1 * r.normal(size=(3, SIDE, SIDE))
    return torch.from_numpy(out), torch.from_numpy(classes)


def train(model, steps):
    r = np.random.default_rng(0)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    model.train()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * min(1, (step + 1) / 20) * 0.5 * (1 + math.cos(math.pi * step / steps))
        pictures, classes = drawings(r, 16)
        loss = F.cross_entropy(model(pictures)[:, :CLASSES], classes)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 20 == 0:
            print(f"step {step}: loss {float(loss.detach()):.2f}", flush=True)
    return model.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--steps", type=int, default=240)
    parser.add_argument("--picture", default="examples/cat-and-coffee.jpg")
    args = parser.parse_args()
    torch.manual_seed(0)
    model = train(torchvision.models.mobilenet_v2(weights=None), args.steps)
    pixels = np.asarray(Image.open(args.picture).convert("RGB").resize((224, 224), Image.BICUBIC)).astype(np.float32) / 255
    mean, std = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
    x = torch.from_numpy(((pixels - mean) / std).transpose(2, 0, 1)[None].copy())
    folder = os.path.join(args.out, "mobilenet_v2_trained")
    os.makedirs(folder, exist_ok=True)
    np.save(os.path.join(folder, "input.npy"), x.numpy())
    with open(os.path.join(folder, "meta.json"), "w") as file:
        json.dump(dict(target=int(model(x)[0].argmax())), file)
    axes = {"input": {0: "batch"}, "output": {0: "batch"}}
    torch.onnx.export(model, (x,), os.path.join(folder, "model.onnx"), dynamo=False, dynamic_axes=axes, input_names=["input"],
                      output_names=["output"], opset_version=17)  # fmt: skip


if __name__ == "__main__":
    main()
