"""A provider whose clients are told what happens, by a delivery that is run by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from api_testbed import certificate_of
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from issuance_testbed import Provider
    from webhook_receiver import Receiver

    from trustworks.issuance.enrolment.clients import ApiClients
    from trustworks.issuance.notices.delivery import Delivery
    from trustworks.issuance.notices.endpoints import Webhooks


@dataclass
class Hooks:
    """A provider that tells `portal` of what it wants to know."""

    provider: Provider
    clients: ApiClients
    webhooks: Webhooks
    delivery: Delivery

    def create(self, receiver: Receiver, *events: str, client: str = "portal") -> tuple[str, str]:
        """A webhook at the receiver: its id and its secret."""
        url = f"http://127.0.0.1:{receiver.port}/hook"
        made, secret = self.webhooks.create(client, url=url, events=events, by="officer")
        return made.id, secret

    def enrol(self, name: str, *profiles: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        acts = ["records.read"]
        self.clients.create(name, certificate_of(key), acts=acts, profiles=profiles, by="officer")

    def deliver(self) -> int:
        """A round, to its end."""
        begun = self.delivery.round()
        self.delivery.finish()
        return begun
