"""Reading and writing records with confluent-kafka."""

import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
PATIENCE_S = 60


class Writer:
    """Records that Kafka compresses in one way."""

    def __init__(self, servers, codec):
        self.positions = {}
        # librdkafka's own choice of a partition is not that of the Java client and of fedhost: this one is.
        self._producer = Producer(
            {"bootstrap.servers": servers, "compression.type": codec, "partitioner": "murmur2_random"}
        )

    def write(self, topic, key, value, headers=()):
        """Takes a record; `positions` has its partition and offset, by key, once it is flushed."""
        self._producer.produce(topic, key=key, value=value, headers=list(headers), on_delivery=self._delivered)
        self._producer.poll(0)

    def flush(self):
        """Waits until every record is acknowledged."""
        if self._producer.flush(PATIENCE_S):
            raise TimeoutError("records are not acknowledged")

    def _delivered(self, error, record):
        if error:
            raise RuntimeError(error)
        self.positions[record.key().decode()] = (record.partition(), record.offset())


class Reader:
    """All records of a topic, from its beginning."""

    def __init__(self, servers, topic):
        self._consumer = Consumer({"bootstrap.servers": servers, "group.id": "python", "enable.auto.commit": False})
        partitions = self._partitions(topic)
        self._consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])

    def next(self, wait_s=PATIENCE_S):
        """The next record; nothing when there is none for that long."""
        record = self._consumer.poll(wait_s)
        if record is not None and record.error():
            raise RuntimeError(record.error())
        return record

    def first(self, found):
        """The next record of which `found` makes something; that something."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            record = self.next(1)
            result = record and found(record)
            if result:
                return result
        raise TimeoutError("the record does not come")

    def _partitions(self, topic):
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            metadata = self._consumer.list_topics(timeout=PATIENCE_S).topics.get(topic)
            if metadata and metadata.partitions:
                return metadata.partitions
            time.sleep(0.1)
        raise TimeoutError(f"there is no topic {topic}")
