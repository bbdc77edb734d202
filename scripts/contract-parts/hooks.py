"""Loaded by schemathesis: real sheets among the made-up bodies, and a count of what came back."""
import atexit
import collections
import json
import os
import pathlib
import zlib

import schemathesis

SHEETS = [path.read_bytes() for path in sorted(pathlib.Path(os.environ["CONTRACT_SHEETS"]).iterdir())]
STATUSES = collections.Counter()


@schemathesis.hook
def map_body(context, body):
    # Chosen by the body itself: the same case always has the same sheet.
    if isinstance(body, (bytes, bytearray)) and SHEETS:
        number = zlib.crc32(bytes(body))
        if number % 4:
            return SHEETS[number // 4 % len(SHEETS)]
    return body


@schemathesis.hook
def after_call(context, case, response):
    STATUSES[response.status_code] += 1


@atexit.register
def tell():
    with open(os.environ["CONTRACT_TALLY"], "a", encoding="utf-8") as tally:
        tally.write(json.dumps(STATUSES) + "\n")
