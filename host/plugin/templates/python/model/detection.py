"""The interface `detection`."""

from wit_world.exports import detection

import card
import conversion
from algorithm import Normal


class Detector(detection.Detector):
    """Scores rows by what trainers have learnt."""

    def __init__(self, columns, rate):
        self.columns = columns
        self.normal = Normal(columns, rate)

    @classmethod
    def open(cls, columns, parameters, seed):
        return cls(len(columns), conversion.read(parameters, card.LEARNING_RATE))

    def load(self, model):
        self.normal.load(conversion.tensors(model, {"centre": self.columns, "spread": self.columns}))

    def save(self):
        return conversion.weights(self.normal.save())

    def score(self, input):
        return [self.normal.score(row) for row in conversion.rows(input, self.columns)]
