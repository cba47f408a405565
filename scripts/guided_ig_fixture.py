"""Guided IG of a small function by PAIR saliency, for test/methods/guided-ig.test.ts.

    python scripts/guided_ig_fixture.py test/fixtures/guided-ig.json

The function is the sum of w x + v x^2 over 36 values, whose gradients differ from value to value. On networks of rectifiers the way that Guided IG takes
turns on the last digits of gradients, so that maps of two runtimes are less alike than the method is. Needs saliency 0.2 and NumPy.
"""
import json
import sys

import numpy as np
import saliency.core as saliency

quantile = np.quantile
np.quantile = lambda values, share, interpolation: quantile(values, share, method=interpolation)


def main(out):
    rng = np.random.default_rng(7)
    x, w, v = (rng.standard_normal(36).astype(np.float32) for _ in range(3))
    gradients = lambda batch, call_model_args=None, expected_keys=None: {saliency.INPUT_OUTPUT_GRADIENTS: w + 2 * v * batch}
    cases = []
    for steps, fraction, distance in [(20, 0.25, 0.02), (20, 0.25, 0.3), (7, 0.5, 1.0), (10, 0.25, 0.0)]:
        mask = saliency.GuidedIG().GetMask(x, gradients, x_steps=steps, fraction=fraction, max_dist=distance)
        cases.append({"options": {"steps": steps, "fraction": fraction, "distance": distance}, "map": [float(m) for m in mask]})
    with open(out, "w") as file:
        json.dump({"x": x.tolist(), "w": w.tolist(), "v": v.tolist(), "cases": cases}, file)
        file.write("\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
