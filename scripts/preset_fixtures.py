"""What other libraries return as Grad-CAM, and what they make of several layers and of changed copies, for test/explain/compose.test.ts.

    python scripts/preset_fixtures.py OUT

On the shipped model and its golden input, class 285; OUT/presets.json gets the maps by name, those on the input's pixels at every eighth row and column from
the fifth on:

    pytorch-grad-cam, captum, torch-cam, saliency   each library's own call, at the last feature map (saliency: the last convolution)
    tf-explain, xplique, tfjs-examples              their formulas: resized by OpenCV (as tf-explain does), by Pillow's bicubic (TensorFlow's is the
                                                    same cubic of -0.5), and by TensorFlow's corner-aligned grid without half pixels
    mean, product                                   pytorch-grad-cam at two layers: GradCAM, and RefineCAM of GradCAM
    augment                                         the mean of Captum's map over aug_smooth's six copies, turned back

Needs torch 2.15, grad-cam 1.5.7, captum 0.9, torchcam 0.5, saliency 0.2.1, opencv, Pillow.
"""
import json
import os
import sys

import cv2
import numpy as np
import torch
from captum.attr import LayerGradCam
from PIL import Image
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.refine_cam import RefineCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from reference_networks import picture, shipped
from saliency.core import GradCam
from saliency.core.base import CONVOLUTION_LAYER_VALUES, CONVOLUTION_OUTPUT_GRADIENTS
from torchcam.methods import GradCAM as TorchCam

CLASS, SIDE = 285, 224


def grid(plane):
    return plane[4::8, 4::8]


def layer_and_gradient(net, module, x):
    kept = {}
    hook = module.register_forward_hook(lambda _m, _i, v: kept.update(v=v))
    score = net(x.clone().requires_grad_(True))[0, CLASS]
    hook.remove()
    (g,) = torch.autograd.grad(score, kept["v"])
    return kept["v"].detach()[0].numpy(), g[0].numpy()


def corner_bilinear(plane, side):
    """TensorFlow 1's resizeBilinear: alignCorners false, halfPixelCenters false."""
    place = np.arange(side) * plane.shape[0] / side
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, plane.shape[0] - 1)
    share = (place - low).astype(np.float32)
    rows = plane[low] * (1 - share)[:, None] + plane[high] * share[:, None]
    return rows[:, low] * (1 - share) + rows[:, high] * share


def main(out):
    net, x = shipped(), picture()
    target = [ClassifierOutputTarget(CLASS)]
    conv = net.net._conv_head
    maps = {"pytorch-grad-cam": grid(GradCAM(net, [net.features])(x, target)[0])}
    captum = lambda v: LayerGradCam(net, net.features).attribute(v, CLASS)[0, 0].detach().numpy()
    maps["captum"] = captum(x)
    with TorchCam(net, net.features) as cam:
        maps["torch-cam"] = cam(CLASS, net(x.clone().requires_grad_(True)))[0][0].numpy()

    def call(images, call_model_args=None, expected_keys=None):
        a, g = layer_and_gradient(net, conv, torch.from_numpy(images).permute(0, 3, 1, 2).float())
        return {CONVOLUTION_LAYER_VALUES: a.transpose(1, 2, 0)[None], CONVOLUTION_OUTPUT_GRADIENTS: g.transpose(1, 2, 0)[None]}

    maps["saliency"] = grid(GradCam().GetMask(x[0].permute(1, 2, 0).numpy(), call, {}, should_resize=True, three_dims=False))
    a, g = layer_and_gradient(net, net.features, x)
    rectified = (a * (g * (g > 0) * (a > 0)).mean((1, 2))[:, None, None]).sum(0)
    fine = cv2.resize(rectified, (SIDE, SIDE))
    maps["tf-explain"] = grid((fine - fine.min()) / (fine.max() - fine.min()))
    a, g = layer_and_gradient(net, conv, x)
    raw = np.maximum((a * g.mean((1, 2))[:, None, None]).sum(0), 0)
    maps["xplique"] = grid(np.asarray(Image.fromarray(raw).resize((SIDE, SIDE), Image.BICUBIC)))
    maps["tfjs-examples"] = grid(corner_bilinear(raw / raw.max(), SIDE))
    layers = [net.net._blocks[15]._project_conv, net.features]
    maps["mean"] = grid(GradCAM(net, layers)(x, target)[0])
    maps["product"] = grid(RefineCAM(net, layers, base_method=GradCAM)(x, target)[0])
    copies = [(flip, factor) for flip in (False, True) for factor in (0.9, 1, 1.1)]
    turned = [captum((x.flip(3) if flip else x) * factor) for flip, factor in copies]
    maps["augment"] = np.mean([m[:, ::-1] if flip else m for m, (flip, _) in zip(turned, copies)], 0)
    stored = {name: [float(f"{v:.6g}") for v in np.ravel(m)] for name, m in maps.items()}
    with open(os.path.join(out, "presets.json"), "w") as file:
        json.dump(stored, file)
        file.write("\n")
    print({name: np.shape(m) for name, m in maps.items()})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
