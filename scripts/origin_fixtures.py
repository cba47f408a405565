"""Small networks as tools other than today's exporters write them, with PyTorch's gradients, for test/networks/origins.test.ts.

    python scripts/origin_fixtures.py OUT

Writes OUT/input.npy ([1,3,24,24]) and for each network NAME.onnx, NAME.npy (d logits[0, target] / d input, computed in float64) and
NAME.json (names of input and output, target, logits, the operators it is there
for, the last two axes of the layer that Grad-CAM takes). Weights are random (seed 0). Needs torch, onnx,
onnxscript, onnxruntime and NumPy. The networks:

- fused-transformer: attention, skip connections and Gelu fused by onnxruntime.transformers.optimizer
- fused-convolutions: what ONNX Runtime saves at the level `extended`
- old-7, old-9, old-10: IR version 3, BatchNormalization with `spatial`, Clip, Pad and Upsample with attributes, Dropout with two outputs
- paddle: a graph in PaddlePaddle's style: batch norms as Mul and Add, HardSwish in parts, pooling with ceil_mode
"""
import json
import os
import sys
import warnings

warnings.filterwarnings("ignore")
import numpy as np
import onnx
import onnxruntime as ort
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from torch import nn

SIDE, CLASSES = 24, 5


# --- networks -------------------------------------------------------------------------------------------------------------


class Block(nn.Module):
    """A transformer's block as it is usually fused: queries, keys and values of their own, normalised behind the sum."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inner, self.outer = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.heads, self.size).permute(0, 2, 1, 3)

    def forward(self, x):
        q, k, v = self.split(self.q(x)), self.split(self.k(x)), self.split(self.v(x))
        scores = torch.matmul(q, k.transpose(-1, -2)) / self.size**0.5
        mixed = torch.matmul(torch.softmax(scores, -1), v).permute(0, 2, 1, 3)
        x = self.norm1(self.out(mixed.reshape(x.shape[0], x.shape[1], self.heads * self.size)) + x)
        return self.norm2(self.outer(F.gelu(self.inner(x))) + x)


class Transformer(nn.Module):
    def __init__(self, width=16, heads=4):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 8, 8)
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.Sequential(Block(width, heads), Block(width, heads))
        self.head = nn.Linear(width, CLASSES)

    def forward(self, x):
        return self.head(self.blocks(self.norm(self.patches(x).flatten(2).transpose(1, 2))).mean(1))


class Convolutions(nn.Module):
    def __init__(self, norm=True):
        super().__init__()
        make = nn.BatchNorm2d if norm else (lambda _: nn.Identity())
        self.first, self.norm1 = nn.Conv2d(3, 8, 3, 2, 1), make(8)
        self.second, self.norm2 = nn.Conv2d(8, 8, 3, 1, 1), make(8)
        self.third, self.fourth = nn.Conv2d(8, 8, 3, 1, 1), nn.Conv2d(8, 12, 1)
        self.drop, self.head = nn.Dropout(), nn.Linear(12, CLASSES)

    def forward(self, x):
        x = F.relu6(self.norm1(self.first(x)) * 2)
        x = F.relu(self.third(F.leaky_relu(self.norm2(self.second(x)), 0.1)) + x)
        x = torch.sigmoid(self.fourth(x)).mean((2, 3))
        return self.head(self.drop(x))


class Paddle(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8)
        self.depth, self.head = nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.Linear(8, CLASSES)

    def forward(self, x):
        x = F.hardswish(self.norm(self.conv(x)))
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        x = F.hardswish(self.depth(x)) * F.hardtanh(self.depth(x) / 6 + 0.5, 0, 1)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


def calibrated(model, x):
    for m in model.modules():
        if isinstance(m, (nn.BatchNorm2d, nn.LayerNorm)):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.normal_(m.bias)
        if isinstance(m, nn.BatchNorm2d):
            m.momentum = None
    model.train()
    with torch.no_grad():
        model(torch.cat([x, x.flip(3), torch.randn_like(x)]))
    return model.eval()


# --- files ----------------------------------------------------------------------------------------------------------------


def export(model, x, path, opset, keep=False):
    torch.onnx.export(model, (x,), path, dynamo=False, opset_version=opset, input_names=["input"], output_names=["logits"],
                      dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
                      training=torch.onnx.TrainingMode.PRESERVE if keep else torch.onnx.TrainingMode.EVAL)


def fused_transformer(model, x, path):
    from onnxruntime.transformers import optimizer

    export(model, x, path, 17)
    fused = optimizer.optimize_model(path, model_type="bert", num_heads=4, hidden_size=16, opt_level=0)
    fused.save_model_to_file(path)


def fused_convolutions(model, x, path):
    export(model, x, path, 17)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = path
    options.log_severity_level = 3
    ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def old(opset):
    def make(model, x, path):
        export(model, x, path, opset, keep=True)
        proto = onnx.load(path)
        graph = proto.graph
        for node in graph.node:
            if node.op_type == "BatchNormalization" and opset < 9:
                node.attribute.append(helper.make_attribute("spatial", 1))
        # twice the size and the mean of it: the gradient stays
        scales = [1.0, 1.0, 2.0, 2.0]
        if opset < 9:
            up = helper.make_node("Upsample", ["input"], ["doubled"], mode="nearest", scales=scales)
        else:
            graph.initializer.append(numpy_helper.from_array(np.array(scales, np.float32), "scales"))
            up = helper.make_node("Upsample" if opset < 10 else "Resize", ["input", "scales"], ["doubled"], mode="nearest")
        mean = helper.make_node("AveragePool", ["doubled"], ["halved"], kernel_shape=[2, 2], strides=[2, 2])
        pad = helper.make_node("Pad", ["halved"], ["padded"], mode="constant", pads=[0, 0, 1, 1, 0, 0, 1, 1], value=0.0)
        first = next(n for n in graph.node if n.op_type == "Conv")
        first.attribute.remove(next(a for a in first.attribute if a.name == "pads"))
        first.input[0] = "padded"
        last = next(n for n in graph.node if n.op_type == "Gemm")
        drop = helper.make_node("Dropout", [last.input[0]], ["dropped", "mask"], ratio=0.5)
        last.input[0] = "dropped"
        nodes = [n for n in graph.node if n.op_type != "Dropout"]
        at = nodes.index(last)
        del graph.node[:]
        graph.node.extend([up, mean, pad, *nodes[:at], drop, *nodes[at:]])
        listed = {i.name for i in graph.input}
        for t in graph.initializer:
            if t.name not in listed:
                graph.input.append(helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)))
        proto.ir_version = 3
        onnx.save(proto, path)

    return make


def paddle(model, x, path):
    weights = {}

    def stored(name, value):
        weights[name] = numpy_helper.from_array(np.asarray(value, np.float32), name)
        return name

    def hard_swish(x, y):
        shifted, held, product = y + "_add", y + "_clip", y + "_mul"
        return [
            helper.make_node("Add", [x, stored("three", [3.0])], [shifted]),
            helper.make_node("Clip", [shifted, stored("zero", 0.0), stored("six", 6.0)], [held]),
            helper.make_node("Mul", [x, held], [product]),
            helper.make_node("Div", [product, "six"], [y]),
        ]

    norm = model.norm
    scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach().numpy().reshape(1, -1, 1, 1)
    shift = norm.bias.detach().numpy().reshape(1, -1, 1, 1) - norm.running_mean.numpy().reshape(1, -1, 1, 1) * scale
    get = {n: p.detach().numpy() for n, p in model.named_parameters()}
    square = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1], dilations=[1, 1])
    nodes = [
        helper.make_node("Conv", ["input", stored("conv_w", get["conv.weight"])], ["c"], strides=[2, 2], group=1, **square),
        helper.make_node("Mul", ["c", stored("scale", scale)], ["scaled"]),
        helper.make_node("Add", ["scaled", stored("shift", shift)], ["shifted"]),
        *hard_swish("shifted", "active"),
        helper.make_node("MaxPool", ["active"], ["pooled"], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        helper.make_node("Conv", ["pooled", stored("depth_w", get["depth.weight"])], ["d"], strides=[1, 1], group=8, **square),
        helper.make_node("Add", ["d", stored("depth_b", get["depth.bias"].reshape(1, -1, 1, 1))], ["deep"]),
        *hard_swish("deep", "wide"),
        helper.make_node("HardSigmoid", ["deep"], ["gate"], alpha=1 / 6, beta=0.5),
        helper.make_node("Mul", ["wide", "gate"], ["features"]),
        helper.make_node("GlobalAveragePool", ["features"], ["mean"]),
        helper.make_node("Reshape", ["mean", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", stored("head_w", get["head.weight"].T)], ["product"]),
        helper.make_node("Add", ["product", stored("head_b", get["head.bias"])], ["logits"]),
    ]
    weights["shape"] = numpy_helper.from_array(np.array([-1, 8], np.int64), "shape")
    graph = helper.make_graph(
        nodes,
        "paddle",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [-1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [-1, CLASSES])],
        list(weights.values()),
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), path)


NETWORKS = {
    "fused-transformer": (Transformer, fused_transformer, ["Attention", "SkipLayerNormalization", "BiasGelu"], [9, 16]),
    "fused-convolutions": (lambda: Convolutions(norm=False), fused_convolutions, ["FusedConv"], [12, 12]),
    "old-7": (Convolutions, old(7), ["BatchNormalization", "Clip", "Dropout", "Pad", "Upsample"], [12, 12]),
    "old-9": (Convolutions, old(9), ["BatchNormalization", "Clip", "Dropout", "Pad", "Upsample"], [12, 12]),
    "old-10": (Convolutions, old(10), ["BatchNormalization", "Clip", "Dropout", "Pad", "Resize"], [12, 12]),
    "paddle": (Paddle, paddle, ["Clip", "HardSigmoid", "MaxPool"], [6, 6]),
}


def one(name, out, x):
    build, write, operators, layer = NETWORKS[name]
    torch.manual_seed(0)
    model = calibrated(build(), x)
    path = os.path.join(out, name + ".onnx")
    with torch.no_grad():
        write(model, x, path)
    proto = onnx.load(path)
    del proto.graph.value_info[:]
    for n in proto.graph.node:
        n.doc_string = ""
        del n.metadata_props[:]
    onnx.save(proto, path)
    missing = set(operators) - {n.op_type for n in proto.graph.node}
    assert not missing, f"{name} has no {missing}"
    exact, xd = model.double(), x.double().requires_grad_(True)
    y = exact(xd)[0]
    target = int(y.argmax())
    (gradient,) = torch.autograd.grad(y[target], xd)
    answer = ort.InferenceSession(path).run(None, {"input": x.numpy()})[0][0]
    off = float(np.linalg.norm(answer - y.detach().numpy()) / np.linalg.norm(answer))
    assert off < 1e-5, f"{name}: ONNX Runtime answers otherwise than PyTorch: {off}"
    np.save(os.path.join(out, name + ".npy"), gradient.numpy().astype(np.float32))
    with open(os.path.join(out, name + ".json"), "w") as file:
        json.dump(dict(input="input", output="logits", layout="NCHW", target=target, logits=y.tolist(), operators=operators,
                       layer=layer), file)
        file.write("\n")
    print(f"{name}: {os.path.getsize(path) // 1024} KiB, logits off by {off:.1e}, {sorted({n.op_type for n in proto.graph.node})}")


def main(out):
    os.makedirs(out, exist_ok=True)
    torch.manual_seed(1)
    x = F.interpolate(torch.randn(1, 3, 8, 8), SIDE, mode="bicubic") + 0.2 * torch.randn(1, 3, SIDE, SIDE)
    np.save(os.path.join(out, "input.npy"), x.numpy())
    for name in NETWORKS:
        one(name, out, x)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
