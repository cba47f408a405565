"""Reference values of metrics for test/metrics, by RISE's, wsolevaluation's and Xplique's formulas and by the code of torch-cam, pytorch-grad-cam,
Quantus, Captum, PAIR saliency and TorchRay.

    python scripts/metric_fixtures.py OUT

On the network `resnet` of test/fixtures/networks and its picture. OUT gets smooth.npy and fine.npy (maps [96,96], float16: Grad-CAM and gradient
times input of the best class, signed) and metrics.json: for each map and metric the value, its curve where it has one, and the options of onnxplain
that mean the same. Random draws are those of onnxplain (mulberry32), put in the place of the libraries' own, so that values are compared, not spreads.

Needs torch 2.15, captum 0.9, grad-cam 1.5.7, torchcam, quantus 0.6, saliency (PAIR), torchray 1.0.0.2, opencv, scikit-image 0.26, scipy.
RISE: eclique/RISE evaluation.py (MIT); wsolevaluation: clovaai/wsolevaluation evaluation.py (MIT); Xplique 2.0.2: metrics/fidelity.py (MIT).
"""
import contextlib
import json
import os
import sys
import warnings

import cv2
import numpy as np
import torch
from reference_networks import small
from scipy import ndimage, stats
from skimage import measure
from skimage.metrics import structural_similarity

warnings.filterwarnings("ignore")
SIDE = 96
BOX = [10, 6, 84, 90]  # x0, y0, x1, y1; exclusive
MASK32 = 0xFFFFFFFF


def uniform(seed):
    """onnxplain's src/methods/random.ts."""
    state = seed & MASK32

    def draw():
        nonlocal state
        state = (state + 0x6D2B79F5) & MASK32
        t = state
        t = ((t ^ (t >> 15)) * (t | 1)) & MASK32
        t ^= (t + (((t ^ (t >> 7)) * (t | 61)) & MASK32)) & MASK32
        return (t ^ (t >> 14)) / 2**32

    return draw


def subsets(count, size, seed):
    """Subsets as onnxplain draws them: the first steps of one shuffle after the other."""
    order, draw = np.arange(count), uniform(seed)
    while True:
        for k in range(size):
            j = k + int(draw() * (count - k))
            order[k], order[j] = order[j], order[k]
        yield order[:size].copy()


def unit(m):
    m = m.astype(np.float32)
    return (m - m.min()) / (m.max() - m.min())


def positive_unit(m):
    return unit(np.maximum(m, 0))


class Reference:
    def __init__(self):
        from captum.attr import InputXGradient

        self.net, self.x = small("resnet")
        self.net.eval()
        with torch.no_grad():
            self.logits = self.net(self.x)[0].numpy()
        self.target = int(self.logits.argmax())
        self.layer = [m for n, m in self.net.named_modules() if n == "layer4"]
        fine = InputXGradient(self.net).attribute(self.x, target=self.target)[0].sum(0).detach().numpy()
        self.maps = {
            "smooth": (self.grad_cam(self.x, self.target) * 100).astype(np.float16),
            "fine": (fine * 1000).astype(np.float16),
        }

    def grad_cam(self, x, target):
        """pytorch-grad-cam's map before its ReLU, on the picture."""
        from pytorch_grad_cam import GradCAM
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        seen = {}
        with GradCAM(self.net, self.layer) as cam:
            get = cam.get_cam_image
            cam.get_cam_image = lambda *a, **k: seen.setdefault("map", get(*a, **k))
            cam(x, [ClassifierOutputTarget(target)])
        return cv2.resize(np.asarray(seen["map"][0], np.float32), (SIDE, SIDE))

    def gradient(self, x, target):
        x = x.clone().requires_grad_(True)
        return torch.autograd.grad(self.net(x)[0, target], x)[0][0].abs().max(0).values.numpy()

    def score(self, pictures, probability):
        with torch.no_grad():
            out = self.net(torch.as_tensor(np.asarray(pictures), dtype=torch.float32))
        return (out.softmax(1) if probability else out)[:, self.target].numpy()


def rise(ref, m, mode, step=SIDE):
    """CausalMetric.single_run and auc of RISE, ties in reading order."""

    def gkern(klen, nsig):
        inp = np.zeros((klen, klen))
        inp[klen // 2, klen // 2] = 1
        k = ndimage.gaussian_filter(inp, nsig)
        kern = np.zeros((3, 3, klen, klen))
        for c in range(3):
            kern[c, c] = k
        return torch.from_numpy(kern.astype("float32"))

    x, count = ref.x, SIDE * SIDE
    substrate = torch.zeros_like(x) if mode == "del" else torch.nn.functional.conv2d(x, gkern(11, 5), padding=5)
    start, finish = (x.clone(), substrate) if mode == "del" else (substrate.clone(), x)
    order = np.argsort(-m.astype(np.float64).ravel(), kind="stable")
    scores = []
    for i in range((count + step - 1) // step + 1):
        scores.append(float(ref.score(start, True)[0]))
        at = order[step * i : step * (i + 1)]
        start.numpy().reshape(1, 3, count)[0][:, at] = finish.numpy().reshape(1, 3, count)[0][:, at]
    s = np.array(scores)
    return {"value": float((s.sum() - s[0] / 2 - s[-1] / 2) / (len(s) - 1)), "curve": s[::12].tolist()}


def torchcam_confidence(ref, m):
    from torchcam.metrics import ClassificationMetric

    class Extractor:
        model = ref.net

        def __call__(self, *a, **k):
            return [torch.from_numpy(positive_unit(m))[None]]

        def fuse_cams(self, cams):
            return cams[0]

        def _hooks_off(self):
            return contextlib.nullcontext()

    metric = ClassificationMetric(Extractor(), lambda o: torch.softmax(o, -1))
    metric.update(ref.x, ref.target)
    return metric.summary()


def average_gain(ref, m):
    whole, masked = (float(ref.score(x, True)[0]) for x in (ref.x, ref.x * torch.from_numpy(positive_unit(m))))
    return max(0, masked - whole) / (1 - whole)


def road(ref, m):
    import pytorch_grad_cam.metrics.road as module
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget

    class Still(module.NoisyLinearImputer):
        def __init__(self):
            super().__init__(noise=0)

    kept = module.NoisyLinearImputer
    module.NoisyLinearImputer = Still
    try:
        percentiles, targets = [20, 40, 60, 80], [ClassifierOutputSoftmaxTarget(ref.target)]
        cams = unit(m)[None]
        combined = module.ROADCombined(percentiles)(ref.x, cams, targets, ref.net)
        morf = module.ROADMostRelevantFirstAverage(percentiles)(ref.x, cams, targets, ref.net)
    finally:
        module.NoisyLinearImputer = kept
    return float(combined[0]), float(morf[0])


def arcc(ref):
    """pytorch-grad-cam's ARCC and, of its parts, ADCC; of its Grad-CAM, which is put on the picture before the ReLU."""
    import pytorch_grad_cam.metrics.road as module
    from pytorch_grad_cam.metrics.arcc import ARCC, Coherency, Complexity
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget

    def base(input_tensor, targets):
        return positive_unit(ref.grad_cam(input_tensor, ref.target))[None]

    class Still(module.NoisyLinearImputer):
        def __init__(self):
            super().__init__(noise=0)

    targets = [ClassifierOutputSoftmaxTarget(ref.target)]
    cams = base(ref.x, targets)
    kept = module.NoisyLinearImputer
    module.NoisyLinearImputer = Still
    try:
        value = float(ARCC(base)(ref.x, cams, targets, ref.net)[0])
    finally:
        module.NoisyLinearImputer = kept
    coherency = float(Coherency()(ref.x, cams, targets, ref.net, base)[0])
    complexity = float(Complexity()(cams)[0])
    drop = torchcam_confidence(ref, cams[0])["avg_drop"]
    adcc = 3 / (1 / coherency + 1 / (1 - complexity) + 1 / (1 - drop))
    return value, adcc


def quantus_faithfulness(ref, m, runs=60, subset=400, seed=3):
    import quantus

    draws = subsets(3 * SIDE * SIDE, subset, seed)
    kept = np.random.choice
    np.random.choice = lambda n, size, replace: next(draws)
    try:
        metric = quantus.FaithfulnessCorrelation(
            nr_runs=runs, subset_size=subset, perturb_baseline=0.0, return_aggregate=False, disable_warnings=True
        )
        a = m.astype(np.float32)[None, None]
        return float(metric(ref.net, ref.x.numpy(), np.array([ref.target]), a, device="cpu")[0])
    finally:
        np.random.choice = kept


def mu_fidelity(ref, m, samples=60, cells=9, percent=0.2, seed=1):
    """Xplique's MuFidelity: masks by nearest resizing, Spearman's correlation."""
    draw, at = uniform(seed), (np.arange(SIDE) * cells) // SIDE
    preds, attrs, whole = [], [], ref.score(ref.x, False)[0]
    for _ in range(samples):
        grid = np.array([draw() for _ in range(cells * cells)]).reshape(cells, cells) > percent
        mask = grid[at][:, at].astype(np.float32)
        preds.append(whole - ref.score(ref.x * torch.from_numpy(mask), False)[0])
        attrs.append((m.astype(np.float64) * (1 - mask)).sum())
    return float(stats.spearmanr(preds, attrs)[0])


def captum_infidelity(ref, m, normalize, samples=40, patch=24, seed=5):
    from captum.metrics import infidelity

    draw = uniform(seed)

    def perturb(x):
        masks = torch.zeros_like(x)
        for i in range(len(x)):
            y0, x0 = int(draw() * (SIDE - patch + 1)), int(draw() * (SIDE - patch + 1))
            masks[i, :, y0 : y0 + patch, x0 : x0 + patch] = 1
        return masks, x * (1 - masks)

    a = torch.from_numpy(np.repeat(m.astype(np.float32)[None], 3, 0)[None] / 3)
    value = infidelity(ref.net, perturb, ref.x, a, target=ref.target, n_perturb_samples=samples, normalize=normalize)
    return float(value[0])


def pair(ref, m, kind, seed=2, share=0.01):
    """PAIR's compute_pic_metric with the filling of ROAD and the estimate of information of onnxplain in the place of its own; and with its own."""
    import pytorch_grad_cam.metrics.road as module
    import saliency.metrics.pic as pic

    if not hasattr(np, "trapz"):
        np.trapz = np.trapezoid
    x = ref.x[0].numpy()
    low, high = float(x.min()), float(x.max())
    pixels = np.floor((x - low) * (255 / (high - low)) + 0.5).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
    shown = np.zeros(SIDE * SIDE, bool)
    shown[next(subsets(SIDE * SIDE, int(SIDE * SIDE * share), seed))] = True
    shown = shown.reshape(SIDE, SIDE)
    corners = ([0, 0, SIDE - 1, SIDE - 1], [0, SIDE - 1, 0, SIDE - 1])

    def blurred(full_img, pixel_mask, method="linear"):
        mask = pixel_mask.copy()
        mask[corners] = True
        if mask.all():
            return x
        fill = module.NoisyLinearImputer(noise=0)
        return fill(torch.from_numpy(x), torch.from_numpy(mask.astype(np.float32))).numpy()

    def entropy(image):
        if image.dtype == np.uint8:
            image = x
        v = np.floor((image - low) * (255 / (high - low)) + 0.5).clip(0, 255).astype(int)
        bits = 0
        for plane in v:
            expected = np.zeros_like(plane)
            expected[1:, 0], expected[0, 1:] = plane[:-1, 0], plane[0, :-1]
            a, b, c = plane[1:, :-1], plane[:-1, 1:], plane[:-1, :-1]
            least, most = np.minimum(a, b), np.maximum(a, b)
            expected[1:, 1:] = np.where(c >= most, least, np.where(c <= least, most, a + b - c))
            _, n = np.unique(plane - expected, return_counts=True)
            bits -= (n * np.log2(n / plane.size)).sum()
        return bits / 8

    def performance(out):
        with torch.no_grad():
            out = ref.net(out)
        return (out.softmax(1)[:, ref.target] if kind == "sic" else (out.argmax(1) == ref.target).float()).numpy()

    def predict(images):
        images = np.asarray(images)
        return performance(ref.x if images.dtype == np.uint8 else torch.from_numpy(images.astype(np.float32)))

    def predict_own(images):
        planes = np.asarray(images).transpose(0, 3, 1, 2).astype(np.float32) / 255 * (high - low) + low
        return performance(torch.from_numpy(planes))

    shares = [0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.13, 0.21, 0.34, 0.5, 0.75]
    run = lambda p: float(pic.compute_pic_metric(pixels, m.astype(np.float64), shown, p, shares, min_pred_value=0).auc)
    own = run(predict_own)
    kept = pic.create_blurred_image, pic.estimate_image_entropy
    pic.create_blurred_image, pic.estimate_image_entropy = blurred, entropy
    try:
        return {"value": run(predict), "own": own}
    finally:
        pic.create_blurred_image, pic.estimate_image_entropy = kept


def occlusion_correlation(ref, m, patch=24, stride=12):
    whole = ref.score(ref.x, False)[0]
    drops, counts = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE))
    starts = [i * stride for i in range(-(-(SIDE - patch) // stride) + 1)]
    for y in starts:
        for x in starts:
            p = ref.x.clone()
            p[..., y : y + patch, x : x + patch] = 0
            drops[y : y + patch, x : x + patch] += whole - ref.score(p, False)[0]
            counts[y : y + patch, x : x + patch] += 1
    return float(stats.spearmanr(m.astype(np.float64).ravel(), (drops / counts).ravel())[0])


def localisation(m):
    import quantus
    from torchray.benchmark.pointing_game import PointingGame

    x0, y0, x1, y1 = BOX
    mask = np.zeros((SIDE, SIDE), bool)
    mask[y0:y1, x0:x1] = True
    v, u = np.unravel_index(m.argmax(), m.shape)
    hits = {}
    for tolerance in (15, 30):
        game = PointingGame(1, tolerance)
        hits[tolerance] = float(game.evaluate(torch.from_numpy(mask), (int(u), int(v))) > 0)
    a, s = m.astype(np.float64)[None, None], mask[None, None]
    common = {"disable_warnings": True, "return_aggregate": False}
    call = lambda metric: float(metric(None, np.zeros((1, 1, SIDE, SIDE)), np.array([0]), a.copy(), s.astype(int))[0])
    batch = lambda metric, values: float(metric(**common).evaluate_batch(a_batch=values.copy(), s_batch=s.copy())[0])
    out = {
        "pointing-game": [
            {"options": {"tolerance": 0}, "value": batch(quantus.PointingGame, a)},
            {"options": {"tolerance": 15}, "value": hits[15]},
            {"options": {"tolerance": 30}, "value": hits[30]},
        ],
        "relevance-mass": [
            {"options": {"values": kind}, "value": batch(quantus.RelevanceMassAccuracy, values)}
            for kind, values in (("positive", np.maximum(a, 0)), ("magnitude", np.abs(a)), ("signed", a))
        ],
        "relevance-rank": [{"value": batch(quantus.RelevanceRankAccuracy, a)}],
        "energy-pointing-game": [{"value": float(np.maximum(m, 0).astype(np.float64)[mask].sum() / np.maximum(m, 0).astype(np.float64).sum())}],
    }
    for threshold in (0.15, 0.2):
        labels = measure.label(m.astype(np.float64) >= threshold * float(m.max()), connectivity=2)
        largest = max(measure.regionprops(labels), key=lambda r: r.area)
        by0, bx0, by1, bx1 = largest.bbox
        both = max(0, min(bx1, x1) - max(bx0, x0)) * max(0, min(by1, y1) - max(by0, y0))
        iou = both / ((bx1 - bx0) * (by1 - by0) + (x1 - x0) * (y1 - y0) - both)
        out.setdefault("box-iou", []).append({"options": {"threshold": threshold}, "value": iou})
        out.setdefault("box-error", []).append({"options": {"threshold": threshold}, "value": float(iou < 0.5)})
    v1, v2 = wsol_boxes(m, False), wsol_boxes(m, True)
    out["max-box-acc"] = [{"value": float(v1[0.5].max()), "rates": int(v1[0.5].sum())}]
    out["max-box-acc-v2"] = [{"value": float(np.mean([h.max() for h in v2.values()])), "rates": int(sum(h.sum() for h in v2.values()))}]
    out["pxap"] = [{"value": wsol_pxap(m, mask)}]
    return out


def wsol_boxes(m, multi):
    """compute_bboxes_from_scoremaps, calculate_multiple_iou and BoxEvaluator.accumulate of wsolevaluation, on one picture."""
    image = np.expand_dims((unit(m) * 255).astype(np.uint8), 2)
    best = []
    for threshold in np.arange(0, 1, 0.001):
        _, grey = cv2.threshold(image, int(threshold * np.max(image)), 255, cv2.THRESH_BINARY)
        contours = cv2.findContours(grey, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)[0]
        if len(contours) == 0:
            boxes = [[0, 0, 0, 0]]
        else:
            if not multi:
                contours = [max(contours, key=cv2.contourArea)]
            boxes = []
            for c in contours:
                x, y, w, h = cv2.boundingRect(c)
                boxes.append([x, y, min(x + w, SIDE - 1), min(y + h, SIDE - 1)])
        ious = []
        for a in boxes:
            b = BOX
            both = max(0, min(a[2], b[2]) - max(a[0], b[0]) + 1) * max(0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
            area = lambda r: (r[2] - r[0] + 1) * (r[3] - r[1] + 1)
            ious.append(both / (area(a) + area(b) - both))
        best.append(max(ious))
    return {least: (np.array(best) >= least).astype(float) for least in ([0.3, 0.5, 0.7] if multi else [0.5])}


def wsol_pxap(m, mask):
    """MaskEvaluator of wsolevaluation, on one picture."""
    edges = np.append(np.arange(0, 1, 0.001), [1.0, 2.0, 3.0])
    true, _ = np.histogram(unit(m)[mask], bins=edges)
    false, _ = np.histogram(unit(m)[~mask], bins=edges)
    tp, fp = true[::-1].cumsum().astype(float), false[::-1].cumsum().astype(float)
    some = (tp + fp) != 0
    precision = np.divide(tp, tp + fp, out=np.zeros_like(tp), where=some)
    return float((precision[1:] * np.diff(tp / true.sum()))[some[1:]].sum())


def sensitivity(ref, samples=4, radius=0.02, seed=7):
    import quantus

    draw = uniform(seed)
    size = radius * float(ref.x.max() - ref.x.min())

    def perturb(arr, indices, indexed_axes=None, **kwargs):
        noise = np.array([2 * draw() - 1 for _ in range(arr.size)]).reshape(arr.shape)
        return (arr + size * noise).astype(np.float32)

    def explain(model, inputs, targets, **kwargs):
        return ref.gradient(torch.as_tensor(np.asarray(inputs), dtype=torch.float32), int(targets[0]))[None, None]

    metric = quantus.MaxSensitivity(
        nr_samples=samples, perturb_func=perturb, normalise=False, abs=False, disable_warnings=True, return_aggregate=False
    )
    y = np.array([ref.target])
    return float(metric(ref.net, ref.x.numpy(), y, None, explain_func=explain, device="cpu")[0])


def by_maximum(m):
    return m.astype(np.float64) / np.abs(m.astype(np.float64)).max()


def ssim(a, b):
    a, b = by_maximum(np.abs(a)), by_maximum(np.abs(b))
    return float(structural_similarity(a, b, data_range=max(a.max(), b.max()) - min(a.min(), b.min())))


def main(out):
    import quantus

    torch.manual_seed(0)
    ref = Reference()
    result = {"target": ref.target, "box": BOX, "maps": {}}
    for name, m in ref.maps.items():
        np.save(os.path.join(out, f"{name}.npy"), m)
        confidence = torchcam_confidence(ref, m)
        combined, morf = road(ref, m)
        flat = np.abs(by_maximum(m)).astype(np.float64).reshape(1, -1)
        common = {"disable_warnings": True, "return_aggregate": False}
        whole, plain = ref.score(ref.x, False)[0], ref.score(torch.zeros_like(ref.x), False)[0]
        rise_by = float(whole - plain)
        values = {
            "insertion": [rise(ref, m, "ins")],
            "deletion": [rise(ref, m, "del"), {**rise(ref, m, "del", 500), "options": {"step": 500}, "curve": None}],
            "average-drop": [{"value": confidence["avg_drop"]}],
            "increase-in-confidence": [{"value": confidence["conf_increase"]}],
            "average-gain": [{"value": average_gain(ref, m)}],
            "road": [
                {"options": {"noise": 0}, "value": combined},
                {"options": {"noise": 0, "order": "morf"}, "value": morf},
            ],
            "faithfulness-correlation": [
                {"options": {"runs": 60, "subset": 400, "seed": 3}, "value": quantus_faithfulness(ref, m)}
            ],
            "mu-fidelity": [{"options": {"samples": 60, "seed": 1}, "value": mu_fidelity(ref, m)}],
            "infidelity": [
                {"options": {"samples": 40, "patch": 24, "seed": 5, "scale": scale}, "value": captum_infidelity(ref, m, scale == "best")}
                for scale in ("best", "none")
            ],
            "sic": [{"options": {"seed": 2}, **pair(ref, m, "sic")}],
            "aic": [{"options": {"seed": 2}, **pair(ref, m, "aic")}],
            "occlusion-correlation": [{"options": {"patch": 24, "stride": 12}, "value": occlusion_correlation(ref, m)}],
            **localisation(m),
            "complexity": [{"value": float(quantus.Complexity(**common).evaluate_batch(None, flat.copy())[0])}],
            "sparseness": [{"value": float(quantus.Sparseness(**common).evaluate_batch(None, flat.copy())[0])}],
            "completeness": [{"value": abs(float(m.astype(np.float64).sum()) - rise_by) / abs(rise_by)}],
        }
        result["maps"][name] = values
        print(name, {k: [round(r["value"], 5) for r in v] for k, v in values.items()}, flush=True)

    value, adcc = arcc(ref)
    draw = uniform(4)
    others = [i for i in range(len(ref.logits)) if i != ref.target]
    other = others[int(draw() * len(others))]
    cams = {i: ref.grad_cam(ref.x, i) for i in (ref.target, other, int(ref.logits.argmin()))}
    least = cams[int(ref.logits.argmin())]
    smooth, fine = (np.abs(m.astype(np.float64)) for m in ref.maps.values())
    result["again"] = {
        "arcc": {"method": "grad-cam", "options": {"noise": 0}, "value": value},
        "adcc": {"method": "grad-cam", "value": adcc},
        "random-logit": {"method": "grad-cam", "options": {"seed": 4}, "value": ssim(cams[ref.target], cams[other])},
        "class-sensitivity": {"method": "grad-cam", "value": float(np.corrcoef(cams[ref.target].ravel(), least.ravel())[0, 1])},
        "max-sensitivity": {"method": "gradient", "options": {"samples": 4, "seed": 7}, "value": sensitivity(ref)},
    }
    from quantus.functions.similarity_func import correlation_spearman

    result["alike"] = {"spearman": float(correlation_spearman(smooth.ravel(), fine.ravel())), "ssim": ssim(smooth, fine)}
    print(result["again"], result["alike"])
    with open(os.path.join(out, "metrics.json"), "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.makedirs(sys.argv[1], exist_ok=True)
    main(sys.argv[1])
