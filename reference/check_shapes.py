"""Compares our shape inference with onnxruntime's symbolic one, which builds on onnx.shape_inference.

    GREFINE_GRAPHS=/tmp/graphs npx vitest run src/graph/unetFullSize.test.ts
    python reference/check_shapes.py /tmp/graphs

Needs sympy. onnxruntime's tool has no rules for GroupNorm, SkipGroupNorm and MatMulNBits of our versions; their outputs are
given to it, so that it goes on behind them, and counted apart.
"""

import json
import sys
from pathlib import Path

import onnx
from onnxruntime.tools.symbolic_shape_infer import SymbolicShapeInference

ELEMENT_TYPES = {1: "float32", 2: "uint8", 6: "int32", 7: "int64", 9: "bool", 10: "float16"}
GIVEN = ("GroupNorm", "SkipGroupNorm", "MatMulNBits", "QuickGelu")


def give(model: onnx.ModelProto, ours: dict[str, dict]) -> set[str]:
    numbers = {name: number for number, name in ELEMENT_TYPES.items()}
    given = set()
    for node in model.graph.node:
        if node.op_type not in GIVEN:
            continue
        name = node.output[0]
        value = onnx.helper.make_tensor_value_info(name, numbers[ours[name]["type"]], ours[name]["dims"])
        model.graph.value_info.append(value)
        given.add(name)
    return given


def make_weights_inputs(model: onnx.ModelProto) -> None:
    """The weights' bytes are not there, and the tool would read some."""
    inside = [tensor for tensor in model.graph.initializer if tensor.data_location != onnx.TensorProto.EXTERNAL]
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            value = onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
            model.graph.input.append(value)
    del model.graph.initializer[:]
    model.graph.initializer.extend(inside)


def check(path: Path) -> None:
    ours = json.loads(path.with_suffix(".json").read_text())
    model = onnx.load(path, load_external_data=False)
    make_weights_inputs(model)
    given = give(model, ours)
    inferred = SymbolicShapeInference.infer_shapes(model, auto_merge=False, guess_output_rank=False, verbose=0)
    compared = 0
    for value in [*inferred.graph.value_info, *inferred.graph.output]:
        tensor = value.type.tensor_type
        dims = [dim.dim_value if dim.HasField("dim_value") else dim.dim_param for dim in tensor.shape.dim]
        expected = ours.get(value.name)
        if expected is None or value.name in given:
            continue
        found = {"type": ELEMENT_TYPES.get(tensor.elem_type), "dims": dims}
        assert found == expected, f"{path.name}: {value.name} is {found}, ours {expected}"
        compared += 1
    values = {name for node in model.graph.node for name in node.output if name in ours}
    assert compared + len(given) >= len(values), f"{path.name}: {len(values)} values, only {compared} compared"
    print(f"{path.name}: {compared} of {len(values)} values equal, {len(given)} given")


for graph in sorted(Path(sys.argv[1]).glob("*.onnx")):
    check(graph)
