"""ONNX operators written with torch's functions, after ONNX's specification, for rule_fixtures.py.

Each takes the inputs (None where absent), the attributes, the opset and the number of outputs.
"""

import math

import torch
import torch.nn.functional as F

from rule_operators_contrib import CONTRIB_OPERATORS
from rule_operators_control import CONTROL_OPERATORS
from rule_operators_quantise import QUANTISE_OPERATORS
from rule_operators_shape import SHAPE_OPERATORS
from rule_operators_standard import STANDARD_OPERATORS
from rule_operators_spatial import SPATIAL_OPERATORS


OPERATORS = {**SHAPE_OPERATORS, **STANDARD_OPERATORS, **CONTROL_OPERATORS, **QUANTISE_OPERATORS, **SPATIAL_OPERATORS, **CONTRIB_OPERATORS}


def operator(*names):
    def add(function):
        for name in names:
            OPERATORS[name] = function
        return function

    return add


def simple(**functions):
    """Operators of tensors alone."""
    for name, function in functions.items():
        OPERATORS[name] = lambda inputs, _a, _o, _n, f=function: f(*inputs)


def fold(function):
    def folded(*inputs):
        result = inputs[0]
        for other in inputs[1:]:
            result = function(result, other)
        return result

    return folded


# --- arithmetic ---------------------------------------------------------------------------------------------------------

simple(
    Add=torch.add,
    Sub=torch.sub,
    Mul=torch.mul,
    Div=torch.div,
    Pow=torch.pow,
    Where=torch.where,
    Max=fold(torch.maximum),
    Min=fold(torch.minimum),
    Sum=fold(torch.add),
    Mean=lambda *x: fold(torch.add)(*x) / len(x),
    Neg=torch.neg,
    Abs=torch.abs,
    Sqrt=torch.sqrt,
    Exp=torch.exp,
    Log=torch.log,
    Reciprocal=torch.reciprocal,
    Erf=torch.erf,
    Sin=torch.sin,
    Cos=torch.cos,
    Tan=torch.tan,
    Asin=torch.asin,
    Acos=torch.acos,
    Atan=torch.atan,
    Sinh=torch.sinh,
    Cosh=torch.cosh,
    Asinh=torch.asinh,
    Acosh=torch.acosh,
    Atanh=torch.atanh,
)

# --- activations ----------------------------------------------------------------------------------------------------------

simple(
    Relu=F.relu,
    Sigmoid=torch.sigmoid,
    Tanh=torch.tanh,
    Softplus=F.softplus,
    Softsign=F.softsign,
    HardSwish=F.hardswish,
    Mish=F.mish,
    PRelu=lambda x, slope: torch.where(x > 0, x, slope * x),
)


@operator("LeakyRelu")
def leaky_relu(x, a, _o, _n):
    return F.leaky_relu(x[0], a.get("alpha", 0.01))


@operator("Elu")
def elu(x, a, _o, _n):
    return F.elu(x[0], a.get("alpha", 1.0))


@operator("Selu")
def selu(x, a, _o, _n):
    gamma = a.get("gamma", 1.05070102214813232421875)
    return gamma * F.elu(x[0], a.get("alpha", 1.67326319217681884765625))


@operator("Celu")
def celu(x, a, _o, _n):
    return F.celu(x[0], a.get("alpha", 1.0))


@operator("ThresholdedRelu")
def thresholded_relu(x, a, _o, _n):
    return F.threshold(x[0], a.get("alpha", 1.0), 0.0)


@operator("HardSigmoid")
def hard_sigmoid(x, a, _o, _n):
    return torch.clamp(a.get("alpha", 0.2) * x[0] + a.get("beta", 0.5), 0, 1)


@operator("Gelu")
def gelu(x, a, _o, _n):
    return F.gelu(x[0], approximate=a.get("approximate", "none"))


@operator("Swish")
def swish(x, a, _o, _n):
    return x[0] * torch.sigmoid(a.get("alpha", 1.0) * x[0])


@operator("Clip")
def clip(x, a, opset, _n):
    low, high = (a.get("min"), a.get("max")) if opset < 11 else (x + [None, None])[1:3]
    y = x[0]
    if low is not None:
        y = torch.maximum(y, torch.as_tensor(low, dtype=y.dtype))
    return y if high is None else torch.minimum(y, torch.as_tensor(high, dtype=y.dtype))


def softmax_with(function):
    def apply(x, a, opset, _n):
        if opset >= 13:
            return function(x[0], dim=a.get("axis", -1))
        axis = a.get("axis", 1) % x[0].dim()
        rows = math.prod(x[0].shape[:axis])
        return function(x[0].reshape(rows, -1), dim=1).reshape(x[0].shape)

    return apply


OPERATORS["Softmax"] = softmax_with(F.softmax)
OPERATORS["LogSoftmax"] = softmax_with(F.log_softmax)

# --- convolutions and pooling -----------------------------------------------------------------------------------------------


def spatial_pads(sizes, a, kernel, strides, dilations):
    """Padding before and after each spatial axis."""
    n = len(kernel)
    auto = a.get("auto_pad", "NOTSET")
    if auto in ("NOTSET", ""):
        pads = a.get("pads", [0] * 2 * n)
        return pads[:n], pads[n:]
    if auto == "VALID":
        return [0] * n, [0] * n
    begins, ends = [], []
    for size, k, s, d in zip(sizes, kernel, strides, dilations):
        total = max((math.ceil(size / s) - 1) * s + (k - 1) * d + 1 - size, 0)
        small, large = total // 2, total - total // 2
        begins.append(small if auto == "SAME_UPPER" else large)
        ends.append(large if auto == "SAME_UPPER" else small)
    return begins, ends


def pad_spatial(x, begins, ends):
    return F.pad(x, [p for b, e in zip(reversed(begins), reversed(ends)) for p in (b, e)])


@operator("Conv")
def conv(x, a, _o, _n):
    x, w, bias = (list(x) + [None])[:3]
    kernel = list(w.shape[2:])
    n = len(kernel)
    strides, dilations = a.get("strides", [1] * n), a.get("dilations", [1] * n)
    padded = pad_spatial(x, *spatial_pads(x.shape[2:], a, kernel, strides, dilations))
    function = (F.conv1d, F.conv2d, F.conv3d)[n - 1]
    return function(padded, w, bias, stride=strides, dilation=dilations, groups=a.get("group", 1))


@operator("ConvTranspose")
def conv_transpose(x, a, _o, _n):
    x, w, bias = (list(x) + [None])[:3]
    kernel = list(w.shape[2:])
    n = len(kernel)
    strides, dilations = a.get("strides", [1] * n), a.get("dilations", [1] * n)
    extra = a.get("output_padding", [0] * n)
    function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[n - 1]
    y = function(x, w, None, stride=strides, dilation=dilations, groups=a.get("group", 1))
    y = pad_spatial(y, [0] * n, extra)
    auto, shape = a.get("auto_pad", "NOTSET"), a.get("output_shape")
    if shape is None and auto in ("SAME_UPPER", "SAME_LOWER"):
        shape = [size * s for size, s in zip(x.shape[2:], strides)]
    if shape is None:
        pads = a.get("pads", [0] * 2 * n)
        begins, ends = pads[:n], pads[n:]
    else:
        totals = [full - wanted for full, wanted in zip(y.shape[2:], shape)]
        small = [max(t, 0) // 2 for t in totals]
        large = [t - s for t, s in zip(totals, small)]
        begins, ends = (small, large) if auto == "SAME_UPPER" else (large, small)
        begins, ends = zip(*[(b, e) if t >= 0 else (0, t) for t, b, e in zip(totals, begins, ends)])
    y = pad_spatial(y, [-p for p in begins], [-p for p in ends])
    return y if bias is None else y + bias.reshape(1, -1, *[1] * n)


def windows(x, a, opset):
    """All windows as `[N, C, outputs..., kernel...]`, a mask of what lies on the input, one of what lies on input or padding."""
    kernel = a["kernel_shape"]
    n = len(kernel)
    strides, dilations = a.get("strides", [1] * n), a.get("dilations", [1] * n)
    sizes = x.shape[2:]
    begins, ends = spatial_pads(sizes, a, kernel, strides, dilations)
    same = a.get("auto_pad", "NOTSET").startswith("SAME")
    inside, counted = torch.ones((), dtype=torch.bool), torch.ones((), dtype=torch.bool)
    for i, (size, k, s, d, b, e) in enumerate(zip(sizes, kernel, strides, dilations, begins, ends)):
        reach = size + b + e - ((k - 1) * d + 1)
        outputs = reach // s + 1
        if a.get("ceil_mode", 0) == 1:
            outputs = math.ceil(reach / s) + 1
            if (outputs - 1) * s >= size + b:  # the last window would begin behind the input
                outputs -= 1
        if same:
            outputs = math.ceil(size / s)
        at = torch.arange(outputs)[:, None] * s + torch.arange(k)[None, :] * d - b
        axis = 2 + 2 * i
        x = x.index_select(axis, at.clamp(0, size - 1).reshape(-1)).unflatten(axis, (outputs, k))
        inside = inside[..., None, None] & ((at >= 0) & (at < size))
        counted = counted[..., None, None] & (at < size + e)
    order = [2 * i for i in range(n)] + [2 * i + 1 for i in range(n)]
    x = x.permute(0, 1, *[2 + o for o in order])
    return x, inside.permute(order), counted.permute(order), list(range(-n, 0))


@operator("Col2Im")
def col2im(x, a, _o, _n):
    """Each block's pixels, by position in the padded picture."""
    picture, block = x[1].tolist(), x[2].tolist()
    n = len(block)
    strides, dilations = a.get("strides", [1] * n), a.get("dilations", [1] * n)
    pads = a.get("pads", [0] * 2 * n)
    padded = [p + b + e for p, b, e in zip(picture, pads[:n], pads[n:])]
    numbers = torch.arange(math.prod(padded)).reshape(padded)
    for i in range(n):
        numbers = numbers.unfold(i, dilations[i] * (block[i] - 1) + 1, strides[i])[..., :: dilations[i]]
    # [outputs..., block...]
    at = numbers.permute(*range(n, 2 * n), *range(n)).reshape(-1)
    batch, channels = x[0].shape[0], x[0].shape[1] // math.prod(block)
    y = torch.zeros(batch, channels, math.prod(padded), dtype=x[0].dtype)
    y = y.index_add(2, at, x[0].reshape(batch, channels, -1)).reshape(batch, channels, *padded)
    return pad_spatial(y, [-p for p in pads[:n]], [-p for p in pads[n:]])


@operator("MaxUnpool")
def max_unpool(x, a, _o, _n):
    if len(x) > 2:
        shape = x[2].tolist()
    else:
        kernel, strides = a["kernel_shape"], a.get("strides", [1] * len(a["kernel_shape"]))
        shape = [*x[0].shape[:2], *((s - 1) * step + k for s, step, k in zip(x[0].shape[2:], strides, kernel))]
    return torch.zeros(math.prod(shape), dtype=x[0].dtype).index_put((x[1].reshape(-1),), x[0].reshape(-1)).reshape(shape)


@operator("MaxPool")
def max_pool(x, a, opset, outputs):
    values, inside, _, axes = windows(x[0], a, opset)
    y = values.masked_fill(~inside, -math.inf).amax(axes)
    return (y,) if outputs == 1 else (y, None)


@operator("AveragePool")
def average_pool(x, a, opset, _n):
    values, inside, counted, axes = windows(x[0], a, opset)
    over = counted if a.get("count_include_pad", 0) else inside
    return (values * inside).sum(axes) / over.sum(axes)


@operator("LpPool")
def lp_pool(x, a, opset, _n):
    values, inside, _, axes = windows(x[0], a, opset)
    p = a.get("p", 2)
    return ((values.abs() * inside) ** p).sum(axes) ** (1 / p)


def spatial(x):
    return list(range(2, x.dim()))


simple(
    GlobalAveragePool=lambda x: x.mean(spatial(x), keepdim=True),
    GlobalMaxPool=lambda x: x.amax(spatial(x), keepdim=True),
)


@operator("GlobalLpPool")
def global_lp_pool(x, a, _o, _n):
    p = a.get("p", 2)
    return (x[0].abs() ** p).sum(spatial(x[0]), keepdim=True) ** (1 / p)


# --- normalisations -----------------------------------------------------------------------------------------------------------


@operator("BatchNormalization")
def batch_normalization(x, a, _o, _n):
    x, scale, bias, mean, var = x
    if a.get("training_mode", 0):
        return F.batch_norm(x, None, None, scale, bias, training=True, eps=a.get("epsilon", 1e-5)), None, None
    mean, var, scale, bias = (v.reshape(1, -1, *[1] * (x.dim() - 2)) for v in (mean, var, scale, bias))
    return (x - mean) / torch.sqrt(var + a.get("epsilon", 1e-5)) * scale + bias


@operator("LayerNormalization")
def layer_normalization(x, a, _o, outputs):
    axis = a.get("axis", -1) % x[0].dim()
    bias = x[2] if len(x) > 2 else None
    shape = x[0].shape[axis:]
    y = F.layer_norm(x[0], shape, x[1].expand(shape), bias if bias is None else bias.expand(shape), a.get("epsilon", 1e-5))
    axes = tuple(range(axis, x[0].dim()))
    mean = x[0].mean(axes, keepdim=True)
    inverse = torch.rsqrt(x[0].var(axes, correction=0, keepdim=True) + a.get("epsilon", 1e-5))
    return (y, mean, inverse)[:outputs]


@operator("InstanceNormalization")
def instance_normalization(x, a, _o, _n):
    return F.instance_norm(x[0], weight=x[1], bias=x[2], eps=a.get("epsilon", 1e-5))


@operator("GroupNormalization")
def group_normalization(x, a, opset, _n):
    groups = a["num_groups"]
    scale, bias = x[1], x[2]
    if opset < 21:
        each = x[0].shape[1] // groups
        scale, bias = scale.repeat_interleave(each), bias.repeat_interleave(each)
    return F.group_norm(x[0], groups, scale, bias, a.get("epsilon", 1e-5))


@operator("RMSNormalization")
def rms_normalization(x, a, _o, _n):
    axis = a.get("axis", -1) % x[0].dim()
    return F.rms_norm(x[0], x[0].shape[axis:], None, a.get("epsilon", 1e-5)) * x[1]


@operator("LpNormalization")
def lp_normalization(x, a, _o, _n):
    return x[0] / torch.linalg.vector_norm(x[0], a.get("p", 2), dim=a.get("axis", -1), keepdim=True)


@operator("MeanVarianceNormalization")
def mean_variance_normalization(x, a, _o, _n):
    axes = a.get("axes", [0, 2, 3])
    centred = x[0] - x[0].mean(axes, keepdim=True)
    return centred / ((centred**2).mean(axes, keepdim=True).sqrt() + 1e-9)


@operator("LRN")
def lrn(x, a, _o, _n):
    return F.local_response_norm(x[0], a["size"], a.get("alpha", 1e-4), a.get("beta", 0.75), a.get("bias", 1.0))


# --- products -------------------------------------------------------------------------------------------------------------------

simple(MatMul=torch.matmul)


@operator("Gemm")
def gemm(x, a, _o, _n):
    left = x[0].T if a.get("transA", 0) else x[0]
    right = x[1].T if a.get("transB", 0) else x[1]
    y = a.get("alpha", 1.0) * (left @ right)
    return y if len(x) < 3 or x[2] is None else y + a.get("beta", 1.0) * x[2]


@operator("Einsum")
def einsum(x, a, _o, _n):
    return torch.einsum(a["equation"], *x)


@operator("Mod")
def mod(x, a, _o, _n):
    """fmod = 1: the sign of the dividend."""
    return torch.fmod(x[0], x[1])
