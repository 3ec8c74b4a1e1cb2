"""What a document may cost before we refuse it: the size of a file, of what is packed in it, and its pages."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

from twin.errors import KnowledgeError

MIB = 2**20
MAX_FILE_MIB = 100
MAX_UNPACKED_MIB = 300
MAX_RATIO = 200  # unpacked over packed; office files stay below about 30
MAX_STREAM_MIB = 64
MAX_PAGES = 3000
MAX_TEXT_CHARACTERS = 20_000_000


def refuse(path: Path, what: str) -> KnowledgeError:
    """The one way in which a document is refused."""
    return KnowledgeError(path.name, [what])


def check_file(path: Path) -> None:
    """Refuse a file that is empty or too large."""
    size = path.stat().st_size
    if size == 0:
        raise refuse(path, "is empty (0 bytes)")
    if size > MAX_FILE_MIB * MIB:
        raise refuse(path, f"is {size / MIB:.0f} MiB, above the limit of {MAX_FILE_MIB} MiB; split it")


def check_zip(path: Path) -> None:
    """Refuse an office file that would unpack into far more than it is (a zip bomb), before anything is unpacked."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(sum(entry.compress_size for entry in entries), 1)
    if unpacked > MAX_UNPACKED_MIB * MIB or (unpacked > 10 * MIB and unpacked / packed > MAX_RATIO):
        raise refuse(
            path,
            f"would unpack to {unpacked / MIB:.0f} MiB, {unpacked / packed:.0f} times its size (a zip bomb?); "
            f"limits: {MAX_UNPACKED_MIB} MiB, {MAX_RATIO} times",
        )


def check_pdf_streams(path: Path) -> None:
    """Refuse a PDF with a compressed stream that unpacks beyond the limit; no more than the limit is ever unpacked."""
    content = path.read_bytes()
    for start in re.finditer(rb"stream\r?\n", content):
        unpacker, limit = zlib.decompressobj(), MAX_STREAM_MIB * MIB
        try:
            unpacked = len(unpacker.decompress(content[start.end() : start.end() + MAX_FILE_MIB * MIB], limit))
        except zlib.error:
            continue  # not a deflated stream
        if unpacked >= limit:
            raise refuse(path, f"holds a stream that unpacks beyond {MAX_STREAM_MIB} MiB (a bomb?)")
