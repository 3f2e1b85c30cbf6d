"""End when a Secret of this namespace holds the keys named: await_secret.py SECRET KEY...

The kubelet resolves the variables of a container when it starts it and asks again only every ten
to fifteen seconds; a container that waits for the Secret beforehand starts at once. It watches (one
open request, no polling), shows no value, and gives up after five minutes.
"""

import json
import os
import ssl
import sys
import time
import urllib.parse
import urllib.request

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
PATIENCE = 300.0


def content(name):
    """A file of the pod's service account."""
    with open(os.path.join(ACCOUNT, name), encoding="utf-8") as file:
        return file.read().strip()


def changes(secret, seconds):
    """The data of the Secret as it is and then as it changes, for some seconds."""
    query = urllib.parse.urlencode(
        {"watch": "true", "fieldSelector": f"metadata.name={secret}", "timeoutSeconds": max(1, int(seconds))}
    )
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    address = f"[{host}]" if ":" in host else host
    request = urllib.request.Request(
        f"https://{address}:{port}/api/v1/namespaces/{content('namespace')}/secrets?{query}",
        headers={"Authorization": f"Bearer {content('token')}"},
    )
    trust = ssl.create_default_context(cafile=os.path.join(ACCOUNT, "ca.crt"))
    with urllib.request.urlopen(request, context=trust, timeout=seconds + 5) as stream:
        for line in stream:
            yield json.loads(line)["object"].get("data") or {}


def main():
    secret, *keys = sys.argv[1:]
    print(f"waiting for the Secret {secret} to hold {', '.join(keys)}", flush=True)
    deadline = time.monotonic() + PATIENCE
    trouble = "it does not hold them"
    while (left := deadline - time.monotonic()) > 0:
        try:
            for data in changes(secret, left):
                if all(data.get(key) for key in keys):
                    return 0
        except OSError as error:
            trouble = str(error)
            time.sleep(1)
    print(f"gave up after {PATIENCE:.0f} s: {trouble}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
