"""How long a forge asks us to wait, as it says so in the headers of an answer."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds by ``Retry-After``, else until the limit named is reset; None where the forge says neither.

    ``headers`` have names in lower case. Times are compared with the forge's own clock where it tells it.
    """
    asked = headers.get("retry-after", "").strip()
    if asked.isdigit():
        return float(asked)
    now = _date(headers.get("date", "")) or time.time()
    if (until := _date(asked)) is not None:
        return max(0.0, until - now)
    for prefix in ("x-ratelimit", "ratelimit"):
        if headers.get(f"{prefix}-remaining") == "0" and (reset := headers.get(f"{prefix}-reset", "")).isdigit():
            # A second more, for it is reset within that second.
            return max(0.0, float(reset) - now) + 1
    return None


def _date(text: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        return None
