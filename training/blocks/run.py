"""What the training scripts share: arguments, checkpoints that a kill cannot damage, a learning rate, a log.

A step's data depend on the seed and the step's number alone, so a run that was killed and goes on from its checkpoint sees what
it would have seen.
"""

import argparse
import math
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
from torch import nn

from muon import Muon

SAVE_SECONDS = 150
LOG_SECONDS = 60


def parser(doc: str, *, steps: int) -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("--cache", required=True, help="folder of the data set, checkpoints and trained models")
    result.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    result.add_argument("--steps", type=int, default=steps, help="in all, those of earlier runs included")
    result.add_argument("--seed", type=int, default=1)
    result.add_argument("--threads", type=int, default=2)
    result.add_argument("--evaluate", action="store_true", help="only evaluate and export the checkpoint that is there")
    return result


def optimizers(modules: Iterable[nn.Module], rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the weights of linear layers and convolutions; AdamW for embeddings, contexts, norms and biases."""
    matrices, others, free = [], [], []
    for part in (part for module in modules for part in module.modules()):
        for name, parameter in part.named_parameters(recurse=False):
            if not parameter.requires_grad:
                continue
            if name == "weight" and isinstance(part, (nn.Linear, nn.Conv2d)):
                matrices.append(parameter)
            else:
                (others if isinstance(part, nn.Embedding) else free).append(parameter)
    groups = [{"params": others, "weight_decay": 0.01}, {"params": free, "weight_decay": 0.0}]
    return [Muon(matrices, lr=rate), torch.optim.AdamW([g for g in groups if g["params"]], lr=rate, betas=(0.9, 0.98))]


class Run:
    """One model's training: `for step in run.steps(): run.descend(loss(step))`."""

    def __init__(
        self,
        name: str,
        modules: dict[str, nn.Module],
        options: argparse.Namespace,
        *,
        rate: float,
        warmup: int = 100,
        average: float = 0.998,
    ):
        torch.set_num_threads(options.threads)
        self.name, self.modules, self.options, self.rate, self.warmup = name, modules, options, rate, warmup
        self.device = torch.device(options.device)
        for module in modules.values():
            module.to(self.device)
        self.optimizers = optimizers(modules.values(), rate)
        # A running average of the weights: what is exported.
        self.average, self.averaged = average, {n: self._copy(m) for n, m in modules.items()}
        self.step = 0
        self.path = Path(options.cache) / "checkpoints" / f"{name}.pt"
        self._sums: dict[str, list[float]] = {}
        self._restore()

    @staticmethod
    def _copy(module: nn.Module) -> dict[str, torch.Tensor]:
        return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}

    def _restore(self) -> None:
        if not self.path.exists():
            return
        saved = torch.load(self.path, map_location=self.device, weights_only=True)
        for name, module in self.modules.items():
            module.load_state_dict(saved["modules"][name])
        # Checkpoints made of exported models know no more than the weights (`checkpoints.py`).
        if "optimizers" in saved:
            for optimizer, state in zip(self.optimizers, saved["optimizers"], strict=True):
                optimizer.load_state_dict(state)
        self.averaged, self.step = saved["averaged"], saved["step"]
        self.log(f"goes on at step {self.step}")

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".partial")
        state = {
            "modules": {name: module.state_dict() for name, module in self.modules.items()},
            "averaged": self.averaged,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
        }
        torch.save(state, temporary)
        os.replace(temporary, self.path)

    def save_average(self, name: str) -> None:
        """The averaged weights as they are now, for `load_averaged` to find under this name."""
        torch.save({"averaged": self.averaged}, self.path.with_name(f"{name}.pt"))

    def steps(self) -> Iterator[int]:
        saved = logged = time.monotonic()
        first = self.step
        while self.step < self.options.steps:
            yield self.step
            self.step += 1
            now = time.monotonic()
            if now - logged > LOG_SECONDS:
                means = "  ".join(f"{name} {sum(v) / len(v):.4f}" for name, v in self._sums.items())
                self.log(f"step {self.step}/{self.options.steps}  {means}  {(now - logged) / (self.step - first):.2f} s/step")
                self._sums, logged, first = {}, now, self.step
            if now - saved > SAVE_SECONDS:
                self.save()
                saved = time.monotonic()
        self.save()

    def share(self) -> float:
        """How much of the training is done, 0..1."""
        return min(self.step / max(self.options.steps, 1), 1.0)

    def descend(self, loss: torch.Tensor, **told: float | torch.Tensor) -> None:
        rate = self.rate * min((self.step + 1) / self.warmup, 1.0) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.share())))
        groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        for group in groups:
            group["lr"] = rate
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_([p for group in groups for p in group["params"]], 1.0)
        if torch.isfinite(norm):
            for optimizer in self.optimizers:
                optimizer.step()
        decay = min(self.average, (self.step + 1) / (self.step + 20))
        with torch.no_grad():
            for name, module in self.modules.items():
                for key, tensor in module.state_dict().items():
                    kept = self.averaged[name][key]
                    kept.lerp_(tensor, 1 - decay) if tensor.is_floating_point() else kept.copy_(tensor)
        for name, value in {"loss": loss, **told}.items():
            self._sums.setdefault(name, []).append(float(value.detach() if torch.is_tensor(value) else value))

    def use_average(self) -> None:
        """Puts the averaged weights into the modules: for evaluation and export, after the last `save`."""
        for name, module in self.modules.items():
            module.load_state_dict(self.averaged[name])
            module.eval()

    def log(self, message: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {self.name}: {message}", flush=True)


def ahead(make: Callable[[int], object], first: int, last: int, *, workers: int = 2, depth: int = 4) -> Iterator[object]:
    """`make(step)` for each step in order, computed by threads a few steps ahead."""
    if workers == 0:
        yield from map(make, range(first, last))
        return
    results: dict[int, object] = {}
    ready = threading.Condition()
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    upcoming = first
    stop = False

    def work() -> None:
        while not stop:
            number = todo.get()
            if number < 0:
                return
            try:
                made = make(number)
            except BaseException as error:  # noqa: BLE001: told where the result is awaited
                made = error
            with ready:
                results[number] = made
                ready.notify_all()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        for number in range(first, last):
            while upcoming < min(number + depth, last):
                todo.put(upcoming)
                upcoming += 1
            with ready:
                ready.wait_for(lambda: number in results)
                made = results.pop(number)
            if isinstance(made, BaseException):
                raise made
            yield made
    finally:
        stop = True
        for _ in threads:
            todo.put(-1)


def load_averaged(module: nn.Module, cache: str | Path, name: str, part: str) -> nn.Module:
    """The exported weights of a model trained before, frozen."""
    path = Path(cache) / "checkpoints" / f"{name}.pt"
    if not path.exists():
        raise SystemExit(f"{path} is missing: run train_{name}.py first")
    module.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["averaged"][part])
    return module.eval().requires_grad_(False)
