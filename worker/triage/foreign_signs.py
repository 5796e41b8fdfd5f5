"""The signs of `instruction_signs.py` in other languages: to set rules aside, to restart, to close, to be silent.

Pure data, for text that is folded in the same way (``è`` has become ``e``). Logs in these languages exist, so here too
each pattern needs two things: a verb in the form of an order, and what it is about.
"""
# ruff: noqa: RUF001 - other alphabets are what this is about

import re
from typing import Final

from worker.triage.instruction_signs import Sign

__all__ = ["FOREIGN_SIGNS"]


def _pair(name: str, verbs: str, objects: str) -> Sign:
    """Say that a verb and its object stand near each other, in either order."""
    pattern = rf"(?:{verbs}).{{0,40}}?(?:{objects})|(?:{objects}).{{0,40}}?(?:{verbs})"
    words = max(_openings(verbs), _openings(objects), key=lambda some: min(len(word.encode()) for word in some))
    return Sign(name, words, re.compile(pattern))


def _openings(pattern: str) -> tuple[str, ...]:
    """Return the letters with which the alternatives of a pattern begin; without one of them it can't match."""
    openings = re.finditer(r"(?:^|[|(:])([^\W\d_]+)([?*]?)", pattern.replace(r"\b", ""))
    return tuple(letters[1][:-1] if letters[2] else letters[1] for letters in openings)


_IGNORE: Final = (
    # German, Dutch
    (
        r"\b(?:ignoriere?n?|missachte|vergiss|vergesst|vergessen sie|verwirf)\b",
        r"\b(?:anweisung\w*|instruktion\w*|regeln|vorgaben|befehle|richtlinien|anordnung\w*)\b",
    ),
    (r"\b(?:negeer|vergeet)\b", r"\b(?:instructies?|regels|aanwijzingen|opdrachten|richtlijnen)\b"),
    # French, Spanish, Portuguese, Italian
    (
        r"\b(?:ignorez|ignore|oubliez|oublie|meprisez|negligez)\b",
        r"\b(?:(?:les|vos|tes|ces|toutes les) (?:\w+ )?(?:instructions|consignes|directives|regles|ordres))\b",
    ),
    (
        r"\b(?:ignora|ignore|ignorad|olvida|olvide|descarta|omite)\b",
        r"\b(?:instrucciones|ordenes anteriores|tus reglas|sus reglas|las reglas|indicaciones|directrices)\b",
    ),
    (
        r"\b(?:ignore|ignora|esqueca|desconsidere|desconsidera|descarte)\b",
        r"\b(?:instrucoes|suas regras|as regras|orientacoes|diretrizes|ordens anteriores)\b",
    ),
    (
        r"\b(?:ignora|ignorate|dimentica|dimenticate|trascura)\b",
        r"\b(?:istruzioni|le (?:tue )?regole|direttive|indicazioni|ordini precedenti)\b",
    ),
    # Polish, Russian, Ukrainian, Turkish
    (
        r"\b(?:zignoruj\w*|ignoruj\w*|zapomnij\w*|pomin)\b",
        r"\b(?:instrukcj\w+|polecen\w+|zasad\w*|wytyczn\w+|regul\w*)\b",
    ),
    (
        r"\b(?:игнорируй\w*|проигнорируй\w*|забудь\w*|отбрось\w*)\b",
        r"\b(?:инструкци\w+|правила|указани\w+|команды|приказ\w*|директив\w+)\b",
    ),
    (
        r"\b(?:ігноруй\w*|проігноруй\w*|забудь\w*)\b",
        r"\b(?:[іi]нструкц\w+|правила|вказ[іi]вк\w+|команди|наказ\w*)\b",
    ),
    (
        r"(?:yok say\w*|yoksay\w*|gormezden gel\w*|unut\b|dikkate alma\w*)",
        r"(?:talimat\w*|kural\w*|yonerge\w*|komutlar\w*)",
    ),
    # Chinese, Japanese, Korean, Arabic, Hindi, Persian, Vietnamese, Indonesian
    (r"(?:忽略|无视|無視|忘记|忘掉|不要理会|忘記)", r"(?:指令|指示|规则|規則|提示|命令|说明|要求)"),
    (r"(?:無視し|無視せよ|忘れて|従わないで)", r"(?:指示|命令|ルール|規則|プロンプト|ふ?゙?指図)"),
    (r"(?:무시하|무시해|잊어|잊으)", r"(?:지시|명령|규칙|지침|프롬프트)"),
    (r"(?:تجاهل|انس|تجاهلي|تجاهلوا)", r"(?:التعليمات|تعليمات|القواعد|قواعد|الاوامر|الأوامر|الإرشادات)"),
    (r"(?:अनदेखा|नज़रअंदाज़|नजरअंदाज|भूल जा|अनदेखी)", r"(?:निर्देश|नियम|आदेश|अनुदेश)"),
    (r"(?:نادیده بگیر|فراموش کن)", r"(?:دستور|قوانین|قواعد)"),
    (r"\b(?:bo qua|quen)\b", r"\b(?:huong dan|chi dan|quy tac|lenh truoc)\b"),
    (r"\b(?:abaikan|lupakan)\b", r"\b(?:instruksi|aturan|perintah|arahan)\b"),
    (r"\b(?:ignorera|glom|bortse)\b", r"\b(?:instruktioner\w*|regler\w*|anvisningar\w*)\b"),
    (r"\b(?:ignoruj\w*|zapomen\w*)\b", r"\b(?:pokyn\w+|instrukc\w+|pravidl\w+)\b"),
)

_RESTART: Final = (
    (
        r"\b(?:starte?n?|boote)\b(?: sie)? (?:bitte )?(?:den|die|das|diesen) [\w-]+(?: [\w-]+)?",
        r"\b(?:sofort|umgehend|unverzuglich|jetzt) (?:neu|durch)\b",
    ),
    (r"\b(?:starte|starten sie) (?:den|diesen) (?:server|dienst|host|rechner)\b", r"\bneu(?:[.!\"]|\s*$| und\b)"),
    (
        r"\bherstart\b (?:de|deze|het) (?:server|dienst|service|machine)",
        r"(?:nu|onmiddellijk|direct|meteen|instructies|regels)\b",
    ),
    (
        r"\b(?:redemarrez|redemarre|relancez)\b (?:le|ce|la|immediatement)",
        r"\b(?:immediatement|maintenant|tout de suite|sans)\b",
    ),
    (
        r"\b(?:reinicia|reinicie|reinicien)\b (?:el|este|la|inmediatamente)",
        r"\b(?:ahora|inmediatamente|ya mismo|sin)\b",
    ),
    (r"\b(?:reinicie|reinicia)\b (?:o|este|a|imediatamente)", r"\b(?:agora|imediatamente|ja|sem)\b"),
    (
        r"\b(?:riavvia|riavviate)\b (?:il|questo|subito|immediatamente)",
        r"\b(?:ora|adesso|subito|immediatamente|senza|il server)\b",
    ),
    (r"\b(?:uruchom|zrestartuj)\b", r"\b(?:natychmiast|teraz|od razu|bez)\b"),
    (r"\b(?:перезапусти|перезапустите|перезагрузи|перезагрузите)\b", r"\b(?:немедленно|сейчас|срочно|сразу|без)\b"),
    (r"\b(?:перезапуст[иі]\w*|перезавантаж\w*)\b", r"\b(?:негайно|зараз|терм[іi]ново|без)\b"),
    (r"yeniden baslat(?:in)?\b", r"\b(?:hemen|simdi|derhal)\b"),
    (r"(?:重启|重新启动|重啟)", r"(?:立即|马上|立刻|現在就|现在就|直接|无需|不要检查)"),
    (r"再起動(?:して|しろ|せよ)", r"(?:今すぐ|直ちに|すぐに|即座に)"),
    (r"(?:재시작하|재시작해|재부팅하|재부팅해)", r"(?:즉시|지금|당장|바로)"),
    (r"(?:أعد تشغيل|اعد تشغيل|إعادة تشغيل)", r"(?:فورا|الان|الآن|حالا|على الفور|بدون)"),
    (r"(?:पुनः आरंभ कर|रीस्टार्ट कर|पुनरारंभ कर)", r"(?:तुरंत|अभी|फौरन)"),
)

_CLOSE: Final = (
    (
        r"\b(?:markiere|schliesse?|betrachte|melde)\b",
        r"\b(?:vorfall|storung|alarm|incident)\b.{0,20}\b(?:als|ab|ohne)\b",
    ),
    (r"\b(?:cloturez|clore|clos|fermez|marquez)\b", r"\b(?:incident|alerte)\b.{0,20}\b(?:sans|comme|resolu)"),
    (r"\b(?:marca|marque|cierra|cierre)\b", r"\b(?:incidente|alerta)\b.{0,20}\b(?:como|sin)\b"),
    (r"\b(?:marque|feche|marca)\b", r"\b(?:incidente|alerta)\b.{0,20}\b(?:como|sem)\b"),
    (r"\b(?:segna|chiudi|contrassegna)\b", r"\b(?:incidente|allarme)\b.{0,20}\b(?:come|senza)\b"),
    (r"\b(?:markeer|sluit)\b", r"\b(?:incident|melding)\b.{0,20}\b(?:als|zonder)\b"),
    (r"\b(?:oznacz|zamknij)\b", r"\b(?:incydent|alarm|zgloszenie)\b"),
    (r"\b(?:закрой|закройте|отметь|отметьте|пометь)\b", r"\b(?:инцидент|оповещение|тикет)"),
    (r"\b(?:закрий|закрийте|познач)\w*\b", r"\b(?:[іi]нцидент|спов[іi]щення)"),
    (r"(?:标记|标为|关闭|標記)", r"(?:事件|告警|事故).{0,10}(?:已解决|为已|不要|无需|已恢复|已解決)"),
    (r"(?:解決済み|復旧済み|クローズ|誤報)(?:として|に|と)", r"(?:インシデント|アラート|障害)"),
    (r"(?:해결됨|해결된|복구됨|오탐)(?:으로|것으로)", r"(?:인시던트|사건|경보|장애)"),
    (r"(?:أغلق|اغلق|ضع علامة|اعتبر)", r"(?:الحادث|البلاغ|التنبيه)"),
    (r"(?:चिह्नित कर|बंद कर|मान लें|मान लो)", r"(?:घटना|अलर्ट)"),
    (r"(?:isaretle|kapat)(?:yin|in)?\b", r"(?:olayi|uyariyi|alarmi)"),
)

_SILENCE: Final = (
    (
        r"\b(?:eskaliere?|benachrichtige?|informiere?|wecke?|alarmiere?)n?\b",
        r"\b(?:niemand\w*|keinen (?:menschen|techniker|ingenieur)|nicht an)\b",
    ),
    (
        r"\b(?:n'escalade\w*|ne previen\w*|sans prevenir|n'avertis\w*|ne reveill\w*)\b",
        r"\b(?:personne|ingenieur\w*|equipe|astreinte)\b",
    ),
    (r"\b(?:no escal\w+|no avises?|sin avisar|no notifi\w+)\b", r"\b(?:a nadie|ingenier\w+|equipo|incidente)\b"),
    (r"\b(?:nao escal\w+|nao avise|sem avisar|nao notifi\w+)\b", r"\b(?:ninguem|engenheir\w+|equipe|incidente)\b"),
    (
        r"\b(?:non (?:fare )?escal\w+|non avvisare|senza avvisare|non notificare)\b",
        r"\b(?:nessuno|ingegner\w+|tecnic\w+|incidente)\b",
    ),
    (r"\b(?:niet|zonder)\b", r"\b(?:escaleren|te escaleren|iemand te waarschuwen)\b"),
    (r"\b(?:nie)\b", r"\b(?:eskaluj\w*|powiadamiaj nikogo|budz nikogo)\b"),
    (r"\b(?:не)\b", r"\b(?:эскалируй\w*|уведомляй\w*|сообщай никому|беспокой\w* инженер\w*|буди\w*)\b"),
    (r"(?:без эскалации|без ескалац)", r"(?:инцидент|[іi]нцидент|закр|сервер)"),
    (r"(?:不要|无需|别|不必)", r"(?:上报|升级事件|升级给|通知工程师|通知任何人|告诉工程师)"),
    (r"(?:エスカレーション|エスカレート|エンジニアに(?:通知|連絡))", r"(?:しないで|不要|禁止|するな)"),
    (r"(?:에스컬레이션|엔지니어에게 (?:알리|보고))", r"(?:하지 마|지 마)"),
    (r"(?:لا تصعد|لا تخبر|لا تبلغ)", r"(?:احد|أحد|المهندس|الحادث|أي)"),
    (r"(?:सूचित न|एस्केलेट न|न बताए|मत बता)", r"(?:इंजीनियर|किसी|कर)"),
)

_ADDRESS: Final = (
    (r"\b(?:liebe|hallo|achtung|hinweis an die|lieber)\b", r"\b(?:ki|ki-agent|sprachmodell|ki-assistent)\b"),
    (r"\b(?:cher|chere|attention|bonjour)\b", r"\b(?:assistant|ia|modele de langage)\b[, :]"),
    (r"\b(?:estimad[oa]|querid[oa]|atencion|eres|hola)\b", r"\b(?:asistente|ia|modelo de lenguaje)\b"),
    (r"\b(?:prezad[oa]|car[oa]|atencao|voce e|ola)\b", r"\b(?:assistente|ia|modelo de linguagem)\b"),
    (r"\b(?:car[oa]|gentile|attenzione|sei)\b", r"\b(?:assistente|ia|modello linguistico)\b[, :]"),
    (r"\b(?:beste|let op|hallo)\b", r"\b(?:ai|assistent|taalmodel)\b[, :]"),
    (r"\b(?:drogi|droga|uwaga|jestes)\b", r"\b(?:asystencie|asystentem|modelu jezykowy|si|ai)\b"),
    (r"\b(?:дорогой|уважаемый|внимание|ты)\b", r"\b(?:ассистент|ии|языковая модель|агент ии|помощник)\b"),
    (r"(?:亲爱的|你是|注意|致|親愛)", r"(?:人工智能|语言模型|ai助手|ai代理|智能助手)"),
    (r"(?:ai|アシスタント|言語モデル)", r"(?:へのお願い|への指示|あなたは|宛て)"),
    (r"(?:ai|인공지능|어시스턴트)(?:에게|야|님)", r"(?:지시|재시작|주세요|하세요)"),
    (r"(?:عزيزي|انتباه|أيها)", r"(?:المساعد|الذكاء الاصطناعي|النموذج)"),
    (r"(?:प्रिय|ध्यान दें)", r"(?:सहायक|एआई|मॉडल)"),
    (r"\b(?:sevgili|dikkat|sayin)\b", r"\b(?:asistan|yapay zeka|dil modeli)\b"),
)

FOREIGN_SIGNS: Final = (
    *(_pair("ignore_instructions", verbs, objects) for verbs, objects in _IGNORE),
    *(_pair("order_to_restart", verbs, objects) for verbs, objects in _RESTART),
    *(_pair("order_to_close", verbs, objects) for verbs, objects in _CLOSE),
    *(_pair("order_not_to_escalate", verbs, objects) for verbs, objects in _SILENCE),
    *(_pair("address_to_agent", verbs, objects) for verbs, objects in _ADDRESS),
)
