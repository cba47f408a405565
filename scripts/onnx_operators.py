"""The operators of the ONNX standard with the versions that changed them, from the schemas of the `onnx` package.

    python scripts/onnx_operators.py > scripts/docs/onnx-operators.json

`versions` are the opsets that brought or changed an operator; `removed` is the opset that took it away. Operators of other standard
domains are counted only.
"""

import json
from collections import Counter, defaultdict

import onnx


def main():
    versions, removed = defaultdict(list), {}
    for schema in sorted(onnx.defs.get_all_schemas_with_history(), key=lambda s: s.since_version):
        if schema.domain == "":
            versions[schema.name].append((schema.since_version, schema.deprecated))
    operators = {}
    for name, history in sorted(versions.items()):
        last, deprecated = history[-1]
        kept = [v for v, gone in history if not (gone and v == last)]
        operators[name] = {"versions": kept, **({"removed": last} if deprecated else {})}
    others = Counter(s.domain for s in onnx.defs.get_all_schemas() if s.domain != "")
    lines = [f"    {json.dumps(name)}: {json.dumps(value)}" for name, value in operators.items()]
    print("{")
    print(f'  "package": {json.dumps("onnx " + onnx.__version__)},')
    print(f'  "opset": {onnx.defs.onnx_opset_version()},')
    print('  "operators": {\n' + ",\n".join(lines) + "\n  },")
    print(f'  "otherDomains": {json.dumps(dict(sorted(others.items())))}')
    print("}")


if __name__ == "__main__":
    main()
