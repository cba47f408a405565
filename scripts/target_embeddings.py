"""Networks that put pictures and texts into one space, with random weights. See scripts/vision_language_networks.py."""

import json

import torch
import torch.nn.functional as F
from target_captioners import livelier
from target_store import Network, calibrate, onnx_export, optimum_export, picture
from transformers import CLIPConfig, CLIPModel


def clip_model(small):
    if small:
        text = dict(
            hidden_size=24,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=3,
            vocab_size=40,
            max_position_embeddings=16,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=0,
        )
        vision = dict(hidden_size=24, intermediate_size=48, num_hidden_layers=2, num_attention_heads=3, image_size=48, patch_size=16)
        return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=16))  # fmt: skip
    return CLIPModel(CLIPConfig(text_config=dict(num_hidden_layers=3), vision_config=dict(num_hidden_layers=4)))  # ViT-B/32 else


def prompts(small):
    """Three texts, the ends padded: ids and mask, [3,T]."""
    end, pad = (2, 0) if small else (49407, 49407)
    start = 1 if small else 49406
    rows = [[start, 7, 12, 33, end, pad], [start, 7, 21, end, pad, pad], [start, 9, 30, 18, 25, end]]
    ids = torch.tensor(rows)
    lengths = torch.tensor([5, 4, 6])
    return ids, (torch.arange(6)[None] < lengths[:, None]).long()


WORDS = """the small big on one two of a three four blue left red green right up down under star black ring dog near box of-the square white bird
yellow grey house in cat and tree with not""".split()
"""Numbers 3 to 39, so that the rows of `prompts` read: one four house; one star; of bird up near."""


def companions(folder, padded, cut):
    """A tokenizer.json of those words, with `<s>` and `</s>` around a text, and the preprocessing: what exporters keep beside the model."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = {w: i for i, w in enumerate(["<pad>", "<s>", "</s>", *WORDS])}
    words = Tokenizer(models.WordPiece(vocabulary, unk_token="<pad>"))
    words.normalizer = normalizers.Lowercase()
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    words.add_special_tokens(["<pad>", "<s>", "</s>"])
    if padded:
        words.enable_padding(length=padded, pad_id=0, pad_token="<pad>")
    if cut:
        words.enable_truncation(cut)
    words.save(f"{folder}/tokenizer.json", pretty=False)
    with open(f"{folder}/tokenizer_config.json", "w") as file:
        json.dump({"model_max_length": 16, "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}, file)
    preprocessor = {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": True,
        "size": {"shortest_edge": 48},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": 48, "width": 48},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }
    with open(f"{folder}/preprocessor_config.json", "w") as file:
        json.dump(preprocessor, file)
    return words


REDUCED = "reduced: ViT-B/32 with 4 of 12 layers of the vision part, 3 of 12 of the text part"


def clip(small):
    """CLIP in one file, as optimum writes it: logits_per_image, logits_per_text, text_embeds, image_embeds."""
    model = livelier(clip_model(small))
    ids, mask = prompts(small)
    side = model.config.vision_config.image_size

    def forward(**i):
        o = model(**i)
        return {k: o[k] for k in ("logits_per_image", "logits_per_text", "text_embeds", "image_embeds")}

    return Network(
        model, {"pixel_values": picture(side, side), "input_ids": ids, "attention_mask": mask}, forward,
        lambda o: [[{"kind": "similarity", "row": r}, o["logits_per_image"][0, r]] for r in (0, 2)], "logits_per_image",
        lambda folder: (optimum_export(model, folder, "zero-shot-image-classification"), small and companions(folder, None, None)) and None,
        model.vision_model.encoder.layers[-1].layer_norm1, note="" if small else REDUCED,
    )  # fmt: skip


class Tower(torch.nn.Module):
    def __init__(self, model, run):
        super().__init__()
        self.model, self.run = model, run

    def forward(self, *inputs):
        return self.run(*inputs)


def clip_two_files(small):
    """CLIP in two files, as transformers.js has it: vision_model.onnx gives image_embeds, text_model.onnx text_embeds, neither of length 1."""
    model = livelier(clip_model(small))
    ids, mask = prompts(small)
    side = model.config.vision_config.image_size
    x = picture(side, side)
    vision = lambda pixel_values: model.visual_projection(model.vision_model(pixel_values)[1])
    text = lambda input_ids, attention_mask: model.text_projection(model.text_model(input_ids, attention_mask)[1])

    def export(folder):
        onnx_export(
            Tower(model, vision),
            (x,),
            f"{folder}/vision_model.onnx",
            ["pixel_values"],
            ["image_embeds"],
            {"pixel_values": {0: "batch"}, "image_embeds": {0: "batch"}},
        )
        if small:
            companions(folder, 16, 8)
        free = {0: "batch", 1: "length"}
        return onnx_export(
            Tower(model, text),
            (ids, mask),
            f"{folder}/text_model.onnx",
            ["input_ids", "attention_mask"],
            ["text_embeds"],
            {"input_ids": free, "attention_mask": free, "text_embeds": {0: "batch"}},
        )

    def targets(o):
        cosines = F.cosine_similarity(o["image_embeds"], o["text_embeds"].detach())
        return [[{"kind": "similarity", "row": r}, cosines[r]] for r in (0, 2)]

    return Network(
        model, {"pixel_values": x, "input_ids": ids, "attention_mask": mask},
        lambda pixel_values, input_ids, attention_mask: {"text_embeds": text(input_ids, attention_mask), "image_embeds": vision(pixel_values)},
        targets, "image_embeds", export, model.vision_model.encoder.layers[-1].layer_norm1,
        [["text_model.onnx", {}], ["vision_model.onnx", {}]], "" if small else REDUCED,
    )  # fmt: skip


def clip_resnet(small):
    """CLIP's convolutional tower: a ResNet whose last map [N,C,h,w] is pooled by attention; its text is a vector."""
    import timm
    from timm.layers import AttentionPool2d

    side, width = (64, 24) if small else (224, 1024)
    if small:

        class Small(torch.nn.Module):
            def __init__(self):
                super().__init__()
                block = lambda i, o: torch.nn.Sequential(torch.nn.Conv2d(i, o, 3, 2, 1, bias=False), torch.nn.BatchNorm2d(o), torch.nn.ReLU())
                self.layer4 = torch.nn.Sequential(block(3, 12), block(12, 24), block(24, 32), torch.nn.Conv2d(32, 32, 3, 2, 1), torch.nn.ReLU())
                self.pool = AttentionPool2d(32, out_features=width, feat_size=4, num_heads=4, qkv_separate=True)

            def forward(self, x):
                return self.pool(self.layer4(x))

        model = Small().eval()
        layer = model.layer4
    else:
        model = timm.create_model("resnet50_clip", pretrained=False, exportable=True).eval()
        layer = model.stages[-1]
    x = picture(side, side)
    calibrate(model, lambda: model(x))
    text = torch.randn(2, width)

    def targets(o):
        return [[{"kind": "similarity", "row": r}, F.cosine_similarity(o["image_embeds"], o["text_embeds"])[r]] for r in (0, 1)]

    return Network(
        model, {"pixel_values": x}, lambda pixel_values: {"text_embeds": text, "image_embeds": model(pixel_values)}, targets, "image_embeds",
        lambda folder: onnx_export(model, (x,), f"{folder}/model.onnx", ["pixel_values"], ["image_embeds"], {"pixel_values": {0: "batch"}, "image_embeds": {0: "batch"}}),
        layer, note="output-text_embeds.npy stands for two texts",
    )  # fmt: skip


NETWORKS = {"clip": clip, "clip-two-files": clip_two_files, "clip-resnet": clip_resnet}
