"""A word-by-word translator: it looks up each English word and knows no grammar.

It made the recorded system ``glossary`` of ``datasets/python_sentences_en_de.jsonl``, the bad
example that the gates of this suite must stop.
"""

from __future__ import annotations

import re

GLOSSARY = {
    "a": "ein", "an": "ein", "again": "wieder", "allows": "erlaubt", "always": "immer", "and": "und", "are": "sind",
    "as": "als", "be": "sein", "before": "bevor", "but": "aber", "by": "durch", "can": "kann",
    "cannot": "kann nicht", "changed": "geändert", "changes": "ändert", "characters": "Zeichen",
    "class": "Klasse", "clause": "Klausel", "closes": "schließt", "compare": "vergleiche",
    "computes": "berechnet", "contain": "enthalten", "contains": "enthält", "counter": "Zähler",
    "decimal": "dezimal", "default": "Standard", "do": "tun", "duplicates": "Duplikate", "element": "Element",
    "elements": "Elemente", "equal": "gleich", "error": "Fehler", "even": "sogar", "every": "jedes",
    "exactly": "genau", "exception": "Ausnahme", "executed": "ausgeführt", "file": "Datei", "for": "für",
    "fractions": "Brüche", "from": "von", "function": "Funktion", "group": "gruppieren", "has": "hat",
    "if": "wenn", "imported": "importiert", "in": "in", "insertion": "Einfügung", "is": "ist", "it": "es",
    "its": "sein", "keep": "behalten", "keeps": "behält", "keys": "Schlüssel", "large": "groß", "line": "Zeile",
    "list": "Liste", "lists": "Listen", "lock": "Schloss", "loop": "Schleife", "memory": "Speicher",
    "most": "meist", "needed": "gebraucht", "new": "neu", "no": "kein", "not": "nicht", "occurs": "auftritt",
    "of": "von", "often": "oft", "once": "einmal", "only": "nur", "order": "Ordnung", "other": "andere",
    "own": "eigen", "program": "Programm", "protects": "schützt", "reports": "berichtet", "return": "zurückgeben",
    "returns": "gibt zurück", "run": "laufen", "set": "Satz", "shorter": "kürzer", "statement": "Anweisung",
    "statements": "Anweisungen", "strings": "Fäden", "takes": "nimmt", "tasks": "Aufgaben", "than": "als",
    "that": "dass", "the": "die", "they": "sie", "to": "zu", "tries": "versucht", "two": "zwei", "use": "benutzen",
    "uses": "benutzt", "value": "Wert", "values": "Werte", "visits": "besucht", "waits": "wartet", "when": "wenn",
    "with": "mit", "without": "ohne", "you": "du",
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z]+")


def translate(sentence: str) -> str:
    """Replace every word that the glossary has; other words and all punctuation stay as they are."""
    translated = _WORD.sub(lambda match: GLOSSARY.get(match[0].lower(), match[0]), sentence)
    return translated[:1].upper() + translated[1:]
