"""A corpus of one's own: the text files of a folder, each refused by name where it is none."""

from __future__ import annotations

from pathlib import Path

from eval_suites.rag.app.corpus import Document

SUFFIXES = (".txt", ".md", ".rst")
LARGEST = 5_000_000
"""Bytes of a document. A larger one is a dump, which nobody has read and one passage of which answers nothing."""


class CorpusError(ValueError):
    """A document that cannot be one."""


def from_folder(folder: str | Path) -> tuple[Document, ...]:
    """The documents of a folder and those below it, by name; ``source`` is the path within the folder.

    Raises CorpusError for a file that is empty, larger than 5 MB (before it is read), no UTF-8 or a link that leads
    nowhere, and where there is no file: left out in silence it would make answers wrong that nobody could explain.
    """
    root = Path(folder)
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and not path.is_dir())
    if not found:
        raise CorpusError(f"{root} holds no document; put files there that end in {', '.join(SUFFIXES)}")
    return tuple(_document(path, path.relative_to(root).as_posix()) for path in found)


def _document(path: Path, source: str) -> Document:
    if not path.is_file():
        raise CorpusError(f"{source} is no file, or a link that leads to none; mend it or take it away")
    size = path.stat().st_size
    if size > LARGEST:
        most = f"{LARGEST / 1e6:g} MB"
        raise CorpusError(
            f"{source} has {size / 1e6:.1f} MB, more than {most} of a document; split it, or leave it out"
        )
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = f"byte {error.start} (0x{error.object[error.start]:02x})"
        raise CorpusError(f"{source} is no UTF-8: {where} begins no character; save it as UTF-8") from None
    if not text.strip():
        raise CorpusError(f"{source} is empty; fill it or take it away")
    return Document(source=source, title=path.stem, text=text)
