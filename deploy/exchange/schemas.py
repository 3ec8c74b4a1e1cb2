"""What the exchange's API takes and gives."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from deploy.app.fields import Line, Taken

MOST_IDR = 10**13
Batch = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"), Field(examples=["solar-2026-01"])
]
Member = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9:_-]{2,79}$"), Field(examples=["pt-hijau"])]
Lots = Annotated[int, Field(ge=1, le=10_000_000, description="whole tonnes of CO2 equivalent", examples=[10])]
Price = Annotated[int, Field(ge=1, le=5_000_000, description="whole rupiah for a tonne", examples=[58_800])]
Side = Literal["buy", "sell"]


class NewOrder(Taken):
    """An order; `market` takes what is there up to the day's limits, `ioc` cancels its rest, `fok` is all or none."""

    side: Side = Field(examples=["buy"])
    kind: Literal["limit", "market", "ioc", "fok", "post_only"] = "limit"
    price_idr: int = Field(
        0, ge=0, le=5_000_000, description="whole rupiah for a tonne; 0 for market", examples=[58_800]
    )
    lots: Lots


class Order(BaseModel):
    """An order as its owner sees it."""

    order: str = Field(examples=["1-17"])
    side: Side
    kind: str
    price_idr: int
    lots: int
    filled: int
    state: Literal["open", "filled", "cancelled", "done"]
    at: str


class Fill(BaseModel):
    """A trade of an order."""

    number: int
    price_idr: int
    lots: int


class Placed(BaseModel):
    """What became of a new order."""

    order: Order
    trades: list[Fill]


class Cancelled(BaseModel):
    """What became of an order."""

    order: Order


class Level(BaseModel):
    """One price of a side."""

    price_idr: int
    lots: int
    orders: int


class BookView(BaseModel):
    """The book's best prices; a market's rules beside them."""

    day: int
    session: Literal["open", "halted", "closed"]
    reference_idr: int
    tick_idr: int
    low_idr: int
    high_idr: int
    bids: list[Level]
    asks: list[Level]


class Traded(BaseModel):
    """A trade as everybody sees it: nobody's name."""

    number: int
    at: str
    mechanism: str
    price_idr: int
    lots: int
    taker: str


class Candle(BaseModel):
    """Trades of an interval."""

    begin: str
    open_idr: int
    high_idr: int
    low_idr: int
    close_idr: int
    volume: int
    value_idr: int
    trades: int
    day: int | None = None


class BatchHeld(BaseModel):
    """Tokens of a batch."""

    batch: str
    tokens: int


class ExchangeAccount(BaseModel):
    """An own account."""

    member: str
    cash_idr: int
    free_idr: int
    tokens: int
    free_tokens: int
    registry_units: int
    batches: list[BatchHeld]


class Money(Taken):
    """Money of a member that came in or went out at the bank."""

    member: Member
    amount_idr: int = Field(ge=1, le=MOST_IDR, examples=[10_000_000])


class Issue(Taken):
    """Verified reductions of a batch, credited to a member."""

    member: Member
    batch: Batch
    tco2e: Lots


class OfBatch(Taken):
    """Tonnes of a batch."""

    batch: Batch
    tco2e: Lots


class Retire(Taken):
    """Tonnes that are used up for good."""

    tco2e: Lots
    batch: Batch | None = None
    beneficiary: Line | None = Field(None, examples=["PT Hijau Lestari"])
    purpose: Line = Field("offset", examples=["emisi kantor 2026"])


class Certificate(BaseModel):
    """Proof of an offset; `certificate` is its name and covers its content."""

    certificate: str
    number: int
    holder: str
    batch: str
    tco2e: int
    beneficiary: str
    purpose: str
    at: str


class Certificates(BaseModel):
    """Certificates of a retirement, one a batch."""

    certificates: list[Certificate]


class NewAuction(Taken):
    """A call for bids and offers."""

    title: Line = Field(examples=["Lelang Januari"])


class Bid(Taken):
    """A bid (`buy`) or an offer (`sell`)."""

    side: Side
    price_idr: Price
    lots: Lots


class AuctionView(BaseModel):
    """An auction; who bids what is sealed until it closes."""

    auction: int
    title: str
    state: str
    bids: int
    offers: int
    price_idr: int | None
    volume: int


class DealReport(Taken):
    """One side's report of a negotiated deal."""

    side: Side
    counterparty: Member
    price_idr: Price
    lots: Lots


class DealState(BaseModel):
    """Whether both sides have reported."""

    state: Literal["waits for the other side", "done"]
    trade: int | None


class NewListing(Taken):
    """Tokens offered at a fixed price."""

    price_idr: Price
    lots: Lots


class ListingView(BaseModel):
    """A listing."""

    listing: int
    seller: str
    price_idr: int
    lots: int
    at: str


class Take(Taken):
    """How much of a listing is taken."""

    lots: Lots


class Took(BaseModel):
    """A trade from a listing."""

    trade: int
    listing: ListingView


class NewSession(Taken):
    """What the regular market shall be."""

    session: Literal["open", "halted", "closed"]


class SessionView(BaseModel):
    """The regular market."""

    day: int
    session: str
    reference_idr: int


class AlertView(BaseModel):
    """What surveillance found."""

    day: str
    type: str
    accounts: list[str]
    score: float
    evidence: str


class AuditView(BaseModel):
    """Whether money and tonnes add up, now; the log's own audit is `python -m deploy audit`."""

    faults: list[str]
    commands_today: int
    log_sha256: str
    totals: dict[str, int | bool]


class SettlementView(BaseModel):
    """What the settlement worker has done: commands read, entries on the chain, differences where there are any."""

    at: str
    commands: int
    entries: int
    transactions: int
    differences: list[str]
