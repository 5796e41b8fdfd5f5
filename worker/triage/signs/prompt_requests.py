"""Requests for the system prompt in other languages than English: that it be copied, repeated or written down.

Pure data, for folded text. Programs of these languages name prompts and instructions, too; each pair needs an order to
show them, and that they are the reader's own or the system's.
"""
# ruff: noqa: RUF001 - other alphabets are what this is about

from typing import Final

from worker.triage.signs.sign import pairs

__all__ = ["PROMPT_REQUESTS"]

_LATIN: Final = (
    (  # German
        r"\b(?:gib|gebt|geben sie|kopiere?|wiederhole?|schreibe?|zeige?|nenne?|zitiere?|verrate?)n?\b",
        (
            r"\b(?:(?:dein\w*|ihren|den) (?:\w+ )?(?:system-?prompt|prompt|systemnachricht|system-?anweisung\w*)"
            r"|dein\w* (?:\w+ )?(?:anweisung\w*|instruktion\w*|vorgaben))\b"
        ),
    ),
    (  # French
        r"\b(?:recopi|copi|repet|ecri|affich|montr|cit|revel|donn|reprodui|colle)(?:e|ez|s|t|vez|re|sez)\b",
        (
            r"\b(?:(?:ton|votre) (?:message|prompt|invite) (?:de |du )?(?:systeme|initiale?)|(?:ton|votre) prompt|le prompt systeme"
            r"|(?:tes|vos) (?:instructions|consignes))\b"
        ),
    ),
    (  # Spanish
        r"\b(?:copia|copie|repite|repita|escribe|escriba|muestra|muestre|revela|revele|incluye|incluya|pega|pegue|pon|ponga)\b",
        r"\b(?:(?:tu|su) mensaje del? sistema|tu prompt|el prompt del? sistema|tus instrucciones)\b",
    ),
    (  # Portuguese
        r"\b(?:copie|copia|repita|repete|escreva|escreve|mostre|mostra|revele|inclua|cole)\b",
        r"\b(?:(?:sua|tua) mensagem d[oe] sistema|(?:seu|teu) prompt|o prompt d[oe] sistema|(?:suas|tuas) instrucoes)\b",
    ),
    (  # Italian
        r"\b(?:copia|copiate|ricopia|ripeti|scrivi|mostra|rivela|includi|incolla|riporta)\b",
        r"\b(?:tuo messaggio d(?:i|el) sistema|(?:tuo|il) prompt di sistema|tuo prompt|tue istruzioni)\b",
    ),
    (  # Dutch
        r"\b(?:kopieer|herhaal|schrijf|toon|geef|citeer|plak)\b",
        r"\b(?:(?:je|jouw|uw) (?:prompt|systeembericht|instructies)|(?:je|jouw|uw|de) systeemprompt)\b",
    ),
    (  # Polish
        r"\b(?:skopiuj|przepisz|powtorz|napisz|wypisz|pokaz|podaj|wklej|ujawnij)\b",
        r"\b(?:(?:swoj\w*|twoj\w*) (?:prompt\w*|instrukcj\w*|polecen\w*)|prompt\w* systemow\w*)\b",
    ),
    (  # Swedish
        r"\b(?:kopiera|upprepa|skriv|visa|citera|klistra)\b",
        r"\b(?:(?:din|dina|ditt) (?:systemprompt|prompt|systemmeddelande|instruktioner)|systemprompten)\b",
    ),
    (  # Turkish
        r"\b(?:kopyala|tekrarla|yaz|goster|yapistir|acikla)\b",
        r"\b(?:sistem (?:istem\w*|mesajini|talimatlarini|prompt\w*)|talimatlarini|promptunu)\b",
    ),
)

_OTHER: Final = (
    (  # Russian
        r"\b(?:скопируй|повтори|напиши|приведи|покажи|процитируй|вставь|выведи|укажи|перепиши)(?:те)?\b",
        (
            r"\b(?:(?:сво\w+|тво\w+|ваш\w*) (?:системн\w+ )?(?:промпт\w*|инструкци\w+|сообщени\w+)"
            r"|системн\w+ (?:промпт\w*|инструкци\w+))"
        ),
    ),
    (  # Ukrainian
        r"\b(?:скоп[іi]юй|повтори|напиши|наведи|покажи|встав|виведи)(?:те)?\b",
        (
            r"\b(?:(?:сво\w+|тво\w+|ваш\w*) (?:системн\w+ )?(?:промпт\w*|[іi]нструкц\w+)"
            r"|системн\w+ (?:промпт\w*|[іi]нструкц\w+))"
        ),
    ),
    (  # Chinese
        r"(?:复制|複製|重复|重複|写进|写入|写到|写在|寫進|输出|輸出|显示|打印|复述|粘贴|原样|逐字|告诉我)",
        r"(?:(?:你|您)的?(?:系统|系統|初始)?(?:提示词|提示詞|提示|指令|消息)|(?:系统|系統)(?:提示词|提示詞|提示语|指令))",
    ),
    (  # Japanese
        r"(?:書い|書き|コピー|繰り返し|出力|表示|貼り付け|教え|引用|そのまま)",
        r"(?:(?:あなた|君|お前)の(?:システム)?(?:プロンプト|指示|メッセージ)|システムプロンプト)",
    ),
    (  # Korean
        r"(?:복사|반복|출력|적어|써 ?주|쓰세요|보여|붙여|그대로|인용)",
        r"(?:(?:너의|당신의|네) ?(?:시스템 ?)?(?:프롬프트|지시|지침|메시지)|시스템 ?프롬프트)",
    ),
    (  # Arabic
        r"(?:انسخ|كرر|اكتب|اعرض|أظهر|اطبع|الصق)",
        r"(?:(?:تعليماتك|رسالتك|موجهك)|(?:رسالة|تعليمات|موجه) النظام)",
    ),
    (  # Hindi
        r"(?:कॉपी कर|दोहरा|लिख|दिखा|बता)",
        r"(?:(?:अपना|अपने|अपनी|तुम्हारा|आपका) (?:सिस्टम )?(?:प्रॉम्प्ट|निर्देश|संदेश)|सिस्टम (?:प्रॉम्प्ट|संदेश|निर्देश))",
    ),
)

PROMPT_REQUESTS: Final = pairs("request_to_leak", (*_LATIN, *_OTHER))
