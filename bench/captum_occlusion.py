"""Times Captum's Occlusion for bench/occlusion.ts: milliseconds a square, the best run of each batch size, as a JSON list.

    python captum_occlusion.py NETWORK PATCH STRIDE

NETWORK is one of torchvision's, with random weights; the time does not depend on them. Of a whole map the first runs are timed, from one call of the
network to the next, so that Captum's own work is in it.
"""
import json, sys, time
import torch, torchvision
from captum.attr import Occlusion

name, patch, stride = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.manual_seed(0)
model = torchvision.models.get_model(name, weights=None).eval()
x = torch.randn(1, 3, 224, 224)
SQUARES = 32


class Enough(Exception):
    pass


def best(batch):
    calls = []

    def forward(pictures):
        calls.append(time.perf_counter())
        if len(calls) > 3 + SQUARES // batch:
            raise Enough
        return model(pictures)

    try:
        Occlusion(forward).attribute(x, target=0, sliding_window_shapes=(3, patch, patch), strides=(3, stride, stride), baselines=0, perturbations_per_eval=batch)
    except Enough:
        pass
    # the first two calls are of the picture itself and of the first batch
    return 1000 * min(b - a for a, b in zip(calls[1:], calls[2:])) / batch


with torch.no_grad():
    print(json.dumps([best(batch) for batch in (1, 4, 16)]))
