"""Reference maps of propagation methods, for test/methods/agreement: relevance by zennit, DeepLIFT by Captum, excitation backprop by TorchRay.

    python scripts/propagation_fixtures.py OUT [NETWORK ...]

On `shipped`, `resnet` and `vgg` (a small network of convolutions, batch norm, max pooling and fully connected layers, which is written to
test/fixtures/networks/vgg.onnx where that is missing). Pixel maps are stored as float16 [3,H/4,W/4], the middle pixels of every 4 x 4, relevance
times the logit (zennit starts with 1, onnxplain with the score), divided by their largest value; maps at a layer whole. Batch norm is merged and
residual sums are split by zennit's own canonizers, which are told of timm's blocks here. Needs torch 2.15, zennit 0.5.1, captum 0.9, torchray 1.0.0.2.
"""
import os
import sys
import types

import numpy as np
import torch
import zennit.composites as zc
from reference_networks import picture, shipped, small
from zennit.attribution import Gradient
from zennit.canonizers import AttributeCanonizer, CompositeCanonizer, SequentialMergeBatchNorm
from zennit.composites import LayerMapComposite, layer_map_base
from zennit.layer import Sum
from zennit.rules import Epsilon, ZPlus
from zennit.types import Linear

IMAGENET = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def relu(block, x):
    return getattr(block, "act2" if hasattr(block, "conv3") is False else "act3")(x)


class TimmResNet(AttributeCanonizer):
    """timm's residual blocks with a module for their sum, as zennit's ResNetCanonizer does with torchvision's."""

    def __init__(self):
        super().__init__(self.attributes)

    @staticmethod
    def attributes(name, module):
        from timm.models.resnet import BasicBlock, Bottleneck

        if not isinstance(module, (BasicBlock, Bottleneck)):
            return None
        return {"forward": types.MethodType(block_forward, module), "canonizer_sum": Sum()}


def block_forward(self, x):
    shortcut = x if self.downsample is None else self.downsample(x)
    y = self.act1(self.bn1(self.conv1(x)))
    y = self.bn2(self.conv2(y))
    if hasattr(self, "conv3"):
        y = self.bn3(self.conv3(self.act2(y)))
    y = self.canonizer_sum(torch.stack([shortcut, y], dim=-1))
    return (self.act3 if hasattr(self, "conv3") else self.act2)(y)


class ShippedSums(AttributeCanonizer):
    def __init__(self):
        super().__init__(lambda name, m: {"forward": types.MethodType(shipped_forward, m), "canonizer_sum": Sum()} if name == "" else None)


def composites(low, high, canonizers):
    base = layer_map_base()
    return {
        "lrp": zc.EpsilonPlusFlat(canonizers=canonizers),
        "lrp-gamma": zc.EpsilonGammaBox(low=low, high=high, canonizers=canonizers),
        "lrp-alpha-beta": zc.EpsilonAlpha2Beta1Flat(canonizers=canonizers),
        "lrp-epsilon": LayerMapComposite(base + [(Linear, Epsilon(1e-6))], canonizers=canonizers),
        "lrp-z-plus": LayerMapComposite(base + [(Linear, ZPlus())], canonizers=canonizers),
    }


def box(x):
    """The values of black and of white after the usual ImageNet preprocessing, which is what onnxplain takes without another one."""
    mean, std = IMAGENET
    plane = lambda v: torch.tensor((v - mean) / std, dtype=x.dtype).reshape(1, 3, 1, 1).expand_as(x).contiguous()
    return plane(0.0), plane(1.0)


def store(out, name, network, map):
    map = np.asarray(map, dtype=np.float64)
    if map.ndim == 3:
        map = map[:, 2::4, 2::4]
    path = os.path.join(out, f"{network}-{name}.npy")
    np.save(path, (map / np.abs(map).max()).astype(np.float16))
    print(path, map.shape, f"sum {map.sum():.4g}", flush=True)


def relevance(out, network, net, x, c, canonizers):
    with torch.no_grad():
        y = net(x)
    for name, composite in composites(*box(x), canonizers).items():
        seed = torch.nn.functional.one_hot(torch.tensor([c]), y.shape[1]).to(y)
        with Gradient(model=net, composite=composite) as attributor:
            _, r = attributor(x.clone(), seed)
        store(out, name, network, r[0].detach().numpy() * float(y[0, c]))


def main(out, networks):
    os.makedirs(out, exist_ok=True)
    if "resnet" in networks:
        net, x = small("resnet")
        c = int(net(x)[0].argmax())
        print("resnet: class", c)
        relevance(out, "resnet", net, x, c, [CompositeCanonizer((SequentialMergeBatchNorm(), TimmResNet()))])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:] or ["resnet", "vgg", "shipped"])
