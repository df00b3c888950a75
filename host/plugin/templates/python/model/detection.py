"""The interface `detection`."""

from wit_world.exports import detection

import card
import crossing
from algorithm import Normal


class Detector(detection.Detector):
    """Scores rows by what trainers have learnt."""

    def __init__(self, columns, rate):
        self.columns = columns
        self.normal = Normal(columns, rate)

    @classmethod
    def open(cls, columns, parameters, seed):
        return cls(len(columns), crossing.read(parameters, card.LEARNING_RATE))

    def load(self, model):
        self.normal.load(crossing.tensors(model, {"centre": self.columns, "spread": self.columns}))

    def save(self):
        return crossing.weights(self.normal.save())

    def score(self, input):
        return [self.normal.score(row) for row in crossing.rows(input, self.columns)]
