"""The prompts: short Markdown files with strict placeholders, and the hash that every result carries."""

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from string import Template

from worker.contract.incident import Incident
from worker.contract.transcript import Transcript
from worker.triage.fence import fenced
from worker.triage.instructions import strings_in, suspicions_in

__all__ = ["Prompts"]


@dataclass(frozen=True, slots=True)
class Prompts:
    """The texts in force; `version` is the head of their SHA-256."""

    system: Template
    incident: Template
    version: str

    @classmethod
    def load(cls) -> "Prompts":
        """Read the files of this package."""
        texts = [files(__package__).joinpath(name).read_text("utf-8") for name in ("system.md", "incident.md")]
        version = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]
        return cls(system=Template(texts[0]), incident=Template(texts[1]), version=version)

    def opening(self, incident: Incident, *, server_id: str, service: str, fence: str = "") -> Transcript:
        """Return the transcript of an incident of which nothing has been said yet.

        `fence` stands around all that comes from outside; it must be one that nobody outside can guess.
        """
        alert = {
            "text": incident.text,
            "source": incident.source,
            "severity": incident.severity,
            "started_at": incident.started_at.isoformat(),
            "labels": dict(incident.labels),
        }
        told = json.dumps(alert, ensure_ascii=False)
        return Transcript(
            system=self.system.substitute(server_id=server_id, service=service, fence=fence),
            opening=self.incident.substitute(server_id=server_id, alert=fenced(told, fence=fence, source="alert")),
            fence=fence,
            opening_suspicions=suspicions_in(strings_in(told), where="the alert"),
        )
