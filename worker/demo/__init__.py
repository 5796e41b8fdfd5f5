"""The demo: the main job on one machine, with real processes, for somebody who has just found the project."""

from worker.demo.run import run_demo

__all__ = ["run_demo"]
