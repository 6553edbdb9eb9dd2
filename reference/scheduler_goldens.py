"""diffusers' own schedulers, run step by step with a model anyone can compute.

Latents of 8 numbers. The model and the noise of stochastic steps are formulas (`model`, `noise`, also in the JSON), so that only
what the schedulers make of them has to be stored: the latents after the start and after every step, float32.
"""

import itertools
import math
from pathlib import Path

import diffusers
import torch
from diffusers.schedulers import scheduling_ddim, scheduling_euler_ancestral_discrete
from safetensors.torch import save_file

from tiny_tokenizer import write_json

COUNT = 8
SHAPE = (1, 2, 2, 2)
STEPS = (1, 2, 10, 20)
STRENGTHS = (1, 0.95, 0.5, 0.2)
SPACINGS = ("leading", "trailing", "linspace")
PREDICTIONS = ("epsilon", "v_prediction")
BETAS = {"scaled_linear": (0.00085, 0.012), "linear": (0.0001, 0.02), "squaredcos_cap_v2": (0.0001, 0.02)}

FORMULAS = {
    "image": "x0[i] = sin(1.7 i + 0.3)",
    "noise": "noise(step, i) = 1.4 sin(2.9 i + 5.3 step + 0.7); step -1 is the start, 0 the first executed",
    "model": "m[i] = tanh(0.9 x[i] - 0.5 x[(i + 1) % 8] + 0.2 cos(i)) + 0.3 t / 1000",
}


def noise(step: int) -> torch.Tensor:
    return torch.tensor([1.4 * math.sin(2.9 * i + 5.3 * step + 0.7) for i in range(COUNT)]).reshape(SHAPE)


def image() -> torch.Tensor:
    return torch.tensor([math.sin(1.7 * i + 0.3) for i in range(COUNT)]).reshape(SHAPE)


def model(x: torch.Tensor, t: float) -> torch.Tensor:
    """In double precision from float32 latents, rounded once."""
    x = x.flatten().double()
    bias = torch.cos(torch.arange(COUNT, dtype=torch.float64))
    return (torch.tanh(0.9 * x - 0.5 * x.roll(-1) + 0.2 * bias) + 0.3 * t / 1000).float().reshape(SHAPE)


def scheduler(name: str, config: dict):
    match name:
        case "ddim" | "ddim_eta":
            return diffusers.DDIMScheduler(**config, clip_sample=False)
        case "ddim_alpha0":
            return diffusers.DDIMScheduler(**config, clip_sample=False, set_alpha_to_one=False)
        case "euler":
            return diffusers.EulerDiscreteScheduler(**config)
        case "euler_ancestral":
            return diffusers.EulerAncestralDiscreteScheduler(**config)
        case "dpmpp_2m_karras":
            return diffusers.DPMSolverMultistepScheduler(**config, use_karras_sigmas=True)
        case "unipc":
            return diffusers.UniPCMultistepScheduler(**config)
    raise ValueError(name)


def run(name: str, config: dict, steps: int, strength: float) -> list[torch.Tensor]:
    """What StableDiffusionInpaintPipeline does with a scheduler, for ceil(steps / strength) inference steps."""
    sampler = scheduler(name, config)
    scheduled = math.ceil(steps / strength - 1e-9)
    sampler.set_timesteps(scheduled)
    begin = scheduled - min(int(scheduled * strength + 1e-9), scheduled)
    timesteps = sampler.timesteps[begin:]
    assert len(timesteps) == steps, (name, steps, strength, len(timesteps))
    if hasattr(sampler, "set_begin_index"):
        sampler.set_begin_index(begin)
    if strength == 1:
        latents = noise(-1) * sampler.init_noise_sigma
    else:
        latents = sampler.add_noise(image(), noise(-1), timesteps[:1])

    fresh = iter([noise(step) for step in range(steps)])
    drawn = lambda *_, **__: next(fresh)
    scheduling_ddim.randn_tensor = scheduling_euler_ancestral_discrete.randn_tensor = drawn
    extra = {"eta": 0.7} if name == "ddim_eta" else {}
    trajectory = [latents]
    for t in timesteps:
        prediction = model(sampler.scale_model_input(latents, t), float(t))
        latents = sampler.step(prediction, t, latents, **extra).prev_sample
        assert latents.dtype == torch.float32 and torch.isfinite(latents).all()
        trajectory.append(latents)
    return [timesteps.float(), torch.stack(trajectory).flatten()]


def cases():
    """Every sampler with everything that decides its schedule, on Stable Diffusion's betas; a few with the other betas."""
    samplers = ("ddim", "euler", "euler_ancestral", "dpmpp_2m_karras", "unipc")
    for name, spacing, prediction, steps, strength in itertools.product(
        samplers, SPACINGS, PREDICTIONS, STEPS, STRENGTHS
    ):
        if name != "dpmpp_2m_karras" or spacing == "linspace":
            yield name, "scaled_linear", spacing, 1 if spacing == "leading" else 0, prediction, steps, strength
    for name, betas in itertools.product(samplers, ("linear", "squaredcos_cap_v2")):
        yield name, betas, "leading", 0, "epsilon", 10, 0.5
    for name, spacing, strength in itertools.product(("ddim_eta", "ddim_alpha0"), SPACINGS, (1, 0.5)):
        yield name, "scaled_linear", spacing, 0, "v_prediction", 10, strength


def make_scheduler_goldens(fixtures: Path) -> None:
    listed, values, length = [], [], 0
    for name, betas, spacing, offset, prediction, steps, strength in cases():
        config = {
            "beta_start": BETAS[betas][0],
            "beta_end": BETAS[betas][1],
            "beta_schedule": betas,
            "prediction_type": prediction,
            "timestep_spacing": spacing,
            "steps_offset": offset,
        }
        listed.append([name, betas, spacing, offset, prediction, steps, strength, length])
        values += run(name, config, steps, strength)
        length = sum(tensor.numel() for tensor in values)
    tensors = {
        f"alphas_cumprod.{betas}": diffusers.DDIMScheduler(
            beta_schedule=betas, beta_start=start, beta_end=end
        ).alphas_cumprod
        for betas, (start, end) in BETAS.items()
    }
    golden = fixtures / "golden"
    save_file(tensors | {"values": torch.cat(values)}, golden / "schedulers.safetensors")
    manifest = {
        "command": "python reference/make_fixtures.py",
        "diffusers": diffusers.__version__,
        "formulas": FORMULAS,
        "betas": BETAS,
        "values": "of each case: its timesteps, then 8 latents after the start and after every step",
        "columns": "sampler, betas, timestep_spacing, steps_offset, prediction_type, steps executed, strength, start in values",
        "cases": listed,
    }
    write_json(golden / "schedulers.json", manifest, indent=None)


if __name__ == "__main__":
    make_scheduler_goldens(Path(__file__).parent / "fixtures")
