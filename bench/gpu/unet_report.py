"""The report of the GPU bench: Markdown from what run.py collected."""

import array
import json
import math
from pathlib import Path
from statistics import median

GOAL = 0.7
PROFILE_LINES = 12


def relative_errors(path: Path, exact_path: Path) -> dict:
    """How far float32 numbers in a file are from exact ones: root mean square and largest, each relative to the exact ones'."""
    values, exact = (array.array("f", file.read_bytes()) for file in (path, exact_path))
    if len(values) != len(exact):
        raise ValueError(f"{path} has {len(values)} numbers, {exact_path} {len(exact)}")
    differences = [a - b for a, b in zip(values, exact)]
    norm = math.sqrt(sum(b * b for b in exact))
    return {
        "rms": math.sqrt(sum(d * d for d in differences)) / norm,
        # `max` would pass over a NaN.
        "max": math.nan if any(map(math.isnan, differences)) else max(map(abs, differences)) / max(map(abs, exact)),
    }


def gpu_profile(printed: str) -> list:
    """GPU time by kernel, largest first, from the profile that onnxruntime prints: an event a line, in microseconds."""
    totals = {}
    for line in printed.splitlines():
        # The other events are the host's: the session, and the nodes it runs.
        if not line.startswith('{"cat" : "Api"'):
            continue
        event = json.loads(line.rstrip(","))
        # `Conv_582_token_162&Conv&Conv2dMM`: the node, its operator, the program.
        total = totals.setdefault(" ".join(event["name"].split("&")[1:]), {"milliseconds": 0, "calls": 0})
        total["milliseconds"] += event["dur"] / 1000
        total["calls"] += 1
    entries = [{"kernel": kernel, **total} for kernel, total in totals.items()]
    return sorted(entries, key=lambda entry: -entry["milliseconds"])


def card(results: dict) -> str:
    """The GPU's name: the driver's, or what Vulkan calls it."""
    if results.get("card"):
        return results["card"]
    adapters = [run["adapter"] for case in results["runs"].values() for runs in case.values() for run in runs if "adapter" in run]
    return adapters[0] if adapters else "unknown"


def steps(runs: list) -> list:
    return [step for run in runs for step in run["steps"]]


def report(results: dict) -> str:
    answers = [run for case in results["runs"].values() for runs in case.values() for run in runs]
    ours = [answer for answer in answers if "adapter" in answer]
    lines = [
        f"# One step of a UNet on {card(results)}, fp16",
        "",
        "Ours (onnxruntime-web's WebGPU provider on Dawn, in Node, as the app runs it in the browser) against diffusers'",
        "UNet2DConditionModel in PyTorch fp16 (SDPA, `cudnn.benchmark`, not compiled), both halves of the guidance in one batch,",
        "random weights, processes in turns. A step is from asking until the GPU has finished. Median in milliseconds over all",
        "processes, and the medians of the fastest and the slowest process. `bench/gpu/README.md` says how to repeat it.",
        "",
    ]
    if results.get("rehearsal"):
        lines += ["**A rehearsal with tiny UNets: no number here says anything about speed.**", ""]
    for case, contenders in results["runs"].items():
        lines += [
            f"## {case}",
            "",
            "| | step | processes | load | first step | kernels |",
            "|---|---|---|---|---|---|",
        ]
        for name, runs in contenders.items():
            if "profile" in name:
                continue
            medians = [median(run["steps"]) for run in runs]
            loads = median([run.get("loadTime", run.get("load_time")) for run in runs])
            first = median([run.get("firstRun", run.get("first_run")) for run in runs])
            broken = "" if all(run["finite"] for run in runs) else " **(not finite)**"
            lines.append(
                f"| {name}{broken} | {median(steps(runs)):.2f} | {len(runs)}: {min(medians):.2f}–{max(medians):.2f} | "
                f"{loads:.0f} | {first:.0f} | {runs[0].get('kernels', '')} |"
            )
        lines += ["", *comparisons(contenders, has_goal=not results.get("rehearsal")), ""]
        lines += profile(contenders)
    if results["numerics"]:
        lines += numerics(results["numerics"])
    lines += conditions(results, ours, answers)
    if results["problems"]:
        lines += ["## Not measured", "", *(f"```\n{problem}\n```" for problem in results["problems"]), ""]
    return "\n".join(lines)


def comparisons(contenders: dict, has_goal: bool) -> list:
    speeds = {name: median(steps(runs)) for name, runs in contenders.items() if "profile" not in name}
    peers = {name: time for name, time in speeds.items() if name.startswith("torch")}
    lines = []
    if peers:
        peer = min(peers, key=peers.get)
        for name in ("ours", "ours, graph capture"):
            if name not in speeds:
                continue
            ratio = peers[peer] / speeds[name]
            verdict = f"; the goal of {GOAL} is met" if ratio >= GOAL else f"; below the goal of {GOAL}"
            lines.append(
                f"- **{name}: {ratio:.2f} × as fast as {peer}**, PyTorch's faster way here{verdict if has_goal else ''}."
            )
    for name, time in speeds.items():
        difference = next((run["difference"] for run in contenders[name] if "difference" in run), None)
        if "ours" in speeds and difference:
            lines.append(
                f"- {name}: {time / speeds['ours']:.2f} × the time of ours as it is; its prediction differs by "
                f"{difference['rms']:.1e} (root mean square, relative)."
            )
    return lines


def profile(contenders: dict) -> list:
    entries = next((run["profile"] for run in contenders.get("ours, profile", []) if run.get("profile")), None)
    if not entries:
        return []
    total = sum(entry["milliseconds"] for entry in entries)
    lines = ["GPU time of ours by kernel, all runs of one process:", "", "| kernel | share | calls |", "|---|---|---|"]
    for entry in entries[:PROFILE_LINES]:
        lines.append(f"| {entry['kernel']} | {100 * entry['milliseconds'] / total:.1f} % | {entry['calls']} |")
    return [*lines, ""]


def numerics(cases: dict) -> list:
    lines = [
        "## Numbers",
        "",
        "Against PyTorch in float32 without TF32, on one seeded checkpoint of fp16 weights: error relative to the exact",
        "prediction, root mean square and largest.",
        "",
        "| | | rms | largest |",
        "|---|---|---|---|",
    ]
    for case, errors in cases.items():
        for name, error in errors.items():
            label = "torch, fp16" if name == "torch" else name
            lines.append(f"| {case} | {label} | {error['rms']:.1e} | {error['max']:.1e} |")
    return [*lines, ""]


def conditions(results: dict, ours: list, answers: list) -> list:
    lines = ["## Conditions", ""]
    driver = f", driver {results['driver']}, {results['memory']}" if results.get("driver") else ""
    lines.append(f"- {card(results)}{driver}.")
    if ours:
        first = ours[0]
        bug = "shows" if "zero loop variables" in first["needed"] else "does not show"
        lines.append(f"- {first['runtime']}, Dawn of npm `webgpu`; adapter: {first['adapter']}.")
        lines.append(f"- The shader compiler's bug with variables of loops {bug} on this driver.")
        lines.append(f"- Shader patches in force unless said otherwise: {', '.join(first['installed']) or 'none'}.")
    for runtime in sorted({answer["runtime"] for answer in answers if "adapter" not in answer}):
        lines.append(f"- {runtime}.")
    return [*lines, ""]
