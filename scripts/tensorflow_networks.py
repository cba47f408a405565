"""Export Keras networks to ONNX together with TensorFlow's own gradient, for scripts/check-networks.ts.

    python scripts/tensorflow_networks.py OUT [NAME ...] [--opset 9 ...] [--picture examples/cat-and-coffee.jpg]

Writes a folder for each network and way of exporting it, OUT/WAY/NAME/:

    model.onnx      NHWC input, logits
    input.npy       the picture, [1,H,W,3], as the network wants it
    output.npy      TensorFlow's logits
    grad_input.npy  d logits[0, target] / d input by tf.GradientTape
    meta.json       target, exporter, opset, and the names of input and output

The ways: `tf2onnx-N` (tf2onnx at opset N), `tf2onnx-N-free` (batch and sides free), `tf2onnx-N-nchw` (tf2onnx with --inputs-as-nchw;
picture and gradient are NCHW then), `keras` (Keras' own model.export(format="onnx")).

Weights are random (seed 0); the statistics of batch normalisation come from a forward pass in training mode, so that gradients neither
vanish nor explode. Nothing is downloaded. Needs tensorflow-cpu, keras, tf2onnx, onnx, onnxruntime and Pillow.
"""
import argparse
import json
import os
import traceback

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import keras
import numpy as np
import onnx
import onnxruntime as ort
import tensorflow as tf
import tf2onnx
from PIL import Image

SIDE = 224


def mobilenet_v2():
    return keras.applications.MobileNetV2(weights=None, classifier_activation=None), lambda x: x / 127.5 - 1


def efficientnet_v2_b0():
    # rescales in the network itself
    return keras.applications.EfficientNetV2B0(weights=None, classifier_activation=None), lambda x: x


def resnet50_v2():
    return keras.applications.ResNet50V2(weights=None, classifier_activation=None), lambda x: x / 127.5 - 1


NETWORKS = {f.__name__: f for f in (mobilenet_v2, efficientnet_v2_b0, resnet50_v2)}


def calibrate(model, x):
    """One forward pass in training mode sets the statistics; dropout and stochastic depth are off in it."""
    rates = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
        if isinstance(layer, keras.layers.Dropout):
            rates[layer] = layer.rate
            layer.rate = 0
    rng = np.random.default_rng(0)
    noise = rng.uniform(x.min(), x.max(), x.shape).astype(np.float32)
    model(np.concatenate([x, x[:, :, ::-1], noise, np.roll(x, 40, 1)]), training=True)
    for layer, rate in rates.items():
        layer.rate = rate


def gradient(model, x):
    v = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(v)
        y = model(v, training=False)
        target = int(tf.argmax(y[0]))
        score = y[0, target]
    return y.numpy(), target, tape.gradient(score, v).numpy()


def by_tf2onnx(model, path, opset, dims, **options):
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):  # tf2onnx sees captured arrays, but not captured tensors
            layer.mean, layer.variance = np.asarray(layer.mean), np.asarray(layer.variance)
    function = tf.function(lambda input: model(input, training=False))
    signature = [tf.TensorSpec(dims, tf.float32, name="input")]
    tf2onnx.convert.from_function(function, input_signature=signature, opset=opset, output_path=path, **options)


def by_keras(model, path):
    model.export(path, format="onnx", verbose=False)


def ways(opsets):
    fixed, free = [1, SIDE, SIDE, 3], [None, None, None, 3]
    for n in opsets:
        yield f"tf2onnx-{n}", n, False, lambda m, p, n=n: by_tf2onnx(m, p, n, fixed)
    last = opsets[-1]
    yield f"tf2onnx-{last}-free", last, False, lambda m, p: by_tf2onnx(m, p, last, free)
    yield f"tf2onnx-{last}-nchw", last, True, lambda m, p: by_tf2onnx(m, p, last, fixed, inputs_as_nchw=["input"])
    yield "keras", None, False, by_keras


def one(name, out, pixels, opsets):
    keras.utils.set_random_seed(0)
    model, prepare = NETWORKS[name]()
    x = prepare(pixels)[None].astype(np.float32)
    calibrate(model, x)
    y, target, g = gradient(model, x)
    failed = 0
    for way, opset, nchw, export in ways(opsets):
        folder = os.path.join(out, way, name)
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "model.onnx")
        arrange = (lambda t: np.ascontiguousarray(t.transpose(0, 3, 1, 2))) if nchw else (lambda t: t)
        try:
            export(model, path)
            proto = onnx.load(path)
            opset = next(o.version for o in proto.opset_import if o.domain == "")
            names = dict(input=proto.graph.input[0].name, output=proto.graph.output[0].name)
            answer = ort.InferenceSession(path).run(None, {names["input"]: arrange(x)})[0]
        except Exception:  # noqa: BLE001: all are reported
            failed += 1
            print(f"{name}, {way}: could not be exported: {traceback.format_exc().splitlines()[-1][:200]}", flush=True)
            continue
        off = float(np.linalg.norm(answer - y) / np.linalg.norm(y))
        np.save(os.path.join(folder, "input.npy"), arrange(x))
        np.save(os.path.join(folder, "output.npy"), y)
        np.save(os.path.join(folder, "grad_input.npy"), arrange(g))
        meta = dict(arch=name, target=target, exporter=way, opset=opset, logits_rel=off, **names)
        with open(os.path.join(folder, "meta.json"), "w") as file:
            json.dump(meta, file, indent=1)
        operators = sorted({n.op_type for n in proto.graph.node})
        print(f"{name}, {way}: target {target}, |grad| {np.linalg.norm(g):.3g}, logits off by {off:.1e}, {' '.join(operators)}", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("name", nargs="*")
    parser.add_argument("--opset", type=int, nargs="+", default=[9, 11, 13, 15, 18])
    parser.add_argument("--picture", default="examples/cat-and-coffee.jpg")
    args = parser.parse_args()
    pixels = np.asarray(Image.open(args.picture).convert("RGB").resize((SIDE, SIDE), Image.BICUBIC)).astype(np.float32)
    return sum(one(name, args.out, pixels, args.opset) for name in args.name or NETWORKS)


if __name__ == "__main__":
    raise SystemExit(1 if main() else 0)
