// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {CarbonCredit} from "./CarbonCredit.sol";
import {Governed} from "./Governed.sol";
import {Registry} from "./Registry.sol";

/// @title Settlement: trades matched elsewhere change hands here, credits against money, within both signed limits
/// @notice The operator chooses fills; what it cannot do is exceed an order, a limit of the registry or a halt.
contract Settlement is EIP712, ReentrancyGuardTransient, Governed {
    using SafeERC20 for IERC20;

    bytes32 public constant ORDER = keccak256(
        "Order(address trader,bool buy,uint256 id,uint64 limitIdr,uint32 tco2e,uint64 nonce,uint40 expiry)"
    );
    uint256 private constant PER_SLOT = 8;

    /// @notice One side's signed order; vintage and side come from the fill. Orders with one nonce share one amount.
    struct Order {
        address trader;
        uint64 limitIdr;
        uint32 tco2e;
        uint64 nonce;
        uint40 expiry;
        bytes32 r;
        bytes32 vs;
    }

    /// @notice A trade: both orders, what it costs a tonne, how many tonnes.
    struct Fill {
        uint256 id;
        uint64 priceIdr;
        uint32 tco2e;
        Order buy;
        Order sell;
    }

    /// @notice A vintage's prices: the day's reference, the last, of which day; until when it is halted.
    struct Market {
        uint64 referenceIdr;
        uint64 lastIdr;
        uint32 day;
        uint40 haltedUntil;
    }

    /// @notice The registry's limits as read once a batch.
    struct Limits {
        uint256 dailyTco2e;
        uint256 largeTco2e;
        uint256 haltBp;
        uint256 haltS;
        uint256 feeBp;
    }

    CarbonCredit public immutable credit;
    IERC20 public immutable money;
    address public immutable treasury;
    uint256 public batches;
    mapping(uint256 id => Market) public market;
    mapping(uint256 day => uint256) public volume;
    mapping(uint256 batch => bytes32) public anchored;
    mapping(address trader => mapping(uint256 slot => uint256)) private _filled;

    event Settled(
        uint256 indexed batch, uint256 indexed id, address buyer, address seller, uint64 priceIdr, uint32 tco2e, uint256 feeIdr
    );
    event Skipped(uint256 indexed batch, uint256 index, bytes reason);
    event Halted(uint256 indexed id, uint64 referenceIdr, uint64 priceIdr, uint40 until);
    event Anchored(uint256 indexed batch, bytes32 receipts, uint256 fills);
    event ReferenceSet(uint256 indexed id, uint64 idr);
    event OrderCancelled(address indexed trader, uint64 nonce);

    error Settlement_NotItself();
    error Settlement_WrongBatch(uint256 expected, uint256 given);
    error Settlement_NoReference(uint256 id);
    error Settlement_ReferenceSet(uint256 id);
    error Settlement_Halted(uint256 id, uint40 until);
    error Settlement_PriceJump(uint64 referenceIdr, uint64 priceIdr);
    error Settlement_Expired(address trader, uint40 expiry);
    error Settlement_BadSignature(address trader);
    error Settlement_OutsideLimit(address trader, uint64 limitIdr, uint64 priceIdr);
    error Settlement_OverFilled(address trader, uint64 nonce, uint256 left);
    error Settlement_WashTrade(address buyer, address seller);
    error Settlement_UnknownTrader(address trader);
    error Settlement_NeedsVerified(address trader, uint32 tco2e);
    error Settlement_DailyVolume(uint256 left, uint32 tco2e);
    error Settlement_NothingToDo();

    constructor(Registry registry_, CarbonCredit credit_, IERC20 money_, address treasury_)
        EIP712("Settlement", "1")
        Governed(registry_)
    {
        credit = credit_;
        money = money_;
        treasury = treasury_;
    }

    /// @notice The first price against which jumps are judged. Once a vintage, by the regulator.
    function setReference(uint256 id, uint64 idr) external only(registry.REGULATOR()) {
        if (idr == 0) revert Settlement_NothingToDo();
        if (market[id].referenceIdr != 0) revert Settlement_ReferenceSet(id);
        market[id] = Market(idr, idr, today(), 0);
        emit ReferenceSet(id, idr);
    }

    /// @notice Settle a batch. A fill that is not allowed is skipped and says why; the others go on.
    /// @param batch its number, the next one: a batch that is sent again is refused
    /// @param receipts digest of the signed, sequenced receipts from which the matching can be replayed
    function settle(uint256 batch, Fill[] calldata fills, bytes32 receipts)
        external
        nonReentrant
        running
        only(registry.OPERATOR())
    {
        if (batch != batches + 1) revert Settlement_WrongBatch(batches + 1, batch);
        batches = batch;
        anchored[batch] = receipts;
        Limits memory limits = _limits();
        uint256 feesIdr = 0;
        for (uint256 i = 0; i < fills.length; ++i) {
            if (_breaks(fills[i], limits)) {
                emit Skipped(batch, i, abi.encodeWithSelector(Settlement_PriceJump.selector, market[fills[i].id].referenceIdr, fills[i].priceIdr));
                continue;
            }
            try this.settleOne(batch, fills[i], limits) returns (uint256 feeIdr) {
                feesIdr += feeIdr;
            } catch (bytes memory reason) {
                emit Skipped(batch, i, reason);
            }
        }
        if (feesIdr > 0) money.safeTransfer(treasury, feesIdr);
        emit Anchored(batch, receipts, fills.length);
    }

    /// @notice One fill, whole or not at all; only called by `settle`.
    function settleOne(uint256 batch, Fill calldata fill, Limits calldata limits) external returns (uint256 feesIdr) {
        if (msg.sender != address(this)) revert Settlement_NotItself();
        if (fill.tco2e == 0) revert Settlement_NothingToDo();
        Market storage m = market[fill.id];
        if (m.referenceIdr == 0) revert Settlement_NoReference(fill.id);
        if (block.timestamp < m.haltedUntil) revert Settlement_Halted(fill.id, m.haltedUntil);
        _checkParties(fill, limits);
        if (fill.priceIdr > fill.buy.limitIdr) {
            revert Settlement_OutsideLimit(fill.buy.trader, fill.buy.limitIdr, fill.priceIdr);
        }
        if (fill.priceIdr < fill.sell.limitIdr) {
            revert Settlement_OutsideLimit(fill.sell.trader, fill.sell.limitIdr, fill.priceIdr);
        }
        _checkOrder(fill.buy, true, fill.id, fill.tco2e);
        _checkOrder(fill.sell, false, fill.id, fill.tco2e);
        uint32 day = today();
        uint256 left = limits.dailyTco2e - _min(limits.dailyTco2e, volume[day]);
        if (fill.tco2e > left) revert Settlement_DailyVolume(left, fill.tco2e);
        volume[day] += fill.tco2e;
        m.lastIdr = fill.priceIdr;
        uint256 valueIdr = uint256(fill.priceIdr) * fill.tco2e;
        uint256 feeIdr = valueIdr * limits.feeBp / 10_000; // rounded down, each side the same
        money.safeTransferFrom(fill.buy.trader, address(this), valueIdr + feeIdr);
        money.safeTransfer(fill.sell.trader, valueIdr - feeIdr);
        credit.safeTransferFrom(fill.sell.trader, fill.buy.trader, fill.id, fill.tco2e, "");
        emit Settled(batch, fill.id, fill.buy.trader, fill.sell.trader, fill.priceIdr, fill.tco2e, feeIdr);
        return 2 * feeIdr;
    }

    /// @notice Void every order of one's own with this nonce.
    function cancel(uint64 nonce) external {
        _setFilled(msg.sender, nonce, type(uint32).max);
        emit OrderCancelled(msg.sender, nonce);
    }

    /// @notice Tonnes filled of a trader's nonce; 2^32 - 1 where it was cancelled.
    function filled(address trader, uint64 nonce) public view returns (uint256) {
        return uint32(_filled[trader][nonce / PER_SLOT] >> (nonce % PER_SLOT * 32));
    }

    /// @notice The day in Jakarta.
    function today() public view returns (uint32) {
        return uint32((block.timestamp + 7 hours) / 1 days);
    }

    /// @dev Whether this price halts the vintage; keeps reference and halt, which a revert would forget.
    function _breaks(Fill calldata fill, Limits memory limits) private returns (bool) {
        Market storage m = market[fill.id];
        if (m.referenceIdr == 0 || block.timestamp < m.haltedUntil) return false; // settleOne says why
        uint32 day = today();
        if (m.day != day) (m.day, m.referenceIdr) = (day, m.lastIdr);
        uint256 usual = m.referenceIdr;
        uint256 gap = fill.priceIdr > usual ? fill.priceIdr - usual : usual - fill.priceIdr;
        if (gap * 10_000 < usual * limits.haltBp || !_signed(fill)) return false;
        m.haltedUntil = uint40(block.timestamp + limits.haltS);
        emit Halted(fill.id, uint64(usual), fill.priceIdr, m.haltedUntil);
        return true;
    }

    /// @dev Both orders exist and allow the price: an invented fill cannot halt a market (settleOne then refuses it).
    function _signed(Fill calldata fill) private view returns (bool) {
        return _by(fill.buy, true, fill.id) && _by(fill.sell, false, fill.id)
            && fill.priceIdr <= fill.buy.limitIdr && fill.priceIdr >= fill.sell.limitIdr;
    }

    function _checkParties(Fill calldata fill, Limits calldata limits) private view {
        (uint248 buyer, bool buyerVerified) = registry.party(fill.buy.trader);
        (uint248 seller, bool sellerVerified) = registry.party(fill.sell.trader);
        if (buyer == 0) revert Settlement_UnknownTrader(fill.buy.trader);
        if (seller == 0) revert Settlement_UnknownTrader(fill.sell.trader);
        if (buyer == seller) revert Settlement_WashTrade(fill.buy.trader, fill.sell.trader);
        if (fill.tco2e >= limits.largeTco2e) {
            if (!buyerVerified) revert Settlement_NeedsVerified(fill.buy.trader, fill.tco2e);
            if (!sellerVerified) revert Settlement_NeedsVerified(fill.sell.trader, fill.tco2e);
        }
    }

    function _checkOrder(Order calldata order, bool buy, uint256 id, uint32 tco2e) private {
        if (block.timestamp > order.expiry) revert Settlement_Expired(order.trader, order.expiry);
        if (!_by(order, buy, id)) revert Settlement_BadSignature(order.trader);
        uint256 done = filled(order.trader, order.nonce);
        uint256 left = order.tco2e - _min(order.tco2e, done);
        if (tco2e > left) revert Settlement_OverFilled(order.trader, order.nonce, left);
        _setFilled(order.trader, order.nonce, uint32(done + tco2e));
    }

    function _by(Order calldata o, bool buy, uint256 id) private view returns (bool) {
        bytes32 hash = keccak256(abi.encode(ORDER, o.trader, buy, id, o.limitIdr, o.tco2e, o.nonce, o.expiry));
        (address signer, ECDSA.RecoverError error_,) = ECDSA.tryRecover(_hashTypedDataV4(hash), o.r, o.vs);
        return error_ == ECDSA.RecoverError.NoError && signer == o.trader;
    }

    function _setFilled(address trader, uint64 nonce, uint32 tco2e) private {
        uint256 shift = nonce % PER_SLOT * 32;
        uint256 slot = _filled[trader][nonce / PER_SLOT];
        _filled[trader][nonce / PER_SLOT] = (slot & ~(uint256(type(uint32).max) << shift)) | (uint256(tco2e) << shift);
    }

    function _limits() private view returns (Limits memory) {
        return Limits(
            registry.limit(registry.DAILY_TCO2E()), registry.limit(registry.LARGE_TCO2E()),
            registry.limit(registry.HALT_BP()), registry.limit(registry.HALT_S()), registry.limit(registry.FEE_BP())
        );
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
