"""The interface `preprocessing`."""

from wit_world.exports import preprocessing
from wit_world.imports import types

import card
import conversion
from algorithm import Changes


class Preprocessor(preprocessing.Preprocessor):
    """Sees one source's rows, in order."""

    def __init__(self, columns, keep):
        self.columns, self.keep = columns, keep
        self.changes = Changes(len(columns))

    @classmethod
    def open(cls, columns, parameters):
        return cls(columns, conversion.read(parameters, card.KEEP))

    def output_columns(self):
        kept = self.columns if self.keep else []
        return kept + [f"{name}_change" for name in self.columns]

    def fit(self, input):
        self.transform(input)

    def transform(self, input):
        out = []
        for row in conversion.rows(input, len(self.columns)):
            values, changes = self.changes.step(row)
            out.extend(values if self.keep else [])
            out.extend(changes)
        return types.Batch(input.rows, out, input.labels)

    def save(self):
        return conversion.weights(self.changes.save())

    def restore(self, state):
        self.changes.load(conversion.tensors(state, dict.fromkeys(("known", "last"), len(self.columns))))
