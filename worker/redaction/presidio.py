"""Presidio, which finds people's names with a model of spaCy's. It is an extra, imported when it is asked for.

It must never fetch anything: what is missing refuses the start, with the command that mends it. `people.py` calls it.
"""

import threading
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from worker.errors import ConfigurationError

__all__ = ["PresidioNames", "presidio_names"]

_SIZES: Final = ("lg", "md", "sm")
_OF_THE_WEB: Final = frozenset({"en", "zh"})
"""The languages whose models were trained on the web; those of all others were on news, and are named after it."""

_LABELS: Final = frozenset({"PERSON", "PER", "PRS", "PS", "persName"})
"""What models of different languages call a person."""

_PIPES: Final = frozenset({"transformer", "tok2vec", "ner"})
"""What names need. The others of a model take three quarters of its time."""


class PresidioNames:
    """Finds names with one analyzer. Many threads may ask at once; they are answered one after the other.

    No score decides: spaCy has none, and Presidio gives 0.85 to all that it finds. What is believed, its shape decides.
    """

    def __init__(self, analyzer: Any, language: str) -> None:  # noqa: ANN401 - an extra, whose types need not be there
        self._analyzer = analyzer
        self._language = language
        self._lock = threading.RLock()
        self._is_reading = False

    def names_in(self, text: str) -> Sequence[tuple[int, int]]:
        """Return where names start and end. What the text taught the model's vocabulary is forgotten again.

        Raises `RuntimeError` when the model itself asks for a name: it logs, and a log line is masked.
        """
        with self._lock:
            if self._is_reading:
                raise RuntimeError("The model that finds names can't be asked while it reads")
            self._is_reading = True
            try:
                return self._read(text)
            finally:
                self._is_reading = False

    def _read(self, text: str) -> Sequence[tuple[int, int]]:
        with self._analyzer.nlp_engine.get_nlp(self._language).memory_zone():
            found = self._analyzer.analyze(text, language=self._language, entities=["PERSON"])
            return [(each.start, each.end) for each in found]


@cache
def presidio_names(language: str) -> PresidioNames:
    """Return what finds names in a language (`en`), with the largest of its models that is installed; one a process.

    Raises `ConfigurationError` when Presidio or every model is missing, or does not know names.
    """
    try:
        import presidio_analyzer  # noqa: F401, PLC0415 - an extra, of a second and 100 MB

        return PresidioNames(_analyzer(language, _installed_model(language)), language)
    except (ImportError, OSError, ValueError) as error:
        raise ConfigurationError(
            f"people = \"presidio\" needs Presidio and a model ({error}): pip install 'firstline[ner]'; "
            f"then python -m spacy download {_models(language)[0]}"
        ) from error


def _installed_model(language: str) -> str:
    import spacy  # noqa: PLC0415 - comes with the extra

    models = _models(language)
    for model in models:
        if spacy.util.is_package(model):
            return model
    raise ConfigurationError(
        f'people = "presidio" with people_language = "{language}" needs a model of spaCy\'s: '
        f"python -m spacy download {models[0]} (or _md or _sm: smaller, and less sure)"
    )


def _models(language: str) -> list[str]:
    kind = "web" if language in _OF_THE_WEB else "news"
    return [f"{language}_core_{kind}_{size}" for size in _SIZES]


def _analyzer(language: str, model: str) -> Any:  # noqa: ANN401 - likewise
    """Return an analyzer that looks for names alone: Presidio's own recognizers would fetch lists from the network."""
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry  # noqa: PLC0415
    from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine  # noqa: PLC0415
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer  # noqa: PLC0415

    engine = SpacyNlpEngine(models=[{"lang_code": language, "model_name": model}])
    engine.load()
    nlp: Any = engine.get_nlp(language)
    labels = frozenset(nlp.get_pipe("ner").labels) if nlp.has_pipe("ner") else frozenset()
    if not labels & _LABELS:
        raise ValueError("it does not know people's names")
    nlp.select_pipes(enable=[pipe for pipe in nlp.pipe_names if pipe in _PIPES])
    engine.ner_model_configuration = NerModelConfiguration(
        model_to_presidio_entity_mapping=dict.fromkeys(labels & _LABELS, "PERSON"),
        labels_to_ignore=sorted(labels - _LABELS),
    )
    recognizer = SpacyRecognizer(supported_language=language, supported_entities=["PERSON"])
    registry = RecognizerRegistry(recognizers=[recognizer], supported_languages=[language])
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[language])
