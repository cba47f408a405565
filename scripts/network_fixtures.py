"""Small networks with PyTorch's own gradients, for test/networks.

    python scripts/network_fixtures.py OUT [NAME ...] [--picture examples/cat-and-coffee.jpg]

Writes OUT/input.npy (the picture at 96 x 96, uint8 [3,96,96]; the networks see (v - 127) / 128), for each network
OUT/NAME.onnx (its large weights as float16 and a Cast, as in the shipped model) and OUT/NAME.npy (float16
[classes,3,96,96]: the gradient of each class' logit by the input, divided by its scale), and OUT/networks.json (classes,
scales, logits, opset). For the networks of CURVED also OUT/NAME.curvature.npy (float16, divided by its scale): with g the
gradient of the first class' logit by the input and v[i] = sin(i), the gradient of <g, v> by the input and then by one weight, flat.

Weights are random (seed 0) and rounded to float16 before anything is computed; batch-norm statistics come from a few
forward passes, so that gradients neither vanish nor explode. Logits and gradients are PyTorch's, in float64. Nothing is
downloaded. Needs torch, torchvision, timm, onnx, onnxscript, onnxruntime, Pillow and NumPy.
"""
import argparse
import json
import os
import warnings

warnings.filterwarnings("ignore")
import numpy as np
import onnx
import onnxruntime as ort
import torch
import torchvision
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

SIDE = 96
CLASSES = 20
LARGE = 256  # elements


def timm_model(name, **options):
    import timm

    return timm.create_model(name, pretrained=False, num_classes=CLASSES, exportable=True, **options)


# name -> (builder, opset, exporter)
NETWORKS = {
    "resnet": (lambda: timm_model("test_resnet"), 13, "torchscript"),
    "efficientnet": (lambda: timm_model("test_efficientnet"), 17, "torchscript"),
    "byobnet": (lambda: timm_model("test_byobnet"), 18, "torchscript"),
    "convnext": (lambda: timm_model("test_convnext"), 17, "torchscript"),
    "vit": (lambda: timm_model("test_vit", img_size=SIDE), 20, "dynamo"),
    "shufflenet": (lambda: torchvision.models.ShuffleNetV2([2, 2, 2], [8, 24, 48, 96, 96], num_classes=CLASSES), 11, "torchscript"),
    "densenet": (lambda: torchvision.models.DenseNet(8, (2, 3), 16, num_classes=CLASSES), 9, "torchscript"),
}


# name -> the weight by which <g, v> is differentiated too (by the input a network of Relu and Conv has no curvature)
CURVED = {
    "resnet": "conv1.0.weight",
    "efficientnet": "conv_stem.weight",
    "byobnet": "stem.conv.weight",
    "convnext": "stem.0.weight",
    "vit": "patch_embed.proj.weight",
}


def prepare(model, x):
    """Random weights on a sane scale, rounded to float16 where they are many."""
    for name, p in model.named_parameters():
        # layer scales and some heads start near zero, which would hide a wrong branch
        if name.endswith(("layer_scale", "gamma", "gamma_1", "gamma_2")) and p.numel() > 1 and p.abs().max() < 1e-3:
            p.data.uniform_(0.2, 1.0)
        if p.dim() > 1 and not p.abs().max():
            p.data.normal_(std=0.02)
        if p.numel() >= LARGE:
            p.data = p.data.half().float()
    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    if norms:
        model.train()
        for m in norms:
            m.reset_running_stats()
            m.momentum = None
        with torch.no_grad():
            for _ in range(2):
                model(torch.cat([x, x.flip(3), torch.randn_like(x), x.roll(20, 2)]))
    return model.eval()


def halve_weights(model):
    """Weights that float16 holds exactly become float16 with a Cast behind them."""
    casts, kept = [], []
    for t in model.graph.initializer:
        value = numpy_helper.to_array(t)
        half = value.astype(np.float16) if value.dtype == np.float32 else None
        if half is None or value.size < LARGE or not np.array_equal(half.astype(np.float32), value):
            kept.append(t)
            continue
        kept.append(numpy_helper.from_array(half, t.name + "/float16"))
        casts.append(helper.make_node("Cast", [t.name + "/float16"], [t.name], name=t.name + "/Cast", to=TensorProto.FLOAT))
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(casts + nodes)


def export(model, x, path, opset, exporter):
    names = dict(input_names=["input"], output_names=["logits"])
    if exporter == "dynamo":
        torch.onnx.export(model, (x,), path, dynamo=True, external_data=False, verbose=False, opset_version=opset, **names)
    else:
        axes = {"input": {0: "batch"}, "logits": {0: "batch"}}
        # PRESERVE: batch norms are not folded into the convolutions, whose weights stay as they were rounded
        torch.onnx.export(model, (x,), path, dynamo=False, opset_version=opset, dynamic_axes=axes,
                          training=torch.onnx.TrainingMode.PRESERVE, **names)
    proto = onnx.load(path)
    halve_weights(proto)
    del proto.graph.value_info[:]
    for n in proto.graph.node:
        n.doc_string = ""
        del n.metadata_props[:]
    del proto.metadata_props[:]
    onnx.checker.check_model(proto)
    onnx.save(proto, path)


def one(name, out, x):
    build, opset, exporter = NETWORKS[name]
    torch.manual_seed(0)
    model = prepare(build(), x)
    path = os.path.join(out, name + ".onnx")
    with torch.no_grad():
        export(model, x, path, opset, exporter)
    exact, xd = model.double(), x.double().requires_grad_(True)
    y = exact(xd)[0]
    order = torch.argsort(y, descending=True).tolist()
    classes = [order[0], order[-1]]
    gradients = [torch.autograd.grad(y[c], xd, retain_graph=True)[0][0].numpy() for c in classes]
    scales = [float(np.abs(g).max()) for g in gradients]
    np.save(os.path.join(out, name + ".npy"), np.stack([g / s for g, s in zip(gradients, scales)]).astype(np.float16))
    curved = curvature(name, exact, xd, order[0], out) if name in CURVED else {}
    answer = ort.InferenceSession(path).run(None, {"input": x.numpy()})[0][0]
    off = float(np.linalg.norm(answer - y.detach().numpy()) / np.linalg.norm(answer))
    assert off < 1e-4, f"{name}: ONNX Runtime answers otherwise than PyTorch: {off}"
    operators = sorted({n.op_type for n in onnx.load(path).graph.node})
    print(f"{name}: {os.path.getsize(path) // 1024} KiB, logits off by {off:.1e}, {' '.join(operators)}", flush=True)
    return dict(name=name, opset=opset, exporter=exporter, classes=classes, scales=scales, logits=y.tolist(), **curved)


def curvature(name, model, x, c, out):
    """Hessian-vector products by PyTorch's double backward."""
    weight = dict(model.named_parameters())[CURVED[name]]
    (g,) = torch.autograd.grad(model(x)[0, c], x, create_graph=True)
    v = torch.sin(torch.arange(x.numel(), dtype=torch.float64)).reshape(x.shape)
    found = torch.autograd.grad((g * v).sum(), [x, weight], allow_unused=True)
    flat = [(torch.zeros_like(t) if h is None else h).detach().flatten().numpy() for h, t in zip(found, [x, weight])]
    scales = [float(np.abs(h).max()) for h in flat]
    np.save(os.path.join(out, name + ".curvature.npy"), np.concatenate([h / (s or 1) for h, s in zip(flat, scales)]).astype(np.float16))
    return dict(curvature=dict(weight=CURVED[name], scales=scales))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("name", nargs="*")
    parser.add_argument("--picture", default="examples/cat-and-coffee.jpg")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    pixels = np.asarray(Image.open(args.picture).convert("RGB").resize((SIDE, SIDE), Image.BICUBIC)).transpose(2, 0, 1)
    np.save(os.path.join(args.out, "input.npy"), np.ascontiguousarray(pixels))
    x = torch.from_numpy((pixels.astype(np.float32) - 127) / 128)[None].contiguous()
    networks = [one(name, args.out, x) for name in args.name or NETWORKS]
    with open(os.path.join(args.out, "networks.json"), "w") as file:
        json.dump(dict(torch=torch.__version__, side=SIDE, networks=networks), file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
