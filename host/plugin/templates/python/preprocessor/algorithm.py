"""How much each column changes from row to row. Nothing of the host's is used here, so tests run anywhere."""

import math

LARGEST = 3.4028234663852886e38


class Changes:
    """One source's last values."""

    def __init__(self, columns):
        self.known, self.last = [0.0] * columns, [0.0] * columns

    def step(self, row):
        """The row as it counts, and its changes; a missing value counts as the one before it."""
        values, changes = [], []
        for column, value in enumerate(row):
            before = self.last[column]
            value = value if math.isfinite(value) else before
            change = value - before if self.known[column] else 0.0
            values.append(value)
            changes.append(max(-LARGEST, min(LARGEST, change)))
            self.known[column], self.last[column] = 1.0, value
        return values, changes

    def save(self):
        """All that later rows depend on."""
        return {"known": self.known, "last": self.last}

    def load(self, saved):
        """Takes over what `save` gave."""
        self.known, self.last = list(saved["known"]), list(saved["last"])
