"""ONNX Runtime's own operators written with torch's functions, after their documentation (ContribOperators.md), for rule_fixtures.py."""

import math

import torch
import torch.nn.functional as F

CONTRIB_OPERATORS = {}
MS = "com.microsoft."
NHWC = "com.ms.internal.nhwc."


def contrib(*names):
    def add(function):
        for name in names:
            CONTRIB_OPERATORS[name] = function
        return function

    return add


def plus(x, *terms):
    for term in terms:
        x = x if term is None else x + term
    return x


# --- activations ----------------------------------------------------------------------------------------------------------

ACTIVATIONS = {
    "": lambda x, *_: x,
    "Relu": lambda x, *_: F.relu(x),
    "Tanh": lambda x, *_: torch.tanh(x),
    "Sigmoid": lambda x, *_: torch.sigmoid(x),
    "Softplus": lambda x, *_: F.softplus(x),
    "Softsign": lambda x, *_: F.softsign(x),
    "LeakyRelu": lambda x, a, *_: F.leaky_relu(x, a),
    "Elu": lambda x, a, *_: F.elu(x, a),
    "Clip": lambda x, low, high: torch.clamp(x, low, high),
    "HardSigmoid": lambda x, a, b: torch.clamp(a * x + b, 0, 1),
}


def activate(x, a):
    named = [a[k] for k in ("activation_alpha", "activation_beta") if k in a]
    return ACTIVATIONS[a.get("activation", "")](x, *(a.get("activation_params") or named))


@contrib(MS + "Gelu", MS + "BiasGelu")
def gelu(x, a, o, n):
    return F.gelu(plus(*x))


@contrib(MS + "FastGelu")
def fast_gelu(x, a, o, n):
    return F.gelu(plus(*x), approximate="tanh")


@contrib(MS + "QuickGelu")
def quick_gelu(x, a, o, n):
    return x[0] * torch.sigmoid(a.get("alpha", 1.702) * x[0])


@contrib(MS + "BiasSplitGelu")
def bias_split_gelu(x, a, o, n):
    left, right = plus(*x).chunk(2, -1)
    return left * F.gelu(right)


@contrib(MS + "BiasAdd")
def bias_add(x, a, o, n):
    return plus(*x)


@contrib(MS + "BiasDropout")
def bias_dropout(x, a, o, n):
    y = plus(*x[:3])
    return (y, torch.ones_like(y, dtype=torch.bool))[:n]


@contrib(MS + "BiasSoftmax")
def bias_softmax(x, a, o, n):
    y, axis = x[0] + x[1], a.get("axis", 1)
    return torch.softmax(y, -1) if axis == -1 else torch.softmax(y.flatten(axis), -1).reshape(y.shape)


# --- convolutions and products --------------------------------------------------------------------------------------------


def conv(x, w, bias, a):
    pads, strides = a.get("pads", [0] * 4), a.get("strides", [1, 1])
    if a.get("auto_pad") == "SAME_UPPER":
        whole = [k - 1 for k in w.shape[2:]]
        pads = [p // 2 for p in whole] + [p - p // 2 for p in whole]
    top, left, bottom, right = pads
    return F.conv2d(F.pad(x, (left, right, top, bottom)), w, bias, strides)


@contrib(MS + "FusedConv")
def fused_conv(x, a, o, n):
    x, w, bias, z = (list(x) + [None] * 4)[:4]
    return activate(plus(conv(x, w, bias, a), z), a)


def first(x):
    return x.movedim(-1, 1)


def last(x):
    return x.movedim(1, -1)


@contrib(MS + "NhwcConv", MS + "NhwcFusedConv", NHWC + "Conv")
def nhwc_conv(x, a, o, n):
    x, w, bias, z = (list(x) + [None] * 4)[:4]
    return last(fused_conv([first(x), w, bias, None if z is None else first(z)], a, o, n))


@contrib(NHWC + "MaxPool")
def nhwc_max_pool(x, a, o, n):
    return last(F.max_pool2d(first(x[0]), a["kernel_shape"], a["strides"]))


@contrib(NHWC + "AveragePool")
def nhwc_average_pool(x, a, o, n):
    top, left, bottom, right = a["pads"]
    padded = [F.pad(t, (left, right, top, bottom)) for t in (first(x[0]), torch.ones_like(first(x[0])))]
    sums = [F.avg_pool2d(t, a["kernel_shape"], 1) for t in padded]
    return last(sums[0] / sums[1])


@contrib(NHWC + "GlobalAveragePool")
def nhwc_global_average_pool(x, a, o, n):
    return x[0].mean((1, 2), keepdim=True)


@contrib(NHWC + "GlobalMaxPool")
def nhwc_global_max_pool(x, a, o, n):
    return x[0].amax((1, 2), keepdim=True)


@contrib(MS + "FusedMatMul", MS + "TransposeMatMul")
def fused_matmul(x, a, o, n):
    def operand(v, side):
        if v.dim() < 2:
            return v
        if a.get("transBatch" + side):
            v = v.movedim(0, -2)
        return v.transpose(-1, -2) if a.get("trans" + side) else v

    return a.get("alpha", 1.0) * (operand(x[0], "A") @ operand(x[1], "B"))


@contrib(MS + "FusedGemm")
def fused_gemm(x, a, o, n):
    left = x[0].T if a.get("transA") else x[0]
    right = x[1].T if a.get("transB") else x[1]
    y = a.get("alpha", 1.0) * (left @ right)
    return activate(y if len(x) < 3 else y + a.get("beta", 1.0) * x[2], a)


@contrib(MS + "ConvTransposeWithDynamicPads")
def conv_transpose_with_dynamic_pads(x, a, o, n):
    x, w, pads, bias = (list(x) + [None] * 4)[:4]
    y = F.conv_transpose2d(x, w, bias, a.get("strides", 1))
    top, left, bottom, right = [0] * 4 if pads is None else pads.tolist()
    return y[:, :, top : y.shape[2] - bottom, left : y.shape[3] - right]


@contrib(MS + "Inverse")
def inverse(x, a, o, n):
    return torch.linalg.inv(x[0])


# --- normalisations -------------------------------------------------------------------------------------------------------


@contrib(MS + "SkipLayerNormalization")
def skip_layer_normalization(x, a, o, n):
    x, skip, scale, beta, bias = (list(x) + [None] * 5)[:5]
    total = plus(x, skip, bias)
    y = F.layer_norm(total, scale.shape, scale, beta, a.get("epsilon", 1e-12))
    return (y, None, None, total)[:n]


def rms(x, scale, epsilon):
    inverse = torch.rsqrt(x.square().mean(tuple(range(-scale.dim(), 0)), keepdim=True) + epsilon)
    return x * inverse * scale, inverse


@contrib(MS + "SkipSimplifiedLayerNormalization")
def skip_simplified_layer_normalization(x, a, o, n):
    x, skip, scale, bias = (list(x) + [None] * 4)[:4]
    total = plus(x, skip, bias)
    return (rms(total, scale, a.get("epsilon", 1e-12))[0], None, None, total)[:n]


@contrib("SimplifiedLayerNormalization")
def simplified_layer_normalization(x, a, o, n):
    return rms(x[0], x[1], a.get("epsilon", 1e-5))[:n]


@contrib(MS + "EmbedLayerNormalization")
def embed_layer_normalization(x, a, o, n):
    ids, segments, words, positions, segment, scale, bias, mask, places = (list(x) + [None] * 9)[:9]
    at = torch.arange(ids.shape[1]) if places is None else places.long()
    total = words[ids.long()] + positions[at] + (0 if segments is None else segment[segments.long()])
    y = F.layer_norm(total, scale.shape, scale, bias, a.get("epsilon", 1e-12))
    return (y, torch.zeros(len(ids)) if mask is None else mask.sum(1), total)[:n]


def group_norm(x, scale, bias, a):
    lasting = a.get("channels_last", 1)
    y = F.group_norm(first(x) if lasting else x, a["groups"], scale, bias, a.get("epsilon", 1e-5))
    y = last(y) if lasting else y
    return F.silu(y) if a["activation"] else y


@contrib(MS + "GroupNorm")
def plain_group_norm(x, a, o, n):
    return group_norm(*x, a)


@contrib(MS + "SkipGroupNorm")
def skip_group_norm(x, a, o, n):
    x, scale, bias, skip, more = (list(x) + [None] * 5)[:5]
    total = plus(x, skip[:, None, None] if skip.dim() == 2 else skip, more)
    return (group_norm(total, scale, bias, a), total)[:n]


# --- attention ------------------------------------------------------------------------------------------------------------


def mask_of(mask, q, k, fill):
    """0 or `fill`, to be added to `[N, heads, queries, keys]`."""
    batch, queries, keys = q.shape[0], q.shape[2], k.shape[2]
    at = torch.arange(keys)
    if mask.dim() == 1:
        ends, starts = mask[:batch], mask[batch:] if len(mask) > batch else torch.zeros_like(mask)
        seen = ((at < ends[:, None]) & (at >= starts[:, None]))[:, None, None]
    elif mask.dim() == 2:
        seen = mask[:, None, None] > 0
    elif mask.dim() == 3:
        seen = mask[:, None] > 0
    else:
        seen = mask[:, :, keys - queries : keys, :keys] > 0
    return torch.where(seen, 0.0, fill)


def attend(q, k, v, a, mask=None, bias=None):
    scores = q @ k.transpose(-1, -2) * (a.get("scale") or 1 / math.sqrt(q.shape[-1]))
    if mask is not None:
        scores = scores + mask_of(mask, q, k, a.get("mask_filter_value", -10000.0))
    if bias is not None:
        scores = scores + bias
    if a.get("unidirectional"):
        later = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).triu(1 + k.shape[2] - q.shape[2])
        scores = scores.masked_fill(later, -math.inf)
    return (torch.softmax(scores, -1) @ v).transpose(1, 2).flatten(2)


def heads_of(x, heads):
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


@contrib(MS + "Attention")
def attention(x, a, o, n):
    x, weights, bias, mask, past, more = (list(x) + [None] * 6)[:6]
    sizes = a.get("qkv_hidden_sizes") or [weights.shape[1] // 3] * 3
    q, k, v = (heads_of(t, a["num_heads"]) for t in plus(x @ weights, bias).split(sizes, -1))
    if past is not None:
        k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
    y = attend(q, k, v, a, mask, more)
    return (y, torch.stack([k, v]))[:n] if n > 1 else y


@contrib(MS + "MultiHeadAttention")
def multi_head_attention(x, a, o, n):
    query, key, value, bias, mask, more, past_keys, past_values = (list(x) + [None] * 8)[:8]
    heads = a["num_heads"]
    if key is None:
        packed = query if bias is None else query + bias.unflatten(0, (3, heads, -1)).transpose(0, 1)
        q, k, v = packed.permute(3, 0, 2, 1, 4)
    else:
        width = query.shape[-1]
        biases = (None,) * 3 if bias is None else (bias[:width], bias[width : 2 * width], bias[2 * width :])
        q = heads_of(plus(query, biases[0]), heads)
        if value is None:
            k, v = key.permute(3, 0, 2, 1, 4)
        elif key.dim() == 4:
            k, v = key, value
        else:
            k, v = heads_of(plus(key, biases[1]), heads), heads_of(plus(value, biases[2]), heads)
    if past_keys is not None:
        k, v = torch.cat([past_keys, k], 2), torch.cat([past_values, v], 2)
    return (attend(q, k, v, a, mask, more), k, v)[:n]


@contrib(MS + "RotaryEmbedding")
def rotary_embedding(x, a, o, n):
    x, at, cosines, sines = x
    turned = 2 * cosines.shape[1]
    size = x.shape[-1] // a["num_heads"] if a.get("rotary_embedding_dim") else turned
    rows = x.transpose(1, 2) if x.dim() == 4 else x.unflatten(-1, (-1, size))
    if at.dim() == 1:
        at = (at + torch.arange(rows.shape[1]))[None]
    cos, sin = cosines[at][:, :, None], sines[at][:, :, None]
    part, rest = rows[..., :turned], rows[..., turned:]
    if a.get("interleaved"):
        u, v = part[..., ::2], part[..., 1::2]
        part = torch.stack([u * cos - v * sin, v * cos + u * sin], -1).flatten(-2)
    else:
        u, v = part.chunk(2, -1)
        part = torch.cat([u * cos - v * sin, v * cos + u * sin], -1)
    rows = torch.cat([part, rest], -1)
    return rows.transpose(1, 2) if x.dim() == 4 else rows.flatten(2)


# --- plain ----------------------------------------------------------------------------------------------------------------


@contrib(MS + "ExpandDims")
def expand_dims(x, a, o, n):
    return x[0].unsqueeze(int(x[1]))


@contrib(MS + "Trilu")
def trilu(x, a, o, n):
    k = int(x[1]) if len(x) > 1 else 0
    return torch.triu(x[0], k) if a.get("upper", 1) else torch.tril(x[0], k)


@contrib(MS + "GatherND")
def gather_nd(x, a, o, n):
    return x[0][tuple(x[1].movedim(-1, 0))]


@contrib(MS + "GridSample")
def grid_sample(x, a, o, n):
    return F.grid_sample(*x, a["mode"], a.get("padding_mode", "zeros"), bool(a.get("align_corners", 0)))


@contrib(MS + "CropAndResize")
def crop_and_resize(x, a, o, n):
    x, rois, pictures, (height, width) = x[0], x[1], x[2].long(), x[3].tolist()

    def along(start, end, count):
        share = torch.tensor([0.5]) if count == 1 else torch.linspace(0, 1, count, dtype=rois.dtype)
        return start[:, None] + (end - start)[:, None] * share

    ys, xs = along(rois[:, 0], rois[:, 2], height), along(rois[:, 1], rois[:, 3], width)
    ys, xs = ys[:, :, None].expand(-1, height, width), xs[:, None].expand(-1, height, width)
    y = F.grid_sample(x[pictures], torch.stack([xs, ys], -1) * 2 - 1, "bilinear", "border", True)
    seen = (ys >= 0) & (ys <= 1) & (xs >= 0) & (xs <= 1)
    return torch.where(seen[:, None], y, a.get("extrapolation_value", 0.0))


@contrib(MS + "Pad")
def pad(x, a, o, n):
    top, left, bottom, right = x[1].tolist()
    value = float(x[2]) if len(x) > 2 else 0.0
    if a.get("mode", "constant") == "constant":
        return F.pad(x[0], (left, right, top, bottom), value=value)
    return F.pad(x[0][None], (left, right, top, bottom), mode=a["mode"])[0]


@contrib("Crop")
def crop(x, a, o, n):
    left, top, right, bottom = a["border"]
    h, w = a.get("scale", [x[0].shape[2] - top - bottom, x[0].shape[3] - left - right])
    return x[0][:, :, top : top + h, left : left + w]


@contrib("ImageScaler")
def image_scaler(x, a, o, n):
    return a["scale"] * x[0] + torch.tensor(a["bias"]).reshape(-1, 1, 1)


CONTRIB_OPERATORS["Affine"] = lambda x, a, o, n: a["alpha"] * x[0] + a["beta"]
CONTRIB_OPERATORS["Scale"] = lambda x, a, o, n: a["scale"] * x[0]
CONTRIB_OPERATORS["ParametricSoftplus"] = lambda x, a, o, n: a["alpha"] * F.softplus(a["beta"] * x[0])
CONTRIB_OPERATORS["ScaledTanh"] = lambda x, a, o, n: a["alpha"] * torch.tanh(a["beta"] * x[0])
