"""Networks that answer with a map of classes, with random weights. See scripts/vision_language_networks.py."""

import torch
from target_captioners import livelier
from target_store import Network, calibrate, onnx_export, optimum_export, picture
from torchvision.models import segmentation
from transformers import SegformerConfig, SegformerForSemanticSegmentation


def regions(logits):
    """The places of the two most frequent classes, as [class, bool [h,w]]."""
    best = logits[0].argmax(0)
    classes = best.flatten().bincount().argsort(descending=True)[:2].tolist()
    return [[c, best == c] for c in classes]


def sums(name):
    return lambda o: [
        [{"kind": "region", "class": c, "mask": "where this class is the best"}, o[name][0, c][mask].sum()]
        for c, mask in regions(o[name])
        if mask.any()
    ]


def segformer(small):
    """SegFormer-B0 as optimum writes it: logits [N,classes,H/4,W/4]."""
    small_size = dict(hidden_sizes=[8, 8, 16, 16], num_attention_heads=[1, 1, 2, 2], depths=[1, 1, 1, 1], decoder_hidden_size=16)
    model = livelier(SegformerForSemanticSegmentation(SegformerConfig(num_labels=4 if small else 150, **(small_size if small else {}))))
    x = picture(64, 64) if small else picture(512, 512)
    calibrate(model, lambda: model(x))
    return Network(
        model, {"pixel_values": x}, lambda pixel_values: {"logits": model(pixel_values).logits}, sums("logits"), "logits",
        lambda folder: optimum_export(model, folder, "semantic-segmentation"), model.segformer.encoder.layer_norm[-1],
    )  # fmt: skip


class Out(torch.nn.Module):
    """torchvision's segmentation network without its dictionary."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x)["out"]


def spread(head, logits):
    """Scale the last convolution so that the classes' scores differ by about 2, and no class is the best everywhere."""
    with torch.no_grad():
        y = logits()
        centre, scale = y.mean((0, 2, 3)), 2 / y.std()
        head.weight.mul_(scale)
        head.bias.copy_((head.bias - centre) * scale)


def of_torchvision(name, small_version=None):
    def build(small):
        model = small_version() if small else segmentation.__dict__[name](weights=None, weights_backbone=None, num_classes=21)
        net = Out(model.eval())
        x = picture(64, 48) if small else picture(320, 320)
        calibrate(net, lambda: net(x))
        last = [m for m in model.classifier.modules() if isinstance(m, torch.nn.Conv2d)]
        for head in last[-2:] if name.startswith("lraspp") else last[-1:]:
            if head.bias is not None:
                spread(head, lambda: net(x))
        free = {"input": {0: "batch"}, "out": {0: "batch"}}
        return Network(
            net, {"input": x}, lambda input: {"out": net(input)}, sums("out"), "out",
            lambda folder: onnx_export(net, (x,), f"{folder}/model.onnx", ["input"], ["out"], free), model.backbone,
        )  # fmt: skip

    return build


class Backbone(torch.nn.Sequential):
    """Three convolutions; the last two maps by name."""

    def __init__(self):
        block = lambda i, o, s, d: torch.nn.Sequential(torch.nn.Conv2d(i, o, 3, s, d, d, bias=False), torch.nn.BatchNorm2d(o), torch.nn.ReLU())
        super().__init__(block(3, 8, 2, 1), block(8, 12, 2, 1), block(12, 16, 2, 1), block(16, 16, 1, 2))

    def forward(self, x):
        low = self[1](self[0](x))
        high = self[3](self[2](low))
        return {"low": low, "out": high, "high": high}


def tiny(kind):
    def build():
        if kind == "lraspp":
            return segmentation.LRASPP(Backbone(), 12, 16, 4, 16)
        if kind == "fcn":
            return segmentation.FCN(Backbone(), segmentation.fcn.FCNHead(16, 4))
        # torchvision's DeepLabHead with 12 channels instead of 256
        aspp, conv = segmentation.deeplabv3.ASPP(16, [2, 4], 12), torch.nn.Conv2d(12, 12, 3, 1, 1, bias=False)
        return segmentation.DeepLabV3(
            Backbone(), torch.nn.Sequential(aspp, conv, torch.nn.BatchNorm2d(12), torch.nn.ReLU(), torch.nn.Conv2d(12, 4, 1))
        )

    return build


NETWORKS = {
    "segformer": segformer,
    "deeplabv3": of_torchvision("deeplabv3_resnet50", tiny("deeplabv3")),
    "fcn": of_torchvision("fcn_resnet50", tiny("fcn")),
    "lraspp": of_torchvision("lraspp_mobilenet_v3_large", tiny("lraspp")),
}
