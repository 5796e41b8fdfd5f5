"""Leave to restart, checks to skip, good news to write and people to leave asleep, in many languages.

Pure data, for folded text. Each language has the same seven parts, and a sign is two of them near each other: leave
or an unchecked way beside a restart, an order to say beside good news, an order to be silent beside people. Programs
say that somebody has no leave; so leave is only what is given to the reader.
"""
# ruff: noqa: RUF001 - other alphabets are what this is about

from dataclasses import dataclass
from typing import Final

from worker.triage.signs.sign import pairs

__all__ = ["SHORT_CUTS"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Language:
    restart: str
    leave: str
    unchecked: str
    say: str
    well: str
    hush: str
    people: str


_LANGUAGES: Final = (
    _Language(  # German
        restart=r"\b(?:neu ?(?:zu )?starten|neustart\w*|neuzustarten|starte\w* .{1,30} neu)\b",
        leave=r"\b(?:du (?:darfst|kannst)|(?:du hast|hast du) (?:die|meine|alle)|dir ist (?:erlaubt|gestattet))\b",
        unchecked=r"\b(?:ohne (?:\w+ )?(?:ruckfrage\w*|prufung\w*|kontrolle\w*|genehmigung|freigabe|nachfrage\w*|zu (?:prufen|fragen))|(?:nichts|nicht) (?:mehr )?(?:zu )?(?:prufen|kontrollieren)|(?:prufung\w*|kontrolle\w*) uberspring\w+|uberspring\w* (?:\w+ )?(?:prufung|kontrolle)\w*)\b",
        say=r"\b(?:schreibe?|sage?|melde|berichte|behaupte|antworte|gib an)\b",
        well=r"\b(?:gesund|wieder (?:normal|ok|in ordnung)|alles (?:gut|in ordnung|ok)|behoben|erholt|fehlalarm)\b",
        hush=r"\b(?:lass(?:t|e)?\b.{1,40}\b(?:schlafen|in ruhe)|sage? (?:es )?(?:niemand\w*|keinem)|(?:ruf|weck|stor)e? (?:niemand\w*|keinen))",
        people=r"\b(?:bereitschaft|techniker|ingenieure?|kollegen|team|leute|niemand\w*|keine[mn])\b",
    ),
    _Language(  # French
        restart=r"\b(?:redemarr\w+|relanc\w+)\b",
        leave=r"\b(?:(?:tu as|vous avez) (?:la|ma|mon|toute|le droit|l'autorisation|carte)|tu (?:peux|es autorise)|t'es autorise)",
        unchecked=r"\bsans (?:verif\w+|controle\w*|attendre|demander|confirmation|autorisation|poser|rien)|plus besoin de (?:preuves?|verif\w+)|\binutile de (?:verif|control)\w+|\brien a verifier|\b(?:saute|passe|ignore)[rz]? les (?:verifications|controles)\b",
        say=r"\b(?:dis|dites|ecris|ecrivez|conclus|conclure|concluez|reponds|repondez|declare[rz]?|affirme[rz]?)\b",
        well=r"\b(?:tout va bien|est (?:sain|retabli|gueri|resolu|normal)|sain|aucun probleme|fausse alerte)\b",
        hush=r"\b(?:(?:ne|sans) rien dire|laisse[rz]? .{1,30}dormir|ne (?:rien )?(?:dis|dites|reveill\w+|derang\w+|contact\w+))\b",
        people=r"\b(?:astreinte|equipe|ingenieurs?|techniciens?|personne|collegues)\b",
    ),
    _Language(  # Spanish
        restart=r"\breinici\w+",
        leave=r"(?<!no )\b(?:tienes (?:mi |todo el |el )?(?:permiso|autorizacion|derecho)|puedes|estas autorizad[oa])\b",
        unchecked=r"\b(?:sin (?:\w+ )?(?:comprob\w+|verific\w+|preguntar|confirm\w+|aprobacion|permiso)|no (?:hace falta|es necesario|necesitas) (?:comprob|verific)\w+|salt\w+ las (?:comprobaciones|verificaciones))",
        say=r"\b(?:di|diga|dile|escribe|escriba|informa|responde|responda|concluye|contesta)\b",
        well=r"\b(?:san[oa]|recuperad[oa]|todo (?:esta |va )?bien|resuelt[oa]|sin problemas|falsa alarma|normal)\b",
        hush=r"\b(?:no (?:llames|avises|despiertes|molestes|digas|informes|alertes)|deja\w* .{0,20}dormir)\b",
        people=r"\b(?:nadie|ingenier\w+|equipo|guardia|tecnic\w+)\b",
    ),
    _Language(  # Portuguese
        restart=r"\breinici\w+",
        leave=r"(?<!nao )\b(?:voce (?:tem|pode|esta autorizad[oa])|tens (?:permissao|autorizacao))\b",
        unchecked=r"\b(?:sem (?:\w+ )?(?:verific\w+|perguntar|confirm\w+|aprovacao|checar|permissao)|nao (?:precisa|e necessario) (?:verific|chec)\w+|pule as (?:verificacoes|checagens))",
        say=r"\b(?:diga|escreva|responda|informe|conclua|afirme|relate)\b",
        well=r"\b(?:recuper\w+|saudavel|tudo (?:esta |vai )?bem|resolvid[oa]|sem problemas|alarme falso)\b",
        hush=r"\b(?:nao (?:chame|avise|acorde|incomode|conte|informe|alerte)|deixe .{0,20}dormir)\b",
        people=r"\b(?:ninguem|engenheir\w+|equipe|plantao|plantonista|tecnic\w+)\b",
    ),
    _Language(  # Italian
        restart=r"\briavvi\w+",
        leave=r"(?<!non )\b(?:hai (?:il|la|tutto il|tutti i) (?:\w+ )?(?:permess\w|autorizzazione|diritt\w)|puoi|sei autorizzat[oa])\b",
        unchecked=r"\b(?:senza (?:\w+ )?(?:controll\w+|verific\w+|chiedere|conferm\w+|permesso)|non (?:serve|occorre|c'e bisogno di|devi) (?:controll|verific)\w+|salta (?:i controlli|le verifiche))",
        say=r"\b(?:scrivi|rispondi|concludi|dichiara|segnala|riferisci|di' che)\b",
        well=r"\b(?:san[oa]|guarit[oa]|ripristinat[oa]|tutto (?:va )?bene|risolt[oa]|falso allarme|nessun problema)\b",
        hush=r"\b(?:non (?:chiamare|avvisare|svegliare|disturbare|dire|informare)|lascia\w* .{0,20}dormire)\b",
        people=r"\b(?:nessuno|ingegner\w+|squadra|tecnic\w+|reperibil\w+)\b",
    ),
    _Language(  # Dutch
        restart=r"\b(?:herstart\w*|opnieuw (?:op ?)?(?:te )?start\w*)\b",
        leave=r"\b(?:je (?:mag|kunt|hebt (?:mijn |de |alle )?(?:toestemming|het recht)))\b",
        unchecked=r"\b(?:zonder (?:te (?:controleren|vragen|kijken)|controle\w*|toestemming|bevestiging)|(?:hoeft?|hoef) (?:niets|niet) (?:meer )?te controleren|sla (?:\w+ )?(?:controles?|checks?) over)\b",
        say=r"\b(?:zeg|schrijf|meld|antwoord|rapporteer|beweer)\b",
        well=r"\b(?:gezond|hersteld|alles (?:is )?(?:goed|in orde)|opgelost|vals alarm)\b",
        hush=r"\b(?:laat .{1,30}slapen|(?:bel|wek|waarschuw|stoor|informeer) (?:niemand|geen)|zeg (?:het )?(?:tegen )?niemand)\b",
        people=r"\b(?:niemand|geen|dienst\w*|engineers?|technic\w+|team|mensen)\b",
    ),
    _Language(  # Polish
        restart=r"\b(?:z?restart\w*|ponown\w+ uruchom\w+|uruch\w+ ponownie)\b",
        leave=r"(?<!nie )\b(?:masz (?:\w+ )?(?:zgode|pozwolenie|prawo|uprawnienia)|mozesz|wolno ci)\b",
        unchecked=r"\b(?:bez (?:\w+ )?(?:sprawdz\w+|pyta\w+|kontroli|potwierdz\w+|zgody)|(?:nie (?:trzeba|musisz)|niczego nie) (?:\w+ )?sprawdz\w+|pomin (?:\w+ )?(?:sprawdz\w+|kontrol\w+))\b",
        say=r"\b(?:napisz|powiedz|zglos|odpowiedz|stwierdz)\b",
        well=r"\b(?:zdrow\w+|naprawion\w+|wszystko (?:jest )?(?:dobrze|w porzadku|ok)|rozwiazan\w+|falszywy alarm)\b",
        hush=r"\bnie (?:dzwon|budz|powiadamiaj|informuj|wzywaj|mow|niepokoj)\w*\b",
        people=r"\b(?:nikogo|nikomu|inzynier\w*|dyzurn\w+|zespol\w*|technik\w*)\b",
    ),
    _Language(  # Swedish
        restart=r"\b(?:starta om|omstart\w*)\b",
        leave=r"\bdu (?:har (?:min |full )?(?:tillatelse|ratt)|far|kan)\b",
        unchecked=r"\b(?:utan (?:kontroll\w*|att (?:kontrollera|fraga)|godkannande)|hoppa over (?:\w+ )?(?:kontroll\w*|halsokoll\w*))\b",
        say=r"\b(?:skriv|saga?|rapportera|svara)\b",
        well=r"\b(?:frisk|aterstalld|allt (?:ar )?(?:bra|ok)|lost|falskt larm)\b",
        hush=r"\b(?:lat .{1,30}sova|(?:vack|ring|meddela|kontakta) (?:inte|ingen))\b",
        people=r"\b(?:ingen|jour\w*|tekniker\w*|ingenjor\w*)\b",
    ),
    _Language(  # Turkish
        restart=r"yeniden basla\w*",
        leave=r"\b(?:izn(?:in|iniz) var|yetk(?:in|iniz) var|izin verildi|baslatabilirsin)\b",
        unchecked=r"\b(?:kontrol\w* (?:atla|etmeden|yapmadan|(?:etme\w* )?gerek)|onay almadan|sormadan)",
        say=r"\b(?:yaz|soyle|bildir|rapor et|cevap ver)\b",
        well=r"\b(?:duzel\w+|saglikli\w*|cozul\w+|sorun yok|normal\w*)\b",
        hush=r"\b(?:uyandirma\w*|haber verme\w*|arama\b|rahatsiz etme\w*|soyleme\w*)",
        people=r"\b(?:kimse\w*|muhendis\w*|nobetci\w*|ekib\w*)\b",
    ),
    _Language(  # Russian
        restart=r"\b(?:перезапу\w+|перезагру\w+)",
        leave=r"(?<!не )\b(?:(?:тебе|вам) (?:разрешено|можно|позволено)|можешь|у тебя есть (?:разрешение|право)|(?:ты|вы) впр\w+)",
        unchecked=r"\b(?:без (?:\w+ )?(?:провер\w+|спрос\w*|подтвержд\w+|согласован\w+|разрешени\w+)|провер\w+ (?:\w+ )?не (?:нужно|надо|требуется)|не (?:нужно|надо) (?:\w+ )?провер\w+|пропусти\w* (?:\w+ )?провер\w+)",
        say=r"\b(?:напиши|скажи|ответь|доложи|сообщи|заяви)\w*\b",
        well=r"\b(?:восстанов\w+|здоров\w*|вс[её] (?:хорошо|в порядке|нормально)|исправ\w+|решен\w*|ложн\w+ тревог\w+)",
        hush=r"\bне (?:беспокой|буди|зови|уведомляй|звони|сообщай|тревожь|говори|вызывай)\w*",
        people=r"\b(?:никого|никому|инженер\w*|дежурн\w*|команд\w+|людей)",
    ),
    _Language(  # Ukrainian
        restart=r"\b(?:перезапу\w+|перезавантаж\w+)",
        leave=r"(?<!не )\b(?:маєш (?:\w+ )?(?:дозв[іi]л|право)|тоб[іi] (?:дозволено|можна)|можеш)",
        unchecked=r"\b(?:без (?:\w+ )?(?:перев[іi]р\w+|п[іi]дтвердж\w+|дозволу)|пропусти \w*перев[іi]р\w+)",
        say=r"\b(?:напиши|скажи|в[іi]дпов[іi]да?й|пов[іi]дом)\w*\b",
        well=r"\b(?:в[іi]днов\w+|здоров\w*|все (?:добре|гаразд)|вир[іi]шено)",
        hush=r"\bне (?:турбуй|буди|клич|пов[іi]домляй|дзвони|кажи)\w*",
        people=r"\b(?:н[іi]кого|н[іi]кому|[іi]нженер\w*|чергов\w*|команд\w+)",
    ),
    _Language(  # Chinese
        restart=r"(?:重启|重新启动|重啟|重新啟動)",
        leave=r"(?:你(?:已|已经)?(?:获得|有权|可以|获准|被授权)|已授权你|允许你|授予你)",
        unchecked=r"(?:(?:跳过|略过|省略)(?:所有|一切|任何)?(?:健康)?检查|(?:无需|不用|不必|不经|不需要)(?:再|任何)?(?:任何)?(?:检查|确认|批准|审批|验证))",
        say=r"(?:请?回答|声称|写明|写上|直接说|就说|报告说|请报告|回复说|答复)",
        well=r"(?:恢复正常|已恢复|一切正常|已解决|没有问题|误报|健康)",
        hush=r"(?:不要|不需要|无需|别|不必|请勿|不得)(?:通知|告诉|惊动|打扰|叫醒|联系|告知)?",
        people=r"(?:任何人|值班(?:人员|工程师)|工程师)(?:介入|参与|知道)?",
    ),
    _Language(  # Japanese
        restart=r"再起動",
        leave=r"(?:許可(?:は|が)?(?:出て|得て|済み|されて|します|あり)|権限(?:を|が)(?:与え|付与))",
        unchecked=r"(?:(?:何も)?(?:確認|検査|チェック|承認)(?:を|は)?(?:省略|省い|なし|せず|不要|飛ばし|スキップ))",
        say=r"(?:(?:報告|回答|記載|記入|返答)(?:し(?:、|て|ろ|なさい)|せよ|すること)|と(?:書い|答え|言っ)て)",
        well=r"(?:正常|復旧|回復|問題な|解決済み|誤報)",
        hush=r"(?:連絡しない|知らせない|知らせるな|起こさない|通知しない|伝えない|連絡するな|言わない)",
        people=r"(?:誰|担当|エンジニア|当番|人間|技術者)",
    ),
    _Language(  # Korean
        restart=r"(?:재시작|재부팅)",
        leave=r"(?:권한(?:이|을) (?:부여|있습니다|가지고)|허가(?:되었|가 났|합니다)|허락|승인되었)",
        unchecked=r"(?:(?:확인|검사|점검|승인) ?(?:없이|하지 말고|생략)|(?:확인|검사|점검)(?:을|를) (?:건너|생략))",
        say=r"(?:보고하(?:고|세요|라|십시오)|답하(?:고|세요|라)|말하(?:고|세요|라)|쓰세요|적으세요)",
        well=r"(?:정상|복구|해결|문제 ?없)",
        hush=r"(?:깨우지 ?마|알리지 ?마|연락하지 ?마|말하지 ?마|보고하지 ?마|깨우지 ?말)",
        people=r"(?:엔지니어|담당자|누구|아무|사람)",
    ),
    _Language(  # Arabic
        restart=r"(?:تشغيل)",
        leave=r"(?<!ليس )(?:لديك (?:ال)?[إا]ذن|مسموح لك|يحق لك|مصرح لك|يمكنك)",
        unchecked=r"(?:(?:دون|بدون|بلا) (?:أي )?(?:ال)?(?:تحقق|فحص|تأكيد|موافقة)|تجاوز (?:ال)?فحص|(?:لا حاجة|لا داعي) (?:لأي |لل|ل)(?:فحص|تحقق))",
        say=r"(?:قل|اكتب|أجب|اذكر|أبلغ أن)",
        well=r"(?:سليم|تعافى|بخير|طبيعي|تم الحل)",
        hush=r"(?:لا (?:توقظ|تخبر|تبلغ|تتصل|تزعج|تنبه))",
        people=r"(?:أحد|المهندس|الفريق|المناوب|أي)",
    ),
    _Language(  # Hindi
        restart=r"(?:रीस्टार्ट|पुनः आरंभ|पुनरारंभ)",
        leave=r"(?:तुम्हें|आपको|तुमको) .{0,40}(?:अनुमति है|इजाज़त है|अधिकार है)",
        unchecked=r"(?:जा[ँं]च मत|बिना जा[ँं]च|बिना पूछे|बिना अनुमति)",
        say=r"(?:कहो|लिखो|बताओ|कह दो|लिख दो)",
        well=r"(?:ठीक|स्वस्थ|सामान्य|हल हो)",
        hush=r"(?:मत (?:जगा|बता|बुला)|सूचित मत|न जगा)",
        people=r"(?:किसी|इंजीनियर|टीम)",
    ),
)

SHORT_CUTS: Final = (
    *pairs("authority", ((language.leave, language.restart) for language in _LANGUAGES)),
    *pairs("order_to_restart", ((language.unchecked, language.restart) for language in _LANGUAGES)),
    *pairs("order_to_close", ((language.say, language.well) for language in _LANGUAGES)),
    *pairs("order_not_to_escalate", ((language.hush, language.people) for language in _LANGUAGES)),
)
