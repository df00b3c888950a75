"""Reads and verifies models of any form, and says what they are.

    models.py BOOTSTRAP_SERVERS TOPIC COUNT
"""

import json
import sys

from envelope import decode
from records import Reader


def described(record):
    headers = record.headers() or []
    model = decode(record.value(), headers)
    return {
        "key": record.key().decode(),
        "weights_sha256": model.sha256(),
        "traceparent": dict(headers)["traceparent"].decode(),
    }


def main(servers, topic, count):
    reader = Reader(servers, topic)
    print(json.dumps([described(reader.next()) for _ in range(count)]))


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
