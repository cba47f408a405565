"""Networks that answer a picture in words, with random weights: captioners and question answerers. See scripts/vision_language_networks.py."""

import torch
from target_store import Network, onnx_export, optimum_export, picture
from transformers import (
    BlipConfig, BlipForConditionalGeneration, BlipForQuestionAnswering, GPT2Config, ViltConfig, ViltForQuestionAnswering, VisionEncoderDecoderConfig,
    VisionEncoderDecoderModel, ViTConfig,
)  # fmt: skip


def livelier(module):
    """Weights by their fan-in and embeddings that differ: what transformers starts with (0.02) looks at all words and places alike."""
    for name, p in module.named_parameters():
        if p.dim() < 2:
            if name.endswith("bias"):
                p.data.normal_(std=0.1)
        elif "embed" in name and "projection" not in name or ".wte" in name or ".wpe" in name or "token" in name:
            p.data.normal_(std=0.5)
        elif p.dim() == 4:
            p.data.normal_(std=p[0].numel() ** -0.5)
        else:
            p.data.normal_(std=1.3 * min(p.shape) ** -0.5)
    return module.eval()


def told(logits, ids):
    """Log-probabilities of the words `ids` where row t of the logits tells word t; [T]."""
    return logits.log_softmax(-1)[0, range(len(ids)), ids]


def word_and_text(ids):
    """The targets of a caption that is fed as start, ids[:-1]: the logit of its second word, and the whole's log-likelihood."""
    return lambda o: [
        [{"kind": "word", "position": 1, "id": ids[1]}, o["logits"][0, 1, ids[1]]],
        [{"kind": "text", "ids": ids}, told(o["logits"], ids).sum()],
    ]


def vit_gpt2(small):
    """As nlpconnect/vit-gpt2-image-captioning: VisionEncoderDecoderModel of ViT and GPT-2 with cross-attention."""
    if small:
        vit = ViTConfig(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=48, image_size=[32, 48], patch_size=8)
        gpt = GPT2Config(n_embd=24, n_layer=1, n_head=3, vocab_size=40, n_positions=24, bos_token_id=1, eos_token_id=2, pad_token_id=0)
    else:
        vit = ViTConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=6, intermediate_size=1536)
        gpt = GPT2Config(n_embd=384, n_layer=4, n_head=6)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(vit, gpt)
    config.decoder_start_token_id, config.pad_token_id, config.eos_token_id = gpt.bos_token_id, gpt.eos_token_id, gpt.eos_token_id
    model = livelier(VisionEncoderDecoderModel(config=config))
    ids = [7, 21, 5, 30, 2] if small else [64, 3797, 290, 257, 50256]

    def forward(pixel_values, input_ids):
        hidden = model.encoder(pixel_values).last_hidden_state
        states = model.enc_to_dec_proj(hidden) if hasattr(model, "enc_to_dec_proj") else hidden
        return {"last_hidden_state": hidden, "logits": model.decoder(input_ids=input_ids, encoder_hidden_states=states).logits}

    return Network(
        model,
        {"pixel_values": picture(32, 48) if small else picture(224, 224), "input_ids": torch.tensor([[gpt.bos_token_id, *ids[:-1]]])},
        forward,
        word_and_text(ids),
        "logits",
        lambda folder: optimum_export(model, folder, "image-to-text-with-past"),
        model.encoder.encoder.layer[-1].layernorm_before,
        [["encoder_model.onnx", {}], ["decoder_model.onnx", {"encoder_hidden_states": "last_hidden_state"}],
         ["decoder_model_merged.onnx", {"encoder_hidden_states": "last_hidden_state"}]],
        "" if small else "reduced: ViT of width 384 and 6 layers, GPT-2 of width 384 and 4 layers with its own vocabulary",
    )  # fmt: skip


def blip_config(small):
    if small:
        config = BlipConfig(
            text_config=dict(vocab_size=40, hidden_size=24, encoder_hidden_size=24, intermediate_size=48, num_hidden_layers=1, num_attention_heads=3, max_position_embeddings=16, bos_token_id=1, sep_token_id=2, eos_token_id=2, pad_token_id=0),
            vision_config=dict(hidden_size=24, intermediate_size=48, num_hidden_layers=2, num_attention_heads=3, image_size=48, patch_size=16),
        )  # fmt: skip
    else:
        config = BlipConfig(text_config=dict(num_hidden_layers=3, encoder_hidden_size=768), vision_config=dict(num_hidden_layers=4, image_size=384))
    return config


class BlipCaption(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixel_values, input_ids, attention_mask):
        hidden = self.model.vision_model(pixel_values)[0]
        return self.model.text_decoder(input_ids, attention_mask=attention_mask, encoder_hidden_states=hidden, return_dict=False)[0]


def blip_caption(small):
    """BLIP's captioner in one file: picture and the words so far to the logits of the next words."""
    config = blip_config(small)
    net = BlipCaption(livelier(BlipForConditionalGeneration(config)))
    ids = [7, 21, 5, 30, 2] if small else [1037, 4937, 1998, 4157, 102]
    words = torch.tensor([[config.text_config.bos_token_id, *ids[:-1]]])
    side = config.vision_config.image_size
    names = ["pixel_values", "input_ids", "attention_mask"]
    free = {
        "input_ids": {0: "batch", 1: "length"},
        "attention_mask": {0: "batch", 1: "length"},
        "pixel_values": {0: "batch"},
        "logits": {0: "batch", 1: "length"},
    }
    inputs = dict(zip(names, (picture(side, side), words, torch.ones_like(words))))
    return Network(
        net, inputs, lambda **i: {"logits": net(**i)}, word_and_text(ids), "logits",
        lambda folder: onnx_export(net, tuple(inputs.values()), f"{folder}/model.onnx", names, ["logits"], free),
        net.model.vision_model.encoder.layers[-1].layer_norm1, note="" if small else "reduced: 4 of 12 layers of the vision part, 3 of 12 of the text part",
    )  # fmt: skip


class BlipAnswer(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixel_values, input_ids, attention_mask, decoder_input_ids):
        m = self.model
        hidden = m.vision_model(pixel_values)[0]
        asked = m.text_encoder(input_ids, attention_mask=attention_mask, encoder_hidden_states=hidden, return_dict=False)[0]
        return m.text_decoder(decoder_input_ids, encoder_hidden_states=asked, encoder_attention_mask=attention_mask, return_dict=False)[0]


def blip_vqa(small):
    """BLIP's question answerer in one file: picture, question and the answer's words so far to the logits of the next ones."""
    config = blip_config(small)
    net = BlipAnswer(livelier(BlipForQuestionAnswering(config)))
    ids = [9, 2] if small else [2417, 102]
    asked = torch.tensor([[3, 11, 25, 8, 6, 2] if small else [101, 2054, 3609, 2003, 2009, 102]])
    start = torch.tensor([[config.text_config.bos_token_id, ids[0]]])
    side = config.vision_config.image_size
    names = ["pixel_values", "input_ids", "attention_mask", "decoder_input_ids"]
    free = {n: {0: "batch", 1: "length"} for n in names[1:3]}
    free.update(pixel_values={0: "batch"}, decoder_input_ids={0: "batch", 1: "answer_length"}, logits={0: "batch", 1: "answer_length"})
    inputs = dict(zip(names, (picture(side, side), asked, torch.ones_like(asked), start)))
    return Network(
        net, inputs, lambda **i: {"logits": net(**i)}, word_and_text(ids), "logits",
        lambda folder: onnx_export(net, tuple(inputs.values()), f"{folder}/model.onnx", names, ["logits"], free),
        net.model.vision_model.encoder.layers[-1].layer_norm1, note="" if small else "reduced: 4 of 12 layers of the vision part, 3 of 12 of the text parts",
    )  # fmt: skip


class Vilt(torch.nn.Module):
    """ViLT with all patches of a whole picture in order (its own way of choosing patches draws them in an order by chance, which ONNX cannot)."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        model.vilt.embeddings.visual_embed = self.patches

    def patches(self, pixel_values, pixel_mask, max_image_length=200):
        e = self.model.vilt.embeddings
        x = e.patch_embeddings(pixel_values).flatten(2).transpose(1, 2)
        x = torch.cat([e.cls_token.expand(x.shape[0], -1, -1), x], 1) + e.position_embeddings
        return x, torch.ones(x.shape[:2], dtype=torch.long), None

    def forward(self, pixel_values, input_ids, attention_mask, token_type_ids):
        return self.model(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids, pixel_values=pixel_values, return_dict=False
        )[0]


def vilt_vqa(small):
    """ViLT's question answerer: one transformer over the words and the patches."""
    base = dict(
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=48,
        image_size=48,
        patch_size=16,
        vocab_size=40,
        max_position_embeddings=16,
    )
    config = ViltConfig(**(base if small else {"num_hidden_layers": 5}), num_labels=10 if small else 3129)
    net = Vilt(livelier(ViltForQuestionAnswering(config)))
    asked = torch.tensor([[3, 11, 25, 8, 6, 2] if small else [101, 2054, 3609, 2003, 2009, 102]])
    names = ["pixel_values", "input_ids", "attention_mask", "token_type_ids"]
    side = config.image_size
    inputs = dict(zip(names, (picture(side, side), asked, torch.ones_like(asked), torch.zeros_like(asked))))
    free = {n: {0: "batch", 1: "length"} for n in names[1:]}

    def targets(o):
        best = o["logits"][0].argsort(descending=True)[:2].tolist()
        return [[{"kind": "answer", "index": i}, o["logits"][0, i]] for i in best]

    return Network(
        net, inputs, lambda **i: {"logits": net(**i)}, targets, "logits",
        lambda folder: onnx_export(net, tuple(inputs.values()), f"{folder}/model.onnx", names, ["logits"], free),
        net.model.vilt.encoder.layer[-1].layernorm_before, note="" if small else "reduced: 5 of 12 layers",
    )  # fmt: skip


NETWORKS = {"vit-gpt2": vit_gpt2, "blip-caption": blip_caption, "blip-vqa": blip_vqa, "vilt-vqa": vilt_vqa}
