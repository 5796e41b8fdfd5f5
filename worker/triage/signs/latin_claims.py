"""Rules set aside, new tasks, new parts and given leave in German, French, Spanish, Polish, Turkish and others.

Pure data, for text that is folded (``è`` has become ``e``). Logs and runbooks in these languages exist, so each pair
needs a verb in the form of an order, or a claim, and what it is about.
"""

from typing import Final

from worker.triage.signs.sign import pairs

__all__ = ["LATIN_CLAIMS"]

_IGNORE: Final = (
    # German, Dutch, Swedish
    (
        r"\b(?:ignoriere?n?|missachte|vergiss|vergesst|vergessen sie|verwirf|beachte|befolge)\b",
        (
            r"\b(?:(?:alle|deine|die|bisherigen|vorherigen|keine|nicht) (?:\w+ )?(?:anweisung\w*|instruktion\w*|regeln|vorgaben"
            r"|befehle|richtlinien|anordnung\w*)|anweisung\w*|instruktion\w*)\b"
        ),
    ),
    (
        r"\b(?:vergiss|ignoriere?|vergessen sie|verwirf)\b",
        r"\b(?:alles|was (?:man )?(?:dir|ihnen)|davor|bisher|zuvor)\b",
    ),
    (r"\b(?:befolge|gehorche|hore|folge)\b", r"\b(?:nur (?:noch )?dies\w* (?:zeile|meldung|text|eintrag|nachricht))\b"),
    (r"\b(?:negeer|vergeet)\b", r"\b(?:instructies?|regels|aanwijzingen|opdrachten|richtlijnen|alles wat|hiervoor)\b"),
    (r"\b(?:ignorera|glom|bortse)\b", r"\b(?:instruktioner\w*|regler\w*|anvisningar\w*|allt (?:du|som))\b"),
    # French, Spanish, Portuguese, Italian
    (
        (
            r"\b(?:ignorez|ignore|oubliez|oublie|meprisez|negligez|ne (?:tiens|tenez) (?:pas|aucun) compte|fais abstraction"
            r"|faites abstraction|mets de cote|mettez de cote)\b"
        ),
        (
            r"\b(?:(?:les|vos|tes|ces|toutes les|des) (?:\w+ )?(?:instructions|consignes|directives|regles|ordres)|la politique de securite"
            r"|tout ce (?:qui|qu)|ce qu'on (?:t'a|vous a))\b"
        ),
    ),
    (
        (
            r"\b(?:ignora|ignore|ignorad|olvida(?:te de)?|olvide|descarta|omite|haz caso omiso|haga caso omiso|no (?:hagas|sigas) caso"
            r"|no sigas|deja de lado)\b"
        ),
        (
            r"\b(?:(?:las|tus|sus) (?:\w+ )?(?:instrucciones|reglas|indicaciones|directrices)|instrucciones|ordenes anteriores"
            r"|todo lo (?:anterior|que)|lo que te)\b"
        ),
    ),
    (
        r"\b(?:ignore|ignora|esqueca|desconsidere|desconsidera|descarte|deixe de lado|nao siga)\b",
        r"\b(?:instrucoes|suas regras|as regras|orientacoes|diretrizes|ordens anteriores|tudo o que|tudo que|o que lhe)\b",
    ),
    (
        r"\b(?:ignora|ignorate|dimentica|dimenticate|trascura|non (?:tenere|tener) conto|non seguire|lascia perdere)\b",
        r"\b(?:istruzioni|le (?:tue )?regole|direttive|indicazioni|ordini precedenti|tutto (?:quello|cio) che)\b",
    ),
    # Polish, Czech, Turkish, Vietnamese, Indonesian
    (
        r"\b(?:zignoruj\w*|ignoruj\w*|zapomnij\w*|pomin|nie (?:przestrzegaj|sluchaj)\w*)\b",
        r"\b(?:instrukcj\w+|polecen\w*|zasad\w*|wytyczn\w+|regul\w*|wszyst\w+,? co|o wszystkim)\b",
    ),
    (r"\b(?:ignoruj\w*|zapomen\w*)\b", r"\b(?:pokyn\w+|instrukc\w+|pravidl\w+|vse,? co)\b"),
    (
        r"(?:yok say\w*|yoksay\w*|gormezden gel\w*|unut\b|dikkate alma\w*)",
        r"(?:talimat\w*|kural\w*|yonerge\w*|komutlar\w*|her sey\w*|soylenen\w*)",
    ),
    (r"\b(?:bo qua|quen)\b", r"\b(?:huong dan|chi dan|quy tac|lenh truoc)\b"),
    (r"\b(?:abaikan|lupakan)\b", r"\b(?:instruksi|aturan|perintah|arahan)\b"),
)

_RULES_ARE_OFF: Final = (
    (
        (
            r"\b(?:(?:bisherige|fruhere|vorherige|alte)[nr]? (?:\w+ )?(?:regeln|anweisungen|vorgaben|richtlinien)"
            r"|deine (?:\w+ )?(?:regeln|anweisungen))\b"
        ),
        r"\b(?:nicht (?:mehr|langer)|ungultig|aufgehoben|hinfallig|ausser kraft)\b",
    ),
    (
        r"\b(?:eerdere|vorige|je|oude) (?:\w+ )?(?:regels|instructies|richtlijnen)\b",
        r"\b(?:niet (?:meer|langer)|vervallen|ongeldig|opgeheven)\b",
    ),
    (
        (
            r"\b(?:consignes|instructions|regles|directives) (?:\w+ )?(?:precedentes|anterieures|recues|initiales)\b"
            r"|\b(?:tes|vos) (?:regles|consignes|instructions)\b"
        ),
        r"\b(?:ne sont plus|n'ont plus|ne s'appliquent plus|sont (?:annulees|levees|caduques|nulles))\b",
    ),
    (
        r"\b(?:reglas|instrucciones|normas|directrices) (?:anteriores|previas|iniciales)\b|\btus (?:reglas|instrucciones)\b",
        r"\b(?:ya no|quedan? (?:anulad|sin efecto)|han sido anulad|no (?:tienen validez|aplican|valen)|anuladas)",
    ),
    (
        (
            r"\b(?:regras|instrucoes|normas|diretrizes) (?:anteriores|previas|iniciais)\b|\bsuas (?:regras|instrucoes)\b"
            r"|\bvoce\b"
        ),
        (
            r"\b(?:nao (?:valem|se aplicam|vigoram) mais|ja nao (?:valem|se aplicam)|foram (?:anuladas|revogadas|suspensas)"
            r"|nao tem mais regras)\b"
        ),
    ),
    (
        r"\b(?:regole|istruzioni|direttive|indicazioni) (?:precedenti|iniziali|ricevute)\b|\ble tue (?:regole|istruzioni)\b",
        r"\b(?:non (?:valgono|si applicano|sono) piu|sono (?:annullate|sospese|nulle|revocate))\b",
    ),
    (
        r"\b(?:dotychczasowe|poprzednie|wczesniejsze|twoje|stare) (?:\w+ )?(?:zasady|reguly|instrukcje|polecenia)\b",
        r"\b(?:juz nie|nie obowiazuja|zostaly (?:uchylone|anulowane|zniesione)|sa niewazne)\b",
    ),
    (
        r"\b(?:onceki|artik|eski|tum) (?:\w+ )?(?:kurallar|talimatlar|yonergeler)\w*",
        r"\b(?:gecerli degil|gecersiz|iptal|kaldirildi|yururlukten)",
    ),
)

_TASK: Final = (
    (
        r"\b(?:deine|ihre) (?:\w+ )?(?:einzige|neue|wahre|eigentliche|wichtigste)\w*",
        r"\b(?:aufgabe|auftrag|ziel|pflicht|rolle|funktion)\b",
    ),
    (r"\bje (?:enige|nieuwe|echte|ware)", r"\b(?:taak|opdracht|doel|rol|plicht)\b"),
    (r"\b(?:ta|votre|ton) (?:seule|unique|nouvelle|nouveau|vraie|seul)", r"\b(?:tache|mission|but|role|objectif)\b"),
    (r"\b(?:tu|su) (?:unica|nueva|verdadera|unico|nuevo)", r"\b(?:tarea|mision|objetivo|funcion|papel|deber)\b"),
    (r"\b(?:sua|tua|seu) (?:unica|nova|verdadeira|unico|novo)", r"\b(?:tarefa|missao|objetivo|funcao|papel)\b"),
    (
        r"\b(?:il tuo|la tua|il suo|la sua) (?:unico|unica|nuovo|nuova|vero|vera|solo|sola)",
        r"\b(?:compito|missione|scopo|ruolo|obiettivo)\b",
    ),
    (r"\b(?:twoim|twoje) (?:jedyn|now|prawdziw)\w+", r"\b(?:zadani\w+|cel\w*|rol\w+)\b"),
    (r"\b(?:tek|yeni|asil) (?:gorevin|isin|amacin|rolun)\b", r"\b(?:sunucu|hizmet|servis|baslat|kapat|olay)\w*"),
)

_AUTHORITY: Final = (
    (
        r"\b(?:ich|wir)\b",
        (
            r"\b(?:(?:genehmige|erlaube|gestatte|befehle|ermachtige|autorisiere|erteile)n? (?:dir|ihnen|hiermit|dich|sie)"
            r"|(?:dir|ihnen) hiermit)\b"
        ),
    ),
    (r"\b(?:hiermit)\b", r"\b(?:genehmigung|erlaubnis|ermachtigt|befugnis|freigabe)\b"),
    (
        r"\b(?:(?:ik|wij) (?:geef|geven|machtig\w*|sta|beveel) je|geef (?:ik|wij) je|hierbij)\b",
        r"\b(?:toestemming|opdracht|bevel|het recht|toe om|om te \w+)\b",
    ),
    (r"\b(?:je|nous)\b", r"\b(?:t'autoris\w+|vous autoris\w+|t'ordonne|vous ordonne|te (?:permets|donne)|te charge)\b"),
    (r"\b(?:te|le|os) (?:autorizo|ordeno|permito|doy permiso|autorizamos)\b", r"\b\w+(?:ar|er|ir)\b"),
    (r"\b(?:autorizo|ordeno|permito|autorizamos)\b", r"\b(?:voce|lhe|te|a reiniciar|o reinicio)\b"),
    (r"\b(?:ti|vi|la) (?:autorizzo|ordino|permetto|autorizziamo|do il permesso)\b", r"\b\w+(?:are|ere|ire)\b"),
    (
        r"\b(?:upowazniam|zezwalam|pozwalam|rozkazuje|nakazuje)\b",
        r"\b(?:cie|ci|tobie|na (?:restart|ponowne)|restart\w*)\b",
    ),
    (r"\b(?:sana|size)\b", r"\b(?:yetki|izin) (?:veriyorum|veriyoruz|verdim|verildi)\b"),
)

_NEW_ROLE: Final = (
    (
        r"\b(?:du bist|sie sind|ab jetzt|ab sofort|von nun an)\b",
        r"\b(?:ohne (?:einschrankung\w*|regeln|grenzen|beschrankung\w*)|uneingeschrankt\w*|keine (?:regeln|grenzen) mehr)\b",
    ),
    (r"\b(?:je bent|vanaf nu)\b", r"\b(?:zonder (?:beperkingen|regels|grenzen|limieten)|onbeperkt\w*)\b"),
    (
        r"\b(?:tu es|vous etes|desormais|a partir de maintenant|dorenavant)\b",
        r"\b(?:sans (?:aucune )?(?:limites?|restrictions?|regles|contraintes)|plus (?:aucune )?(?:regle|limite)s?)\b",
    ),
    (
        r"\b(?:eres|a partir de ahora|desde ahora|de ahora en adelante)\b",
        r"\b(?:sin (?:ningun\w* )?(?:limites|restricciones|reglas)|no tienes (?:reglas|limites))\b",
    ),
    (
        r"\b(?:voce e|a partir de agora|de agora em diante|voce)\b",
        r"\b(?:sem (?:nenhum\w* )?(?:limites|restricoes|regras)|nao tem (?:mais )?(?:regras|limites|restricoes))\b",
    ),
    (
        r"\b(?:sei|d'ora in poi|da ora|da adesso|da questo momento)\b",
        r"\b(?:senza (?:alcun\w* )?(?:limiti|restrizioni|regole|vincoli)|non hai (?:piu )?(?:regole|limiti))\b",
    ),
    (r"\b(?:jestes|od teraz|od tej chwili)\b", r"\b(?:bez (?:zadnych )?(?:ograniczen|zasad|regul|limitow))\b"),
    (r"\b(?:artik|bundan sonra|simdi)\b", r"\b(?:sinirsiz|kisitlamasiz|kuralsiz|sinir\w* olmayan)\b"),
)

_PLAYED_ROLE: Final = (
    (
        (
            r"\b(?:verhalte dich (?:wie|als)|handle (?:wie|als)|spiele?|agi(?:s|ssez) (?:comme|en)|actua como|aja como|comportati (?:da"
            r"|come)|agisci (?:da|come)|gedraag je als|zachowuj sie jak|uppfor dig som|gibi davran)\w*\b"
        ),
        r"\b(?:root|admin\w*|operat\w+|operador\w*|beheerder|amministrator\w+|administrador\w*|yonetici\w*)\b",
    ),
)

LATIN_CLAIMS: Final = (
    *pairs("ignore_instructions", _IGNORE),
    *pairs("ignore_instructions", _RULES_ARE_OFF),
    *pairs("order_to_restart", _TASK),
    *pairs("authority", _AUTHORITY),
    *pairs("new_role", _NEW_ROLE),
    *pairs("new_role", _PLAYED_ROLE),
)
