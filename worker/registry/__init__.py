"""The registry's room: incident states, claims with leases, the journal, and the closing of an incident."""

from worker.registry.claim import Claim
from worker.registry.registry import Registry
from worker.registry.view import IncidentState, OpenIncident, RegistryEntry, RegistryView, WorkerBeat

__all__ = ["Claim", "IncidentState", "OpenIncident", "Registry", "RegistryEntry", "RegistryView", "WorkerBeat"]
