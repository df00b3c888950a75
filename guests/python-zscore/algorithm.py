"""How far a row lies from the rows before it. Nothing of the host's is used here, so tests run anywhere."""

import math
import struct

LARGEST = 3.4028234663852886e38


def single(value):
    """As a 32-bit float: what is saved is what is computed with, so a restored state continues exactly."""
    return struct.unpack("f", struct.pack("f", max(-LARGEST, min(LARGEST, value))))[0]


class Surprise:
    """Each column's mean and variance, in which older rows fade."""

    def __init__(self, columns, memory_rows):
        self.memory_rows = memory_rows
        self.rows, self.mean, self.variance = ([0.0] * columns for _ in range(3))

    def score(self, row):
        """The largest distance of a value from its column's mean, in standard deviations; then learns from the row."""
        known = [(column, value) for column, value in enumerate(row) if math.isfinite(value)]
        score = max((self._distance(column, value) for column, value in known), default=0.0)
        for column, value in known:
            self._learn(column, value)
        return score

    def _distance(self, column, value):
        if self.variance[column] <= 0.0:
            return 0.0
        return min(abs(value - self.mean[column]) / math.sqrt(self.variance[column]), 1e6)

    def _learn(self, column, value):
        self.rows[column] = single(min(self.rows[column] + 1.0, self.memory_rows))
        share, away = 1.0 / self.rows[column], value - self.mean[column]
        self.mean[column] = single(self.mean[column] + share * away)
        self.variance[column] = single((1.0 - share) * (self.variance[column] + share * away * away))

    def save(self):
        """All that later scores depend on."""
        return {"rows": self.rows, "mean": self.mean, "variance": self.variance}

    def load(self, saved):
        """Takes over what `save` gave."""
        self.rows, self.mean, self.variance = (list(saved[name]) for name in ("rows", "mean", "variance"))
