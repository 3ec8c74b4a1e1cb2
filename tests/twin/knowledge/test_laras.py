"""LARAS on the shipped demo: answers, abstention, checked citations, the log; and the measures by hand."""

import math

import pytest

from twin.errors import KnowledgeError
from twin.knowledge.documents.chunks import Chunk
from twin.knowledge.evaluation.evaluate import evaluate, read_questions
from twin.knowledge.evaluation.measures import ndcg, paired, reciprocal_rank
from twin.knowledge.facts import CORPUS, DATA
from twin.knowledge.index.analysis import stem, words
from twin.knowledge.index.ingest import ingest
from twin.knowledge.index.question import informal_root
from twin.knowledge.index.search import UNKNOWN, Searcher
from twin.knowledge.laras.answer import ask
from twin.knowledge.laras.feedback import note, rate, satisfaction
from twin.knowledge.laras.generate import faults_of


@pytest.fixture(scope="module")
def searcher(tmp_path_factory):
    index = tmp_path_factory.mktemp("laras") / "index"
    ingest(CORPUS, index)
    return Searcher.open(index)


def test_theory_measures_by_hand():
    assert (reciprocal_rank(4), reciprocal_rank(None)) == (0.25, 0.0)
    assert ndcg(3) == pytest.approx(1 / math.log2(4))
    assert paired([True] * 5 + [False], [False] * 5 + [True]) == (5, 1, pytest.approx(14 / 64))


def test_indonesian_words():
    assert stem("melahirkan") == "lahir"
    assert words("anak-anak anak2 cuti") == ["anak", "anak", "cuti"]
    assert [informal_root(word) for word in ("ngajuin", "dirampingke")] == ["aju", "ramping"]


@pytest.mark.parametrize(
    ("question", "link", "held"),
    [
        ("cuti lairan pirang sasi?", "cuti.md#cuti-melahirkan", "3 bulan"),
        ("syarat KGB", "kgb.md#syarat-kenaikan-gaji-berkala", "2 tahun"),
        ("cutti melahirkan brp bulan", "cuti.md#cuti-melahirkan", "3 bulan"),
        ("omahku kobong, iso njaluk cuti po ra?", "cuti.md#cuti-karena-alasan-penting", "kebakaran rumah"),
    ],
)
def test_it_answers_with_a_quote(searcher, question, link, held):
    found = ask(searcher, question)
    assert not found.abstained
    assert link in [citation.link for citation in found.citations]
    assert held in found.answer
    assert found.answer.split(". ")[0] in found.citations[0].text


def test_a_word_that_nobody_knows_counts_less_than_one_that_the_documents_lack(searcher):
    assert searcher.rarity("emas") == pytest.approx(math.log1p(searcher.size))  # Indonesian, in no document
    assert searcher.rarity("qwertz") == pytest.approx(UNKNOWN * math.log1p(searcher.size))


def test_a_long_question_is_shortened_and_said(searcher):
    found = ask(searcher, "cuti tahunan " * 1000)
    assert "13,000 characters" in found.remarks[0]
    assert not found.abstained


def test_a_question_without_a_word(searcher):
    with pytest.raises(KnowledgeError, match="no word"):
        ask(searcher, "?!")


def test_golden_tuning_questions(searcher):
    found = evaluate(searcher, read_questions(DATA / "questions.csv", "tuning"))
    hits = {row["style"]: row["hit_at_3"] for row in found["retrieval"] if row["method"] == "ours"}
    assert hits["formal"] >= 0.9
    assert hits["colloquial"] >= 0.85
    assert found["answers"][0]["abstained"] >= 0.7  # unanswerable ones


def test_the_set_is_what_it_says():
    asked = read_questions(DATA / "questions.csv")
    count = {style: sum(one.style == style for one in asked) for style in ("formal", "colloquial", "unanswerable")}
    assert count == {"formal": 60, "colloquial": 121, "unanswerable": 45}
    for one in asked:
        if one.document:
            assert one.expected.lower() in (CORPUS / one.document).read_text(encoding="utf-8").lower()


def test_written_answers_must_stand_on_their_quotes(searcher):
    citations = list(ask(searcher, "cuti tahunan berapa hari").citations)
    at = 1 + next(i for i, c in enumerate(citations) if c.link == "cuti.md#cuti-tahunan")
    assert not faults_of(f"Lamanya hak cuti tahunan 12 hari kerja [{at}].", citations)
    assert "numbers" in faults_of(f"Cuti tahunan 99 hari kerja [{at}].", citations)[0]
    assert "citation" in faults_of("Cuti tahunan 12 hari kerja.", citations)[0]
    assert "hardly" in faults_of(f"Presiden membagi rumah mewah gratis [{at}].", citations)[0]
    assert faults_of("", citations) == ["empty"]


def test_the_log_counts_satisfaction(searcher, tmp_path):
    log = tmp_path / "log.sqlite"
    numbers = [note(log, "x'); DROP TABLE asked; --", ask(searcher, "cuti tahunan")) for _ in range(4)]
    for number in numbers[:3]:
        rate(log, number, number != numbers[0])
    rate(log, numbers[0], True)  # changed their mind
    found = satisfaction(log)
    assert (found["asked"], found["rated"], found["satisfied"]) == (4, 3, 3)
    with pytest.raises(KnowledgeError, match="no answer number 99"):
        rate(log, 99, True)


def test_a_passage_is_found_by_its_own_words():
    chunk = Chunk("a", "t", 1, "s", "page=1", "x")
    asked = read_questions(DATA / "questions.csv")[0]
    assert asked.rank_in([chunk]) is None
