"""Reference maps of methods that run the network behind a layer, or the whole of it, many times, for test/methods/agreement/driven-cams.ts.

    python scripts/driven_cam_fixtures.py OUT [NAME ...]

Writes OUT/NAME.npy (float16, the raw map at the layer before ReLU and scaling, divided by its largest magnitude), for random methods the mean of
SEEDS seeds, and prints the least correlation that a seed's map has with the mean of the others'. OUT/nmf.json: a small matrix and scikit-learn's
NMF of it. Ablation-CAM: pytorch-grad-cam. Score-CAM and its kin, Smooth Grad-CAM++: torch-cam, without its ReLU. Recipro-CAM: the formulas of OpenVINO XAI
1.1 (single places; Gaussian with class token). Deep feature factorization: pytorch-grad-cam's with the start NNDSVD, the component chosen by the logits of
its concept at its strongest place. Needs torch 2.15, grad-cam 1.5.7, torchcam, scikit-learn, timm and onnx.
"""
import json
import os
import sys

import numpy as np
import pytorch_grad_cam.feature_factorization.deep_feature_factorization as factorization
import torch
from pytorch_grad_cam import AblationCAM
from pytorch_grad_cam.ablation_layer import AblationLayer
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from reference_networks import picture, shipped, small
from sklearn.decomposition import NMF
from torchcam.methods import ISCAM, SSCAM, ScoreCAM, SmoothGradCAMpp

SEEDS, SAMPLES, NOISE, COMPONENTS = 10, 4, 0.06, 5
torch.set_num_threads(1)


class Behind(torch.nn.Module):
    """The shipped model behind its last feature map."""

    def __init__(self, net):
        super().__init__()
        self.features, self.fc = torch.nn.Identity(), net.net._fc

    def forward(self, a):
        return self.fc(self.features(a).mean((2, 3)))


class ZeroPlaces(AblationLayer):
    """0 for a channel of all tokens but the first, whatever the least value is (pytorch-grad-cam: least value - 1e7, and of the class token too)."""

    def set_next_batch(self, input_batch_index, activations, num_channels_to_ablate):
        self.activations = activations[input_batch_index][None].repeat(num_channels_to_ablate, 1, 1)

    def __call__(self, x):
        for i in range(len(self.activations)):
            self.activations[i, 1:, self.indices[i]] = 0
        return self.activations


def tokens(a):
    side = int((a.shape[1] - 1) ** 0.5)
    return a[:, 1:].reshape(len(a), side, side, -1).permute(0, 3, 1, 2)


def ablation(net, layer, x, target, **options):
    seen = {}
    with AblationCAM(net, [layer], **options) as cam:
        get = cam.get_cam_image
        cam.get_cam_image = lambda *a, **k: seen.setdefault("map", get(*a, **k))
        cam(x, [ClassifierOutputTarget(target)])
    return seen["map"][0]


def torchcam(kind, net, layer, x, target, **options):
    with kind(net, layer, input_shape=tuple(x.shape[1:]), **options) as cam:
        cam._relu = False
        scores = net(x)
        return cam.compute_cams(target, scores, normalized=False)[0][0].detach().numpy()


def kept(module, x, net):
    seen = {}
    handle = module.register_forward_hook(lambda m, i, o: seen.setdefault("out", o))
    with torch.no_grad():
        net(x)
    handle.remove()
    return seen["out"]


def scores_with(net, module, x, values):
    """Logits where the module gives `values`."""
    handle = module.register_forward_hook(lambda m, i, o: values)
    with torch.no_grad():
        out = net(x.expand(len(values), -1, -1, -1))
    handle.remove()
    return out


def recipro(net, module, x, target, gaussian, is_tokens=False):
    a = kept(module, x, net)
    _, _, h, w = (tokens(a) if is_tokens else a).shape
    kernel = torch.tensor([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16 if gaussian else torch.tensor([[0.0, 0, 0], [0, 1, 0], [0, 0, 0]])
    masks = torch.zeros(h * w, h + 2, w + 2)
    for i in range(h):
        for j in range(w):
            masks[i * w + j, i : i + 3, j : j + 3] = kernel
    masks = masks[:, 1:-1, 1:-1]
    if is_tokens:
        flat = torch.cat([torch.ones(h * w, 1), masks.reshape(h * w, -1)], 1)
        values = a * flat[:, :, None]
    else:
        values = a * masks[:, None]
    map = scores_with(net, module, x, values)[:, target].reshape(h, w).numpy()
    return map - map.mean()  # a constant would take the precision of float16


def dff(net, module, x, target, is_tokens=False):
    a = kept(module, x, net)
    features = (tokens(a) if is_tokens else a).numpy()
    factorization.NMF = lambda n_components, init, random_state: NMF(n_components=n_components, init="nndsvd", random_state=0)
    concepts, where = factorization.dff(features.copy(), COMPONENTS)
    offset = features[0].reshape(features.shape[1], -1).min(1)
    tops = where[0].reshape(COMPONENTS, -1).max(1)
    strongest = torch.from_numpy(np.float32(((concepts - offset[:, None]) * tops + offset[:, None]).T))
    if is_tokens:
        filled = a.repeat(COMPONENTS, 1, 1)
        filled[:, 1:] = strongest[:, None]
    else:
        filled = strongest[:, :, None, None].expand(-1, -1, *a.shape[2:]).contiguous()
    out = scores_with(net, module, x, filled)
    best = int(out[:, target].argmax())
    factorization.NMF = NMF
    _, random = factorization.dff(features.copy(), COMPONENTS)
    like = max(np.corrcoef(random[0, i].ravel(), where[0, best].ravel())[0, 1] for i in range(COMPONENTS))
    print("  best", best, "classes", out.argmax(1).tolist(), "the random start's most like it:", round(float(like), 4))
    return where[0, best]


def seeds(one):
    maps = []
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        maps.append(one())
    flat = np.stack(maps).reshape(SEEDS, -1)
    least = min(np.corrcoef(m, np.delete(flat, i, 0).mean(0))[0, 1] for i, m in enumerate(flat))
    print("  least correlation of a seed with the others:", round(float(least), 4))
    return np.mean(maps, 0)


def matrix():
    x = np.arange(14)[:, None] * 7 + np.arange(9)[None] * 5
    x = (x * x) % 23 / 10
    model = NMF(n_components=3, init="nndsvd", random_state=0)
    w = model.fit_transform(x)
    return {
        "rows": 14,
        "columns": 9,
        "x": [round(float(v), 3) for v in x.ravel()],
        "left": [[round(float(v), 5) for v in c] for c in w.T],
        "right": [[round(float(v), 5) for v in c] for c in model.components_],
        "error": round(float(model.reconstruction_err_ / np.linalg.norm(x)), 6),
    }


def cases():
    big, photo = shipped(), picture()
    resnet, x = small("resnet")
    vit, _ = small("vit")
    layer = resnet.layer2[0].act2
    name = "layer2.0.act2"
    norm = vit.blocks[-1].norm1
    noise = NOISE * float(x.max() - x.min())
    head = Behind(big)
    yield "ablation-cam-shipped", lambda: ablation(head, head.features, kept(big.features, photo, big), 967)
    yield "ablation-cam-resnet", lambda: ablation(resnet, layer, x, 3)
    yield "ablation-cam-vit", lambda: ablation(vit, norm, x, 4, reshape_transform=tokens, ablation_layer=ZeroPlaces())
    yield "score-cam-shipped", lambda: torchcam(ScoreCAM, big, "net._blocks.1._project_conv", photo, 285)
    yield "score-cam-resnet", lambda: torchcam(ScoreCAM, resnet, name, x, 9)
    yield "ss-cam-resnet", lambda: seeds(lambda: torchcam(SSCAM, resnet, name, x, 9, num_samples=SAMPLES))
    yield "is-cam-resnet", lambda: torchcam(ISCAM, resnet, name, x, 9, num_samples=SAMPLES)
    yield "smooth-grad-cam++-resnet", lambda: seeds(lambda: torchcam(SmoothGradCAMpp, resnet, name, x, 9, num_samples=10, std=noise))
    yield "recipro-cam-shipped", lambda: recipro(big, big.features, photo, 285, False)
    yield "recipro-cam-resnet", lambda: recipro(resnet, layer, x, 9, True)
    yield "recipro-cam-vit", lambda: recipro(vit, norm, x, 4, True, is_tokens=True)
    yield "dff-shipped", lambda: dff(big, big.features, photo, 967)
    yield "dff-resnet", lambda: dff(resnet, layer, x, 9)
    yield "dff-vit", lambda: dff(vit, norm, x, 4, is_tokens=True)


def main(out, wanted):
    for name, make in cases():
        if wanted and name not in wanted:
            continue
        print(name, flush=True)
        value = make()
        np.save(os.path.join(out, name + ".npy"), (value / np.abs(value).max()).astype(np.float16))
    with open(os.path.join(out, "nmf.json"), "w") as file:
        json.dump(matrix(), file)
        file.write("\n")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
