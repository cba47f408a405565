"""Networks that answer in words, boxes, maps and embeddings, exported to ONNX with PyTorch's own answer and gradients, to hold ours against.

    python scripts/vision_language_networks.py OUT [NAME ...]           real architectures
    python scripts/vision_language_networks.py OUT [NAME ...] --small   tiny ones, for test/fixtures/targets
    python scripts/vision_language_networks.py --list

For each NAME writes OUT/NAME/:

    *.onnx              model.onnx, or the files that run one after the other, as meta.json tells
    <input>.npy         what each input is fed, named after it; output-<output>.npy what PyTorch says, of the last file and those before
    grad_input.npy      [targets, ...picture input]: d score / d picture by autograd
    grad_layer.npy      [targets, ...layer]: the same by the value of a layer
    seed.npy            [targets, ...answer]: the gradient of the score by the output `answer` that it is made of
    meta.json           files (each with what its inputs are called elsewhere), picture, answer, layer (file and name of its value, found by comparing
                        numbers), targets (as JSON, with the score and the scale of each array), apart (relative L2 of ONNX Runtime's outputs from
                        PyTorch's), operators, exporter, note (what was reduced)

With --small the stacks are float16, each divided by its `scale`. The targets are

    {kind: word, position, id}      a logit of a caption: row `position` of `logits`, which tells what follows input_ids[position]
    {kind: text, ids}               the sum of the log-probabilities of all these words, row t telling ids[t]
    {kind: answer, index}           a logit of a question answerer
    {kind: similarity, row}         logits_per_image, or the cosine of the picture's embedding and text_embeds[row]
    {kind: box, box, class, anchor} the score of a box that survived; `anchor` is the raw box that it was made of, before the choice by score and overlap
    {kind: region, class, mask}     the sum of a class' scores over the places that `mask` tells: those that are 1 in seed.npy

Weights are random (seed 0), batch norms are calibrated on the picture, heads spread so that some boxes survive. Nothing is downloaded. Needs torch 2.15,
torchvision, timm, onnx, onnxruntime, Pillow, NumPy, and for the files as optimum writes them transformers 4.57 and optimum-onnx 0.1.0.
"""

import argparse
import os
import sys
import traceback

import target_captioners
import target_detectors
import target_embeddings
import target_segmenters
import torch
from target_store import store

NETWORKS = {**target_captioners.NETWORKS, **target_embeddings.NETWORKS, **target_detectors.NETWORKS, **target_segmenters.NETWORKS}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?")
    parser.add_argument("name", nargs="*")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--list", action="store_true")
    given = parser.parse_intermixed_args()
    if given.list or not given.out:
        print("\n".join(NETWORKS))
        return 0
    failed = 0
    for name in given.name or NETWORKS:
        torch.manual_seed(0)
        try:
            store(name, NETWORKS[name](given.small), os.path.join(given.out, name), given.small)
        except Exception:
            failed += 1
            print(f"{name}: failed", flush=True)
            traceback.print_exc()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
