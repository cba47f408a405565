"""Small networks of volumes, clips, signals and many channels with PyTorch's own maps, for test/networks/shapes.test.ts.

    python scripts/shape_fixtures.py test/fixtures/shapes

For each network writes OUT/NAME.onnx and OUT/NAME.input.npy, OUT/NAME.gradient.npy (of one class' logit by the input) and OUT/NAME.cam.npy
(Grad-CAM at the last feature map: the mean gradient of each channel over all places, times the channel, summed; before the ReLU), all
float32 without the batch axis, and OUT/shapes.json (logits, the class, the layer's value name, PyTorch's version).

Weights and inputs are random (seed 0); maps are PyTorch's, in float64. Nothing is downloaded. Needs torch, torchvision, onnx, NumPy.
"""
import json
import os
import sys
import warnings

warnings.filterwarnings("ignore")
import numpy as np
import onnx
import torch
from torch import nn
from torchvision.models.video.resnet import BasicBlock, Conv3DSimple

CLASSES = 5


class Clip3d(nn.Module):
    """r3d in small: torchvision's blocks with few channels."""

    def __init__(self):
        super().__init__()
        stem = nn.Conv3d(3, 6, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False)
        down = nn.Sequential(nn.Conv3d(6, 10, 1, 2, bias=False), nn.BatchNorm3d(10))
        self.stem = nn.Sequential(stem, nn.BatchNorm3d(6), nn.ReLU())
        self.blocks = nn.Sequential(BasicBlock(6, 6, Conv3DSimple), BasicBlock(6, 10, Conv3DSimple, 2, down))
        self.pool = nn.AdaptiveAvgPool3d(1)
        self.fc = nn.Linear(10, CLASSES)

    def features(self, x):
        return self.blocks(self.stem(x))

    def head(self, f):
        return self.fc(self.pool(f).flatten(1))


class Volume(nn.Module):
    """A scan of one channel: smooth activations, max-pooling in three directions."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv3d(1, 6, 3, padding=1), nn.ELU(), nn.MaxPool3d(2), nn.Conv3d(6, 8, 3, padding=1), nn.InstanceNorm3d(8, affine=True), nn.ELU()
        )
        self.fc = nn.Linear(8, CLASSES)

    def features(self, x):
        return self.body(x)

    def head(self, f):
        return self.fc(f.amax((2, 3, 4)) + f.mean((2, 3, 4)))


class Frames(nn.Module):
    """A clip [N, T, C, H, W] whose frames go through a network of pictures as a batch, and are averaged behind it."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 6, 5, 2, 2), nn.ReLU(), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU())
        self.fc = nn.Linear(8, CLASSES)
        self.weight = nn.Linear(8, 1)

    def features(self, x):
        self.frames = x.shape[1]
        return self.body(x.flatten(0, 1))

    def head(self, f):
        each = f.mean((2, 3)).unflatten(0, (-1, self.frames))
        return self.fc((each * self.weight(each).softmax(1)).sum(1))


class Signal(nn.Module):
    """A signal of 12 channels, as an electrocardiogram."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv1d(12, 8, 7, 2, 3), nn.ReLU(), nn.Conv1d(8, 8, 5, padding=2), nn.ReLU())
        self.fc = nn.Linear(8, CLASSES)

    def features(self, x):
        return self.body(x)

    def head(self, f):
        return self.fc(f.mean(2))


class Bands(nn.Module):
    """A picture of 12 bands, of any size."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(12, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())
        self.fc = nn.Linear(8, CLASSES)

    def features(self, x):
        return self.body(x)

    def head(self, f):
        return self.fc(f.mean((2, 3)))


# name -> (network, shape without the batch, free axes)
NETWORKS = {
    "clip3d": (Clip3d, [3, 6, 24, 24], {0: "batch"}),
    "volume": (Volume, [1, 8, 16, 20], {0: "batch", 2: "depth", 3: "height", 4: "width"}),
    "frames": (Frames, [4, 3, 20, 20], {0: "batch"}),
    "signal": (Signal, [12, 64], {0: "batch"}),
    "bands": (Bands, [12, 20, 28], {0: "batch", 2: "height", 3: "width"}),
}


class Whole(nn.Module):
    def __init__(self, parts):
        super().__init__()
        self.parts = parts

    def forward(self, x):
        return self.parts.head(self.parts.features(x))


def layer_of(path, rank):
    """The last activation before the features are pooled, by its value name."""
    graph = onnx.load(path).graph
    return [n.output[0] for n in graph.node if n.op_type in ("Relu", "Elu")][-1]


def one(name, out):
    build, shape, free = NETWORKS[name]
    torch.manual_seed(0)
    parts = build()
    x = torch.randn(1, *shape)
    if name == "clip3d":
        parts.train()
        with torch.no_grad():
            for _ in range(20):
                parts.features(torch.randn(4, *shape))
    parts.eval()
    path = os.path.join(out, name + ".onnx")
    axes = {"input": free, "logits": {0: "batch"}}
    torch.onnx.export(Whole(parts).eval(), (x,), path, dynamo=False, opset_version=18, input_names=["input"], output_names=["logits"], dynamic_axes=axes)
    parts.double()
    xd = x.double().requires_grad_(True)
    f = parts.features(xd)
    y = parts.head(f)[0]
    target = int(y.argmax())
    gradient, by_layer = torch.autograd.grad(y[target], [xd, f])
    # frames that go through as a batch are places as well: the batch itself is 1
    places = (0, 2, 3) if name == "frames" else tuple(range(2, f.dim()))
    cam = (by_layer.mean(places, keepdim=True) * f).sum(1)
    cam = cam if name == "frames" else cam[0]
    for kind, value in dict(input=x[0], gradient=gradient[0], cam=cam).items():
        np.save(os.path.join(out, f"{name}.{kind}.npy"), value.detach().numpy().astype(np.float32))
    print(f"{name}: {os.path.getsize(path) // 1024} KiB, map {list(cam.shape)}", flush=True)
    return dict(name=name, target=target, logits=y.tolist(), layer=layer_of(path, f.dim()))


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    networks = [one(name, out) for name in NETWORKS]
    with open(os.path.join(out, "shapes.json"), "w") as file:
        json.dump(dict(torch=torch.__version__, networks=networks), file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
