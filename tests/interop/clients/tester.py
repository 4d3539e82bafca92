"""Checks a node with scim2-tester, which knows the RFCs and nothing of the provider.

HEADCOUNT_URL and HEADCOUNT_TOKEN say which node. With the argument `emails` the tester is told that a userName is an
email address; without it, it makes names up as the schema alone allows.

Prints {"checks": [{"check", "about", "status", "reason"}, ...]}.
"""

import json
import os
import re
import sys
import uuid

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import check_server

# What the tester quotes in its reasons is different each time: random names, and the node's own ids.
RANDOM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class NewEmails:
    """The tester takes a random one of an attribute's examples; whichever it takes here, it is nobody's address yet."""

    def __len__(self):
        return 1

    def __getitem__(self, _):
        return f"{uuid.uuid4()}@example.com"


def teach_emails(client):
    """Gives `userName` examples, which is how the tester learns what a schema cannot say."""
    client.discover()
    user = client.get_resource_model("User")
    user.model_fields["user_name"].examples = NewEmails()


def main():
    http = Client(
        base_url=os.environ["HEADCOUNT_URL"],
        headers={"Authorization": f"Bearer {os.environ['HEADCOUNT_TOKEN']}"},
        trust_env=False,
    )
    client = SyncSCIMClient(http)
    if "emails" in sys.argv[1:]:
        teach_emails(client)
    checks = [
        {
            "check": result.title,
            "about": result.resource_type or "",
            "status": result.status.name,
            "reason": RANDOM.sub("RANDOM", result.reason or ""),
        }
        for result in check_server(client)
    ]
    json.dump({"checks": checks}, sys.stdout)


if __name__ == "__main__":
    main()
