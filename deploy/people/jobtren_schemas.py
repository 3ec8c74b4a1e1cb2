"""What JOBTREN's API takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, model_validator

from deploy.app.fields import Line, Taken, one_of
from twin.labour.facts import EDUCATIONS, skills
from twin.places import kecamatan

Skill = Annotated[str, *one_of(one.name for one in skills())]
Education = Annotated[str, *one_of(EDUCATIONS)]
Place = Annotated[str, *one_of(one.code for one in kecamatan())]
SEEKERS = "\n".join([
    "id,age,sex,education,kecamatan,skills,interest,wage_idr",
    "3503010101010001,30,P,sma,Panggul,selling,5,2000000", "",
])  # fmt: skip
VACANCIES = "\n".join([
    "vacancy,seats,kecamatan,min_education,skills,kbji,wage_idr", "kasir,2,Panggul,sma,selling,5,2400000", "",
])  # fmt: skip
Wage = Annotated[int, Field(ge=1, le=1_000_000_000, examples=[2_530_313])]


class Profile(Taken):
    """What a seeker tells; it stands encrypted, and employers see only what the screening needs."""

    age: int = Field(ge=15, le=80, examples=[24])
    sex: Literal["male", "female"]
    education: Education
    kecamatan: Place
    skills: list[Skill] = Field(max_length=16, examples=[["office", "digital"]])
    interest: int = Field(ge=0, le=9, description="KBJI major group", examples=[4])
    wage_idr: Wage
    furthest_km: int = Field(40, ge=0, le=1000)
    disability: bool = False


class Terms(Taken):
    """What a vacancy offers and asks for."""

    title: Line = Field(examples=["Staf administrasi"])
    seats: int = Field(1, ge=1, le=10_000)
    kecamatan: Place | None = Field(None, description="none: anywhere")
    min_education: Education
    skills: list[Skill] = Field([], max_length=16)
    kbji: int = Field(ge=0, le=9, examples=[4])
    wage_idr: Wage
    youngest: int = Field(15, ge=15, le=80)
    oldest: int = Field(64, ge=15, le=80)
    reserved: int = Field(0, ge=0, le=10_000, description="seats for people with a disability")

    @model_validator(mode="after")
    def _must_fit(self) -> Terms:
        if self.youngest > self.oldest or self.reserved > self.seats:
            raise ValueError("youngest is above oldest, or more seats are reserved than there are")
        return self


class VacancyView(BaseModel):
    """A vacancy."""

    id: int
    employer: str
    title: str
    terms: dict[str, Any]
    is_open: bool


class ApplicationView(BaseModel):
    """An application: what the screening said (`reasons`, none where it was passed) and the parts of the score."""

    id: int
    vacancy: int
    candidate: str
    state: Literal["passed", "screened", "invited", "accepted", "declined", "hired", "rejected"]
    reasons: list[str]
    parts: list[dict[str, Any]]
    interview_at: datetime | None
    interview_place: str
    made_at: datetime


class Invitation(Taken):
    """When and where an interview is."""

    at: AwareDatetime = Field(strict=False, examples=["2026-02-02T09:00:00+07:00"])
    place: Line = Field(examples=["Balai desa Panggul"])


class Reply(Taken):
    """Whether a candidate will come."""

    accept: bool = Field(examples=[True])


class Decision(Taken):
    """Whether an employer takes a candidate."""

    accept: bool = Field(examples=[True])


class CandidateMatch(BaseModel):
    """A pair of a match run as the vacancy's employer sees it; without `application`, they did not apply."""

    run: int
    candidate: str
    score: float
    because: str
    application: int | None


class Import(Taken):
    """A register as `python -m twin labour import` takes it: two CSV files as text; identities become pseudonyms."""

    seekers_csv: Annotated[str, StringConstraints(max_length=6_000_000)] = Field(examples=[SEEKERS])
    vacancies_csv: Annotated[str, StringConstraints(max_length=2_000_000)] = Field(examples=[VACANCIES])


class Imported(BaseModel):
    """How many there were."""

    seekers: int
    vacancies: int


class NewMatchRun(Taken):
    """How many vacancies a seeker's list has."""

    listed: int = Field(20, ge=1, le=100)


class MatchView(BaseModel):
    """A pair of a match run, and why."""

    run: int
    vacancy: int
    title: str
    score: float
    because: str


class NotificationView(BaseModel):
    """A message."""

    id: int
    text: str
    at: datetime
    was_read: bool
