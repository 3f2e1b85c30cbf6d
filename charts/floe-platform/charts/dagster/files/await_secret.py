"""End when a Secret of this namespace holds the keys named: await_secret.py SECRET KEY...

The kubelet resolves the variables of a container when it starts it, and asks again only every ten
to fifteen seconds; a container that waits for the Secret beforehand starts at once. It watches (one
open request, no polling), shows no value, and gives up after five minutes.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ACCOUNT = Path(os.environ.get("SERVICE_ACCOUNT", "/var/run/secrets/kubernetes.io/serviceaccount"))
PATIENCE = float(os.environ.get("PATIENCE_SECONDS", "300"))


def states(secret: str, seconds: float) -> Iterator[dict[str, str]]:
    """The data of the Secret as it is and then as it changes, for some seconds."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    server = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    namespace = (ACCOUNT / "namespace").read_text().strip()
    query = urllib.parse.urlencode(
        {
            "watch": "true",
            "fieldSelector": f"metadata.name={secret}",
            # From what the API server has at hand: without it, one on an old etcd may answer 504.
            "resourceVersion": "0",
            "timeoutSeconds": max(1, int(seconds)),
        }
    )
    request = urllib.request.Request(
        f"https://{server}/api/v1/namespaces/{namespace}/secrets?{query}",
        headers={"Authorization": f"Bearer {(ACCOUNT / 'token').read_text().strip()}"},
    )
    trust = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, context=trust, timeout=seconds + 5) as events:  # noqa: S310 - always https
        for event in events:
            yield json.loads(event)["object"].get("data") or {}


def main(secret: str, *keys: str) -> int:
    """0 once the Secret holds every key, 1 when the patience is at its end."""
    print(f"waiting for the Secret {secret} to hold {', '.join(keys)}", flush=True)
    deadline = time.monotonic() + PATIENCE
    trouble = "it does not hold them"
    while (left := deadline - time.monotonic()) > 0:
        try:
            if any(all(data.get(key) for key in keys) for data in states(secret, left)):
                return 0
        except OSError as error:
            # The API server may be away for a moment, or the role not be bound yet.
            trouble = str(error)
        time.sleep(min(1.0, left))
    print(f"gave up on the Secret {secret} after {PATIENCE:.0f} s: {trouble}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
