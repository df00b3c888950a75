"""The interface `training`."""

from wit_world.exports import training
from wit_world.imports import host, types

import card
import conversion
from algorithm import Normal, mean


class Trainer(training.Trainer):
    """A model that is being trained."""

    def __init__(self, columns, rate):
        self.columns = columns
        self.normal = Normal(columns, rate)

    @classmethod
    def open(cls, columns, parameters, seed):
        return cls(len(columns), conversion.read(parameters, card.LEARNING_RATE))

    def save(self):
        return conversion.weights(self.normal.save())

    def load(self, model):
        self.normal.load(conversion.tensors(model, {"centre": self.columns, "spread": self.columns}))

    def train(self, input, epochs):
        """Learns from the rows that are not labelled anomalous; without labels, from all."""
        labels = input.labels or [0.0] * input.rows
        rows = [row for row, label in zip(conversion.rows(input, self.columns), labels) if label < 0.5]
        loss = 0.0
        for epoch in range(1, epochs + 1):
            self.normal.learn(rows)
            loss = mean([self.normal.score(row) for row in rows], 0.0)
            if host.progress(epoch, epochs, [types.Metric("loss", loss)]) == host.Signal.STOP:
                break
        return training.Report(len(rows), loss, [])
