"""Reference maps of the CAM family for test/methods/agreement, by pytorch-grad-cam 1.5.7 (and scikit-learn's KernelPCA, through it).

    python scripts/cam_fixtures.py test/fixtures/methods

Writes OUT/cam-<network>-<method>.npy, float32: the map at the layer as the library computes it (`get_cam_image`), before its ReLU and scaling; for
FullGrad, which has no layer, the map on the input (scaled to 0..1, which keeps a correlation) in means of 8 x 8 pixels. Networks, layers and classes are those of CASES below; the layer of `vit`
is the last block's first norm, its class token left out by reshape_transform. Eigenvectors of the library's SVD have no fixed sign; they are stored
with the sign under which the value farthest from 0 is positive.

Needs torch 2.15, grad-cam 1.5.7, scikit-learn, and what reference_networks.py needs.
"""
import os
import sys
import warnings

warnings.filterwarnings("ignore")
import numpy as np
import pytorch_grad_cam as pgc
import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from reference_networks import picture, shipped, small


class ReST:
    """The residual softmax target of ShapleyCAM (Cai 2025): the logit and its log softmax."""

    def __init__(self, category):
        self.category = category

    def __call__(self, output):
        return output[self.category] + torch.log_softmax(output, -1)[self.category]


def tokens(x):
    """[N,1+36,K] to [N,K,6,6]."""
    side = int((x.shape[1] - 1) ** 0.5)
    return x[:, 1:].reshape(x.shape[0], side, side, -1).permute(0, 3, 1, 2)


NEW = {"kpca-cam": pgc.KPCA_CAM, "seg-eigen-cam": pgc.SegEigenCAM, "finer-cam": pgc.FinerCAM, "shapley-cam": pgc.ShapleyCAM}
PLAIN = {
    "grad-cam": pgc.GradCAM,
    "grad-cam++": pgc.GradCAMPlusPlus,
    "xgrad-cam": pgc.XGradCAM,
    "hires-cam": pgc.HiResCAM,
    "layer-cam": pgc.LayerCAM,
    "elementwise-grad-cam": pgc.GradCAMElementWise,
    "eigen-cam": pgc.EigenCAM,
    "eigen-grad-cam": pgc.EigenGradCAM,
    "fem": pgc.FEM,
}
SMOOTH = {"grad-cam": pgc.GradCAM, "layer-cam": pgc.LayerCAM}
EIGEN = {"eigen-cam", "eigen-grad-cam"}

# network -> layer, class, reshape_transform, the methods
CASES = {
    "shipped": (lambda m: m.features, 285, None, {**PLAIN, **NEW}),
    "resnet": (lambda m: m.layer3, 9, None, NEW),
    "efficientnet": (lambda m: m.blocks[2], 19, None, NEW),
    "vit": (lambda m: m.blocks[-1].norm1, 4, tokens, {**PLAIN, **NEW}),
}


def plain(model):
    """The same network of nothing but Conv2d and BatchNorm2d themselves, which are all that the library's FullGrad looks for."""
    for name, child in list(model.named_children()):
        kind = type(child).__name__
        if kind == "Conv2dStaticSamePadding":
            conv = torch.nn.Conv2d(child.in_channels, child.out_channels, child.kernel_size, child.stride, child.padding, child.dilation, child.groups, child.bias is not None)
            conv.weight, conv.bias = child.weight, child.bias
            setattr(model, name, torch.nn.Sequential(child.static_padding, conv))
        elif kind == "BatchNormAct2d":
            norm = torch.nn.BatchNorm2d(child.num_features, child.eps)
            norm.load_state_dict(child.state_dict())
            setattr(model, name, torch.nn.Sequential(norm, child.drop, child.act))
        elif kind == "BatchNorm2d" and not model_uses_norms(model):
            setattr(model, name, torch.nn.Identity())
        else:
            plain(child)
    return model.eval()


def model_uses_norms(module):
    """The shipped model's norms are folded into its convolutions and stand unused beside them."""
    return "efficientnet_lite_pytorch" not in type(module).__module__


def raw(method, kind, model, layer, reshape, x, category, smooth=False):
    """What the library's get_cam_image returns, [...places]."""
    seen = []
    cam = kind(model, [layer], reshape_transform=reshape)
    base = cam.base_cam if method == "finer-cam" else cam
    get = base.get_cam_image

    def shaped(x, layer, targets, activations, grads, smooth):
        # the library's ShapleyCAM weighs the tokens as they are, which have no places, and fails: its weights, on reshaped activations
        weights = base.get_cam_weights(x, layer, targets, activations, grads)
        return (weights[:, :, None, None] * reshape(activations).detach().numpy()).sum(1)

    if method == "shapley-cam" and reshape:
        get = shaped

    def keep(*args, **named):
        seen.append(get(*args, **named))
        return seen[-1]

    base.get_cam_image = keep
    if method == "finer-cam":
        cam(x, target_idx=category)
    else:
        cam(x, [ReST(category) if method == "shapley-cam" else ClassifierOutputTarget(category)], eigen_smooth=smooth)
    found = np.asarray(seen[0][0], np.float32)
    if method in EIGEN or smooth:
        found = -found if abs(found.min()) > abs(found.max()) else found
    hooks = base.activations_and_grads
    hooks.activations, hooks.gradients = [], []
    hooks.release()
    return found


def main(out):
    os.makedirs(out, exist_ok=True)

    def save(network, name, value):
        np.save(os.path.join(out, f"cam-{network}-{name}.npy"), np.ascontiguousarray(value))
        print(network, name, value.shape, float(np.abs(value).max()), flush=True)

    for network, (layer_of, category, reshape, methods) in CASES.items():
        model, x = (shipped(), picture()) if network == "shipped" else small(network)
        layer = layer_of(model)
        for method, kind in methods.items():
            save(network, method, raw(method, kind, model, layer, reshape, x, category))
        for method, kind in SMOOTH.items():
            save(network, f"{method}-smooth", raw(method, kind, model, layer, reshape, x, category, smooth=True))
        if network == "vit":
            continue
        with torch.no_grad():
            before = model(x)
        model = plain(model)
        with torch.no_grad():
            assert torch.allclose(model(x), before, atol=1e-4)
        with pgc.FullGrad(model, []) as cam:
            full = cam(x, [ClassifierOutputTarget(category)])[0]
        h, w = full.shape
        save(network, "full-grad", full.reshape(h // 8, 8, w // 8, 8).mean((1, 3)).astype(np.float32))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
