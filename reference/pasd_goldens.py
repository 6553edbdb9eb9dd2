"""Golden tensors of the tiny ControlNet and PASD checkpoints: in double precision, from the weights as stored.

Everything has batch 2 (one row per prompt), as guidance feeds it; `sample` and `condition` are one picture for both.
Keys: `sample [1,4,8,12]`, `condition [1,3,64,96]` 0..1, `timestep [1]`, `encoder_hidden_states [2,77,32]`,
`conditioning_scale [1]`; `condition_embedding`; the ControlNet's `down_0` … `mid`, multiplied by the scale; PASD's
`prediction`; and of every pixel attention, under its published name, `.in`, `.residual` (an image, as the ControlNet gave it) and
`.out`. `rrdb.` + `condition`, `output` and the weights: a condition embedding with dense blocks.
"""

from pathlib import Path

import torch
from diffusers import ControlNetModel
from safetensors.torch import load_file, save_file
from torch import Tensor

from pasd import PasdConditionEmbedding, pasd_controlnet, pasd_unet
from tiny_pasd import CONTROLNET, UNET, reinitialise, scale_condition

HEIGHT, WIDTH, TOKENS = 8, 12, 77
CONDITIONING_SCALE = 0.8
TIMESTEP = 321


def inputs() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(7)
    coarse = torch.rand(1, 3, HEIGHT, WIDTH, generator=generator)
    # Smooth with some grain, as pictures are.
    smooth = torch.nn.functional.interpolate(coarse, scale_factor=8, mode="bilinear")
    condition = (smooth + 0.1 * torch.randn(smooth.shape, generator=generator)).clamp(0, 1)
    return {
        "sample": torch.randn(1, 4, HEIGHT, WIDTH, generator=generator),
        "condition": condition,
        "timestep": torch.tensor([float(TIMESTEP)]),
        "encoder_hidden_states": torch.randn(2, TOKENS, UNET["cross_attention_dim"], generator=generator),
        "conditioning_scale": torch.tensor([CONDITIONING_SCALE]),
    }


def load(model: torch.nn.Module, folder: Path) -> torch.nn.Module:
    model.load_state_dict(load_file(folder / "diffusion_pytorch_model.safetensors"))
    return model.double().eval()


def twice(x: Tensor) -> Tensor:
    return x.double().expand(2, *x.shape[1:])


def run_controlnet(controlnet: ControlNetModel, given: dict[str, Tensor]) -> tuple[list[Tensor], Tensor]:
    return controlnet(
        twice(given["sample"]),
        given["timestep"].double(),
        given["encoder_hidden_states"].double(),
        twice(given["condition"]),
        conditioning_scale=given["conditioning_scale"].double().item(),
        return_dict=False,
    )


@torch.no_grad()
def controlnet_goldens(controlnet: ControlNetModel, given: dict[str, Tensor]) -> dict[str, Tensor]:
    down, mid = run_controlnet(controlnet, given)
    return {
        **given,
        "condition_embedding": controlnet.controlnet_cond_embedding(given["condition"].double()),
        **{f"down_{i}": residual for i, residual in enumerate(down)},
        "mid": mid,
    }


def run_unet(unet: torch.nn.Module, given: dict[str, Tensor], down: list[Tensor], mid: Tensor) -> Tensor:
    return unet(
        twice(given["sample"]),
        given["timestep"].double(),
        given["encoder_hidden_states"].double(),
        down_block_additional_residuals=down,
        mid_block_additional_residual=mid,
    ).sample


@torch.no_grad()
def pasd_goldens(unet: torch.nn.Module, controlnet: ControlNetModel, given: dict[str, Tensor]) -> dict[str, Tensor]:
    golden = controlnet_goldens(controlnet, given)
    down = [golden[f"down_{i}"] for i in range(len(controlnet.controlnet_down_blocks))]

    def record(name: str, residual: Tensor):
        def hook(_module, args, output):
            hidden, keys = args
            assert torch.equal(keys, residual.flatten(2).transpose(1, 2))
            golden[f"{name}.in"], golden[f"{name}.residual"], golden[f"{name}.out"] = hidden, residual, output.sample

        return hook

    remaining = list(down)
    hooks = [
        attention.register_forward_hook(record(f"up_blocks.{i}.pixel_attentions.{layer}", remaining.pop()))
        for i, block in enumerate(unet.up_blocks)
        for layer, attention in enumerate(block.pixel_attentions)
    ]
    golden["prediction"] = run_unet(unet, given, down, golden["mid"])
    for hook in hooks:
        hook.remove()
    return golden


@torch.no_grad()
def check_alive(unet: torch.nn.Module, controlnet: ControlNetModel, golden: dict[str, Tensor]) -> None:
    """Every path must matter, or its mistakes would pass."""
    given = {name: golden[name] for name in inputs()}
    down = [golden[f"down_{i}"] for i in range(len(controlnet.controlnet_down_blocks))]
    prediction = golden["prediction"]

    def change(what: str, other: Tensor) -> None:
        relative = ((other - prediction).norm() / prediction.norm()).item()
        print(f"PASD without {what}: prediction changes by {relative:.3f}")
        assert relative > 0.05, what

    change("residuals", run_unet(unet, given, [torch.zeros_like(d) for d in down], torch.zeros_like(golden["mid"])))
    for i, residual in enumerate(down):

        def blank_residual(block, _args, residual=residual):
            # Only for the pixel attention: the skips have it already when the block runs.
            block.residuals = [torch.zeros_like(r) if r is residual else r for r in block.residuals]

        hooks = [block.register_forward_pre_hook(blank_residual) for block in unet.up_blocks]
        change(f"down_{i} in pixel attention", run_unet(unet, given, down, golden["mid"]))
        for hook in hooks:
            hook.remove()
    blank = given | {"condition": torch.zeros_like(given["condition"])}
    change("condition", run_unet(unet, given, *run_controlnet(controlnet, blank)))
    change("its own prompt", prediction.flip(0))


def rrdb_golden(given: dict[str, Tensor]) -> dict[str, Tensor]:
    channels = CONTROLNET["conditioning_embedding_out_channels"]
    width = CONTROLNET["block_out_channels"][0]
    embedding = PasdConditionEmbedding(width, channels, return_rgbs=False, use_rrdb=True)
    holder = torch.nn.Module()
    holder.controlnet_cond_embedding = embedding
    reinitialise(holder, seed=44)
    with torch.no_grad():
        scale_condition(embedding, torch.Generator().manual_seed(44))
    weights = {f"rrdb.{name}": tensor.clone() for name, tensor in holder.state_dict().items()}
    condition = given["condition"][:, :, :32, :32].contiguous()
    with torch.no_grad():
        output = embedding.double()(condition.double())
    return {**weights, "rrdb.condition": condition, "rrdb.output": output}


def save_floats(tensors: dict[str, Tensor], path: Path) -> None:
    save_file({name: tensor.float().contiguous() for name, tensor in tensors.items()}, path)
    path.chmod(0o644)


def make_pasd_goldens(fixtures: Path) -> None:
    given = inputs()
    plain = load(ControlNetModel(**CONTROLNET), fixtures / "controlnet-sd-tiny")
    save_floats(controlnet_goldens(plain, given), fixtures / "golden" / "controlnet-sd-tiny.safetensors")

    unet = load(pasd_unet(**UNET), fixtures / "pasd-tiny" / "unet")
    controlnet = load(pasd_controlnet(**CONTROLNET), fixtures / "pasd-tiny" / "controlnet")
    golden = pasd_goldens(unet, controlnet, given)
    check_alive(unet, controlnet, golden)
    save_floats(golden | rrdb_golden(given), fixtures / "golden" / "pasd-tiny.safetensors")
