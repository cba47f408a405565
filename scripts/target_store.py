"""How scripts/vision_language_networks.py exports a network and stores PyTorch's own answer and gradients beside it.

A network is differentiated by autograd: the score of each target by the picture, and by the output of a layer. Its files are run by ONNX Runtime
and held against PyTorch's outputs; the layer's value in the graph is found by comparing numbers.
"""

import json
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

warnings.filterwarnings("ignore")
import numpy as np
import onnx
import onnxruntime as ort
import torch

LAYER_OPERATORS = {
    "Add", "BatchNormalization", "Clip", "Concat", "Conv", "Gelu", "HardSwish", "Identity", "LayerNormalization", "LeakyRelu", "MatMul", "MaxPool",
    "Mul", "Relu", "Reshape", "Resize", "Squeeze", "Transpose",
}  # fmt: skip


@dataclass
class Network:
    """What is exported and explained."""

    module: torch.nn.Module
    inputs: dict[str, torch.Tensor]
    """By the names of the file's inputs, the picture first."""
    forward: Callable[..., dict[str, torch.Tensor]]
    """From the inputs, by name, to the outputs by the names of the file's outputs."""
    targets: Callable[[dict[str, torch.Tensor]], list]
    """From the outputs to [target as JSON, score], the score a scalar that is made of the output `answer` alone."""
    answer: str
    export: Callable[[str], None]
    """Writes the files into a folder."""
    layer: torch.nn.Module | None = None
    files: list = field(default_factory=lambda: [["model.onnx", {}]])
    """The files in the order in which they run, each with what its inputs are called among the inputs and outputs of those before."""
    note: str = ""


def calibrate(module, run):
    """Give every batch norm, frozen ones too, the statistics of what it reads, as it is read, so that activations keep a sane scale."""

    def settle(norm, args):
        x = args[0]
        if x[0, 0].numel() == 1:  # what is pooled has no deviation
            return
        if not norm.weight.any():  # a residual branch that starts as nothing
            norm.weight.data.fill_(1)
        norm.running_mean.copy_(x.mean((0, 2, 3)))
        norm.running_var.copy_(x.var((0, 2, 3), correction=0) + 1e-3)

    norms = [m for m in module.modules() if hasattr(m, "running_var") and hasattr(m, "running_mean")]
    handles = [m.register_forward_pre_hook(settle) for m in norms]
    with torch.no_grad():
        run()
    for handle in handles:
        handle.remove()


def picture(height, width, mean=0.5, std=0.25):
    """The example picture, [1,3,height,width], (value / 255 - mean) / std."""
    from PIL import Image

    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../examples/cat-and-coffee.jpg")
    im = np.asarray(Image.open(path).convert("RGB").resize((width, height), Image.BICUBIC), np.float32) / 255
    return torch.from_numpy((im - mean) / std).permute(2, 0, 1)[None].float().contiguous()


def onnx_export(module, args, path, inputs, outputs, dynamic=None):
    """PyTorch's TorchScript exporter at opset 17, and where it cannot the newer one; says which."""
    kw = dict(input_names=inputs, output_names=outputs)
    try:
        torch.onnx.export(module, args, path, dynamo=False, opset_version=17, dynamic_axes=dynamic, **kw)
        return "TorchScript, opset 17"
    except Exception as error:
        print("  the TorchScript exporter cannot:", str(error).splitlines()[0][:200], flush=True)
        torch.onnx.export(module, args, path, dynamo=True, external_data=False, verbose=False, **kw)
        return "dynamo"


def optimum_export(module, folder, task):
    """The files that `optimum-cli export onnx` writes."""
    from optimum.exporters.onnx import onnx_export_from_model

    onnx_export_from_model(module, folder, task=task, opset=17, do_validation=False)


def session(proto):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    return ort.InferenceSession(proto if isinstance(proto, str) else proto.SerializeToString(), options)


def operators(path):
    found = set()

    def walk(graph):
        for node in graph.node:
            found.add(node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}")
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    walk(attribute.g)

    proto = onnx.load(path, load_external_data=False)
    walk(proto.graph)
    for function in proto.functions:
        walk(function)
    return sorted(found)


def feeds_of(opened, values, renamed):
    """What a file is fed: values of that name; where it wants a cache, an empty one, and the branch without it."""
    feeds = {}
    for i in opened.get_inputs():
        name = renamed.get(i.name, i.name)
        if name in values:
            feeds[i.name] = values[name]
        elif i.name == "use_cache_branch":
            feeds[i.name] = np.array([False])
        else:
            feeds[i.name] = np.zeros([d if isinstance(d, int) else (1 if "batch" in d else 0) for d in i.shape], np.float32)
    return feeds


def same_value(path, values, renamed, wanted):
    """The name of the value of a graph whose numbers are these, or None."""
    proto = onnx.load(path)
    have = {o.name for o in proto.graph.output}
    for node in proto.graph.node:
        if node.op_type in LAYER_OPERATORS and node.output[0] not in have:
            proto.graph.output.append(onnx.ValueInfoProto(name=node.output[0]))
    opened = session(proto)
    names = [o.name for o in opened.get_outputs()]
    found = dict(zip(names, opened.run(names, feeds_of(opened, values, renamed))))
    near = lambda v: getattr(v, "shape", None) == wanted.shape and np.linalg.norm(v - wanted) <= 1e-3 * np.linalg.norm(wanted)
    return next((name for name, v in found.items() if near(v)), None)


def away(a, b):
    return float(np.linalg.norm(a.astype(np.float64) - b) / max(np.linalg.norm(b), 1e-30)) if a.shape == b.shape else float("nan")


def store(name, network, folder, small):
    os.makedirs(folder, exist_ok=True)
    network.module.eval()
    exporter = network.export(folder) or "optimum-onnx 0.1.0, opset 17"
    network.module.eval()
    names = list(network.inputs)
    inputs = {k: v.detach().clone() for k, v in network.inputs.items()}
    inputs[names[0]].requires_grad_()
    seen = {}

    def keep(_module, _inputs, out):
        out = out.get("out", list(out.values())[-1]) if isinstance(out, dict) else out
        seen.setdefault("layer", out[0] if isinstance(out, tuple) else out)

    handle = network.layer.register_forward_hook(keep) if network.layer else None
    outputs = network.forward(**inputs)
    if handle:
        handle.remove()

    def write(file, arrays):
        """Stacks, in float16 each divided by its largest magnitude where they are to be small; gives those magnitudes."""
        scales = [(float(f"{np.abs(a).max():.7g}") or 1.0) if small else 1.0 for a in arrays]
        kind = np.float16 if small else np.float32
        np.save(os.path.join(folder, file), np.stack([a / s for a, s in zip(arrays, scales)]).astype(kind))
        return scales

    wrt = {"input": inputs[names[0]], **seen, "seed": outputs[network.answer]}
    entries, gradients = [], {key: [] for key in wrt}
    for target, score in network.targets(outputs):
        for key, g in zip(wrt, torch.autograd.grad(score, list(wrt.values()), retain_graph=True)):
            gradients[key].append(g.numpy())
        entries.append({"target": target, "score": float(f"{score.item():.8g}")})
    scales = {key: write("seed.npy" if key == "seed" else f"grad_{key}.npy", arrays) for key, arrays in gradients.items()}
    for entry, *pair in zip(entries, *scales.values()):
        entry["scale"] = dict(zip(scales, pair))

    values = {k: v.detach().numpy() for k, v in inputs.items()}
    answers = {k: v.detach().numpy() for k, v in outputs.items()}
    layer_value, report = None, {}
    for file, renamed in network.files:
        path = os.path.join(folder, file)
        opened = session(path)
        got = dict(zip([o.name for o in opened.get_outputs()], opened.run(None, feeds_of(opened, values, renamed))))
        report[file] = {k: float(f"{away(v, answers[k]):.2g}") for k, v in got.items() if k in answers}
        if seen and layer_value is None:
            found = same_value(path, values, renamed, seen["layer"].detach().numpy())
            layer_value = {"file": file, "name": found} if found else None
        values.update({k: v for k, v in got.items() if k not in values})
    for k, v in inputs.items():
        np.save(os.path.join(folder, f"{k}.npy"), v.detach().numpy())
    for k, v in answers.items():
        np.save(os.path.join(folder, f"output-{k}.npy"), v)
    meta = {
        "name": name,
        "files": [{"file": f, "inputs": r} for f, r in network.files],
        "picture": names[0],
        "inputs": names,
        "outputs": list(answers),
        "answer": network.answer,
        "layer": layer_value,
        "targets": entries,
        "exporter": exporter,
        "apart": report,
        "note": network.note,
        "seed": 0,
        "operators": {f: operators(os.path.join(folder, f)) for f in sorted(os.listdir(folder)) if f.endswith(".onnx")},
    }
    with open(os.path.join(folder, "meta.json"), "w") as file:
        json.dump(meta, file, indent=1)
        file.write("\n")
    sizes = {f: round(os.path.getsize(os.path.join(folder, f)) / 1e3) for f in meta["operators"]}
    print(f"{name}: kB {sizes}, apart {report}, layer {layer_value}, targets {[(e['target'], e['score'], e['scale']) for e in entries]}", flush=True)
