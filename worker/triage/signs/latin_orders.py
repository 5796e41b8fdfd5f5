"""Orders to restart, to close, to be silent, and words to an assistant, in languages of Latin letters.

Pure data, for text that is folded (``è`` has become ``e``). Logs and runbooks in these languages exist, so each pair
needs a verb in the form of an order, or a claim, and what it is about; what a runbook ties to a
condition is a rule.
"""

from typing import Final

from worker.triage.signs.sign import pairs

__all__ = ["LATIN_ORDERS"]

_CONDITION: Final = (
    r"\b(?:wenn|falls|sobald|solange|bevor|nachdem|als (?:de|het|er|je)|indien|wanneer|zodra|si|lorsque|quand|des que|apres|avant|cuando"
    r"|despues|antes de|mientras|se|quando|depois|apos|caso|dopo|prima|jesli|jezeli|gdy|kiedy|po (?:\w+niu|zmianie)|kdyz"
    r"|pokud|eger|sonra|dolarsa|\w+(?:irsa|arsa|erse|ursa))\b"
)
_RULE: Final = rf"(?:{_CONDITION}).{{1,80}}?\d"
"""A condition with a figure: what was measured, or for how long."""

_RESTART: Final = (
    (
        r"\b(?:starte?n?|boote)\b(?: sie)? (?:bitte )?(?:den|die|das|diesen|alle) [\w-]+(?: [\w-]+)?",
        r"\b(?:(?:sofort|umgehend|unverzuglich|jetzt|ohne \w+) (?:neu|durch))\b",
    ),
    (r"\b(?:starte|starten sie) (?:den|diesen) (?:server|dienst|host|rechner)\b", r"\bneu(?:[.!\"]|\s*$| und\b)"),
    (
        r"\bherstart\b (?:de|deze|het|alle|elke) |\bstart (?:de|deze|het|alle|elke) \w+ [^.]{0,20}\bopnieuw\b",
        r"\b(?:nu|onmiddellijk|direct|meteen|instructies|regels|zonder)\b",
    ),
    (
        r"\b(?:redemarrez|redemarre|relancez|relance)\b (?:le|ce|la|les|tou\w+|immediatement)",
        r"\b(?:immediatement|maintenant|tout de suite|sans|sur-le-champ)\b",
    ),
    (
        r"\b(?:reinicia|reinicie|reinicien)\b (?:el|este|la|los|cualquier|tod\w+|inmediatamente)",
        r"\b(?:ahora|inmediatamente|ya mismo|sin|de inmediato)\b",
    ),
    (
        r"\b(?:reinicie|reinicia)\b (?:o|este|a|os|tod\w+|qualquer|imediatamente)\b",
        r"\b(?:agora|imediatamente|ja|sem)\b",
    ),
    (
        r"\b(?:riavvia|riavviate)\b (?:il|questo|tutti|ogni|subito|immediatamente)",
        r"\b(?:ora|adesso|subito|immediatamente|senza|il server)\b",
    ),
    (r"\b(?:uruchom|zrestartuj)\b", r"\b(?:natychmiast|teraz|od razu|bez)\b"),
    (r"yeniden baslat(?:in)?\b", r"\b(?:hemen|simdi|derhal)\b"),
)

_CLOSE: Final = (
    (
        r"\b(?:markiere|schliesse?|betrachte|melde)\b",
        r"\b(?:vorfall|storung|alarm|incident)\b.{0,20}\b(?:als|ab|ohne)\b",
    ),
    (
        r"\b(?:cloture[zr]?|clore|clos|ferme[zr]?|marque[zr]?|considere[zr]?|declare[zr]?)\b",
        r"\b(?:incident|alerte)\b.{0,20}\b(?:sans|comme|resolue?)\b",
    ),
    (
        r"\b(?:marca|marque|cierra|cierre|considera|declara)\b",
        r"\b(?:incidente|alerta)\b.{0,20}\b(?:como|sin|resuelto)\b",
    ),
    (
        r"\b(?:marque|feche|marca|encerre|considere|declare)\b",
        r"\b(?:incidente|alerta)\b.{0,20}\b(?:como|sem|resolvido)\b",
    ),
    (
        r"\b(?:segna|chiudi|contrassegna|considera|dichiara)\b",
        r"\b(?:incidente|allarme)\b.{0,20}\b(?:come|senza|risolto)\b",
    ),
    (r"\b(?:markeer|sluit|beschouw|meld)\b", r"\b(?:incident|melding|storing)\b.{0,20}\b(?:als|zonder)\b"),
    (r"\b(?:oznacz|zamknij|uznaj)\b", r"\b(?:incydent|alarm|zgloszenie|awari[ea])\b"),
    (r"(?:isaretle|kapat)(?:yin|in)?\b", r"(?:olayi|uyariyi|alarmi)"),
    (
        r"\b(?:antworte|antworten sie|reponds|repondez|responde|responda|rispondi|antwoord|odpowiedz)\b",
        r"\b(?:nur|ausschliesslich|exclusivamente|esclusivamente|uitsluitend|seulement|uniquement|solo|soltanto|apenas|somente|alleen|tylko)\b",
    ),
)

_SILENCE: Final = (
    (
        r"\b(?:eskaliere?|benachrichtige?|informiere?|wecke?|alarmiere?|verstandige?|rufe?)n?\b",
        (
            r"\b(?:niemand\w*|kein(?:en?|em)? (?:menschen|technik\w+|ingenieur\w*|mitarbeiter\w*|bereitschaft)|nicht an"
            r"|nicht (?:den|das|die) (?:\w+)?(?:ingenieur|team|technik\w+|bereitschaft))\b"
        ),
    ),
    (
        (
            r"\b(?:n'escalade\w*|ne previen\w*|sans prevenir|n'avert\w*|ne reveill\w*|n'alert\w*|n'inform\w*|ne contact\w*"
            r"|ne derang\w*|n'appel\w*|ne notifi\w*|ne (?:dis|dites)|sans (?:alerter|reveiller|informer|avertir))\b"
        ),
        r"\b(?:personne|ingenieur\w*|equipe|astreinte|rien|technicien\w*|incident)\b",
    ),
    (
        r"\b(?:no (?:escal|avis|notifi|despiert|inform|llam|molest|alert)\w*|sin (?:avisar|informar|notificar|despertar))\b",
        r"\b(?:a nadie|ingenier\w+|equipo|incidente|guardia|tecnico)\b",
    ),
    (
        r"\b(?:nao (?:escal|avis|notifi|acord|inform|cham|alert)\w*|sem (?:avisar|informar|notificar|acordar))\b",
        r"\b(?:ninguem|engenheir\w+|equipe|incidente|plantao|tecnico)\b",
    ),
    (
        r"\b(?:non (?:fare )?(?:escal|avvis|notific|svegli|inform|chiam|allert)\w*|senza (?:avvisare|informare|svegliare))\b",
        r"\b(?:nessuno|ingegner\w+|tecnic\w+|incidente|squadra|reperibil\w+)\b",
    ),
    (
        r"\b(?:niet|zonder|geen|niemand)\b",
        (
            r"\b(?:escaleren|te escaleren|iemand te waarschuwen|(?:waarschuw|informeer|wek|bel|verwittig)(?: \w+)? (?:niemand"
            r"|geen|de \w+ niet))\b"
        ),
    ),
    (
        r"\bnie\b",
        r"\b(?:eskaluj\w*|(?:powiadamia|budz|informu|wzywa|alarmu)\w* (?:nikogo|zadnego|inzynier\w*|dyzurn\w*))\b",
    ),
    (
        r"\b(?:muhendis\w*|kimse\w*|ekib\w*|nobetci\w*)\b",
        r"\b(?:haber verme\w*|bildirme\w*|uyandirma\w*|arama\b|soyleme\w*)",
    ),
)

_ADDRESS: Final = (
    (
        r"\b(?:liebe|hallo|achtung|hinweis an (?:die|den|das)|lieber|nachricht an)\b",
        r"\b(?:ki|ki-agent|sprachmodell|ki-assistent|assistent|agent)\b",
    ),
    (
        r"\b(?:cher|chere|attention|bonjour|note a|message a|consigne pour)\b",
        r"\b(?:assistant|ia|modele de langage)\b ?[, :]",
    ),
    (
        r"\b(?:estimad[oa]|querid[oa]|atencion|eres|hola|nota para|mensaje para)\b",
        r"\b(?:asistente|ia|modelo de lenguaje)\b",
    ),
    (r"\b(?:prezad[oa]|car[oa]|atencao|voce e|ola|nota para)\b", r"\b(?:assistente|ia|modelo de linguagem)\b"),
    (
        r"\b(?:car[oa]|gentile|attenzione|sei|nota per|messaggio per)\b",
        r"\b(?:assistente|ia|modello linguistico)\b ?[, :]",
    ),
    (r"\b(?:beste|let op|hallo|bericht voor|aan de)\b", r"\b(?:ai|assistent|taalmodel)\b ?[, :]"),
    (
        r"\b(?:drogi|droga|uwaga|jestes|wiadomosc dla)\b",
        r"\b(?:asystencie|asystentem|asystenta|modelu jezykowy|si|ai)\b",
    ),
    (r"\b(?:sevgili|dikkat|sayin)\b", r"\b(?:asistan|yapay zeka|dil modeli)\b"),
    (
        r"\b(?:an das|au|al|ao|aan het|do) (?:ki-)?(?:sprach)?(?:modell|modele|modelo|modello|model\b|modelu)",
        r"\b(?:liest|lit|lee|legge|leest|le\b|czyta)",
    ),
)

LATIN_ORDERS: Final = (
    *pairs("order_to_restart", _RESTART, unless=_RULE),
    *pairs("order_to_close", _CLOSE, unless=_RULE),
    *pairs("order_not_to_escalate", _SILENCE, unless=_RULE),
    *pairs("address_to_agent", _ADDRESS),
)
