"""Networks whose layers are tokens or channels-last maps, with Grad-CAM by pytorch-grad-cam, to compare ours with.

    python scripts/token_fixtures.py OUT [NAME ...] [--exporter ts|dynamo] [--opset N] [--picture FILE] [--list]
    python scripts/token_fixtures.py OUT --small          the small ones of test/fixtures/tokens

For each NAME writes OUT/NAME/model.onnx (`input` float32 [N,3,H,W], `output`), input.npy (the preprocessed picture [1,3,H,W]),
maps.npy (float32 [targets,h,w]: the weighted sum before the ReLU) and meta.json (targets, module, grid). `--small` writes
OUT/NAME.onnx, OUT/NAME.npy (the maps), and for all of them OUT/input.npy (float32 [1,3,32,24]) and OUT/tokens.json (targets, grid, tokens
before and behind the places).

Weights are random (seed 0). Nothing is downloaded. The module and the reshape_transform are what pytorch-grad-cam's documentation
advises: the last block's first norm where a class token is read, else the last map before the pooling. Needs torch, torchvision,
timm, grad-cam, onnx, onnxscript, onnxruntime, Pillow and NumPy.
"""
import argparse
import json
import os
import traceback
import warnings

warnings.filterwarnings("ignore")
import numpy as np
import onnx
import onnxruntime as ort
import torch
import torchvision
from PIL import Image
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

TARGETS = 2


def tv(name):
    return lambda: torchvision.models.get_model(name, weights=None)


def timm_model(name, **options):
    def build():
        import timm

        return timm.create_model(name, pretrained=False, exportable=True, **{"num_classes": 1000, **options})

    return build


def vit(**options):
    """A small VisionTransformer."""
    def build():
        from timm.models.vision_transformer import VisionTransformer

        base = dict(img_size=64, patch_size=16, embed_dim=48, depth=3, num_heads=3, num_classes=10)
        return VisionTransformer(**{**base, **options})

    return build


class SequenceFirst(torch.nn.Module):
    """Tokens as [T,N,C], the class token at their end; attention of torch.nn.MultiheadAttention."""

    def __init__(self, size=16, classes=10):
        super().__init__()
        self.embed = torch.nn.Conv2d(3, size, 8, 8)
        self.token = torch.nn.Parameter(torch.zeros(1, 1, size))
        layer = lambda: torch.nn.TransformerEncoderLayer(size, 2, 2 * size, 0.0, "gelu", batch_first=False, norm_first=True)
        self.blocks = torch.nn.ModuleList([layer(), layer()])
        self.norm = torch.nn.LayerNorm(size)
        self.head = torch.nn.Linear(size, classes)

    def forward(self, x):
        x = self.embed(x).flatten(2).permute(2, 0, 1)
        x = torch.cat([x, self.token.expand(-1, x.shape[1], -1)])
        for block in self.blocks:
            x = x + block._sa_block(block.norm1(x), None, None)
            x = x + block._ff_block(block.norm2(x))
        return self.head(self.norm(x[-1]))


def small_vit(cls="VisionTransformer", **options):
    def build():
        import timm.models.deit
        import timm.models.vision_transformer as vt

        module = timm.models.deit if "Distilled" in cls else vt
        base = dict(img_size=SMALL, patch_size=8, embed_dim=16, depth=2, num_heads=2, num_classes=10)
        return getattr(module, cls)(**{**base, **options})

    return build


def small_mixer():
    from timm.models.mlp_mixer import MlpMixer

    return MlpMixer(img_size=SMALL, patch_size=8, embed_dim=16, num_blocks=2, num_classes=10)


def small_swin():
    return torchvision.models.SwinTransformer([2, 2], 8, [2, 1], [1, 2], [4, 4], stochastic_depth_prob=0.0, num_classes=10)


def small_convnext():
    from torchvision.models.convnext import CNBlockConfig, ConvNeXt

    return ConvNeXt([CNBlockConfig(8, 16, 1), CNBlockConfig(16, None, 1)], num_classes=10)


SMALL = (32, 24)

LAST_NORM1 = "blocks.-1.norm1"

# name -> (builder, (height, width), module, how its output becomes [N,K,h,w]); the last is the number of tokens before the places,
# or `last` for channels-last, or `first` for channels-first
NETWORKS = {
    "vit_b_16": (tv("vit_b_16"), (224, 224), "encoder.layers.encoder_layer_11.ln_1", 1),
    "deit_tiny": (timm_model("deit_tiny_patch16_224"), (224, 224), LAST_NORM1, 1),
    "deit_tiny_distilled": (timm_model("deit_tiny_distilled_patch16_224"), (224, 224), LAST_NORM1, 2),
    "swin_t": (tv("swin_t"), (224, 224), "norm", "last"),
    "timm_swin_tiny": (timm_model("swin_tiny_patch4_window7_224"), (224, 224), "norm", "last"),
    "swin_v2_t": (tv("swin_v2_t"), (256, 256), "norm", "last"),
    "convnext_tiny": (tv("convnext_tiny"), (224, 224), "features.7.2", "first"),
    "timm_convnext_atto_ols": (timm_model("convnext_atto_ols"), (224, 224), "stages.-1.blocks.-1", "first"),
    "convnext_atto_conv_mlp": (timm_model("convnext_atto", conv_mlp=False), (224, 224), "stages.-1.blocks.-1", "first"),
    "dinov2_reg4": (timm_model("vit_small_patch14_reg4_dinov2", img_size=112), (112, 112), LAST_NORM1, 5),
    "vit_rectangular": (timm_model("vit_tiny_patch16_224", img_size=(224, 160)), (224, 160), LAST_NORM1, 1),
    "vit_mean": (timm_model("vit_tiny_patch16_224", global_pool="avg", class_token=False, fc_norm=False), (224, 224), "norm", 0),
    "vit_mean_reg4": (timm_model("vit_medium_patch16_reg4_gap_256", img_size=(128, 160)), (128, 160), "blocks.-1", 4),
    "mixer_s32": (timm_model("mixer_s32_224"), (224, 224), "norm", 0),
    "resmlp_12": (timm_model("resmlp_12_224"), (224, 224), "norm", 0),
    "gmlp_s16": (timm_model("gmlp_s16_224"), (224, 224), "norm", 0),
    "clip_tower": (vit(pre_norm=True, img_size=224), (224, 224), LAST_NORM1, 1),
    "clip_b16_quickgelu": (timm_model("vit_base_patch16_clip_quickgelu_224"), (224, 224), LAST_NORM1, 1),
    "siglip": (timm_model("vit_base_patch16_siglip_224", depth=4), (224, 224), "norm", 0),
    "maxvit_t": (tv("maxvit_t"), (224, 224), "blocks.-1", "first"),
    "timm_maxvit_tiny": (timm_model("maxvit_tiny_rw_224"), (224, 224), "norm", "first"),
    "fastvit_t8": (timm_model("fastvit_t8"), (256, 256), "final_conv", "first"),
    "cait_xxs24": (timm_model("cait_xxs24_224"), (224, 224), None, 0),
    "beit_base": (timm_model("beit_base_patch16_224", depth=4), (224, 224), None, 1),
    "eva02_tiny": (timm_model("eva02_tiny_patch14_224", depth=4), (224, 224), None, 1),
    "xcit_nano": (timm_model("xcit_nano_12_p16_224"), (224, 224), None, 0),
    "pvt_v2_b0": (timm_model("pvt_v2_b0"), (224, 224), None, "first"),
    "pit_ti": (timm_model("pit_ti_224"), (224, 224), None, 1),
    "levit_128s": (timm_model("levit_128s"), (224, 224), None, 0),
    "nest_tiny": (timm_model("nest_tiny"), (224, 224), "norm", "last"),
    "poolformer_s12": (timm_model("poolformer_s12"), (224, 224), None, "first"),
    "edgenext_xxs": (timm_model("edgenext_xx_small"), (256, 256), None, "first"),
    "coat_tiny": (timm_model("coat_tiny"), (224, 224), None, 1),
    "hiera_tiny": (timm_model("hiera_tiny_224"), (224, 224), None, 0),
    "mvitv2_tiny": (timm_model("mvitv2_tiny"), (224, 224), "norm", 0),
    "davit_tiny": (timm_model("davit_tiny"), (224, 224), None, "first"),
    "volo_d1": (timm_model("volo_d1_224"), (224, 224), None, 1),
    "twins_svt_small": (timm_model("twins_svt_small"), (224, 224), "norm", 0),
    "efficientformer_l1": (timm_model("efficientformer_l1"), (224, 224), "norm", 0),
    "gcvit_xxtiny": (timm_model("gcvit_xxtiny"), (224, 224), None, "first"),
    "mobilevit_xxs": (timm_model("mobilevit_xxs"), (256, 256), "final_conv", "first"),
    "mobilevitv2_050": (timm_model("mobilevitv2_050"), (256, 256), None, "first"),
    "tnt_s": (timm_model("tnt_s_legacy_patch16_224"), (224, 224), None, 1),
    "crossvit_9": (timm_model("crossvit_9_240"), (240, 240), None, 1),
    "visformer_tiny": (timm_model("visformer_tiny"), (224, 224), None, "first"),
    "convit_tiny": (timm_model("convit_tiny"), (224, 224), None, 1),
    "botnet26t": (timm_model("botnet26t_256"), (256, 256), None, "first"),
}


# name -> (builder, exporter, opset, module, how); sizes are SMALL
SMALL_NETWORKS = {
    "registers": (small_vit(reg_tokens=4), "ts", 17, LAST_NORM1, 5),
    "distilled": (small_vit("VisionTransformerDistilled"), "dynamo", 18, LAST_NORM1, 2),
    "sequence-first": (SequenceFirst, "ts", 15, "blocks.-1.norm1", "sequence-first"),
    "mean": (small_vit(class_token=False, global_pool="avg", fc_norm=False), "dynamo", 20, "norm", 0),
    "mixer": (small_mixer, "ts", 13, "norm", 0),
    "swin": (small_swin, "dynamo", 18, "norm", "last"),
    "convnext": (small_convnext, "dynamo", 18, "features.-1.-1", "first"),
}


def find(model, path):
    for part in path.split("."):
        model = model[int(part)] if part.lstrip("-").isdigit() else getattr(model, part)
    return model


def transform(how, grid):
    """What pytorch-grad-cam calls a reshape_transform: any feature map to [N,K,h,w]."""
    if how == "first":
        return None
    if how == "last":
        return lambda x: x.permute(0, 3, 1, 2)
    if how == "sequence-first":
        return lambda x: x[:grid[0] * grid[1]].reshape(*grid, x.shape[1], -1).permute(2, 3, 0, 1)
    return lambda x: x[:, how:how + grid[0] * grid[1]].reshape(x.shape[0], *grid, -1).permute(0, 3, 1, 2)


def randomise(model):
    """Layer scales, class tokens and heads start near zero, which would hide a wrong branch; batch norm gets statistics."""
    for name, p in model.named_parameters():
        if name.endswith(("gamma", "gamma_1", "gamma_2", "layer_scale", "ls1", "ls2")) and p.numel() > 1 and p.abs().max() < 1e-3:
            p.data.uniform_(0.2, 1.0)
        elif p.numel() > 1 and not p.abs().max() and "bias" not in name:
            p.data.normal_(std=0.02)
        elif name.endswith(("cls_token", "dist_token", "reg_token", "class_token")):
            p.data.normal_(std=0.5)


def calibrate(model, x):
    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    model.train()
    for m in norms:
        m.reset_running_stats()
        m.momentum = None
    with torch.no_grad():
        for _ in range(2):
            model(torch.cat([x, x.flip(3), torch.randn_like(x)]))


def reference(model, x, module, how):
    """Raw Grad-CAM maps [targets,h,w] of the best answers, and the answers."""
    layer = find(model, module)
    shape = {}
    handle = layer.register_forward_hook(lambda _m, _i, o: shape.update(dims=tuple(o.shape)))
    with torch.no_grad():
        logits = model(x)[0]
    handle.remove()
    targets = [int(i) for i in logits.argsort(descending=True)[:TARGETS]]
    dims = shape["dims"]
    if how in ("first", "last"):
        grid = dims[2:4] if how == "first" else dims[1:3]
    elif how == "sequence-first":
        grid = (x.shape[2] // 8, x.shape[3] // 8)
    else:
        count, (h, w) = dims[1] - how, x.shape[2:]
        step = round((h * w / count) ** 0.5)
        grid = (h // step, w // step)
        assert grid[0] * grid[1] == count, (dims, grid)
    maps = []
    for target in targets:
        cam = GradCAM(model, [layer], reshape_transform=transform(how, grid))
        wanted = [ClassifierOutputTarget(target)]
        model.zero_grad()
        out = cam.activations_and_grads(x)
        wanted[0](out[0]).backward()
        a, g = cam.activations_and_grads.activations[0].numpy(), cam.activations_and_grads.gradients[0].numpy()
        maps.append(cam.get_cam_image(x, layer, wanted, a, g)[0])
        cam.activations_and_grads.release()
    return np.stack(maps).astype(np.float32), targets, [int(d) for d in grid]


def export(model, x, path, exporter, opset, dynamic=None):
    options = dict(input_names=["input"], output_names=["output"], opset_version=opset)
    if exporter == "ts":
        axes = dynamic or {"input": {0: "batch"}, "output": {0: "batch"}}
        torch.onnx.export(model, (x,), path, dynamo=False, dynamic_axes=axes, **options)
    else:
        torch.onnx.export(model, (x,), path, dynamo=True, external_data=False, verbose=False, **options)


def strip(path):
    """Without the exporter's notes: stack traces, module names."""
    model = onnx.load(path)
    for owner in [model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info]:
        del owner.metadata_props[:]
        owner.doc_string = ""
    del model.graph.value_info[:]
    onnx.save(model, path)


def picture(path, height, width):
    return np.asarray(Image.open(path).convert("RGB").resize((width, height), Image.BICUBIC)).transpose(2, 0, 1)


def one(name, a):
    build, (h, w), module, how = NETWORKS[name]
    torch.manual_seed(0)
    model = build()
    pixels = picture(a.picture, h, w)
    x = (torch.from_numpy(pixels.astype(np.float32)) / 255 - 0.45)[None] / 0.225
    randomise(model)
    calibrate(model, x)
    model.eval()
    folder = os.path.join(a.out, name)
    os.makedirs(folder, exist_ok=True)
    np.save(folder + "/input.npy", x.numpy())
    meta = dict(name=name, exporter=a.exporter, opset=a.opset, module=module)
    if module:
        maps, targets, grid = reference(model, x, module, how)
        np.save(folder + "/maps.npy", maps)
        meta.update(targets=targets, grid=grid)
    export(model, x, folder + "/model.onnx", a.exporter, a.opset)
    with torch.no_grad():
        want = model(x).numpy()
    got = ort.InferenceSession(folder + "/model.onnx").run(["output"], {"input": x.numpy()})[0]
    meta["logits"] = float(np.linalg.norm(got - want) / np.linalg.norm(want))
    json.dump(meta, open(folder + "/meta.json", "w"), indent=1)
    print(f"{name}: {meta}", flush=True)


def small(a):
    pixels = picture(a.picture, *SMALL)
    x = (torch.from_numpy(pixels.astype(np.float32)) / 255 - 0.45)[None] / 0.225
    os.makedirs(a.out, exist_ok=True)
    np.save(a.out + "/input.npy", x.numpy())
    networks = []
    for name, (build, exporter, opset, module, how) in SMALL_NETWORKS.items():
        torch.manual_seed(0)
        model = build()
        randomise(model)
        for p in model.parameters():  # linear layers small enough to leave every map blank otherwise
            if p.dim() > 1:
                p.data *= 3
        model.eval()
        maps, targets, grid = reference(model, x, module, how)
        np.save(f"{a.out}/{name}.npy", maps)
        path = f"{a.out}/{name}.onnx"
        export(model, x, path, exporter, opset)
        strip(path)
        with torch.no_grad():
            want = model(x).numpy()
        got = ort.InferenceSession(path).run(["output"], {"input": x.numpy()})[0]
        assert np.linalg.norm(got - want) <= 1e-4 * np.linalg.norm(want), name
        before = how if isinstance(how, int) else 0
        after = 1 if how == "sequence-first" else 0
        networks.append(dict(name=name, exporter=exporter, opset=opset, targets=targets, grid=grid, before=before, after=after))
        print(name, os.path.getsize(path), np.abs(maps).max(), flush=True)
    json.dump(networks, open(a.out + "/tokens.json", "w"), indent=1)


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("name", nargs="*")
    p.add_argument("--exporter", choices=["ts", "dynamo"], default="ts")
    p.add_argument("--opset", type=int, default=17)
    p.add_argument("--picture", default="examples/cat-and-coffee.jpg")
    p.add_argument("--list", action="store_true")
    p.add_argument("--small", action="store_true")
    a = p.parse_args()
    if a.small:
        small(a)
        raise SystemExit
    for name in a.name or NETWORKS:
        if a.list:
            print(name)
            continue
        try:
            one(name, a)
        except Exception as e:
            traceback.print_exc(limit=-2)
            print(f"{name}: failed: {type(e).__name__}: {str(e)[:200]}", flush=True)
