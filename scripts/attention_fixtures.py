"""Reference maps from attention, for test/methods/agreement/attention.ts and test/methods/attention.test.ts.

    python scripts/attention_fixtures.py OUT

The papers' formulas on matrices [tokens, tokens], with PyTorch's gradients by the attention (hooks on timm's blocks): Abnar and Zuidema's rollout
with row-normalised (mean over heads + identity), Chefer et al.'s generic attention R <- R + mean over heads of (gradient * attention)+ R, both at the
tokens that the answer is read from (the class token; the mean of all places where places are pooled), and LeGrad's mean of positive
gradients over blocks, heads and queries. Writes float32 [h,w]: OUT/attention-vit-METHOD.npy for the network vit of test/fixtures/networks, class 3, and
OUT/attention-NETWORK-METHOD.npy for networks of test/fixtures/tokens, class 1. Needs torch 2.15, timm, onnx, onnxruntime, grad-cam.
"""
import os
import sys

import numpy as np
import onnxruntime as ort
import torch
from reference_networks import small
from token_fixtures import SMALL_NETWORKS, randomise

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "../test/fixtures/tokens")

# network -> (grid, tokens before the places, the tokens that are read; None: all places)
NETWORKS = {
    "vit": ((6, 6), 1, [0]),
    "mean": ((4, 3), 0, None),
    "registers": ((4, 3), 5, [0]),
    "distilled": ((4, 3), 2, [0, 1]),
    "sequence-first": ((4, 3), 0, [-1]),
}


def network(name):
    """With the weights of the .onnx (as token_fixtures.py makes them), and its picture."""
    if name == "vit":
        return *small("vit"), 3
    torch.manual_seed(0)
    model = SMALL_NETWORKS[name][0]()
    randomise(model)
    for p in model.parameters():
        if p.dim() > 1:
            p.data *= 3
    x = torch.from_numpy(np.load(FOLDER + "/input.npy"))
    want = ort.InferenceSession(f"{FOLDER}/{name}.onnx").run(["output"], {"input": x.numpy()})[0]
    got = model.eval()(x).detach().numpy()
    assert np.linalg.norm(got - want) <= 1e-4 * np.linalg.norm(want), name
    return model, x, 1


def multihead(self, x, *_):
    """nn.MultiheadAttention on [T,N,C] of one picture, its weights kept."""
    a = self.self_attn
    t, n, c = x.shape
    q, k, v = (a.in_proj_weight @ x.reshape(t, c).T + a.in_proj_bias[:, None]).reshape(3, a.num_heads, c // a.num_heads, t).transpose(2, 3)
    weights = (q @ k.transpose(1, 2) / (c // a.num_heads) ** 0.5).softmax(-1)[None]
    kept.append(weights)
    return a.out_proj((weights[0] @ v).permute(1, 0, 2).reshape(t, n, c))


kept = []


def attentions(model, x, target):
    """Attention [heads,T,T] of each block, and the gradients of the class' logit by it."""
    kept.clear()
    for block in model.blocks:
        if hasattr(block, "self_attn"):
            block._sa_block = multihead.__get__(block)
        else:
            block.attn.fused_attn = False
            block.attn.attn_drop.register_forward_hook(lambda m, i, o: kept.append(o))
    score = model(x)[0, target]
    return [a[0].detach() for a in kept], [g[0] for g in torch.autograd.grad(score, kept)]


def maps(weights, slopes):
    """Relevance of each token to each: [T,T]; LeGrad's, of each token: [T]."""
    eye = torch.eye(weights[0].shape[-1])
    rollout, chefer = eye, eye
    for a, g in zip(weights, slopes):
        mixed = a.mean(0) + eye
        rollout = mixed / mixed.sum(1, keepdim=True) @ rollout
        chefer = chefer + (a * g).clamp(min=0).mean(0) @ chefer
    legrad = torch.stack([g.clamp(min=0).mean((0, 1)) for g in slopes]).mean(0)
    return {"attention-rollout": rollout, "transformer-attribution": chefer, "legrad": legrad}


def main(out):
    for name, (grid, before, read) in NETWORKS.items():
        places = slice(before, before + grid[0] * grid[1])
        for method, value in maps(*attentions(*network(name))).items():
            row = value if method == "legrad" else value[places if read is None else read].mean(0)
            np.save(os.path.join(out, f"attention-{name}-{method}.npy"), row[places].reshape(grid).numpy().astype(np.float32))
        print(name, flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
