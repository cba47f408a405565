"""Sums of products, attention, losses and transforms for rule_operators.py."""

import numpy as np
import torch
import torch.nn.functional as F

STANDARD_OPERATORS = {}


def operator(*names):
    def add(function):
        for name in names:
            STANDARD_OPERATORS[name] = function
        return function

    return add


@operator("Einsum")
def einsum(inputs, attributes, _opset, _outputs):
    return torch.einsum(attributes["equation"], *inputs)


# --- attention --------------------------------------------------------------------------------------------------------------


def split_heads(x, heads):
    return x.unflatten(2, (heads, -1)).transpose(1, 2)


@operator("Attention")
def attention(inputs, attributes, _opset, _outputs):
    q, k, v, mask, past_key, past_value, lengths = inputs + [None] * (7 - len(inputs))
    flat = q.ndim == 3
    if flat:
        q = split_heads(q, attributes["q_num_heads"])
        k, v = (split_heads(t, attributes["kv_num_heads"]) for t in (k, v))
    if past_key is not None:
        k, v = torch.cat([past_key, k], 2), torch.cat([past_value, v], 2)
    keys, values = (t.repeat_interleave(q.shape[1] // t.shape[1], dim=1) for t in (k, v))
    queries, total = q.shape[2], k.shape[2]
    raw = torch.einsum("bhid,bhjd->bhij", q, keys) * attributes.get("scale", q.shape[3] ** -0.5)
    cap = attributes.get("softcap", 0)
    capped = torch.tanh(raw / cap) * cap if cap else raw
    allowed = torch.ones(queries, total, dtype=torch.bool)
    if attributes.get("is_causal", 0):
        allowed = allowed.tril(0 if past_key is None else past_key.shape[2])
    if lengths is not None:
        allowed = allowed & (torch.arange(total) < lengths[:, None, None, None])
    scores = capped
    if mask is not None and mask.dtype == torch.bool:
        allowed = allowed & mask
    elif mask is not None:
        scores = capped + mask
    masked = scores.masked_fill(~allowed, -torch.inf)
    empty = ~allowed.any(-1, keepdim=True)
    weights = masked.masked_fill(empty, 0).softmax(-1).masked_fill(empty, 0)
    y = weights @ values
    if flat:
        y = y.transpose(1, 2).flatten(2)
    steps = [raw, capped, masked, weights]
    return y, k, v, steps[attributes.get("qk_matmul_output_mode", 0)]


@operator("RotaryEmbedding")
def rotary_embedding(inputs, attributes, _opset, _outputs):
    x, cos, sin, positions = inputs + [None] * (4 - len(inputs))
    if positions is not None:
        cos, sin = cos[positions], sin[positions]
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    heads = x if x.ndim == 4 else split_heads(x, attributes["num_heads"])
    size = attributes.get("rotary_embedding_dim", 0) or heads.shape[-1]
    turned, kept = heads[..., :size], heads[..., size:]
    if attributes.get("interleaved", 0):
        a, b = turned[..., 0::2], turned[..., 1::2]
        turned = torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)
    else:
        a, b = turned.chunk(2, -1)
        turned = torch.cat([a * cos - b * sin, a * sin + b * cos], -1)
    y = torch.cat([turned, kept], -1)
    return y if x.ndim == 4 else y.transpose(1, 2).flatten(2)


@operator("TensorScatter")
def tensor_scatter(inputs, attributes, _opset, _outputs):
    cache, update, begin = inputs + [None] * (3 - len(inputs))
    axis = attributes.get("axis", -2) % cache.ndim
    cache, update = cache.movedim(axis, 1).clone(), update.movedim(axis, 1)
    for n in range(cache.shape[0]):
        places = torch.arange(update.shape[1]) + (0 if begin is None else begin[n])
        cache[n, places % cache.shape[1]] = update[n]
    return cache.movedim(1, axis)


# --- losses -----------------------------------------------------------------------------------------------------------------


@operator("NegativeLogLikelihoodLoss")
def negative_log_likelihood(inputs, attributes, _opset, _outputs):
    logs, targets, weights = inputs + [None] * (3 - len(inputs))
    kept = targets != attributes.get("ignore_index", -100)
    classes = torch.where(kept, targets, 0).long()
    # F.nll_loss has no gradient of the weights
    weight = kept.to(logs.dtype) * (1 if weights is None else weights[classes])
    losses = -logs.gather(1, classes.unsqueeze(1)).squeeze(1) * weight
    reduction = attributes.get("reduction", "mean")
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.sum() / weight.sum()


@operator("SoftmaxCrossEntropyLoss")
def cross_entropy(inputs, attributes, opset, outputs):
    logs = F.log_softmax(inputs[0], 1)
    return negative_log_likelihood([logs, *inputs[1:]], attributes, opset, outputs), logs


# --- transforms -------------------------------------------------------------------------------------------------------------


@operator("DFT")
def dft(inputs, attributes, opset, _outputs):
    x, length, axis_input = inputs + [None] * (3 - len(inputs))
    axis = attributes.get("axis", 1) if opset < 20 else -2 if axis_input is None else int(axis_input)
    axis = axis % x.ndim
    n = None if length is None else int(length)
    signal = torch.view_as_complex(x.contiguous()) if x.shape[-1] == 2 else torch.complex(x[..., 0], 0 * x[..., 0])
    inverse, onesided = attributes.get("inverse", 0), attributes.get("onesided", 0)
    if inverse and onesided:
        return torch.fft.irfft(signal, n, axis).unsqueeze(-1)
    y = torch.view_as_real((torch.fft.ifft if inverse else torch.fft.fft)(signal, n, axis))
    return y.narrow(axis, 0, y.shape[axis] // 2 + 1) if onesided else y


@operator("STFT")
def stft(inputs, attributes, _opset, _outputs):
    x, step, window, length = inputs + [None] * (4 - len(inputs))
    size = int(length) if length is not None else len(window)
    frames = x[..., 0].unfold(1, size, int(step))
    frames = frames if window is None else frames * window
    onesided = attributes.get("onesided", 1)
    return torch.view_as_real((torch.fft.rfft if onesided else torch.fft.fft)(frames))


@operator("Det")
def determinant(inputs, _attributes, _opset, _outputs):
    return torch.linalg.det(inputs[0])


@operator("CumProd")
def cumulative_product(inputs, attributes, _opset, _outputs):
    x, axis = inputs[0], int(inputs[1])
    reverse = attributes.get("reverse", 0)
    x = x.flip(axis) if reverse else x
    y = x.cumprod(axis)
    if attributes.get("exclusive", 0):
        y = torch.cat([torch.ones_like(x.narrow(axis, 0, 1)), y.narrow(axis, 0, x.shape[axis] - 1)], axis)
    return y.flip(axis) if reverse else y


@operator("Shrink")
def shrink(inputs, attributes, _opset, _outputs):
    x, (lambd, bias) = inputs[0], (attributes.get("lambd", 0.5), attributes.get("bias", 0.0))
    return torch.where(x < -lambd, x + bias, torch.where(x > lambd, x - bias, 0 * x))


# --- from a few numbers -----------------------------------------------------------------------------------------------------


@operator("OneHot")
def one_hot(inputs, attributes, _opset, _outputs):
    indices, depth, (off, on) = inputs[0], int(inputs[1]), inputs[2]
    axis = attributes.get("axis", -1) % (indices.ndim + 1)
    mask = F.one_hot(indices % depth, depth).movedim(-1, axis)
    return off + (on - off) * mask


@operator("Range")
def range_(inputs, _attributes, _opset, _outputs):
    start, limit, delta = inputs
    count = max(0, int(torch.ceil((limit - start) / delta)))
    return start + torch.arange(count) * delta


@operator("Unique")
def unique(inputs, attributes, _opset, outputs):
    x, axis = inputs[0], attributes.get("axis")
    _, first = np.unique(x.detach().numpy(), return_index=True, axis=axis)
    first = torch.from_numpy(first if attributes.get("sorted", 1) else np.sort(first))
    return x.flatten()[first] if axis is None else x.index_select(axis, first)
