"""Exported networks in other numbers than float32, for scripts/check-quantised.ts.

    python scripts/quantised_networks.py FOLDER OUT [NAME ...] [--form FORM ...]

FOLDER/NAME/ holds model.onnx (input `input` float32 [N,3,H,W], output `output`), input.npy and meta.json. Writes
OUT/NAME/FORM.onnx for each form, after a copy of the other files. Quantisation is ONNX Runtime's own
(onnxruntime.quantization), calibrated on eight versions of the example picture. Nothing is downloaded. Needs onnx,
onnxruntime and NumPy.
"""
import argparse
import logging
import os
import shutil
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer
from onnxruntime.transformers.float16 import convert_float_to_float16


class Pictures(CalibrationDataReader):
    """Eight versions of one picture: turned over, shifted, brightened, with noise."""

    def __init__(self, x):
        r = np.random.default_rng(0)
        noise = lambda scale: (r.standard_normal(x.shape) * scale).astype(np.float32)
        side = x.shape[3]
        self.all = iter([x, x[..., ::-1].copy(), np.roll(x, side // 5, 2), np.roll(x, -side // 4, 3), x * 0.7, x * 1.2 + 0.2,
                         x + noise(0.3), noise(1)])

    def get_next(self):
        x = next(self.all, None)
        return None if x is None else {"input": np.ascontiguousarray(x, dtype=np.float32)}


def static(form, per_channel, activation, weight):
    symmetric = activation == QuantType.QInt8

    def make(source, target, x):
        options = {"ActivationSymmetric": symmetric, "WeightSymmetric": weight == QuantType.QInt8}
        quantize_static(source, target, Pictures(x), quant_format=form, per_channel=per_channel, activation_type=activation,
                        weight_type=weight, extra_options=options)

    return make


def dynamic(source, target, _x):
    quantize_dynamic(source, target, weight_type=QuantType.QUInt8)


def half(keep_io):
    def make(source, target, _x):
        onnx.save(convert_float_to_float16(onnx.load(source), keep_io_types=keep_io), target)

    return make


def to_bfloat16(t):
    """A float32 tensor as bfloat16, rounded to nearest, ties to even."""
    bits = numpy_helper.to_array(t).astype(np.float32).view(np.uint32)
    rounded = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return TensorProto(name=t.name, data_type=TensorProto.BFLOAT16, dims=t.dims, raw_data=rounded.tobytes())


def bfloat16(source, target, _x):
    """Everything in bfloat16, the input and the output too."""
    model = onnx.load(source)
    graph = model.graph
    for i, t in enumerate(graph.initializer):
        if t.data_type == TensorProto.FLOAT:
            graph.initializer[i].CopyFrom(to_bfloat16(t))
    for node in graph.node:
        for a in node.attribute:
            if a.type == onnx.AttributeProto.TENSOR and a.t.data_type == TensorProto.FLOAT:
                a.t.CopyFrom(to_bfloat16(a.t))
            if node.op_type == "Cast" and a.name == "to" and a.i == TensorProto.FLOAT:
                a.i = TensorProto.BFLOAT16
    for v in [*graph.input, *graph.output, *graph.value_info]:
        if v.type.tensor_type.elem_type == TensorProto.FLOAT:
            v.type.tensor_type.elem_type = TensorProto.BFLOAT16
    onnx.save(model, target)


def weights_bfloat16(source, target, _x):
    """Weights stored as bfloat16 with a Cast behind them; everything else float32."""
    model = onnx.load(source)
    graph = model.graph
    casts = []
    for i, t in enumerate(graph.initializer):
        if t.data_type != TensorProto.FLOAT or len(t.dims) < 2:
            continue
        name = t.name
        stored = to_bfloat16(t)
        stored.name = name + "/bfloat16"
        graph.initializer[i].CopyFrom(stored)
        casts.append(helper.make_node("Cast", [stored.name], [name], name=name + "/Cast", to=TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend(casts + nodes)
    onnx.save(model, target)


def products(model):
    """Gemm with a stored matrix as MatMul and Add, which weight-only quantisation knows."""
    graph = model.graph
    weights = {t.name: t for t in graph.initializer}
    nodes = []
    for node in graph.node:
        w = weights.get(node.input[1]) if node.op_type == "Gemm" else None
        if w is None:
            nodes.append(node)
            continue
        transposed = any(a.name == "transB" and a.i for a in node.attribute)
        value = numpy_helper.to_array(w)
        w.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(value.T if transposed else value), w.name))
        nodes.append(helper.make_node("MatMul", node.input[:2], [node.output[0] + "/product"], name=node.name + "/MatMul"))
        nodes.append(helper.make_node("Add", [node.output[0] + "/product", node.input[2]], node.output, name=node.name + "/Add"))
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def weights_int4(form):
    def make(source, target, _x):
        model = products(onnx.load(source))
        config = DefaultWeightOnlyQuantConfig(block_size=32, is_symmetric=False, quant_format=form)
        quantizer = MatMulNBitsQuantizer(model, algo_config=config)
        quantizer.process()
        onnx.save(quantizer.model.model, target)

    return make


def float8(source, target, x):
    quantize_static(source, target, Pictures(x), quant_format=QuantFormat.QDQ, activation_type=QuantType.QFLOAT8E4M3FN,
                    weight_type=QuantType.QFLOAT8E4M3FN)


QDQ, OPERATORS = QuantFormat.QDQ, QuantFormat.QOperator
S8, U8, U16 = QuantType.QInt8, QuantType.QUInt8, QuantType.QUInt16
FORMS = {
    "qdq-u8s8-channel": static(QDQ, True, U8, S8),
    "qdq-u8s8-tensor": static(QDQ, False, U8, S8),
    "qdq-u8u8-tensor": static(QDQ, False, U8, U8),
    "qdq-s8s8-channel": static(QDQ, True, S8, S8),
    "qdq-u16s8-channel": static(QDQ, True, U16, S8),
    "qoperator-u8s8-channel": static(OPERATORS, True, U8, S8),
    "qoperator-u8u8-tensor": static(OPERATORS, False, U8, U8),
    "qoperator-s8s8-channel": static(OPERATORS, True, S8, S8),
    "dynamic": dynamic,
    "float16": half(False),
    "float16-inside": half(True),
    "bfloat16": bfloat16,
    "bfloat16-weights": weights_bfloat16,
    "int4-weights": weights_int4(OPERATORS),
    "int4-weights-qdq": weights_int4(QDQ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("out")
    parser.add_argument("name", nargs="*")
    parser.add_argument("--form", nargs="*", default=list(FORMS))
    args = parser.parse_args()
    for name in args.name or sorted(os.listdir(args.folder)):
        source, target = os.path.join(args.folder, name), os.path.join(args.out, name)
        os.makedirs(target, exist_ok=True)
        for file in ("model.onnx", "input.npy", "meta.json"):
            shutil.copy(os.path.join(source, file), target)
        x = np.load(os.path.join(source, "input.npy"))
        for form in args.form:
            path = os.path.join(target, form + ".onnx")
            try:
                FORMS[form](os.path.join(source, "model.onnx"), path, x)
            except Exception as error:
                print(f"{name} {form}: {type(error).__name__}: {str(error)[:200]}", flush=True)
                continue
            operators = sorted({n.op_type for n in onnx.load(path, load_external_data=False).graph.node})
            print(f"{name} {form}: {os.path.getsize(path) // 1024} KiB, {' '.join(operators)}", flush=True)


if __name__ == "__main__":
    main()
