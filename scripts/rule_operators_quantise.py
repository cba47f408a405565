"""Quantisation for rule_operators.py, by PyTorch's own fake_quantize and its gradient.

A quantised value is kept as its whole numbers in float64, with the gradient of PyTorch's straight-through estimator.
"""

import torch

QUANTISE_OPERATORS = {}
RANGES = {
    torch.uint8: (0, 255),
    torch.int8: (-128, 127),
    torch.uint16: (0, 65535),
    torch.int16: (-32768, 32767),
}


# by ONNX's number of the type: UINT4, INT4
NARROW = {21: (0, 15), 22: (-8, 7)}
FLOAT8E4M3FN = 17


class Float8(torch.autograd.Function):
    """Rounds to float8, which saturates at 448; straight through where it does not."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x.clamp(-448, 448).to(torch.float8_e4m3fn).double()

    @staticmethod
    def backward(context, gradient):
        (x,) = context.saved_tensors
        return gradient * (x.abs() <= 448)


def operator(*names):
    def add(function):
        for name in names:
            QUANTISE_OPERATORS[name] = function
        return function

    return add


def spread(v, like, axis, block):
    """A scale or zero point of one number, of one along `axis`, or of one a block, in the shape of `like`."""
    if v.numel() == 1:
        return v.reshape(()).expand(like.shape)
    if block:
        return v.repeat_interleave(block, axis).narrow(axis, 0, like.shape[axis])
    return v.reshape([-1 if i == axis % like.dim() else 1 for i in range(like.dim())]).expand(like.shape)


def fake_quantize(x, scale, zero, low, high):
    """PyTorch's own, one channel an element, so that any layout of scales will do; it wants float32."""
    # torch divides by multiplying with 1 / scale; both give the same away from ties
    flat = torch.fake_quantize_per_channel_affine(
        x.float().reshape(-1, 1), scale.float().reshape(-1).contiguous(), zero.float().reshape(-1).contiguous(), 0, low, high)
    return flat.reshape(x.shape).double()


@operator("QuantizeLinear", "com.microsoft.QuantizeLinear")
def quantize(x, a, _o, _n):
    value, scale = x[0], x[1].detach()
    zero = x[2] if len(x) > 2 and x[2] is not None else torch.zeros((), dtype=torch.uint8)
    low, high = NARROW.get(a.get("output_dtype", 0)) or RANGES[zero.dtype]
    if a.get("output_dtype", 0) == FLOAT8E4M3FN:
        return Float8.apply(value / scale)
    axis, block = a.get("axis", 1), a.get("block_size", 0)
    s, z = spread(scale, value, axis, block), spread(zero.double(), value, axis, block)
    return fake_quantize(value, s, z, low, high) / s + z


@operator("DequantizeLinear", "com.microsoft.DequantizeLinear")
def dequantize(x, a, _o, _n):
    value = x[0].double()
    axis, block = a.get("axis", 1), a.get("block_size", 0)
    s = spread(x[1].detach(), value, axis, block)
    z = 0 if len(x) < 3 or x[2] is None else spread(x[2].double(), value, axis, block)
    return (value - z) * s


@operator("DynamicQuantizeLinear")
def dynamic_quantize(x, _a, _o, _n):
    v = x[0].detach()
    low, high = min(0, float(v.min())), max(0, float(v.max()))
    scale = torch.tensor((high - low) / 255, dtype=torch.float64)
    zero = torch.clamp(torch.round(-low / scale), 0, 255)
    whole = quantize([x[0], scale, zero.to(torch.uint8)], {}, 0, 1)
    return whole, scale, zero


@operator("com.microsoft.DynamicQuantizeMatMul")
def dynamic_quantize_matmul(x, _a, _o, _n):
    a = dequantize(dynamic_quantize([x[0]], {}, 0, 3), {}, 0, 1)
    y = a @ dequantize([x[1], x[2], x[3] if len(x) > 3 else None], {"axis": -1}, 0, 1)
    return y if len(x) < 5 or x[4] is None else y + x[4]


def unpack(packed, bits):
    """Numbers of `bits` bits, lowest bits first."""
    parts = [(packed.long() >> (i * bits)) & (2**bits - 1) for i in range(8 // bits)]
    return torch.stack(parts, -1).flatten(-2).double()


@operator("com.microsoft.MatMulNBits")
def matmul_nbits(x, a, _o, _n):
    x = list(x) + [None] * (6 - len(x))
    n, k, bits, block = a["N"], a["K"], a.get("bits", 4), a["block_size"]
    numbers = unpack(x[1].reshape(n, -1), bits)
    scales = x[2].reshape(n, -1)
    zeros = torch.full_like(scales, 2.0 ** (bits - 1)) if x[3] is None else unpack(x[3].reshape(n, -1), bits)[:, : scales.shape[1]]
    group = torch.arange(k) // block if x[4] is None else x[4].long()
    weights = (numbers[:, :k] - zeros[:, group]) * scales[:, group]
    y = x[0] @ weights.T
    return y if x[5] is None else y + x[5]


NF4 = [-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
       -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
       0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1]  # fmt: skip
FP4 = [0, 0.00520833333, 0.66666667, 1, 0.33333333, 0.5, 0.16666667, 0.25]


@operator("com.microsoft.MatMulBnb4")
def matmul_bnb4(x, a, _o, _n):
    n, k, block = a["N"], a["K"], a["block_size"]
    table = torch.tensor(NF4 if a["quant_type"] == 1 else FP4 + [-v for v in FP4], dtype=torch.float64)
    codes = torch.stack([x[1].long() >> 4, x[1].long() & 15], -1).flatten()[: n * k]
    weights = (table[codes] * x[2].repeat_interleave(block)[: n * k]).reshape(n, k)
    return x[0] @ weights.T


# --- operators on whole numbers, which are kept in float64 -----------------------------------------------------------------------


def given(x, count):
    return list(x) + [None] * (count - len(x))


def real(value, scale, zero, axis=1):
    return dequantize([value, scale, zero], {"axis": axis}, 0, 1)


def whole(value, scale, zero):
    return quantize([value, scale, zero], {}, 0, 1)


def bias(value, *scales):
    out = value.double()
    for s in scales:
        out = out * s
    return out


def convolve(x, w, b, a):
    pads = a.get("pads", [0, 0, 0, 0])
    x = torch.nn.functional.pad(x, [pads[1], pads[3], pads[0], pads[2]])
    return torch.nn.functional.conv2d(x, w, b, a.get("strides", 1), 0, a.get("dilations", 1), a.get("group", 1))


@operator("QLinearConv")
def qlinear_conv(x, a, _o, _n):
    v, sx, zx, w, sw, zw, sy, zy, b = given(x, 9)
    y = convolve(real(v, sx, zx), real(w, sw, zw, 0), None if b is None else bias(b, sx, sw), a)
    return whole(y, sy, zy)


@operator("com.microsoft.QLinearAdd")
def qlinear_add(x, _a, _o, _n):
    return whole(real(*x[:3]) + real(*x[3:6]), x[6], x[7])


@operator("com.microsoft.QLinearGlobalAveragePool")
def qlinear_mean(x, _a, _o, _n):
    return whole(real(*x[:3]).mean((2, 3), keepdim=True), x[3], x[4])


@operator("com.microsoft.QGemm")
def qgemm(x, a, _o, _n):
    v, sa, za, w, sb, zb, c, sy, zy = given(x, 9)
    transposed = a.get("transB", 0)
    w = real(w, sb, zb, 0 if transposed else 1)
    y = a.get("alpha", 1.0) * (real(v, sa, za) @ (w.T if transposed else w))
    y = y if c is None else y + bias(c, sa, sb)
    return y if sy is None else whole(y, sy, zy)


@operator("ConvInteger")
def conv_integer(x, a, _o, _n):
    v, w, zx, zw = given(x, 4)
    return convolve(v - (0 if zx is None else zx.double()), w.double() - (0 if zw is None else zw.double()), None, a)


@operator("MatMulInteger")
def matmul_integer(x, _a, _o, _n):
    a, b, za, zb = given(x, 4)
    return (a - (0 if za is None else za.double())) @ (b.double() - (0 if zb is None else zb.double()))
