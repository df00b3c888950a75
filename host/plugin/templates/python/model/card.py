"""What the plug-in says of itself, and its parameters: declared once, for `describe` and for reading."""

from wit_world.exports.metadata import Descriptor, ParameterSpec
from wit_world.imports import types

LEARNING_RATE = ParameterSpec(
    "learning_rate", "share of the way to the rows' means that an epoch goes", types.Value_Number(0.5), 1e-3, 1.0, []
)
CARD = Descriptor("{{name}}", "0.1.0", "Mean distance of a row's values from their normal ones.", [LEARNING_RATE])
