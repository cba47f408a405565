"""Train two small vision-language networks on drawn shapes, and export them to ONNX: a captioner and a question answerer.

    python scripts/shapes.py OUT [--steps 3000]

They are real networks with real behaviour, small enough to ship, for showing and testing explanations of words and answers:
where on the picture does the word `circle` come from, and where the answer `red`?

OUT/shapes-captioner/onnx/encoder_model.onnx   pixel_values [N,3,96,96] -> last_hidden_state [N,144,96] (12x12 grid, row-major)
OUT/shapes-captioner/onnx/decoder_model.onnx   input_ids int64 [N,T], encoder_hidden_states [N,144,96] -> logits [N,T,V]
OUT/shapes-vqa/onnx/model.onnx                 pixel_values [N,3,96,96], input_ids int64 [N,T] -> logits [N,A]
each with config.json (vocabulary, answers, special tokens), preprocessor_config.json, and examples/*.png with truth.json, which
gives the box of each shape in pixels: a ground truth for where an explanation should point.
"""

import argparse, json, os, random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFilter

COLOURS = {
    "red": (214, 48, 49),
    "green": (0, 148, 50),
    "blue": (9, 92, 214),
    "yellow": (245, 205, 20),
    "purple": (142, 68, 173),
    "orange": (240, 128, 20),
}
SHAPES = ["circle", "square", "triangle", "star", "cross"]
SIDE, GRID, WIDTH = 96, 12, 96
WORDS = ["<pad>", "<bos>", "<eos>", "a", "small", "large", "left", "right", "of", "above", "below", "on", "its", "own", *COLOURS, *SHAPES]
QUESTION = [
    "<pad>",
    "what",
    "color",
    "is",
    "the",
    "shape",
    "there",
    "a",
    "how",
    "many",
    "shapes",
    "are",
    "left",
    "right",
    "of",
    "above",
    "below",
    *COLOURS,
    *SHAPES,
    "?",
]
ANSWERS = ["yes", "no", "0", "1", "2", "3", *COLOURS, *SHAPES]
W, Q, A = ({w: i for i, w in enumerate(v)} for v in (WORDS, QUESTION, ANSWERS))
T_CAP, T_Q = 14, 8


def background(rng):
    base = np.array(rng.choice([(225, 222, 214), (60, 62, 70), (150, 158, 150), (190, 170, 150)]), np.float32)
    low = np.random.default_rng(rng.getrandbits(32)).normal(0, 26, (6, 6, 3))
    im = Image.fromarray(np.clip(base + low, 0, 255).astype(np.uint8)).resize((SIDE, SIDE), Image.BICUBIC)
    return im


def draw(d, kind, colour, box):
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0
    if kind == "circle":
        d.ellipse(box, fill=colour)
    elif kind == "square":
        d.rectangle(box, fill=colour)
    elif kind == "triangle":
        d.polygon([(x0, y1), (x1, y1), ((x0 + x1) / 2, y0)], fill=colour)
    elif kind == "cross":
        d.rectangle([x0 + w * 0.36, y0, x0 + w * 0.64, y1], fill=colour)
        d.rectangle([x0, y0 + h * 0.36, x1, y0 + h * 0.64], fill=colour)
    else:
        c, r = ((x0 + x1) / 2, (y0 + y1) / 2), w / 2
        d.polygon(
            [
                (c[0] + (r if k % 2 == 0 else r * 0.42) * np.sin(np.pi * k / 5), c[1] - (r if k % 2 == 0 else r * 0.42) * np.cos(np.pi * k / 5))
                for k in range(10)
            ],
            fill=colour,
        )


def scene(seed):
    rng = random.Random(seed)
    im = background(rng)
    d = ImageDraw.Draw(im)
    things = []
    kinds = rng.sample(SHAPES, rng.choice([1, 2, 2, 2, 3]))
    colours = rng.sample(list(COLOURS), len(kinds))
    for kind, colour in zip(kinds, colours):
        for _ in range(60):
            size = rng.choice(["small", "large"])
            s = rng.randint(16, 20) if size == "small" else rng.randint(30, 36)
            x, y = rng.randint(2, SIDE - s - 2), rng.randint(2, SIDE - s - 2)
            box = (x, y, x + s, y + s)
            if all(x + s + 3 < t["box"][0] or t["box"][2] + 3 < x or y + s + 3 < t["box"][1] or t["box"][3] + 3 < y for t in things):
                jitter = tuple(int(np.clip(c + rng.randint(-14, 14), 0, 255)) for c in COLOURS[colour])
                draw(d, kind, jitter, box)
                things.append(dict(shape=kind, color=colour, size=size, box=box))
                break
    im = im.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.7)))
    return im, things


def relation(a, b):
    ca, cb = [((t["box"][0] + t["box"][2]) / 2, (t["box"][1] + t["box"][3]) / 2) for t in (a, b)]
    dx, dy = ca[0] - cb[0], ca[1] - cb[1]
    return (["left", "of"] if dx < 0 else ["right", "of"]) if abs(dx) > abs(dy) else (["above"] if dy < 0 else ["below"])


def caption(things):
    """The largest thing first (by size word, then by shape order), then where it stands to the next."""
    ts = sorted(things, key=lambda t: (t["size"] != "large", SHAPES.index(t["shape"])))
    say = lambda t: ["a", t["size"], t["color"], t["shape"]]
    return say(ts[0]) + (["on", "its", "own"] if len(ts) == 1 else relation(ts[0], ts[1]) + say(ts[1]))


def questions(things, rng):
    t = rng.choice(things)
    absent = [s for s in SHAPES if s not in [u["shape"] for u in things]]
    out = [
        (["what", "color", "is", "the", t["shape"], "?"], t["color"]),
        (["what", "shape", "is", t["color"], "?"], t["shape"]),
        (["is", "there", "a", t["shape"], "?"], "yes"),
        (["is", "there", "a", rng.choice(absent), "?"], "no"),
        (["how", "many", "shapes", "are", "there", "?"], str(len(things))),
    ]
    if len(things) == 2:
        a, b = things if rng.random() < 0.5 else things[::-1]
        out += [(["what", "is", *relation(a, b), "the", b["shape"], "?"], a["shape"])] * 2
    return out


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()

        def block(i, o, s):
            return nn.Sequential(nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU())

        self.net = nn.Sequential(block(3, 24, 2), block(24, 32, 2), block(32, 64, 1), block(64, WIDTH, 2), block(WIDTH, WIDTH, 1))

    def forward(self, pixel_values):
        return self.net(pixel_values).flatten(2).transpose(1, 2)  # [N, 144, 96]


class Attend(nn.Module):
    """One head of attention from a query to the grid, with a learnt position of each cell."""

    def __init__(self, q):
        super().__init__()
        self.pos = nn.Parameter(torch.randn(GRID * GRID, WIDTH) * 0.02)
        self.q = nn.Linear(q, WIDTH)
        self.k = nn.Linear(WIDTH, WIDTH)
        self.v = nn.Linear(WIDTH, WIDTH)

    def forward(self, query, grid):  # [N,T,q], [N,144,96] -> [N,T,96]
        g = grid + self.pos
        return torch.softmax(self.q(query) @ self.k(g).transpose(1, 2) / WIDTH**0.5, -1) @ self.v(g)


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(WORDS), 64)
        self.rnn = nn.LSTM(64 + WIDTH, 128, batch_first=True)
        self.a1, self.a2 = Attend(128), Attend(128 + WIDTH)
        self.out = nn.Sequential(nn.Linear(128 + 2 * WIDTH, 128), nn.ReLU(), nn.Linear(128, len(WORDS)))

    def forward(self, input_ids, encoder_hidden_states):
        g = encoder_hidden_states
        e = self.embed(input_ids)
        h, _ = self.rnn(torch.cat([e, g.mean(1, keepdim=True).expand(-1, e.shape[1], -1)], 2))
        a = self.a1(h, g)
        b = self.a2(torch.cat([h, a], 2), g)
        return self.out(torch.cat([h, a, b], 2))


class VQA(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.embed = nn.Embedding(len(QUESTION), 64)
        self.rnn = nn.GRU(64, 128, batch_first=True)
        self.a1, self.a2 = Attend(128), Attend(128 + WIDTH)
        self.gate = nn.Linear(128, WIDTH)
        self.out = nn.Sequential(nn.Linear(128 + 3 * WIDTH, 192), nn.ReLU(), nn.Linear(192, len(ANSWERS)))

    def forward(self, pixel_values, input_ids):
        g = self.encoder(pixel_values)
        h, _ = self.rnn(self.embed(input_ids))
        q = h[:, -1:]
        g2 = g * torch.sigmoid(self.gate(q))
        a = self.a1(q, g2)
        b = self.a2(torch.cat([q, a], 2), g2)
        return self.out(torch.cat([q, a, b, g2.mean(1, keepdim=True)], 2))[:, 0]


def pixels(im):
    return (np.asarray(im, np.float32) / 255 - 0.5).transpose(2, 0, 1) / 0.25


def pad_left(ids, n):
    return [0] * (n - len(ids)) + ids


def pad_right(ids, n):
    return ids + [0] * (n - len(ids))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("--steps", type=int, default=3000)
    a = p.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(os.cpu_count())
    N = 24000
    things, X = [], np.empty((N, 3, SIDE, SIDE), np.float16)
    for i in range(N):
        im, t = scene(i)
        things.append(t)
        X[i] = pixels(im)
    cap = np.array([pad_right([W["<bos>"]] + [W[w] for w in caption(t)] + [W["<eos>"]], T_CAP + 1) for t in things])
    enc, dec, vqa = Encoder(), Decoder(), VQA()
    held = np.arange(N - 1000, N)
    rng = random.Random(1)
    opt = torch.optim.AdamW([*enc.parameters(), *dec.parameters(), *vqa.parameters()], 2e-3, weight_decay=1e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 3e-3, total_steps=a.steps)

    def batch(ix):
        x = torch.from_numpy(X[ix].astype(np.float32))
        qs = [rng.choice(questions(things[i], rng)) for i in ix]
        return x, torch.from_numpy(cap[ix]), torch.tensor([pad_left([Q[w] for w in q], T_Q) for q, _ in qs]), torch.tensor([A[r] for _, r in qs])

    def score():
        for m in (enc, dec, vqa):
            m.eval()
        with torch.no_grad():
            x, c, q, r = batch(held)
            lc = dec(c[:, :-1], enc(x))
            ok = (lc.argmax(-1) == c[:, 1:]) | (c[:, 1:] == 0)
            s = ok.all(1).float().mean().item(), (vqa(x, q).argmax(-1) == r).float().mean().item()
        for m in (enc, dec, vqa):
            m.train()
        return s

    for step in range(a.steps):
        x, c, q, r = batch(np.random.randint(0, N - 1000, 96))
        loss = F.cross_entropy(dec(c[:, :-1], enc(x)).flatten(0, 1), c[:, 1:].flatten(), ignore_index=0) + F.cross_entropy(vqa(x, q), r)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if step % 100 == 99:
            print(step + 1, round(loss.item(), 3), "caption exact %.3f, answers %.3f" % score(), flush=True)
    for m in (enc, dec, vqa):
        m.eval()
    final = score()
    x, c, q, r = batch(held[:2])
    C, V = a.out + "/shapes-captioner", a.out + "/shapes-vqa"
    for d in (C, V):
        os.makedirs(d + "/onnx", exist_ok=True)
        os.makedirs(d + "/examples", exist_ok=True)
    ex = lambda m, args, path, i, o, dyn: torch.onnx.export(
        m, args, path, dynamo=False, opset_version=17, input_names=i, output_names=o, dynamic_axes=dyn
    )
    ex(
        enc,
        (x,),
        C + "/onnx/encoder_model.onnx",
        ["pixel_values"],
        ["last_hidden_state"],
        {"pixel_values": {0: "batch"}, "last_hidden_state": {0: "batch"}},
    )
    ex(
        dec,
        (c[:, :-1], enc(x)),
        C + "/onnx/decoder_model.onnx",
        ["input_ids", "encoder_hidden_states"],
        ["logits"],
        {"input_ids": {0: "batch", 1: "length"}, "encoder_hidden_states": {0: "batch"}, "logits": {0: "batch", 1: "length"}},
    )
    ex(
        vqa,
        (x, q),
        V + "/onnx/model.onnx",
        ["pixel_values", "input_ids"],
        ["logits"],
        {"pixel_values": {0: "batch"}, "input_ids": {0: "batch", 1: "length"}, "logits": {0: "batch"}},
    )
    pre = dict(
        do_resize=True,
        size=dict(height=SIDE, width=SIDE),
        resample=3,
        do_rescale=True,
        rescale_factor=1 / 255,
        do_normalize=True,
        image_mean=[0.5] * 3,
        image_std=[0.25] * 3,
    )
    json.dump(
        dict(
            model_type="shapes-captioner",
            vocabulary=WORDS,
            bos_token_id=W["<bos>"],
            eos_token_id=W["<eos>"],
            pad_token_id=0,
            image_size=SIDE,
            grid=[GRID, GRID],
            held_out_exact_captions=final[0],
        ),
        open(C + "/config.json", "w"),
        indent=1,
    )
    json.dump(
        dict(
            model_type="shapes-vqa",
            vocabulary=QUESTION,
            padding_side="left",
            pad_token_id=0,
            max_length=T_Q,
            id2label={i: w for i, w in enumerate(ANSWERS)},
            image_size=SIDE,
            held_out_accuracy=final[1],
        ),
        open(V + "/config.json", "w"),
        indent=1,
    )
    for d in (C, V):
        json.dump(pre, open(d + "/preprocessor_config.json", "w"), indent=1)
        truth = {}
        for i in range(N, N + 12):
            im, t = scene(i)
            im.save(f"{d}/examples/{i - N:02d}.png")
            truth[f"{i - N:02d}.png"] = dict(
                things=t, caption=" ".join(caption(t)), questions=[dict(question=" ".join(w), answer=r) for w, r in questions(t, random.Random(i))]
            )
        json.dump(truth, open(d + "/examples/truth.json", "w"), indent=1)
    print("exact captions %.3f, right answers %.3f on 1000 held-out scenes" % final)


if __name__ == "__main__":
    main()
