"""What the plug-in says of itself, and its parameters: declared once, for `describe` and for reading."""

from wit_world.exports.metadata import Descriptor, ParameterSpec
from wit_world.imports import types

MEMORY_ROWS = ParameterSpec(
    "memory_rows", "rows after which older ones fade", types.Value_Number(200.0), 2.0, 1e6, []
)
CARD = Descriptor("{{name}}", "0.1.0", "Largest distance of a value from its column's recent mean.", [MEMORY_ROWS])
