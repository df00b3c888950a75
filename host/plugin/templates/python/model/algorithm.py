"""How far a row lies from what is normal. Nothing of the host's is used here, so tests run anywhere."""

import math
import struct

LARGEST = 3.4028234663852886e38


def single(value):
    """As a 32-bit float: what is saved is what is computed with, so a loaded model continues exactly."""
    return struct.unpack("f", struct.pack("f", max(-LARGEST, min(LARGEST, value))))[0]


def mean(values, otherwise):
    """The mean, or `otherwise` when there are no values."""
    return math.fsum(values) / len(values) if values else otherwise


class Normal:
    """Where each column's normal values lie, and how far they usually are from there. A mean of several is one, too."""

    def __init__(self, columns, rate):
        self.rate = rate
        self.centre, self.spread = [0.0] * columns, [1.0] * columns

    def learn(self, rows):
        """Moves every column towards the rows' mean and mean distance."""
        for column in range(len(self.centre)):
            values = [row[column] for row in rows if math.isfinite(row[column])]
            centre = self._towards(self.centre[column], mean(values, self.centre[column]))
            away = mean([abs(value - centre) for value in values], self.spread[column])
            self.centre[column], self.spread[column] = centre, self._towards(self.spread[column], away)

    def _towards(self, start, end):
        return single(start + self.rate * (end - start))

    def score(self, row):
        """Mean distance of the values from their centres, in spreads; a missing value does not count."""
        known = [column for column, value in enumerate(row) if math.isfinite(value)]
        return mean([min(abs(row[c] - self.centre[c]) / max(self.spread[c], 1e-6), 1e6) for c in known], 0.0)

    def save(self):
        """The model."""
        return {"centre": self.centre, "spread": self.spread}

    def load(self, saved):
        """Takes over what `save` gave, or a mean of several such."""
        self.centre, self.spread = list(saved["centre"]), list(saved["spread"])
