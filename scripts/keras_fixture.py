"""A small Keras network as tf2onnx writes it, with TensorFlow's gradient, for test/networks/origins.test.ts.

    python scripts/keras_fixture.py OUT

Reads OUT/input.npy (of scripts/origin_fixtures.py) and writes OUT/keras.onnx (input [1,24,24,3]), OUT/keras.npy (d logits[0, target] /
d input by tf.GradientTape, in float64) and OUT/keras.json. Weights are random (seed 0). Needs tensorflow-cpu, keras, tf2onnx, onnx and
onnxruntime.
"""
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import keras
import numpy as np
import onnx
import onnxruntime as ort
import tensorflow as tf
import tf2onnx
from keras import layers

SIDE, CLASSES, OPSET = 24, 5, 13


def build():
    """SAME padding that is uneven (even side, stride 2), explicit padding, a depthwise convolution, squeeze and excitation."""
    x = given = layers.Input((SIDE, SIDE, 3), name="picture")
    x = layers.Rescaling(0.5, offset=0.1)(x)
    x = layers.Conv2D(8, 3, 2, "same", use_bias=False)(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    x = layers.DepthwiseConv2D(3, 2, "valid", use_bias=False)(x)
    x = layers.Activation("swish")(layers.BatchNormalization()(x))
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(8, 1, activation="sigmoid")(layers.Conv2D(2, 1, activation="swish")(gate))
    x = layers.Multiply()([x, gate])
    x = layers.Add()([layers.Conv2D(8, 1, padding="same")(x), layers.AveragePooling2D(2, 1, "same")(x)])
    x = layers.Activation("relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(given, layers.Dense(CLASSES)(x))


def calibrate(model, x):
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.0
            layer.gamma.assign(np.random.uniform(0.5, 1.5, layer.gamma.shape))
            layer.beta.assign(np.random.normal(size=layer.beta.shape))
    model(np.concatenate([x, x[:, :, ::-1], np.random.normal(size=x.shape).astype(np.float32)]), training=True)


def main(out):
    keras.utils.set_random_seed(0)
    x = np.load(os.path.join(out, "input.npy")).transpose(0, 2, 3, 1)
    model = build()
    calibrate(model, x)
    path = os.path.join(out, "keras.onnx")
    function = tf.function(lambda picture: model(picture, training=False))
    tf2onnx.convert.from_function(function, input_signature=[tf.TensorSpec(x.shape, tf.float32, name="picture")], opset=OPSET, output_path=path)
    keras.config.set_floatx("float64")
    exact = build()
    exact.set_weights(model.get_weights())
    v = tf.constant(x.astype(np.float64))
    with tf.GradientTape() as tape:
        tape.watch(v)
        y = exact(v, training=False)
        target = int(tf.argmax(y[0]))
        score = y[0, target]
    proto = onnx.load(path)
    names = dict(input=proto.graph.input[0].name, output=proto.graph.output[0].name)
    answer = ort.InferenceSession(path).run(None, {names["input"]: x})[0][0]
    off = float(np.linalg.norm(answer - y.numpy()[0]) / np.linalg.norm(answer))
    assert off < 1e-5, f"ONNX Runtime answers otherwise than TensorFlow: {off}"
    operators = ["Conv", "Transpose", "Pad"]
    present = sorted({n.op_type for n in proto.graph.node})
    assert set(operators) <= set(present), present
    np.save(os.path.join(out, "keras.npy"), tape.gradient(score, v).numpy().astype(np.float32))
    with open(os.path.join(out, "keras.json"), "w") as file:
        json.dump(dict(**names, layout="NHWC", target=target, logits=y.numpy()[0].tolist(), operators=operators, layer=[6, 6]), file)
        file.write("\n")
    print(f"keras: {os.path.getsize(path) // 1024} KiB, logits off by {off:.1e}, {present}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
