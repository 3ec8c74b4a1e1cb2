// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Governed} from "./Governed.sol";
import {Registry} from "./Registry.sol";

/// @title UmkmPayments: a small business invoices, a customer pays, the business may refund
contract UmkmPayments is Governed {
    using SafeERC20 for IERC20;

    /// @notice Where an invoice is; it only moves forward.
    enum State { None, Open, Paid, Refunded }

    /// @notice Who is owed how much, and who paid.
    struct Invoice {
        address business;
        State state;
        address payer;
        uint96 idr;
    }

    IERC20 public immutable money;
    uint256 public invoices;
    mapping(uint256 number => Invoice) public invoice;

    event Invoiced(uint256 indexed number, address indexed business, uint96 idr);
    event Paid(uint256 indexed number, address indexed payer, uint96 idr);
    event Refunded(uint256 indexed number, address indexed payer, uint96 idr);

    error Umkm_NothingToDo();
    error Umkm_NotOpen(uint256 number, State state);
    error Umkm_NotPaid(uint256 number, State state);
    error Umkm_NotYours(uint256 number);

    constructor(Registry registry_, IERC20 money_) Governed(registry_) {
        money = money_;
    }

    /// @notice Ask for money.
    function issue(uint96 idr) external running returns (uint256 number) {
        if (idr == 0) revert Umkm_NothingToDo();
        number = ++invoices;
        invoice[number] = Invoice(msg.sender, State.Open, address(0), idr);
        emit Invoiced(number, msg.sender, idr);
    }

    /// @notice Pay an open invoice; the event is the receipt.
    function pay(uint256 number) external running {
        Invoice storage i = invoice[number];
        if (i.state != State.Open) revert Umkm_NotOpen(number, i.state);
        (i.state, i.payer) = (State.Paid, msg.sender);
        emit Paid(number, msg.sender, i.idr);
        money.safeTransferFrom(msg.sender, i.business, i.idr);
    }

    /// @notice Give it back, once. Only the business that invoiced.
    function refund(uint256 number) external running {
        Invoice storage i = invoice[number];
        if (i.state != State.Paid) revert Umkm_NotPaid(number, i.state);
        if (i.business != msg.sender) revert Umkm_NotYours(number);
        i.state = State.Refunded;
        emit Refunded(number, i.payer, i.idr);
        money.safeTransferFrom(msg.sender, i.payer, i.idr);
    }
}
