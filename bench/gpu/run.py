"""Measures our UNets (onnxruntime-web on Dawn) and PyTorch's on this machine's GPU, in turns, one process after another.

    bash .cache/bench-gpu/run.sh [--quick] [--minutes 25] [--parts speed,numerics,variants,profile] [--resume]

Every process writes one file; the report is written anew after each, so that what was measured stays whatever happens.
"""

import argparse
import ctypes
import glob
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import unet_report

HERE = Path(__file__).resolve().parent
TOKENS = 77
BATCH = 2
# Name: config, side in pixels. The most telling first, in case time runs out.
CASES = {"sd15-512": ("sd15", 512), "sdxl-1024": ("sdxl", 1024), "sd15-768": ("sd15", 768)}
TINY_CASES = {"tiny-sd15": ("tiny-sd15", 64), "tiny-sdxl": ("tiny-sdxl", 64)}
# What the app does, and what it might.
OURS = {
    "ours": {},
    "ours, graph capture": {"graphCapture": True},
    "ours, NCHW": {"layout": "NCHW"},
    "ours, fp16 sums": {"without": ["float32 accumulation"]},
    "ours, profile": {"profile": True},
}
TORCH = {"torch": {"channels_last": False}, "torch, channels_last": {"channels_last": True}}
# In this order, and in the other in the next round, in case the second gains or loses by it.
CONTENDERS = ["ours", "torch", "torch, channels_last", "ours, graph capture"]
VARIANTS = ["ours, NCHW", "ours, fp16 sums"]
# Of ours: Node compiles the runtime's WebAssembly better while it runs.
WARM_UP_SECONDS = 4
# Exit status of ours.mjs without an adapter.
NO_ADAPTER = 3
NO_ADAPTER_ADVICE = """
No GPU can be used through Vulkan here, so ours cannot be measured. What Dawn needs:
  - the Vulkan loader libvulkan.so.1 (Debian and Ubuntu: libvulkan1); one was brought along in .cache/bench-gpu/lib.tar.xz;
  - the driver's description, as /usr/share/vulkan/icd.d/nvidia_icd.json; if it lies elsewhere set VK_DRIVER_FILES to it;
  - the driver's graphics libraries (libGLX_nvidia.so.0); in a container start it with NVIDIA_DRIVER_CAPABILITIES=all.
`vulkaninfo --summary` or VK_LOADER_DEBUG=all with this command show what is missing."""
NO_DIFFUSERS_ADVICE = """
PyTorch's UNet cannot be measured: python3 lacks PyTorch or diffusers, and wheels/ does not bring it. Where the folder was
prepared: python3 -m pip download --no-deps -d .cache/bench-gpu/wheels diffusers==0.42.1, and the same for what that needs."""


class Bench:
    """Runs the processes and keeps what they measured, by case and contender."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.deadline = time.monotonic() + 60 * options.minutes
        self.work = Path(tempfile.mkdtemp(prefix="bench-gpu-"))
        self.environment = vulkan_environment(self.work)
        self.results = {"runs": {}, "numerics": {}, "problems": [], "rehearsal": options.rehearse, **machine()}
        self.numbers = "rehearsal.json" if options.rehearse else "results.json"
        if options.resume and (HERE / self.numbers).exists():
            earlier = json.loads((HERE / self.numbers).read_text())
            self.results.update(runs=earlier["runs"], numerics=earlier["numerics"])
        unpack(self.work)
        self.has_torch = self.prepare_torch()
        self.has_adapter = True

    def prepare_torch(self) -> bool:
        """Makes diffusers importable for the peer; what the machine has itself comes first."""
        # Looking is enough, and importing takes long; what else may be missing, the peer's own process says.
        look = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ('torch', 'diffusers'))))"
        found = [sys.executable, "-c", look]
        if subprocess.run(found).returncode == 0:
            return True
        site = self.work / "site"
        wheels = sorted(glob.glob(str(HERE / "wheels" / "*.whl")))
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-compile", "--target", str(site)]
        if wheels:
            subprocess.run([*pip, *wheels], check=False)
        self.environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
        if subprocess.run(found, env=self.environment).returncode == 0:
            return True
        self.problem(NO_DIFFUSERS_ADVICE)
        return False

    def problem(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)
        self.results["problems"].append(text)

    def process(self, command: list, request: dict, label: str) -> dict | None:
        """Runs one process on a request; None where it failed or no time is left."""
        left = self.deadline - time.monotonic()
        if left < 5:
            self.problem(f"No time left for {label}")
            return None
        path, answer = self.work / "request.json", self.work / "answer.json"
        answer.unlink(missing_ok=True)
        request = {**request, "answer": str(answer)}
        path.write_text(json.dumps(request))
        print(f"{label} …", end=" ", flush=True)
        start = time.monotonic()
        try:
            done = subprocess.run(
                [*command, str(path)], env=self.environment, capture_output=True, text=True, timeout=left
            )
        except subprocess.TimeoutExpired as stopped:
            said = (stopped.stderr or b"").decode(errors="replace").strip().splitlines()[-3:]
            self.problem("\n".join([f"{label}: stopped after {left:.0f} s, when the time was up", *said]))
            return None
        print(f"{time.monotonic() - start:.0f} s", flush=True)
        if done.returncode == 0 and answer.exists():
            profile = unet_report.gpu_profile(done.stdout) if request.get("profile") else None
            return {**json.loads(answer.read_text()), **({"profile": profile} if profile else {})}
        text = "\n".join(done.stderr.strip().splitlines()[-12:])
        if done.returncode == NO_ADAPTER:
            self.has_adapter = False
            text += NO_ADAPTER_ADVICE
        self.problem(f"{label}: exit status {done.returncode}\n{text}")
        return None

    def sizes(self, case: str) -> dict:
        config, pixels = self.cases()[case]
        side = pixels // 8
        return {
            "config": str(HERE / "configs" / f"{config}.json"),
            "height": side,
            "width": side,
            "batch": BATCH,
            "tokens": TOKENS if not self.options.rehearse else 7,
        }

    def cases(self) -> dict:
        return TINY_CASES if self.options.rehearse else CASES

    def ours(self, case: str, name: str, **extra) -> dict | None:
        if not self.has_adapter:
            return None
        profile = OURS[name].get("profile", False)
        request = {
            **self.sizes(case),
            "layout": "NHWC",
            "graphCapture": False,
            "without": [],
            "profile": False,
            "warmUp": 1 if profile else self.options.warm_up,
            "warmUpSeconds": 0 if profile or self.options.rehearse else WARM_UP_SECONDS,
            "steps": 1 if profile else self.options.steps,
            "output": str(self.output(case, name)),
            "allowSoftware": self.options.rehearse,
            **OURS[name],
            **extra,
        }
        # The better compiler takes minutes for the runtime's largest functions, in threads that a small machine lacks.
        flags = ["--liftoff-only"] if self.options.rehearse else []
        return self.process([str(self.work / "node"), *flags, str(self.work / "ours.mjs")], request, f"{case}, {name}")

    def torch(self, task: str, case: str, name: str, **extra) -> dict | None:
        if not self.has_torch:
            return None
        request = {
            **self.sizes(case),
            "warm_up": self.options.warm_up,
            "steps": self.options.steps,
            "allow_software": self.options.rehearse,
            **TORCH.get(name, {}),
            **extra,
        }
        return self.process([sys.executable, str(HERE / "torch_unet.py"), task], request, f"{case}, {name}")

    def output(self, case: str, name: str) -> Path:
        return self.work / f"{case} {name}.bin".replace(",", "").replace(" ", "-")

    def run(self, case: str, name: str) -> None:
        """One process of a contender, added to those before."""
        answer = self.ours(case, name) if name in OURS else self.torch("time", case, name)
        if not answer:
            return
        default = self.output(case, "ours")
        if name in OURS and name != "ours" and default.exists():
            answer["difference"] = unet_report.relative_errors(self.output(case, name), default)
        self.results["runs"].setdefault(case, {}).setdefault(name, []).append(answer)
        self.write()

    def numerics(self, case: str) -> None:
        """Our fp16 and PyTorch's against PyTorch's float32, on one checkpoint."""
        checkpoint = self.work / "unet.safetensors"
        exact, half = self.work / "exact.bin", self.work / "half.bin"
        files = {"checkpoint": str(checkpoint), "exact": str(exact), "half": str(half)}
        if not self.has_adapter or not self.torch("reference", case, "reference in float32", **files):
            return
        results = {"torch": unet_report.relative_errors(half, exact)}
        for name in ("ours", "ours, fp16 sums"):
            output = self.work / "numerics.bin"
            few = {"checkpoint": str(checkpoint), "output": str(output), "steps": 1, "warmUp": 1, "warmUpSeconds": 0}
            if self.ours(case, name, **few):
                results[name] = unet_report.relative_errors(output, exact)
        self.results["numerics"][case] = results
        checkpoint.unlink()
        self.write()

    def write(self) -> None:
        text = json.dumps(self.results, indent=1)
        (HERE / self.numbers).write_text(text)
        card = re.sub(r"[^a-z0-9]+", "-", unet_report.card(self.results).lower()).strip("-")
        name = f"unet-gpu-{card}" if not self.options.rehearse else "rehearsal"
        report = unet_report.report(self.results)
        folders = [Path(os.environ["OUT"])] if os.environ.get("OUT") else []
        # In the repository, where the command is given there.
        results = Path.cwd() / "bench" / "results"
        is_measured = card != "unknown" and not self.options.rehearse
        folders.append(results if is_measured and results.is_dir() else HERE)
        for folder in folders:
            (folder / f"{name}.md").write_text(report)
            if folder != results:
                (folder / self.numbers).write_text(text)

    def close(self) -> None:
        shutil.rmtree(self.work, ignore_errors=True)


def machine() -> dict:
    """The card and its driver, as NVIDIA's own tool names them."""
    try:
        query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
        line = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()[0]
        name, driver, memory = (part.strip() for part in line.split(","))
        return {"card": name, "driver": driver, "memory": memory}
    except (OSError, subprocess.CalledProcessError, IndexError, ValueError):
        return {}


def unpack(work: Path) -> None:
    """The files for Node, the large ones from their compressed form."""
    for source in (HERE / "files").iterdir():
        if source.suffix == ".xz":
            with lzma.open(source) as packed, open(work / source.stem, "wb") as target:
                shutil.copyfileobj(packed, target, 1 << 20)
        else:
            shutil.copyfile(source, work / source.name)
    (work / "node").chmod(0o755)


def vulkan_environment(work: Path) -> dict:
    """The environment in which ours finds a Vulkan driver: the machine's own, and the loaders it lacks."""
    environment = dict(os.environ)
    libraries = work / "lib"
    libraries.mkdir()
    known = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout if shutil.which("ldconfig") else ""
    with tarfile.open(HERE / "lib.tar.xz") as packed:
        for member in packed:
            name = Path(member.name).name
            if member.isfile() and name not in known:
                (libraries / name).write_bytes(packed.extractfile(member).read())
    # Last, so that it hides nothing.
    paths = [environment.get("LD_LIBRARY_PATH"), str(libraries)]
    environment["LD_LIBRARY_PATH"] = os.pathsep.join(path for path in paths if path)
    if "VK_DRIVER_FILES" in environment or "VK_ICD_FILENAMES" in environment:
        return environment
    usual = [f"{folder}/vulkan/icd.d/*nvidia*.json" for folder in ("/usr/share", "/etc", "/usr/local/share")]
    if any(glob.glob(pattern) for pattern in usual):
        return environment
    elsewhere = glob.glob("/usr/local/nvidia/**/*nvidia*icd*.json", recursive=True)
    if elsewhere:
        environment["VK_DRIVER_FILES"] = elsewhere[0]
    else:
        try:
            ctypes.CDLL("libGLX_nvidia.so.0")
        except OSError:
            return environment
        # The driver without its description.
        icd = {"file_format_version": "1.0.0", "ICD": {"library_path": "libGLX_nvidia.so.0", "api_version": "1.3.0"}}
        (work / "nvidia_icd.json").write_text(json.dumps(icd))
        environment["VK_DRIVER_FILES"] = str(work / "nvidia_icd.json")
    vendors = glob.glob("/usr/local/nvidia/**/*nvidia*.json", recursive=True)
    vendor = next((path for path in vendors if "egl_vendor" in path), None)
    if vendor:
        environment["__EGL_VENDOR_LIBRARY_FILENAMES"] = vendor
    return environment


def main() -> None:
    parser = argparse.ArgumentParser(description="Our UNets against PyTorch's on this machine's GPU.")
    parser.add_argument("--quick", action="store_true", help="two sizes, one round, nothing else")
    parser.add_argument("--rehearse", action="store_true", help="tiny UNets, on a GPU that is the CPU too")
    parser.add_argument("--minutes", type=float, default=25, help="no process runs longer")
    parser.add_argument("--steps", type=int, default=0, help="timed in every process; 20, or 10 with --quick")
    parser.add_argument("--rounds", type=int, default=0, help="processes of every contender; 2, or 1 with --quick")
    parser.add_argument("--cases", default="", help="of " + ", ".join([*CASES, *TINY_CASES]))
    parser.add_argument("--parts", default="", help="of speed, numerics, variants, profile; all, or speed with --quick")
    parser.add_argument("--resume", action="store_true", help="add to .cache/bench-gpu/results.json")
    options = parser.parse_args()
    options.steps = options.steps or (3 if options.rehearse else 10 if options.quick else 20)
    options.rounds = options.rounds or (1 if options.quick else 2)
    options.warm_up = 3
    bench = Bench(options)
    cases = options.cases.split(",") if options.cases else list(bench.cases())[: 2 if options.quick else None]
    parts = options.parts.split(",") if options.parts else ["speed"] if options.quick else [
        "speed",
        "numerics",
        "variants",
        "profile",
    ]
    try:
        if "speed" in parts:
            for round_number in range(options.rounds):
                for case in cases:
                    for name in CONTENDERS if round_number % 2 == 0 else reversed(CONTENDERS):
                        bench.run(case, name)
        if "numerics" in parts:
            bench.numerics(cases[0])
        for part, names in (("variants", VARIANTS), ("profile", ["ours, profile"])):
            for case in cases if part in parts else []:
                for name in names:
                    bench.run(case, name)
        bench.write()
        print(unet_report.report(bench.results))
    finally:
        bench.close()
    ran = [name for case in bench.results["runs"].values() for name in case]
    if not any(name in OURS for name in ran) or not any(name in TORCH for name in ran):
        sys.exit("Not both were measured: see above")


if __name__ == "__main__":
    main()
