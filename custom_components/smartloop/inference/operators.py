"""The closed list of ONNX operators a shipped file may use, with their attributes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .graph import Attribute

MIN_OPSET = 13
MAX_OPSET = 21

REQUIRED = "required"
"""Stands for an integer attribute without default."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """How many inputs an operator takes, and its attributes with their defaults."""

    least: int = 1
    most: int = 1
    outputs: int = 1
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    """The default also tells the kind: int, float, str, or a tuple of integers or strings."""


_BINARY = Operator(least=2, most=2)
_UNARY = Operator()

OPERATORS: Mapping[str, Operator] = {
    "Add": _BINARY,
    "Cast": Operator(attributes={"to": REQUIRED, "saturate": 1}),
    "Clip": Operator(most=3),
    "Concat": Operator(most=16, attributes={"axis": REQUIRED}),
    "Conv": Operator(
        least=2,
        most=3,
        attributes={
            "auto_pad": "NOTSET",
            "dilations": (0,),
            "group": 1,
            "kernel_shape": (0,),
            "pads": (0,),
            "strides": (0,),
        },
    ),
    "DequantizeLinear": Operator(least=2, most=3, attributes={"axis": 1, "block_size": 0}),
    "Div": _BINARY,
    "Flatten": Operator(attributes={"axis": 1}),
    "GRU": Operator(
        least=3,
        most=6,
        outputs=2,
        attributes={
            "activations": ("Sigmoid", "Tanh"),
            "direction": "forward",
            "hidden_size": REQUIRED,
            "layout": 0,
            "linear_before_reset": 0,
        },
    ),
    "Gemm": Operator(least=2, most=3, attributes={"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0}),
    "GlobalAveragePool": _UNARY,
    "Identity": _UNARY,
    "MatMul": _BINARY,
    "Mul": _BINARY,
    "QuantizeLinear": Operator(
        least=2, most=3, attributes={"axis": 1, "block_size": 0, "output_dtype": 0, "saturate": 1}
    ),
    "Relu": _UNARY,
    "Reshape": Operator(least=2, most=2, attributes={"allowzero": 0}),
    "Sigmoid": _UNARY,
    "Softmax": Operator(attributes={"axis": -1}),
    "Squeeze": Operator(most=2),
    "Sub": _BINARY,
    "Tanh": _UNARY,
    "Transpose": Operator(attributes={"perm": (0,)}),
    "Unsqueeze": Operator(least=2, most=2),
}
