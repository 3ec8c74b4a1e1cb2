"""Tourism NFTs, waste tokens, invoices: beside each thing that works, what must not."""

from chain_desk import A, B, C, refused, rupiah, send
from web3 import Web3

from contracts.deploy import CONSERVATION_BP, ROYALTY_BP, WASTE_CAP, role
from contracts.gas import FAR_S
from contracts.signing import Receipt, sign


def test_an_nft_is_sold_once_with_a_share_for_conservation_and_royalties_after(b):
    s, maker, buyer = b.system, b.traders[A], b.traders[B]
    t, offer = s.tourism.functions, (b.traders[A].address, 10_005, b"\1" * 32)
    with refused("NotAllowed"):
        send(b, maker, t.list(1, offer))
    for wrong in ((offer[0], 0, offer[2]), ("0x" + "0" * 40, 5, offer[2])):
        with refused("TourismOffer"):
            send(b, s.roles["OPERATOR"], t.list(1, wrong))
    send(b, s.roles["OPERATOR"], t.list(1, offer))
    with refused("TourismOffer"):
        send(b, s.roles["OPERATOR"], t.list(1, (buyer.address, 1, offer[2])))
    for number, highest in ((1, 10_004), (2, 10_005)):
        with refused("TourismOffer"):
            send(b, buyer, t.buy(number, highest))
    send(b, buyer, s.rupiah.functions.approve(s.tourism.address, 10_005))
    before = rupiah(b, maker.address)
    send(b, s.roles["PAUSER"], s.registry.functions.pause())
    with refused("IsPaused"):
        send(b, buyer, t.buy(1, 10_005))
    send(b, s.roles["REGULATOR"], s.registry.functions.unpause())
    send(b, buyer, t.buy(1, 10_005))
    share = 10_005 * CONSERVATION_BP // 10_000
    assert (rupiah(b, s.admin.address), rupiah(b, maker.address) - before) == (share, 10_005 - share)
    assert t.ownerOf(1).call() == buyer.address
    assert t.royaltyInfo(1, 10_000).call() == [maker.address, ROYALTY_BP]
    assert t.supportsInterface("0x2a55205a").call()  # EIP-2981
    with refused("TourismOffer"):
        send(b, b.traders[C], t.buy(1, 10_005))


def test_shares_of_more_than_all_are_refused(b):
    s = b.system
    for shares in ([10_001, 0], [0, 10_001]):
        with refused("TourismShares"):
            s.chain.deploy(s.admin, "TourismNFT", s.registry.address, s.rupiah.address, s.admin.address, shares)
    assert s.tourism.functions.CONSERVATION_BP().call() == CONSERVATION_BP


def earned(b, receipt, signer="COLLECTOR", chain_id=None):
    s = b.system
    signature = sign(s.roles[signer], s.waste, receipt, chain_id or s.chain.id)
    call = s.waste.functions.earn(receipt.household, receipt.amount, receipt.number, receipt.expiry, signature)
    return send(b, b.traders[C], call)


def test_waste_tokens_are_earned_once_a_receipt_up_to_the_cap_and_redeemed(b):
    s, home = b.system, b.traders[A]
    expiry = s.chain.now_s + FAR_S
    first = Receipt(home.address, WASTE_CAP - 10, Web3.keccak(text="r1"), expiry)
    earned(b, first)
    with refused("WasteReceiptUsed"):
        earned(b, first)
    for wrong, words in (
        (Receipt(home.address, 0, Web3.keccak(text="r2"), expiry), "WasteZero"),
        (Receipt(home.address, 1, Web3.keccak(text="r2"), 1), "WasteReceiptExpired"),
        (Receipt(home.address, 11, Web3.keccak(text="r2"), expiry), "WasteCap"),
    ):
        with refused(words):
            earned(b, wrong)
    small = Receipt(home.address, 10, Web3.keccak(text="r3"), expiry)
    with refused("WasteReceiptSigner"):
        earned(b, small, signer="OPERATOR")
    with refused("WasteReceiptSigner"):
        earned(b, small, chain_id=1)
    send(b, s.roles["PAUSER"], s.registry.functions.pause())
    with refused("IsPaused"):
        earned(b, small)
    with refused("IsPaused"):
        send(b, home, s.waste.functions.redeem(1, b"\1" * 32))
    send(b, s.roles["REGULATOR"], s.registry.functions.unpause())
    earned(b, small)
    assert s.waste.functions.balanceOf(home.address).call() == WASTE_CAP
    s.chain.advance(31 * 86_400)
    with refused("WasteZero"):
        send(b, home, s.waste.functions.redeem(0, b"\1" * 32))
    with refused("ERC20InsufficientBalance"):
        send(b, home, s.waste.functions.redeem(WASTE_CAP + 1, b"\1" * 32))
    for amount in (50, 60):
        send(b, home, s.waste.functions.redeem(amount, b"\1" * 32))
    assert s.waste.functions.vouchers().call() == 2
    assert s.waste.functions.totalSupply().call() == WASTE_CAP - 110
    earned(b, Receipt(home.address, WASTE_CAP, Web3.keccak(text="r4"), s.chain.now_s + 9))  # a new period
    assert not s.registry.functions.hasRole(role("COLLECTOR"), home.address).call()


def test_an_invoice_is_paid_once_and_refunded_at_most_in_full(b):
    s, merchant, payer = b.system, b.traders[A], b.traders[B]
    u = s.umkm.functions
    expiry = s.chain.now_s + 1_000
    with refused("InvoiceZero"):
        send(b, merchant, u.write(0, expiry, b"\1" * 32))
    for _ in range(2):
        send(b, merchant, u.write(75_000, expiry, b"\1" * 32))
    for account in (merchant, payer):
        send(b, account, s.rupiah.functions.approve(s.umkm.address, 10**9))
    with refused("InvoiceUnknown"):
        send(b, payer, u.pay(2))
    with refused("InvoiceRefund"):  # not paid yet
        send(b, merchant, u.refund(0, 1))
    before = rupiah(b, merchant.address), rupiah(b, payer.address)
    send(b, s.roles["PAUSER"], s.registry.functions.pause())
    for call in (u.pay(0), u.refund(0, 1)):
        with refused("IsPaused"):
            send(b, payer, call)
    send(b, s.roles["REGULATOR"], s.registry.functions.unpause())
    send(b, payer, u.pay(0))
    with refused("InvoicePaid"):
        send(b, payer, u.pay(0))
    assert (rupiah(b, merchant.address), rupiah(b, payer.address)) == (before[0] + 75_000, before[1] - 75_000)
    with refused("InvoiceRefund"):
        send(b, payer, u.refund(0, 1))
    for amount in (0, 75_001):
        with refused("InvoiceRefund"):
            send(b, merchant, u.refund(0, amount))
    send(b, merchant, u.refund(0, 70_000))
    with refused("InvoiceRefund"):
        send(b, merchant, u.refund(0, 5_001))
    send(b, merchant, u.refund(0, 5_000))
    assert (rupiah(b, merchant.address), rupiah(b, payer.address)) == before
    s.chain.advance(2_000)
    with refused("InvoiceExpired"):
        send(b, payer, u.pay(1))
