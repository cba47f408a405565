"""Times Captum's Occlusion for bench/occlusion.ts: milliseconds a square, the best of each batch size, as a JSON list.

    python captum_occlusion.py NETWORK PATCH

NETWORK is one of torchvision's, with random weights; the time does not depend on them. Squares of PATCH px at a step at which there are 49 of them.
"""
import json, sys, time
import torch, torchvision
from captum.attr import Occlusion

name, patch = sys.argv[1], int(sys.argv[2])
torch.manual_seed(0)
model = torchvision.models.get_model(name, weights=None).eval()
x = torch.randn(1, 3, 224, 224)
occlusion = Occlusion(model)
step = (224 - patch) // 6
squares = (-(-(224 - patch) // step) + 1) ** 2
times = []
with torch.no_grad():
    model(x)
    for batch in (1, 4, 8, 16):
        best = float("inf")
        for _ in range(2):
            start = time.perf_counter()
            occlusion.attribute(x, target=0, sliding_window_shapes=(3, patch, patch), strides=(3, step, step), baselines=0, perturbations_per_eval=batch)
            best = min(best, time.perf_counter() - start)
        times.append(1000 * best / squares)
print(json.dumps(times))
