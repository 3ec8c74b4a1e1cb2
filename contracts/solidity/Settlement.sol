// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {CarbonCredit} from "./CarbonCredit.sol";
import {Guarded} from "./Guarded.sol";
import {Registry} from "./Registry.sol";

/// @title Settles trades matched off-chain: each fill within both signed orders, credits against rupiah at once.
/// @notice A batch beyond a signature's limits reverts whole. A fill that market protection stops, or whose traders
/// cannot deliver, is skipped, said so in an event, and leaves its orders as they were.
contract Settlement is EIP712, ReentrancyGuardTransient, Guarded {
    using SafeERC20 for IERC20;

    /// @notice What a trader signs. Eight nonces in a row share a word of storage: counting up is the cheapest.
    struct Order {
        address trader;
        uint256 id;
        bool sells;
        uint32 quantity;
        uint64 limitPrice;
        uint64 nonce;
        uint64 expiry;
    }

    /// @notice One trade: orders by their places in the batch, tonnes, rupiah a tonne.
    struct Fill {
        uint16 buy;
        uint16 sell;
        uint32 quantity;
        uint64 price;
    }

    /// @notice A vintage's market: yesterday's last price, today's last, day number, today's tonnes, halt's end.
    struct Market {
        uint64 referencePrice;
        uint64 lastPrice;
        uint32 day;
        uint64 volume;
        uint32 haltedUntil;
    }

    /// @notice Why a fill was skipped.
    enum Skip { None, Halted, PriceMove, DailyCap, Unverified, WashTrade, NoReference, Transfer }

    bytes32 private constant _ORDER = keccak256(
        "Order(address trader,uint256 id,bool sells,uint32 quantity,uint64 limitPrice,uint64 nonce,uint64 expiry)"
    );
    /// @notice Gas that one exchange may use: a hostile receiver cannot eat the batch's.
    uint256 public constant FILL_GAS = 300_000;
    CarbonCredit public immutable CREDITS;
    IERC20 public immutable RUPIAH;
    /// @notice Who gets the fees.
    address public immutable TREASURY;
    /// @notice Batches settled so far; the next must carry this number, so that none settles twice.
    uint256 public batches;
    /// @notice Chain of the digests of the receipts behind every batch.
    bytes32 public anchor;
    mapping(uint256 id => Market) public market;
    mapping(address trader => mapping(uint256 word => uint256)) private _filled;

    error SettlementBatch(uint256 expected);
    error SettlementSignature(uint256 order);
    error SettlementExpired(uint256 order);
    error SettlementLimit(uint256 fill);
    error SettlementOverfilled(uint256 fill);
    error SettlementMismatch(uint256 fill);
    error SettlementSelf();
    error SettlementReference(uint256 id);

    event Traded(
        uint256 indexed id, address indexed buyer, address indexed seller, uint256 quantity, uint256 price, uint256 fee
    );
    event Skipped(uint256 indexed batch, uint256 indexed fill, Skip why, bytes reason);
    event Halted(uint256 indexed id, uint256 price, uint256 referencePrice, uint256 until);
    event OrderCancelled(address indexed trader, uint256 nonce);
    event ReferenceSet(uint256 indexed id, uint256 price);
    event BatchSettled(uint256 indexed batch, bytes32 receipts, bytes32 anchor);

    /// @param registry Roles and limits. @param credits What is traded. @param rupiah Paid in. @param treasury Fees.
    constructor(Registry registry, CarbonCredit credits, IERC20 rupiah, address treasury)
        EIP712("Settlement", "1")
        Guarded(registry)
    {
        (CREDITS, RUPIAH, TREASURY) = (credits, rupiah, treasury);
    }

    /// @notice Give a vintage its first reference price; later ones are the market's own closes.
    function setReference(uint256 id, uint64 price) external only(REGISTRY.REGULATOR()) {
        if (price == 0 || market[id].referencePrice != 0) revert SettlementReference(id);
        market[id] = Market(price, price, uint32(block.timestamp / 1 days), 0, 0);
        emit ReferenceSet(id, price);
    }

    /// @notice Void one's own order whatever is left of it.
    function cancelOrder(uint64 nonce) external {
        _filled[msg.sender][nonce >> 3] |= uint256(type(uint32).max) << ((nonce & 7) * 32);
        emit OrderCancelled(msg.sender, nonce);
    }

    /// @notice Tonnes of an order that are filled; 2**32 - 1 where it was cancelled.
    function filled(address trader, uint64 nonce) public view returns (uint256) {
        return uint32(_filled[trader][nonce >> 3] >> ((nonce & 7) * 32));
    }

    /// @notice Settle a batch. `signatures` are 65 bytes an order; `receipts` is the digest of the matching's receipts.
    function settle(
        uint256 batch, Order[] calldata orders, bytes calldata signatures, Fill[] calldata fills, bytes32 receipts
    ) external nonReentrant running only(REGISTRY.OPERATOR()) {
        if (batch != batches) revert SettlementBatch(batches);
        batches = batch + 1;
        anchor = keccak256(abi.encode(anchor, receipts));
        for (uint256 i; i < orders.length; ++i) _checkSigned(orders[i], signatures, i);
        Registry.Limits memory limits = REGISTRY.limits();
        for (uint256 i; i < fills.length; ++i) {
            Fill calldata f = fills[i];
            Order calldata buy = orders[f.buy];
            Order calldata sell = orders[f.sell];
            _checkLimits(buy, sell, f, i);
            (Skip why, bytes memory reason) = _try(buy, sell, f, limits);
            if (why != Skip.None) emit Skipped(batch, i, why, reason);
        }
        emit BatchSettled(batch, receipts, anchor);
    }

    /// @notice Credits against rupiah, both or none; only this contract calls it, so that one fill can fail alone.
    function exchange(address buyer, address seller, uint256 id, uint256 quantity, uint256 value, uint256 fee) external {
        if (msg.sender != address(this)) revert SettlementSelf();
        RUPIAH.safeTransferFrom(buyer, seller, value - fee);
        if (fee != 0) RUPIAH.safeTransferFrom(buyer, TREASURY, fee);
        CREDITS.safeTransferFrom(seller, buyer, id, quantity, "");
    }

    /// @dev The order was signed by its trader and has not expired.
    function _checkSigned(Order calldata o, bytes calldata signatures, uint256 i) private view {
        if (block.timestamp > o.expiry) revert SettlementExpired(i);
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(_ORDER, o.trader, o.id, o.sells, o.quantity, o.limitPrice, o.nonce, o.expiry))
        );
        (address signer, ECDSA.RecoverError e,) = ECDSA.tryRecoverCalldata(digest, signatures[i * 65:(i + 1) * 65]);
        if (e != ECDSA.RecoverError.NoError || signer != o.trader) revert SettlementSignature(i);
    }

    /// @dev The fill is of these two orders and within what both signed.
    function _checkLimits(Order calldata buy, Order calldata sell, Fill calldata f, uint256 i) private view {
        if (buy.sells || !sell.sells || buy.id != sell.id || f.quantity == 0) revert SettlementMismatch(i);
        if (f.price > buy.limitPrice || f.price < sell.limitPrice || f.price == 0) revert SettlementLimit(i);
        if (
            filled(buy.trader, buy.nonce) + f.quantity > buy.quantity
                || filled(sell.trader, sell.nonce) + f.quantity > sell.quantity
        ) revert SettlementOverfilled(i);
    }

    /// @dev Market protection, then the exchange; effects are written before it and taken back where it fails.
    function _try(Order calldata buy, Order calldata sell, Fill calldata f, Registry.Limits memory limits)
        private
        returns (Skip, bytes memory)
    {
        Market memory m = market[buy.id];
        if (m.referencePrice == 0) return (Skip.NoReference, "");
        uint32 today = uint32(block.timestamp / 1 days);
        if (m.day != today) (m.referencePrice, m.day, m.volume) = (m.lastPrice, today, 0);
        if (block.timestamp < m.haltedUntil) return (Skip.Halted, "");
        uint256 move = f.price > m.referencePrice ? f.price - m.referencePrice : m.referencePrice - f.price;
        if (move * 100 > uint256(m.referencePrice) * limits.breakerPercent) {
            m.haltedUntil = uint32(block.timestamp) + limits.haltSeconds;
            market[buy.id] = m;
            emit Halted(buy.id, f.price, m.referencePrice, m.haltedUntil);
            return (Skip.PriceMove, "");
        }
        if (m.volume + f.quantity > limits.dailyCap) return (Skip.DailyCap, "");
        (bytes31 buyer, bytes31 seller, bool verified) = REGISTRY.pair(buy.trader, sell.trader);
        if (buyer == seller) return (Skip.WashTrade, "");
        if (f.quantity > limits.largeTrade && !verified) return (Skip.Unverified, "");
        uint256 value = uint256(f.quantity) * f.price;
        uint256 fee = value * limits.feePpm / 1e6;
        _count(buy, f.quantity);
        _count(sell, f.quantity);
        try this.exchange{gas: FILL_GAS}(buy.trader, sell.trader, buy.id, f.quantity, value, fee) {
            (m.lastPrice, m.volume) = (f.price, m.volume + f.quantity);
            market[buy.id] = m;
            emit Traded(buy.id, buy.trader, sell.trader, f.quantity, f.price, fee);
            return (Skip.None, "");
        } catch (bytes memory reason) {
            _uncount(buy, f.quantity);
            _uncount(sell, f.quantity);
            return (Skip.Transfer, reason);
        }
    }

    /// @dev Add to what is filled of an order; it stays below 2**32 because the order's quantity does.
    function _count(Order calldata o, uint256 quantity) private {
        _filled[o.trader][o.nonce >> 3] += quantity << ((o.nonce & 7) * 32);
    }

    /// @dev Take it back.
    function _uncount(Order calldata o, uint256 quantity) private {
        _filled[o.trader][o.nonce >> 3] -= quantity << ((o.nonce & 7) * 32);
    }
}
