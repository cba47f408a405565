"""Small sequence models with PyTorch's own gradients, for test/networks/sequences.test.ts.

    python scripts/sequence_fixtures.py OUT

Writes OUT/NAME-EXPORTER.onnx and OUT/sequences.json: for each file runs with batches and lengths other than the exported ones, with the
inputs, the answer, the place in the answer that is differentiated, and its gradient by the wanted input (float64, stored as float32).
Weights are random (seed 0). Nothing is downloaded. Needs torch, onnx, onnxscript, onnxruntime and NumPy.
"""

import base64
import json
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
import numpy as np
import onnx
import onnxruntime as ort
import torch
from torch import nn

WORDS, PLACES, CHANNELS, HIDDEN = 11, 49, 8, 6


class Captioner(nn.Module):
    """Words so far and a feature map [N, 49, C] to the logits of the next words [N, T, V]: an LSTM that looks at the picture."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, HIDDEN)
        self.start = nn.Linear(CHANNELS, HIDDEN)
        self.lstm = nn.LSTM(HIDDEN, HIDDEN, batch_first=True)
        self.query = nn.Linear(HIDDEN, CHANNELS)
        self.out = nn.Linear(HIDDEN + CHANNELS, WORDS)

    def forward(self, words, features):
        start = torch.tanh(self.start(features.mean(1)))[None]
        h, _ = self.lstm(self.embedding(words), (start, torch.zeros_like(start)))
        weights = torch.softmax(self.query(h) @ features.transpose(1, 2) / CHANNELS**0.5, -1)
        return self.out(torch.cat([h, weights @ features], -1))


class Answerer(nn.Module):
    """A question, padded with 0, and a feature map to the logits of the answers [N, V]: a bidirectional GRU, attention with masks of -inf."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, HIDDEN)
        self.gru = nn.GRU(HIDDEN, HIDDEN, batch_first=True, bidirectional=True)
        self.score = nn.Linear(2 * HIDDEN, 1)
        self.query = nn.Linear(2 * HIDDEN, CHANNELS)
        self.out = nn.Linear(2 * HIDDEN + CHANNELS, WORDS)

    def forward(self, words, features):
        h, _ = self.gru(self.embedding(words))
        scores = self.score(h).squeeze(-1).masked_fill(words == 0, float("-inf"))
        question = (torch.softmax(scores, -1).unsqueeze(-1) * h).sum(1)
        looks = torch.softmax((features * self.query(question).unsqueeze(1)).sum(-1), -1)
        seen = (looks.unsqueeze(-1) * features).sum(1)
        return self.out(torch.cat([question, seen], -1))


def words(batch, length, generator):
    made = torch.randint(1, WORDS, (batch, length), generator=generator)
    made[-1, length // 2 + 1 :] = 0
    return made


def export(model, path, exporter):
    generator = torch.Generator().manual_seed(1)
    args = (words(2, 5, generator), torch.randn(2, PLACES, CHANNELS, generator=generator))
    names = dict(input_names=["words", "features"], output_names=["logits"])
    if exporter == "dynamo":
        batch, length = torch.export.Dim("batch", min=1, max=64), torch.export.Dim("length", min=2, max=64)
        shapes = {"words": {0: batch, 1: length}, "features": {0: batch}}
        torch.onnx.export(model, args, path, dynamo=True, external_data=False, verbose=False, opset_version=18,
                          dynamic_shapes=shapes, **names)
    else:
        axes = {"words": {0: "batch", 1: "length"}, "features": {0: "batch"}}
        torch.onnx.export(model, args, path, dynamo=False, opset_version=14, dynamic_axes=axes, **names)
    proto = onnx.load(path)
    for n in proto.graph.node:
        n.doc_string = ""
        del n.metadata_props[:]
    del proto.metadata_props[:]
    onnx.save(proto, path)


def encode(values, type_):
    return base64.b64encode(np.ascontiguousarray(values).astype(type_).tobytes()).decode()


def one(name, exporter, out):
    torch.manual_seed(0)
    model = {"captioner": Captioner, "answerer": Answerer}[name]().eval()
    path = f"{out}/{name}-{exporter}.onnx"
    with torch.no_grad():
        export(model, path, exporter)
    session, exact = ort.InferenceSession(path), model.double()
    generator = torch.Generator().manual_seed(2)
    runs = []
    for batch, length in ((1, 3), (2, 7)):
        tokens = words(batch, length, generator)
        features = torch.randn(batch, PLACES, CHANNELS, generator=generator)
        wanted = features.double().requires_grad_(True)
        y = exact(tokens, wanted)
        place = [batch - 1, length - 1, 4] if y.dim() == 3 else [batch - 1, 4]
        gradient = torch.autograd.grad(y[tuple(place)], wanted)[0]
        answer = session.run(None, {"words": tokens.numpy(), "features": features.numpy()})[0]
        off = np.abs(answer - y.detach().numpy()).max()
        assert off < 1e-5, f"{name}: ONNX Runtime answers otherwise than PyTorch: {off}"
        runs.append(dict(batch=batch, length=length, words=tokens.reshape(-1).tolist(), features=encode(features, "<f4"),
                         place=place, dims=list(y.shape), gradient=encode(gradient, "<f4")))
    print(path, sorted({n.op_type for n in onnx.load(path).graph.node}), flush=True)
    return dict(name=f"{name}-{exporter}", runs=runs)


def main(out):
    Path(out).mkdir(parents=True, exist_ok=True)
    networks = [one(n, e, out) for n in ("captioner", "answerer") for e in ("torchscript", "dynamo")]
    with open(f"{out}/sequences.json", "w") as file:
        json.dump(dict(torch=torch.__version__, features=[PLACES, CHANNELS], networks=networks), file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
