"""The score of the Numenta Anomaly Benchmark, from the published formula (arXiv:1510.03336), threshold by threshold.

It shares no idea with fedhost's: each threshold is scored from the start, with nothing carried over from the last.
A window of one row lies infinitely near to its end, so that every later row is far from it.
"""

from dataclasses import dataclass

import numpy as np

# Weights of a false positive and of a missed window; that of a detected one is 1.
PROFILES = {"standard": (0.11, 1.0), "low_fp": (0.22, 1.0), "low_fn": (0.11, 2.0)}
PROBATION = 0.15
PROBATION_ROWS_MOST = 5000
FAR = 3.0


@dataclass
class Series:
    """Scored rows of one file: how long the whole file is, the rows' numbers in it, scores, windows of scored rows."""

    length: int
    rows: np.ndarray
    scores: np.ndarray
    windows: list

    def counted(self):
        """Whether a row comes after the part in which a detector may learn."""
        return self.rows >= int(min(self.length, PROBATION_ROWS_MOST) * PROBATION)


def sigmoid(place):
    """The paper's scoring function at a place relative to a window."""
    return -1.0 if place > FAR else 2.0 / (1.0 + np.exp(5.0 * place)) - 1.0


def rewards(series):
    """By window: what a detection in each of its rows is worth; NaN in the probationary part."""
    for first, last in series.windows:
        width = last - first + 1
        worth = np.array([sigmoid(-(last - row + 1) / width) / sigmoid(-1.0) for row in range(first, last + 1)])
        counted = series.counted()[first : last + 1]
        if counted.any():
            yield slice(first, last + 1), np.where(counted, worth, np.nan)


def costs(series):
    """What a false alarm in each row is worth; 0 in windows and in the probationary part."""
    worth = np.full(len(series.rows), -1.0)
    for first, last in series.windows:
        worth[first : last + 1] = 0.0
        for row in range(last + 1, len(worth)):
            width = last - first + 1
            worth[row] = sigmoid((row - last) / (width - 1) if width > 1 else np.inf)
    for first, last in series.windows:
        worth[first : last + 1] = 0.0
    return np.where(series.counted(), worth, 0.0)


def scores(corpus):
    """By profile: 0 for a detector that flags nothing, 100 for a perfect one, at the best threshold for all series."""
    prepared = [(series.scores, list(rewards(series)), costs(series)) for series in corpus]
    windows = sum(len(worth) for _, worth, _ in prepared)
    if windows == 0:
        return None
    thresholds = np.unique(np.concatenate([series.scores for series in corpus]))
    parts = [parts_at(prepared, threshold) for threshold in [*thresholds, np.inf]]

    def scaled(false_positive, missed):
        raw = [gained + false_positive * cost - missed * unnoticed for gained, cost, unnoticed in parts]
        null, perfect = -missed * windows, windows
        return 100.0 * (max(raw) - null) / (perfect - null)

    return {profile: scaled(*weights) for profile, weights in PROFILES.items()} | {"windows": windows}


def parts_at(prepared, threshold):
    """Rewards, costs and missed windows at a threshold."""
    gained, cost, unnoticed = 0.0, 0.0, 0
    for scores_of_rows, worth_of_windows, cost_of_rows in prepared:
        flagged = scores_of_rows >= threshold
        cost += cost_of_rows[flagged].sum()
        for place, worth in worth_of_windows:
            seen = worth[flagged[place] & ~np.isnan(worth)]
            gained += seen.max() if seen.size else 0.0
            unnoticed += seen.size == 0
    return gained, cost, unnoticed
