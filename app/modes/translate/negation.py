"""Whether a text denies or forbids something, by the plain words for it in its language.

"No smoking" and "Smoking is prohibited" say the same, so words that forbid count as words that deny. Czech verbs and
all of Turkish deny by syllables inside words; what this list does not know is taken for no denial.
"""

import re

_WORDS = {
    "ar": "[وفب]?(?:لا|ألا|لم|لن|ليس|ليست|بدون|بلا|دون|غير|عدم|ممنوع|ممنوعة|محظور|محظورة|ي\u064f?منع|ي\u064f?حظر)",
    "cs": "ne|není|nejsou|nikdy|nic|nikdo|nelze|bez|žádn[ýáéí]",
    "da": "ikke|aldrig|uden|ingen|intet|ingenting|\\w*forbudt?",
    "de": "nicht|nichts|nie|niemals|niemand|ohne|kein(?:e[mnrs]?)?|weder|untersagt|\\w*verbot|verboten\\w*",
    "el": "δεν|μην?|όχι|χωρίς|απαγορεύ\\w+",
    "en": "no(?!\\. ?\\d)|not|cannot|never|none|nothing|nobody|without|neither|nor|forbidden|prohibited|\\w+n['’]t",
    "es": "no|nunca|jamás|sin|nadie|ning[úu]n[oa]?|ni|prohíbe|prohibid[oa]s?",
    "fi": "ei|en|et|emme|ette|eivät|älä|älkää|ilman|kielletty|kiellettyä|kielletään",
    "fr": "ne|n(?=['’])|pas|jamais|sans|rien|aucune?|ni|interdite?s?",
    "he": "[וש]?(?:לא|אין|בלי|ללא|אסור|אסורה)|אל(?= ת)",
    "hu": "nem|ne|nincs|nincsenek|soha|nélkül|sem|semmi|senki|tilos",
    "it": "non|no|senza|nessun[oa]?|niente|nulla|vietat[oaie]|divieto",
    "nl": "niet|geen|nooit|niets|niemand|zonder|verboden|\\w*verbod",
    "no": "ikke|aldri|uten|ingen|intet|ingenting|\\w*forbudt?",
    "pl": "nie|bez|nigdy|nic|nikt|żad(?:en|na|ne)|zakaz|zakazan[eya]|zabronion[eya]|zabrania|wzbronion[eya]",
    "pt": "não|nunca|jamais|sem|ninguém|nenhuma?|nem|proíbe|proibid[oa]s?",
    "ro": "nu|fără|niciodată|nimic|nimeni|nici|niciun|nicio|interzis[ăe]?|interzice",
    "ru": "не|нет|ни|без|никогда|ничего|никто|нельзя|запрещ\\w+|запрет",
    "sv": "inte|ej|aldrig|utan|ingen|inget|inga|ingenting|förbjud(?:en|et|na)|\\w*förbud",
    "uk": "не|ні|без|ніколи|нічого|ніхто|немає|нема|заборон\\w+",
}
_INSIDE = {
    "hi": r"नहीं|बिना|वर्जित|निषे[धि]|(?<!\S)(?:मत|मना)(?=\s|$)",
    "ja": "禁止|(?<!すみ)(?<!しれ)ません(?!か)|(?<![少危汚切つ])ない",
    "ko": r"금지|않|없|못|아니|안\s?[되돼됩된]|(?<!까)지\s?(?:마세요|마십시오|마시오|말)",
    "th": "ไม่|ห้าม|อย่า(?!ง)|ปราศจาก",
    "zh": "[沒無勿]|禁止|严禁|嚴禁|不(?![仅但过同锈断管久少如论])|(?<![淹沉])没(?!收)|无(?![线论障数限])|未(?!来)",
}
"""Languages whose words are not, or not reliably, told apart by spaces; the next letter tells words from others."""
_DENIALS = {code: re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE) for code, words in _WORDS.items()} | {
    code: re.compile(words) for code, words in _INSIDE.items()
}


def denies(text: str, code: str) -> bool:
    """Whether a text in the language of this code says no to something."""
    denial = _DENIALS.get(code)
    return denial is not None and denial.search(text) is not None
