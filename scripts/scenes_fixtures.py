"""Drawn scenes, and PyTorch's explanations of the words and answers of the two small vision-language networks, for test/fixtures/scenes.

    python scripts/scenes_fixtures.py MODELS OUT

MODELS holds shapes-captioner and shapes-vqa (models/ of this repository). The networks are those of scripts/shapes.py with the weights of the .onnx
files, whose logits they give within 1e-4. OUT gets

    scenes.webp          200 scenes of seeds 30000 to 30199 (none of the training's or the examples'), lossless, 96x96 each, 20 a row, row by row
    truth.json           for each of them: seed, things (shape, color, size, box in pixels x0 y0 x1 y1, both ends inside), caption, questions and answers
    maps.npy             float16 [M,12,12]: Grad-CAM at the encoder's last feature map [96,12,12], sum_k w_k A_k before ReLU, w_k the mean over
                         space of d score / d A_k. Each is divided by its largest magnitude, which stands beside its number as `scale`
    pixel-gradients.npy  float16 [P,3,96,96]: d score / d pixel_values, divided by the largest magnitude in the same way
    references.json      the rest

references.json: `scenes` has the 12 examples (`name` is the file), then the 200 (`name` is the seed):

    caption, ids         the greedy caption, and its ids with <eos>; logProbabilities of these
    whole                the caption's log-likelihood, the sum of logProbabilities: map, scale, score. `open` is the same without <eos> (first 20)
    words                each shape word: position (0 is the first word: row `position` of the logits), word, score (its logit), map, scale. `log` is the
                         same of its log-probability, `embedding` its gradient times embedding for each id that was fed, <bos> first (first 20)
    beams                the captions of beam search with 3 beams, best first, as [caption, score]: Hugging Face's generate with length_penalty 1, so that
                         score = sum of log-probabilities / number of words with <eos> (first 32)
    answers              each different question: question, answer (the best), probability, score (its logit), map, scale, embedding (gradient times
                         embedding, one number for each of the 8 ids), right (the answer is the truth's)
    pixels               on the first three: the number in pixel-gradients.npy and the scale, at a word, an answer or `whole`
    thing, hit           of a word or an answer: which of the things it is about (null: none), and whether the map of grad-cam, and those of hires-cam
                         (sum_k g_k A_k) and layer-cam (sum_k max(g_k, 0) A_k), resized bilinearly to 96x96 (align_corners=False), has its
                         largest pixel in that thing's box

A word is about the thing of its shape. An answer is about a thing where it is right and the question names or asks for one: `what color is the SHAPE`,
`what shape is COLOUR`, `is there a SHAPE` that is there, and `what is ... the SHAPE` (what is asked for). `pointing` sums it up, of words and of answers:
how many are about a thing, the share of hits, and chance, the boxes' mean share of the picture. Needs torch, transformers, onnx, onnxruntime, Pillow, NumPy.
"""

import json
import os
import random
import sys

import numpy as np
import onnx
import onnxruntime as ort
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from PIL import Image
from shapes import ANSWERS, SHAPES, SIDE, T_CAP, T_Q, VQA, WORDS, Decoder, Encoder, Q, W, caption, pad_left, pixels, questions, scene
from transformers import GenerationConfig, GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

FIRST, SCENES, COLUMNS = 30000, 200, 20
FEW, BEAMED, WITH_PIXELS = 20, 32, 3


# --- the networks with the weights of the .onnx files -------------------------------------------------------------------------------------------


def gates(rows, order):
    """Rows of a recurrent weight, its gates put into PyTorch's order."""
    parts = np.split(rows, len(order))
    return np.concatenate([parts[i] for i in order])


def load_into(net, path):
    """Give each weight of the file to the module that its node is named after; batch norm is folded into Conv there, and becomes nothing here."""
    graph = onnx.load(path).graph
    weights = {w.name: numpy_helper.to_array(w) for w in graph.initializer}
    state = {n: torch.from_numpy(w.copy()) for n, w in weights.items() if not n.startswith("onnx::")}
    for node in graph.node:
        parts = node.output[0].split("/")[1:-1]  # net, net.2, net.2.0 with or without encoder; a1, q; out, out.0; gate
        given = [weights[i] for i in node.input if i.startswith("onnx::") and i in weights]
        if node.op_type == "Conv":
            prefix = "encoder." if parts[0] == "encoder" else ""
            state[f"{prefix}{parts[-1]}.weight"], state[f"{prefix}{parts[-1]}.bias"] = (torch.from_numpy(w.copy()) for w in given)
        elif node.op_type == "MatMul" and given:
            owner = parts[-1] if "." in parts[-1] else ".".join(parts)
            state[f"{owner}.weight"] = torch.from_numpy(given[0].T.copy())
        elif node.op_type in ("LSTM", "GRU"):
            # ONNX: i o f c and z r h; PyTorch: i f g o and r z n
            order = [0, 2, 3, 1] if node.op_type == "LSTM" else [1, 0, 2]
            if node.op_type == "GRU":
                assert next(a.i for a in node.attribute if a.name == "linear_before_reset") == 1
            w, r, b = (g[0] for g in given)
            bw, br = np.split(b, 2)
            for name, rows in (("weight_ih_l0", w), ("weight_hh_l0", r), ("bias_ih_l0", bw), ("bias_hh_l0", br)):
                state[f"rnn.{name}"] = torch.from_numpy(gates(rows, order))
    for module in net.modules():
        if isinstance(module, torch.nn.Sequential):
            for i, child in enumerate(module):
                if isinstance(child, torch.nn.BatchNorm2d):
                    old = module[i - 1]
                    module[i - 1] = torch.nn.Conv2d(old.in_channels, old.out_channels, old.kernel_size, old.stride, old.padding)
                    module[i] = torch.nn.Identity()
    net.load_state_dict(state)  # strict: a weight that is missing or left over is an error
    return net.eval()


def feed(path, **values):
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {k: v.numpy() for k, v in values.items()})[0]


def networks(models, x, caption_ids, question_ids):
    """Encoder, decoder and question answerer, and how far their outputs lie from ONNX Runtime's."""
    at = lambda *parts: os.path.join(models, *parts)
    paths = at("shapes-captioner/onnx/encoder_model.onnx"), at("shapes-captioner/onnx/decoder_model.onnx"), at("shapes-vqa/onnx/model.onnx")
    encoder, decoder, vqa = (load_into(net(), path) for net, path in zip((Encoder, Decoder, VQA), paths))
    with torch.no_grad():
        grid = encoder(x)
        pairs = {
            "encoder": (grid, feed(paths[0], pixel_values=x)),
            "decoder": (decoder(caption_ids, grid), feed(paths[1], input_ids=caption_ids, encoder_hidden_states=grid)),
            "vqa": (vqa(x, question_ids), feed(paths[2], pixel_values=x, input_ids=question_ids)),
        }
    apart = {name: float(np.abs(ours.numpy() - theirs).max()) for name, (ours, theirs) in pairs.items()}
    assert max(apart.values()) < 1e-4, apart
    return encoder, decoder, vqa, apart


# --- captions -------------------------------------------------------------------------------------------------------------------------------------


def greedy(decoder, grid):
    ids = [W["<bos>"]]
    with torch.no_grad():
        while len(ids) <= T_CAP and ids[-1] != W["<eos>"]:
            ids.append(int(decoder(torch.tensor([ids]), grid)[0, -1].argmax()))
    return ids[1:]


def words_of(ids):
    return " ".join(WORDS[i] for i in ids if WORDS[i] not in ("<bos>", "<eos>", "<pad>"))


class Generator(PreTrainedModel, GenerationMixin):
    """The decoder as Hugging Face's generate wants it; the grid comes with the encoder's keyword."""

    config_class = PretrainedConfig

    def __init__(self, decoder):
        super().__init__(PretrainedConfig(vocab_size=len(WORDS), num_hidden_layers=1))
        self.decoder = decoder
        self.generation_config = GenerationConfig(bos_token_id=W["<bos>"], eos_token_id=W["<eos>"], pad_token_id=W["<pad>"])

    def forward(self, input_ids, grid, **_):
        return CausalLMOutput(logits=self.decoder(input_ids, grid))

    def prepare_inputs_for_generation(self, input_ids, grid=None, **_):
        return {"input_ids": input_ids, "grid": grid}


def beams(generator, grid):
    with torch.no_grad():
        out = generator.generate(
            torch.tensor([[W["<bos>"]]]), grid=grid, num_beams=3, num_return_sequences=3, max_new_tokens=T_CAP, length_penalty=1.0,
            do_sample=False, use_cache=False, return_dict_in_generate=True, output_scores=True,
        )  # fmt: skip
    found = []
    for ids, score in zip(out.sequences.tolist(), out.sequences_scores.tolist()):
        ids = ids[1:]
        ids = ids[: ids.index(W["<eos>"]) + 1] if W["<eos>"] in ids else ids
        with torch.no_grad():
            p = generator.decoder(torch.tensor([[W["<bos>"], *ids[:-1]]]), grid).log_softmax(-1)[0]
        plain = float(p[range(len(ids)), ids].sum()) / len(ids)
        assert abs(plain - score) < 1e-4, (plain, score)
        found.append([words_of(ids), round(score, 6)])
    return found


# --- explanations ---------------------------------------------------------------------------------------------------------------------------------


class Kept:
    """Arrays on their way to a .npy file, each divided by its largest magnitude."""

    def __init__(self):
        self.arrays = []

    def add(self, key, array):
        scale = float(np.abs(array).max())
        self.arrays.append((array / scale).astype(np.float16))
        return {key: len(self.arrays) - 1, "scale": float(f"{scale:.7g}")}


class Watched(torch.nn.Module):
    """The encoder whose last feature map [N,96,12,12] is kept."""

    def __init__(self, encoder):
        super().__init__()
        encoder.net.register_forward_hook(lambda _m, _i, out: setattr(self, "features", out))
        self.encoder = encoder

    def forward(self, x):
        return self.encoder(x)


def cams(score, features):
    """Grad-CAM, HiResCAM and LayerCAM before the ReLU, [12,12] each."""
    (g,) = torch.autograd.grad(score, features, retain_graph=True)
    a = features.detach()
    weights = {"grad-cam": g.mean((2, 3), keepdim=True), "hires-cam": g, "layer-cam": g.relu()}
    return {name: (w * a).sum(1)[0].numpy() for name, w in weights.items()}


def embedding_times_gradient(score, embedded):
    (g,) = torch.autograd.grad(score, embedded, retain_graph=True)
    return [float(f"{v:.6g}") for v in (g * embedded).sum(-1)[0].tolist()]


def embedded_of(net):
    seen = {}
    net.embed.register_forward_hook(lambda _m, _i, out: seen.update(e=out.requires_grad_()) or out)
    return seen


def points_at(raw, box):
    up = F.interpolate(torch.from_numpy(raw)[None, None], (SIDE, SIDE), mode="bilinear", align_corners=False)[0, 0].numpy()
    y, x = np.unravel_index(up.argmax(), up.shape)
    return bool(box[0] <= x <= box[2] and box[1] <= y <= box[3])


def share(box):
    return (box[2] - box[0] + 1) * (box[3] - box[1] + 1) / SIDE**2


def about(question, answer, things):
    """Which of the things a question is about, as its answer is the right one; None where it is about none of them or all."""
    words = question.split()
    named = (
        {"color": words[-2], "shape": words[-2], "is": answer}.get(words[1])
        if words[0] == "what"
        else words[-2]
        if words[:2] == ["is", "there"]
        else None
    )
    return next((i for i, t in enumerate(things) if named in (t["shape"], t["color"])), None)


def pointing(entries):
    counted = [(e["hit"], s["things"][e["thing"]]["box"]) for e, s in entries if e["thing"] is not None]
    mean = lambda values: round(float(np.mean(list(values))), 4)
    hits = {name: mean(hit[name] for hit, _ in counted) for name in counted[0][0]}
    return {"count": len(counted), "hits": hits, "chance": mean(share(box) for _, box in counted)}


def explained(given, number, watched, decoder, vqa, fed, asked, generator, maps, gradients):
    """The entry of one scene; `number` tells what is kept of it."""
    x = torch.from_numpy(pixels(given["picture"]))[None].requires_grad_()
    things, entry = given["things"], {"name": given["name"]}

    def with_map(score, features):
        raw = cams(score, features)
        return {"score": float(f"{score.item():.7g}"), **maps.add("map", raw["grad-cam"])}, raw

    def with_pixels(score):
        if number >= WITH_PIXELS:
            return {}
        (g,) = torch.autograd.grad(score, x, retain_graph=True)
        return {"pixels": gradients.add("number", g[0].numpy())}

    def judged(raw, thing):
        return {"thing": thing, "hit": None if thing is None else {name: points_at(m, things[thing]["box"]) for name, m in raw.items()}}

    grid = watched(x)
    features = watched.features
    ids = greedy(decoder, grid.detach())
    logits = decoder(torch.tensor([[W["<bos>"], *ids[:-1]]]), grid)[0]
    logs = logits.log_softmax(-1)[range(len(ids)), ids]
    entry.update(caption=words_of(ids), ids=ids, logProbabilities=[float(f"{v:.6g}") for v in logs.tolist()])
    entry["whole"] = {**with_map(logs.sum(), features)[0], **with_pixels(logs.sum())}
    if number < FEW:
        entry["open"] = with_map(logs[:-1].sum(), features)[0]
    entry["words"] = []
    for position, i in enumerate(ids):
        if WORDS[i] not in SHAPES:
            continue
        score = logits[position, i]
        found, raw = with_map(score, features)
        word = {
            "position": position,
            "word": WORDS[i],
            **found,
            **judged(raw, next((k for k, t in enumerate(things) if t["shape"] == WORDS[i]), None)),
        }
        if number < FEW:
            word["log"] = with_map(logs[position], features)[0]
            word["embedding"] = embedding_times_gradient(score, fed["e"])
        if not entry["words"]:
            word.update(with_pixels(score))
        entry["words"].append(word)
    if number < BEAMED:
        entry["beams"] = beams(generator, grid.detach())

    entry["answers"] = []
    for question, truth in dict((q["question"], q["answer"]) for q in given["questions"]).items():
        logits = vqa(x, torch.tensor([pad_left([Q[w] for w in question.split()], T_Q)]))[0]
        best = int(logits.argmax())
        found, raw = with_map(logits[best], vqa.watched.features)
        right = ANSWERS[best] == truth
        entry["answers"].append(
            {
                "question": question,
                "answer": ANSWERS[best],
                "probability": float(f"{logits.softmax(0)[best].item():.6g}"),
                "right": right,
                **found,
                **judged(raw, about(question, truth, things) if right else None),
                "embedding": embedding_times_gradient(logits[best], asked["e"]),
                **(with_pixels(logits[best]) if not entry["answers"] else {}),
            }
        )
    return entry


# --- scenes ---------------------------------------------------------------------------------------------------------------------------------------


def drawn():
    for seed in range(FIRST, FIRST + SCENES):
        picture, things = scene(seed)
        asked = [dict(question=" ".join(w), answer=r) for w, r in questions(things, random.Random(seed))]
        yield dict(
            name=seed,
            picture=picture,
            things=things,
            caption=" ".join(caption(things)),
            questions=[q for i, q in enumerate(asked) if q not in asked[:i]],
        )


def examples(models):
    folder = os.path.join(models, "shapes-captioner/examples")
    with open(os.path.join(folder, "truth.json")) as file:
        truth = json.load(file)
    for name, given in truth.items():
        yield dict(name=name, picture=Image.open(os.path.join(folder, name)).convert("RGB"), **given)


def save_mosaic(scenes, path):
    mosaic = Image.new("RGB", (COLUMNS * SIDE, len(scenes) // COLUMNS * SIDE))
    for i, s in enumerate(scenes):
        mosaic.paste(s["picture"], (i % COLUMNS * SIDE, i // COLUMNS * SIDE))
    mosaic.save(path, lossless=True, quality=100, method=6, exact=True)
    assert np.array_equal(np.asarray(Image.open(path).convert("RGB")), np.asarray(mosaic)), "the mosaic is not lossless"
    print(f"{path}: {os.path.getsize(path) / 1e6:.2f} MB, decodes to the same pixels")


def dump(value, path):
    with open(path, "w") as file:
        json.dump(value, file, separators=(",", ":"))
        file.write("\n")


def main(models, out):
    os.makedirs(out, exist_ok=True)
    torch.manual_seed(0)
    shipped, new = list(examples(models)), list(drawn())
    save_mosaic(new, os.path.join(out, "scenes.webp"))
    dump([{"seed": s["name"], **{k: s[k] for k in ("things", "caption", "questions")}} for s in new], os.path.join(out, "truth.json"))

    scenes = shipped + new
    x = torch.from_numpy(np.stack([pixels(s["picture"]) for s in shipped]))
    tell = torch.tensor([[W["<bos>"], *(W[w] for w in "a small red circle left of a large".split())]] * len(shipped))
    ask = torch.tensor([pad_left([Q[w] for w in s["questions"][1]["question"].split()], T_Q) for s in shipped])
    encoder, decoder, vqa, apart = networks(models, x, tell, ask)
    fed, asked, generator = embedded_of(decoder), embedded_of(vqa), Generator(decoder)
    watched = Watched(encoder)
    vqa.watched = Watched(vqa.encoder)
    vqa.encoder = vqa.watched
    for net in (encoder, decoder, vqa):
        net.requires_grad_(False)

    maps, gradients = Kept(), Kept()
    entries = [explained(s, i, watched, decoder, vqa, fed, asked, generator, maps, gradients) for i, s in enumerate(scenes)]
    pairs = list(zip(entries, scenes))
    summary = {kind: pointing([(e, s) for entry, s in pairs for e in entry[kind]]) for kind in ("words", "answers")}
    summary["captions"] = {"exact": round(float(np.mean([e["caption"] == s["caption"] for e, s in pairs])), 4)}
    answers = [a["right"] for e in entries for a in e["answers"]]
    summary["questions"] = {"count": len(answers), "right": round(float(np.mean(answers)), 4)}
    np.save(os.path.join(out, "maps.npy"), np.stack(maps.arrays))
    np.save(os.path.join(out, "pixel-gradients.npy"), np.stack(gradients.arrays))
    dump({"apart": apart, "pointing": summary, "scenes": entries}, os.path.join(out, "references.json"))
    print("largest difference from ONNX Runtime", apart, "|", json.dumps(summary), "|", len(maps.arrays), "maps", len(gradients.arrays), "gradients")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
