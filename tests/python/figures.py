"""Computes every figure of an evaluation again, from its scores alone, with scikit-learn.

    figures.py SCORES_CSV DOCUMENT_JSON

Of the document it takes nothing but the thresholds and how many rows each file has. Prints one object a plug-in.
"""

import csv
import json
import sys

import nab
import numpy as np
from sklearn import metrics


def read(path):
    """Files in their order, each with row numbers, labels, and scores by plug-in; scores are 32-bit floats."""
    files = {}
    with open(path, newline="") as lines:
        reader = csv.reader(lines)
        plugins = next(reader)[3:]
        for name, row, label, *scores in reader:
            files.setdefault(name, []).append((int(row), int(label), *scores))
    columns = {name: list(zip(*rows)) for name, rows in files.items()}
    return {
        name: {
            "rows": np.array(rows),
            "labels": np.array(labels),
            "scores": {plugin: np.array(one, np.float32).astype(float) for plugin, one in zip(plugins, scores)},
        }
        for name, (rows, labels, *scores) in columns.items()
    }


def windows(labels):
    """First and last place of each run of anomalous rows."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], labels, [0]])))
    return list(zip(edges[::2], edges[1::2] - 1))


def delays(series, threshold):
    """Rows until the first alarm of each window; None where there is none."""
    for labels, scores in series:
        for first, last in windows(labels):
            alarms = np.flatnonzero(scores[first : last + 1] >= threshold)
            yield int(alarms[0]) if alarms.size else None


def at_threshold(labels, scores, threshold):
    flagged = scores >= threshold
    normal, anomalous = metrics.recall_score(labels, flagged, average=None, labels=[0, 1], zero_division=0)
    return {
        "precision": metrics.precision_score(labels, flagged, zero_division=0),
        "recall": metrics.recall_score(labels, flagged, zero_division=0),
        "f1": metrics.f1_score(labels, flagged, zero_division=0),
        "far": 1 - normal,
        "mar": 1 - anomalous,
    }


def of_plugin(files, lengths, plugin, threshold):
    series = [(file["labels"], file["scores"][plugin]) for file in files.values()]
    labels, scores = (np.concatenate(parts) for parts in zip(*series))
    noticed = [delay for delay in delays(series, threshold) if delay is not None]
    figures = {
        "roc_auc": metrics.roc_auc_score(labels, scores),
        "average_precision": metrics.average_precision_score(labels, scores),
        **at_threshold(labels, scores, threshold),
        "detection_delay": {
            "windows": sum(len(windows(labels)) for labels, _ in series),
            "detected": len(noticed),
            "mean_rows": float(np.mean(noticed)) if noticed else None,
            "median_rows": float(np.median(noticed)) if noticed else None,
        },
        "nab": nab.scores(
            [
                nab.Series(lengths[name], file["rows"], file["scores"][plugin], windows(file["labels"]))
                for name, file in files.items()
            ]
        ),
        "brier": None,
    }
    if scores.min() >= 0 and scores.max() <= 1:
        figures["brier"] = metrics.brier_score_loss(labels, scores)
    return figures


def main(scores_csv, document_json):
    files = read(scores_csv)
    with open(document_json) as text:
        document = json.load(text)
    lengths = {file["name"]: file["rows"] for file in document["data"]["file_list"]}
    thresholds = {result["plugin"]: float(np.float32(result["threshold"])) for result in document["results"]}
    print(json.dumps({plugin: of_plugin(files, lengths, plugin, thresholds[plugin]) for plugin in thresholds}))


main(sys.argv[1], sys.argv[2])
