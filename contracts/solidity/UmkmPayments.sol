// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Guarded} from "./Guarded.sol";
import {Registry} from "./Registry.sol";

/// @title Small businesses' invoices: written, paid once, receipted, and refunded at most for what was paid.
contract UmkmPayments is Guarded {
    using SafeERC20 for IERC20;

    /// @notice One invoice; `payer` is nobody until it is paid.
    struct Invoice {
        address merchant;
        address payer;
        uint128 amount;
        uint128 refunded;
        uint64 expiry;
        bytes32 documentSha256;
    }

    IERC20 public immutable RUPIAH;
    uint256 public invoices;
    mapping(uint256 number => Invoice) public invoice;

    error InvoiceUnknown(uint256 number);
    error InvoicePaid(uint256 number);
    error InvoiceExpired(uint256 number);
    error InvoiceRefund(uint256 number);
    error InvoiceZero();

    event Invoiced(uint256 indexed number, address indexed merchant, uint256 amount);
    event Paid(uint256 indexed number, address indexed payer, uint256 amount);
    event Refunded(uint256 indexed number, address indexed payer, uint256 amount);

    /// @param registry Roles. @param rupiah Paid in.
    constructor(Registry registry, IERC20 rupiah) Guarded(registry) {
        RUPIAH = rupiah;
    }

    /// @notice Write an invoice.
    function write(uint128 amount, uint64 expiry, bytes32 documentSha256) external returns (uint256 number) {
        if (amount == 0) revert InvoiceZero();
        number = invoices++;
        invoice[number] = Invoice(msg.sender, address(0), amount, 0, expiry, documentSha256);
        emit Invoiced(number, msg.sender, amount);
    }

    /// @notice Pay an invoice; the event is the receipt.
    function pay(uint256 number) external running {
        Invoice storage i = invoice[number];
        if (i.merchant == address(0)) revert InvoiceUnknown(number);
        if (i.payer != address(0)) revert InvoicePaid(number);
        if (block.timestamp > i.expiry) revert InvoiceExpired(number);
        i.payer = msg.sender;
        emit Paid(number, msg.sender, i.amount);
        RUPIAH.safeTransferFrom(msg.sender, i.merchant, i.amount);
    }

    /// @notice Give a payer back a part or all of what it paid.
    function refund(uint256 number, uint128 amount) external running {
        Invoice storage i = invoice[number];
        if (msg.sender != i.merchant || i.payer == address(0) || amount == 0 || amount > i.amount - i.refunded) {
            revert InvoiceRefund(number);
        }
        i.refunded += amount;
        emit Refunded(number, i.payer, amount);
        RUPIAH.safeTransferFrom(msg.sender, i.payer, amount);
    }
}
