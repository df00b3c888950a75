"""What the plug-in says of itself, and its parameters: declared once, for `describe` and for reading."""

from wit_world.exports.metadata import Descriptor, ParameterSpec
from wit_world.imports import types

KEEP = ParameterSpec(
    "keep", "whether the columns themselves come out, too", types.Value_Boolean(True), None, None, []
)
CARD = Descriptor("{{name}}", "0.1.0", "Beside every column, how much it has changed since the row before.", [KEEP])
