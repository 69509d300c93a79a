"""Papers: pages and lines of passages, names, and files that cannot be read."""

from __future__ import annotations

import io
from pathlib import Path

import pypdf
import pytest

from tools.errors import SourceError
from tools.sources import SourceFailure, SourceItem, SourcePaper, open_source
from tools.sources.papers import name_paper
from tools.sources.paragraphs import LONGEST, cut_text


def make_pdf(*pages: list[str], title: str = "") -> bytes:
    """A PDF written by hand: one content stream of text lines a page (PDF 1.4, ISO 32000-1)."""
    kids = [3 + 2 * n for n in range(len(pages))]
    font = 3 + 2 * len(pages)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{' '.join(f'{k} 0 R' for k in kids)}] /Count {len(pages)} >>".encode(),
    ]
    for number, lines in enumerate(pages):
        shown = b"".join(b"(" + _escape(line) + b") Tj T*\n" for line in lines)
        stream = b"BT /F1 11 Tf 14 TL 50 800 Td\n" + shown + b"ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {kids[number] + 1} 0 R "
            f"/Resources << /Font << /F1 {font} 0 R >> >> >>".encode()
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n".encode() + stream + b"\nendstream")
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    objects.append(b"<< /Title (" + _escape(title) + b") >>")
    out, places = io.BytesIO(), []
    out.write(b"%PDF-1.4\n")
    for number, body in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n" % number + body + b"\nendobj\n")
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.writelines(b"%010d 00000 n \n" % place for place in places)
    out.write(
        b"trailer << /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (len(objects) + 1, len(objects), start)
    )
    return out.getvalue()


def _escape(text: str) -> bytes:
    return text.encode("latin-1").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def encrypt(data: bytes, *, user: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    writer.encrypt(user_password=user, owner_password="owner", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def read(path: Path) -> list[SourceItem]:
    return list(open_source(str(path)))


def read_paper(path: Path) -> SourcePaper:
    (paper,) = read(path)
    assert isinstance(paper, SourcePaper), paper
    return paper


def fail(path: Path) -> str:
    (failure,) = read(path)
    assert isinstance(failure, SourceFailure)
    return failure.error


FIRST = ["A Study of Lakes of Models", "arXiv:2403.02327v2 [cs.DB] 7 Mar 2024", "Abstract", "We study lakes."]
SECOND = [
    "1 Introduction",
    *[f"Sentence number {n} says something about lakes of models." for n in range(40)],
]


def test_pdf_passages_name_their_page(tmp_path: Path) -> None:
    path = tmp_path / "study.pdf"
    path.write_bytes(make_pdf(FIRST, SECOND))
    paper = read_paper(path)
    record = paper.record
    assert (record.paper, record.pages, record.title) == ("arxiv:2403.02327", 2, "A Study of Lakes of Models")
    assert record.models == ()
    assert {locator for locator, _, _ in paper.passages} == {"page 1", "page 2"}
    second = [(headings, text) for locator, headings, text in paper.passages if locator == "page 2"]
    assert len(second) > 1
    assert {headings for headings, _ in second} == {("1 Introduction",)}
    assert all(len(text) <= LONGEST for _, text in second)
    assert "Sentence number 39 says something about lakes of models." in second[-1][1]


def test_title_in_the_metadata_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "x.pdf"
    path.write_bytes(make_pdf(FIRST, title="The Title of Record"))
    assert read_paper(path).record.title == "The Title of Record"
    path.write_bytes(make_pdf(FIRST, title="Microsoft Word - draft7.doc"))
    assert read_paper(path).record.title == "A Study of Lakes of Models"


def test_broken_pdfs(tmp_path: Path) -> None:
    whole = make_pdf(FIRST, SECOND)
    path = tmp_path / "broken.pdf"
    path.write_bytes(b"%PDF-1.4\n" + b"\x00\xff" * 300)
    assert "damaged PDF" in fail(path)
    path.write_bytes(whole[:200])
    assert "'broken.pdf'" in fail(path)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\x00" * 50)
    with pytest.raises(SourceError, match="not a PDF"):
        open_source(str(path))
    path.write_bytes(b"")
    with pytest.raises(SourceError, match="not a PDF"):
        open_source(str(path))


def test_no_cut_of_a_pdf_escapes(tmp_path: Path) -> None:
    whole = make_pdf(FIRST, SECOND)
    path = tmp_path / "cut.pdf"
    for size in range(20, len(whole), 97):
        path.write_bytes(whole[:size])
        (item,) = read(path)
        assert isinstance(item, SourceFailure | SourcePaper)
    for at in range(9, len(whole), 61):
        path.write_bytes(whole[:at] + b"\xa5\x00]>>" + whole[at + 5 :])
        (item,) = read(path)
        assert isinstance(item, SourceFailure | SourcePaper)


def test_encrypted_pdfs(tmp_path: Path) -> None:
    path = tmp_path / "locked.pdf"
    path.write_bytes(encrypt(make_pdf(FIRST), user="secret"))
    assert "password is needed" in fail(path)
    path.write_bytes(encrypt(make_pdf(FIRST), user=""))  # opens without one
    assert read_paper(path).record.paper == "arxiv:2403.02327"


def test_scans_hold_no_text(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(make_pdf([], []))
    assert "holds no text" in fail(path)


def test_too_many_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.sources.pdf.MAX_PAGES", 1)
    path = tmp_path / "long.pdf"
    path.write_bytes(make_pdf(FIRST, SECOND))
    assert "2 pages; at most 1" in fail(path)
    monkeypatch.setattr("tools.sources.pdf.MAX_PAGES", 9)
    monkeypatch.setattr("tools.sources.pdf.MAX_SECONDS", -1.0)
    assert "stopped at page 1" in fail(path)


def test_markdown_passages_name_their_lines(tmp_path: Path) -> None:
    paragraph = "A sentence of this paragraph that has some length. " * 9
    lines = ["# The title", "", paragraph, "", paragraph, "", "## Method", "", "Short.", "", "Shorter.", ""]
    path = tmp_path / "paper.md"
    path.write_text("\n".join(lines))
    paper = read_paper(path)
    assert paper.record.title == "The title"
    assert [(locator, headings) for locator, headings, _ in paper.passages] == [
        ("paper.md#L3-L5", ("The title",)),
        ("paper.md#L9-L11", ("The title", "Method")),
    ]
    assert paper.passages[1][2] == "Short.\n\nShorter."
    for locator, _, text in paper.passages:
        first, last = (int(part.removeprefix("L")) for part in locator.partition("#")[2].split("-"))
        assert text in "\n".join(lines[first - 1 : last])


def test_text_passages_are_verbatim(tmp_path: Path) -> None:
    body = "Abstract\n\nShort start.\n\n2.1 Data\n" + "Words of the data section follow here.\n" * 80
    (tmp_path / "notes.txt").write_text(body)
    paper = read_paper(tmp_path / "notes.txt")
    assert paper.record.paper == "notes"
    assert [headings for _, headings, _ in paper.passages][:2] == [("Abstract",), ("2.1 Data",)]
    assert len(paper.passages) > 3
    lines = body.split("\n")
    for locator, _, text in paper.passages:
        first, _, last = locator.partition("#")[2].replace("L", "").partition("-")
        assert text in "\n".join(lines[int(first) - 1 : int(last or first)])
        assert len(text) <= LONGEST


def test_a_long_line_is_cut_once(tmp_path: Path) -> None:
    text = " ".join(f"word{n}" for n in range(2000))
    pieces = cut_text(text)
    assert "".join(piece.text for piece in pieces).replace(" ", "") == text.replace(" ", "")
    assert all(str(piece.lines) == "L1" for piece in pieces)


@pytest.mark.parametrize(
    ("name", "page", "paper"),
    [
        ("2403.02327.pdf", "", "arxiv:2403.02327"),
        ("lakes-2403.02327v2.pdf", "", "arxiv:2403.02327"),
        ("results-2024.12345678.pdf", "", "results-2024.12345678"),
        ("v1.9913.1234.txt", "", "v1.9913.1234"),
        ("paper.pdf", "x" * 3000 + " arXiv:1908.10063v1 [cs.CL] 27 Aug 2019", "arxiv:1908.10063"),
        ("old.pdf", "arXiv:cs/0112017v1 [cs.CL] 13 Dec 2001", "arxiv:cs/0112017"),
        ("paper.md", "See https://arxiv.org/abs/1908.10063", "arxiv:1908.10063"),
        ("survey.md", "arXiv:1908.10063 and arXiv:1706.03762", "survey"),
        ("cites.md", "x" * 2000 + " arXiv:1706.03762", "cites"),
        ("sub/folder/report.pdf", "", "sub/folder/report"),
    ],
)
def test_paper_names(name: str, page: str, paper: str) -> None:
    assert name_paper(name, page) == paper


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "no text"), (b"a\x00b", "NUL"), (b"\xff\xff\xff", "not UTF-8"), (b"\n \n", "no text")],
)
def test_texts_that_are_none(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "t.txt").write_bytes(data)
    assert said in fail(tmp_path / "t.txt")


def test_a_folder_of_papers_goes_on_after_a_broken_one(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7 nothing")
    (tmp_path / "b.pdf").write_bytes(make_pdf(FIRST))
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "c.md").write_text("# Inner\n\nA passage.\n")
    (tmp_path / "LICENSE.txt").write_text("licence")
    source = open_source(str(tmp_path))
    items = list(source)
    assert source.total == 3
    assert [getattr(item, "id", None) or item.record.paper for item in items] == [  # type: ignore[union-attr]
        "a.pdf", "arxiv:2403.02327", "inner/c",
    ]  # fmt: skip
