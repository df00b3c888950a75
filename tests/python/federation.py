"""Takes part in a federation from outside: as the sensor of its first node, and as eight further nodes.

    federation.py BOOTSTRAP_SERVERS ROUNDS

Each of the eight sends its updates in another form, and Kafka compresses them in turn in each of its ways. What comes
back is verified: digests, the global model as the weighted mean, and that a score carries the trace of its reading.
"""

import json
import random
import sys
from dataclasses import replace
from itertools import count, cycle

import numpy as np
from envelope import COMPRESSIONS, decode, encode
from records import CODECS, Reader, Writer

READINGS, UPDATES, GLOBALS, PREDICTIONS = "sensor-data-node-1", "model_updates", "global_model", "predictions"
FORMS = [(compression, binary) for compression in COMPRESSIONS for binary in (False, True)]
TOGETHER = 20
ROWS_PER_ROUND = 200


class Sensor:
    """One machine, one row of ten of which is anomalous."""

    def __init__(self, servers):
        self._writers = {codec: Writer(servers, codec) for codec in CODECS}
        self._codecs, self._numbers, self._random = cycle(CODECS), count(), random.Random(7)
        self.traces = {}

    def send(self):
        """Sends a few readings, compressed in yet another way."""
        writer = self._writers[next(self._codecs)]
        traces = {}
        for number in (next(self._numbers) for _ in range(TOGETHER)):
            key, trace = f"pump-{number}", f"{number + 1:032x}"
            writer.write(READINGS, key, self._row(number), [("traceparent", f"00-{trace}-{1:016x}-01")])
            traces[key] = trace
        writer.flush()
        self.traces |= {writer.positions[key][1]: trace for key, trace in traces.items()}

    def _row(self, number):
        anomalous = number % 10 == 0
        columns = {name: self._random.gauss(3.0 if anomalous else 0.0, 1.0) for name in ("pressure", "temperature")}
        row = {"timestamp": number / 100, "node": 1, "sensor": "pump", **columns, "anomaly": int(anomalous)}
        return json.dumps(row)


def verified_score(record, sensor):
    """The model that gave the score, 0 without one; the score's trace is that of the reading it names."""
    message = json.loads(record.value())
    assert message["message_type"] == "PREDICTION_RESULT", message
    score, model_version = message["data"]["score"], message["data"]["model_version"]
    assert np.isfinite(score) if model_version else score is None, message
    trace = dict(record.headers())["traceparent"].decode().split("-")[1]
    assert trace == sensor.traces[message["metadata"]["input"]["offset"]], message
    return model_version


def train(own):
    """Eight updates beside the first node's own."""
    rng = np.random.default_rng(own.round)
    for number in range(len(FORMS)):
        weights = {name: array + rng.normal(size=array.shape).astype("<f4") for name, array in own.weights.items()}
        yield replace(own, sender=f"fog-node-{number + 2}", samples=100 + number, weights=weights, metrics={"loss": 0.5})


def verify_mean(model, updates):
    """A global model is the mean of its updates, weighted by their samples."""
    samples = [update.samples for update in updates]
    assert model.samples == sum(samples), (model.samples, samples)
    for name, array in model.weights.items():
        mean = np.average([update.weights[name].astype("f8") for update in updates], axis=0, weights=samples)
        np.testing.assert_allclose(array, mean, rtol=1e-5, atol=1e-6)


def main(servers, rounds):
    updates, models, predictions = (Reader(servers, topic) for topic in (UPDATES, GLOBALS, PREDICTIONS))
    sensor, writers = Sensor(servers), cycle([Writer(servers, codec) for codec in CODECS])
    scores, hashes = 0, []

    def model_of(round, kind, sender):
        def found(record):
            model = decode(record.value(), record.headers())
            return model if (model.kind, model.sender, model.round) == (kind, sender, round) else None

        return found

    for round in range(1, rounds + 1):
        for _ in range(ROWS_PER_ROUND // TOGETHER):
            sensor.send()
        # The first global model is the first there is to score with.
        while round > 1 and scores < TOGETHER:
            sensor.send()
            while (record := predictions.next(1)) is not None:
                scores += verified_score(record, sensor) > 0
        own = updates.first(model_of(round, "model_update", "fog-node-1"))
        sent = list(train(own))
        for update, (compression, binary), writer in zip(sent, FORMS, writers):
            value, headers = encode(update, compression, binary)
            writer.write(UPDATES, update.sender, value, headers)
            writer.flush()
        model = models.first(model_of(round, "global_model", "aggregator"))
        verify_mean(model, [own, *sent])
        hashes.append(model.sha256())
    print(json.dumps({"weights_sha256": hashes, "scores": scores}))


main(sys.argv[1], int(sys.argv[2]))
