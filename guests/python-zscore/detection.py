"""The interface `detection`."""

from wit_world.exports import detection

import card
import conversion
from algorithm import Surprise


class Detector(detection.Detector):
    """Scores one source's rows, in order."""

    def __init__(self, columns, memory_rows):
        self.columns = columns
        self.surprise = Surprise(columns, memory_rows)

    @classmethod
    def open(cls, columns, parameters, seed):
        return cls(len(columns), conversion.read(parameters, card.MEMORY_ROWS))

    def load(self, model):
        self.surprise.load(conversion.tensors(model, dict.fromkeys(("rows", "mean", "variance"), self.columns)))

    def save(self):
        return conversion.weights(self.surprise.save())

    def score(self, input):
        return [self.surprise.score(row) for row in conversion.rows(input, self.columns)]
