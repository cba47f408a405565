"""Reference maps of gradient methods for test/methods/agreement, by Captum 0.9.

    python scripts/gradient_fixtures.py test/fixtures/methods

Writes OUT/gradient-<network>-<method>.npy, float16 [3,24,24]: every fourth pixel of every fourth row from the third on, divided by the map's largest
absolute value. GuidedGradCam resizes bilinearly, as onnxplain does, and not to the nearest. Needs torch 2.15, captum 0.9 and what reference_networks.py needs.
"""
import os
import sys
import warnings

warnings.filterwarnings("ignore")
import numpy as np
from captum.attr import Deconvolution, GuidedBackprop, GuidedGradCam, InputXGradient, Saliency
from reference_networks import small

CLASSES = {"resnet": 9, "vit": 4}


def main(out):
    os.makedirs(out, exist_ok=True)
    for network, target in CLASSES.items():
        model, x = small(network)
        x.requires_grad_()
        maps = {
            "gradient": lambda: Saliency(model).attribute(x, target, abs=False),
            "input-x-gradient": lambda: InputXGradient(model).attribute(x, target),
        }
        if network == "resnet":
            maps |= {
                "guided-backpropagation": lambda: GuidedBackprop(model).attribute(x, target),
                "deconvnet": lambda: Deconvolution(model).attribute(x, target),
                "guided-grad-cam": lambda: GuidedGradCam(model, model.layer3).attribute(x, target, interpolate_mode="bilinear"),
            }
        for method, make in maps.items():
            value = make()[0].detach().numpy()
            value = (value / np.abs(value).max())[:, 2::4, 2::4].astype(np.float16)
            np.save(os.path.join(out, f"gradient-{network}-{method}.npy"), np.ascontiguousarray(value))
            print(network, method, value.shape, flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
