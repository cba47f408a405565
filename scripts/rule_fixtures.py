"""Gradients of the rule samples by PyTorch's autograd, as fixtures for the tests.

    npx tsx scripts/rule-samples.ts FOLDER
    python scripts/rule_fixtures.py FOLDER test/fixtures/vjp

Needs torch, onnx, onnxruntime and numpy. Every operator is written here a second time, with torch's own functions, after ONNX's
specification; nothing is taken from the project's rules. It runs in float64, and its result must agree with ONNX Runtime's before
its gradient is written, so that a fixture cannot silently be of another function.
"""

import base64
import json
import math
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import helper, numpy_helper

from rule_operators import OPERATORS


def array(stored):
    types = {"float32": "<f4", "float64": "<f8", "int64": "<i8", "int32": "<i4", "bool": "?", "uint8": "u1"}
    data = np.frombuffer(base64.b64decode(stored["data"]), types[stored["type"]])
    return data.reshape(stored["dims"])


def to_torch(values):
    values = np.array(values)
    return torch.from_numpy(values.astype(np.float64) if values.dtype.kind == "f" else values)


def run(graph, env, opset):
    """Evaluates a graph's nodes on torch tensors by name; a graph inside a node becomes a function that sees what is around it."""
    for node in graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        attributes = {k: v.decode() if isinstance(v, bytes) else v for k, v in attributes.items()}
        attributes = {k: inner(v, env, opset) if isinstance(v, onnx.GraphProto) else v for k, v in attributes.items()}
        inputs = [env[name] if name else None for name in node.input]
        name = f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type
        made = OPERATORS[name](inputs, attributes, opset, len(node.output))
        env.update(zip(node.output, made if isinstance(made, tuple) else (made,)))
    return env


def inner(graph, env, opset):
    def call(*inputs):
        stored = {t.name: to_torch(numpy_helper.to_array(t)) for t in graph.initializer}
        found = run(graph, {**env, **stored, **dict(zip((i.name for i in graph.input), inputs))}, opset)
        return [found[o.name] for o in graph.output]

    return call


def deprecated(model):
    """Forms of operators that the checker refuses for their age; they are read all the same."""
    opset = model.opset_import[0].version
    return any(onnx.defs.get_schema(node.op_type, opset).deprecated for node in model.graph.node)


def gradients(case):
    bytes_ = base64.b64decode(case["model"])
    model = onnx.load_from_string(bytes_)
    known = all(n.domain in ("", "ai.onnx") and onnx.defs.has(n.op_type) for n in model.graph.node)
    if known and not deprecated(model):
        onnx.checker.check_model(model)
    feeds = {name: array(t) for name, t in case["feeds"].items()}
    stored = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    env = {name: to_torch(v) for name, v in {**stored, **feeds}.items()}
    wanted = {name: env[name].requires_grad_() for name in case["wrt"]}
    opset = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
    y = run(model.graph, dict(env), opset)[case["of"]]

    session = ort.InferenceSession(base64.b64decode(case.get("runnable", case["model"])), providers=["CPUExecutionProvider"])
    reference = session.run([case["of"]], feeds)[0]
    if tuple(y.shape) != reference.shape:
        raise ValueError(f"shape {tuple(y.shape)} here, {reference.shape} in ONNX Runtime")
    off = np.abs(y.detach().numpy() - reference).max(initial=0)
    if not off <= 1e-5 * max(1, np.abs(reference).max(initial=0)):
        raise ValueError(f"ONNX Runtime's result differs by {off}")

    made = torch.autograd.grad(y, list(wanted.values()), to_torch(array(case["gy"])), allow_unused=True)
    return {
        name: torch.zeros_like(x) if gradient is None else gradient for (name, x), gradient in zip(wanted.items(), made)
    }


def group(path, out):
    fixtures, failed = {}, []
    for case in json.loads(path.read_text()):
        try:
            found = gradients(case)
        except Exception as error:  # noqa: BLE001: all are reported
            failed.append(f"{case['key']}: {type(error).__name__}: {str(error)[:200]}")
            continue
        if not all(math.isfinite(float(g.sum())) for g in found.values()):
            failed.append(f"{case['key']}: the gradient is not finite")
            continue
        encoded = {n: base64.b64encode(g.numpy().astype("<f4").tobytes()).decode() for n, g in found.items()}
        fixtures[case["key"]] = {"hash": case["hash"], "gradients": encoded}
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in fixtures.items()]
    (Path(out) / path.name).write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{len(fixtures)} fixtures written to {path.name}; {len(failed)} samples failed")
    for line in failed:
        print(" ", line)
    return failed


def main(folder, out):
    failed = [line for path in sorted(Path(folder).glob("*.json")) for line in group(path, out)]
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
