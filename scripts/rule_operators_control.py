"""Control flow and recurrent networks for rule_operators.py. Graphs inside nodes come as functions."""

import torch

CONTROL_OPERATORS = {}


def operator(*names):
    def add(function):
        for name in names:
            CONTROL_OPERATORS[name] = function
        return function

    return add


@operator("If")
def if_(x, a, _o, _n):
    return tuple((a["then_branch"] if bool(x[0]) else a["else_branch"])())


@operator("Scan")
def scan(x, a, _o, outputs):
    count = len(x) - a["num_scan_inputs"]
    state, sequences = list(x[:count]), x[count:]
    axes = a.get("scan_input_axes", [0] * len(sequences))
    backwards = a.get("scan_input_directions", [0] * len(sequences))
    made = [[] for _ in range(outputs - count)]
    for t in range(sequences[0].shape[axes[0]]):
        parts = [s.select(axis, -1 - t if back else t) for s, axis, back in zip(sequences, axes, backwards)]
        results = a["body"](*state, *parts)
        state = results[:count]
        for whole, part in zip(made, results[count:]):
            whole.append(part)
    axes = a.get("scan_output_axes", [0] * len(made))
    backwards = a.get("scan_output_directions", [0] * len(made))
    wholes = [torch.stack(w[::-1] if back else w, axis) for w, axis, back in zip(made, axes, backwards)]
    return tuple(state) + tuple(wholes)


@operator("Less")
def less(x, _a, _o, _n):
    return x[0] < x[1]


# --- recurrent networks -----------------------------------------------------------------------------------------------------------

# name -> (function of x, alpha and beta; which of them it takes, with their defaults)
ACTIVATIONS = {
    "Relu": (lambda x: torch.relu(x), ()),
    "Tanh": (lambda x: torch.tanh(x), ()),
    "Sigmoid": (lambda x: torch.sigmoid(x), ()),
    "Softsign": (lambda x: torch.nn.functional.softsign(x), ()),
    "Softplus": (lambda x: torch.nn.functional.softplus(x), ()),
    "LeakyRelu": (lambda x, alpha: torch.nn.functional.leaky_relu(x, alpha), (0.01,)),
    "ThresholdedRelu": (lambda x, alpha: torch.where(x > alpha, x, torch.zeros_like(x)), (1.0,)),
    "Elu": (lambda x, alpha: torch.nn.functional.elu(x, alpha), (1.0,)),
    "HardSigmoid": (lambda x, alpha, beta: torch.clamp(alpha * x + beta, 0, 1), (0.2, 0.5)),
    "Affine": (lambda x, alpha, beta: alpha * x + beta, (1.0, 0.0)),
    "ScaledTanh": (lambda x, alpha, beta: alpha * torch.tanh(beta * x), (1.0, 1.0)),
}
DEFAULTS = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}


def activations(names, a):
    lists = [list(a.get("activation_alpha", [])), list(a.get("activation_beta", []))]
    made = []
    for name in names:
        function, defaults = ACTIVATIONS[name]
        given = [values.pop(0) if values else default for values, default in zip(lists, defaults)]
        made.append(lambda x, f=function, g=given: f(x, *g))
    return made


def cell(kind, a, act, x, h, c, w, r, wb, rb, p):
    """One step; gates in ONNX's order."""
    limit = a.get("clip", 0)

    def gate(which, value):
        return act[which](value.clamp(-limit, limit) if limit else value)

    xs = (x @ w.T + wb).chunk({"RNN": 1, "GRU": 3, "LSTM": 4}[kind], -1)
    rs, rbs = r.chunk(len(xs)), rb.chunk(len(xs))
    hs = [h @ one.T + bias for one, bias in zip(rs, rbs)]
    if kind == "RNN":
        return gate(0, xs[0] + hs[0]), c
    if kind == "GRU":
        z, reset = gate(0, xs[0] + hs[0]), gate(0, xs[1] + hs[1])
        inner = reset * hs[2] if a.get("linear_before_reset", 0) else (reset * h) @ rs[2].T + rbs[2]
        return (1 - z) * gate(1, xs[2] + inner) + z * h, c
    pi, po, pf = p.chunk(3)
    i = gate(0, xs[0] + hs[0] + pi * c)
    f = 1 - i if a.get("input_forget", 0) else gate(0, xs[2] + hs[2] + pf * c)
    after = f * c + i * gate(1, xs[3] + hs[3])
    return gate(0, xs[1] + hs[1] + po * after) * act[2](after), after


def by_steps(kind, x, a):
    """The definition in ONNX's Operators.md, step by step."""
    data, w, r, b, lengths, h0, c0, p = (list(x) + [None] * 8)[:8]
    steps, batch, _ = data.shape
    ways = {"forward": [0], "reverse": [1], "bidirectional": [0, 1]}[a.get("direction", "forward")]
    hidden = r.shape[-1]
    names = [n.decode() for n in a["activations"]] if "activations" in a else DEFAULTS[kind] * len(ways)
    act = activations(names, a)
    each = len(DEFAULTS[kind])
    ys, hs, cs = [], [], []
    for d, backwards in enumerate(ways):
        zero = data.new_zeros(batch, hidden)
        h = zero if h0 is None else h0[d]
        c = zero if c0 is None else c0[d]
        bias = data.new_zeros(2 * w.shape[1]) if b is None else b[d]
        wb, rb = bias.chunk(2)
        peep = data.new_zeros(3 * hidden) if p is None else p[d]
        y = [zero] * steps
        for t in reversed(range(steps)) if backwards else range(steps):
            next_h, next_c = cell(kind, a, act[d * each : (d + 1) * each], data[t], h, c, w[d], r[d], wb, rb, peep)
            inside = torch.ones(batch, 1, dtype=bool) if lengths is None else (t < lengths).reshape(-1, 1)
            h, c = torch.where(inside, next_h, h), torch.where(inside, next_c, c)
            y[t] = torch.where(inside, next_h, zero)
        ys.append(torch.stack(y)), hs.append(h), cs.append(c)
    made = (torch.stack(ys, 1), torch.stack(hs), torch.stack(cs))
    return made if kind == "LSTM" else made[:2]


# for each gate of PyTorch, its place among ONNX's
TORCH_GATES = {"RNN": [0], "GRU": [1, 0, 2], "LSTM": [0, 2, 3, 1]}


def by_torch(kind, x, a):
    """PyTorch's own LSTM, GRU or RNN."""
    data, w, r, b, _, h0, c0, _ = (list(x) + [None] * 8)[:8]
    two, hidden = w.shape[0], r.shape[-1]
    gates = len(TORCH_GATES[kind])
    order = torch.cat([torch.arange(hidden) + g * hidden for g in TORCH_GATES[kind]])
    weights = []
    for d in range(two):
        weights += [w[d][order], r[d][order]]
        weights += [] if b is None else [b[d][: gates * hidden][order], b[d][gates * hidden :][order]]
    zero = data.new_zeros(two, data.shape[1], hidden)
    h, c = zero if h0 is None else h0, zero if c0 is None else c0
    function = {"RNN": torch._VF.rnn_tanh, "GRU": torch._VF.gru, "LSTM": torch._VF.lstm}[kind]
    state = (h, c) if kind == "LSTM" else h
    y, *last = function(data, state, weights, b is not None, 1, 0.0, False, two == 2, False)
    return (y.reshape(*y.shape[:2], two, hidden).transpose(1, 2), *last)


def recurrent(kind):
    def apply(x, a, _o, _n):
        special = {"activations", "clip", "input_forget"} & set(a)
        after = kind != "GRU" or a.get("linear_before_reset", 0)
        absent = all(len(x) <= i or x[i] is None for i in (4, 7))
        plain = not special and after and absent and a.get("direction") != "reverse"
        return by_torch(kind, x, a) if plain else by_steps(kind, x, a)

    return apply


for _kind in DEFAULTS:
    CONTROL_OPERATORS[_kind] = recurrent(_kind)
