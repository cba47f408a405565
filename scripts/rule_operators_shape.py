"""Reductions, shapes and indexing for rule_operators.py."""

import itertools

import torch
import torch.nn.functional as F

SHAPE_OPERATORS = {}


def operator(*names):
    def add(function):
        for name in names:
            SHAPE_OPERATORS[name] = function
        return function

    return add


def ints(value):
    return [int(v) for v in value.reshape(-1).tolist()]


def given(x, a, name, index):
    """An attribute that became an input; None where there is neither."""
    if name in a:
        return a[name]
    return ints(x[index]) if len(x) > index and x[index] is not None else None


# --- reductions -----------------------------------------------------------------------------------------------------------------


def reduction(function):
    def apply(x, a, _o, _n):
        axes = given(x, a, "axes", 1)
        if not axes:
            if a.get("noop_with_empty_axes", 0):
                return x[0]
            axes = list(range(x[0].dim()))
        return function(x[0], axes, bool(a.get("keepdims", 1)))

    return apply


def product(x, axes, keep):
    for axis in sorted((axis % x.dim() for axis in axes), reverse=True):
        x = x.prod(axis, keepdim=keep)
    return x


for _name, _function in {
    "ReduceSum": lambda x, axes, keep: x.sum(axes, keepdim=keep),
    "ReduceMean": lambda x, axes, keep: x.mean(axes, keepdim=keep),
    "ReduceMax": lambda x, axes, keep: x.amax(axes, keepdim=keep),
    "ReduceMin": lambda x, axes, keep: x.amin(axes, keepdim=keep),
    "ReduceProd": product,
    "ReduceL1": lambda x, axes, keep: x.abs().sum(axes, keepdim=keep),
    "ReduceL2": lambda x, axes, keep: torch.linalg.vector_norm(x, 2, axes, keepdim=keep),
    "ReduceSumSquare": lambda x, axes, keep: (x**2).sum(axes, keepdim=keep),
    "ReduceLogSum": lambda x, axes, keep: x.sum(axes, keepdim=keep).log(),
    "ReduceLogSumExp": lambda x, axes, keep: torch.logsumexp(x, axes, keepdim=keep),
}.items():
    SHAPE_OPERATORS[_name] = reduction(_function)


@operator("CumSum")
def cum_sum(x, a, _o, _n):
    axis = int(x[1])
    y = x[0].flip(axis) if a.get("reverse", 0) else x[0]
    y = torch.cumsum(y, axis) - (y if a.get("exclusive", 0) else 0)
    return y.flip(axis) if a.get("reverse", 0) else y


# --- shapes and types -------------------------------------------------------------------------------------------------------------


@operator("Identity", "Cast", "CastLike")
def same(x, _a, _o, _n):
    return x[0]


@operator("Dropout")
def dropout(x, _a, _o, outputs):
    return (x[0],) + (None,) * (outputs - 1)


@operator("Flatten")
def flatten(x, a, _o, _n):
    axis = a.get("axis", 1)
    rows = 1
    for size in x[0].shape[: axis if axis >= 0 else x[0].dim() + axis]:
        rows *= size
    return x[0].reshape(rows, -1)


@operator("Reshape")
def reshape(x, a, _o, _n):
    keep = not a.get("allowzero", 0)
    return x[0].reshape([x[0].shape[i] if s == 0 and keep else s for i, s in enumerate(ints(x[1]))])


@operator("Squeeze")
def squeeze(x, a, _o, _n):
    axes = given(x, a, "axes", 1)
    return x[0].squeeze() if axes is None else x[0].squeeze(tuple(axes))


@operator("Unsqueeze")
def unsqueeze(x, a, _o, _n):
    axes = given(x, a, "axes", 1)
    rank = x[0].dim() + len(axes)
    y = x[0]
    for axis in sorted(axis % rank for axis in axes):
        y = y.unsqueeze(axis)
    return y


@operator("Transpose")
def transpose(x, a, _o, _n):
    return x[0].permute(a.get("perm", list(reversed(range(x[0].dim())))))


@operator("Concat")
def concat(x, a, _o, _n):
    return torch.cat(x, a["axis"])


@operator("Split")
def split(x, a, _o, outputs):
    axis = a.get("axis", 0)
    sizes = given(x, a, "split", 1)
    if sizes is None:
        each = -(-x[0].shape[axis] // outputs)
        sizes = [each] * (outputs - 1) + [x[0].shape[axis] - each * (outputs - 1)]
    return torch.split(x[0], sizes, axis)


@operator("Expand")
def expand(x, _a, _o, _n):
    return x[0].expand(torch.broadcast_shapes(x[0].shape, ints(x[1])))


@operator("Tile")
def tile(x, _a, _o, _n):
    return x[0].repeat(ints(x[1]))


@operator("DepthToSpace")
def depth_to_space(x, a, _o, _n):
    size = a["blocksize"]
    if a.get("mode", "DCR") == "CRD":
        return F.pixel_shuffle(x[0], size)
    n, c, h, w = x[0].shape
    y = x[0].reshape(n, size, size, c // size**2, h, w).permute(0, 3, 4, 1, 5, 2)
    return y.reshape(n, c // size**2, h * size, w * size)


@operator("SpaceToDepth")
def space_to_depth(x, a, _o, _n):
    size = a["blocksize"]
    n, c, h, w = x[0].shape
    y = x[0].reshape(n, c, h // size, size, w // size, size).permute(0, 3, 5, 1, 2, 4)
    return y.reshape(n, c * size**2, h // size, w // size)


@operator("Trilu")
def trilu(x, a, _o, _n):
    k = int(x[1]) if len(x) > 1 and x[1] is not None else 0
    return torch.triu(x[0], k) if a.get("upper", 1) else torch.tril(x[0], k)


# --- indexing ---------------------------------------------------------------------------------------------------------------------


@operator("Slice")
def slice_(x, a, _o, _n):
    starts, ends = given(x, a, "starts", 1), given(x, a, "ends", 2)
    axes = given(x, a, "axes", 3) or list(range(len(starts)))
    steps = given(x, a, "steps", 4) or [1] * len(starts)
    y = x[0]
    for start, end, axis, step in zip(starts, ends, axes, steps):
        taken = list(range(y.shape[axis]))[slice(start, end if step > 0 or end >= -y.shape[axis] else None, step)]
        y = y.index_select(axis, torch.tensor(taken, dtype=torch.long))
    return y


@operator("Pad")
def pad(x, a, _o, _n):
    pads = given(x, a, "pads", 1)
    axes = given(x, {}, "axes", 3)
    axes = list(range(x[0].dim())) if axes is None else axes
    mode = a.get("mode", "constant")
    y = x[0]
    for i, axis in enumerate(axes):
        begin, end, size = pads[i], pads[i + len(axes)], y.shape[axis]
        at = torch.arange(-begin, size + end)
        if mode == "reflect":
            at = (size - 1) - ((at % (2 * size - 2)) - (size - 1)).abs() if size > 1 else at * 0
        elif mode == "edge":
            at = at.clamp(0, size - 1)
        elif mode == "wrap":
            at = at % size
        inside = (at >= 0) & (at < size)
        y = y.index_select(axis, at.clamp(0, size - 1))
        if mode == "constant":
            value = x[2] if len(x) > 2 and x[2] is not None else torch.tensor(a.get("value", 0.0), dtype=y.dtype)
            shape = [1] * y.dim()
            shape[axis] = -1
            y = torch.where(inside.reshape(shape), y, value)
    return y


@operator("Gather")
def gather(x, a, _o, _n):
    axis = a.get("axis", 0) % x[0].dim()
    at = x[1] % x[0].shape[axis]
    y = x[0].index_select(axis, at.reshape(-1))
    return y.reshape([*x[0].shape[:axis], *at.shape, *x[0].shape[axis + 1 :]])


@operator("GatherElements")
def gather_elements(x, a, _o, _n):
    axis = a.get("axis", 0)
    return x[0].gather(axis, x[1] % x[0].shape[axis])


def locate(data, indices):
    """Index tensors for the leading axes of `data`."""
    return tuple(indices[..., i] % data.shape[i] for i in range(indices.shape[-1]))


@operator("GatherND")
def gather_nd(x, a, _o, _n):
    data, indices, batch = x[0], x[1], a.get("batch_dims", 0)
    if batch == 0:
        return data[locate(data, indices)]
    rows = itertools.product(*(range(s) for s in data.shape[:batch]))
    parts = [data[row][locate(data[row], indices[row])] for row in rows]
    return torch.stack(parts).reshape(*data.shape[:batch], *parts[0].shape)


JOIN = {"mul": torch.mul, "max": torch.maximum, "min": torch.minimum}


def join(data, positions, updates, reduction):
    """Updates joined to data one after another; `positions` counts through the whole of data."""
    y = data.reshape(-1)
    for position, update in zip(positions.reshape(-1).tolist(), updates.reshape(-1)):
        at = torch.tensor([position])
        y = y.index_put((at,), JOIN[reduction](y[at], update))
    return y.reshape(data.shape)


@operator("Scatter", "ScatterElements")
def scatter_elements(x, a, _o, _n):
    axis, reduction = a.get("axis", 0), a.get("reduction", "none")
    at = x[1] % x[0].shape[axis]
    if reduction in JOIN:
        places = list(torch.meshgrid(*(torch.arange(s) for s in at.shape), indexing="ij"))
        places[axis] = at
        numbers = torch.arange(x[0].numel()).reshape(x[0].shape)
        return join(x[0], numbers[tuple(places)], x[2], reduction)
    function = x[0].scatter_add if reduction == "add" else x[0].scatter
    return function(axis, at, x[2])


@operator("ScatterND")
def scatter_nd(x, a, _o, _n):
    reduction = a.get("reduction", "none")
    if reduction in JOIN:
        numbers = torch.arange(x[0].numel()).reshape(x[0].shape)
        return join(x[0], numbers[locate(x[0], x[1])], x[2], reduction)
    return x[0].index_put(locate(x[0], x[1]), x[2], accumulate=reduction == "add")


@operator("CenterCropPad")
def center_crop_pad(x, a, _o, _n):
    y = x[0]
    for axis, size in zip(a.get("axes", range(y.dim())), ints(x[1])):
        extent = y.shape[axis]
        if size <= extent:
            y = y.narrow(axis, (extent - size) // 2, size)
        else:
            before = (size - extent) // 2
            shape = list(y.shape)
            zeros = [torch.zeros([*shape[: axis % y.dim()], n, *shape[axis % y.dim() + 1 :]]) for n in (before, size - extent - before)]
            y = torch.cat([zeros[0].to(y.dtype), y, zeros[1].to(y.dtype)], axis)
    return y


@operator("Compress")
def compress(x, a, _o, _n):
    data = x[0].reshape(-1) if "axis" not in a else x[0]
    return data.index_select(a.get("axis", 0), x[1].nonzero().reshape(-1))


@operator("TopK")
def top_k(x, a, _o, _n):
    k = a["k"] if "k" in a else int(x[1])
    return torch.topk(x[0], k, a.get("axis", -1), bool(a.get("largest", 1)), bool(a.get("sorted", 1)))


@operator("ReverseSequence")
def reverse_sequence(x, a, _o, _n):
    batch, time = a.get("batch_axis", 1), a.get("time_axis", 0)
    parts = []
    for i, length in enumerate(ints(x[1])):
        row = x[0].select(batch, i)
        axis = time if time < batch else time - 1
        head, tail = row.narrow(axis, 0, length), row.narrow(axis, length, row.shape[axis] - length)
        parts.append(torch.cat([head.flip(axis), tail], axis))
    return torch.stack(parts, batch)
