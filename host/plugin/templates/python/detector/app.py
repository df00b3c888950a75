"""The plug-in `{{name}}`: glue between the host's interface and `algorithm.py`."""

from wit_world import exports

import card


class Metadata(exports.Metadata):
    """Answers `describe`."""

    def describe(self):
        return card.CARD


class Detection(exports.Detection):
    """The interface; its class `Detector` lies in `detection.py`."""
