"""Make the self-test model: a seeded, untrained 32-64-32-1 network that decides nothing.

The engine selector runs it in a child process before it trusts an onnxruntime it has not met yet.

usage: python -m onnx_models.selftest.make
"""

import itertools

import numpy as np

from onnx_models.export import GraphBuilder, ship

SEED = 20261122
LAYERS = (32, 64, 32, 1)


def main() -> None:
    """Write selftest.onnx and its catalog entry."""
    rng = np.random.default_rng(SEED)
    graph = GraphBuilder("selftest")
    value = graph.input("features", (1, LAYERS[0]))
    for number, (fan_in, fan_out) in enumerate(itertools.pairwise(LAYERS)):
        weight = rng.standard_normal((fan_in, fan_out)) * np.sqrt(2 / fan_in)
        bias = rng.standard_normal(fan_out) * 0.1
        last = number == len(LAYERS) - 2
        value = graph.dense(value, weight, bias, activation="Sigmoid" if last else "Relu")
    graph.output(value, "probability", (1, LAYERS[-1]))
    path = ship(
        graph,
        version="1.0.0",
        metadata={
            "description": "Seeded random weights; only for checking an inference engine.",
            "licence": "Apache-2.0",
            "training_data": "none",
        },
        seed=SEED,
    )
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
