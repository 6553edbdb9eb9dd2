"""Muon (Jordan et al. 2024): momentum whose update is orthogonalised, for the weights of linear layers and convolutions; AdamW for
the rest. On networks this small and runs this short it gets to AdamW's loss in about half the steps."""

import torch
from torch import Tensor, nn

# The quintic iteration's coefficients from Jordan's text: they take singular values to about 1 in five steps.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalised(matrices: Tensor, steps: int = 5) -> Tensor:
    """Each [rows, columns] matrix of a stack with its singular values brought close to 1 (Newton-Schulz)."""
    a, b, c = COEFFICIENTS
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Parameters of two or more dimensions; a convolution's are one row an output channel. The update's root mean square is 0.2 of
    the rate, as AdamW's is about (arXiv 2502.16982), so both share rate and weight decay."""

    def __init__(self, parameters, lr: float, momentum: float = 0.95, weight_decay: float = 0.01):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            stacks: dict[tuple[int, int], list[tuple[nn.Parameter, Tensor]]] = {}
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
                update = parameter.grad.lerp(state["momentum"], group["momentum"]).flatten(1)
                stacks.setdefault(tuple(update.shape), []).append((parameter, update))
            for (rows, columns), members in stacks.items():
                updates = orthogonalised(torch.stack([update for _, update in members]))
                for (parameter, _), update in zip(members, updates):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(update.view_as(parameter), alpha=-0.2 * group["lr"] * max(rows, columns) ** 0.5)
