"""Pushes people and teams to a node with Commander, the provider's own client.

HEADCOUNT_URL and HEADCOUNT_TOKEN say where to. Standard input is the source, as Commander's `record` source takes it:
{"users": [{"id", "email", "full_name", "first_name", "last_name", "active", "groups"}], "groups": [{"id", "name"}]}.

Commander reads its configuration from a record of the user's vault. Here the vault has one record, in memory. All the
rest, from that record to the last request, is Commander's own: nothing of it is replaced.

Prints {"warnings": [...], "news": [...], "seconds": ...}: what Commander warned of, what it says that it did, and how
long that took.
"""

import json
import logging
import os
import sys
import time
from urllib.parse import urlsplit

from keepercommander.commands.scim import ScimPushCommand
from keepercommander.params import KeeperParams

RECORD = "the-only-record"


class Said(logging.Handler):
    """What Commander says, by how bad it is."""

    def __init__(self):
        super().__init__(logging.INFO)
        self.warnings = []
        self.news = []

    def emit(self, record):
        heard = self.warnings if record.levelno >= logging.WARNING else self.news
        heard.append(record.getMessage())


class NoEnterprise:
    """Commander reads the enterprise anew after a push, from a server that needs a login. The push does not use it."""

    def load(self, params):
        pass


def vault(node, token, source):
    """The parameters of a session whose vault has the record of this push."""
    record = {
        "type": "login",
        "title": "SCIM",
        "notes": json.dumps(source),
        "fields": [
            {"type": "url", "value": [node]},
            {"type": "password", "value": [token]},
        ],
        "custom": [],
    }
    params = KeeperParams(server=node)
    params.record_cache[RECORD] = {
        "record_uid": RECORD,
        "version": 3,
        "data_unencrypted": json.dumps(record),
        "record_key_unencrypted": b"",
    }
    params.enterprise = {"scims": [{"scim_id": 1, "node_id": urlsplit(node).path.rsplit("/", 1)[-1]}]}
    params.enterprise_loader = NoEnterprise()
    return params


def main():
    said = Said()
    logging.basicConfig(level=logging.INFO, handlers=[said])
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    params = vault(os.environ["HEADCOUNT_URL"], os.environ["HEADCOUNT_TOKEN"], json.load(sys.stdin))
    begun = time.monotonic()
    ScimPushCommand().execute(params, target="1", record=RECORD, source="record", auto_approve="off")
    seconds = time.monotonic() - begun
    json.dump({"warnings": said.warnings, "news": said.news, "seconds": seconds}, sys.stdout)


if __name__ == "__main__":
    main()
