"""Writes a record for each key, and says which partition each was given.

    keys.py BOOTSTRAP_SERVERS TOPIC KEY...
"""

import json
import sys

from records import Writer


def main(servers, topic, keys):
    writer = Writer(servers, "lz4")
    for key in keys:
        writer.write(topic, key, "from python")
    writer.flush()
    print(json.dumps({key: partition for key, (partition, _) in writer.positions.items()}))


main(sys.argv[1], sys.argv[2], sys.argv[3:])
