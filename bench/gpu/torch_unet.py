"""The peer of the GPU bench: diffusers' UNet2DConditionModel in PyTorch, fp16, one process per measurement.

    python3 torch_unet.py time REQUEST.json
    python3 torch_unet.py reference REQUEST.json

`time` times steps with random weights; no kernel's time depends on them. `reference` writes a checkpoint of seeded weights
in fp16, what PyTorch predicts with it in float32 with every product exact (no TF32), and what it predicts in fp16.
"""

import json
import sys
import time
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

TIMESTEP = 501.0
SEED = 7
BIAS_DEVIATION = 0.02


def waves(frequency: float, *shape: int) -> torch.Tensor:
    """The same numbers as `waves` of ours.ts, from the same formula in float64."""
    i = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return (1.4 * torch.sin(frequency * i + torch.sin(i))).float().reshape(shape)


def inputs_of(config, request: dict) -> dict:
    """Inputs as diffusers takes them, equal to those of ours.ts, where the latents are joined and repeated in the graph."""
    height, width, batch, tokens = (request[name] for name in ("height", "width", "batch", "tokens"))
    planes = [waves(0.7, 1, 4, height, width)]
    if config.in_channels == 9:
        planes += [(waves(0.1, 1, 1, height, width) > 0).float(), waves(0.3, 1, 4, height, width)]
    inputs = {
        "sample": torch.cat(planes, dim=1).expand(batch, -1, -1, -1).contiguous(),
        "timestep": torch.tensor(TIMESTEP),
        "encoder_hidden_states": waves(0.9, batch, tokens, config.cross_attention_dim),
    }
    if config.addition_embed_type == "text_time":
        pooled = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
        size = [8.0 * height, 8.0 * width, 0.0, 0.0, 8.0 * height, 8.0 * width]
        inputs["added_cond_kwargs"] = {
            "text_embeds": waves(0.5, batch, pooled),
            "time_ids": torch.tensor([size] * batch),
        }
    return inputs


def moved(inputs: dict, device: torch.device, dtype: torch.dtype) -> dict:
    """Everything on the device; the timestep and the sizes stay float32, as diffusers' own pipelines leave them."""
    result = {}
    for name, value in inputs.items():
        if isinstance(value, dict):
            result[name] = moved(value, device, dtype)
        else:
            result[name] = value.to(device, torch.float32 if name in ("timestep", "time_ids") else dtype)
    return result


def random_unet(config: dict, device: torch.device) -> UNet2DConditionModel:
    """A UNet in float32 whose weights keep activations at the size of one and are numbers of float16."""
    with torch.device(device):
        unet = UNet2DConditionModel.from_config(config).eval()
    generator = torch.Generator(device).manual_seed(SEED)
    with torch.no_grad():
        for name, parameter in unet.named_parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, parameter[0].numel() ** -0.5, generator=generator)
            elif name.endswith(".bias"):
                parameter.normal_(0, BIAS_DEVIATION, generator=generator)
            parameter.copy_(parameter.half().float())
    return unet


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def time_steps(request: dict, device: torch.device) -> dict:
    # Everything PyTorch offers without compiling: its fastest convolutions, tried out, and fused attention (SDPA, diffusers'
    # default).
    torch.backends.cudnn.benchmark = True
    start = time.perf_counter()
    config = json.loads(Path(request["config"]).read_text())
    unet = random_unet(config, device).half()
    if request["channels_last"]:
        unet = unet.to(memory_format=torch.channels_last)
    inputs = moved(inputs_of(unet.config, request), device, torch.float16)
    if request["channels_last"]:
        inputs["sample"] = inputs["sample"].contiguous(memory_format=torch.channels_last)
    synchronize(device)
    load = time.perf_counter() - start

    def step() -> float:
        start = time.perf_counter()
        unet(**inputs, return_dict=False)
        synchronize(device)
        return 1000 * (time.perf_counter() - start)

    first = step()
    for _ in range(request["warm_up"]):
        step()
    steps = [step() for _ in range(request["steps"])]
    return {
        "steps": steps,
        "load_time": 1000 * load,
        "first_run": first,
        "finite": bool(torch.isfinite(unet(**inputs, return_dict=False)[0]).all()),
        "memory": torch.cuda.max_memory_reserved() if device.type == "cuda" else None,
    }


def write_reference(request: dict, device: torch.device) -> dict:
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    from safetensors.torch import save_file

    unet = random_unet(json.loads(Path(request["config"]).read_text()), device)
    save_file({name: value.half().contiguous().cpu() for name, value in unet.state_dict().items()}, request["checkpoint"])
    inputs = inputs_of(unet.config, request)
    for dtype, path in ((torch.float32, request["exact"]), (torch.float16, request["half"])):
        prediction = unet.to(dtype)(**moved(inputs, device, dtype), return_dict=False)[0]
        prediction.float().cpu().numpy().tofile(path)
    return {}


def main() -> None:
    task, path = sys.argv[1:]
    request = json.loads(Path(path).read_text())
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu" and not request["allow_software"]:
        sys.exit("PyTorch sees no GPU")
    with torch.inference_mode():
        answer = {"time": time_steps, "reference": write_reference}[task](request, device)
    import diffusers

    answer["runtime"] = f"PyTorch {torch.__version__}, diffusers {diffusers.__version__}"
    answer["device"] = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    Path(request["answer"]).write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
