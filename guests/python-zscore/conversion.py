"""Values on their way between the host's interface and plain lists."""

from componentize_py_types import Err
from wit_world.imports import types


def read(parameters, spec):
    """The value of a parameter, or its default; the host has checked type and range."""
    return next((one.value.value for one in parameters if one.name == spec.name), spec.default.value)


def weights(tensors):
    """From names to lists of numbers."""
    specs = [types.TensorSpec(name, [len(values)]) for name, values in tensors.items()]
    return types.Weights(specs, [value for values in tensors.values() for value in values])


def tensors(weights, expected):
    """The lists again; `expected` holds names and lengths."""
    found = [(spec.name, list(spec.shape)) for spec in weights.tensors]
    if found != [(name, [length]) for name, length in expected.items()]:
        raise Err(types.Error_InvalidState(f"expected tensors {expected}, found {found}"))
    lists, start = {}, 0
    for name, length in expected.items():
        lists[name] = weights.data[start : start + length]
        start += length
    return lists


def rows(batch, columns):
    """The rows of a batch, one list each."""
    return [batch.values[row * columns : (row + 1) * columns] for row in range(batch.rows)]
