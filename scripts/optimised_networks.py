"""Optimised variants of exported networks, for scripts/check-networks.ts.

    python scripts/optimised_networks.py FOLDER OUT [NAME ...]

FOLDER/NAME/ holds model.onnx, input.npy, output.npy, grad_input.npy and meta.json. Writes OUT/WAY/NAME/ with the same but for the
model, whose gradient must be the same. The ways:

- ort-basic, ort-extended: what ONNX Runtime saves (SessionOptions.optimized_model_filepath); ort-all fits one processor alone
- transformers: onnxruntime.transformers.optimizer (Attention, SkipLayerNormalization, BiasGelu, ...), at its highest safe level
- transformers-fast: the same with the approximation of Gelu by tanh (FastGelu), whose gradient differs a little
- onnxsim, onnxslim

Prints the operators outside ONNX's own domain and how far the answers are off. Needs onnx, onnxruntime, onnxsim and onnxslim.
"""
import argparse
import json
import os
import shutil
import traceback
from collections import Counter

import numpy as np
import onnx
import onnxruntime as ort

LEVELS = {
    "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
}


def by_runtime(level):
    def optimise(source, path):
        options = ort.SessionOptions()
        options.graph_optimization_level = LEVELS[level]
        options.optimized_model_filepath = path
        options.log_severity_level = 3
        ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])

    return optimise


def by_transformers(approximate):
    def optimise(source, path):
        from onnxruntime.transformers import optimizer
        from onnxruntime.transformers.fusion_options import FusionOptions

        options = FusionOptions("vit")
        options.enable_gelu_approximation = approximate
        # heads and width are found by the fusion itself
        model = optimizer.optimize_model(source, model_type="vit", optimization_options=options, opt_level=1)
        model.save_model_to_file(path)

    return optimise


def by_onnxsim(source, path):
    import onnxsim

    simple, good = onnxsim.simplify(onnx.load(source))
    assert good, "onnxsim's own check failed"
    onnx.save(simple, path)


def by_onnxslim(source, path):
    import onnxslim

    onnxslim.slim(source, path)


WAYS = {
    **{f"ort-{level}": by_runtime(level) for level in LEVELS},
    "transformers": by_transformers(False),
    "transformers-fast": by_transformers(True),
    "onnxsim": by_onnxsim,
    "onnxslim": by_onnxslim,
}


def one(source, name, out, way):
    folder = os.path.join(out, way, name)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "model.onnx")
    try:
        WAYS[way](os.path.join(source, "model.onnx"), path)
        model = onnx.load(path)
        options = ort.SessionOptions()
        options.log_severity_level = 3
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        answer = session.run(None, {session.get_inputs()[0].name: np.load(os.path.join(source, "input.npy"))})[0]
    except Exception:  # noqa: BLE001: all are reported
        print(f"{name}, {way}: failed: {traceback.format_exc().splitlines()[-1][:200]}", flush=True)
        shutil.rmtree(folder)
        return 1
    for file in ("input.npy", "output.npy", "grad_input.npy"):
        shutil.copy(os.path.join(source, file), folder)
    with open(os.path.join(source, "meta.json")) as file:
        meta = json.load(file)
    meta = {k: v for k, v in meta.items() if k not in ("layer", "layer_value")} | {"exporter": way}
    with open(os.path.join(folder, "meta.json"), "w") as file:
        json.dump(meta, file, indent=1)
    want = np.load(os.path.join(source, "output.npy"))
    off = float(np.linalg.norm(answer - want) / np.linalg.norm(want))
    own = onnx.load(os.path.join(source, "model.onnx"), load_external_data=False)
    fused = Counter(f"{n.domain}.{n.op_type}" for n in model.graph.node if n.domain not in ("", "ai.onnx"))
    fused.update(n.op_type for n in model.graph.node if n.domain in ("", "ai.onnx") and not onnx.defs.has(n.op_type))
    print(f"{name}, {way}: {len(own.graph.node)} -> {len(model.graph.node)} nodes, logits off by {off:.1e}, {dict(fused)}", flush=True)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("out")
    parser.add_argument("name", nargs="*")
    parser.add_argument("--way", nargs="+", choices=WAYS, default=list(WAYS))
    args = parser.parse_args()
    names = args.name or sorted(os.listdir(args.folder))
    return sum(one(os.path.join(args.folder, name), name, args.out, way) for name in names for way in args.way)


if __name__ == "__main__":
    raise SystemExit(1 if main() else 0)
