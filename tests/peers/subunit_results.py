"""Reads a subunit stream on standard input and prints one JSON object for each test that ran.

Runs in the environment `tempest`, which knows the format: {"id", "status", "reason", "seconds"}; `status` is
success, skip, fail, xfail or uxsuccess; `reason` is why it was skipped, or the end of what went wrong.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import subunit
import testtools

REASON_CHARACTERS = 3000


def show(test: dict[str, Any]) -> None:
    if test["status"] == "exists":  # listed, not run
        return
    begun, ended = test["timestamps"]
    details = {name: content.as_text() for name, content in test["details"].items()}
    if test["status"] == "skip":
        reason = details.get("reason", "")
    elif test["status"] == "success":
        reason = ""
    else:
        reason = "\n".join(text for name, text in details.items() if "traceback" in name)
    seconds = (ended - begun).total_seconds() if begun and ended else 0.0
    record = {
        "id": test["id"],
        "status": test["status"],
        "reason": reason[-REASON_CHARACTERS:],
        "seconds": round(seconds, 3),
    }
    print(json.dumps(record))


def main() -> None:
    stream = subunit.ByteStreamToStreamResult(sys.stdin.buffer, non_subunit_name="stdout")
    results = testtools.StreamToDict(show)
    results.startTestRun()
    stream.run(results)
    results.stopTestRun()


if __name__ == "__main__":
    main()
