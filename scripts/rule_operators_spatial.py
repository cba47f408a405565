"""Resizing, sampling and regions for rule_operators.py."""

import numpy as np
import torch
import torch.nn.functional as F

SPATIAL_OPERATORS = {}


def operator(*names):
    def add(function):
        for name in names:
            SPATIAL_OPERATORS[name] = function
        return function

    return add


# --- Resize -------------------------------------------------------------------------------------------------------------


def interpolated(x, a, sizes):
    """As torch.nn.functional.interpolate, where it has the form; None where not."""
    known = {"mode", "coordinate_transformation_mode", "nearest_mode", "cubic_coeff_a"}
    mode = (a.get("mode"), a.get("coordinate_transformation_mode"), a.get("nearest_mode"), a.get("cubic_coeff_a"))
    forms = {
        ("nearest", "asymmetric", "floor", None): dict(mode="nearest"),
        ("linear", "pytorch_half_pixel", None, None): dict(mode="bilinear", align_corners=False),
        ("linear", "align_corners", None, None): dict(mode="bilinear", align_corners=True),
        ("cubic", "pytorch_half_pixel", None, -0.75): dict(mode="bicubic", align_corners=False),
        ("cubic", "align_corners", None, -0.75): dict(mode="bicubic", align_corners=True),
    }
    if set(a) - known or x.dim() != 4 or mode not in forms or sizes is None or sizes[:2] != list(x.shape[:2]):
        return None
    return F.interpolate(x, size=sizes[2:], **forms[mode])


def coordinate(i, extent, size, scale, roi, mode):
    """Where output element i lies in the input. As ONNX's table of coordinate_transformation_mode, in float32."""
    f = np.float32
    i, scale = f(i), f(scale)
    if mode == "asymmetric":
        return i / scale
    if mode == "tf_half_pixel_for_nn":
        return (i + f(0.5)) / scale
    if mode == "pytorch_half_pixel" and size == 1:
        return f(0)
    if mode == "align_corners":
        return f(0) if size == 1 else i * f(extent - 1) / f(size - 1)
    if mode == "tf_crop_and_resize":
        start, end = f(roi[0]), f(roi[1])
        if size == 1:
            return f(0.5) * (start + end) * f(extent - 1)
        return start * f(extent - 1) + i * (end - start) * f(extent - 1) / f(size - 1)
    centred = (i + f(0.5)) / scale - f(0.5)
    if mode == "half_pixel_symmetric":
        adjustment = f(size) / (scale * f(extent))
        centred = f(extent) / f(2) * (f(1) - adjustment) + centred
    return centred


ROUND = {
    "round_prefer_floor": lambda v: np.ceil(v - 0.5),
    "round_prefer_ceil": lambda v: np.floor(v + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def kernel(distance, mode, a):
    d = abs(distance)
    if mode == "linear":
        return max(0.0, 1 - d)
    if d <= 1:
        return ((a + 2) * d - (a + 3)) * d * d + 1
    return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a if d < 2 else 0.0


def row(at, extent, scale, a):
    """The weights of one output element, which lies at `at`."""
    mode = a.get("mode", "nearest")
    weights = np.zeros(extent)
    if mode == "nearest":
        weights[int(np.clip(ROUND[a.get("nearest_mode", "round_prefer_floor")](at), 0, extent - 1))] = 1
        return weights
    narrow = min(float(np.float32(scale)), 1.0) if a.get("antialias") else 1.0
    reach = (1 if mode == "linear" else 2) / narrow
    around = range(int(np.floor(at - reach)), int(np.ceil(at + reach)) + 1)
    values = {j: kernel((j - float(at)) * narrow, mode, a.get("cubic_coeff_a", -0.75)) for j in around}
    if a.get("exclude_outside"):
        values = {j: v for j, v in values.items() if 0 <= j < extent}
    total = sum(values.values())
    for j, v in values.items():
        weights[min(max(j, 0), extent - 1)] += v / total
    return weights


def matrix(extent, size, scale, roi, a):
    """The weights `[size, extent]` along one axis."""
    if scale == 1 and roi is None:
        return torch.eye(extent, dtype=torch.float64)
    mode = a.get("coordinate_transformation_mode", "half_pixel")
    at = [coordinate(i, extent, size, scale, roi, mode) for i in range(size)]
    rows = [row(v, extent, scale, a) if roi is None or 0 <= v <= extent - 1 else np.zeros(extent) for v in at]
    return torch.from_numpy(np.stack(rows))


@operator("Resize", "Upsample")
def resize(x, a, opset, _n):
    data = x[0]
    if opset < 11:
        # as ONNX Runtime has it: down where an axis grows, up where it shrinks
        x = [data, None, torch.tensor(a["scales"]) if "scales" in a else x[1]]
        a = {"mode": a["mode"], "coordinate_transformation_mode": "asymmetric"}
    given = lambda i: None if len(x) <= i or x[i] is None or x[i].numel() == 0 else x[i].tolist()
    roi, scales, sizes = given(1), given(2), given(3)
    axes = [axis % data.dim() for axis in a.get("axes", range(data.dim()))]
    if scales is None:
        ratios = [size / data.shape[axis] for size, axis in zip(sizes, axes)]
        policy = a.get("keep_aspect_ratio_policy", "stretch")
        scales = ratios if policy == "stretch" else [(min if policy == "not_larger" else max)(ratios)] * len(axes)
        if policy != "stretch":
            sizes = [int(np.floor(s * data.shape[axis] + 0.5)) for s, axis in zip(scales, axes)]
    else:
        sizes = [int(np.floor(np.float32(s) * np.float32(data.shape[axis]))) for s, axis in zip(scales, axes)]
    plain = interpolated(data, a, given(3))
    if plain is not None:
        return plain
    y = data
    crops = a.get("coordinate_transformation_mode") == "tf_crop_and_resize"
    outside = torch.zeros([], dtype=torch.bool)
    for i, axis in enumerate(axes):
        part = [roi[i], roi[i + len(axes)]] if crops else None
        rounded = {"nearest_mode": "floor" if scales[i] >= 1 else "ceil"} if opset < 11 else {}
        weights = matrix(data.shape[axis], sizes[i], scales[i], part, {**a, **rounded})
        y = torch.tensordot(weights, y, ([1], [axis])).movedim(0, axis)
        if crops:
            shape = [1] * data.dim()
            shape[axis] = -1
            outside = outside | (weights.sum(1) == 0).reshape(shape)
    return torch.where(outside, torch.tensor(a.get("extrapolation_value", 0.0), dtype=y.dtype), y) if crops else y


# --- places between pixels ------------------------------------------------------------------------------------------------


@operator("GridSample")
def grid_sample(x, a, _o, _n):
    mode = {"linear": "bilinear", "cubic": "bicubic"}.get(a.get("mode", "linear"), a.get("mode", "linear"))
    padding, aligned = a.get("padding_mode", "zeros"), bool(a.get("align_corners", 0))
    return F.grid_sample(x[0], x[1], mode, padding, aligned)


@operator("AffineGrid")
def affine_grid(x, a, _o, _n):
    return F.affine_grid(x[0], x[1].tolist(), bool(a.get("align_corners", 0)))


@operator("RoiAlign")
def roi_align(x, a, opset, _n):
    from torchvision.ops import roi_align as align

    form = a.get("coordinate_transformation_mode", "half_pixel" if opset >= 16 else "output_half_pixel")
    boxes = torch.cat([x[2].to(x[1].dtype)[:, None], x[1]], 1)
    size = (a.get("output_height", 1), a.get("output_width", 1))
    samples = a.get("sampling_ratio", 0) or -1
    if a.get("mode", "avg") == "max":
        return largest_of_regions(x, a, form == "half_pixel")
    return align(x[0], boxes, size, a.get("spatial_scale", 1.0), samples, form == "half_pixel")


def around(place, extent):
    """The two pixels next to a place and their weights; none beyond a pixel outside."""
    if place < -1 or place > extent:
        return [(0, 0.0)]
    place = max(place, 0.0)
    low = min(int(place), extent - 1)
    t = place - low if low < extent - 1 else 0.0
    return [(low, 1 - t), (min(low + 1, extent - 1), t)]


def largest_of_regions(x, a, centred):
    """As ONNX Runtime has it: the largest of weight times pixel, rather than of the samples."""
    picture, regions, numbers = x
    height, width, samples = a.get("output_height", 1), a.get("output_width", 1), a["sampling_ratio"]
    made = []
    for region, number in zip(regions, numbers.tolist()):
        x1, y1, x2, y2 = (region * a.get("spatial_scale", 1.0) - (0.5 if centred else 0.0)).tolist()
        h, w = y2 - y1, x2 - x1
        if not centred:
            h, w = max(h, 1.0), max(w, 1.0)
        for i in range(height):
            for j in range(width):
                values = [
                    py * px * picture[number, :, qy, qx]
                    for sy in range(samples)
                    for sx in range(samples)
                    for qy, py in around(y1 + (i + (sy + 0.5) / samples) * h / height, picture.shape[2])
                    for qx, px in around(x1 + (j + (sx + 0.5) / samples) * w / width, picture.shape[3])
                ]
                made.append(torch.stack(values).max(0).values)
    return torch.stack(made, 1).reshape(-1, len(regions), height, width).transpose(0, 1)


@operator("MaxRoiPool")
def max_roi_pool(x, a, _o, _n):
    from torchvision.ops import roi_pool

    return roi_pool(x[0], x[1].to(x[0].dtype), tuple(a["pooled_shape"]), a.get("spatial_scale", 1.0))


@operator("DeformConv")
def deform_conv(x, a, _o, _n):
    from torchvision.ops import deform_conv2d

    x, w, offset, bias, mask = (list(x) + [None, None])[:5]
    begins, ends = a.get("pads", [0] * 4)[:2], a.get("pads", [0] * 4)[2:]
    assert begins == ends
    return deform_conv2d(x, offset, w, bias, a.get("strides", 1), begins, a.get("dilations", 1), mask)
