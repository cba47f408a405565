"""Reference maps of propagation methods, for test/methods/agreement: relevance by zennit, DeepLIFT by Captum, excitation backprop by TorchRay.

    python scripts/propagation_fixtures.py OUT [NETWORK ...]

On `shipped`, `resnet` and `vgg` (a small network of convolutions, batch norm, a residual block, max pooling and fully connected layers, which is written to
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

NETWORKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../test/fixtures/networks")
IMAGENET = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


class Block(torch.nn.Module):
    """A residual block, its parts named as timm's."""

    downsample = None

    def __init__(self, channels):
        super().__init__()
        self.conv1, self.bn1 = torch.nn.Conv2d(channels, channels, 3, padding=1, bias=False), torch.nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = torch.nn.Conv2d(channels, channels, 3, padding=1, bias=False), torch.nn.BatchNorm2d(channels)
        self.act1, self.act2 = torch.nn.ReLU(), torch.nn.ReLU()

    def forward(self, x):
        return self.act2(self.bn2(self.conv2(self.act1(self.bn1(self.conv1(x))))) + x)


def residual_blocks():
    from timm.models.resnet import BasicBlock, Bottleneck

    return Block, BasicBlock, Bottleneck


class TimmResNet(AttributeCanonizer):
    """timm's residual blocks with a module for their sum, as zennit's ResNetCanonizer does with torchvision's."""

    def __init__(self):
        super().__init__(self.attributes)

    @staticmethod
    def attributes(name, module):
        if not isinstance(module, residual_blocks()):
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
    """The same for the shipped model."""

    def __init__(self):
        super().__init__(lambda name, m: {"forward": types.MethodType(shipped_forward, m), "canonizer_sum": Sums()} if hasattr(m, "acts") else None)


class Sums(torch.nn.Module):
    """A Sum for each residual sum."""

    def __init__(self):
        super().__init__()
        self.all = torch.nn.ModuleList(Sum() for _ in range(16))


def shipped_forward(self, x):
    """reference_networks.Net.forward, with a module for each activation and sum."""
    n, acts, sums = self.net, iter(self.acts), iter(getattr(self, "canonizer_sum", Sums()).all)
    x = next(acts)(n._conv_stem(x))
    for b in n._blocks:
        y = next(acts)(b._expand_conv(x)) if hasattr(b, "_expand_conv") else x
        y = b._project_conv(next(acts)(b._depthwise_conv(y)))
        same = y.shape == x.shape and b._block_args.id_skip and b._block_args.stride in (1, [1])
        x = next(sums)(torch.stack([x, y], dim=-1)) if same else y
    x = self.features(next(acts)(n._conv_head(x)))
    return n._fc(self.pool(x).flatten(1))


def shipped_in_modules():
    net = shipped()
    with torch.no_grad():
        x = picture()
        want = net(x)
        net.acts = torch.nn.ModuleList(torch.nn.ReLU6() for _ in range(64))
        net.pool = torch.nn.AdaptiveAvgPool2d(1)
        net.__class__ = type("Apart", (type(net),), {"forward": shipped_forward})
        assert torch.allclose(net(x), want, atol=1e-4)
    return net, x


def vgg():
    """A network like VGG with batch norm and one residual block, 96 x 96 pixels to 20 classes; its picture that of the other small networks."""
    from network_fixtures import CLASSES, SIDE, prepare

    pixels = np.load(os.path.join(NETWORKS, "input.npy")).astype(np.float32)
    x = torch.from_numpy((pixels - 127) / 128)[None].contiguous()
    torch.manual_seed(0)
    layers = []
    for i, (c, m) in enumerate([(3, 8), (8, 12), (12, 16), (16, 24)]):
        norm = [torch.nn.BatchNorm2d(m)] if i < 3 else []
        block = [Block(m)] if i == 1 else []
        layers += [torch.nn.Conv2d(c, m, 3, padding=1), *norm, torch.nn.ReLU(), *block, torch.nn.MaxPool2d(2)]
    head = [torch.nn.Flatten(), torch.nn.Linear(24 * (SIDE // 16) ** 2, 24), torch.nn.ReLU(), torch.nn.Dropout(), torch.nn.Linear(24, CLASSES)]
    net = torch.nn.Sequential(*layers, *head)
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.weight.data.uniform_(0.5, 1.5)
            m.bias.data.normal_(std=0.2)
    return prepare(net, x), x


def write_vgg(net, x):
    from network_fixtures import export

    path = os.path.join(NETWORKS, "vgg.onnx")
    if not os.path.exists(path):
        export(net, x, path, 17, "torchscript")
        print(path, os.path.getsize(path), "bytes")


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


def scatter_maxpool(module, pool_func, unpool_func, inputs, outputs, grad_input, grad_output, eps=1e-10):
    """Captum's maxpool with max_unpool's overwriting replaced by adding: windows of ResNet's MaxPool overlap, and max_unpool keeps one of them."""
    with torch.no_grad():
        x, x_ref = inputs.chunk(2)
        y, y_ref = outputs.chunk(2)
        further = torch.max(y, y_ref)
        delta_out = torch.cat([further - y_ref, y - further])
        _, indices = pool_func(module.input, module.kernel_size, module.stride, module.padding, module.dilation, module.ceil_mode, True)
        flat = torch.zeros_like(inputs).flatten(2)
        flat.scatter_add_(2, indices.flatten(2), (grad_output * delta_out).flatten(2))
        a, b = flat.reshape(inputs.shape).chunk(2)
        parts, delta_in = torch.cat(2 * [a + b]), torch.cat(2 * [x - x_ref])
    return torch.where(delta_in.abs() < eps, grad_input, parts / delta_in)


class Copy(torch.nn.Module):
    """Between a ReLU and a MaxPool: where one of Captum's modules reads what another one gives, the other one misses its multipliers."""

    def forward(self, x):
        return x * 1


def deep_lift(out, network, net, x, c, adding=False):
    from captum.attr import DeepLift
    from captum.attr._core import deep_lift as captum

    captum.SUPPORTED_NON_LINEAR[torch.nn.ReLU6] = captum.nonlinear
    if adding:
        captum.maxpool = scatter_maxpool
    a = DeepLift(net).attribute(x, torch.zeros_like(x), target=c)[0].detach()
    with torch.no_grad():
        rise = float(net(x)[0, c] - net(torch.zeros_like(x))[0, c])
    print("DeepLIFT: sum", float(a.sum()), "change of the score", rise)
    store(out, "deep-lift", network, a.numpy())


def excitation(out, network, net, x, c, layer, contrast_layer, name):
    from torchray.attribution import excitation_backprop as ebp

    for p in net.parameters():
        p.requires_grad_(False)
    plain = ebp.excitation_backprop(net, x.clone().requires_grad_(True), c, saliency_layer=layer)
    store(out, f"excitation-backprop{name}", network, plain[0, 0].detach().numpy())
    other = ebp.contrastive_excitation_backprop(net, x.clone().requires_grad_(True), c, saliency_layer=layer, contrast_layer=contrast_layer)
    store(out, f"contrastive-excitation-backprop{name}", network, other[0, 0].detach().numpy())


def torchray_sums(net):
    """timm's residual blocks with TorchRay's sum, as its update_resnet does with torchvision's."""
    from torchray.attribution.excitation_backprop import EltwiseSum

    for block in net.modules():
        if isinstance(block, residual_blocks()):
            skip = EltwiseSum()
            block.canonizer_sum = lambda both, skip=skip: skip(both[..., 0], both[..., 1])
            block.forward = types.MethodType(block_forward, block)
    return net


def apart(net):
    for m in net.modules():
        if hasattr(m, "inplace"):
            m.inplace = False
    return net


def main(out, networks):
    os.makedirs(out, exist_ok=True)
    if "vgg" in networks:
        net, x = vgg()
        write_vgg(net, x)
        c = int(net(x)[0].argmax())
        print("vgg: class", c)
        relevance(out, "vgg", net, x, c, [CompositeCanonizer((SequentialMergeBatchNorm(), TimmResNet()))])
        spaced = [m for layer in apart(net) for m in ((Copy(), layer) if isinstance(layer, torch.nn.MaxPool2d) else (layer,))]
        deep_lift(out, "vgg", torch.nn.Sequential(*spaced), x, c)
        torchray_sums(net)
        excitation(out, "vgg", net, x, c, net[14], net[18], "")
        excitation(out, "vgg", net, x, c, net[6], net[18], "-block")
    if "shipped" in networks:
        net, x = shipped_in_modules()
        relevance(out, "shipped", net, x, 967, [ShippedSums()])
        deep_lift(out, "shipped", net, x, 967)
        excitation(out, "shipped", net, x, 967, net.features, net.pool, "")
    if "resnet" in networks:
        net, x = small("resnet")
        c = int(net(x)[0].argmax())
        print("resnet: class", c)
        relevance(out, "resnet", net, x, c, [CompositeCanonizer((SequentialMergeBatchNorm(), TimmResNet()))])
        pool, net.maxpool = net.maxpool, torch.nn.Sequential(Copy(), net.maxpool)
        deep_lift(out, "resnet", apart(net), x, c, adding=True)
        net.maxpool = pool
        torchray_sums(net)
        excitation(out, "resnet", net, x, c, net.layer4, net.global_pool, "")
        excitation(out, "resnet", net, x, c, net.layer3, net.global_pool, "-layer3")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:] or ["vgg", "shipped", "resnet"])
