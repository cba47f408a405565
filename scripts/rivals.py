"""What a user would otherwise run, for `npm run bench`: PyTorch, pytorch-grad-cam and Captum on the same weights and picture (all on CPU).

    python rivals.py export FOLDER ARCH...     networks of torchvision with random weights: FOLDER/ARCH/{model.onnx, input.npy, output.npy,
                                               grad_input.npy, meta.json}, which scripts/check-networks.ts reads too
    python rivals.py serve FOLDER/ARCH         the same network: prints {"items": [...]}, then reads a line {"run": ITEM} at a time and
                                               prints {"ms": time}, or {"error": what}

With `serve shipped` the network is the shipped model. Weights are random (seed 0) and batch norms' statistics come from a few forward passes, so
that gradients neither vanish nor explode; the answer is held against output.npy before anything is timed. Needs torch, torchvision, onnx,
pytorch-grad-cam and captum; for the shipped model what scripts/reference_networks.py needs. Parameters are frozen where a gradient is taken of
the picture, which is the fastest way in eager PyTorch.
"""
import json
import os
import sys
import time
import warnings

warnings.filterwarnings("ignore")
import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
PICTURE = os.path.join(HERE, "..", "examples", "cat-and-coffee.jpg")

# the module at which Grad-CAM is usually taken
LAYERS = {
    "vgg16": "features.29", "squeezenet1_1": "features.12", "resnet18": "layer4", "resnet50": "layer4", "densenet121": "features.norm5",
    "mobilenet_v2": "features.18", "efficientnet_b0": "features.8", "vit_b_16": "encoder.layers.encoder_layer_11.ln_1",
}


def picture(size=224):
    from PIL import Image

    image = Image.open(PICTURE).convert("RGB").resize((size, size), Image.BICUBIC)
    x = torch.from_numpy(np.asarray(image).astype(np.float32) / 255).permute(2, 0, 1)[None]
    mean, std = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    return ((x - mean) / std).contiguous()


def network(arch):
    import torchvision

    torch.manual_seed(0)
    model = torchvision.models.get_model(arch, weights=None)
    x = picture()
    for p in model.parameters():
        if p.dim() > 1 and not p.abs().max():  # heads that start at zero
            p.data.normal_(std=0.02)
    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    if norms:
        model.train()
        for m in model.modules():
            if isinstance(m, (torch.nn.Dropout, torchvision.ops.StochasticDepth)):
                m.eval()
        for m in norms:
            m.reset_running_stats()
            m.momentum = None
        with torch.no_grad():
            for _ in range(2):
                model(torch.cat([x, x.flip(3), torch.randn_like(x), x.roll(40, 2)]))
        for m in norms:
            m.momentum = 0.1
    return model.eval(), x


def module(model, path):
    for part in path.split("."):
        model = model[int(part)] if part.isdigit() else getattr(model, part)
    return model


def export(folder, arch):
    model, x = network(arch)
    x.requires_grad_(True)
    y = model(x)
    target = int(y[0].argmax())
    y[0, target].backward()
    out = os.path.join(folder, arch)
    os.makedirs(out, exist_ok=True)
    for name, value in dict(input=x, output=y, grad_input=x.grad).items():
        np.save(os.path.join(out, name + ".npy"), value.detach().numpy())
    torch.onnx.export(
        model, (x.detach(),), os.path.join(out, "model.onnx"), dynamo=False, opset_version=17, input_names=["input"], output_names=["output"],
        dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}},
    )
    with open(os.path.join(out, "meta.json"), "w") as f:
        json.dump(dict(arch=arch, target=target, exporter="ts", opset=17, torch=torch.__version__), f)
    print(f"{arch}: {out}", flush=True)


def load(folder):
    if folder == "shipped":
        sys.path.insert(0, HERE)
        import reference_networks

        model = reference_networks.shipped()
        return model, torch.as_tensor(reference_networks.picture()), model.features
    with open(os.path.join(folder, "meta.json")) as f:
        arch = json.load(f)["arch"]
    model, x = network(arch)
    stored = np.load(os.path.join(folder, "output.npy"))
    with torch.no_grad():
        off = np.linalg.norm(model(x).numpy() - stored) / np.linalg.norm(stored)
    if off > 1e-3:
        raise SystemExit(f"{arch}: not the weights that were exported: the answer is off by {off:.1e}")
    layer = LAYERS.get(arch)
    return model, x, module(model, layer) if layer and arch != "vit_b_16" else None


def items(model, x, layer, target):
    from captum.attr import LayerGradCam, Saliency
    from pytorch_grad_cam import AblationCAM, GradCAM, ScoreCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    targets = [ClassifierOutputTarget(target)]

    def frozen(on):
        for p in model.parameters():
            p.requires_grad_(not on)

    def forward():
        with torch.no_grad():
            model(x)

    def gradient():
        inputs = x.clone().requires_grad_(True)
        model(inputs)[0, target].backward()

    def cam(kind):
        def run():
            with kind(model=model, target_layers=[layer]) as c:
                c.batch_size = 32
                c(x, targets)
        return run

    found = {
        "PyTorch forward": (True, forward),
        "PyTorch gradient": (True, gradient),
        "Captum gradient": (True, lambda: Saliency(model).attribute(x.clone().requires_grad_(True), target=target, abs=False)),
    }
    if layer is not None:
        found["pytorch-grad-cam grad-cam"] = (False, cam(GradCAM))
        found["Captum grad-cam"] = (False, lambda: LayerGradCam(model, layer).attribute(x, target=target))
        found["pytorch-grad-cam score-cam"] = (False, cam(ScoreCAM))
        found["pytorch-grad-cam ablation-cam"] = (False, cam(AblationCAM))
    return found, frozen


def serve(folder):
    torch.set_num_threads(os.cpu_count())
    # libraries print progress on standard output, which is for answers alone
    answers, sys.stdout = sys.stdout, sys.stderr
    model, x, layer = load(folder)
    model.eval()
    found, frozen = items(model, x, layer, 0)
    say = lambda value: print(json.dumps(value), file=answers, flush=True)
    say(dict(items=list(found), versions=dict(torch=torch.__version__, threads=torch.get_num_threads())))
    for line in sys.stdin:
        without_parameters, run = found[json.loads(line)["run"]]
        frozen(without_parameters)
        try:
            start = time.perf_counter()
            run()
            say(dict(ms=1e3 * (time.perf_counter() - start)))
        except Exception as error:
            say(dict(error=f"{type(error).__name__}: {error}"[:200]))


if __name__ == "__main__":
    command, *rest = sys.argv[1:] or ["help"]
    if command == "export" and len(rest) > 1:
        for name in rest[1:]:
            export(rest[0], name)
    elif command == "serve" and len(rest) == 1:
        serve(rest[0])
    else:
        raise SystemExit(__doc__)
