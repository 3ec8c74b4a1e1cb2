// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {CarbonCredit} from "../solidity/CarbonCredit.sol";
import {Settlement} from "../solidity/Settlement.sol";
import {Fixture} from "./Fixture.sol";

/// @title Random steps of everybody, and what they should have moved, counted aside.
contract Handler is Fixture {
    uint256 public minted;
    uint256 public retired;
    uint256 public reminted;
    uint256 public cancelled;
    uint256 public rupiahMinted;
    uint256 public fees;
    uint256 public fills;
    bool public broken;
    uint64 private _nonce;
    uint256 private _locks;
    bytes32 private _oldLock;
    mapping(uint64 nonce => uint256) public quantityOf;
    mapping(uint64 nonce => address) public traderOf;
    uint64[] public nonces;

    constructor() {
        deploy();
        for (uint256 i; i < 3; ++i) {
            address t = traders[i];
            VM.prank(ISSUER);
            rupiah.mint(t, 1e13);
            rupiahMinted += 1e13;
            VM.prank(t);
            rupiah.approve(address(settlement), type(uint256).max);
            VM.prank(t);
            credits.setApprovalForAll(address(settlement), true);
            mint(t, 500, keccak256(abi.encode("start", i)));
            minted += 500;
        }
    }

    /// @dev Mint, or try a permit of before once more.
    function mintStep(uint256 who, uint256 amount, bool again) external {
        amount = amount % 200 + 1;
        bytes32 lock = again && _oldLock != 0 ? _oldLock : keccak256(abi.encode("lock", _locks++));
        mint(traders[who % 3], amount, lock);
        if (lock == _oldLock) broken = true;
        _oldLock = lock;
        minted += amount;
    }

    function transferStep(uint256 from, uint256 to, uint256 amount) external {
        address a = traders[from % 3];
        address b = traders[to % 3];
        VM.prank(a);
        credits.safeTransferFrom(a, b, ID, amount % 400, "");
    }

    function retireStep(uint256 who, uint256 amount) external {
        address a = traders[who % 3];
        amount = amount % 400;
        VM.prank(a);
        credits.safeTransferFrom(a, address(vault), ID, amount, "");
        retired += amount;
    }

    function remintStep(uint256 who, uint256 amount) external {
        amount = amount % 400;
        VM.prank(traders[who % 3]);
        credits.remint(ID, amount);
        reminted += amount;
    }

    /// @dev Seldom: nothing moves afterwards but what the regulator voids.
    function cancelStep(uint256 who, uint256 amount, uint256 dice) external {
        if (dice % 64 == 0 && credits.status(ID) != CarbonCredit.Status.Cancelled) {
            VM.prank(REGULATOR);
            credits.setStatus(ID, dice % 128 == 0 ? CarbonCredit.Status.Cancelled : CarbonCredit.Status.Frozen);
        }
        amount = amount % 400;
        address a = traders[who % 3];
        VM.prank(REGULATOR);
        credits.cancel(a, ID, amount);
        cancelled += amount;
    }

    function pauseStep(uint256 dice) external {
        VM.prank(dice % 8 == 0 ? PAUSER : REGULATOR);
        dice % 8 == 0 ? registry.pause() : registry.unpause();
    }

    function ownerStep(uint256 who, uint256 owner, bool verified) external {
        address a = traders[who % 3];
        VM.prank(VERIFIER);
        registry.setParticipant(a, bytes31(keccak256(abi.encode(owner % 4))), verified);
    }

    function waitStep(uint256 seconds_) external {
        VM.warp(block.timestamp + seconds_ % 40 hours);
    }

    /// @dev One order a side and a fill of them. `dice` decides, seldom, to fill them twice, to let them expire, or to
    /// take a price outside their limits. What the step moved is checked on the spot.
    function settleStep(uint256 pair, uint256 quantity, uint256 price, uint256 room, uint256 dice) external {
        bool twice = dice % 8 == 1;
        bool stale = dice % 8 == 2;
        uint256 seller = (pair / 3) % 3;
        Settlement.Order[] memory orders = new Settlement.Order[](2);
        quantity = quantity % 150 + 1;
        price = 40_000 + price % 130_000;
        orders[0] = _order(traders[pair % 3], false, quantity, price + room % 5_000, stale);
        orders[1] = _order(traders[seller], true, quantity, price - room % 7_000, stale);
        if (dice % 8 == 3) price += 2_500;
        if (dice % 8 == 4) price -= 3_500;
        Settlement.Fill[] memory f = new Settlement.Fill[](twice ? 2 : 1);
        for (uint256 i; i < f.length; ++i) f[i] = Settlement.Fill(0, 1, uint32(quantity), uint64(price));
        bytes memory signed = abi.encodePacked(
            signature(traderKeys[pair % 3], orderDigest(orders[0])), signature(traderKeys[seller], orderDigest(orders[1]))
        );
        uint256 before = credits.balanceOf(orders[0].trader, ID);
        uint256 held = rupiah.balanceOf(TREASURY);
        uint256 number = settlement.batches();
        VM.prank(OPERATOR);
        settlement.settle(number, orders, signed, f, bytes32(uint256(1)));
        uint256 got = credits.balanceOf(orders[0].trader, ID) - before;
        uint256 fee = rupiah.balanceOf(TREASURY) - held;
        if (price > orders[0].limitPrice || price < orders[1].limitPrice || stale || registry.paused()) broken = true;
        if (got != 0 && got != quantity) broken = true;
        if (got == 0 ? fee != 0 : fee != quantity * price * 1_000 / 1e6) broken = true;
        if (got != 0) fills += 1;
        fees += fee;
    }

    function _order(address who, bool sells, uint256 quantity, uint256 limit, bool stale)
        private
        returns (Settlement.Order memory)
    {
        uint64 expiry = uint64(stale ? block.timestamp - 1 : block.timestamp + 1 hours);
        (quantityOf[_nonce], traderOf[_nonce]) = (quantity, who);
        nonces.push(_nonce);
        return Settlement.Order(who, ID, sells, uint32(quantity), uint64(limit), _nonce++, expiry);
    }

    function inCirculation() external view returns (uint256 sum) {
        for (uint256 i; i < 3; ++i) sum += credits.balanceOf(traders[i], ID);
    }

    function rupiahHeld() external view returns (uint256 sum) {
        for (uint256 i; i < 3; ++i) sum += rupiah.balanceOf(traders[i]);
        sum += rupiah.balanceOf(TREASURY);
    }

    function treasury() external view returns (uint256) {
        return rupiah.balanceOf(TREASURY);
    }

    function totals() external view returns (uint256, uint256, uint256, uint256) {
        return credits.totals(ID);
    }

    function certified() external view returns (uint256 sum) {
        for (uint256 i = 1; i <= vault.certificates(); ++i) sum += vault.retirement(i).amount;
    }

    function overfilled() external view returns (bool) {
        for (uint256 i; i < nonces.length; ++i) {
            if (settlement.filled(traderOf[nonces[i]], nonces[i]) > quantityOf[nonces[i]]) return true;
        }
        return false;
    }
}

/// @title What holds after any steps: `forge test`.
contract InvariantsTest {
    Handler private _handler;

    function setUp() external {
        _handler = new Handler();
    }

    /// @dev Only the handler is called.
    function targetContracts() external view returns (address[] memory found) {
        found = new address[](1);
        found[0] = address(_handler);
    }

    function invariant_tonnesAreConserved() external view {
        (uint256 minted, uint256 reminted, uint256 retired, uint256 cancelled) = _handler.totals();
        require(minted == _handler.inCirculation() + reminted + retired + cancelled, "conservation");
        require(minted == _handler.minted() && reminted == _handler.reminted(), "minted or re-minted");
        require(retired == _handler.retired() && cancelled == _handler.cancelled(), "retired or cancelled");
    }

    function invariant_everyRetiredTonneHasOneCertificate() external view {
        require(_handler.certified() == _handler.retired(), "certificates");
    }

    function invariant_rupiahAreConservedAndFeesAddUp() external view {
        require(_handler.rupiahHeld() == _handler.rupiahMinted(), "rupiah");
        require(_handler.treasury() == _handler.fees(), "fees");
    }

    function invariant_noOrderIsFilledBeyondItsQuantityOrOutsideItsLimits() external view {
        require(!_handler.broken(), "a step did what it must not");
        require(!_handler.overfilled(), "overfilled");
    }

    /// @dev Fails where the steps never trade: then the other invariants would say nothing about settlement.
    function test_theStepsTrade() external {
        _handler.settleStep(0, 10, 60_000, 0, 0);
        require(_handler.fills() == 0, "a wash trade of one trader");
        _handler.settleStep(1, 10, 60_000, 0, 0);
        require(_handler.fills() == 1, "a trade");
    }
}
