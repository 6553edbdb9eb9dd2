"""Writes the small checkpoints on which src/checkpoint is tested, with the libraries that publish such files.

    python3 reference/make_checkpoint_fixtures.py

writes reference/fixtures/checkpoints/: the files, and expected.json with every tensor's element type, shape and bytes.
Needs torch, safetensors and huggingface_hub (which transformers brings; see requirements.txt). Values are arithmetic or seeded: a second run writes the
same bytes, except for legacy.pth and torchscript.pt, which contain addresses.
"""

import json
import os
import sys
import zipfile
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from huggingface_hub import save_torch_state_dict
from safetensors.torch import save_file

FIXTURES = Path(__file__).parent / "fixtures" / "checkpoints"

DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def values(*shape, dtype=torch.float32, start=-3):
    count = torch.Size(shape).numel()
    numbers = torch.arange(start, start + count, dtype=torch.float64) * 0.75
    if dtype == torch.bool:
        return (torch.arange(count) % 3 == 0).reshape(shape)
    if dtype == torch.uint8:
        numbers = numbers.abs()
    return numbers.to(dtype).reshape(shape)


def every_dtype():
    tensors = {f"every.{name}": values(2, 3, dtype=dtype) for dtype, name in DTYPES.items()}
    tensors["scalar"] = torch.tensor(2.5)
    tensors["empty"] = torch.zeros(0, 4)
    return tensors


def expectation(tensors):
    return {
        name: {
            "dtype": DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "hex": bytes(tensor.detach().contiguous().flatten().view(torch.uint8).tolist()).hex()
            if tensor.numel()
            else "",
        }
        for name, tensor in tensors.items()
    }


class RunsCode:
    """Loaded by Python's own pickle, this would run a command."""

    def __reduce__(self):
        return (os.system, ("echo this must never run",))


def views():
    base = values(4, 6)
    halves = values(3, 4, 5, dtype=torch.float16)
    doubles = values(2, 5, dtype=torch.float64)
    return {
        "base": base,
        "transposed": base.t(),
        "rows": base[1:3],
        "columns": base[:, 2:4],
        "every_other": base[::2, 1::3],
        "permuted": halves.permute(2, 0, 1),
        "transposed_doubles": doubles.t(),
        "transposed_bytes": values(3, 2, dtype=torch.uint8).t(),
        "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 3),
        "one_row_of_large_stride": base[:1, :],
        "channels_last": values(1, 2, 2, 3).contiguous(memory_format=torch.channels_last),
        "parameter": torch.nn.Parameter(values(2, 2)),
        "frozen": torch.nn.Parameter(values(2, 2), requires_grad=False),
    }


@contextmanager
def lightning_class():
    """The class that pickles name, without the library."""
    parts = "pytorch_lightning.callbacks.model_checkpoint".split(".")
    modules = [".".join(parts[: i + 1]) for i in range(len(parts))]
    found = type("ModelCheckpoint", (), {"__module__": modules[-1]})
    for name in modules:
        sys.modules[name] = ModuleType(name)
    sys.modules[modules[-1]].ModelCheckpoint = found
    try:
        yield found
    finally:
        for name in modules:
            del sys.modules[name]


def main():
    torch.manual_seed(0)
    FIXTURES.mkdir(parents=True, exist_ok=True)
    expected = {}

    def save(name, tensors, stored=None, **options):
        torch.save(tensors if stored is None else stored, FIXTURES / name, **options)
        if tensors is not None:
            expected[name] = expectation(tensors)

    save_file(every_dtype(), FIXTURES / "every_dtype.safetensors", metadata={"note": 'ä "quoted"'})
    expected["every_dtype.safetensors"] = expectation(every_dtype())

    layers = {f"layers.{i}.weight": values(8, 8, start=i) for i in range(5)}
    (FIXTURES / "sharded").mkdir(exist_ok=True)
    save_torch_state_dict(layers, FIXTURES / "sharded", max_shard_size=600, filename_pattern="model{suffix}.safetensors")
    (FIXTURES / "sharded" / "config.json").write_text('{ "model_type": "fixture" }\n')
    expected["sharded"] = expectation(layers)

    save("every_dtype.pth", every_dtype())
    save("views.pth", views())
    for protocol in (3, 4, 5):
        save(f"protocol{protocol}.pth", layers, pickle_protocol=protocol)

    # What trainers keep: the model under one key, and things beside it that have tensors too.
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(values(*parameter.shape))
    optimizer = torch.optim.Adam(model.parameters())
    model(values(4, 3)).sum().backward()
    optimizer.step()
    state = model.state_dict()
    save(
        "trainer.pth",
        state,
        stored={
            "epoch": 3,
            "loss": 0.25,
            "seed": 2**80,
            "dtype": torch.float16,
            "shape": torch.Size([2, 3]),
            "state_dict": state,
            "optimizer": optimizer.state_dict(),
        },
    )
    # As published .ckpt files of Stable Diffusion: Lightning's callback is a key, its scores are numpy's or tensors.
    lightning = {"model.diffusion_model.out.2.weight": values(2, 3), "model_ema.decay": torch.tensor(0.5)}
    with lightning_class() as model_checkpoint:
        save(
            "lightning.ckpt",
            lightning,
            stored={
                "epoch": 0,
                "global_step": 440000,
                "pytorch-lightning_version": "1.4.2",
                "state_dict": lightning,
                "callbacks": {
                    model_checkpoint: {
                        "monitor": "val/loss",
                        "best_model_score": np.float64(0.25),
                        "current_score": torch.tensor(0.5),
                        "best_model_path": "",
                    }
                },
                "optimizer_states": [],
                "lr_schedulers": [{"base_lrs": [1e-4], "_last_lr": [np.float32(0.5)]}],
            },
        )

    nested = {"encoder": {"weight": values(2, 2)}, "blocks": [{"bias": values(2)}, {"bias": values(2, start=5)}]}
    flat = {
        "encoder.weight": nested["encoder"]["weight"],
        "blocks.0.bias": nested["blocks"][0]["bias"],
        "blocks.1.bias": nested["blocks"][1]["bias"],
    }
    save("nested.pth", flat, stored=nested)

    save("bare_tensor.pth", None, stored=values(3))

    # Files that must be refused.
    save("legacy.pth", None, stored=layers, _use_new_zipfile_serialization=False)
    save("runs_code.pth", None, stored={"weight": values(2), "hook": RunsCode()})
    save("whole_module.pth", None, stored=torch.nn.Linear(2, 2))
    save("complex.pth", None, stored={"weight": torch.zeros(2, dtype=torch.complex64)})
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(FIXTURES / "torchscript.pt"))
    order, sys.byteorder = sys.byteorder, "big"
    try:
        save("big_endian.pth", None, stored={"weight": values(2)})
    finally:
        sys.byteorder = order

    # The same archive packed again with compression, as people do by hand.
    with (
        zipfile.ZipFile(FIXTURES / "views.pth") as packed,
        zipfile.ZipFile(FIXTURES / "deflated.pth", "w", zipfile.ZIP_DEFLATED) as deflated,
    ):
        for entry in packed.infolist():
            fixed = zipfile.ZipInfo(entry.filename, date_time=(1980, 1, 1, 0, 0, 0))
            fixed.compress_type = zipfile.ZIP_DEFLATED
            deflated.writestr(fixed, packed.read(entry))
    expected["deflated.pth"] = expected["views.pth"]

    (FIXTURES / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
