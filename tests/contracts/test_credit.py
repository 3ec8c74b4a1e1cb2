"""Credits and the vault: beside each thing that works, what must not."""

import pytest
from chain_desk import A, B, refused, send, tonnes
from eth_account import Account

from contracts.gas import ID
from contracts.signing import Permit, as_given, sign


def mint(b, permit, signature, sender="ISSUER"):
    return send(b, b.system.roles[sender], b.system.credits.functions.mint(as_given(permit), signature))


def changed(b, signer="IDXCARBON", chain_id=None, contract=None, **fields):
    p, _ = b.permit(b.traders[A].address, 10, "permit")
    p = Permit(**{**vars(p), **fields})
    s = b.system
    return p, sign(s.roles[signer], contract or s.credits, p, chain_id or s.chain.id)


def test_a_permit_mints_once(b):
    permit, signature = changed(b)
    mint(b, permit, signature)
    assert tonnes(b, A) == 10
    with refused("CreditPermitUsed"):
        mint(b, permit, signature)
    assert tonnes(b, A) == 10
    assert b.system.credits.functions.totals(ID).call()[0] == 10


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"signer": "ISSUER"}, "CreditPermitSigner"),
        ({"chain_id": 1}, "CreditPermitSigner"),
        ({"amount": 0}, "CreditZero"),
        ({"expiry": 1}, "CreditPermitExpired"),
        ({"id": 99}, "CreditStatus"),
    ],
)
def test_no_other_permit_mints(b, change, words):
    with refused(words):
        mint(b, *changed(b, **change))
    assert tonnes(b, A) == 0


def test_a_permit_counts_for_one_contract_and_what_it_says_alone(b):
    with refused("CreditPermitSigner"):
        mint(b, *changed(b, contract=b.system.vault))
    permit, signature = changed(b)
    for field, other in (
        ("amount", 11),
        ("to", b.traders[B].address),
        ("serialFirst", 2),
        ("expiry", permit.expiry + 1),
    ):
        with refused("CreditPermitSigner"):
            mint(b, Permit(**{**vars(permit), field: other}), signature)
    assert b.system.credits.functions.totals(ID).call()[0] == 0


def test_only_the_issuer_mints_and_registers_and_only_the_verifier_verifies(b):
    s, project = b.system, ("p", "forest", "Pule", "SPE-GRK", b"\2" * 32)
    with refused("NotAllowed"):
        mint(b, *changed(b), sender="VERIFIER")
    with refused("NotAllowed"):
        send(b, s.roles["VERIFIER"], s.credits.functions.register(7, project))
    send(b, s.roles["ISSUER"], s.credits.functions.register(7, project))
    with refused("CreditStatus"):
        send(b, s.roles["ISSUER"], s.credits.functions.register(7, ("other", *project[1:])))
    assert s.credits.functions.projectOf(7).call() == project
    with refused("CreditStatus"):  # not verified yet
        mint(b, *changed(b, id=7))
    with refused("NotAllowed"):
        send(b, s.roles["ISSUER"], s.credits.functions.setStatus(7, 2))
    send(b, s.roles["VERIFIER"], s.credits.functions.setStatus(7, 2))
    assert s.credits.functions.status(7).call() == 2


def test_a_status_only_moves_forward_and_what_is_frozen_stays(held):
    b, s = held, held.system
    a = b.traders[A]
    with refused("NotAllowed"):
        send(b, s.roles["VERIFIER"], s.credits.functions.setStatus(ID, 3))
    with refused("CreditStatus"):  # nobody's good tonnes are voided
        send(b, s.roles["REGULATOR"], s.credits.functions.cancel(a.address, ID, 1))
    send(b, s.roles["REGULATOR"], s.credits.functions.setStatus(ID, 3))
    for call in (
        s.credits.functions.safeTransferFrom(a.address, b.traders[B].address, ID, 1, b""),
        s.credits.functions.safeTransferFrom(a.address, s.vault.address, ID, 1, b""),
        s.credits.functions.remint(ID, 1),
    ):
        with refused("CreditStatus"):
            send(b, a, call)
    with refused("CreditStatus"):
        send(b, s.roles["VERIFIER"], s.credits.functions.setStatus(ID, 2))
    with refused("CreditStatus"):
        send(b, s.roles["REGULATOR"], s.credits.functions.setStatus(ID, 3))
    with refused("CreditStatus"):  # of an unknown vintage
        send(b, s.roles["REGULATOR"], s.credits.functions.setStatus(98, 3))
    with refused("CreditStatus"):  # frozen is not cancelled
        send(b, s.roles["REGULATOR"], s.credits.functions.cancel(a.address, ID, 1))
    send(b, s.roles["REGULATOR"], s.credits.functions.setStatus(ID, 4))
    with refused("NotAllowed"):
        send(b, a, s.credits.functions.cancel(a.address, ID, 1))
    with refused("CreditZero"):
        send(b, s.roles["REGULATOR"], s.credits.functions.cancel(a.address, ID, 0))
    with refused("CreditStatus"):  # a cancelled vintage cannot be re-minted either
        send(b, a, s.credits.functions.remint(ID, 1))
    send(b, s.roles["REGULATOR"], s.credits.functions.cancel(a.address, ID, 1_000))
    assert s.credits.functions.totals(ID).call() == [1_000, 0, 0, 1_000]
    assert tonnes(b, A) == 0


def test_a_remint_has_a_number_of_its_own_and_needs_tonnes(held):
    b, s = held, held.system
    for amount in (10, 20):
        send(b, b.traders[A], s.credits.functions.remint(ID, amount))
    logs = s.credits.events.Remint().get_logs(from_block=0)
    assert [(log["args"]["request"], log["args"]["amount"]) for log in logs] == [(0, 10), (1, 20)]
    assert s.credits.functions.totals(ID).call() == [1_000, 30, 0, 0]
    with refused("CreditZero"):
        send(b, b.traders[A], s.credits.functions.remint(ID, 0))
    with refused("ERC1155InsufficientBalance"):
        send(b, b.traders[B], s.credits.functions.remint(ID, 1))


def test_pausing_stops_minting_and_reminting_but_not_retiring(held):
    b, s = held, held.system
    a = b.traders[A]
    with refused("AccessControl"):
        send(b, s.roles["REGULATOR"], s.registry.functions.pause())
    send(b, s.roles["PAUSER"], s.registry.functions.pause())
    with refused("IsPaused"):
        mint(b, *changed(b))
    with refused("IsPaused"):
        send(b, a, s.credits.functions.remint(ID, 1))
    send(b, a, s.credits.functions.safeTransferFrom(a.address, s.vault.address, ID, 1, b""))
    assert s.vault.functions.certificates().call() == 1
    with refused("AccessControl"):
        send(b, s.roles["PAUSER"], s.registry.functions.unpause())
    send(b, s.roles["REGULATOR"], s.registry.functions.unpause())
    send(b, a, s.credits.functions.remint(ID, 1))
    assert tonnes(b, A) == 998


def test_the_vault_takes_only_credits_that_somebody_had(held):
    b, s = held, held.system
    a = b.traders[A]
    with refused("VaultWrongToken"):
        send(b, a, s.vault.functions.onERC1155Received(a.address, a.address, ID, 5, b""))
    with refused("VaultWrongToken"):
        send(b, a, s.vault.functions.onERC1155BatchReceived(a.address, a.address, [ID], [5], b""))
    with refused("VaultZero"):
        send(b, a, s.credits.functions.safeTransferFrom(a.address, s.vault.address, ID, 0, b""))
    with refused("VaultNotMinted"):
        mint(b, *changed(b, to=s.vault.address))
    with refused("NotAllowed"):
        send(b, a, s.credits.functions.retire(ID, 1))
    assert (s.vault.functions.certificates().call(), tonnes(b, A)) == (0, 1_000)
    call = s.credits.functions.safeBatchTransferFrom(a.address, s.vault.address, [ID, ID], [3, 4], b"")
    send(b, a, call)
    assert s.vault.functions.certificates().call() == 2
    assert s.credits.functions.totals(ID).call() == [1_000, 0, 7, 0]


def test_a_rendering_is_attached_once_by_the_operator(held):
    b, s = held, held.system
    a = b.traders[A]
    send(b, a, s.credits.functions.safeTransferFrom(a.address, s.vault.address, ID, 5, b""))
    with refused("NotAllowed"):
        send(b, a, s.vault.functions.attach(1, b"\3" * 32))
    for number, digest in ((0, b"\3" * 32), (2, b"\3" * 32), (1, b"\0" * 32)):
        with refused("VaultRendering"):
            send(b, s.roles["OPERATOR"], s.vault.functions.attach(number, digest))
    send(b, s.roles["OPERATOR"], s.vault.functions.attach(1, b"\3" * 32))
    assert s.vault.functions.rendering(1).call() == b"\3" * 32
    with refused("VaultRendering"):
        send(b, s.roles["OPERATOR"], s.vault.functions.attach(1, b"\4" * 32))


def test_a_hostile_receiver_gains_nothing_from_calling_back(held):
    b, s = held, held.system
    hostile = s.chain.deploy(s.admin, "HostileReceiver")
    permit, signature = changed(b, to=hostile.address)
    again = s.credits.encode_abi("mint", [as_given(permit), signature])
    send(b, s.admin, hostile.functions.aim(s.credits.address, again))
    mint(b, permit, signature)
    assert s.credits.functions.balanceOf(hostile.address, ID).call() == 10
    assert hostile.functions.tried().call() == 1
    assert hostile.functions.succeeded().call() == 0
    # From inside the hook it may only spend what it was just paid, and totals follow.
    send(b, s.admin, hostile.functions.aim(s.credits.address, s.credits.encode_abi("remint", [ID, 15])))
    a = b.traders[A]
    send(b, a, s.credits.functions.safeTransferFrom(a.address, hostile.address, ID, 10, b""))
    assert hostile.functions.succeeded().call() == 1
    assert s.credits.functions.balanceOf(hostile.address, ID).call() == 5
    assert s.credits.functions.totals(ID).call() == [1_010, 15, 0, 0]


def test_roles_that_watch_each_other_stay_apart(b):
    from contracts.deploy import role

    s = b.system
    for holder, other in (("ISSUER", "VERIFIER"), ("VERIFIER", "ISSUER"), ("ISSUER", "IDXCARBON"), ("IDXCARBON", "ISSUER"),
                          ("PAUSER", "REGULATOR"), ("REGULATOR", "PAUSER")):  # fmt: skip
        with refused("RegistryRolesConflict"):
            send(b, s.admin, s.registry.functions.grantRole(role(other), s.roles[holder].address))
    with refused("AccessControl"):
        send(b, b.traders[A], s.registry.functions.grantRole(role("ISSUER"), b.traders[A].address))
    with refused("NotAllowed|AccessControl"):
        send(b, b.traders[A], s.registry.functions.setParticipant(b.traders[A].address, b"\1" * 31, True))


def test_the_admin_changes_in_two_steps_with_a_delay(b):
    s, heir = b.system, b.traders[A]
    send(b, s.admin, s.registry.functions.beginDefaultAdminTransfer(heir.address))
    with refused("AccessControl"):
        send(b, heir, s.registry.functions.acceptDefaultAdminTransfer())
    s.chain.advance(2 * 86_400 + 1)
    with refused("AccessControl"):
        send(b, b.traders[B], s.registry.functions.acceptDefaultAdminTransfer())
    send(b, heir, s.registry.functions.acceptDefaultAdminTransfer())
    assert s.registry.functions.defaultAdmin().call() == heir.address


def test_limits_wait_and_stay_in_range(b):
    s, regulator = b.system, b.system.roles["REGULATOR"]
    new = (5, 6, 7, 40, 9)
    with refused("AccessControl"):
        send(b, b.traders[A], s.registry.functions.proposeLimits(new))
    for wrong in ((5, 6, 50_001, 40, 9), (5, 6, 7, 0, 9), (5, 6, 7, 100, 9)):
        with refused("RegistryLimitsOutOfRange"):
            send(b, regulator, s.registry.functions.proposeLimits(wrong))
    with refused("RegistryLimitsNotReady"):
        send(b, regulator, s.registry.functions.applyLimits())
    send(b, regulator, s.registry.functions.proposeLimits(new))
    with refused("RegistryLimitsNotReady"):
        send(b, regulator, s.registry.functions.applyLimits())
    s.chain.advance(2 * 86_400 + 1)
    with refused("AccessControl"):
        send(b, b.traders[A], s.registry.functions.applyLimits())
    send(b, regulator, s.registry.functions.applyLimits())
    assert s.registry.functions.limits().call() == new
    with refused("RegistryLimitsNotReady"):
        send(b, regulator, s.registry.functions.applyLimits())


def test_only_the_issuer_makes_test_rupiah(b):
    s, stranger = b.system, Account.create()
    with refused("NotAllowed"):
        send(b, b.traders[A], s.rupiah.functions.mint(b.traders[A].address, 1))
    send(b, s.roles["ISSUER"], s.rupiah.functions.mint(stranger.address, 7))
    assert s.rupiah.functions.balanceOf(stranger.address).call() == 7
