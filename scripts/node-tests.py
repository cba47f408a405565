"""The node tests of the `onnx` package, as files for check-node-tests.ts.

    python scripts/node-tests.py FOLDER

Writes FOLDER/NAME.json for each test: the operator, the model, its first set of inputs (base64), or why the inputs cannot be given as
tensors, and the outputs where they are tensors. Models of opsets newer than NEWEST, which ONNX Runtime refuses, are marked as of NEWEST: where the operator's form did not change
they run. Whether a model is right is not judged here.
"""

import base64
import json
import sys
import warnings
from pathlib import Path

import numpy as np
from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases

NEWEST = 26
NEWEST_IR = 12
TYPES = {"float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool"}


def stored(name, value):
    if isinstance(value, TensorProto):
        value = numpy_helper.to_array(value)
    if not isinstance(value, (np.ndarray, np.generic)):
        raise ValueError("inputs that are sequences or optional")
    value = np.asarray(value)
    if str(value.dtype) not in TYPES:
        raise ValueError(f"inputs of {'text' if value.dtype.kind in 'OUS' else value.dtype}")
    data = np.ascontiguousarray(value).tobytes()
    return {"name": name, "type": str(value.dtype), "dims": value.shape, "data": base64.b64encode(data).decode()}


def operator_of(test):
    node = test.model.graph.node[0]
    return node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"


def case(test, operators):
    model = test.model
    for imported in model.opset_import:
        if imported.domain in ("", "ai.onnx"):
            imported.version = min(imported.version, NEWEST)
    model.ir_version = min(model.ir_version, NEWEST_IR)
    base, *expanded = test.name.split("_expanded")
    op = operators.get(base, operator_of(test)) + (" (its function's body)" if expanded else "")
    made = {"name": test.name, "op": op, "model": base64.b64encode(model.SerializeToString()).decode()}
    try:
        names = [i.name for i in model.graph.input]
        inputs, outputs = test.data_sets[0]
        made["inputs"] = [stored(name, value) for name, value in zip(names, inputs)]
    except ValueError as error:
        return {**made, "cannot": str(error)}
    try:
        return {**made, "outputs": [stored(o.name, value) for o, value in zip(model.graph.output, outputs)]}
    except ValueError:
        return made


def main(folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tests = [t for t in collect_testcases(None) if t.model is not None]
    operators = {test.name: operator_of(test) for test in tests}
    for test in tests:
        (folder / f"{test.name}.json").write_text(json.dumps(case(test, operators)))
    print(f"{len(tests)} tests written")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
