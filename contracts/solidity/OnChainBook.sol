// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {CarbonCredit} from "./CarbonCredit.sol";

/// @title A book whose matching is on the chain: never deployed, only measured beside Settlement.
/// @notice Sell orders of one vintage in a list sorted by price, then time; a buyer takes from its head.
contract OnChainBook {
    using SafeERC20 for IERC20;

    /// @notice A resting sell order and the one behind it.
    struct Ask {
        address seller;
        uint64 price;
        uint32 quantity;
        uint256 next;
    }

    CarbonCredit public immutable CREDITS;
    IERC20 public immutable RUPIAH;
    uint256 public immutable ID;
    /// @notice First order of the list; 0 where it is empty.
    uint256 public head;
    uint256 private _last;
    mapping(uint256 order => Ask) public asks;

    error BookZero();

    event Placed(uint256 indexed order, address indexed seller, uint256 price, uint256 quantity);
    event Traded(uint256 indexed order, address indexed buyer, uint256 price, uint256 quantity);

    /// @param credits What is traded. @param rupiah Paid in. @param id The vintage.
    constructor(CarbonCredit credits, IERC20 rupiah, uint256 id) {
        (CREDITS, RUPIAH, ID) = (credits, rupiah, id);
    }

    /// @notice Rest a sell order behind those of the same price.
    function place(uint64 price, uint32 quantity) external {
        if (price == 0 || quantity == 0) revert BookZero();
        uint256 order = ++_last;
        uint256 before;
        uint256 behind = head;
        while (behind != 0 && asks[behind].price <= price) (before, behind) = (behind, asks[behind].next);
        asks[order] = Ask(msg.sender, price, quantity, behind);
        if (before == 0) head = order;
        else asks[before].next = order;
        emit Placed(order, msg.sender, price, quantity);
    }

    /// @notice Buy up to a quantity at a price or better; what finds nobody is dropped.
    function take(uint64 limitPrice, uint32 quantity) external {
        while (quantity != 0 && head != 0) {
            Ask memory best = asks[head];
            if (best.price > limitPrice) return;
            uint32 part = quantity < best.quantity ? quantity : best.quantity;
            uint256 order = head;
            if (part == best.quantity) {
                head = best.next;
                delete asks[order];
            } else {
                asks[order].quantity = best.quantity - part;
            }
            quantity -= part;
            emit Traded(order, msg.sender, best.price, part);
            RUPIAH.safeTransferFrom(msg.sender, best.seller, uint256(best.price) * part);
            CREDITS.safeTransferFrom(best.seller, msg.sender, ID, part, "");
        }
    }
}
