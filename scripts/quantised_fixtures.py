"""A small network in several numbers, with PyTorch's gradients through the same numbers, for test/networks/quantised.test.ts.

    python scripts/quantised_fixtures.py OUT

Writes OUT/FORM.onnx for each form (input `x` float32 [1,3,32,32], unless the form says otherwise; output `y` [1,10]), OUT/input.npy, and
OUT/fixtures.json: for each form the logits and the gradient of the best class by the input as PyTorch has it in float64 (base64 of float32), where
rounding is PyTorch's fake_quantize. Quantisation is onnxruntime.quantization's. Weights are random (seed 0). Needs torch, onnx,
onnxruntime and NumPy.
"""
import base64
import json
import os
import sys

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

import quantised_networks as forms
from rule_fixtures import run, to_torch
from rule_operators import OPERATORS

CLASSES = 10
SIDE = 32
# whole numbers are often equal, and which of equals takes the gradient matters: as PyTorch's own has it
OPERATORS["MaxPool"] = lambda x, a, _o, _n: (torch.nn.functional.max_pool2d(x[0], a["kernel_shape"], a["strides"]),)


def network():
    """Convolutions with and without stride, by channel and whole, an addition, both kinds of pooling, one linear layer."""
    r = np.random.default_rng(0)
    weights, nodes = [], []

    def weight(name, *dims, scale=1.0):
        fan = np.prod(dims[1:]) if len(dims) > 1 else 1
        weights.append(numpy_helper.from_array((r.standard_normal(dims) * scale / np.sqrt(fan)).astype(np.float32), name))
        return name

    def add(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=output + "/" + op, **attributes))
        return output

    def conv(x, name, out, into, side, **attributes):
        w = weight(name + ".w", out, into // attributes.get("group", 1), side, side, scale=1.5)
        return add("Conv", [x, w, weight(name + ".b", out, scale=0.1)], name, pads=[side // 2] * 4, kernel_shape=[side] * 2, **attributes)

    a = add("Relu", [conv("x", "conv1", 8, 3, 3, strides=[2, 2])], "relu1")
    p = add("MaxPool", [a], "pool", kernel_shape=[2, 2], strides=[2, 2])
    b = add("Relu", [conv(p, "conv2", 8, 8, 3, group=8)], "relu2")
    c = add("Relu", [add("Add", [conv(b, "conv3", 8, 8, 1), p], "sum")], "relu3")
    d = add("Relu", [conv(c, "conv4", 16, 8, 3, strides=[2, 2])], "relu4")
    e = add("Flatten", [add("GlobalAveragePool", [d], "mean")], "flat")
    weight("fc.w", CLASSES, 16, scale=3)
    add("Gemm", [e, "fc.w", weight("fc.b", CLASSES, scale=0.1)], "y", transB=1)
    graph = helper.make_graph(
        nodes, "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", CLASSES])],
        weights)  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Pictures(forms.Pictures):
    def get_next(self):
        x = next(self.all, None)
        return None if x is None else {"x": np.ascontiguousarray(x, dtype=np.float32)}


def gradients(path, x):
    """Logits, and the gradient of the best one, by PyTorch on the nodes of the file."""
    model = onnx.load(path)
    sort(model.graph)
    env = {t.name: to_torch(stored(t)) for t in model.graph.initializer}
    x = torch.from_numpy(x.astype(np.float64)).requires_grad_()
    y = run(model.graph, {**env, "x": x}, 18)["y"][0].double()
    target = int(y.argmax())
    found = torch.autograd.grad(y[target], x)[0]
    encoded = base64.b64encode(found.numpy().astype("<f4").tobytes()).decode()
    return dict(logits=[float(v) for v in y.detach()], target=target, gradient=encoded)


def sort(graph):
    """Puts the nodes in an order of computation, which not every converter does."""
    left, done = list(graph.node), {t.name for t in [*graph.initializer, *graph.input]} | {""}
    del graph.node[:]
    while left:
        ready = next(n for n in left if done.issuperset(n.input))
        left.remove(ready)
        graph.node.append(ready)
        done.update(ready.output)


def stored(t):
    """As float32 what is stored as bfloat16, which NumPy does not have."""
    if t.data_type != TensorProto.BFLOAT16:
        return numpy_helper.to_array(t)
    bits = np.frombuffer(t.raw_data, np.uint16).astype(np.uint32) << 16
    return bits.view(np.float32).reshape(list(t.dims))


FORMS = ["qdq-u8s8-channel", "qdq-u8u8-tensor", "qdq-s8s8-channel", "qoperator-u8s8-channel", "qoperator-u8u8-tensor", "dynamic",
         "float16", "float16-inside", "bfloat16", "int4-weights"]  # fmt: skip


def main(out):
    os.makedirs(out, exist_ok=True)
    forms.Pictures = Pictures
    r = np.random.default_rng(1)
    coarse = r.standard_normal((1, 3, 8, 8)).repeat(4, 2).repeat(4, 3)
    x = (coarse + 0.3 * r.standard_normal((1, 3, SIDE, SIDE))).astype(np.float32)
    np.save(os.path.join(out, "input.npy"), x)
    source = os.path.join(out, "float32.onnx")
    onnx.save(network(), source)
    fixtures = {"float32": gradients(source, x)}
    for form in FORMS:
        path = os.path.join(out, form + ".onnx")
        forms.FORMS[form](source, path, x)
        fixtures[form] = gradients(path, x)
        print(form, os.path.getsize(path), sorted({n.op_type for n in onnx.load(path).graph.node}))
    with open(os.path.join(out, "fixtures.json"), "w") as file:
        file.write("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in fixtures.items()) + "\n}\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
