"""Networks in the forms of opsets 7 to 11, with PyTorch's own gradient, for scripts/check-networks.ts.

    python scripts/old_networks.py OUT [NAME ...] [--opset 7 8 9 10 11] [--picture examples/cat-and-coffee.jpg]

Writes OUT/WAY-OPSET/NAME/ with model.onnx, input.npy, output.npy, grad_input.npy and meta.json. The ways:

- exported: PyTorch's exporter at that opset
- converted: onnx.version_converter, from opset 12 down (where it has a way: onnx 1.23 goes down to 11, and with SqueezeNet to 10)
- old: the exported file rewritten to what exporters of the time wrote: IR version 3, which lists initialisers as inputs too;
  BatchNormalization unfolded, with `spatial` and `momentum`; Dropout with two outputs; the pads of the first convolution in a `Pad` node
  with attributes; `Upsample` (`Resize` at opset 10), of which an AveragePool takes the mean again, so that the gradient stays

Weights are random (seed 0); batch-norm statistics come from a few forward passes. Nothing is downloaded. Needs torch, torchvision, onnx,
onnxscript, onnxruntime, Pillow and NumPy.
"""
import argparse
import json
import os
import traceback
import warnings

warnings.filterwarnings("ignore")
import numpy as np
import onnx
import onnxruntime as ort
import torch
import torchvision
from onnx import helper, numpy_helper, version_converter
from PIL import Image

NETWORKS = ("resnet18", "mobilenet_v2", "squeezenet1_1")
SIDE = 224


def build(name, x):
    torch.manual_seed(0)
    model = torchvision.models.get_model(name, weights=None)
    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    if norms:
        model.train()
        for m in norms:
            m.reset_running_stats()
            m.momentum = None
        with torch.no_grad():
            for _ in range(2):
                model(torch.cat([x, x.flip(3), torch.randn_like(x), x.roll(40, 2)]))
        for m in norms:
            m.momentum = 0.1
    return model.eval()


def exported(model, x, opset, path):
    torch.onnx.export(model, (x,), path, dynamo=False, opset_version=opset, input_names=["input"], output_names=["output"],
                      dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}},
                      training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)


def converted(model, x, opset, path):
    torch.onnx.export(model, (x,), path, dynamo=False, opset_version=12, input_names=["input"], output_names=["output"])
    onnx.save(version_converter.convert_version(onnx.load(path), opset), path)


def upsampled(graph, value, opset):
    """Nodes that double `value` and take the mean again, and the value they make."""
    scales = [1.0, 1.0, 2.0, 2.0]
    if opset < 9:
        up = helper.make_node("Upsample", [value], ["doubled"], mode="nearest", scales=scales)
    else:
        graph.initializer.append(numpy_helper.from_array(np.array(scales, np.float32), "scales"))
        up = helper.make_node("Upsample" if opset < 10 else "Resize", [value, "scales"], ["doubled"], mode="nearest")
    return [up, helper.make_node("AveragePool", ["doubled"], ["halved"], kernel_shape=[2, 2], strides=[2, 2])], "halved"


def old(model, x, opset, path):
    exported(model, x, opset, path)
    proto = onnx.load(path)
    graph = proto.graph
    nodes = []
    for node in graph.node:
        if node.op_type == "BatchNormalization" and opset < 9:
            node.attribute.append(helper.make_attribute("spatial", 1))
        if node.op_type == "Dropout":
            del node.output[1:]
            node.output.append(node.output[0] + "_mask")
        nodes.append(node)
    first = next(n for n in nodes if n.op_type == "Conv")
    if opset < 11:
        extra, value = upsampled(graph, first.input[0], opset)
        pads = next(a for a in first.attribute if a.name == "pads")
        top, left, bottom, right = pads.ints
        first.attribute.remove(pads)
        whole = [0, 0, top, left, 0, 0, bottom, right]
        extra.append(helper.make_node("Pad", [value], ["padded"], mode="constant", pads=whole, value=0.0))
        first.input[0] = "padded"
        nodes = extra + nodes
    del graph.node[:]
    graph.node.extend(nodes)
    listed = {i.name for i in graph.input}
    for t in graph.initializer:
        if t.name not in listed:
            graph.input.append(helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)))
    proto.ir_version = 3
    onnx.checker.check_model(proto)
    onnx.save(proto, path)


WAYS = {"exported": exported, "converted": converted, "old": old}


def one(name, out, opsets, x):
    model = build(name, x)
    x = x.clone().requires_grad_(True)
    y = model(x)
    target = int(y[0].argmax())
    (gradient,) = torch.autograd.grad(y[0, target], x)
    x, failed = x.detach(), 0
    for way, make in WAYS.items():
        for opset in opsets:
            folder = os.path.join(out, f"{way}-{opset}", name)
            os.makedirs(folder, exist_ok=True)
            path = os.path.join(folder, "model.onnx")
            try:
                with torch.no_grad():
                    make(model, x, opset, path)
                options = ort.SessionOptions()
                options.log_severity_level = 3
                answer = ort.InferenceSession(path, options).run(None, {"input": x.numpy()})[0]
            except Exception:  # noqa: BLE001: all are reported
                failed += 1
                os.path.exists(path) and os.remove(path)
                os.rmdir(folder)
                print(f"{name}, {way}-{opset}: failed: {traceback.format_exc().splitlines()[-1][:200]}", flush=True)
                continue
            want = y.detach().numpy()
            off = float(np.linalg.norm(answer - want) / np.linalg.norm(want))
            for file, value in (("input", x.numpy()), ("output", want), ("grad_input", gradient.numpy())):
                np.save(os.path.join(folder, file + ".npy"), value)
            with open(os.path.join(folder, "meta.json"), "w") as file:
                json.dump(dict(arch=name, target=target, exporter=way, opset=opset), file, indent=1)
            proto = onnx.load(path)
            operators = sorted({n.op_type for n in proto.graph.node})
            print(f"{name}, {way}-{opset}: IR {proto.ir_version}, {len(proto.graph.input)} inputs, logits off by {off:.1e}, "
                  f"{' '.join(operators)}", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("name", nargs="*")
    parser.add_argument("--opset", type=int, nargs="+", default=[7, 8, 9, 10, 11])
    parser.add_argument("--picture", default="examples/cat-and-coffee.jpg")
    args = parser.parse_args()
    pixels = np.asarray(Image.open(args.picture).convert("RGB").resize((SIDE, SIDE), Image.BICUBIC)).transpose(2, 0, 1)
    x = torch.from_numpy((pixels.astype(np.float32) - 127) / 64)[None].contiguous()
    failed = sum(one(name, args.out, args.opset, x) for name in args.name or NETWORKS)
    print(f"{failed} could not be made")


if __name__ == "__main__":
    main()
